//! A transaction over tables: rows, schema changes and constraints that wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use helios_base::{BranchId, Error, Result, Scn, SqlState, TableId};
use helios_version::{Isolation, Read, TableLock, Txn, View, Wait};
use parking_lot::Mutex;

use crate::cache::Slot;
use crate::catalog::{Catalog, Change, TableDef, branch_of_object};
use crate::columnar::Direct;
use crate::constraint::{Modes, Pending};
use crate::row::Rules;
use crate::tables::Tables;

/// A transaction. Methods take `&self`; dropping it without [`Transaction::commit`] rolls it back.
///
/// Every statement begins with [`Transaction::statement`], takes its
/// [`catalog`](Transaction::catalog), and ends with
/// [`finish_statement`](Transaction::finish_statement), which runs the checks and actions that
/// wait for its end.
pub struct Transaction {
    tables: Arc<Tables>,
    slot: Arc<Slot>,
    txn: Txn,
    state: Mutex<State>,
    /// Whether there may be own schema changes.
    changing: AtomicBool,
    /// Whether rows wait in segments.
    waiting: AtomicBool,
}

/// What belongs to the transaction beside its writes; a savepoint keeps a copy.
#[derive(Clone, Default)]
pub(crate) struct State {
    /// Own schema changes, in order.
    changes: Vec<Change>,
    /// The committed catalog's version, and what it becomes with so many own changes.
    own: Option<(u64, usize, Arc<Catalog>)>,
    /// Checks and actions that wait.
    pub(crate) pending: Pending,
    /// What `SET CONSTRAINTS` said.
    pub(crate) modes: Modes,
    /// Rows added and removed, by storage.
    counts: BTreeMap<TableId, i64>,
    /// Whether statistics were gathered.
    pub(crate) analyzed: bool,
    /// Rows in segments that no read sees yet.
    direct: Vec<Arc<Direct>>,
}

/// A place to roll back to.
pub struct Savepoint {
    inner: helios_version::Savepoint,
    state: State,
}

impl Transaction {
    pub(crate) fn new(tables: Arc<Tables>, slot: Arc<Slot>, txn: Txn) -> Self {
        Self {
            tables,
            slot,
            txn,
            state: Mutex::default(),
            changing: AtomicBool::new(false),
            waiting: AtomicBool::new(false),
        }
    }

    /// The database.
    #[must_use]
    pub const fn tables(&self) -> &Arc<Tables> {
        &self.tables
    }

    /// The transaction of the store below. Committing it there skips the deferred checks.
    #[must_use]
    pub const fn txn(&self) -> &Txn {
        &self.txn
    }

    /// The branch.
    #[must_use]
    pub fn branch(&self) -> BranchId {
        self.txn.branch()
    }

    /// Starts a statement; see [`Txn::statement`].
    ///
    /// # Errors
    /// When the transaction is over.
    pub fn statement(&self) -> Result<View> {
        if self.waiting.load(Ordering::Relaxed) {
            self.take_back()?;
        }
        self.txn.statement()
    }

    /// Runs a statement that is over at once; see [`Txn::with_statement`].
    ///
    /// # Errors
    /// When the transaction is over.
    #[inline]
    pub fn with_statement<R>(&self, work: impl FnOnce(&View) -> R) -> Result<R> {
        if self.waiting.load(Ordering::Relaxed) {
            self.take_back()?;
        }
        self.txn.with_statement(work)
    }

    /// What the running statement sees, with all writes made so far.
    ///
    /// # Errors
    /// When the transaction is over.
    pub fn view(&self) -> Result<View> {
        self.txn.view()
    }

    /// The catalog of the running statement with the transaction's own changes.
    ///
    /// # Errors
    /// As [`Tables::catalog`].
    pub fn catalog(&self) -> Result<Arc<Catalog>> {
        self.catalog_of(&self.txn.view()?)
    }

    /// The version of the catalog that a view of this transaction sees, if that can be told at
    /// once; [`Transaction::catalog`] always can.
    #[inline]
    #[must_use]
    pub fn catalog_version(&self, view: &View) -> Option<u64> {
        if self.changing.load(Ordering::Relaxed) && !self.state.lock().changes.is_empty() {
            return None;
        }
        self.slot.version_at(view.scn())
    }

    /// The catalog of `view`, a view of this transaction, with the transaction's own changes.
    ///
    /// # Errors
    /// As [`Tables::catalog`].
    pub fn catalog_of(&self, view: &View) -> Result<Arc<Catalog>> {
        let base = self
            .tables
            .cache
            .at(self.tables.store(), &self.slot, view.snapshot())?;
        Ok(self.with_own(base))
    }

    /// The newest committed catalog with the transaction's own changes: what schema changes are
    /// made against, under locks.
    ///
    /// # Errors
    /// As [`Tables::catalog`].
    pub fn latest_catalog(&self) -> Result<Arc<Catalog>> {
        let base = self.slot.newest(self.tables.store())?;
        Ok(self.with_own(base))
    }

    fn with_own(&self, base: Arc<Catalog>) -> Arc<Catalog> {
        let mut state = self.state.lock();
        if state.changes.is_empty() {
            return base;
        }
        let (from, made) = match &state.own {
            Some((version, made, catalog)) if *version == base.version() => (catalog, *made),
            _ => (&base, 0),
        };
        let new = state.changes.get(made..).unwrap_or_default();
        if new.is_empty() {
            return from.clone();
        }
        let catalog = Arc::new(from.with(new.iter().cloned()));
        state.own = Some((base.version(), state.changes.len(), catalog.clone()));
        catalog
    }

    /// Makes one schema change: writes its row and shows it to the rest of the transaction.
    pub(crate) fn change(&self, change: Change) -> Result<()> {
        self.changing.store(true, Ordering::Relaxed);
        change.write(&self.txn)?;
        if let Change::Table(id, Some(table)) = &change {
            let latest = self.latest_catalog()?;
            let old = latest.table_by_id(*id);
            let is_new = old.is_none_or(|old| old.storage != table.storage);
            self.txn.retain(table.storage, table.retention(), is_new)?;
            if old.is_none() {
                // A table that comes back is what it was.
                for index in table.indexes.iter().filter(|index| !index.clustered) {
                    self.txn.keep_index(index.storage)?;
                }
            }
        }
        self.state.lock().changes.push(change);
        Ok(())
    }

    /// Stores a changed table definition under the next revision.
    pub(crate) fn change_table(&self, mut table: TableDef) -> Result<Arc<TableDef>> {
        table.revision += 1;
        let table = Arc::new(table);
        self.change(Change::Table(table.id, Some(table.clone())))?;
        Ok(table)
    }

    /// The compiled rules of a table.
    ///
    /// # Errors
    /// Whatever is wrong with an expression.
    pub fn rules(&self, catalog: &Catalog, table: &TableDef) -> Result<Arc<Rules>> {
        self.tables.rules(catalog, table)
    }

    /// Locks a table for writing rows and says whether `table` is still its definition.
    ///
    /// False: another transaction changed the definition since the statement began; start the
    /// statement again and plan anew.
    ///
    /// # Errors
    /// 40P01, 55P03, 57014 from waiting; 40001 instead of false at REPEATABLE READ and
    /// SERIALIZABLE, which cannot start anew.
    pub fn lock_for_write(&self, table: &TableDef) -> Result<bool> {
        // The lock manager answers at once if the lock is held already.
        self.txn
            .lock_table(table.id, TableLock::RowExclusive, Wait::Block)?;
        let latest = self.latest_catalog()?;
        let same = latest
            .table_by_id(table.id)
            .is_some_and(|t| t.revision == table.revision && t.storage == table.storage);
        if same || self.txn.isolation() == Isolation::ReadCommitted {
            return Ok(same);
        }
        Err(Error::new(
            SqlState::SERIALIZATION_FAILURE,
            "could not serialize access due to concurrent change of a table",
        )
        .with_table(&table.name))
    }

    /// Marks the present state.
    #[must_use]
    pub fn savepoint(&self) -> Savepoint {
        Savepoint {
            inner: self.txn.savepoint(),
            state: self.state.lock().clone(),
        }
    }

    /// Undoes everything since `savepoint`, which stays valid, and gives back the locks taken since.
    ///
    /// # Errors
    /// 3B001 for a savepoint that was undone.
    pub fn rollback_to(&self, savepoint: &Savepoint) -> Result<()> {
        self.txn.rollback_to(savepoint.inner)?;
        let mut state = self.state.lock();
        *state = savepoint.state.clone();
        self.waiting
            .store(!state.direct.is_empty(), Ordering::Relaxed);
        Ok(())
    }

    /// Commits, after the checks that were put off until now. The transaction is over, also after
    /// an error. Returns the commit's change number.
    ///
    /// # Errors
    /// 23503 and 23505 from deferred constraints; as [`Txn::commit`].
    pub fn commit(&self) -> Result<Scn> {
        if let Err(error) = self.check_deferred() {
            self.txn.rollback();
            return Err(error);
        }
        let loads = match self.write_segments() {
            Ok(loads) => loads,
            Err(error) => {
                self.txn.rollback();
                return Err(error);
            }
        };
        let State {
            changes,
            counts,
            analyzed,
            ..
        } = std::mem::take(&mut *self.state.lock());
        let roles = changes.iter().any(|change| match change {
            Change::Role(..) => true,
            Change::Access(object, _) => branch_of_object(*object).is_some(),
            _ => false,
        });
        let committed = if changes.is_empty() {
            self.txn.commit()
        } else {
            let txid = self.txn.id();
            self.slot.commit(txid, changes.into(), || self.txn.commit())
        };
        loads.settle(&committed);
        let scn = committed?;
        self.tables.counts.add(self.branch(), counts);
        // Plans of other branches were made for the roles as they were.
        if analyzed || roles {
            self.tables.counts.note_change();
        }
        Ok(scn)
    }

    /// Undoes everything and releases all locks.
    pub fn rollback(&self) {
        *self.state.lock() = State::default();
        self.txn.rollback();
    }

    /// Notes that rows were added to (or removed from) a storage.
    pub(crate) fn count(&self, storage: TableId, rows: i64) {
        if rows != 0 {
            *self.state.lock().counts.entry(storage).or_default() += rows;
        }
    }

    /// The storages to which at least `least` rows were added, with how many.
    pub(crate) fn added(&self, least: i64) -> Vec<(TableId, i64)> {
        let state = self.state.lock();
        let counts = state.counts.iter().map(|(storage, rows)| (*storage, *rows));
        counts.filter(|(_, rows)| *rows >= least).collect()
    }

    /// Rows added to a storage by this transaction so far.
    #[must_use]
    pub fn uncommitted_rows(&self, storage: TableId) -> i64 {
        self.state.lock().counts.get(&storage).copied().unwrap_or(0)
    }

    /// Whether anything has been written.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) || self.txn.has_writes()
    }

    /// Works on the rows that wait in segments.
    pub(crate) fn with_direct<R>(&self, work: impl FnOnce(&mut Vec<Arc<Direct>>) -> R) -> R {
        let mut state = self.state.lock();
        let done = work(&mut state.direct);
        self.waiting
            .store(!state.direct.is_empty(), Ordering::Relaxed);
        done
    }

    /// Works on the state.
    pub(crate) fn with_state<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.state.lock())
    }
}
