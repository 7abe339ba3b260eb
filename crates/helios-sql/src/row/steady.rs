//! What stays the same within a statement is computed once for each run of it.

use helios_expr::{Expr, Volatility};

use super::exec::Cx;

/// Whether a part of `expr` depends on the statement but not on the row, so that computing it ahead
/// spares the rows that. Parameters and constants alone are no reason: reading them costs nothing.
pub(crate) fn has_steady_part(expr: &Expr) -> bool {
    expr.volatility() >= Volatility::Stable
        && expr.any(&mut |part| {
            part.volatility() == Volatility::Stable
                && !matches!(part, Expr::Column { .. } | Expr::Param { .. })
                && !part.uses_columns()
        })
}

/// `expr` with those parts computed. A part that raises an error is left, and raises it for the
/// first row that reaches it.
pub(crate) fn settled(expr: &Expr, cx: &Cx<'_>) -> Expr {
    let mut expr = expr.clone();
    helios_expr::fold::fold(&mut expr, &cx.context(), Volatility::Stable);
    expr
}
