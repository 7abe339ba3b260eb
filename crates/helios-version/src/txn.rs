//! Transactions: private writes, locks, savepoints, commit.

mod held;
mod locking;
mod options;
mod running;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use helios_base::{BranchId, Error, IndexId, Result, Scn, SqlState, TableId, TxId};
use parking_lot::{Mutex, RwLock};

use crate::branch::Link;
use crate::cache::Newest;
use crate::core::Core;
use crate::cursor::KeyCursor;
use crate::lock::manager::Owner;
use crate::lock::{LockMode, Wait};
use crate::pipeline::{Commit, SharedWrites};
use crate::reads::ReadSet;
use crate::record::{CommitHead, Op};
use crate::retention;
use crate::row::{Bounds, IndexEntry, RowVersion};
use crate::snapshot::{Read, Snapshot};
use crate::view::View;
use crate::writes::{Own, WriteSet};
use held::{Held, Remembered};
pub use options::{Cancel, Isolation, Locked, Savepoint, TxnInfo, TxnOptions, Vacancy};
pub(crate) use running::{Running, Transactions};

/// A transaction. Methods take `&self`; it may be shared by the threads of one session. Dropping it
/// without [`Txn::commit`] rolls it back.
pub struct Txn {
    core: Arc<Core>,
    owner: Arc<Owner>,
    options: TxnOptions,
    running: Arc<Running>,
    writes: SharedWrites,
    reads: Option<Arc<Mutex<ReadSet>>>,
    held: Mutex<Held>,
    state: Mutex<State>,
    /// How long to wait for a lock, in µs; [`FOREVER`] for ever.
    lock_timeout: AtomicU64,
    asynchronous: AtomicBool,
}

/// No limit to waiting for a lock.
const FOREVER: u64 = u64::MAX;

#[derive(Default)]
struct State {
    over: bool,
    /// What the running statement sees, own writes aside; the first one's for the stricter levels.
    view: Option<View>,
    id: Option<TxId>,
    author: String,
    message: String,
    parents: Vec<(BranchId, Scn)>,
    /// Where the log must be durable for what this transaction has told its user.
    log_end: u64,
}

impl Txn {
    pub(crate) fn begin(core: &Arc<Core>, options: TxnOptions) -> Result<Self> {
        let running = core.transactions.begin(&core.tree, &options)?;
        let serializable = options.isolation == Isolation::Serializable && !options.read_only;
        Ok(Self {
            core: Arc::clone(core),
            owner: Owner::new(running.number),
            writes: Arc::new(RwLock::new(WriteSet::new(core.options.txn_memory_bytes))),
            reads: serializable.then(Arc::default),
            held: Mutex::default(),
            state: Mutex::new(State {
                author: options.author.clone(),
                ..State::default()
            }),
            running,
            lock_timeout: AtomicU64::new(micros(options.lock_timeout)),
            asynchronous: AtomicBool::new(options.asynchronous),
            options,
        })
    }

    /// Sets how long to wait for one lock from now on; for ever when `None`.
    pub fn set_lock_timeout(&self, limit: Option<Duration>) {
        self.lock_timeout.store(micros(limit), Ordering::Relaxed);
    }

    /// Sets whether the commit is acknowledged before it is durable.
    pub fn set_asynchronous(&self, asynchronous: bool) {
        self.asynchronous.store(asynchronous, Ordering::Relaxed);
    }

    /// A number for locks and messages, unique while the store is open.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.running.number
    }

    /// Its identifier; allocated at the first call or commit.
    #[must_use]
    pub fn id(&self) -> TxId {
        let mut state = self.state.lock();
        match state.id {
            Some(id) => id,
            None => {
                let id = self.core.allocate_txid();
                state.id = Some(id);
                self.running.set_id(id);
                id
            }
        }
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
    /// 25P01 when the transaction is over.
    pub fn statement(&self) -> Result<View> {
        let mut state = self.state.lock();
        self.start_statement(&mut state)?;
        self.view_of(&state)
    }

    /// As [`Txn::statement`] for a statement that is over at once: `work` gets its view.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn with_statement<R>(&self, work: impl FnOnce(&View) -> R) -> Result<R> {
        let mut state = self.state.lock();
        self.start_statement(&mut state)?;
        if let Some(view) = &state.view
            && self.writes.read().mark() == 0
        {
            return Ok(work(view));
        }
        let view = self.view_of(&state)?;
        drop(state);
        Ok(work(&view))
    }

    #[inline]
    fn start_statement(&self, state: &mut State) -> Result<()> {
        if state.over {
            return Err(over());
        }
        let keeps = match &state.view {
            None => false,
            // While nothing was committed the last statement's snapshot is the newest.
            Some(last) if self.options.isolation == Isolation::ReadCommitted => {
                last.scn() == self.core.published()
            }
            Some(_) => true,
        };
        if !keeps {
            state.view = Some(View::new(self.new_snapshot()?, None, self.reads.clone()));
        }
        Ok(())
    }

    /// The view of the running statement, with all writes made so far; starts one if none runs.
    ///
    /// # Errors
    /// As [`Txn::statement`].
    pub fn view(&self) -> Result<View> {
        let state = self.state.lock();
        if state.over {
            return Err(over());
        }
        if state.view.is_some() {
            return self.view_of(&state);
        }
        drop(state);
        self.statement()
    }

    fn new_snapshot(&self) -> Result<Snapshot> {
        let branch = self.options.branch;
        let snapshot = if self.reads.is_some() {
            let mut taken = Err(Error::internal("no snapshot was taken"));
            let scn = self.core.pipeline.note_serializable(|| {
                taken = Snapshot::newest(&self.core, branch);
                taken.as_ref().map_or(Scn::ZERO, Read::scn)
            });
            self.running.note_serializable(scn);
            taken?
        } else {
            Snapshot::newest(&self.core, branch)?
        };
        self.running.set_snapshot(snapshot.scn());
        Ok(snapshot)
    }

    fn view_of(&self, state: &State) -> Result<View> {
        let Some(view) = &state.view else {
            return Err(Error::internal("a statement has no snapshot"));
        };
        let mark = self.writes.read().mark();
        let own = (mark > 0).then(|| (Arc::clone(&self.writes), mark));
        Ok(View::new(view.snapshot().clone(), own, self.reads.clone()))
    }

    /// The own newest write of the row, else the newest committed version (which the statement's
    /// snapshot may not see): what uniqueness and foreign keys are checked against, under locks.
    ///
    /// # Errors
    /// As [`Read::get`](crate::Read::get).
    pub fn latest(&self, table: TableId, pk: &[u8]) -> Result<Option<RowVersion>> {
        match self.own(table, pk)? {
            Some(Own::Put(row)) => Ok(Some(RowVersion {
                begin: Scn::MAX,
                row,
            })),
            Some(Own::Delete) => Ok(None),
            None => {
                let mut held = self.held.lock();
                if held.in_gap(table, pk) {
                    return Ok(None);
                }
                let (row, _) = self.newest(&mut held, table, pk)?;
                Ok(row)
            }
        }
    }

    fn own(&self, table: TableId, pk: &[u8]) -> Result<Option<Own>> {
        self.writes.read().row(table, pk, usize::MAX)
    }

    /// The newest committed row through the chain, and the newest version on the own branch.
    fn newest(
        &self,
        held: &mut Held,
        table: TableId,
        pk: &[u8],
    ) -> Result<(Option<RowVersion>, Newest)> {
        let branch = self.options.branch;
        let newest = self.core.newest(branch, table, pk)?;
        let row = match &newest {
            Newest::Row(begin, row) | Newest::Cold(begin, row) => Some(RowVersion {
                begin: *begin,
                row: row.clone(),
            }),
            Newest::Tombstone(_) => None,
            Newest::Absent | Newest::Above(_) => {
                let (_, ancestors) = self.core.links(branch, Scn::MAX)?;
                let row = match ancestors.split_first() {
                    Some((first, rest)) => self.core.get(*first, rest, table, pk)?,
                    None => None,
                };
                if row.is_none() {
                    let link = Link {
                        branch,
                        scn: Scn::MAX,
                    };
                    held.note_absent(&self.core, link, &ancestors, table, pk)?;
                }
                row
            }
        };
        Ok((row, newest))
    }

    /// Like [`Read::index_scan`](crate::Read::index_scan) over own and newest committed entries;
    /// [`Txn::latest`] is the judge.
    ///
    /// # Errors
    /// As [`Read::get`](crate::Read::get).
    pub fn latest_index_scan(
        &self,
        index: IndexId,
        range: Bounds<'_>,
        reverse: bool,
    ) -> Result<KeyCursor> {
        let snapshot = Snapshot::newest(&self.core, self.options.branch)?;
        let cursor = snapshot.index_scan(index, range, reverse)?;
        if self.writes.read().has_entries(index) {
            let limit = self.writes.read().mark();
            return cursor.with_own(Arc::clone(&self.writes), index, limit, range, reverse);
        }
        Ok(cursor)
    }

    /// Writes a row, new or not, and the index entries that this version has and the one it
    /// replaces had not (all entries for a new row). Locks the row (`NoKeyUpdate`) if needed. If the
    /// replaced version is an own uncommitted write, [`Txn::cancel_entries`] takes back what it had
    /// and this one has not.
    ///
    /// # Errors
    /// As [`Txn::lock_row`]; 25006 in a read-only transaction.
    pub fn put(&self, table: TableId, pk: &[u8], row: &[u8], entries: &[IndexEntry]) -> Result<()> {
        let fresh = self.before_write(table, pk, LockMode::NoKeyUpdate)?;
        let mut writes = self.writes.write();
        writes.write_row(table, pk, Some(row), fresh)?;
        for entry in entries {
            writes.write_entry(entry.index, &entry.key)?;
        }
        Ok(())
    }

    /// Whether this transaction has written rows of a table; true also if it has undone that since.
    #[must_use]
    pub fn has_written(&self, table: TableId) -> bool {
        self.writes.read().has_rows(table)
    }

    /// Deletes a row. Deleting a row that does not exist changes nothing. Locks it (`Update`).
    ///
    /// # Errors
    /// As [`Txn::put`].
    pub fn delete(&self, table: TableId, pk: &[u8]) -> Result<()> {
        let fresh = self.before_write(table, pk, LockMode::Update)?;
        self.writes.write().write_row(table, pk, None, fresh)
    }

    /// Locks and validates; says whether the own branch is known to have no version of the row.
    fn before_write(&self, table: TableId, pk: &[u8], mode: LockMode) -> Result<bool> {
        self.refuse_read_only()?;
        let mut held = self.held.lock();
        // A weaker lock lets others write the row meanwhile: what was seen under it is stale.
        let remembered = held
            .remembered(table, pk)
            .filter(|remembered| remembered.mode >= LockMode::NoKeyUpdate);
        if remembered.is_none_or(|remembered| remembered.mode < mode) {
            self.take_row(&mut held, table, pk, mode, Wait::Block)?;
        }
        if let Some(Remembered { fresh, .. }) = remembered {
            return Ok(fresh);
        }
        if held.in_gap(table, pk) {
            return Ok(true);
        }
        if self.options.isolation != Isolation::ReadCommitted
            && !self.writes.read().wrote_row(table, pk)?
        {
            let newest = self.core.newest(self.options.branch, table, pk)?;
            if self.changed(&newest)? {
                self.refuse_changed(&newest)?;
            }
            return Ok(newest.is_absent());
        }
        Ok(false)
    }

    pub(crate) fn refuse_read_only(&self) -> Result<()> {
        if self.options.read_only {
            return Err(Error::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                "cannot write in a read-only transaction",
            ));
        }
        Ok(())
    }

    /// Writes index entries of existing rows: index builds. Ascending entries are cheapest.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn put_entries<'a>(
        &self,
        index: IndexId,
        entries: impl Iterator<Item = &'a [u8]>,
    ) -> Result<()> {
        self.refuse_read_only()?;
        let mut writes = self.writes.write();
        for entry in entries {
            writes.write_entry(index, entry)?;
        }
        Ok(())
    }

    /// Whether this transaction has put an index entry for the row `pk` without having written the row: one that waits
    /// in a segment, or whose entry is of an index that was built just now.
    ///
    /// # Errors
    /// `Io` from the temporary file of a large transaction.
    pub fn has_lone_entry(
        &self,
        table: TableId,
        pk: &[u8],
        index: IndexId,
        entry: &[u8],
    ) -> Result<bool> {
        (self.writes.read()).has_lone_entry((table, pk), index, entry)
    }

    /// Takes back entries that this transaction put for a row version that it has replaced or
    /// deleted itself. Entries that others committed, or that it never put, stay.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn cancel_entries(&self, entries: &[IndexEntry]) -> Result<()> {
        self.refuse_read_only()?;
        let mut writes = self.writes.write();
        for entry in entries {
            writes.cancel_entry(entry.index, &entry.key)?;
        }
        Ok(())
    }

    /// Says that nothing on this branch names `table` any more once this commits: its rows go away
    /// when no snapshot, pin or retention needs them. Table numbers are never reused.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn drop_table(&self, table: TableId) -> Result<()> {
        self.refuse_read_only()?;
        self.writes.write().write_other(&Op::DropTable { table })
    }

    /// Says how long versions of `table` that were replaced on this branch stay readable once this commits,
    /// whatever the branch says; `None`: as the branch says. Branches made from then on inherit it. `is_new`
    /// if the branch does not have the table yet, or not any more.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn retain(&self, table: TableId, period: Option<Duration>, is_new: bool) -> Result<()> {
        self.refuse_read_only()?;
        self.write_op(&Op::Retain {
            table,
            period: period.map(retention::micros),
            is_new,
        })
    }

    /// Says that `index` is in use on this branch, though it may have been dropped there before.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn keep_index(&self, index: IndexId) -> Result<()> {
        self.refuse_read_only()?;
        self.write_op(&Op::KeepIndex { index })
    }

    /// Like [`Txn::drop_table`] for an index.
    ///
    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn drop_index(&self, index: IndexId) -> Result<()> {
        self.refuse_read_only()?;
        self.writes.write().write_other(&Op::DropIndex { index })
    }

    /// Keeps `(branch, scn)` readable under a name from this transaction's commit on, as
    /// [`Store::pin`](crate::Store::pin). The caller holds a snapshot of the point until then, and
    /// knows that the name is free.
    ///
    /// # Errors
    /// 54000 for a name that is too long.
    pub fn pin(&self, name: &str, branch: BranchId, scn: Scn) -> Result<()> {
        self.write_op(&Op::Pin { name, branch, scn })
    }

    /// Lets a named pin go with this transaction's commit, if there is one.
    ///
    /// # Errors
    /// As [`Txn::pin`].
    pub fn unpin(&self, name: &str) -> Result<()> {
        self.write_op(&Op::Unpin { name })
    }

    /// Moves a sequence on to `state`, unless it is there or beyond already; durable when this
    /// transaction's commit is, and not undone by a rollback.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn advance_sequence(
        &self,
        sequence: TableId,
        state: crate::SequenceState,
        ascending: bool,
    ) -> Result<()> {
        self.refuse_read_only()?;
        self.core
            .advance(self.options.branch, sequence, state, ascending)?;
        self.state.lock().log_end = self.core.log.end();
        Ok(())
    }

    pub(crate) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(crate) const fn writes(&self) -> &SharedWrites {
        &self.writes
    }

    /// Writes an operation of the store itself.
    pub(crate) fn write_op(&self, op: &Op<'_>) -> Result<()> {
        self.writes.write().write_other(op)
    }

    /// Bytes that this transaction has written, about what its commit would add to the database.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.writes.read().bytes()
    }

    /// Whether anything has been written.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        !self.writes.read().is_empty()
    }

    /// Marks the present state.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        let held = self.held.lock();
        Savepoint {
            writes: self.writes.read().mark(),
            locks: held.mark(),
        }
    }

    /// Undoes all writes since `savepoint`, which stays valid; later ones do not. Locks taken or
    /// strengthened since are given back.
    ///
    /// # Errors
    /// 3B001 for a savepoint that was undone.
    pub fn rollback_to(&self, savepoint: Savepoint) -> Result<()> {
        let mut held = self.held.lock();
        let mut writes = self.writes.write();
        if savepoint.writes > writes.mark() {
            return Err(Error::new(
                SqlState::INVALID_SAVEPOINT_SPECIFICATION,
                "savepoint does not exist",
            ));
        }
        writes.undo_to(savepoint.writes)?;
        held.release_to(savepoint.locks, self.owner.number, &self.core.locks);
        Ok(())
    }

    /// Sets what is recorded with the commit; what is empty stays as it was.
    pub fn describe(&self, author: &str, message: &str) {
        let mut state = self.state.lock();
        if !author.is_empty() {
            author.clone_into(&mut state.author);
        }
        if !message.is_empty() {
            message.clone_into(&mut state.message);
        }
    }

    /// Records that the commit takes in another branch's state.
    pub fn add_merge_parent(&self, branch: BranchId, scn: Scn) {
        self.state.lock().parents.push((branch, scn));
    }

    /// Hands out the next value of a sequence on this branch, as
    /// [`Store::nextval`](crate::Store::nextval), and makes it durable with this transaction even
    /// if that writes nothing else.
    ///
    /// # Errors
    /// As [`Store::nextval`](crate::Store::nextval); 25006 in a read-only transaction.
    pub fn nextval(&self, sequence: TableId, spec: &crate::SequenceSpec) -> Result<i64> {
        self.refuse_read_only()?;
        let value = self.core.nextval(self.options.branch, sequence, spec)?;
        self.state.lock().log_end = self.core.log.end();
        Ok(value)
    }

    /// Commits: all writes become durable and visible at once. Returns the commit's change number,
    /// or the newest when nothing was written. The transaction is over, also after an error.
    ///
    /// # Errors
    /// 40001 when SERIALIZABLE finds that what was read has changed; `Io`, `Poisoned` when the log
    /// cannot be written (then the outcome is known only after reopening).
    pub fn commit(&self) -> Result<Scn> {
        let is_empty = self.writes.read().is_empty();
        let txid = if is_empty { TxId(0) } else { self.id() };
        let (head, snapshot, log_end) = {
            let mut state = self.state.lock();
            if state.over {
                return Err(over());
            }
            state.over = true;
            let head = CommitHead {
                txid,
                branch: self.options.branch,
                author: std::mem::take(&mut state.author),
                message: std::mem::take(&mut state.message),
                parents: std::mem::take(&mut state.parents),
                ..CommitHead::default()
            };
            (head, state.view.take(), state.log_end)
        };
        let result = if is_empty && head.parents.is_empty() {
            let synced = if log_end > 0 && !self.asynchronous.load(Ordering::Relaxed) {
                self.core.log.sync(log_end)
            } else {
                Ok(())
            };
            synced.map(|()| self.core.published())
        } else {
            let reads = self.reads.as_ref().map(|reads| reads.lock());
            let read_at = snapshot.as_ref().map(Read::scn);
            self.core.commit(Commit {
                head,
                writes: &self.writes,
                asynchronous: self.asynchronous.load(Ordering::Relaxed),
                reads: read_at.zip(reads.as_deref()),
            })
        };
        self.end();
        result
    }

    /// Undoes everything and releases all locks.
    pub fn rollback(&self) {
        {
            let mut state = self.state.lock();
            if state.over {
                return;
            }
            state.over = true;
            state.view = None;
        }
        self.end();
    }

    /// Releases everything; the transaction is over.
    fn end(&self) {
        let mut held = self.held.lock();
        held.release_all(self.owner.number, &self.core.locks);
        if let Some(scn) = self.running.serializable() {
            self.core.pipeline.forget_serializable(scn);
        }
        self.core.transactions.end(self.running.number);
    }
}

impl Drop for Txn {
    fn drop(&mut self) {
        self.rollback();
    }
}

fn micros(limit: Option<Duration>) -> u64 {
    limit.map_or(FOREVER, |limit| {
        u64::try_from(limit.as_micros()).unwrap_or(FOREVER)
    })
}

#[cold]
fn over() -> Error {
    Error::new(
        SqlState::NO_ACTIVE_SQL_TRANSACTION,
        "the transaction is over",
    )
}
