//! Row versions and index entries, as the layer above hands them in and gets them back.

use std::ops::Bound;

use bytes::Bytes;
use helios_base::{BranchId, IndexId, Result, Scn, TableId};

/// A range of keys in byte order.
pub type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// One version of a row, as a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowVersion {
    /// The commit that wrote it; [`Scn::MAX`] for the reader's own uncommitted write.
    pub begin: Scn,
    /// The row as it was put.
    pub row: Bytes,
}

/// One row under a cursor; valid until the cursor moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef<'a> {
    /// The primary key.
    pub pk: &'a [u8],
    /// The commit that wrote the version; [`Scn::MAX`] for an own uncommitted write.
    pub begin: Scn,
    /// The row as it was put.
    pub row: &'a [u8],
}

/// What [`Read::show`](crate::Read::show) shows a row to.
pub type ShowRow<'v> = dyn FnMut(RowRef<'_>) -> Result<()> + 'v;

/// What [`Read::show_each`](crate::Read::show_each) shows rows to: the number of the key, and the row.
pub type ShowEachRow<'v> = dyn FnMut(usize, RowRef<'_>) -> Result<()> + 'v;

/// One version of one row in its history, with the interval in which it was the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The branch whose commit wrote it.
    pub branch: BranchId,
    /// First change number that sees it.
    pub begin: Scn,
    /// First change number that no longer sees it; `None` while it is the newest.
    pub end: Option<Scn>,
    /// The row, or `None` for a deletion.
    pub row: Option<Bytes>,
}

/// A candidate entry of an ordered index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexEntry {
    /// The index.
    pub index: IndexId,
    /// The indexed columns followed by the primary key, encoded by the layer above; prefix-free.
    pub key: Vec<u8>,
}

/// Tells garbage collection which index entries a row version has, and errors how tables are called.
pub trait Indexer: Send + Sync {
    /// Appends the entries that `row` has in the indexes of `table` on `branch`.
    ///
    /// Must name at least every entry that was ever handed to [`Txn::put`](crate::Txn::put) with
    /// this row for an index that still exists; an index it does not name keeps its entries.
    fn entries(
        &self,
        branch: BranchId,
        table: TableId,
        pk: &[u8],
        row: &[u8],
        entries: &mut Vec<IndexEntry>,
    );

    /// The name of a table at a commit on a branch, for messages.
    fn name(&self, branch: BranchId, scn: Scn, table: TableId) -> Option<String> {
        let _ = (branch, scn, table);
        None
    }
}
