//! Walking over plans.

use helios_expr::Expr;

use crate::plan::{FrameBound, Plan};

/// Calls `f` on the inputs of a node.
pub(crate) fn inputs<'a>(plan: &'a Plan, f: &mut dyn FnMut(&'a Plan)) {
    match plan {
        Plan::Empty(_)
        | Plan::OneRow
        | Plan::Scan(_)
        | Plan::FileScan(_)
        | Plan::Values(_)
        | Plan::CteRef { .. }
        | Plan::WorkTable { .. }
        | Plan::TableFunction(_) => {}
        Plan::Filter(node) => f(&node.input),
        Plan::Project(node) => f(&node.input),
        Plan::ProjectSet(node) => f(&node.input),
        Plan::Aggregate(node) => f(&node.input),
        Plan::Window(node) => f(&node.input),
        Plan::Sort(node) => f(&node.input),
        Plan::Limit(node) => f(&node.input),
        Plan::Distinct(node) => f(&node.input),
        Plan::LockRows(node) => f(&node.input),
        Plan::Change(node) => f(node.change.input()),
        Plan::Join(node) => {
            f(&node.left);
            f(&node.right);
        }
        Plan::SetOp(node) => {
            f(&node.left);
            f(&node.right);
        }
        Plan::Recursive(node) => {
            f(&node.anchor);
            f(&node.step);
        }
        Plan::With { ctes, input } => {
            for cte in ctes {
                f(&cte.plan);
            }
            f(input);
        }
    }
}

/// Calls `f` on the expressions of this node alone.
pub(crate) fn own_expressions<'a>(plan: &'a Plan, f: &mut dyn FnMut(&'a Expr)) {
    match plan {
        Plan::Scan(node) => node.filters.iter().for_each(f),
        Plan::Values(node) => node.rows.iter().flatten().for_each(f),
        Plan::Filter(node) => f(&node.predicate),
        Plan::Project(node) => node.exprs.iter().for_each(f),
        Plan::ProjectSet(node) => node.calls.iter().flat_map(|call| &call.args).for_each(f),
        Plan::TableFunction(node) => node.calls.iter().flat_map(|call| &call.args).for_each(f),
        Plan::Join(node) => {
            node.on.iter().for_each(&mut *f);
            node.lateral.iter().flatten().for_each(f);
        }
        Plan::Aggregate(node) => {
            node.groups.iter().for_each(&mut *f);
            for call in &node.calls {
                call.args.iter().for_each(&mut *f);
                call.filter.iter().for_each(&mut *f);
                call.order_by.iter().for_each(|key| f(&key.expr));
            }
        }
        Plan::Window(node) => {
            node.partition_by.iter().for_each(&mut *f);
            node.order_by.iter().for_each(|key| f(&key.expr));
            for call in &node.calls {
                call.args.iter().for_each(&mut *f);
                call.filter.iter().for_each(&mut *f);
                for bound in [&call.frame.start, &call.frame.end] {
                    if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
                        f(offset);
                    }
                }
            }
        }
        Plan::Sort(node) => node.keys.iter().for_each(|key| f(&key.expr)),
        Plan::Limit(node) => {
            node.limit.iter().chain(&node.offset).for_each(&mut *f);
            node.ties.iter().for_each(|key| f(&key.expr));
        }
        Plan::Distinct(node) => node.on.iter().for_each(f),
        Plan::Empty(_)
        | Plan::OneRow
        | Plan::FileScan(_)
        | Plan::SetOp(_)
        | Plan::With { .. }
        | Plan::CteRef { .. }
        | Plan::Recursive(_)
        | Plan::WorkTable { .. }
        | Plan::Change(_)
        | Plan::LockRows(_) => {}
    }
}

/// Calls `f` on every expression of the plan, those of subplans excepted.
pub(crate) fn expressions<'a>(plan: &'a Plan, f: &mut dyn FnMut(&'a Expr)) {
    own_expressions(plan, f);
    inputs(plan, &mut |input| expressions(input, f));
}

/// Whether the plan reads the frame around it.
pub(crate) fn reads_frame(plan: &Plan) -> bool {
    let mut reads = false;
    own_expressions(plan, &mut |expr| {
        reads |= expr.any(&mut |e| matches!(e, Expr::Outer { .. }));
    });
    match plan {
        // The right side of a lateral join reads the frame that the join makes, not this one.
        Plan::Join(node) if node.lateral.is_some() => reads || reads_frame(&node.left),
        _ => {
            inputs(plan, &mut |input| reads = reads || reads_frame(input));
            reads
        }
    }
}
