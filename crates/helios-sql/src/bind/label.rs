//! How PostgreSQL names a column that was not given a name.

use crate::parse::ast::{Expr, ExprKind, Query, QueryBody};

/// The name of a select item.
pub(crate) fn label(expr: &Expr) -> String {
    figure(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// The name, and whether it is a strong one, which a cast around does not replace.
fn figure(expr: &Expr) -> Option<(String, bool)> {
    let strong = |name: &str| Some((name.to_owned(), true));
    let weak = |name: &str| Some((name.to_owned(), false));
    match &expr.kind {
        ExprKind::Column(parts) | ExprKind::Star(parts) => strong(&parts.last()?.name),
        ExprKind::Field { field, .. } => strong(&field.name),
        ExprKind::Subscript { expr, .. } | ExprKind::Collate { expr, .. } => figure(expr),
        ExprKind::Call(call) => strong(call.label.unwrap_or(&call.name.name.name)),
        ExprKind::Cast { expr, ty } => match figure(expr) {
            Some((name, true)) => Some((name, true)),
            _ => weak(&ty.name),
        },
        ExprKind::Case { otherwise, .. } => match otherwise.as_deref().and_then(figure) {
            Some((name, true)) => Some((name, true)),
            _ => weak("case"),
        },
        ExprKind::Coalesce(_) => strong("coalesce"),
        ExprKind::NullIf(..) => strong("nullif"),
        ExprKind::Extreme { greatest: true, .. } => strong("greatest"),
        ExprKind::Extreme { .. } => strong("least"),
        ExprKind::Exists(_) => strong("exists"),
        ExprKind::ArrayQuery(_) | ExprKind::Array(_) => strong("array"),
        ExprKind::Row(_) => strong("row"),
        ExprKind::Grouping(_) => strong("grouping"),
        ExprKind::Subquery(query) => subquery(query),
        _ => None,
    }
}

/// A scalar subquery is called as its column.
fn subquery(query: &Query) -> Option<(String, bool)> {
    match &query.body {
        QueryBody::Select(select) => {
            let item = select.items.first()?;
            match &item.alias {
                Some(alias) => Some((alias.name.clone(), true)),
                None => figure(&item.expr).map(|(name, _)| (name, true)),
            }
        }
        QueryBody::SetOp { left, .. } => subquery(left),
        QueryBody::Values(_) => Some(("column1".to_owned(), true)),
    }
}
