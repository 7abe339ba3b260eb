//! The order of what an aggregate reads: `SELECT array_agg(a) FROM (SELECT a FROM t ORDER BY b) q`.
//!
//! DataFusion keeps no order for an aggregate that does not ask for one. PostgreSQL reads the rows
//! as they come, so an aggregate that shows the order of its rows asks for that of its input.

use helios_base::DataType;
use helios_expr::Expr;

use crate::plan::{AggregateNode, Limit, Plan, PlanColumn, Project, SortKey};

/// The node with the order of its input written into the calls that show it, if there is any.
pub(super) fn with_order(node: &AggregateNode) -> Option<AggregateNode> {
    let shows = |at: &crate::plan::AggregateCall| {
        at.function.is_order_sensitive()
            && at.order_by.is_empty()
            && !at.within_group
            && !at.distinct
    };
    if !node.calls.iter().any(shows) {
        return None;
    }
    let (input, keys) = keys_of(&node.input)?;
    let mut ordered = AggregateNode {
        input,
        ..node.clone()
    };
    for call in &mut ordered.calls {
        if shows(call) {
            call.order_by.clone_from(&keys);
        }
    }
    Some(ordered)
}

/// The plan with columns behind its own, where its order needs them, and the order over these.
fn keys_of(plan: &Plan) -> Option<(Plan, Vec<SortKey>)> {
    match plan {
        Plan::Sort(sort) => {
            let plain = |key: &SortKey| {
                !key.expr.any(&mut |part| {
                    matches!(part, Expr::Subplan { .. } | Expr::Outer { .. })
                        || matches!(part, Expr::Call { function, .. }
                            if function.volatility() == helios_expr::Volatility::Volatile)
                })
            };
            sort.keys
                .iter()
                .all(plain)
                .then(|| (sort.input.clone(), sort.keys.clone()))
        }
        // Which rows it keeps depends on the order below, which stays.
        Plan::Limit(limit) => {
            let (_, keys) = keys_of(&limit.input)?;
            Some((Plan::Limit(Box::new(Limit::clone(limit))), keys))
        }
        Plan::Project(project) => {
            let (input, keys) = keys_of(&project.input)?;
            let mut exprs = project.exprs.clone();
            let mut columns = project.columns.clone();
            let keys = keys
                .into_iter()
                .map(|key| {
                    let ty: DataType = key.expr.ty().clone();
                    let at = exprs.len();
                    columns.push(PlanColumn::new("order", ty.clone()));
                    exprs.push(key.expr);
                    SortKey {
                        expr: Expr::column(at, ty),
                        ..key
                    }
                })
                .collect();
            let project = Project {
                input,
                exprs,
                columns,
            };
            Some((Plan::Project(Box::new(project)), keys))
        }
        _ => None,
    }
}
