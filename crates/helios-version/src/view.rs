//! A transaction's view: a snapshot with the transaction's own writes on top.

use helios_base::{BranchId, IndexId, Result, Scn, TableId};

use crate::cursor::{KeyCursor, RowCursor};
use crate::row::{Bounds, RowVersion, Version};
use crate::snapshot::{Read, Snapshot};

/// What one statement of a transaction sees: its snapshot and the transaction's own writes made
/// before the view was taken. Cheap to clone; scans of it do not see later writes, so a statement
/// may write while it reads.
#[derive(Clone)]
pub struct View {
    pub(crate) snapshot: Snapshot,
}

impl View {
    /// The committed part.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Read for View {
    fn branch(&self) -> BranchId {
        self.snapshot.branch
    }
    fn scn(&self) -> Scn {
        self.snapshot.scn
    }
    fn get(&self, table: TableId, pk: &[u8]) -> Result<Option<RowVersion>> {
        self.snapshot.get(table, pk)
    }
    fn scan(&self, table: TableId, range: Bounds<'_>, reverse: bool) -> Result<RowCursor> {
        self.snapshot.scan(table, range, reverse)
    }
    fn index_scan(&self, index: IndexId, range: Bounds<'_>, reverse: bool) -> Result<KeyCursor> {
        self.snapshot.index_scan(index, range, reverse)
    }
    fn history(&self, table: TableId, pk: &[u8]) -> Result<Vec<Version>> {
        self.snapshot.history(table, pk)
    }
}
