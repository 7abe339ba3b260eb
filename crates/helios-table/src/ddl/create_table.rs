//! `CREATE TABLE`.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState, TableId};
use helios_version::{TableLock, Wait};

use super::column::{new_layout, resolve};
use super::spec::{NewConstraintKind, NewTable};
use crate::catalog::TableDef;
use crate::transaction::Transaction;

impl Transaction {
    /// `CREATE TABLE`: the table with its sequences, indexes and constraints.
    ///
    /// Rows are stored in the order of the primary key, unless it is deferrable.
    ///
    /// # Errors
    /// 42P07 the name is taken, 42701 a column twice, 42703 a constraint over an unknown column,
    /// 42P16 two primary keys, 42830 and 42804 a foreign key without matching parent key; what
    /// compiling the expressions raises.
    pub fn create_table(&self, new: &NewTable) -> Result<Arc<TableDef>> {
        let schema = self.enter_schema(new.schema)?;
        self.take_name(schema.id, &new.name)?;
        self.refuse_type_name(schema.id, &new.name)?;
        let id = TableId(self.tables().next_id()?);
        // Nobody else knows the number yet, so this only makes later checks find the lock held.
        self.txn()
            .lock_table(id, TableLock::AccessExclusive, Wait::Block)?;
        let mut table = TableDef::new(id, &schema, &new.name);
        table.options.clone_from(&new.options);
        for column in &new.columns {
            if table.column(&column.name).is_some() {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{}\" specified more than once", column.name),
                ));
            }
            self.make_column(&schema, &mut table, column)?;
        }
        // The primary key first, as PostgreSQL does: its name comes before the others'.
        let is_primary =
            |kind: &NewConstraintKind| matches!(kind, NewConstraintKind::PrimaryKey { .. });
        for constraint in new.constraints.iter().filter(|c| is_primary(&c.kind)) {
            if let NewConstraintKind::PrimaryKey { columns, .. } = &constraint.kind
                && !constraint.deferrable
                && table.key.is_empty()
            {
                table.key = resolve(&table, columns)?;
            }
            self.make_constraint(&mut table, constraint)?;
        }
        new_layout(&mut table);
        let catalog = self.latest_catalog()?;
        for position in 0..table.columns.len() {
            if let Some(id) = table.columns.get(position).map(|column| column.id) {
                self.compile_column(&catalog, &mut table, id)?;
            }
        }
        for constraint in new.constraints.iter().filter(|c| !is_primary(&c.kind)) {
            self.make_constraint(&mut table, constraint)?;
        }
        self.change_table(table)
    }
}
