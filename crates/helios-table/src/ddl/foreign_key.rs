//! Making foreign keys.

use helios_base::{ColumnId, DataType, Error, Result, SqlState};
use helios_version::TableLock;

use super::column::resolve;
use super::spec::NewConstraintKind;
use crate::catalog::{ForeignKeyDef, IndexDef, TableDef};
use crate::transaction::Transaction;

impl Transaction {
    /// The foreign key that `new` describes. Locks the parent against writes, and gives it a new
    /// revision, so that whoever is about to delete its rows plans anew with the foreign key.
    pub(super) fn make_foreign_key(
        &self,
        table: &TableDef,
        name: &str,
        new: &NewConstraintKind,
    ) -> Result<ForeignKeyDef> {
        let NewConstraintKind::ForeignKey {
            columns,
            parent,
            parent_columns,
            match_full,
            on_delete,
            on_update,
            set_columns,
        } = new
        else {
            return Err(Error::internal("not a foreign key"));
        };
        let other = match parent {
            Some(id) if *id != table.id => {
                let (_, parent) = self.lock_definition(*id, TableLock::ShareRowExclusive)?;
                Some(self.change_table(TableDef::clone(&parent))?)
            }
            _ => None,
        };
        let parent = other.as_deref().unwrap_or(table);
        let ids = resolve_key(table, columns)?;
        let (parent_ids, index) = parent_key(parent, parent_columns)?;
        if ids.len() != parent_ids.len() {
            return Err(Error::new(
                SqlState::INVALID_FOREIGN_KEY,
                "number of referencing and referenced columns for foreign key disagree",
            ));
        }
        for (id, parent_id) in ids.iter().zip(&parent_ids) {
            let (Some((_, column)), Some((_, parent_column))) =
                (table.column_by_id(*id), parent.column_by_id(*parent_id))
            else {
                continue;
            };
            if !comparable(&column.ty, &parent_column.ty) {
                return Err(Error::new(
                    SqlState::DATATYPE_MISMATCH,
                    format!("foreign key constraint \"{name}\" cannot be implemented"),
                )
                .with_detail(format!(
                    "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                    column.name, parent_column.name, column.ty, parent_column.ty
                )));
            }
        }
        let set_columns = resolve(table, set_columns)?;
        if let Some(wrong) = set_columns.iter().find(|id| !ids.contains(id)) {
            let name = table.column_by_id(*wrong).map_or("", |(_, c)| &c.name);
            return Err(Error::new(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!(
                    "column \"{name}\" referenced in ON DELETE SET action must be part of foreign key"
                ),
            ));
        }
        Ok(ForeignKeyDef {
            columns: ids,
            parent: parent.id,
            parent_columns: parent_ids,
            parent_index: index,
            match_full: *match_full,
            on_delete: *on_delete,
            on_update: *on_update,
            set_columns,
        })
    }
}

fn resolve_key(table: &TableDef, names: &[String]) -> Result<Vec<ColumnId>> {
    names
        .iter()
        .map(|name| match table.column(name) {
            Some((_, column)) => Ok(column.id),
            None => Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" referenced in foreign key constraint does not exist"),
            )),
        })
        .collect()
}

/// The referenced columns and the unique index over them.
fn parent_key(
    parent: &TableDef,
    names: &[String],
) -> Result<(Vec<ColumnId>, helios_base::IndexId)> {
    if names.is_empty() {
        let Some(index) = parent.primary_key() else {
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!(
                    "there is no primary key for referenced table \"{}\"",
                    parent.name
                ),
            ));
        };
        let columns = index.keys.iter().filter_map(|key| key.as_column());
        return Ok((columns.collect(), index.id));
    }
    let columns = resolve_key(parent, names)?;
    let covers = |index: &IndexDef| {
        index.unique
            && index.predicate.is_none()
            && index.keys.len() == columns.len()
            && columns
                .iter()
                .all(|id| index.keys.iter().any(|key| key.as_column() == Some(*id)))
    };
    let deferrable = |index: &IndexDef| {
        index
            .constraint
            .and_then(|id| parent.constraint_by_id(id))
            .is_some_and(|constraint| constraint.deferrable)
    };
    let mut found = parent.indexes.iter().filter(|index| covers(index));
    match found.clone().find(|index| !deferrable(index)) {
        Some(index) => Ok((columns, index.id)),
        None if found.next().is_some() => Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "cannot use a deferrable unique constraint for referenced table \"{}\"",
                parent.name
            ),
        )),
        None => Err(Error::new(
            SqlState::INVALID_FOREIGN_KEY,
            format!(
                "there is no unique constraint matching given keys for referenced table \"{}\"",
                parent.name
            ),
        )),
    }
}

/// Whether values of the types can be compared by `=` without loss.
pub(super) fn comparable(child: &DataType, parent: &DataType) -> bool {
    let numeric = |ty: &DataType| matches!(ty, DataType::Numeric(_));
    child.same(parent)
        || (child.is_integer() && (parent.is_integer() || numeric(parent)))
        || (numeric(child) && numeric(parent))
        || (child.is_string() && parent.is_string())
}
