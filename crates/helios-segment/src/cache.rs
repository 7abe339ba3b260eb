//! What was read of segments lately, bounded in bytes.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

const SHARDS: usize = 16;
/// Keys noted in a shard.
const NOTED: usize = 4096;
/// What an entry costs beside what its owner says, roughly.
const OVERHEAD: usize = 96;

/// A cache that forgets what was not used for longest, roughly: two generations, of which what is used
/// moves to the young one; when that is full, the old one goes.
///
/// `V` is cheap to clone.
pub struct Cache<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    hasher: BuildHasherDefault<Mix>,
    /// Bytes of one generation of one shard.
    generation: usize,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Shard<K, V> {
    young: HashMap<K, (V, usize), BuildHasherDefault<Mix>>,
    old: HashMap<K, (V, usize), BuildHasherDefault<Mix>>,
    young_bytes: usize,
    old_bytes: usize,
    /// Keys that were noted of late, by a byte of their hash where other bits of it say; the next one
    /// there replaces it.
    noted: Box<[u8]>,
}

/// Mixes numbers, of which keys are made here: nobody chooses them to collide.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        // Both ends are used: by the table and for the shard.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }
}

/// What a cache is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// Bytes that it holds.
    pub bytes: u64,
    /// Looks that found something.
    pub hits: u64,
    /// Looks in vain.
    pub misses: u64,
}

impl<K: Copy + Eq + Hash, V: Clone> Cache<K, V> {
    /// Of so many bytes; 0 keeps nothing.
    pub fn new(bytes: usize) -> Self {
        Self::with_shards(bytes, SHARDS)
    }

    /// As [`Cache::new`] for large things: of fewer shards each may be larger.
    pub fn with_shards(bytes: usize, shards: usize) -> Self {
        let shards = shards.max(1);
        let shard = || {
            Mutex::new(Shard {
                young: HashMap::default(),
                old: HashMap::default(),
                young_bytes: 0,
                old_bytes: 0,
                noted: vec![0; NOTED].into(),
            })
        };
        Self {
            shards: std::iter::repeat_with(shard).take(shards).collect(),
            hasher: BuildHasherDefault::default(),
            generation: bytes / shards / 2,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    fn shard(&self, hash: u64) -> Option<&Mutex<Shard<K, V>>> {
        self.shards.get((hash >> 40) as usize % self.shards.len())
    }

    /// What is kept under a key.
    pub fn get(&self, key: &K) -> Option<V> {
        let found = self.find(key);
        let counter = if found.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    fn find(&self, key: &K) -> Option<V> {
        if self.generation == 0 {
            return None;
        }
        let mut shard = self.shard(self.hasher.hash_one(key))?.lock();
        if let Some((value, _)) = shard.young.get(key) {
            return Some(value.clone());
        }
        let (value, bytes) = shard.old.remove(key)?;
        shard.old_bytes -= bytes;
        self.add(&mut shard, *key, value.clone(), bytes);
        Some(value)
    }

    /// Whether something of so many bytes would be kept.
    pub fn fits(&self, bytes: usize) -> bool {
        bytes.saturating_add(OVERHEAD) <= self.generation
    }

    /// Keeps something of so many bytes, unless that is more than a share of all.
    pub fn put(&self, key: K, value: V, bytes: usize) {
        if !self.fits(bytes) {
            return;
        }
        let bytes = bytes + OVERHEAD;
        if let Some(shard) = self.shard(self.hasher.hash_one(key)) {
            self.add(&mut shard.lock(), key, value, bytes);
        }
    }

    fn add(&self, shard: &mut Shard<K, V>, key: K, value: V, bytes: usize) {
        if shard.young_bytes + bytes > self.generation {
            shard.old = std::mem::take(&mut shard.young);
            shard.old_bytes = std::mem::take(&mut shard.young_bytes);
        }
        shard.young_bytes += bytes;
        if let Some((_, before)) = shard.young.insert(key, (value, bytes)) {
            shard.young_bytes -= before;
        }
    }

    /// Notes a key; says whether it was noted before of late, which now and then is a mistake.
    pub fn again(&self, key: &K) -> bool {
        if self.generation == 0 {
            return false;
        }
        let hash = self.hasher.hash_one(key);
        let tag = hash as u8 | 1;
        let Some(shard) = self.shard(hash) else {
            return false;
        };
        match shard.lock().noted.get_mut((hash >> 8) as usize % NOTED) {
            Some(noted) => std::mem::replace(noted, tag) == tag,
            None => false,
        }
    }

    /// What it holds, and how often that was of use.
    pub fn stats(&self) -> CacheStats {
        let bytes = |shard: &Mutex<Shard<K, V>>| {
            let shard = shard.lock();
            (shard.young_bytes + shard.old_bytes) as u64
        };
        CacheStats {
            bytes: self.shards.iter().map(bytes).sum(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_bytes_are_bounded() {
        let cache: Cache<u64, u64> = Cache::new(1 << 20);
        for key in 0..100_000 {
            cache.put(key, key, 400);
            assert_eq!(cache.get(&7).is_some(), key >= 7, "{key}");
            assert!(cache.stats().bytes <= 1 << 20);
        }
        let kept = (0..100_000).filter(|key| cache.get(key) == Some(*key));
        let kept = kept.count();
        assert!((500..2_200).contains(&kept), "{kept} kept");
    }

    #[test]
    fn nothing_is_kept_that_is_too_large() {
        let cache: Cache<u8, u8> = Cache::new(32 << 10);
        cache.put(1, 1, 2 << 10);
        assert_eq!(cache.get(&1), None);
        cache.put(1, 1, 100);
        assert_eq!(cache.get(&1), Some(1));
        assert_eq!(Cache::<u8, u8>::new(0).get(&1), None);
    }

    #[test]
    fn a_key_is_known_the_second_time() {
        let cache: Cache<u64, ()> = Cache::new(1 << 20);
        assert!(!cache.again(&1));
        assert!(cache.again(&1));
        let mistaken = (2..10_000).filter(|key| cache.again(key)).count();
        assert!(mistaken < 400, "{mistaken} of 10,000");
    }
}
