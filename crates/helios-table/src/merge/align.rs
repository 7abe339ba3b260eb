//! Which columns of two definitions of a table are the same.
//!
//! A column is itself on every branch ([`ColumnDef::is_same`]). Columns that two branches added since the
//! base, each for itself, are the same if they have the same name.

use helios_base::{Error, Result, Scn, SqlState, Value};

use crate::catalog::{ColumnDef, TableDef};
use crate::constraint::convert;
use crate::row::StoredRow;

/// The column of `from` that is `column` of `to`.
pub(super) fn counterpart<'d>(
    base: Option<&TableDef>,
    column: &ColumnDef,
    from: &'d TableDef,
) -> Option<(usize, &'d ColumnDef)> {
    let known = |column: &ColumnDef| base.is_some_and(|b| b.same_column(column).is_some());
    if known(column) {
        return from.same_column(column);
    }
    // One that both took over from a third branch may have another name by now.
    let taken = from
        .same_column(column)
        .filter(|_| base.is_some() || !column.is_original());
    taken.or_else(|| from.column(&column.name).filter(|(_, found)| !known(found)))
}

/// Reads stored rows of one definition in the columns of another.
pub(super) struct Align<'d> {
    from: &'d TableDef,
    /// For each column of the other definition its position here, and whether the types differ.
    positions: Vec<Option<(usize, bool)>>,
    to: &'d TableDef,
}

impl<'d> Align<'d> {
    pub(super) fn new(base: Option<&TableDef>, from: &'d TableDef, to: &'d TableDef) -> Self {
        let positions = to
            .columns
            .iter()
            .map(|column| {
                let (position, found) = counterpart(base, column, from)?;
                Some((position, !found.ty.same(&column.ty)))
            })
            .collect();
        Self {
            from,
            positions,
            to,
        }
    }

    /// Whether `from` has the column at this position of `to`.
    pub(super) fn has(&self, position: usize) -> bool {
        matches!(self.positions.get(position), Some(Some(_)))
    }

    /// The row in the columns of `to`. Columns that `from` lacks have what rows had when they were
    /// added.
    pub(super) fn row(&self, key: &[u8], begin: Scn, row: &[u8]) -> Result<Vec<Value>> {
        let stored = StoredRow::new(self.from.shape(), key, begin, row)?;
        let columns = self.positions.iter().zip(&self.to.columns);
        columns
            .map(|(position, column)| match position {
                None => Ok(column.missing.clone().unwrap_or(Value::Null)),
                Some((position, false)) => stored.value(*position),
                Some((position, true)) => {
                    let value = stored.value(*position)?;
                    let from = self.from.columns.get(*position).map(|c| &c.ty);
                    match from {
                        Some(from) => convert(&value, from, &column.ty)?
                            .ok_or_else(|| no_such_value(self.to, column)),
                        None => Ok(value),
                    }
                }
            })
            .collect()
    }
}

fn no_such_value(table: &TableDef, column: &ColumnDef) -> Error {
    Error::new(
        SqlState::DATATYPE_MISMATCH,
        format!(
            "column \"{}\" of table \"{}\" has a value on the source that type {} cannot hold",
            column.name, table.name, column.ty
        ),
    )
}
