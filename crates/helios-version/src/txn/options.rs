//! How a transaction runs, and what it and others learn of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use helios_base::{BranchId, Scn, TxId};

use super::held::LocksMark;
use crate::row::RowVersion;

/// What a transaction may see of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed when it began.
    #[default]
    ReadCommitted,
    /// Every statement sees what was committed when the first began; changing a row that another
    /// changed since is refused with 40001.
    RepeatableRead,
    /// As repeatable read, and what was read must still hold at commit, or 40001.
    Serializable,
}

/// Set from another thread to stop a transaction that waits. Clones share the flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks to stop: the running wait, or the next, fails with 57014.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    /// Forgets the request.
    pub fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a transaction runs.
#[derive(Clone, Debug, Default)]
pub struct TxnOptions {
    /// The branch it reads and writes.
    pub branch: BranchId,
    /// What it may see of others.
    pub isolation: Isolation,
    /// Refuse writes with 25006.
    pub read_only: bool,
    /// Acknowledge commits before they are durable. A crash may lose the newest such commits, never
    /// one without all later ones.
    pub asynchronous: bool,
    /// How long to wait for one lock; forever when `None`.
    pub lock_timeout: Option<Duration>,
    /// Stops waits.
    pub cancel: Cancel,
    /// Recorded with the commit.
    pub author: String,
}

/// A place to roll back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Savepoint {
    /// Writes made before it.
    pub(super) writes: usize,
    pub(super) locks: LocksMark,
}

/// A row after an attempt to lock it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The transaction's own newest write of it, else the newest committed version; `None` when the
    /// row does not exist (any more).
    pub latest: Option<RowVersion>,
    /// Whether another transaction's commit changed or deleted it after the statement's snapshot.
    pub changed_since_snapshot: bool,
}

/// What there is under a key that a new row is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vacancy {
    /// A row: the transaction's own or the newest committed.
    Taken,
    /// No row any more, but a version of one, the transaction's own or the branch's.
    Left,
    /// Neither the transaction nor its branch has, or inherits, anything.
    Vacant,
}

/// A running transaction, for system views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnInfo {
    /// A number for locks and messages, unique while the store is open.
    pub number: u64,
    /// Its identifier, once it has written.
    pub id: Option<TxId>,
    /// Its branch.
    pub branch: BranchId,
    /// Its isolation level.
    pub isolation: Isolation,
    /// When it began, in µs since 1970-01-01 UTC.
    pub started_at: i64,
    /// The oldest change number it holds.
    pub snapshot: Option<Scn>,
    /// Whether it waits for a lock.
    pub waiting: bool,
}
