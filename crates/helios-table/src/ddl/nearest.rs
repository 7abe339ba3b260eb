//! `CREATE INDEX … USING hnsw` and its kin.

use std::sync::Arc;

use helios_base::{IndexId, Result, TableId};
use helios_version::TableLock;

use super::column::require;
use crate::catalog::{IndexDef, IndexKey, NearestDef, TableDef};
use crate::nearest::Watch;
use crate::transaction::Transaction;

/// An index of nearness to create.
#[derive(Clone, Debug)]
pub struct NewNearest {
    /// Its name; otherwise one is chosen as PostgreSQL would.
    pub name: Option<String>,
    /// The table.
    pub table: TableId,
    /// The column.
    pub column: String,
    /// The access method.
    pub method: String,
    /// Distance and options.
    pub nearest: NearestDef,
}

impl Transaction {
    /// Makes an index of nearness of the rows that are there.
    ///
    /// # Errors
    /// 42P07 the name is taken, 42703 an unknown column, 22023 and 42704 options and classes that do not
    /// fit, 0A000 types that cannot be indexed, 57014 if `watch` no longer wants it.
    ///
    /// # Cost
    /// Reads every row that is committed, twice; the rest is added in the background. Writers of the
    /// table wait until the transaction ends.
    pub fn create_nearest_index(
        &self,
        new: &NewNearest,
        watch: Watch<'_>,
    ) -> Result<Arc<IndexDef>> {
        let (_, old) = self.lock_definition(new.table, TableLock::ShareRowExclusive)?;
        let mut table = TableDef::clone(&old);
        let column = require(&table, &new.column)?;
        if let Some((_, column)) = table.column_by_id(column) {
            new.nearest.blueprint(&new.method, &column.ty)?;
        }
        let parts = std::slice::from_ref(&new.column);
        let name = self.index_name(&table, new.name.as_deref(), parts)?;
        let id = IndexId(self.tables().next_id()?);
        let index = Arc::new(IndexDef {
            id,
            storage: id,
            name,
            table: table.id,
            keys: vec![IndexKey::column(column)],
            include: Vec::new(),
            unique: false,
            nulls_not_distinct: false,
            primary: false,
            clustered: false,
            predicate: None,
            constraint: None,
            nearest: Some(new.nearest.clone()),
            method: new.method.clone(),
            comment: None,
        });
        table.indexes.push(index.clone());
        let table = self.change_table(table)?;
        self.tables()
            .make_nearest(self.branch(), &table, &index, watch)?;
        Ok(index)
    }
}
