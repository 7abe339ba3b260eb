//! Constants whose evaluation fails: `1 / 0`. PostgreSQL raises their errors when it plans a statement,
//! even where no row would ask for them.

use std::collections::HashSet;

use helios_base::DataType;
use helios_expr::{EvalContext, Expr, SubplanKind};

use crate::bind::BindContext;
use crate::plan::{Bound, Plan, Statement};

/// The first of a statement that is rewritten already.
pub(super) fn find(bound: &mut Bound, context: &BindContext<'_>) -> Option<Expr> {
    let mut exists = HashSet::new();
    if !bound.subplans.is_empty() {
        let mut note = |expr: &mut Expr| {
            expr.any(&mut |part| {
                if let Expr::Subplan {
                    id,
                    kind: SubplanKind::Exists,
                    ..
                } = part
                {
                    exists.insert(*id);
                }
                false
            });
        };
        statement(&mut bound.statement, &mut note);
        let plans = bound.subplans.iter_mut();
        plans.for_each(|subplan| plan(&mut subplan.plan, &mut note));
    }
    let eval = EvalContext::new(context.session, context.text);
    let mut found = None;
    let mut look = |expr: &mut Expr| {
        if found.is_none() {
            found = helios_expr::fold::failing(expr, &eval).cloned();
        }
    };
    statement(&mut bound.statement, &mut look);
    for (id, subplan) in (0_u32..).zip(&mut bound.subplans) {
        match &mut subplan.plan {
            // What EXISTS selects is never computed.
            Plan::Project(node) if exists.contains(&id) => walk(&mut node.input, false, &mut look),
            whole => plan(whole, &mut look),
        }
    }
    found
}

/// Whether a statement computes something of its parameters alone that may fail for some `integer` that is not negative: were they constants,
/// the error would be raised before anything runs.
pub(crate) fn computes_parameters(bound: &Bound) -> bool {
    let mut found = false;
    let mut look = |expr: &mut Expr| {
        found = found || expr.any(&mut |part| is_of_parameters(part) && !is_safe(part));
    };
    // The walk is the one that may change what it finds.
    let mut bound = bound.clone();
    statement(&mut bound.statement, &mut look);
    let subplans = bound.subplans.iter_mut();
    subplans.for_each(|subplan| plan(&mut subplan.plan, &mut look));
    found
}

/// Whether an expression has parameters, and nothing else that is not a constant.
fn is_of_parameters(expr: &Expr) -> bool {
    expr.any(&mut |part| matches!(part, Expr::Param { .. }))
        && !expr.any(&mut |part| {
            matches!(
                part,
                Expr::Column { .. }
                    | Expr::Outer { .. }
                    | Expr::CaseOperand { .. }
                    | Expr::Subplan { .. }
            )
        })
}

/// Whether its evaluation cannot fail.
fn is_safe(expr: &Expr) -> bool {
    match expr {
        Expr::Param { .. } | Expr::Literal(..) => true,
        Expr::Call { function, args, .. } => {
            function.name() == "-" && matches!(args.as_slice(), [operand] if is_safe(operand))
        }
        Expr::Cast(cast) => {
            let wider = matches!(
                cast.to,
                DataType::Int4 | DataType::Int8 | DataType::Float8 | DataType::Numeric(None)
            );
            wider && cast.domain.is_none() && is_safe(&cast.expr)
        }
        _ => false,
    }
}

/// Calls `f` with the expressions that PostgreSQL simplifies when it plans the statement.
fn statement(statement_: &mut Statement, f: &mut dyn FnMut(&mut Expr)) {
    match statement_ {
        Statement::Query(query) => plan(&mut query.plan, f),
        Statement::Declare(cursor) => plan(&mut cursor.query.plan, f),
        Statement::Insert(insert) => plan(&mut insert.source, f),
        Statement::Update(update) => {
            plan(&mut update.input, f);
            let values = update.assignments.iter_mut();
            values.for_each(|assignment| f(&mut assignment.value));
        }
        Statement::Delete(delete) => plan(&mut delete.input, f),
        Statement::Explain(explain) => statement(&mut explain.statement, f),
        // What else there is fails where it is reached.
        _ => {}
    }
}

/// Of what a query selects only that of its outermost `SELECT` counts: PostgreSQL puts subqueries into
/// those around them first, and forgets the columns that nobody reads.
fn plan(plan: &mut Plan, f: &mut dyn FnMut(&mut Expr)) {
    walk(plan, true, f);
}

fn walk(plan: &mut Plan, outermost: bool, f: &mut dyn FnMut(&mut Expr)) {
    let selects = matches!(
        plan,
        Plan::Project(_) | Plan::ProjectSet(_) | Plan::Aggregate(_) | Plan::Window(_)
    );
    if outermost || !selects {
        plan.for_each_own_expr(f);
    }
    match plan {
        // Another that only hands on columns belongs to the same SELECT.
        Plan::Project(node) => {
            let hands_on = |expr: &Expr| matches!(expr, Expr::Column { .. });
            let same = !matches!(node.input, Plan::Project(_)) || node.exprs.iter().all(hands_on);
            walk(&mut node.input, outermost && same, f);
        }
        Plan::ProjectSet(node) => walk(&mut node.input, false, f),
        Plan::Aggregate(node) => walk(&mut node.input, false, f),
        Plan::Window(node) => walk(&mut node.input, false, f),
        Plan::Join(node) => {
            walk(&mut node.left, false, f);
            walk(&mut node.right, false, f);
        }
        // Those that nobody reads are not planned at all.
        Plan::With { input, .. } => walk(input, outermost, f),
        other => {
            for input in other.inputs_mut() {
                walk(input, outermost, f);
            }
        }
    }
}
