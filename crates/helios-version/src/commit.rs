//! What is known of a commit.

use helios_base::{BranchId, Scn, TxId};

/// What is known of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitInfo {
    /// Its place in the database's one sequence.
    pub scn: Scn,
    /// The transaction that made it.
    pub txid: TxId,
    /// The branch it changed.
    pub branch: BranchId,
    /// When, in µs since 1970-01-01 UTC; strictly increasing with `scn`.
    pub time: i64,
    /// Who made it; may be empty.
    pub author: String,
    /// Why; may be empty.
    pub message: String,
    /// The commits a merge took in, empty for an ordinary commit.
    pub parents: Vec<(BranchId, Scn)>,
    /// Rows put.
    pub puts: u64,
    /// Rows deleted.
    pub deletes: u64,
    /// Where its record starts in the commit log.
    pub position: u64,
}
