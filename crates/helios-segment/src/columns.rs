//! Decoded columns of chunks, kept for the next scan, bounded in bytes.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use parking_lot::Mutex;

use crate::error::Result;

/// What a layer above made of a decoded column, so that single values of it are had at once. It has the column's own buffers.
pub type ReadyColumn = Arc<dyn Any + Send + Sync>;

/// Segment, chunk and part.
type Key = (u64, u32, u32);

/// Bytes of one shard at least: a decoded column of a chunk takes one or two megabytes.
const SHARD: usize = 32 << 20;

const SHARDS_MAX: usize = 16;

/// How many columns are decoded at a time, at most, to be kept.
const TURNS: usize = 64;

/// What an entry costs beside its array, roughly.
const OVERHEAD: usize = 128;

/// Where there is no room, one of so many new entries takes that of others.
const ADMITTED: u32 = 8;

/// Decoded columns of many segments.
///
/// Scans go through their tables again and again in one order. Who forgets what was not used for
/// longest then forgets all of a table that does not fit before it is asked for. Here new entries
/// rarely take the place of old ones, and of random ones: of a table twice as large half is kept.
pub struct ColumnCache {
    shards: Vec<Mutex<Shard>>,
    /// Bytes of a shard.
    room: usize,
    /// Held by who decodes a column.
    turns: [Mutex<()>; TURNS],
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Key, Entry>,
    /// The keys of the entries, in any order.
    keys: Vec<Key>,
    bytes: usize,
    /// Entries for which there was no room.
    refused: u32,
    random: u64,
}

struct Entry {
    array: ArrayRef,
    bytes: usize,
    ready: Option<ReadyColumn>,
}

impl ColumnCache {
    /// Of so many bytes; 0 keeps nothing.
    pub fn new(bytes: usize) -> Self {
        let shards = (bytes / SHARD).clamp(1, SHARDS_MAX);
        let shard = |number: usize| {
            Mutex::new(Shard {
                random: 0x9e37_79b9_7f4a_7c15 ^ number as u64,
                ..Shard::default()
            })
        };
        Self {
            shards: (0..shards).map(shard).collect(),
            room: bytes / shards,
            turns: [const { Mutex::new(()) }; TURNS],
        }
    }

    /// Whether something of so many bytes may be kept.
    pub(crate) fn fits(&self, bytes: usize) -> bool {
        bytes.saturating_add(OVERHEAD) <= self.room / 2
    }

    fn mixed((segment, chunk, part): &Key) -> u64 {
        let number = (segment.wrapping_mul(31).wrapping_add(u64::from(*chunk))).wrapping_mul(31);
        let mixed = (number.wrapping_add(u64::from(*part))).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed >> 40
    }

    fn shard(&self, key: &Key) -> Option<&Mutex<Shard>> {
        self.shards
            .get(Self::mixed(key) as usize % self.shards.len())
    }

    pub(crate) fn get(&self, key: &Key) -> Option<ArrayRef> {
        let shard = self.shard(key)?.lock();
        shard.entries.get(key).map(|entry| entry.array.clone())
    }

    /// What `make` makes of a column that is kept, and is kept with it; `None` if it is not, or nothing is made of it.
    pub(crate) fn ready(
        &self,
        key: &Key,
        make: &dyn Fn(&ArrayRef) -> Option<ReadyColumn>,
    ) -> Option<ReadyColumn> {
        let shard = self.shard(key)?;
        let array = {
            let shard = shard.lock();
            let entry = shard.entries.get(key)?;
            if let Some(ready) = &entry.ready {
                return Some(Arc::clone(ready));
            }
            entry.array.clone()
        };
        let ready = make(&array)?;
        if let Some(entry) = shard.lock().entries.get_mut(key) {
            entry.ready = Some(Arc::clone(&ready));
        }
        Some(ready)
    }

    /// A column: the one that is kept, or what `decode` makes. Of several threads that want the same one at a
    /// time, one decodes it, if it can be kept.
    pub(crate) fn get_or(
        &self,
        key: Key,
        decode: impl FnOnce() -> Result<ArrayRef>,
    ) -> Result<ArrayRef> {
        let turn = self.turns.get(Self::mixed(&key) as usize % TURNS);
        let turn = turn.map(Mutex::lock);
        if let Some(known) = self.get(&key) {
            return Ok(known);
        }
        let array = decode()?;
        self.put(key, &array);
        drop(turn);
        Ok(array)
    }

    /// A column that was made, kept if there is room.
    pub(crate) fn keep(&self, key: Key, array: ArrayRef) -> Result<ArrayRef> {
        self.put(key, &array);
        Ok(array)
    }

    /// Forgets what is kept of a segment.
    pub fn forget(&self, segment: u64) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            let shard = &mut *shard;
            shard.keys.retain(|key| key.0 != segment);
            let bytes = &mut shard.bytes;
            shard.entries.retain(|key, entry| {
                let stays = key.0 != segment;
                *bytes -= if stays { 0 } else { entry.bytes };
                stays
            });
        }
    }

    /// Keeps a column, or does not.
    fn put(&self, key: Key, array: &ArrayRef) {
        let bytes = array.get_array_memory_size();
        if !self.fits(bytes) {
            return;
        }
        let bytes = bytes + OVERHEAD;
        let Some(shard) = self.shard(&key) else {
            return;
        };
        let mut shard = shard.lock();
        if shard.entries.contains_key(&key) {
            return;
        }
        if shard.bytes + bytes > self.room {
            shard.refused += 1;
            if !shard.refused.is_multiple_of(ADMITTED) {
                return;
            }
            while shard.bytes + bytes > self.room && shard.drop_any() {}
        }
        shard.keys.push(key);
        shard.bytes += bytes;
        let array = array.clone();
        let entry = Entry {
            array,
            bytes,
            ready: None,
        };
        shard.entries.insert(key, entry);
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> u64 {
        let bytes = |shard: &Mutex<Shard>| shard.lock().bytes as u64;
        self.shards.iter().map(bytes).sum()
    }
}

impl Shard {
    /// Forgets one entry; false if there is none.
    fn drop_any(&mut self) -> bool {
        if self.keys.is_empty() {
            return false;
        }
        // Marsaglia's xorshift.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let at = (self.random % self.keys.len() as u64) as usize;
        let key = self.keys.swap_remove(at);
        if let Some(entry) = self.entries.remove(&key) {
            self.bytes -= entry.bytes;
        }
        true
    }
}

impl fmt::Debug for ColumnCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Int64Array;

    use super::*;

    fn column() -> ArrayRef {
        Arc::new(Int64Array::from(vec![1; 1 << 10]))
    }

    #[test]
    fn a_scan_of_twice_as_much_finds_a_good_part() {
        let room = 64 * column().get_array_memory_size();
        let cache = ColumnCache::new(room);
        let mut found = 0;
        for round in 0..20 {
            for chunk in 0..128 {
                let key = (1, chunk, 0);
                match cache.get(&key) {
                    Some(_) => found += usize::from(round > 0),
                    None => cache.put(key, &column()),
                }
                assert!(cache.bytes() <= room as u64);
            }
        }
        let share = found as f64 / f64::from(19 * 128);
        assert!((0.35..0.55).contains(&share), "{share}");
    }

    #[test]
    fn what_is_kept_of_a_segment_goes_with_it() {
        let cache = ColumnCache::new(64 * column().get_array_memory_size());
        for segment in [1, 2] {
            (0..10).for_each(|chunk| cache.put((segment, chunk, 0), &column()));
        }
        let all = cache.bytes();
        cache.forget(1);
        assert_eq!(cache.bytes() * 2, all);
        assert!(cache.get(&(1, 3, 0)).is_none() && cache.get(&(2, 3, 0)).is_some());
        cache.forget(2);
        assert_eq!(cache.bytes(), 0);
        // And it takes new ones, and lets them go, as before.
        (0..100).for_each(|chunk| cache.put((3, chunk, 0), &column()));
        assert!(cache.bytes() > 0);
    }

    #[test]
    fn what_was_made_of_a_column_goes_with_it() {
        let cache = ColumnCache::new(1 << 20);
        let made = |array: &ArrayRef| Some(Arc::new(array.len()) as ReadyColumn);
        let length = |found: Option<ReadyColumn>| found?.downcast_ref::<usize>().copied();
        let key = (1, 0, 0);
        assert_eq!(length(cache.ready(&key, &made)), None);
        cache.put(key, &column());
        assert_eq!(length(cache.ready(&key, &made)), Some(1 << 10));
        assert_eq!(length(cache.ready(&key, &|_| None)), Some(1 << 10));
        cache.forget(1);
        assert_eq!(length(cache.ready(&key, &made)), None);
    }

    #[test]
    fn without_room_nothing_is_kept() {
        for room in [0, 1000] {
            let cache = ColumnCache::new(room);
            cache.put((1, 0, 0), &column());
            assert_eq!(cache.bytes(), 0);
            assert!(cache.get(&(1, 0, 0)).is_none());
        }
    }
}
