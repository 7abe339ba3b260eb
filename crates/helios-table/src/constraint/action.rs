//! What foreign keys do about a change of the parent row.

use std::sync::Arc;

use helios_base::{ColumnId, Error, Result, Value};
use helios_expr::EvalContext;
use helios_version::{LockMode, TableLock, Wait};

use super::foreign_key::{column_types, convert};
use super::pending::{Action, Check};
use crate::access::{Lock, TableWriter};
use crate::catalog::{Catalog, FkAction, ForeignKeyDef, TableDef};
use crate::transaction::Transaction;

impl Transaction {
    /// Runs one action of a foreign key.
    pub(super) fn act(
        &self,
        catalog: &Arc<Catalog>,
        action: &Action,
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        let Some(child) = catalog.table_by_id(action.child) else {
            return Ok(());
        };
        let Some(constraint) = child.constraint_by_id(action.constraint) else {
            return Ok(());
        };
        let Some(fk) = constraint.as_foreign_key() else {
            return Ok(());
        };
        let Some(parent) = catalog.table_by_id(fk.parent) else {
            return Ok(());
        };
        self.txn()
            .lock_table(child.id, TableLock::RowExclusive, Wait::Block)?;
        let mut writer = TableWriter::unchecked(self, catalog, child)?;
        let what = match action.new {
            Some(_) => fk.on_update,
            None => fk.on_delete,
        };
        if matches!(what, FkAction::NoAction | FkAction::Restrict) {
            return writer.refuse_orphans(constraint, &action.old, false);
        }
        for key in writer.referencing(fk, parent, &action.old, false)? {
            let Lock::Row(row) = writer.lock(&key, LockMode::Update, Wait::Block)? else {
                continue;
            };
            if !still_references(fk, parent, child, row.values(), &action.old)? {
                continue;
            }
            let delete = what == FkAction::Cascade && action.new.is_none();
            if delete {
                writer.delete(&row)?;
                continue;
            }
            let mut new = row.values().to_vec();
            match (&action.new, what) {
                (Some(values), FkAction::Cascade) => {
                    follow(fk, parent, child, values, &mut new)?;
                }
                _ => {
                    let chosen = if action.new.is_none() && !fk.set_columns.is_empty() {
                        &fk.set_columns
                    } else {
                        &fk.columns
                    };
                    for id in chosen {
                        let value = match what {
                            FkAction::SetDefault => self.default_of(catalog, child, *id, ctx)?,
                            _ => Value::Null,
                        };
                        put(child, *id, value, &mut new);
                    }
                }
            }
            writer.update(&row, &mut new, ctx)?;
        }
        if what == FkAction::SetDefault {
            // A row whose default is the very key that is gone did not change, so nothing has
            // looked for its parent.
            self.check_later(
                constraint,
                Check::Orphans {
                    child: child.id,
                    constraint: constraint.id,
                    old: action.old.clone(),
                },
            );
        }
        Ok(())
    }

    /// The value that an insert without one gives the column.
    fn default_of(
        &self,
        catalog: &Catalog,
        table: &TableDef,
        column: ColumnId,
        ctx: &EvalContext<'_>,
    ) -> Result<Value> {
        let Some((_, column)) = table.column_by_id(column) else {
            return Err(Error::internal("a foreign key over a missing column"));
        };
        match &column.default {
            Some(sql) => {
                let exprs = self.tables().exprs();
                let expr = exprs.compile(catalog, table, sql, Some(&column.ty))?;
                expr.eval(&[], ctx)
            }
            None => Ok(Value::Null),
        }
    }
}

/// Gives the referencing columns the parent's new values.
fn follow(
    fk: &ForeignKeyDef,
    parent: &TableDef,
    child: &TableDef,
    values: &[Value],
    row: &mut [Value],
) -> Result<()> {
    let from = column_types(parent, &fk.parent_columns);
    let to = column_types(child, &fk.columns);
    for (((id, value), from), to) in fk.columns.iter().zip(values).zip(from).zip(to) {
        let value = convert(value, from, to)?.ok_or_else(|| {
            Error::new(
                helios_base::SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                format!("{to} out of range"),
            )
        })?;
        put(child, *id, value, row);
    }
    Ok(())
}

fn put(table: &TableDef, column: ColumnId, value: Value, row: &mut [Value]) {
    let place = table.position(column).and_then(|p| row.get_mut(p));
    if let Some(place) = place {
        *place = value;
    }
}

/// Whether a row that was found references the key even now that it is locked.
fn still_references(
    fk: &ForeignKeyDef,
    parent: &TableDef,
    child: &TableDef,
    row: &[Value],
    key: &[Value],
) -> Result<bool> {
    let from = column_types(parent, &fk.parent_columns);
    let to = column_types(child, &fk.columns);
    for (((id, wanted), from), to) in fk.columns.iter().zip(key).zip(from).zip(to) {
        let value = child.position(*id).and_then(|p| row.get(p));
        let Some(value) = value.filter(|value| !value.is_null()) else {
            return Ok(false);
        };
        match convert(wanted, from, to)? {
            Some(wanted) if value.cmp_as(&wanted, to).is_eq() => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}
