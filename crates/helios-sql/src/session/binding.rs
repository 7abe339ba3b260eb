//! Where sessions meet the binder.

use helios_base::{DataType, Error, Result, TextContext};
use helios_expr::{Expr, SessionHooks};
use helios_table::catalog::TableDef;
use helios_table::{Catalog, TableExprs};

use crate::parse::ast::Statement;
use crate::plan::Bound;

/// What a statement is bound against.
pub(crate) struct BindContext<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) search_path: &'a [String],
    pub(crate) text: &'a TextContext,
    pub(crate) session: &'a dyn SessionHooks,
}

/// Binds one statement.
pub(crate) fn bind(
    statement: &Statement,
    source: &str,
    context: &BindContext<'_>,
    params: &[DataType],
) -> Result<Bound> {
    let _ = (statement, source, params);
    let _ = (
        context.catalog,
        context.search_path,
        context.text,
        context.session,
    );
    Err(unfinished())
}

/// Compiles the expressions of table definitions.
pub(crate) struct StoredExprs;

impl TableExprs for StoredExprs {
    fn compile(
        &self,
        _catalog: &Catalog,
        _table: &TableDef,
        _sql: &str,
        _wanted: Option<&DataType>,
    ) -> Result<Expr> {
        Err(unfinished())
    }
}

fn unfinished() -> Error {
    Error::unsupported("statements cannot be bound yet")
}
