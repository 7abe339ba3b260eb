//! Whether a condition could tell what policies hide, if it were asked before them.
//!
//! The row executor asks the conditions of a scan in their order, policies first. Vectors ask a
//! condition of many rows at once and in the order that is quickest; so they get no statement in
//! which a condition may fail on a row that a policy hides, for the error would tell of the row.

use helios_base::DataType;
use helios_expr::Expr;

use super::{Bound, Plan, Statement};

/// Whether the statement reads tables with policies and has a condition that may fail.
pub(crate) fn may_tell(bound: &Bound) -> bool {
    let Statement::Query(query) = &bound.statement else {
        return false;
    };
    let plans = || {
        let subplans = bound.subplans.iter().map(|subplan| &subplan.plan);
        std::iter::once(&query.plan).chain(subplans)
    };
    plans().any(is_guarded) && plans().any(has_fallible_condition)
}

fn is_guarded(plan: &Plan) -> bool {
    matches!(plan, Plan::Scan(scan) if scan.guards > 0) || plan.inputs().into_iter().any(is_guarded)
}

fn has_fallible_condition(plan: &Plan) -> bool {
    let own = match plan {
        Plan::Scan(scan) => scan.filters.iter().skip(scan.guards).any(may_fail),
        Plan::Filter(filter) => may_fail(&filter.predicate),
        Plan::Join(join) => join.on.iter().any(may_fail),
        _ => false,
    };
    own || plan.inputs().into_iter().any(has_fallible_condition)
}

/// Whether evaluating a condition may fail for some row.
fn may_fail(expr: &Expr) -> bool {
    let mut children = Vec::new();
    expr.for_each_child(&mut |child| children.push(child));
    let safe = match expr {
        Expr::Literal(..)
        | Expr::Column { .. }
        | Expr::Outer { .. }
        | Expr::Param { .. }
        | Expr::And(_)
        | Expr::Or(_)
        | Expr::Not(_)
        | Expr::IsNull { .. }
        | Expr::BoolTest { .. }
        | Expr::Distinct { .. }
        | Expr::Coalesce { .. }
        | Expr::InList { .. } => true,
        Expr::Call { .. } => expr.as_comparison().is_some(),
        Expr::Cast(cast) => widens(cast.expr.ty(), &cast.to),
        _ => false,
    };
    // What reads no row can tell of none.
    let reads = expr.any(&mut |part| {
        matches!(
            part,
            Expr::Column { .. } | Expr::Outer { .. } | Expr::Subplan { .. }
        )
    });
    reads && (!safe || children.into_iter().any(may_fail))
}

/// Whether every value can be converted.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Float8, Int2, Int4, Int8, Numeric, Text, Varchar};
    from == to
        || matches!(
            (from, to),
            (Int2, Int4 | Int8 | Float8) | (Int4, Int8 | Float8) | (Varchar(_), Text)
        )
        || matches!((from, to), (Int2 | Int4 | Int8, Numeric(None)))
}
