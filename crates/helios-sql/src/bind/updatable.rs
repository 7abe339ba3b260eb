//! Views through which rows can be changed: those that show rows of one table, as they are.

use helios_expr::catalog as functions;
use helios_table::Catalog;
use helios_table::catalog::{Relation, ViewDef};

use crate::parse::ast::{Expr, ExprKind, Name, Query, QueryBody, Select, TableAlias, TableItem};
use crate::parse::parse_query;

/// How deep views may be built on views.
const DEPTH_MAX: usize = 32;

/// The parts of the query of such a view.
pub(crate) struct Simple<'q> {
    pub(crate) select: &'q Select,
    /// What it reads.
    pub(crate) base: &'q Name,
    pub(crate) alias: Option<&'q TableAlias>,
}

/// The parts of a query, or why its rows cannot be changed, as PostgreSQL puts it.
pub(crate) fn simple(query: &Query) -> Result<Simple<'_>, &'static str> {
    let QueryBody::Select(select) = &query.body else {
        return Err(match &query.body {
            QueryBody::SetOp { .. } => {
                "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable."
            }
            _ => {
                "Views that do not select from a single table or view are not automatically \
                  updatable."
            }
        });
    };
    if select.distinct.is_some() {
        return Err("Views containing DISTINCT are not automatically updatable.");
    }
    if !select.group_by.is_empty() {
        return Err("Views containing GROUP BY are not automatically updatable.");
    }
    if select.having.is_some() {
        return Err("Views containing HAVING are not automatically updatable.");
    }
    if query.with.is_some() {
        return Err("Views containing WITH are not automatically updatable.");
    }
    if query.limit.is_some() || query.offset.is_some() {
        return Err("Views containing LIMIT or OFFSET are not automatically updatable.");
    }
    let any = |wanted: &dyn Fn(&Expr) -> bool| select.items.iter().any(|i| has(&i.expr, wanted));
    if any(&|expr| is_call_of(expr, &|name| !functions::aggregates(name).is_empty(), false)) {
        return Err("Views that return aggregate functions are not automatically updatable.");
    }
    if any(&|expr| is_call_of(expr, &|_| true, true)) {
        return Err("Views that return window functions are not automatically updatable.");
    }
    if any(&|expr| {
        let set = |name: &str| !functions::set_functions(name).is_empty();
        is_call_of(expr, &set, false)
    }) {
        return Err("Views that return set-returning functions are not automatically updatable.");
    }
    match select.from.as_slice() {
        [
            TableItem::Table {
                name,
                at: None,
                alias,
                sample: None,
            },
        ] => Ok(Simple {
            select,
            base: name,
            alias: alias.as_ref(),
        }),
        _ => Err(
            "Views that do not select from a single table or view are not automatically updatable.",
        ),
    }
}

fn has(expr: &Expr, wanted: &dyn Fn(&Expr) -> bool) -> bool {
    let mut found = wanted(expr);
    expr.for_each_child(&mut |child| found = found || has(child, wanted));
    found
}

fn is_call_of(expr: &Expr, named: &dyn Fn(&str) -> bool, over: bool) -> bool {
    match &expr.kind {
        ExprKind::Call(call) => call.over.is_some() == over && named(&call.name.name.name),
        _ => false,
    }
}

/// For each column of a view whether it can be written; `None` if none of its rows can.
pub(crate) fn columns(catalog: &Catalog, view: &ViewDef) -> Option<Vec<bool>> {
    columns_within(catalog, view, DEPTH_MAX)
}

fn columns_within(catalog: &Catalog, view: &ViewDef, depth: usize) -> Option<Vec<bool>> {
    let depth = depth.checked_sub(1)?;
    let query = parse_query(&view.sql).ok()?;
    let Simple {
        select,
        base,
        alias,
    } = simple(&query).ok()?;
    let schema = base.schema.as_ref().map(|schema| schema.name.as_str());
    let found = catalog.resolve(schema, &base.name.name, &view.search_path)?;
    let mut below: Vec<(String, bool)> = match found {
        Relation::Table(table) => {
            let columns = table.columns.iter();
            columns
                .map(|column| (column.name.clone(), column.generated.is_none()))
                .collect()
        }
        Relation::View(inner) => {
            let writable = columns_within(catalog, &inner, depth)?;
            let names = inner.columns.iter().map(|column| column.name.clone());
            names.zip(writable).collect()
        }
        _ => return None,
    };
    if let Some(alias) = alias {
        for (column, name) in below.iter_mut().zip(&alias.columns) {
            column.0.clone_from(&name.name);
        }
    }
    let writable = select.items.iter().map(|item| match &item.expr.kind {
        ExprKind::Column(parts) => parts.last().is_some_and(|name| {
            below
                .iter()
                .any(|(known, writable)| *known == name.name && *writable)
        }),
        _ => false,
    });
    Some(writable.collect())
}
