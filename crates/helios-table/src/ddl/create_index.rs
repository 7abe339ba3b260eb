//! `CREATE INDEX`.

use std::sync::Arc;

use helios_base::{DataType, Error, IndexId, Result, SqlState, TableId};
use helios_expr::{Expr, Volatility};
use helios_version::TableLock;

use super::column::{columns_of, require, resolve};
use super::constrain::require_order;
use super::spec::NewIndex;
use crate::catalog::{Catalog, IndexDef, IndexExpr, IndexKey, KeySource, TableDef};
use crate::nearest::Watch;
use crate::transaction::Transaction;

/// The most keys an index can have.
const KEYS: usize = 32;

impl Transaction {
    /// `CREATE INDEX`: makes the index and its entries for the rows that are there.
    ///
    /// # Errors
    /// 42P07 the name is taken, 42703 an unknown column, 42P17 an expression that is not
    /// immutable, 42704 a type without order, 23505 rows that are there are not unique.
    ///
    /// # Cost
    /// Reads every row and sorts the entries in memory. Writers of the table wait until the
    /// transaction ends.
    pub fn create_index(&self, new: &NewIndex) -> Result<Arc<IndexDef>> {
        let (catalog, old) = self.lock_definition(new.table, TableLock::ShareRowExclusive)?;
        let mut table = TableDef::clone(&old);
        if new.keys.len() > KEYS {
            return Err(Error::new(
                SqlState::new(b"54011"),
                format!("cannot use more than {KEYS} columns in an index"),
            ));
        }
        let mut parts = Vec::new();
        let mut keys = Vec::new();
        for key in &new.keys {
            let source = match &key.source {
                Ok(name) => {
                    let id = require(&table, name)?;
                    if let Some((_, column)) = table.column_by_id(id) {
                        require_order(&column.ty)?;
                    }
                    parts.push(name.clone());
                    KeySource::Column(id)
                }
                Err(sql) => {
                    let compiled = self.index_expr(&catalog, &table, sql, None)?;
                    require_order(compiled.1.ty())?;
                    parts.push(part_name(&compiled.1));
                    KeySource::Expression {
                        ty: compiled.1.ty().clone(),
                        expr: compiled.0,
                    }
                }
            };
            keys.push(IndexKey {
                source,
                descending: key.descending,
                nulls_first: key.nulls_first.unwrap_or(key.descending),
            });
        }
        let predicate = match &new.predicate {
            Some(sql) => {
                let ty = Some(&DataType::Bool);
                Some(self.index_expr(&catalog, &table, sql, ty)?.0)
            }
            None => None,
        };
        let name = self.index_name(&table, new.name.as_deref(), &parts)?;
        let id = IndexId(self.tables().next_id()?);
        let index = Arc::new(IndexDef {
            id,
            storage: id,
            name,
            table: table.id,
            keys,
            include: resolve(&table, &new.include)?,
            unique: new.unique,
            nulls_not_distinct: new.nulls_not_distinct,
            primary: false,
            clustered: false,
            predicate,
            constraint: None,
            nearest: None,
            method: "btree".to_owned(),
            comment: None,
        });
        table.indexes.push(index.clone());
        let table = self.change_table(table)?;
        self.fill_index(&table, id)?;
        Ok(index)
    }

    /// `REINDEX`: makes the entries of an index anew.
    ///
    /// # Errors
    /// 42704 there is no such index, 57014 if `watch` no longer wants it; as [`Transaction::create_index`].
    pub fn reindex(&self, table: TableId, index: IndexId, watch: Watch<'_>) -> Result<()> {
        let (_, old) = self.lock_definition(table, TableLock::AccessExclusive)?;
        let mut table = TableDef::clone(&old);
        let storage = IndexId(self.tables().next_id()?);
        let Some(def) = table.indexes.iter_mut().find(|def| def.id == index) else {
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                "index does not exist",
            ));
        };
        if def.clustered {
            return Ok(());
        }
        let before = def.storage;
        let def = Arc::make_mut(def);
        def.storage = storage;
        let def = def.clone();
        let table = self.change_table(table)?;
        self.fill_index(&table, index)?;
        self.tables()
            .make_nearest(self.branch(), &self.latest_catalog()?, &table, &def, watch)?;
        self.txn().drop_index(before)
    }

    pub(super) fn index_expr(
        &self,
        catalog: &Catalog,
        table: &TableDef,
        sql: &str,
        ty: Option<&DataType>,
    ) -> Result<(IndexExpr, Expr)> {
        let compiled = self.tables().exprs().compile(catalog, table, sql, ty)?;
        if compiled.volatility() != Volatility::Immutable {
            let place = if ty.is_some() {
                "predicate"
            } else {
                "expression"
            };
            return Err(Error::new(
                SqlState::INVALID_OBJECT_DEFINITION,
                format!("functions in index {place} must be marked IMMUTABLE"),
            ));
        }
        let expr = IndexExpr {
            sql: sql.to_owned(),
            columns: columns_of(table, &compiled),
        };
        Ok((expr, compiled))
    }
}

/// What an expression is called in the name of its index.
pub(super) fn part_name(expr: &Expr) -> String {
    match expr {
        Expr::Call { function, .. } if function.kind() == helios_expr::Kind::Function => {
            function.name().to_owned()
        }
        _ => "expr".to_owned(),
    }
}
