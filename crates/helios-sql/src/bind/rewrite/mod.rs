//! Rewrites that both executors want: constants folded, predicates at the scans and joins they
//! speak of, columns that nobody reads left out.

mod factor;
mod failing;
mod prune;
mod push;

pub(crate) use failing::computes_parameters;
use helios_expr::{EvalContext, Expr, Volatility};

use super::BindContext;
use crate::plan::{Bound, Copy, Plan, Statement};

/// Rewrites every plan of a statement.
pub(super) fn rewrite(bound: &mut Bound, context: &BindContext<'_>) {
    match &mut bound.statement {
        Statement::Query(query) => optimize(&mut query.plan, context),
        Statement::Declare(cursor) => optimize(&mut cursor.query.plan, context),
        statement => rewrite_statement(statement, context),
    }
    for subplan in &mut bound.subplans {
        optimize(&mut subplan.plan, context);
    }
    bound.failing = failing::find(bound, context);
}

fn rewrite_statement(statement: &mut Statement, context: &BindContext<'_>) {
    match statement {
        Statement::Insert(insert) => {
            optimize(&mut insert.source, context);
            insert.for_each_expr(&mut |expr| fold(expr, context));
        }
        Statement::Update(update) => {
            optimize(&mut update.input, context);
            for assignment in &mut update.assignments {
                fold(&mut assignment.value, context);
            }
        }
        Statement::Delete(delete) => optimize(&mut delete.input, context),
        Statement::Merge(merge) => {
            optimize(&mut merge.input, context);
            merge.for_each_expr(&mut |expr| fold(expr, context));
        }
        Statement::CreateTable(create) => {
            if let Some(query) = &mut create.query {
                optimize(query, context);
            }
        }
        Statement::Copy(copy) => {
            let Copy { query, .. } = copy.as_mut();
            if let Some(query) = query {
                optimize(query, context);
            }
        }
        Statement::Explain(explain) => match explain.statement.as_mut() {
            Statement::Query(query) => optimize(&mut query.plan, context),
            Statement::Declare(cursor) => optimize(&mut cursor.query.plan, context),
            inner => rewrite_statement(inner, context),
        },
        _ => {}
    }
}

/// Rewrites one plan; its output columns stay as they are.
fn optimize(plan: &mut Plan, context: &BindContext<'_>) {
    fold_plan(plan, context);
    factor::factor(plan);
    let taken = std::mem::replace(plan, Plan::OneRow);
    let pushed = push::push(taken, Vec::new());
    *plan = prune::prune_all(pushed);
}

fn fold_plan(plan: &mut Plan, context: &BindContext<'_>) {
    plan.for_each_own_expr(&mut |expr| fold(expr, context));
    for input in plan.inputs_mut() {
        fold_plan(input, context);
    }
}

/// Folds what never changes.
pub(super) fn fold(expr: &mut Expr, context: &BindContext<'_>) {
    let eval = EvalContext::new(context.session, context.text);
    helios_expr::fold::fold(expr, &eval, Volatility::Immutable);
}
