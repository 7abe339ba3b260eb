//! Checking rows that are there.

use std::sync::Arc;

use helios_base::{ColumnId, Error, IndexId, Result, SqlState, Value};
use helios_version::{Isolation, Read};

use super::entries::Entries;
use crate::access::{TableWriter, cannot_be_unique, of_table};
use crate::catalog::{ConstraintId, ConstraintKind, TableDef};
use crate::row::{StoredRow, index_context};
use crate::transaction::Transaction;

/// Everything in byte order.
const ALL: helios_version::Bounds<'static> =
    (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);

impl Transaction {
    /// Shows every row of the table, committed or own, to `visit`. The caller holds a lock that
    /// keeps others from writing.
    pub(super) fn each_row(
        &self,
        table: &TableDef,
        mut visit: impl FnMut(StoredRow<'_>) -> Result<()>,
    ) -> Result<()> {
        let shape = table.shape();
        let storage = table.storage;
        if self.txn().isolation() == Isolation::ReadCommitted {
            let view = self.txn().statement()?;
            let mut rows = view.scan(storage, ALL, false)?;
            while let Some(row) = rows.next()? {
                visit(StoredRow::from_ref(shape, row)?)?;
            }
            return Ok(());
        }
        // The transaction's snapshot may be older than the newest rows, which count here.
        let newest = self.tables().store().snapshot(self.branch(), None)?;
        let mut rows = newest.scan(storage, ALL, false)?;
        while let Some(row) = rows.next()? {
            if let Some(found) = self.txn().latest(storage, row.pk)? {
                visit(StoredRow::new(shape, row.pk, found.begin, &found.row)?)?;
            }
        }
        let view = self.txn().view()?;
        let mut rows = view.scan(storage, ALL, false)?;
        while let Some(row) = rows.next()? {
            if row.begin == helios_base::Scn::MAX && newest.get(storage, row.pk)?.is_none() {
                visit(StoredRow::from_ref(shape, row)?)?;
            }
        }
        Ok(())
    }

    /// Whether the table has a row, committed or own. Above READ COMMITTED also true when this
    /// transaction has deleted what others committed.
    pub(super) fn has_rows(&self, table: &TableDef) -> Result<bool> {
        let view = self.txn().statement()?;
        if view.scan(table.storage, ALL, false)?.next()?.is_some() {
            return Ok(true);
        }
        if self.txn().isolation() == Isolation::ReadCommitted {
            return Ok(false);
        }
        let newest = self.tables().store().snapshot(self.branch(), None)?;
        let mut rows = newest.scan(table.storage, ALL, false)?;
        Ok(rows.next()?.is_some())
    }

    /// Fails if a row has NULL in the column.
    pub(crate) fn refuse_nulls(&self, table: &TableDef, column: ColumnId) -> Result<()> {
        let Some((position, def)) = table.column_by_id(column) else {
            return Ok(());
        };
        self.each_row(table, |row| {
            if row.is_null(position) {
                return Err(contains_nulls(table, &def.name));
            }
            Ok(())
        })
    }

    /// Fails if a row does not satisfy the constraint.
    pub(crate) fn validate(&self, table: &Arc<TableDef>, id: ConstraintId) -> Result<()> {
        let Some(constraint) = table.constraint_by_id(id) else {
            return Ok(());
        };
        match &constraint.kind {
            ConstraintKind::Check { sql, .. } => {
                let catalog = self.latest_catalog()?;
                let exprs = self.tables().exprs();
                let ty = helios_base::DataType::Bool;
                let expr = exprs.compile(&catalog, table, sql, Some(&ty))?;
                self.each_row(table, |row| {
                    if matches!(
                        expr.eval(&row.values()?, &index_context())?,
                        Value::Bool(false)
                    ) {
                        let error = Error::new(
                            SqlState::CHECK_VIOLATION,
                            format!(
                                "check constraint \"{}\" of relation \"{}\" is violated by some row",
                                constraint.name, table.name
                            ),
                        );
                        return Err(of_table(error, table).with_constraint(&constraint.name));
                    }
                    Ok(())
                })
            }
            ConstraintKind::ForeignKey(_) => {
                let catalog = self.latest_catalog()?;
                let mut writer = TableWriter::unchecked(self, &catalog, table)?;
                self.each_row(table, |row| {
                    writer.require_parent(constraint, &row.values()?)
                })
            }
            ConstraintKind::PrimaryKey { .. } | ConstraintKind::Unique { .. } => Ok(()),
        }
    }

    /// Makes the entries of an index for the rows that are there.
    pub(crate) fn fill_index(&self, table: &Arc<TableDef>, id: IndexId) -> Result<()> {
        if table
            .index_by_id(id)
            .is_some_and(|def| def.nearest.is_some())
        {
            // Made beside the store, of what is committed.
            return Ok(());
        }
        let catalog = self.latest_catalog()?;
        let rules = self.rules(&catalog, table)?;
        let Some(index) = rules.indexes.iter().find(|index| index.def.id == id) else {
            return Err(Error::internal("no such index"));
        };
        let mut entries = Entries::default();
        let mut values = vec![Value::Null; table.columns.len()];
        self.each_row(table, |row| {
            row.fill(index.reads(), &mut values)?;
            if index.encode_keys(&values, entries.open())? {
                let nulls = !index.def.nulls_not_distinct && index.has_null(&values)?;
                let unique = if nulls { 0 } else { entries.len() };
                entries.open().extend_from_slice(row.key());
                entries.end(unique);
            } else {
                entries.cancel();
            }
            Ok(())
        })?;
        entries.sort();
        if index.def.unique
            && let Some(entry) = entries.duplicate()
        {
            let (_, pk) = index.split(entry)?;
            let Some(found) = self.txn().latest(table.storage, pk)? else {
                return Err(Error::internal("a row that was just read is gone"));
            };
            let row = StoredRow::new(table.shape(), pk, found.begin, &found.row)?;
            return Err(cannot_be_unique(table, index, &row.values()?)?);
        }
        self.txn().put_entries(index.storage(), entries.iter())?;
        if self.txn().isolation() == Isolation::ReadCommitted {
            return Ok(());
        }
        // This transaction goes on reading older versions, which the index must propose too.
        let view = self.txn().view()?;
        let mut rows = view.scan(table.storage, ALL, false)?;
        let mut older = Entries::default();
        while let Some(row) = rows.next()? {
            StoredRow::from_ref(table.shape(), row)?.fill(index.reads(), &mut values)?;
            if index.encode_keys(&values, older.open())? {
                older.open().extend_from_slice(row.pk);
                older.end(0);
            } else {
                older.cancel();
            }
        }
        self.txn().put_entries(index.storage(), older.iter())
    }
}

/// 23502 of a column that is to refuse NULL.
pub(super) fn contains_nulls(table: &TableDef, column: &str) -> Error {
    let error = Error::new(
        SqlState::NOT_NULL_VIOLATION,
        format!(
            "column \"{column}\" of relation \"{}\" contains null values",
            table.name
        ),
    );
    of_table(error, table).with_column(column)
}
