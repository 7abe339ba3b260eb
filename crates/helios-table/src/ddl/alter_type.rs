//! `ALTER TABLE … ALTER COLUMN … TYPE`.

use std::sync::Arc;

use helios_base::{ColumnId, DataType, Error, Result, SqlState, TableId, Value};
use helios_version::TableLock;

use super::column::{edit, new_layout, require};
use super::constrain::require_order;
use super::foreign_key::comparable;
use crate::catalog::{Catalog, TableDef};
use crate::transaction::Transaction;

/// Computes a column's new value from the row as it was.
pub type Convert<'c> = &'c mut dyn FnMut(&[Value]) -> Result<Value>;

/// How a column's values get their new type.
pub enum Conversion<'c> {
    /// By the cast between the types.
    Plain(Convert<'c>),
    /// By an expression, which may give other values of even the same type.
    Using(Convert<'c>),
}

impl Transaction {
    /// `ALTER COLUMN … TYPE`: `convert` gets each row as it was and returns the column's new value,
    /// of type `ty`.
    ///
    /// Rows are not rewritten when a plain conversion leaves every value as it is, such as for a
    /// longer `varchar`.
    ///
    /// # Errors
    /// 42703 no such column, 0A000 a view or generated column reads it, 42804 a foreign key would
    /// compare different types; 23505, 23514 the new values break a constraint; what `convert`
    /// returns.
    pub fn alter_type(
        &self,
        id: TableId,
        column: &str,
        ty: &DataType,
        convert: Conversion<'_>,
    ) -> Result<Arc<TableDef>> {
        let (catalog, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let column = require(&old, column)?;
        let Some((position, def)) = old.column_by_id(column) else {
            return Err(Error::internal("no such column"));
        };
        refuse_readers(&catalog, &old, column)?;
        refuse_mismatch(&catalog, &old, column, ty)?;
        if old.indexes.iter().any(|index| {
            let mut keys = index.keys.iter();
            keys.any(|key| key.as_column() == Some(column))
        }) {
            require_order(ty)?;
        }
        for index in &old.indexes {
            let is_key = index.keys.iter().any(|key| key.as_column() == Some(column));
            if let Some(nearest) = index.nearest.as_ref().filter(|_| is_key) {
                nearest.blueprint(&index.method, ty)?;
            }
        }
        let mut table = TableDef::clone(&old);
        edit(&mut table, column, |column| column.ty = ty.clone())?;
        // The default must still be convertible, and the other expressions must still compile.
        self.compile_column(&catalog, &mut table, column)?;
        new_layout(&mut table);
        let convert = match convert {
            Conversion::Using(convert) => Some(convert),
            Conversion::Plain(convert) if !keeps_values(&def.ty, ty) => Some(convert),
            Conversion::Plain(_) => None,
        };
        let table = match convert {
            Some(convert) => self.rewrite(&catalog, &old, table, &mut |mut row| {
                let value = convert(&row)?;
                if let Some(place) = row.get_mut(position) {
                    *place = value;
                }
                Ok(row)
            })?,
            None => self.change_table(table)?,
        };
        let rechecked = table.constraints.iter().filter(|constraint| {
            matches!(&constraint.kind, crate::catalog::ConstraintKind::Check { columns, .. } if columns.contains(&column))
        });
        for constraint in rechecked {
            self.validate(&table, constraint.id)?;
        }
        Ok(table)
    }
}

/// Whether every value of the one type is the same value of the other.
fn keeps_values(from: &DataType, to: &DataType) -> bool {
    use DataType::{Name, Numeric, Text, Varchar};
    match (from, to) {
        (a, b) if a == b => true,
        (Text | Varchar(_), Text | Varchar(None)) => true,
        (Varchar(Some(a)), Varchar(Some(b))) => a <= b,
        (Name, Text | Varchar(None)) => true,
        (Numeric(_), Numeric(None)) => true,
        (Numeric(Some((p, s))), Numeric(Some((q, t)))) => s == t && p <= q,
        _ => false,
    }
}

fn refuse_readers(catalog: &Catalog, table: &TableDef, column: ColumnId) -> Result<()> {
    let name = table.column_by_id(column).map_or("", |(_, c)| &c.name);
    for view in catalog.views() {
        let mut reads = view.depends.iter();
        if reads.any(|d| d.relation == table.id.0 && d.columns.contains(&column)) {
            return Err(
                Error::unsupported("cannot alter type of a column used by a view or rule")
                    .with_detail(format!(
                        "rule _RETURN on view {} depends on column \"{name}\"",
                        view.name
                    )),
            );
        }
    }
    for other in &table.columns {
        let generated = other.generated.as_ref();
        if generated.is_some_and(|g| g.columns.contains(&column)) {
            return Err(Error::unsupported(
                "cannot alter type of a column used by a generated column",
            )
            .with_detail(format!(
                "Column \"{name}\" is used by generated column \"{}\".",
                other.name
            )));
        }
    }
    Ok(())
}

fn refuse_mismatch(
    catalog: &Catalog,
    table: &TableDef,
    column: ColumnId,
    ty: &DataType,
) -> Result<()> {
    let check = |constraint: &str, other: &TableDef, other_column: ColumnId, is_child: bool| {
        let Some((_, def)) = other.column_by_id(other_column) else {
            return Ok(());
        };
        let fits = match is_child {
            true => comparable(ty, &def.ty),
            false => comparable(&def.ty, ty),
        };
        if other.id == table.id && other_column == column || fits {
            return Ok(());
        }
        let name = table.column_by_id(column).map_or("", |(_, c)| &c.name);
        Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!("foreign key constraint \"{constraint}\" cannot be implemented"),
        )
        .with_detail(format!(
            "Key columns \"{name}\" and \"{}\" are of incompatible types: {ty} and {}.",
            def.name, def.ty
        )))
    };
    for (constraint, fk) in table.foreign_keys() {
        let Some(parent) = catalog.table_by_id(fk.parent) else {
            continue;
        };
        for (own, other) in fk.columns.iter().zip(&fk.parent_columns) {
            if *own == column {
                check(&constraint.name, parent, *other, true)?;
            }
        }
    }
    for (child, constraint, fk) in catalog.referencing(table.id) {
        for (other, own) in fk.columns.iter().zip(&fk.parent_columns) {
            if *own == column {
                check(&constraint.name, child, *other, false)?;
            }
        }
    }
    Ok(())
}
