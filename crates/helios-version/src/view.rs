//! A transaction's view: a snapshot with the transaction's own writes on top.

use std::sync::Arc;

use helios_base::{BranchId, IndexId, Result, Scn, TableId};
use parking_lot::Mutex;

use crate::cursor::{KeyCursor, RowCursor};
use crate::pipeline::SharedWrites;
use crate::reads::ReadSet;
use crate::row::{Bounds, RowRef, RowVersion, ShowEachRow, ShowRow, Version};
use crate::snapshot::{Read, Snapshot};
use crate::writes::Own;

/// What one statement of a transaction sees: its snapshot and the transaction's own writes made
/// before the view was taken. Cheap to clone; it does not see later writes, so a statement may write
/// while it reads.
#[derive(Clone)]
pub struct View {
    snapshot: Snapshot,
    /// Own writes, and how many of them are seen.
    own: Option<(SharedWrites, usize)>,
    /// Where a serializable transaction notes what it reads.
    reads: Option<Arc<Mutex<ReadSet>>>,
}

impl View {
    pub(crate) fn new(
        snapshot: Snapshot,
        own: Option<(SharedWrites, usize)>,
        reads: Option<Arc<Mutex<ReadSet>>>,
    ) -> Self {
        Self {
            snapshot,
            own,
            reads,
        }
    }

    /// The own write of a row that is seen, if there is one.
    #[inline]
    fn own_row(&self, table: TableId, pk: &[u8]) -> Result<Option<Own>> {
        match &self.own {
            Some((writes, limit)) => writes.read().row(table, pk, *limit),
            None => Ok(None),
        }
    }

    /// The committed part. Reading it directly escapes SERIALIZABLE's validation.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Read for View {
    fn branch(&self) -> BranchId {
        self.snapshot.branch()
    }

    fn scn(&self) -> Scn {
        self.snapshot.scn()
    }

    fn require(&self, table: TableId) -> Result<()> {
        self.snapshot.require(table)
    }

    #[inline]
    fn get(&self, table: TableId, pk: &[u8]) -> Result<Option<RowVersion>> {
        if let Some(own) = self.own_row(table, pk)? {
            return Ok(match own {
                Own::Put(row) => Some(RowVersion {
                    begin: Scn::MAX,
                    row,
                }),
                Own::Delete => None,
            });
        }
        if let Some(reads) = &self.reads {
            reads.lock().add_row(table, pk);
        }
        self.snapshot.get(table, pk)
    }

    #[inline]
    fn show(&self, table: TableId, pk: &[u8], visit: &mut ShowRow<'_>) -> Result<bool> {
        match self.own_row(table, pk)? {
            Some(Own::Put(row)) => {
                let (begin, row) = (Scn::MAX, &*row);
                return visit(RowRef { pk, begin, row }).map(|()| true);
            }
            Some(Own::Delete) => return Ok(false),
            None => {}
        }
        if let Some(reads) = &self.reads {
            reads.lock().add_row(table, pk);
        }
        self.snapshot.show(table, pk, visit)
    }

    fn show_each(&self, table: TableId, pks: &[&[u8]], visit: &mut ShowEachRow<'_>) -> Result<()> {
        let has_own = |(writes, _): &(SharedWrites, usize)| writes.read().has_rows(table);
        if self.reads.is_none() && !self.own.as_ref().is_some_and(has_own) {
            return self.snapshot.show_each(table, pks, visit);
        }
        for (number, pk) in pks.iter().enumerate() {
            self.show(table, pk, &mut |row| visit(number, row))?;
        }
        Ok(())
    }

    fn scan(&self, table: TableId, range: Bounds<'_>, reverse: bool) -> Result<RowCursor> {
        if let Some(reads) = &self.reads {
            reads.lock().add_rows(table, range);
        }
        let cursor = self.snapshot.scan(table, range, reverse)?;
        match &self.own {
            Some((writes, limit)) if writes.read().has_rows(table) => {
                cursor.with_own(Arc::clone(writes), table, *limit, range, reverse)
            }
            _ => Ok(cursor),
        }
    }

    fn index_scan(&self, index: IndexId, range: Bounds<'_>, reverse: bool) -> Result<KeyCursor> {
        if let Some(reads) = &self.reads {
            reads.lock().add_entries(index, range);
        }
        let cursor = self.snapshot.index_scan(index, range, reverse)?;
        match &self.own {
            Some((writes, limit)) if writes.read().has_entries(index) => {
                cursor.with_own(Arc::clone(writes), index, *limit, range, reverse)
            }
            _ => Ok(cursor),
        }
    }

    fn segments(&self, table: TableId) -> usize {
        self.snapshot.segments(table)
    }

    fn is_scattered(&self, table: TableId) -> Result<bool> {
        self.snapshot.is_scattered(table)
    }

    fn cuts(&self, table: TableId, fine: bool) -> Result<(Vec<Vec<u8>>, u64)> {
        self.snapshot.cuts(table, fine)
    }

    fn history(&self, table: TableId, pk: &[u8]) -> Result<Vec<Version>> {
        if let Some(reads) = &self.reads {
            reads.lock().add_row(table, pk);
        }
        self.snapshot.history(table, pk)
    }
}
