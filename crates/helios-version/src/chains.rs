//! Which keys a chain of branches wrote, so that a read on a deep branch need not ask every one.
//!
//! A read looks for a key on its branch, on the parent, and so on up to the root. Most keys were written
//! by the root alone. A *chain* is a filter (Bloom's) over the keys of one table that a branch and its
//! ancestors, the root aside, have: what it rules out is looked for in the root at once.
//!
//! **Why it stays right:** what ancestors write after a fork is not seen below it, so their part never
//! changes. What the branch itself writes is added when it has been applied and before it is
//! published: a reader's number is older than the filter it asks. Keys that collection removes stay in it,
//! which costs a lookup and nothing else.
//!
//! A chain is made when reads without it have cost about as much as making it does, and forgotten when it is
//! full. Nothing is stored.

use std::collections::HashMap;
use std::ops::{Bound, ControlFlow};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use helios_base::{BranchId, Result, TableId};
use helios_kv::{Keyspace, Kv};
use parking_lot::{Mutex, RwLock};

use crate::branch::Link;
use crate::hash::{BuildHashed, hash_key};
use crate::keys::{ObjectRange, PREFIX};

/// Reads after which a chain is tried for the first time; then after eight times as many, and so on.
const FIRST_TRY: u32 = 64;
/// Keys that can be scanned in the time of one lookup, roughly.
const KEYS_A_LOOKUP: u64 = 8;
/// Keys above which a chain is not made.
const KEYS_MAX: u64 = 4 << 20;
/// Bytes of all filters together, and chains at most; above it all are forgotten.
const BYTES_MAX: usize = 64 << 20;
const CHAINS_MAX: usize = 1 << 16;

/// Words of a block: a cache line.
const BLOCK: usize = 8;
/// Bits of the filter per key, when it is full.
const BITS_A_KEY: usize = 10;
/// Bits set per key.
const PROBES: u32 = 6;

/// A Bloom filter whose bits for one key lie in one cache line.
struct Filter {
    words: Box<[AtomicU64]>,
    /// Keys that it has room for.
    room: AtomicUsize,
}

impl Filter {
    fn new(hashes: &[u64]) -> Self {
        // Twice the room: the branch will be written on.
        let capacity = (hashes.len() * 2).max(1024);
        let blocks = (capacity * BITS_A_KEY).div_ceil(BLOCK * 64);
        let filter = Self {
            words: (0..blocks * BLOCK).map(|_| AtomicU64::new(0)).collect(),
            room: AtomicUsize::new(capacity),
        };
        for hash in hashes {
            filter.add(*hash);
        }
        filter
    }

    fn bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// The block of a key.
    #[inline]
    fn block(&self, hash: u64) -> &[AtomicU64] {
        let blocks = (self.words.len() / BLOCK) as u64;
        let at = ((u128::from(hash) * u128::from(blocks)) >> 64) as usize * BLOCK;
        self.words.get(at..at + BLOCK).unwrap_or_default()
    }

    /// The word and the bit of each probe.
    #[inline]
    fn bits(hash: u64) -> impl Iterator<Item = (usize, u64)> {
        // The block took the high bits.
        let spread = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..PROBES).map(move |n| {
            let bit = spread >> (n * 9);
            ((bit >> 6) as usize % BLOCK, 1 << (bit & 63))
        })
    }

    /// Adds a key; false when the filter was full.
    fn add(&self, hash: u64) -> bool {
        let block = self.block(hash);
        for (word, bit) in Self::bits(hash) {
            if let Some(word) = block.get(word) {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
        let taken = |room: usize| room.checked_sub(1);
        let room = self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
        room.is_ok()
    }

    #[inline]
    fn may_have(&self, hash: u64) -> bool {
        let block = self.block(hash);
        Self::bits(hash).all(|(word, bit)| {
            block
                .get(word)
                .is_none_or(|word| word.load(Ordering::Relaxed) & bit != 0)
        })
    }
}

/// The filter of one table on one branch and those above it, or the way to it.
#[derive(Default)]
struct Chain {
    filter: OnceLock<Filter>,
    /// Reads that had to do without.
    asked: AtomicU32,
    /// Keys applied while the filter is being made.
    meanwhile: Mutex<Option<Vec<u64>>>,
}

/// The chains in use.
#[derive(Default)]
pub(crate) struct Chains {
    map: RwLock<HashMap<(TableId, BranchId), Arc<Chain>, BuildHashed>>,
    bytes: AtomicUsize,
    /// Whether there is any, for writers to pass by.
    in_use: AtomicBool,
}

#[inline]
fn hash_of(table: TableId, pk: &[u8]) -> u64 {
    hash_key(table.0, BranchId::MAIN, pk)
}

impl Chains {
    /// Whether neither `first` nor any of `above` but the last, the root, wrote the key by the numbers of
    /// these links. False when it is not known.
    #[inline]
    pub(crate) fn rules_out(
        &self,
        kv: &dyn Kv,
        first: Link,
        above: &[Link],
        table: TableId,
        pk: &[u8],
    ) -> Result<bool> {
        let key = (table, first.branch);
        let chain = {
            let map = self.map.read();
            match map.get(&key) {
                Some(chain) => match chain.filter.get() {
                    Some(filter) => return Ok(!filter.may_have(hash_of(table, pk))),
                    None => Some(Arc::clone(chain)),
                },
                None => None,
            }
        };
        self.ask(kv, chain, first, above, table)?;
        Ok(false)
    }

    /// Counts a read that does without a filter, and makes one when it is time.
    #[cold]
    fn ask(
        &self,
        kv: &dyn Kv,
        chain: Option<Arc<Chain>>,
        first: Link,
        above: &[Link],
        table: TableId,
    ) -> Result<()> {
        let Some(chain) = chain else {
            self.in_use.store(true, Ordering::Release);
            let mut map = self.map.write();
            if map.len() >= CHAINS_MAX {
                map.clear();
                self.bytes.store(0, Ordering::Relaxed);
            }
            map.entry((table, first.branch)).or_default();
            return Ok(());
        };
        let asked = chain.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let is_turn = asked >= FIRST_TRY
            && asked.is_power_of_two()
            && (asked / FIRST_TRY).trailing_zeros().is_multiple_of(3);
        if !is_turn {
            return Ok(());
        }
        let lookups = u64::from(asked) * (1 + above.len() as u64);
        let most = (lookups * KEYS_A_LOOKUP).min(KEYS_MAX);
        let branches = std::iter::once(first).chain(above.iter().copied());
        let branches = branches.take(above.len()).map(|link| link.branch);
        self.make(kv, &chain, table, branches, most)
    }

    /// Makes the filter, unless there are more than `most` keys.
    fn make(
        &self,
        kv: &dyn Kv,
        chain: &Chain,
        table: TableId,
        branches: impl Iterator<Item = BranchId>,
        most: u64,
    ) -> Result<()> {
        {
            let mut meanwhile = chain.meanwhile.lock();
            if meanwhile.is_some() || chain.filter.get().is_some() {
                return Ok(());
            }
            *meanwhile = Some(Vec::new());
        }
        // What is applied from here on is in `meanwhile`, what was before is in this.
        let hashes = keys_of(&*kv.snapshot(), table, branches, most);
        let mut meanwhile = chain.meanwhile.lock();
        let added = meanwhile.take().unwrap_or_default();
        let Some(mut hashes) = hashes? else {
            return Ok(());
        };
        hashes.extend(added);
        let filter = Filter::new(&hashes);
        let bytes = filter.bytes();
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > BYTES_MAX {
            self.map.write().clear();
            self.bytes.store(0, Ordering::Relaxed);
            return Ok(());
        }
        // Only this call was making one.
        let _ = chain.filter.set(filter);
        Ok(())
    }

    /// Says that a branch has a version of a key which has been applied and not yet published.
    pub(crate) fn add(&self, table: TableId, branch: BranchId, pk: &[u8]) {
        if !self.in_use.load(Ordering::Acquire) {
            return;
        }
        let full = {
            let map = self.map.read();
            match map.get(&(table, branch)) {
                Some(chain) => !chain.add(hash_of(table, pk)),
                None => false,
            }
        };
        if full {
            self.forget(table, branch);
        }
    }

    /// Says that a branch has many new versions.
    pub(crate) fn forget(&self, table: TableId, branch: BranchId) {
        if !self.in_use.load(Ordering::Acquire) {
            return;
        }
        let Some(chain) = self.map.write().remove(&(table, branch)) else {
            return;
        };
        if let Some(filter) = chain.filter.get() {
            let without = |bytes: usize| Some(bytes.saturating_sub(filter.bytes()));
            let _ = self
                .bytes
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, without);
        }
    }
}

impl Chain {
    /// Adds a key; false when the filter is full.
    fn add(&self, hash: u64) -> bool {
        if let Some(filter) = self.filter.get() {
            return filter.add(hash);
        }
        let mut meanwhile = self.meanwhile.lock();
        if let Some(keys) = &mut *meanwhile {
            keys.push(hash);
            return true;
        }
        drop(meanwhile);
        // It may just have been finished.
        self.filter.get().is_none_or(|filter| filter.add(hash))
    }
}

/// The hashes of all keys of a table on these branches; `None` if there are more than `most`.
fn keys_of(
    kv: &dyn helios_kv::KvSnapshot,
    table: TableId,
    branches: impl Iterator<Item = BranchId>,
    most: u64,
) -> Result<Option<Vec<u64>>> {
    let mut hashes = Vec::new();
    for branch in branches {
        let range = ObjectRange::all(table.0, branch);
        let mut cursor = kv.scan(Keyspace::Current, range.bounds(), false)?;
        let flow = cursor.visit(Bound::Unbounded, &mut |key, _| {
            hashes.push(hash_of(table, key.get(PREFIX..).unwrap_or_default()));
            Ok(if hashes.len() as u64 > most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        if flow.is_break() {
            return Ok(None);
        }
    }
    Ok(Some(hashes))
}

#[cfg(test)]
mod tests {
    use helios_base::Scn;
    use helios_kv::{Batch, MemoryKv};

    use super::*;
    use crate::keys;

    const T: TableId = TableId(7);
    const LEAF: Link = Link {
        branch: BranchId(2),
        scn: Scn(9),
    };

    fn above() -> [Link; 2] {
        [1, 0].map(|id| Link {
            branch: BranchId(id),
            scn: Scn(5),
        })
    }

    fn put(kv: &MemoryKv, branch: u32, pk: &[u8]) {
        let mut key = Vec::new();
        keys::object_key(&mut key, T.0, BranchId(branch), pk);
        let mut batch = Batch::new();
        batch.put(Keyspace::Current, &key, b"\x03x");
        kv.apply(batch).unwrap();
    }

    // Guards against a key that is on the way being looked for in the root alone.
    #[test]
    fn what_is_on_the_way_is_never_ruled_out() {
        let (kv, chains) = (MemoryKv::new(), Chains::default());
        let pk = |n: u32| n.to_be_bytes();
        for n in 0..100 {
            put(&kv, 1, &pk(n));
            put(&kv, 2, &pk(1000 + n));
            put(&kv, 0, &pk(2000 + n));
        }
        let ruled_out = |n: u32| chains.rules_out(&kv, LEAF, &above(), T, &pk(n)).unwrap();
        for _ in 0..=FIRST_TRY {
            assert!(!ruled_out(5000));
        }
        assert!((0..100).all(|n| !ruled_out(n) && !ruled_out(1000 + n)));
        let others = (2000..12_000).filter(|n| ruled_out(*n)).count();
        assert!(others > 9_900, "{others}");
        // Far more than there is room for: added until it is full, then forgotten, then made again.
        for n in 20_000..40_000 {
            put(&kv, 2, &pk(n));
            chains.add(T, LEAF.branch, &pk(n));
            assert!(!ruled_out(n));
        }
        assert!((0..100).all(|n| !ruled_out(n) && !ruled_out(1000 + n)));
        assert!((20_000..40_000).all(|n| !ruled_out(n)));
    }

    // Guards against keys that are applied while a filter is made getting lost.
    #[test]
    fn writers_beside_the_maker_are_heard() {
        let (kv, chains) = (MemoryKv::new(), Chains::default());
        let (kv, chains) = (&kv, &chains);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for n in 0..20_000u32 {
                    put(kv, 2, &n.to_be_bytes());
                    chains.add(T, LEAF.branch, &n.to_be_bytes());
                }
            });
            for n in 0..200_000u32 {
                chains
                    .rules_out(kv, LEAF, &above(), T, &(n + 50_000).to_be_bytes())
                    .unwrap();
            }
        });
        for n in 0..20_000u32 {
            assert!(
                !chains
                    .rules_out(kv, LEAF, &above(), T, &n.to_be_bytes())
                    .unwrap()
            );
        }
    }
}
