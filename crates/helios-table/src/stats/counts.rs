//! Row counts, kept in memory and adjusted at each commit.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use helios_base::{BranchId, Error, Result, TableId};
use helios_version::{Read, TxnOptions};
use parking_lot::Mutex;

use crate::catalog::TableDef;
use crate::system;
use crate::tables::Tables;

/// A table whose count was not saved is counted by reading it when it is not larger than this.
const COUNTED: u64 = 50_000;

/// The counts of tables that are not smaller than this are saved.
const SAVED: i64 = 5_000;

/// The past of a table is counted up to so many rows.
const PROBED: u64 = 5_000;

/// Counts of the tables that somebody asked for.
#[derive(Default)]
pub(crate) struct Counts {
    rows: Mutex<HashMap<(BranchId, TableId), i64>>,
    /// Goes up when plans should be made anew.
    version: AtomicU64,
}

/// The size of a table as planning cares: an eightfold change makes another.
fn magnitude(rows: i64) -> u32 {
    u64::try_from(rows).unwrap_or(0).max(64).ilog2() / 3
}

impl Counts {
    /// Adds what a commit added.
    pub(crate) fn add(&self, branch: BranchId, changes: BTreeMap<TableId, i64>) {
        if changes.is_empty() {
            return;
        }
        let mut rows = self.rows.lock();
        for (storage, change) in changes {
            if let Some(count) = rows.get_mut(&(branch, storage)) {
                let before = magnitude(*count);
                *count += change;
                if magnitude(*count) != before {
                    self.note_change();
                }
            }
        }
    }

    /// Plans should be made anew.
    pub(crate) fn note_change(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, branch: BranchId, storage: TableId, rows: i64) {
        self.rows.lock().insert((branch, storage), rows);
    }

    pub(crate) fn forget(&self, branch: BranchId) {
        self.rows.lock().retain(|(b, _), _| *b != branch);
    }
}

impl Tables {
    /// About how many rows the table has on the branch of `read`: for planning.
    ///
    /// Exact after the first call, but for commits in flight and what a crash kept from being saved,
    /// except that a large table whose count was never saved is only known to be large, and that a new branch begins with
    /// what its parent has now.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    ///
    /// # Cost
    /// A map lookup; the first call reads up to 50,000 rows if no count was saved or is known above the branch.
    pub fn row_count(&self, read: &dyn Read, table: &TableDef) -> Result<u64> {
        let key = (read.branch(), table.storage);
        if let Some(count) = self.counts.rows.lock().get(&key) {
            return Ok(u64::try_from(*count).unwrap_or(0));
        }
        let count = match self.parents_count(read.branch(), table)? {
            0 => match read.get(system::COUNTS, &table.storage.0.to_be_bytes())? {
                Some(saved) => decode(&saved.row)?,
                None => self.counted(read, table)?,
            },
            count => count,
        };
        let known = i64::try_from(count).unwrap_or(i64::MAX);
        self.counts.rows.lock().entry(key).or_insert(known);
        Ok(count)
    }

    /// What the branch's parent has now, if there is one: near enough for a branch that was just made, and adjusted
    /// from then on. So branches that come and go do not read their tables.
    fn parents_count(&self, branch: BranchId, table: &TableDef) -> Result<u64> {
        let Some(parent) = self.store().branch_by_id(branch).and_then(|b| b.parent) else {
            return Ok(0);
        };
        match self.store().snapshot(parent, None) {
            Ok(snapshot) => self.row_count(&snapshot, table),
            // It was dropped meanwhile.
            Err(_) => Ok(0),
        }
    }

    /// Reads a table to count it, if it is not large.
    fn counted(&self, read: &dyn Read, table: &TableDef) -> Result<u64> {
        let mut count = 0;
        let mut rows = read.scan(table.storage, (Bound::Unbounded, Bound::Unbounded), false)?;
        while count <= COUNTED && rows.next()?.is_some() {
            count += 1;
        }
        if count > COUNTED {
            let analyzed = self.statistics(read, table)?.map(|stats| stats.rows);
            // What is in segments is known without reading it.
            let cold = || read.cuts(table.storage, false).ok().map(|(_, rows)| rows);
            let guess = analyzed.or_else(|| cold().filter(|rows| *rows > count));
            count = guess.unwrap_or(count * 10).max(count);
        }
        Ok(count)
    }

    /// About how many rows the table had at some moment: the newest count if that is known, else
    /// what the moment shows, which says nothing of now and is not kept.
    ///
    /// # Errors
    /// As [`Tables::row_count`].
    ///
    /// # Cost
    /// A map lookup, or reading up to 5,000 rows.
    pub fn row_count_then(&self, read: &dyn Read, table: &TableDef) -> Result<u64> {
        let key = (read.branch(), table.storage);
        if let Some(count) = self.counts.rows.lock().get(&key) {
            return Ok(u64::try_from(*count).unwrap_or(0));
        }
        let mut count = 0;
        let mut rows = read.scan(table.storage, (Bound::Unbounded, Bound::Unbounded), false)?;
        while count <= PROBED && rows.next()?.is_some() {
            count += 1;
        }
        Ok(if count > PROBED { count * 10 } else { count })
    }

    /// Saves the counts of tables that are not small, so that they are known after the next start:
    /// call it before closing, which makes them durable.
    ///
    /// # Errors
    /// As a commit.
    pub fn save_counts(&self) -> Result<()> {
        let mut branches: HashMap<BranchId, Vec<(TableId, i64)>> = HashMap::new();
        for ((branch, storage), rows) in self.counts.rows.lock().iter() {
            branches.entry(*branch).or_default().push((*storage, *rows));
        }
        for (branch, counts) in branches {
            let txn = self.store().begin(TxnOptions {
                branch,
                asynchronous: true,
                ..TxnOptions::default()
            })?;
            for (storage, rows) in counts {
                let key = storage.0.to_be_bytes();
                let row = rows.to_be_bytes();
                let saved = txn.latest(system::COUNTS, &key)?;
                let differs = match saved {
                    Some(saved) => saved.row != row.as_slice(),
                    None => rows >= SAVED,
                };
                if differs {
                    txn.put(system::COUNTS, &key, &row, &[])?;
                }
            }
            txn.commit()?;
        }
        Ok(())
    }
}

/// A saved count: 8 bytes, big endian, keyed by the storage's number, 4 bytes, big endian.
fn decode(row: &[u8]) -> Result<u64> {
    let bytes = <[u8; 8]>::try_from(row).map_err(|_| Error::corrupt("malformed row count"))?;
    Ok(u64::from_be_bytes(bytes))
}
