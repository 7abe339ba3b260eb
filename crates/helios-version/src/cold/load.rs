//! Segments that a commit brings along: bulk loads.

use std::cmp::Ordering as Order;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helios_base::{BranchId, Error, Result, Scn, TableId, failpoint};
use helios_kv::{Batch, Keyspace};

use super::freeze::put_next;
use super::{Frozen, Part, SegmentInfo};
use crate::core::Core;
use crate::keys::{ObjectRange, PREFIX};
use crate::row::RowRef;
use crate::txn::Txn;
use crate::writes::BroughtKeys;

impl Core {
    /// Takes in a segment that a commit brings along, or again in recovery. Called with the apply mutex held.
    pub(crate) fn take_in(&self, info: SegmentInfo, batch: &mut Batch) {
        self.cold.next.fetch_max(info.id + 1, Ordering::Relaxed);
        put_next(self, batch);
        batch.put(Keyspace::Meta, &info.key(), &info.encode());
        let (table, branch) = (info.table, info.branch);
        let part = Arc::new(Part::new(info, None));
        self.cold.change(table, branch, |level| {
            // What was replayed may have been in the state already.
            level.parts.retain(|known| known.info.id != part.info.id);
            level.parts.push(part);
        });
    }
}

impl Txn {
    /// The tables of which this transaction put at least `least` rows, deleted none, and replaced none that its
    /// branch has a version of: whose rows may be written as segments ([`Txn::load`]).
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn loadable(&self, least: u64) -> Result<Vec<TableId>> {
        let mut tables = self.writes().read().large_tables(least);
        let mut failure = None;
        tables.retain(|table| match self.is_new(*table) {
            Ok(new) => new,
            Err(error) => {
                failure.get_or_insert(error);
                false
            }
        });
        failure.map_or(Ok(tables), Err)
    }

    /// Whether the branch has no version of any row put into the table. That stays so, for the rows are locked.
    fn is_new(&self, table: TableId) -> Result<bool> {
        let (core, branch) = (self.core(), self.branch());
        let kv = core.kv.snapshot();
        let level = core.cold.level(table, branch);
        let range = ObjectRange::new(table.0, branch, (Bound::Unbounded, Bound::Unbounded));
        let mut current = kv.scan(Keyspace::Current, range.bounds(), false)?;
        // The first key there at or after the last row.
        let mut there: Option<Vec<u8>> = None;
        let mut looked = false;
        let mut new = true;
        let mut key = Vec::new();
        self.writes()
            .read()
            .for_each_put(table, &mut |row, fresh| {
                if fresh || !new {
                    return Ok(());
                }
                while !looked || there.as_deref().is_some_and(|there| there < row.pk) {
                    crate::keys::object_key(&mut key, table.0, branch, row.pk);
                    current.seek(&key)?;
                    let next = current.next()?.map(|(key, _)| key);
                    there = next.map(|key| key.get(PREFIX..).unwrap_or_default().to_vec());
                    looked = true;
                }
                let found = there.as_deref().map(|there| there.cmp(row.pk));
                new &= found != Some(Order::Equal);
                for part in level.iter().flat_map(|level| level.covering(row.pk)) {
                    new = new && core.cold.rows(part)?.find(row.pk)?.is_none();
                }
                Ok(())
            })?;
        Ok(new)
    }

    /// Shows the rows that were put into one of the [`Txn::loadable`] tables, in key order. When they begin is not
    /// known yet.
    ///
    /// # Errors
    /// Those of `visit`; `Io`.
    pub fn each_put(
        &self,
        table: TableId,
        visit: &mut dyn FnMut(RowRef<'_>) -> Result<()>,
    ) -> Result<()> {
        let writes = self.writes().read();
        writes.for_each_put(table, &mut |row, _| visit(row))
    }

    /// A number for a segment.
    #[must_use]
    pub fn next_segment(&self) -> u64 {
        self.core().cold.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Says that all rows put into one of the [`Txn::loadable`] tables lie in these segments, whose files are
    /// durable: the last thing before the commit, which takes them in instead of the rows. A segment opened
    /// later has rows that all begin with its `newest`. After an error of the commit that is not
    /// [`Poisoned`](helios_base::ErrorKind::Poisoned) nothing refers to the files.
    ///
    /// # Errors
    /// Internal if the rows are not as many.
    pub fn load(&self, table: TableId, segments: Vec<(u64, Frozen)>) -> Result<()> {
        let mut wanted = 0;
        self.each_put(table, &mut |_| {
            wanted += 1;
            Ok(())
        })?;
        let found: u64 = segments.iter().map(|(_, frozen)| frozen.rows).sum();
        if wanted != found {
            return Err(Error::internal(format!(
                "segments with {found} rows of table {table} instead of {wanted}"
            )));
        }
        failpoint::hit("cold.loaded")?;
        // Recovery may find versions of these keys that are collected now, or leave a tombstone where it cannot look
        // into segments; they would shadow the rows.
        self.core().save_visible()?;
        let segments = self.entries(table, segments);
        self.writes().write().load(table, segments);
        Ok(())
    }
}

impl Txn {
    /// Says that these segments, whose files are durable, have rows of a table that were never put: the commit takes
    /// them in. Of keys that somebody may ask for each was [vacant](crate::Vacancy::Vacant) when this transaction
    /// [had the whole table to itself](Txn::take_whole), and it wrote none of them since. Reads of this transaction do
    /// not see the rows: the last thing before the commit. After an error of the commit that is not
    /// [`Poisoned`](helios_base::ErrorKind::Poisoned) nothing refers to the files.
    ///
    /// # Errors
    /// 25006 in a read-only transaction; internal if the keys are not as many as the rows.
    pub fn bring(
        &self,
        table: TableId,
        segments: Vec<(u64, Frozen)>,
        keys: BroughtKeys,
    ) -> Result<()> {
        self.refuse_read_only()?;
        let rows = segments.iter().map(|(_, frozen)| frozen.rows).sum();
        failpoint::hit("cold.loaded")?;
        if let BroughtKeys::Vacant(list) = &keys {
            if list.len() != rows {
                return Err(Error::internal(format!(
                    "segments with {rows} rows of table {table} for {} keys",
                    list.len()
                )));
            }
            // As in `load`: what recovery finds of these keys would shadow the rows.
            self.core().save_visible()?;
        }
        let segments = self.entries(table, segments);
        self.writes().write().bring(table, segments, rows, keys);
        Ok(())
    }

    fn entries(&self, table: TableId, segments: Vec<(u64, Frozen)>) -> Vec<(u64, Vec<u8>)> {
        let branch = self.branch();
        let entry = |(id, frozen): (u64, Frozen)| (id, frozen.entry(table, branch, id).encode());
        segments.into_iter().map(entry).collect()
    }
}

impl Frozen {
    /// Wholly adopted.
    fn entry(self, table: TableId, branch: BranchId, id: u64) -> SegmentInfo {
        SegmentInfo {
            id,
            table,
            branch,
            rows: self.rows,
            adopted: self.rows,
            least: self.least,
            greatest: self.greatest,
            newest: Scn::ZERO,
            bytes: self.bytes,
            descriptor: self.descriptor,
        }
    }
}
