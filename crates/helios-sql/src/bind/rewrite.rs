//! Rewrites
use super::BindContext;
use crate::plan::Bound;
use helios_expr::{EvalContext, Expr, Volatility};
pub(super) fn rewrite(_bound: &mut Bound, _context: &BindContext<'_>) {}
/// Folds what never changes.
pub(super) fn fold(expr: &mut Expr, context: &BindContext<'_>) {
    helios_expr::fold::fold(
        expr,
        &EvalContext::new(context.session, context.text),
        Volatility::Immutable,
    );
}
