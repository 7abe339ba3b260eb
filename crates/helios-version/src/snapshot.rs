//! Snapshots: the database as of a branch and a change number.

use helios_base::{BranchId, IndexId, Result, Scn, TableId};

use crate::cursor::{KeyCursor, RowCursor};
use crate::row::{Bounds, RowVersion, Version};

/// Reads of committed rows at one point, with or without a transaction's own writes.
pub trait Read: Send + Sync {
    /// The branch read.
    fn branch(&self) -> BranchId;

    /// The change number read at.
    fn scn(&self) -> Scn;

    /// The row with this key.
    ///
    /// # Errors
    /// `Corrupt` when stored bytes are wrong, `Io` when the disk refuses.
    fn get(&self, table: TableId, pk: &[u8]) -> Result<Option<RowVersion>>;

    /// The rows whose keys lie in `range`, ascending, or descending with `reverse`.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn scan(&self, table: TableId, range: Bounds<'_>, reverse: bool) -> Result<RowCursor>;

    /// The entries of an index in `range`: candidates, ascending, or descending with `reverse`.
    /// The row at this snapshot is the judge of each.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn index_scan(&self, index: IndexId, range: Bounds<'_>, reverse: bool) -> Result<KeyCursor>;

    /// Committed versions of one row on this branch and its ancestors up to this snapshot that are
    /// still stored, newest first. Intervals are cut at the fork points.
    ///
    /// # Errors
    /// As [`Read::get`].
    fn history(&self, table: TableId, pk: &[u8]) -> Result<Vec<Version>>;
}

/// The database as of a branch and a change number. Cheap to clone; while one exists garbage
/// collection keeps what it sees. Never blocks and is never blocked.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) branch: BranchId,
    pub(crate) scn: Scn,
}

impl Read for Snapshot {
    fn branch(&self) -> BranchId {
        self.branch
    }
    fn scn(&self) -> Scn {
        self.scn
    }
    fn get(&self, _table: TableId, _pk: &[u8]) -> Result<Option<RowVersion>> {
        Err(crate::store::unfinished())
    }
    fn scan(&self, _table: TableId, _range: Bounds<'_>, _reverse: bool) -> Result<RowCursor> {
        Err(crate::store::unfinished())
    }
    fn index_scan(&self, _index: IndexId, _range: Bounds<'_>, _reverse: bool) -> Result<KeyCursor> {
        Err(crate::store::unfinished())
    }
    fn history(&self, _table: TableId, _pk: &[u8]) -> Result<Vec<Version>> {
        Err(crate::store::unfinished())
    }
}
