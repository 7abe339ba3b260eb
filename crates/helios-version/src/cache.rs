//! Hot rows: the newest version of recently read keys, bounded in memory.
//!
//! An entry is the newest applied version of one key on one branch, or the knowledge that the
//! branch has none. Applying a commit replaces the entries it touches before the commit is
//! published, so an entry serves every snapshot at or after its begin; older snapshots look in the
//! store.
//!
//! A reader that found nothing here reads the store and offers what it found together with the
//! shard's epoch from before; applying raises the epoch, so that a version replaced meanwhile is
//! not kept.

use std::collections::HashMap;

use bytes::Bytes;
use helios_base::{BranchId, Scn, TableId};
use parking_lot::Mutex;

use crate::hash::{BuildHashed, hash_key};

const SHARDS: usize = 64;
/// What an entry costs beside its key and row, roughly.
const OVERHEAD: usize = 120;
/// Rows above this size are not kept.
const ROW_MAX: usize = 64 << 10;

/// The newest version of a key on one branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Newest {
    Row(Scn, Bytes),
    Tombstone(Scn),
    /// The branch has no version of the key but this one, in a segment.
    Cold(Scn, Bytes),
    /// The branch has no version of the key.
    Absent,
    /// As [`Newest::Absent`]; and of its ancestors, as it sees them, this is the nearest that has one. What
    /// ancestors had at their forks never changes.
    Above(BranchId),
}

impl Newest {
    fn bytes(&self) -> usize {
        match self {
            Self::Row(_, row) | Self::Cold(_, row) => row.len(),
            _ => 0,
        }
    }

    /// Its begin; zero if there is none.
    pub(crate) fn begin(&self) -> Scn {
        match self {
            Self::Row(begin, _) | Self::Cold(begin, _) | Self::Tombstone(begin) => *begin,
            Self::Absent | Self::Above(_) => Scn::ZERO,
        }
    }

    /// Whether the branch has no version of the key.
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent | Self::Above(_))
    }
}

struct Entry {
    object: u64,
    key: Box<[u8]>,
    newest: Newest,
}

/// Two generations: what is used moves to the young one; when that is full the old one goes.
#[derive(Default)]
struct Shard {
    young: HashMap<u64, Entry, BuildHashed>,
    old: HashMap<u64, Entry, BuildHashed>,
    young_bytes: usize,
    epoch: u64,
    missed: Missed,
}

/// Keys that were looked for in vain of late: a key is kept when it was missed twice, for most keys
/// of a large table are read once and would only push out hot ones. A key is noted by a byte of its
/// hash where other bits of it say; the next one there replaces it.
struct Missed(Box<[u8]>);

/// Keys noted in a shard.
const MISSED: usize = 2048;

impl Default for Missed {
    fn default() -> Self {
        Self(vec![0; MISSED].into())
    }
}

impl Missed {
    /// Notes a key; says whether it was noted before.
    #[inline]
    fn again(&mut self, hash: u64) -> bool {
        let tag = hash as u8 | 1;
        match self.0.get_mut((hash >> 8) as usize % MISSED) {
            Some(noted) => std::mem::replace(noted, tag) == tag,
            None => false,
        }
    }
}

/// A key, hashed once.
#[derive(Clone, Copy)]
pub(crate) struct Probe<'a> {
    hash: u64,
    object: u64,
    key: &'a [u8],
}

impl<'a> Probe<'a> {
    #[inline]
    pub(crate) fn new(table: TableId, branch: BranchId, key: &'a [u8]) -> Self {
        Self {
            hash: hash_key(table.0, branch, key),
            object: u64::from(table.0) << 32 | u64::from(branch.0),
            key,
        }
    }

    #[inline]
    fn is(&self, entry: &Entry) -> bool {
        entry.object == self.object && *entry.key == *self.key
    }
}

/// The cache.
pub(crate) struct RowCache {
    shards: Vec<Mutex<Shard>>,
    /// Bytes of one generation of one shard.
    generation: usize,
}

/// The result of a look into the cache.
pub(crate) enum Found {
    Hit(Newest),
    /// Not here; with what to offer what the store says.
    Miss(Miss),
}

/// A look in vain.
#[derive(Clone, Copy)]
pub(crate) struct Miss {
    epoch: u64,
    /// Whether what the store says is worth offering.
    pub(crate) again: bool,
}

impl RowCache {
    pub(crate) fn new(bytes: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            generation: bytes / SHARDS / 2,
        }
    }

    #[inline]
    fn shard(&self, probe: &Probe<'_>) -> &Mutex<Shard> {
        &self.shards[(probe.hash >> 40) as usize % SHARDS]
    }

    /// The newest version, if it is here.
    #[inline]
    pub(crate) fn get(&self, probe: &Probe<'_>) -> Found {
        let mut shard = self.shard(probe).lock();
        if let Some(entry) = shard.young.get(&probe.hash) {
            if probe.is(entry) {
                return Found::Hit(entry.newest.clone());
            }
        } else if let Some(entry) = shard.old.remove(&probe.hash)
            && probe.is(&entry)
        {
            let newest = entry.newest.clone();
            self.add(&mut shard, probe.hash, entry);
            return Found::Hit(newest);
        }
        Found::Miss(Miss {
            epoch: shard.epoch,
            again: shard.missed.again(probe.hash),
        })
    }

    /// The newest version, if it is here, without counting as a use.
    pub(crate) fn peek(&self, probe: &Probe<'_>) -> Option<Newest> {
        let shard = self.shard(probe).lock();
        let entry = shard
            .young
            .get(&probe.hash)
            .or_else(|| shard.old.get(&probe.hash))?;
        probe.is(entry).then(|| entry.newest.clone())
    }

    /// Keeps what the store said after a second miss, unless commits were applied meanwhile.
    pub(crate) fn offer(&self, probe: &Probe<'_>, miss: Miss, newest: &Newest) {
        if !miss.again || newest.bytes() > ROW_MAX || self.generation == 0 {
            return;
        }
        let mut shard = self.shard(probe).lock();
        if shard.epoch == miss.epoch {
            let entry = Entry {
                object: probe.object,
                key: probe.key.into(),
                newest: newest.clone(),
            };
            self.add(&mut shard, probe.hash, entry);
        }
    }

    fn add(&self, shard: &mut Shard, hash: u64, entry: Entry) {
        let bytes = entry.key.len() + entry.newest.bytes() + OVERHEAD;
        if shard.young_bytes + bytes > self.generation {
            shard.old = std::mem::take(&mut shard.young);
            shard.young_bytes = 0;
        }
        shard.young_bytes += bytes;
        if let Some(old) = shard.young.insert(hash, entry) {
            shard.young_bytes -= old.key.len() + old.newest.bytes() + OVERHEAD;
        }
    }

    /// Says which ancestor has the key, if it is here as absent.
    pub(crate) fn note_above(&self, probe: &Probe<'_>, branch: BranchId) {
        let mut shard = self.shard(probe).lock();
        if let Some(entry) = shard.young.get_mut(&probe.hash)
            && probe.is(entry)
            && entry.newest == Newest::Absent
        {
            entry.newest = Newest::Above(branch);
        }
    }

    /// Says that a key has a new newest version, which has been applied and not yet published.
    pub(crate) fn replace(&self, probe: &Probe<'_>, begin: Scn, row: Option<&[u8]>) {
        let mut shard = self.shard(probe).lock();
        shard.epoch += 1;
        let shard = &mut *shard;
        let (entry, young) = match shard.young.get_mut(&probe.hash) {
            Some(entry) => (Some(entry), true),
            None => (shard.old.get_mut(&probe.hash), false),
        };
        let Some(entry) = entry.filter(|entry| probe.is(entry)) else {
            return;
        };
        let before = entry.newest.bytes();
        entry.newest = match row {
            Some(row) => Newest::Row(begin, Bytes::copy_from_slice(row)),
            None => Newest::Tombstone(begin),
        };
        if young {
            shard.young_bytes = shard.young_bytes + entry.newest.bytes() - before;
        }
    }

    /// Forgets a key: its row moved.
    pub(crate) fn forget(&self, probe: &Probe<'_>) {
        let mut shard = self.shard(probe).lock();
        shard.epoch += 1;
        let shard = &mut *shard;
        shard.old.remove(&probe.hash);
        if let Some(gone) = shard.young.remove(&probe.hash) {
            shard.young_bytes -= gone.key.len() + gone.newest.bytes() + OVERHEAD;
        }
    }

    /// Forgets everything: cheaper than many replacements.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.epoch += 1;
            shard.young.clear();
            shard.old.clear();
            shard.young_bytes = 0;
        }
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        let count = |shard: &Mutex<Shard>| {
            let shard = shard.lock();
            shard.young.len() + shard.old.len()
        };
        self.shards.iter().map(count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(begin: u64, row: &'static [u8]) -> Newest {
        Newest::Row(Scn(begin), Bytes::from_static(row))
    }

    fn hit(cache: &RowCache, probe: &Probe<'_>) -> Option<Newest> {
        match cache.get(probe) {
            Found::Hit(newest) => Some(newest),
            Found::Miss(_) => None,
        }
    }

    /// Looks for a key in vain, for the second time.
    fn miss(cache: &RowCache, probe: &Probe<'_>) -> Miss {
        for _ in 0..2 {
            if let Found::Miss(miss) = cache.get(probe)
                && miss.again
            {
                return miss;
            }
        }
        panic!("a key is kept, or its first miss is not noted");
    }

    // Guards against serving a version that was replaced between reading and offering it.
    #[test]
    fn a_late_offer_is_refused() {
        let cache = RowCache::new(1 << 20);
        let probe = Probe::new(TableId(1), BranchId(0), b"k");
        let Found::Miss(first) = cache.get(&probe) else {
            panic!("a key is there that nobody offered");
        };
        cache.offer(&probe, first, &row(4, b"old"));
        let late = miss(&cache, &probe);
        cache.replace(&probe, Scn(5), Some(b"new"));
        cache.offer(&probe, late, &row(4, b"old"));
        let now = miss(&cache, &probe);
        cache.offer(&probe, now, &row(5, b"new"));
        assert_eq!(hit(&cache, &probe), Some(row(5, b"new")));
        cache.replace(&probe, Scn(6), None);
        assert_eq!(hit(&cache, &probe), Some(Newest::Tombstone(Scn(6))));
        cache.clear();
        assert_eq!(hit(&cache, &probe), None);
    }

    // Guards against unbounded growth and against a hot key being thrown out by cold ones.
    #[test]
    fn memory_is_bounded_and_hot_keys_stay() {
        let cache = RowCache::new(1 << 20);
        let hot = Probe::new(TableId(1), BranchId(0), b"hot");
        cache.offer(&hot, miss(&cache, &hot), &row(1, b"hot"));
        for key in 0..100_000u64 {
            let key = key.to_be_bytes();
            let probe = Probe::new(TableId(1), BranchId(0), &key);
            cache.offer(&probe, miss(&cache, &probe), &row(1, b"cold"));
            assert!(hit(&cache, &hot).is_some());
        }
        assert!(cache.len() * OVERHEAD < 1 << 20);
    }
}
