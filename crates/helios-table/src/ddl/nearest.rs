//! `CREATE INDEX … USING hnsw` and its kin.

use std::sync::Arc;

use helios_base::{DataType, IndexId, Result, TableId};
use helios_version::TableLock;

use super::column::require;
use super::create_index::part_name;
use crate::catalog::{IndexDef, IndexKey, KeySource, NearestDef, TableDef};
use crate::nearest::Watch;
use crate::transaction::Transaction;

/// An index of nearness to create.
#[derive(Clone, Debug)]
pub struct NewNearest {
    /// Its name; otherwise one is chosen as PostgreSQL would.
    pub name: Option<String>,
    /// The table.
    pub table: TableId,
    /// A column's name, or else the SQL text of an expression.
    pub key: std::result::Result<String, String>,
    /// `WHERE`, as SQL text.
    pub predicate: Option<String>,
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
        let (catalog, old) = self.lock_definition(new.table, TableLock::ShareRowExclusive)?;
        let mut table = TableDef::clone(&old);
        let (source, part) = match &new.key {
            Ok(column) => (KeySource::Column(require(&table, column)?), column.clone()),
            Err(sql) => {
                let (expr, compiled) = self.index_expr(&catalog, &table, sql, None)?;
                let ty = compiled.ty().clone();
                (KeySource::Expression { expr, ty }, part_name(&compiled))
            }
        };
        let key = IndexKey {
            source,
            descending: false,
            nulls_first: false,
        };
        if let Some(ty) = key.ty(&table) {
            new.nearest.blueprint(&new.method, ty)?;
        }
        let predicate = match &new.predicate {
            Some(sql) => {
                let ty = Some(&DataType::Bool);
                Some(self.index_expr(&catalog, &table, sql, ty)?.0)
            }
            None => None,
        };
        let name = self.index_name(&table, new.name.as_deref(), &[part])?;
        let id = IndexId(self.tables().next_id()?);
        let index = Arc::new(IndexDef {
            id,
            storage: id,
            name,
            table: table.id,
            keys: vec![key],
            include: Vec::new(),
            unique: false,
            nulls_not_distinct: false,
            primary: false,
            clustered: false,
            predicate,
            constraint: None,
            nearest: Some(new.nearest.clone()),
            method: new.method.clone(),
            comment: None,
        });
        table.indexes.push(index.clone());
        let table = self.change_table(table)?;
        self.tables().make_nearest(
            self.branch(),
            &self.latest_catalog()?,
            &table,
            &index,
            watch,
        )?;
        Ok(index)
    }
}
