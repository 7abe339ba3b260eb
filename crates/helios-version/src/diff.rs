//! Differences between two snapshots, on any two branches, in time proportional to what was written
//! between them.
//!
//! Two snapshots can differ in a row only if a branch of either chain wrote it after the number that
//! one chain has for that branch and not after the number of the other. The lists of changes in
//! those ranges name the candidates; the rows at both snapshots decide.

use std::collections::BTreeSet;
use std::sync::Arc;

use helios_base::{BranchId, Result, Scn, TableId};
use helios_kv::{Keyspace, KvSnapshot};

use crate::changes::{self, KeySet};
use crate::gc::objects_of;
use crate::row::RowVersion;
use crate::snapshot::{Read, Snapshot};

/// A row that two snapshots see differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The table.
    pub table: TableId,
    /// The primary key.
    pub pk: Vec<u8>,
    /// The row at the first snapshot; `None` if there is none.
    pub old: Option<RowVersion>,
    /// The row at the second snapshot; `None` if there is none.
    pub new: Option<RowVersion>,
}

/// The rows that two snapshots see differently, by table and key.
pub struct Diff {
    old: Snapshot,
    new: Snapshot,
    candidates: Candidates,
}

impl Diff {
    /// Compares every table, or one.
    pub(crate) fn new(old: &Snapshot, new: &Snapshot, table: Option<TableId>) -> Result<Self> {
        Ok(Self {
            old: old.clone(),
            new: new.clone(),
            candidates: Candidates::new(old, new, table)?,
        })
    }

    /// The next difference.
    ///
    /// # Errors
    /// As [`Read::get`].
    #[allow(clippy::should_implement_trait, reason = "it can fail")]
    pub fn next(&mut self) -> Result<Option<Change>> {
        while let Some((table, pk)) = self.candidates.next()? {
            let old = self.old.get(table, pk)?;
            let new = self.new.get(table, pk)?;
            let same = match (&old, &new) {
                (Some(old), Some(new)) => old.begin == new.begin || old.row == new.row,
                (None, None) => true,
                _ => false,
            };
            if !same {
                let pk = pk.to_vec();
                return Ok(Some(Change {
                    table,
                    pk,
                    old,
                    new,
                }));
            }
        }
        Ok(None)
    }
}

/// The keys in which two snapshots may differ, by table and key, without doubles.
pub struct Candidates {
    kv: Arc<dyn KvSnapshot>,
    ranges: Vec<Range>,
    /// Tables still to come, the next one last.
    tables: Vec<TableId>,
    table: TableId,
    keys: KeySet,
    at: usize,
}

/// What one branch wrote between the snapshots.
struct Range {
    branch: BranchId,
    after: Scn,
    upto: Scn,
}

impl Candidates {
    pub(crate) fn new(a: &Snapshot, b: &Snapshot, table: Option<TableId>) -> Result<Self> {
        let kv = a.kv();
        let mut ranges = Vec::new();
        let of = |snapshot: &Snapshot, branch| {
            let mut links = snapshot.links();
            links
                .find(|link| link.branch == branch)
                .map_or(Scn::ZERO, |link| link.scn)
        };
        let branches: BTreeSet<BranchId> = a.links().chain(b.links()).map(|l| l.branch).collect();
        for branch in branches {
            let (one, other) = (of(a, branch), of(b, branch));
            if one != other {
                ranges.push(Range {
                    branch,
                    after: one.min(other),
                    upto: one.max(other),
                });
            }
        }
        let tables = match table {
            Some(table) => vec![table],
            None => {
                let mut tables = BTreeSet::new();
                for range in &ranges {
                    tables.extend(objects_of(&*kv, Keyspace::Changes, range.branch)?);
                }
                tables.into_iter().rev().map(TableId).collect()
            }
        };
        Ok(Self {
            kv,
            ranges,
            tables,
            table: TableId(0),
            keys: KeySet::new(),
            at: 0,
        })
    }

    /// The next key.
    pub(crate) fn next(&mut self) -> Result<Option<(TableId, &[u8])>> {
        while self.at >= self.keys.len() {
            let Some(table) = self.tables.pop() else {
                return Ok(None);
            };
            self.table = table;
            self.at = 0;
            self.keys = KeySet::new();
            for range in &self.ranges {
                let mut lists =
                    changes::lists(&*self.kv, table, range.branch, range.after, range.upto)?;
                while let Some((_, value)) = lists.next()? {
                    self.keys.add_part(value)?;
                }
            }
            self.keys.sort();
        }
        let key = self.keys.get(self.at);
        self.at += 1;
        Ok(key.map(|key| (self.table, key)))
    }
}
