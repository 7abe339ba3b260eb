//! Locks: what can be locked, how, and for how long one waits.

use helios_base::{BranchId, TableId};

pub(crate) mod manager;
pub(crate) mod mode;

/// How a row or a key is locked; PostgreSQL's four row-level modes.
///
/// | | key share | share | no key update | update |
/// |---|---|---|---|---|
/// | key share | | | | × |
/// | share | | | × | × |
/// | no key update | | × | × | × |
/// | update | × | × | × | × |
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockMode {
    /// `FOR KEY SHARE`: the key must not change; taken by foreign key checks.
    KeyShare,
    /// `FOR SHARE`: the row must not change.
    Share,
    /// `FOR NO KEY UPDATE`: about to change columns that are no key.
    NoKeyUpdate,
    /// `FOR UPDATE`: about to delete the row or change its key.
    Update,
}

/// How a table is locked; PostgreSQL's table-level modes that matter where readers never lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableLock {
    /// `ACCESS SHARE`: conflicts with `ACCESS EXCLUSIVE` only.
    AccessShare,
    /// `ROW SHARE`: rows are locked.
    RowShare,
    /// `ROW EXCLUSIVE`: rows are written.
    RowExclusive,
    /// `SHARE UPDATE EXCLUSIVE`: one maintenance task at a time.
    ShareUpdateExclusive,
    /// `SHARE`: no writes; index builds.
    Share,
    /// `SHARE ROW EXCLUSIVE`: no writes, one at a time.
    ShareRowExclusive,
    /// `EXCLUSIVE`: only readers beside.
    Exclusive,
    /// `ACCESS EXCLUSIVE`: nobody beside; definition changes.
    AccessExclusive,
}

/// What to do when a lock is not free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Wait until it is free, the transaction's `lock_timeout` passes, or it is cancelled.
    #[default]
    Block,
    /// Fail with 55P03.
    NoWait,
    /// Return without the lock.
    SkipLocked,
}

/// What a lock is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockTarget {
    /// A whole table on a branch.
    Table(BranchId, TableId),
    /// A row of a table; rows are known by a 64-bit hash of their key.
    Row(BranchId, TableId, u64),
    /// A key in a space that the layer above numbers, by a 64-bit hash.
    Key(BranchId, u32, u64),
}

/// One lock, held or waited for, for system views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockInfo {
    /// The transaction's [`number`](crate::TxnInfo::number).
    pub txn: u64,
    /// What is locked.
    pub target: LockTarget,
    /// PostgreSQL's name of the mode, such as `RowExclusiveLock`.
    pub mode: &'static str,
    /// False while it is waited for.
    pub granted: bool,
}
