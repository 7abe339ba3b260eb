//! Transactions: private writes, locks, savepoints, commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use helios_base::{BranchId, IndexId, Result, Scn, TableId, TxId};

use crate::cursor::KeyCursor;
use crate::lock::{LockMode, TableLock, Wait};
use crate::row::{Bounds, IndexEntry, RowVersion};
use crate::store::unfinished;
use crate::view::View;

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
pub struct Savepoint(pub(crate) usize);

/// A row after an attempt to lock it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// The transaction's own newest write of it, else the newest committed version; `None` when the
    /// row does not exist (any more).
    pub latest: Option<RowVersion>,
    /// Whether another transaction's commit changed or deleted it after the statement's snapshot.
    pub changed_since_snapshot: bool,
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

/// A transaction. Methods take `&self`; it may be shared by the threads of one session. Dropping it
/// without [`Txn::commit`] rolls it back.
pub struct Txn {
    pub(crate) options: TxnOptions,
}

impl Txn {
    /// A number for locks and messages, unique while the store is open.
    #[must_use]
    pub fn number(&self) -> u64 {
        0
    }

    /// Its identifier; allocated at the first call or write.
    #[must_use]
    pub fn id(&self) -> TxId {
        TxId(0)
    }

    /// Its branch.
    #[must_use]
    pub fn branch(&self) -> BranchId {
        self.options.branch
    }

    /// Its isolation level.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.options.isolation
    }

    /// Starts a statement: READ COMMITTED takes a new snapshot, the other levels keep the first.
    /// The view also sees the writes made so far.
    ///
    /// # Errors
    /// 25P02 or similar when the transaction is over.
    pub fn statement(&self) -> Result<View> {
        Err(unfinished())
    }

    /// The view of the running statement, with all writes made so far; starts one if none runs.
    ///
    /// # Errors
    /// As [`Txn::statement`].
    pub fn view(&self) -> Result<View> {
        Err(unfinished())
    }

    /// The own newest write of the row, else the newest committed version (which the statement's
    /// snapshot may not see): what uniqueness and foreign keys are checked against, under locks.
    ///
    /// # Errors
    /// As [`Read::get`](crate::Read::get).
    pub fn latest(&self, _table: TableId, _pk: &[u8]) -> Result<Option<RowVersion>> {
        Err(unfinished())
    }

    /// Like [`Read::index_scan`](crate::Read::index_scan) over own and newest committed entries;
    /// [`Txn::latest`] is the judge.
    ///
    /// # Errors
    /// As [`Read::get`](crate::Read::get).
    pub fn latest_index_scan(
        &self,
        _index: IndexId,
        _range: Bounds<'_>,
        _reverse: bool,
    ) -> Result<KeyCursor> {
        Err(unfinished())
    }

    /// Locks a row until the end of the transaction, whether it exists or not. `None` if it is
    /// locked and `wait` says to skip.
    ///
    /// # Errors
    /// 40P01 deadlock, 55P03 not available, 57014 cancelled. REPEATABLE READ and SERIALIZABLE: 40001
    /// when the row changed after the snapshot.
    pub fn lock_row(
        &self,
        _table: TableId,
        _pk: &[u8],
        _mode: LockMode,
        _wait: Wait,
    ) -> Result<Option<Locked>> {
        Err(unfinished())
    }

    /// Locks a key of a space numbered by the layer above (an index, a name). False if it is locked
    /// and `wait` says to skip.
    ///
    /// # Errors
    /// As [`Txn::lock_row`], never 40001.
    pub fn lock_key(&self, _space: u32, _key: &[u8], _mode: LockMode, _wait: Wait) -> Result<bool> {
        Err(unfinished())
    }

    /// Locks a table on this branch. False if it is locked and `wait` says to skip.
    ///
    /// # Errors
    /// As [`Txn::lock_key`].
    pub fn lock_table(&self, _table: TableId, _mode: TableLock, _wait: Wait) -> Result<bool> {
        Err(unfinished())
    }

    /// Writes a row, new or not, and the index entries that this version has and the one it
    /// replaces had not (all entries for a new row). Locks the row (`NoKeyUpdate`) if needed.
    ///
    /// # Errors
    /// As [`Txn::lock_row`]; 25006 in a read-only transaction.
    pub fn put(
        &self,
        _table: TableId,
        _pk: &[u8],
        _row: &[u8],
        _entries: &[IndexEntry],
    ) -> Result<()> {
        Err(unfinished())
    }

    /// Writes index entries of an existing row: index builds.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn put_entries(&self, _entries: &[IndexEntry]) -> Result<()> {
        Err(unfinished())
    }

    /// Deletes a row. Deleting a row that does not exist changes nothing. Locks it (`Update`).
    ///
    /// # Errors
    /// As [`Txn::put`].
    pub fn delete(&self, _table: TableId, _pk: &[u8]) -> Result<()> {
        Err(unfinished())
    }

    /// Says that nothing on this branch names `table` any more once this commits: its rows go away
    /// when no snapshot, pin or retention needs them. Table numbers are never reused.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn drop_table(&self, _table: TableId) -> Result<()> {
        Err(unfinished())
    }

    /// Like [`Txn::drop_table`] for an index.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn drop_index(&self, _index: IndexId) -> Result<()> {
        Err(unfinished())
    }

    /// Whether anything has been written.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        false
    }

    /// Marks the present state.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        Savepoint(0)
    }

    /// Undoes all writes since `savepoint`, which stays valid; later ones do not. Locks stay.
    ///
    /// # Errors
    /// 3B001 for a savepoint that was undone.
    pub fn rollback_to(&self, _savepoint: Savepoint) -> Result<()> {
        Err(unfinished())
    }

    /// Sets what is recorded with the commit.
    pub fn describe(&self, _author: &str, _message: &str) {}

    /// Commits: all writes become durable and visible at once. Returns the commit's change number,
    /// or the snapshot's if nothing was written. The transaction is over, also after an error.
    ///
    /// # Errors
    /// 40001 when SERIALIZABLE finds that what was read has changed; `Io`, `Poisoned` when the log
    /// cannot be written (then the outcome is known only after reopening).
    pub fn commit(&self) -> Result<Scn> {
        Err(unfinished())
    }

    /// Undoes everything and releases all locks.
    pub fn rollback(&self) {}
}
