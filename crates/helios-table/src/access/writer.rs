//! Writing the rows of a table, with its constraints.

use std::sync::Arc;

use helios_base::{Error, Result, Scn, SqlState, Value};
use helios_expr::EvalContext;
use helios_version::{IndexEntry, LockMode, Txn, Vacancy, Wait};

use super::failure;
use super::keyed::Place;
use crate::catalog::{Catalog, TableDef};
use crate::constraint::KnownParents;
use crate::row::{IndexRules, Rules, StoredRow};
use crate::transaction::Transaction;

/// Writes rows of one table in a transaction. Rows are complete: one value per column, each of the
/// column's type (the layer above has converted and filled in defaults).
pub struct TableWriter<'t> {
    transaction: &'t Transaction,
    catalog: Arc<Catalog>,
    table: Arc<TableDef>,
    rules: Arc<Rules>,
    /// Whether foreign keys reference the table.
    pub(super) referenced: bool,
    /// See `put_checks_off`.
    pub(super) lenient: bool,
    /// For each foreign key those keys whose parents were found and locked.
    pub(crate) parents: Vec<KnownParents>,
    /// For each foreign key the parent table, once it was asked.
    pub(crate) parent_tables: Vec<Option<Box<Self>>>,
    /// The key of a parent that is looked for.
    pub(crate) mark: Vec<u8>,
    bytes: Vec<u8>,
    key: Vec<u8>,
    entries: Vec<IndexEntry>,
}

/// A row that this transaction has locked, as it is now. Updating or deleting it uses it up.
#[derive(Clone, Debug)]
pub struct LockedRow {
    pub(super) key: Vec<u8>,
    pub(super) values: Vec<Value>,
    pub(super) changed: bool,
    pub(super) own: bool,
    /// Whether the lock is the strongest there is.
    pub(super) strongest: bool,
}

/// What came of an attempt to lock a row.
#[derive(Clone, Debug)]
pub enum Lock {
    /// It is locked.
    Row(LockedRow),
    /// It does not exist any more.
    Gone,
    /// Another transaction holds it, and waiting was not wanted.
    Busy,
}

impl LockedRow {
    /// The stored key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The row as it is now.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Whether this transaction wrote it as it is now.
    pub(crate) const fn is_own(&self) -> bool {
        self.own
    }

    /// Whether another transaction changed it after the statement's snapshot: then conditions must
    /// be evaluated again on [`Self::values`].
    #[must_use]
    pub const fn changed(&self) -> bool {
        self.changed
    }
}

impl<'t> TableWriter<'t> {
    /// A writer of `table` as `catalog` defines it.
    ///
    /// # Errors
    /// As [`Transaction::lock_for_write`]; 40001 when the definition has changed (callers that can
    /// plan anew call `lock_for_write` first); what compiling the rules raises.
    pub fn new(
        transaction: &'t Transaction,
        catalog: &Arc<Catalog>,
        table: &Arc<TableDef>,
    ) -> Result<Self> {
        if !transaction.lock_for_write(table)? {
            return Err(Error::new(
                SqlState::SERIALIZATION_FAILURE,
                format!(
                    "table \"{}\" was changed by a concurrent transaction",
                    table.name
                ),
            )
            .with_table(&table.name));
        }
        Self::unchecked(transaction, catalog, table)
    }

    /// A writer for a statement that has called [`Transaction::lock_for_write`] for this definition
    /// of the table.
    ///
    /// # Errors
    /// What compiling the rules raises.
    pub fn locked(
        transaction: &'t Transaction,
        catalog: &Arc<Catalog>,
        table: &Arc<TableDef>,
    ) -> Result<Self> {
        Self::unchecked(transaction, catalog, table)
    }

    /// A writer whose caller holds a table lock and the newest definition.
    pub(crate) fn unchecked(
        transaction: &'t Transaction,
        catalog: &Arc<Catalog>,
        table: &Arc<TableDef>,
    ) -> Result<Self> {
        let rules = transaction.rules(catalog, table)?;
        Ok(Self {
            transaction,
            catalog: catalog.clone(),
            table: table.clone(),
            referenced: catalog.referencing(table.id).next().is_some(),
            lenient: false,
            parents: vec![KnownParents::default(); rules.foreign_keys.len()],
            parent_tables: rules.foreign_keys.iter().map(|_| None).collect(),
            mark: Vec::new(),
            rules,
            bytes: Vec::new(),
            key: Vec::new(),
            entries: Vec::new(),
        })
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Arc<TableDef> {
        &self.table
    }

    /// Its rules.
    #[must_use]
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    pub(crate) fn transaction(&self) -> &'t Transaction {
        self.transaction
    }

    pub(crate) fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    pub(crate) fn txn(&self) -> &'t Txn {
        self.transaction.txn()
    }

    /// Whether an index belongs to a constraint that may be checked later.
    pub(crate) fn is_deferrable(&self, index: &IndexRules) -> bool {
        index
            .def
            .constraint
            .and_then(|id| self.table.constraint_by_id(id))
            .is_some_and(|constraint| constraint.deferrable)
    }

    /// Computes the generated columns of a row.
    ///
    /// # Errors
    /// What evaluating raises.
    pub fn generate(&self, row: &mut [Value], ctx: &EvalContext<'_>) -> Result<()> {
        if row.len() != self.table.columns.len() {
            return Err(Error::internal("wrong number of values in a row"));
        }
        for (position, expr) in &self.rules.generated {
            let value = expr.eval(row, ctx)?;
            if let Some(place) = row.get_mut(*position) {
                *place = value;
            }
        }
        Ok(())
    }

    /// Computes the generated columns of `row` and checks NOT NULL and CHECK constraints.
    ///
    /// # Errors
    /// 23502, 23514; what the expressions raise; internal if the number of values is wrong.
    pub fn complete(&self, row: &mut [Value], ctx: &EvalContext<'_>) -> Result<()> {
        self.generate(row, ctx)?;
        for position in &self.rules.not_null {
            if row.get(*position).is_none_or(Value::is_null) {
                return Err(failure::not_null(&self.table, *position, row, ctx.text));
            }
        }
        for (name, expr) in &self.rules.checks {
            // Unknown passes, only false fails.
            if matches!(expr.eval(row, ctx)?, Value::Bool(false)) {
                return Err(failure::check(&self.table, name, row, ctx.text));
            }
        }
        Ok(())
    }

    /// Adds a row; generated columns are computed in place. Returns its stored key.
    ///
    /// # Errors
    /// 23502, 23514, 23505, 23503 as PostgreSQL; 40P01, 55P03, 57014 from waiting for another
    /// transaction that has the same key; 40001.
    pub fn insert(&mut self, row: &mut [Value], ctx: &EvalContext<'_>) -> Result<&[u8]> {
        self.complete(row, ctx)?;
        let table = self.table.clone();
        self.key.clear();
        if table.key.is_empty() {
            let id = self.transaction.tables().next_row_id(table.storage)?;
            self.key.extend_from_slice(&id);
        } else {
            table.shape().encode_key_of(row, &mut self.key)?;
            if self.reserve(&self.key)? {
                return Err(self.duplicate_key(row)?);
            }
        }
        self.add_entries(row)?;
        self.store_new(row)?;
        if !self.rules.foreign_keys.is_empty() {
            self.with_key(|writer, key| writer.check_parents(row, None, key))?;
        }
        Ok(&self.key)
    }

    /// As [`TableWriter::insert`], of a table with a key that the transaction has to itself, where rows count as well that are
    /// not among its writes; `place` tells where a key is beside theirs. True: the row, which is behind them, is to be one of
    /// those; everything but itself is written. Whether it has parents is then still to be asked if `asks_later`.
    ///
    /// # Errors
    /// As [`TableWriter::insert`].
    pub(super) fn insert_apart(
        &mut self,
        row: &mut [Value],
        place: impl Fn(&[u8]) -> Result<Place>,
        asks_later: bool,
        ctx: &EvalContext<'_>,
    ) -> Result<bool> {
        self.complete(row, ctx)?;
        let table = self.table.clone();
        self.key.clear();
        table.shape().encode_key_of(row, &mut self.key)?;
        let place = place(&self.key)?;
        let is_behind = place == Place::Behind;
        let vacancy = match place {
            Place::There => Vacancy::Taken,
            Place::Behind | Place::Among => self.txn().vacancy(table.storage, &self.key)?,
        };
        if vacancy == Vacancy::Taken {
            return Err(self.duplicate_key(row)?);
        }
        self.add_entries(row)?;
        let checks = !self.rules.foreign_keys.is_empty();
        // A check that waits looks for the row among the writes.
        let is_apart = is_behind
            && vacancy == Vacancy::Vacant
            && (!checks
                || asks_later
                || self.with_key(|writer, key| writer.check_parents(row, None, key))?);
        if is_apart {
            for entry in &self.entries {
                let keys = std::iter::once(entry.key.as_slice());
                self.txn().put_entries(entry.index, keys)?;
            }
            return Ok(true);
        }
        self.store_new(row)?;
        if checks && !(is_behind && vacancy == Vacancy::Vacant) {
            self.with_key(|writer, key| writer.check_parents(row, None, key))?;
        }
        Ok(false)
    }

    /// Writes a row itself, of which [`TableWriter::insert_apart`] wrote everything else, and which lacks a parent: the
    /// check that waits for one looks for it among the writes.
    ///
    /// # Errors
    /// As [`TableWriter::insert`].
    pub(super) fn insert_orphan(&mut self, row: &[Value], key: &[u8]) -> Result<()> {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.entries.clear();
        self.store_new(row)?;
        self.check_parents(row, None, key).map(drop)
    }

    /// The stored key of the row that was inserted last.
    pub(super) fn last_key(&self) -> &[u8] {
        &self.key
    }

    /// The entries of a new row, whose stored key is `self.key`.
    fn add_entries(&mut self, row: &[Value]) -> Result<()> {
        let rules = self.rules.clone();
        self.entries.clear();
        (rules.indexes.iter()).try_for_each(|index| self.add_entry(index, None, row))
    }

    /// Writes a new row with its entries.
    fn store_new(&mut self, row: &[Value]) -> Result<()> {
        let storage = self.table.storage;
        self.bytes.clear();
        self.table.shape().encode_row(row, &mut self.bytes)?;
        self.txn()
            .put(storage, &self.key, &self.bytes, &self.entries)?;
        self.transaction.count(storage, 1);
        Ok(())
    }

    /// Locks a row and reads it as it is now. Rows are updated and deleted only under a lock:
    /// [`LockMode::Update`] to delete or to change a unique key, else [`LockMode::NoKeyUpdate`];
    /// updates strengthen the lock if need be.
    ///
    /// # Errors
    /// 40P01, 55P03, 57014 from waiting; 40001 at REPEATABLE READ and above when another
    /// transaction changed the row after the snapshot.
    pub fn lock(&self, key: &[u8], mode: LockMode, wait: Wait) -> Result<Lock> {
        self.lock_row(key, mode, wait, |_, row| row.values())
    }

    /// As [`TableWriter::lock`] for a row to be updated whose values, as the statement's view shows
    /// them, are `known`: they are read anew only if the row has changed since.
    ///
    /// # Errors
    /// As [`TableWriter::lock`].
    pub fn lock_known(
        &self,
        key: &[u8],
        known: &[Value],
        mode: LockMode,
        wait: Wait,
    ) -> Result<Lock> {
        self.lock_row(key, mode, wait, |state, row| match state.changed {
            true => row.values(),
            false => Ok(known.to_vec()),
        })
    }

    /// As [`TableWriter::lock`] for a row to be deleted: it has its values only if it has changed
    /// since the statement's snapshot, or if the deletion needs them.
    ///
    /// # Errors
    /// As [`TableWriter::lock`].
    pub fn lock_to_delete(&self, key: &[u8], wait: Wait) -> Result<Lock> {
        self.lock_row(key, LockMode::Update, wait, |state, row| {
            let entries = state.own && !self.rules.indexes.is_empty();
            match state.changed || self.referenced || entries {
                true => row.values(),
                false => Ok(Vec::new()),
            }
        })
    }

    fn lock_row(
        &self,
        key: &[u8],
        mode: LockMode,
        wait: Wait,
        values: impl FnOnce(&LockedRow, StoredRow<'_>) -> Result<Vec<Value>>,
    ) -> Result<Lock> {
        let Some(locked) = self.txn().lock_row(self.table.storage, key, mode, wait)? else {
            return Ok(Lock::Busy);
        };
        let Some(latest) = locked.latest else {
            return Ok(Lock::Gone);
        };
        let row = StoredRow::new(self.table.shape(), key, latest.begin, &latest.row)?;
        let mut found = LockedRow {
            key: key.to_vec(),
            values: Vec::new(),
            changed: locked.changed_since_snapshot,
            own: latest.begin == Scn::MAX,
            strongest: mode == LockMode::Update,
        };
        found.values = values(&found, row)?;
        Ok(Lock::Row(found))
    }

    /// Replaces a locked row; generated columns are computed in place. Returns its new stored key.
    ///
    /// # Errors
    /// As [`TableWriter::insert`].
    pub fn update(
        &mut self,
        old: &LockedRow,
        new: &mut [Value],
        ctx: &EvalContext<'_>,
    ) -> Result<&[u8]> {
        self.complete(new, ctx)?;
        let rules = self.rules.clone();
        let table = self.table.clone();
        self.key.clear();
        if table.key.is_empty() {
            self.key.extend_from_slice(&old.key);
        } else {
            table.shape().encode_key_of(new, &mut self.key)?;
        }
        let moved = self.key != old.key;
        let same = |position: &usize| old.values.get(*position) == new.get(*position);
        // Whoever takes a unique key away holds the strongest lock; see `unique`.
        if !old.strongest
            && (moved
                || rules
                    .indexes
                    .iter()
                    .any(|index| index.def.unique && !index.reads().iter().all(same)))
        {
            self.txn()
                .lock_row(table.storage, &old.key, LockMode::Update, Wait::Block)?;
        }
        if moved && self.reserve(&self.key)? {
            return Err(self.duplicate_key(new)?);
        }
        self.entries.clear();
        for index in &rules.indexes {
            if moved || !index.reads().iter().all(same) {
                self.add_entry(index, Some(old), new)?;
            }
        }
        self.cancel_replaced(old, &self.key, Some(new))?;
        if moved {
            self.txn().delete(table.storage, &old.key)?;
        }
        self.bytes.clear();
        table.shape().encode_row(new, &mut self.bytes)?;
        self.txn()
            .put(table.storage, &self.key, &self.bytes, &self.entries)?;
        if !rules.foreign_keys.is_empty() {
            // A check that waits finds the row by its key, so a row that moved is checked anew.
            let before = (!moved).then_some(old.values.as_slice());
            self.with_key(|writer, key| writer.check_parents(new, before, key))?;
        }
        if self.referenced {
            self.parent_changed(&old.values, Some(new))?;
        }
        Ok(&self.key)
    }

    /// The rest of `put_merged`.
    pub(super) fn store_merged(
        &mut self,
        key: &[u8],
        old: Option<&LockedRow>,
        row: &[Value],
    ) -> Result<()> {
        let rules = self.rules.clone();
        let table = self.table.clone();
        self.key.clear();
        self.key.extend_from_slice(key);
        self.entries.clear();
        for index in &rules.indexes {
            self.add_entry(index, old, row)?;
        }
        if let Some(old) = old {
            self.cancel_replaced(old, key, Some(row))?;
        }
        self.bytes.clear();
        table.shape().encode_row(row, &mut self.bytes)?;
        self.txn()
            .put(table.storage, &self.key, &self.bytes, &self.entries)?;
        if old.is_none() {
            self.transaction.count(table.storage, 1);
        }
        if !rules.foreign_keys.is_empty() {
            let before = old.map(|old| old.values.as_slice());
            self.with_key(|writer, key| writer.check_parents(row, before, key))?;
        }
        if let Some(old) = old
            && self.referenced
        {
            self.parent_changed(&old.values, Some(row))?;
        }
        Ok(())
    }

    /// Whether foreign keys to this table only check.
    pub(crate) const fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// Deletes a locked row.
    ///
    /// # Errors
    /// 23503 comes at the end of the statement; 40P01, 55P03, 57014 if the lock must be
    /// strengthened.
    pub fn delete(&mut self, old: &LockedRow) -> Result<()> {
        let storage = self.table.storage;
        if !old.strongest {
            self.txn()
                .lock_row(storage, &old.key, LockMode::Update, Wait::Block)?;
        }
        self.cancel_replaced(old, &old.key, None)?;
        self.txn().delete(storage, &old.key)?;
        self.transaction.count(storage, -1);
        if self.referenced {
            self.parent_changed(&old.values, None)?;
        }
        Ok(())
    }

    /// Adds the entry of `row` in `index`, if it has one that `old` had not, after checking that it
    /// is unique where it must be. The row's stored key is `self.key`.
    fn add_entry(
        &mut self,
        index: &IndexRules,
        old: Option<&LockedRow>,
        row: &[Value],
    ) -> Result<()> {
        if index.def.clustered {
            return Ok(());
        }
        let mut entry = Vec::with_capacity(32);
        if !index.encode_keys(row, &mut entry)? {
            return Ok(());
        }
        let mut same_keys = false;
        if let Some(old) = old {
            let mut before = Vec::with_capacity(entry.len());
            same_keys = index.encode_keys(&old.values, &mut before)? && before == entry;
            if same_keys && old.key == self.key {
                return Ok(());
            }
        }
        if index.def.unique && !same_keys {
            if self.is_deferrable(index) {
                self.check_unique_later(index, &self.key);
            } else if !self.lenient {
                let own = old.map(|old| old.key.as_slice());
                if self.find_duplicate(index, row, own)?.is_some() {
                    return Err(failure::duplicate(&self.table, index, row)?);
                }
            }
        }
        entry.extend_from_slice(&self.key);
        self.entries.push(IndexEntry {
            index: index.storage(),
            key: entry,
        });
        Ok(())
    }

    /// Runs `work` with the stored key of the row at hand.
    fn with_key<R>(&mut self, work: impl FnOnce(&mut Self, &[u8]) -> Result<R>) -> Result<R> {
        let key = std::mem::take(&mut self.key);
        let result = work(self, &key);
        self.key = key;
        result
    }

    /// The 23505 of `row`.
    pub(crate) fn duplicate(&self, index: &IndexRules, row: &[Value]) -> Result<Error> {
        failure::duplicate(&self.table, index, row)
    }

    /// The error of a second row with the same stored key.
    fn duplicate_key(&self, row: &[Value]) -> Result<Error> {
        match self.rules.indexes.iter().find(|index| index.def.clustered) {
            Some(index) => failure::duplicate(&self.table, index, row),
            None => Err(Error::internal("a duplicate hidden row number")),
        }
    }
}
