//! Results of queries, kept while the tables that they read stay as they are.
//!
//! A result belongs to a plan, to the values of its parameters, and to the newest change of the tables that
//! it read: two snapshots of a branch that agree in this see the same rows, so what is handed out is exact.
//! What was kept of another state of the tables is replaced when the query runs again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::DataType as ArrowType;
use helios_base::{BranchId, Result, Scn};
use parking_lot::Mutex;

use super::error::from_arrow;
use super::shape::Shape;

/// One result takes at most such a part of the memory.
const PART: usize = 8;

/// What an entry costs beside its rows, roughly.
const OVERHEAD: usize = 512;

/// Which query, with which values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ResultKey {
    /// The number of its plan.
    pub plan: u64,
    pub branch: BranchId,
    /// The values of its parameters and what texts of values depend on.
    pub values: Box<[u8]>,
}

/// The rows of a result.
#[derive(Clone, Debug)]
pub(crate) struct KeptRows {
    pub batches: Arc<[RecordBatch]>,
    pub shapes: Arc<[Shape]>,
}

struct Entry {
    state: Scn,
    rows: KeptRows,
    bytes: usize,
    /// When it was asked for last, counted in looks.
    used: u64,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<ResultKey, Entry>,
    bytes: usize,
}

/// What a cache of results is worth.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResultStats {
    pub entries: usize,
    pub bytes: usize,
    pub limit: usize,
    pub hits: u64,
    pub misses: u64,
    pub evictions: u64,
}

/// The results of all sessions of a database, bounded in bytes.
#[derive(Default)]
pub(crate) struct ResultCache {
    limit: AtomicUsize,
    entries: Mutex<Entries>,
    looks: AtomicU64,
    hits: AtomicU64,
    evictions: AtomicU64,
}

impl ResultCache {
    /// Bounds the bytes; 0 keeps nothing.
    pub fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Relaxed);
        self.make_room(&mut self.entries.lock());
    }

    /// Whether anything is kept at all.
    pub fn is_on(&self) -> bool {
        self.limit.load(Relaxed) > 0
    }

    /// What is kept for the key, if the tables are still in this state.
    pub fn get(&self, key: &ResultKey, state: Scn) -> Option<KeptRows> {
        let now = self.looks.fetch_add(1, Relaxed);
        let mut entries = self.entries.lock();
        let entry = entries.by_key.get_mut(key)?;
        // An older snapshot may ask after a newer one: neither result is wrong.
        if entry.state != state {
            return None;
        }
        entry.used = now;
        self.hits.fetch_add(1, Relaxed);
        Some(entry.rows.clone())
    }

    /// The most that one result may take.
    fn largest(&self) -> usize {
        self.limit.load(Relaxed) / PART
    }

    fn put(&self, key: ResultKey, state: Scn, rows: KeptRows, bytes: usize) {
        let bytes = bytes + key.values.len() + OVERHEAD;
        if bytes > self.largest() {
            return;
        }
        let used = self.looks.load(Relaxed);
        let entry = Entry {
            state,
            rows,
            bytes,
            used,
        };
        let mut entries = self.entries.lock();
        entries.bytes += bytes;
        if let Some(before) = entries.by_key.insert(key, entry) {
            entries.bytes -= before.bytes;
        }
        self.make_room(&mut entries);
    }

    /// Forgets what was not used for longest.
    fn make_room(&self, entries: &mut Entries) {
        let limit = self.limit.load(Relaxed);
        if entries.bytes <= limit {
            return;
        }
        let mut ages: Vec<(u64, ResultKey)> = entries
            .by_key
            .iter()
            .map(|(key, entry)| (entry.used, key.clone()))
            .collect();
        ages.sort_unstable_by_key(|(used, _)| *used);
        for (_, key) in ages {
            if entries.bytes <= limit {
                return;
            }
            if let Some(gone) = entries.by_key.remove(&key) {
                entries.bytes -= gone.bytes;
                self.evictions.fetch_add(1, Relaxed);
            }
        }
    }

    /// Forgets everything: `DISCARD PLANS`.
    pub fn clear(&self) {
        *self.entries.lock() = Entries::default();
    }

    /// What it holds, and how often it helped.
    pub fn stats(&self) -> ResultStats {
        let (count, bytes) = {
            let entries = self.entries.lock();
            (entries.by_key.len(), entries.bytes)
        };
        let (looks, hits) = (self.looks.load(Relaxed), self.hits.load(Relaxed));
        ResultStats {
            entries: count,
            bytes,
            limit: self.limit.load(Relaxed),
            hits,
            misses: looks.saturating_sub(hits),
            evictions: self.evictions.load(Relaxed),
        }
    }
}

/// A result that is to be kept once it is complete.
pub(crate) struct Keeping {
    pub cache: Arc<ResultCache>,
    pub key: ResultKey,
    pub state: Scn,
}

/// A result in the making: dropped before its end, it leaves nothing behind.
pub(super) struct Growing {
    keeping: Keeping,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Growing {
    pub fn new(keeping: Keeping) -> Self {
        Self {
            keeping,
            batches: Vec::new(),
            bytes: 0,
        }
    }

    /// One batch more; false once there are too many.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<bool> {
        let batch = compact(batch)?;
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        Ok(self.bytes <= self.keeping.cache.largest())
    }

    /// All batches were there.
    pub fn finish(self, shapes: &[Shape]) {
        let rows = KeptRows {
            batches: self.batches.into(),
            shapes: shapes.into(),
        };
        let Keeping { cache, key, state } = self.keeping;
        cache.put(key, state, rows, self.bytes);
    }
}

/// The batch without the rest of the buffers that its strings point into.
fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = batch.columns().iter().map(without_rest).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(batch.schema(), columns, &options).map_err(from_arrow)
}

fn without_rest(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        ArrowType::Utf8View => match array.as_string_view_opt() {
            Some(strings) => Arc::new(strings.gc()),
            None => Arc::clone(array),
        },
        ArrowType::BinaryView => match array.as_binary_view_opt() {
            Some(bytes) => Arc::new(bytes.gc()),
            None => Arc::clone(array),
        },
        _ => Arc::clone(array),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(plan: u64) -> ResultKey {
        ResultKey {
            plan,
            branch: BranchId::MAIN,
            values: Box::default(),
        }
    }

    fn rows() -> KeptRows {
        KeptRows {
            batches: Arc::default(),
            shapes: Arc::default(),
        }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let cache = ResultCache::default();
        cache.set_limit(10 * (1000 + OVERHEAD));
        for plan in 0..10 {
            cache.put(key(plan), Scn(1), rows(), 1000);
            assert!(cache.get(&key(0), Scn(1)).is_some());
        }
        cache.put(key(10), Scn(1), rows(), 1000);
        assert!(cache.get(&key(0), Scn(1)).is_some());
        assert!(cache.get(&key(1), Scn(1)).is_none());
        assert!(cache.get(&key(10), Scn(2)).is_none());
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.evictions), (10, 1));
        cache.put(key(11), Scn(1), rows(), 10_000);
        assert_eq!(cache.stats().entries, 10);
        cache.set_limit(0);
        assert_eq!((cache.stats().entries, cache.stats().bytes), (0, 0));
    }
}
