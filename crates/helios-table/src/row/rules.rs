//! What a row of a table must satisfy, with all expressions compiled.

use std::sync::Arc;

use helios_base::{DataType, Error, Result};
use helios_expr::Expr;

use super::index::IndexRules;
use crate::catalog::{Catalog, ConstraintId, FunctionDef, TableDef, ViewDef};

/// A change of a name.
#[derive(Clone, Copy, Debug)]
pub enum Renaming<'n> {
    /// Of a column of a table or view.
    Column {
        /// The number of the table or view.
        relation: u32,
        /// The old name.
        from: &'n str,
        /// The new name.
        to: &'n str,
    },
    /// Of a relation: schema and name.
    Relation {
        /// The old ones.
        from: (&'n str, &'n str),
        /// The new ones.
        to: (&'n str, &'n str),
    },
}

/// Compiles the SQL expressions of table definitions: the layer above knows SQL.
pub trait TableExprs: Send + Sync {
    /// Compiles `sql`, an expression over one row of `table` whose columns are numbered by
    /// position, converted to `wanted` if given by an assignment cast.
    ///
    /// # Errors
    /// Whatever is wrong with the expression.
    fn compile(
        &self,
        catalog: &Catalog,
        table: &TableDef,
        sql: &str,
        wanted: Option<&DataType>,
    ) -> Result<Expr>;

    /// The same expression after column `from` of `table` has been renamed to `to`.
    ///
    /// # Errors
    /// 0A000 unless the layer above can rewrite expressions.
    fn rename_column(&self, table: &TableDef, _sql: &str, from: &str, _to: &str) -> Result<String> {
        Err(Error::unsupported(format!(
            "cannot rename column \"{from}\" of table \"{}\" because an expression reads it",
            table.name
        )))
    }

    /// The query of `view` after something it reads is called otherwise; `catalog` still has the
    /// old names. `None` if the layer above cannot write it anew.
    fn rename_in_view(
        &self,
        _catalog: &Catalog,
        _view: &ViewDef,
        _renaming: &Renaming<'_>,
    ) -> Option<String> {
        None
    }

    /// Whether the query of `view` still gives the view's columns.
    fn view_fits(&self, _catalog: &Catalog, _view: &ViewDef) -> bool {
        true
    }

    /// Whether the text of an expression that belongs to an object in `schema` calls `function`.
    /// Unless the layer above can read texts, none does.
    fn calls(
        &self,
        _catalog: &Catalog,
        _schema: &str,
        _sql: &str,
        _function: &FunctionDef,
    ) -> bool {
        false
    }
}

/// What a row of a table must satisfy and what is computed from it.
#[derive(Debug)]
pub struct Rules {
    /// Positions of the columns that refuse NULL, ascending.
    pub not_null: Vec<usize>,
    /// Generated columns: position and expression.
    pub generated: Vec<(usize, Expr)>,
    /// Check constraints in order of name, as PostgreSQL checks them.
    pub checks: Vec<(String, Expr)>,
    /// The ordered indexes, in the order of the definition.
    pub indexes: Vec<IndexRules>,
    /// The indexes of nearness, in the order of the definition.
    pub nearest: Vec<Arc<IndexRules>>,
    /// Foreign keys with the positions of their columns.
    pub foreign_keys: Vec<(ConstraintId, Vec<usize>)>,
}

impl Rules {
    /// Compiles the rules of `table`.
    ///
    /// # Errors
    /// Whatever is wrong with an expression.
    pub(crate) fn new(catalog: &Catalog, table: &TableDef, exprs: &dyn TableExprs) -> Result<Self> {
        let positions = table.columns.iter().enumerate();
        let not_null = positions
            .clone()
            .filter(|(_, column)| column.not_null)
            .map(|(position, _)| position)
            .collect();
        let generated = positions
            .filter_map(|(position, column)| Some((position, column, column.generated.as_ref()?)))
            .map(|(position, column, generated)| {
                let expr = exprs.compile(catalog, table, &generated.sql, Some(&column.ty))?;
                Ok((position, expr))
            })
            .collect::<Result<_>>()?;
        let mut checks = table
            .checks()
            .map(|(constraint, sql)| {
                let expr = exprs.compile(catalog, table, sql, Some(&DataType::Bool))?;
                Ok((constraint.name.clone(), expr))
            })
            .collect::<Result<Vec<_>>>()?;
        checks.sort_by(|(a, _), (b, _)| a.cmp(b));
        let indexes = table
            .indexes
            .iter()
            .filter(|def| def.nearest.is_none())
            .map(|def| IndexRules::new(catalog, table, def, exprs))
            .collect::<Result<_>>()?;
        let nearest = table
            .indexes
            .iter()
            .filter(|def| def.nearest.is_some())
            .map(|def| IndexRules::new(catalog, table, def, exprs).map(Arc::new))
            .collect::<Result<_>>()?;
        let foreign_keys = table
            .foreign_keys()
            .map(|(constraint, fk)| {
                let positions = fk.columns.iter().filter_map(|id| table.position(*id));
                (constraint.id, positions.collect())
            })
            .collect();
        Ok(Self {
            not_null,
            generated,
            checks,
            indexes,
            nearest,
            foreign_keys,
        })
    }
}

impl TableDef {
    /// The compiled rules, compiled at the first call.
    ///
    /// # Errors
    /// Whatever is wrong with an expression.
    pub fn rules(&self, catalog: &Catalog, exprs: &dyn TableExprs) -> Result<Arc<Rules>> {
        if let Some(rules) = self.derived.rules.get() {
            return Ok(rules.clone());
        }
        let rules = Arc::new(Rules::new(catalog, self, exprs)?);
        Ok(self.derived.rules.get_or_init(|| rules).clone())
    }
}
