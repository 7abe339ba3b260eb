//! Differences between two snapshots, on any two branches, in time proportional to what was written
//! between them.
//!
//! Two snapshots can differ in a row only if a branch of either chain wrote it after the number that
//! one chain has for that branch and not after the number of the other. The lists of changes in
//! those ranges name the candidates; the rows at both snapshots decide.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range as Span;
use std::sync::Arc;

use bytes::Bytes;
use helios_base::{BranchId, Result, Scn, TableId};
use helios_kv::{Cursor, Keyspace, KvSnapshot};

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

/// The most candidates that are read together.
const AHEAD_MAX: usize = 256;

/// The rows that two snapshots see differently, by table and key.
pub struct Diff {
    old: Snapshot,
    new: Snapshot,
    candidates: Candidates,
    /// Found and not yet handed out.
    ready: VecDeque<Change>,
    /// How many candidates are read together next.
    ahead: usize,
}

/// The rows that one snapshot has under keys that were read together.
struct Side {
    bytes: Bytes,
    rows: Vec<Option<(Scn, Span<usize>)>>,
}

impl Side {
    fn read(at: &Snapshot, table: TableId, keys: &[&[u8]]) -> Result<Self> {
        let mut bytes = Vec::new();
        let mut rows = vec![None; keys.len()];
        at.show_each(table, keys, &mut |number, row| {
            let start = bytes.len();
            bytes.extend_from_slice(row.row);
            if let Some(place) = rows.get_mut(number) {
                *place = Some((row.begin, start..bytes.len()));
            }
            Ok(())
        })?;
        let bytes = Bytes::from(bytes);
        Ok(Self { bytes, rows })
    }

    fn row(&self, number: usize) -> Option<RowVersion> {
        let (begin, row) = self.rows.get(number)?.clone()?;
        let row = self.bytes.slice(row);
        Some(RowVersion { begin, row })
    }
}

impl Diff {
    /// Compares every table, or one.
    pub(crate) fn new(old: &Snapshot, new: &Snapshot, table: Option<TableId>) -> Result<Self> {
        Ok(Self {
            old: old.clone(),
            new: new.clone(),
            candidates: Candidates::new(old, new, table)?,
            ready: VecDeque::new(),
            ahead: 4,
        })
    }

    /// The next difference.
    ///
    /// # Errors
    /// As [`Read::get`].
    #[allow(clippy::should_implement_trait, reason = "it can fail")]
    pub fn next(&mut self) -> Result<Option<Change>> {
        while self.ready.is_empty() {
            if !self.read_on()? {
                return Ok(None);
            }
        }
        Ok(self.ready.pop_front())
    }

    /// Reads the next candidates at both snapshots; false if there are none.
    fn read_on(&mut self) -> Result<bool> {
        let Some((table, keys)) = self.candidates.next_keys(self.ahead)? else {
            return Ok(false);
        };
        self.ahead = (self.ahead * 2).min(AHEAD_MAX);
        let old = Side::read(&self.old, table, &keys)?;
        let new = Side::read(&self.new, table, &keys)?;
        for (number, pk) in keys.iter().enumerate() {
            let (old, new) = (old.row(number), new.row(number));
            let same = match (&old, &new) {
                (Some(old), Some(new)) => old.begin == new.begin || old.row == new.row,
                (None, None) => true,
                _ => false,
            };
            if !same {
                self.ready.push_back(Change {
                    table,
                    pk: pk.to_vec(),
                    old,
                    new,
                });
            }
        }
        Ok(true)
    }
}

/// The keys of a table in which two snapshots may differ.
pub struct ChangedKeys(Candidates);

impl ChangedKeys {
    pub(crate) fn new(a: &Snapshot, b: &Snapshot, table: TableId) -> Result<Self> {
        Candidates::new(a, b, Some(table)).map(Self)
    }

    /// Whether the snapshots may have different rows under `pk`; if not, they have the same. Keys are to
    /// be asked for in ascending order.
    ///
    /// # Errors
    /// As [`Read::get`].
    pub fn may_have(&mut self, pk: &[u8]) -> Result<bool> {
        self.0.load()?;
        let Candidates { keys, at, .. } = &mut self.0;
        while let Some(key) = keys.get(*at) {
            if key >= pk {
                return Ok(key == pk);
            }
            *at += 1;
        }
        Ok(false)
    }

    /// Whether there are none.
    ///
    /// # Errors
    /// As [`Read::get`].
    pub fn is_empty(&mut self) -> Result<bool> {
        if let [table] = *self.0.tables {
            for range in &self.0.ranges {
                if range.lists(&*self.0.kv, table)?.step()? {
                    return Ok(false);
                }
            }
        }
        Ok(self.0.keys.len() == 0)
    }
}

/// The keys in which two snapshots may differ, by table and key, without doubles.
pub(crate) struct Candidates {
    kv: Arc<dyn KvSnapshot>,
    ranges: Vec<Range>,
    /// Tables still to come, the next one last.
    tables: Vec<TableId>,
    table: TableId,
    keys: KeySet,
    at: usize,
}

/// Keys of one table.
type KeysOf<'k> = (TableId, Vec<&'k [u8]>);

/// What one branch wrote between the snapshots.
struct Range {
    branch: BranchId,
    after: Scn,
    upto: Scn,
}

impl Range {
    fn lists(&self, kv: &dyn KvSnapshot, table: TableId) -> Result<Box<dyn Cursor>> {
        changes::lists(kv, table, self.branch, self.after, self.upto)
    }
}

impl Candidates {
    pub(crate) fn new(a: &Snapshot, b: &Snapshot, table: Option<TableId>) -> Result<Self> {
        // Of what is gone the lists of changes are gone, too.
        for snapshot in [a, b] {
            match table {
                Some(table) => snapshot.require(table)?,
                None => snapshot.require_whole()?,
            }
        }
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

    /// The next keys of one table, up to `most`; none at the end.
    fn next_keys(&mut self, most: usize) -> Result<Option<KeysOf<'_>>> {
        while self.at >= self.keys.len() {
            if !self.load()? {
                return Ok(None);
            }
        }
        let upto = self.keys.len().min(self.at + most);
        let keys = (self.at..upto).filter_map(|at| self.keys.get(at)).collect();
        self.at = upto;
        Ok(Some((self.table, keys)))
    }

    /// Turns to the next table, if there is one.
    fn load(&mut self) -> Result<bool> {
        let Some(table) = self.tables.pop() else {
            return Ok(false);
        };
        self.table = table;
        self.at = 0;
        self.keys = KeySet::new();
        for range in &self.ranges {
            let mut lists = range.lists(&*self.kv, table)?;
            while let Some((_, value)) = lists.next()? {
                self.keys.add_part(value)?;
            }
        }
        self.keys.sort();
        Ok(true)
    }
}
