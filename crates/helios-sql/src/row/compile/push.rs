//! Moves predicates towards the rows that they speak of, so that scans can use them.

use helios_expr::{Expr, Volatility};

use crate::plan::{Filter, Join, JoinKind, Plan};

/// `plan` with `predicates` applied as early as may be.
pub(crate) fn push(plan: Plan, mut predicates: Vec<Expr>) -> Plan {
    match plan {
        Plan::Filter(filter) => {
            let Filter { input, predicate } = *filter;
            // The filter's own conditions come first: they were written further in.
            let mut all = predicate.conjuncts();
            all.append(&mut predicates);
            push(input, all)
        }
        Plan::Scan(mut scan) => {
            let (here, mut above) = movable(predicates);
            // The key of a row is added after its filters.
            let width = scan.reads.len();
            let of_columns =
                |predicate: &Expr| predicate.used_columns().iter().all(|at| *at < width);
            let (here, of_key): (Vec<_>, Vec<_>) = here.into_iter().partition(of_columns);
            above.extend(of_key);
            scan.filters.extend(here);
            keep(Plan::Scan(scan), above)
        }
        Plan::Project(mut project) => {
            let steady = |e: &Expr| e.volatility() < Volatility::Volatile;
            let (down, above): (Vec<_>, Vec<_>) = predicates.into_iter().partition(|predicate| {
                steady(predicate)
                    && predicate
                        .used_columns()
                        .iter()
                        .all(|&i| project.exprs.get(i).is_some_and(steady))
            });
            let down = down
                .into_iter()
                .map(|predicate| predicate.replace_columns(&project.exprs))
                .collect();
            project.input = push(project.input, down);
            keep(Plan::Project(project), above)
        }
        Plan::Join(join) => push_join(*join, predicates),
        Plan::Sort(mut sort) => {
            sort.input = push(sort.input, predicates);
            Plan::Sort(sort)
        }
        Plan::Distinct(mut distinct) if distinct.on.is_empty() => {
            let (down, above) = movable(predicates);
            distinct.input = push(distinct.input, down);
            keep(Plan::Distinct(distinct), above)
        }
        Plan::With { ctes, input } => Plan::With {
            ctes: ctes
                .into_iter()
                .map(|mut cte| {
                    cte.plan = push(cte.plan, Vec::new());
                    cte
                })
                .collect(),
            input: Box::new(push(*input, predicates)),
        },
        other => keep(push_inside(other), predicates),
    }
}

/// Those that may move, and those that must stay: what is volatile or runs a subquery.
fn movable(predicates: Vec<Expr>) -> (Vec<Expr>, Vec<Expr>) {
    predicates
        .into_iter()
        .partition(|predicate| predicate.volatility() < Volatility::Volatile)
}

/// `plan` with `predicates` above it.
fn keep(plan: Plan, predicates: Vec<Expr>) -> Plan {
    if predicates.is_empty() {
        return plan;
    }
    Plan::Filter(Box::new(Filter {
        input: plan,
        predicate: Expr::conjunction(predicates),
    }))
}

fn push_join(mut join: Join, predicates: Vec<Expr>) -> Plan {
    let width = join.left.columns().len();
    let (mut left, mut right, mut above) = (Vec::new(), Vec::new(), Vec::new());
    let mut on = Vec::new();
    let in_left = |e: &Expr| e.used_columns().iter().all(|&i| i < width);
    // A lateral right side has a frame of its own, in which a value of ours would be another.
    let framed = join.lateral.is_some();
    let outer = |e: &Expr| e.any(&mut |part| matches!(part, Expr::Outer { .. }));
    let in_right = |e: &Expr| e.used_columns().iter().all(|&i| i >= width) && !(framed && outer(e));
    let steady = |e: &Expr| e.volatility() < Volatility::Volatile;
    let to_right = |mut e: Expr| {
        e.remap_columns(&|i| i - width);
        e
    };
    for predicate in predicates {
        match join.kind {
            _ if !steady(&predicate) => above.push(predicate),
            JoinKind::Inner | JoinKind::Left if in_left(&predicate) => left.push(predicate),
            JoinKind::Inner if in_right(&predicate) => right.push(to_right(predicate)),
            JoinKind::Inner => on.push(predicate),
            JoinKind::Right if in_right(&predicate) => right.push(to_right(predicate)),
            _ => above.push(predicate),
        }
    }
    for predicate in join.on.drain(..).flat_map(Expr::conjuncts) {
        match join.kind {
            _ if !steady(&predicate) => on.push(predicate),
            JoinKind::Inner if in_left(&predicate) => left.push(predicate),
            JoinKind::Inner | JoinKind::Left if in_right(&predicate) => {
                right.push(to_right(predicate));
            }
            JoinKind::Right if in_left(&predicate) => left.push(predicate),
            _ => on.push(predicate),
        }
    }
    join.on = on;
    join.left = push(join.left, left);
    join.right = push(join.right, right);
    keep(Plan::Join(Box::new(join)), above)
}

/// Starts anew inside a node that predicates cannot cross.
fn push_inside(mut plan: Plan) -> Plan {
    let nothing = || Plan::OneRow;
    let renew = |input: &mut Plan| *input = push(std::mem::replace(input, nothing()), Vec::new());
    match &mut plan {
        Plan::ProjectSet(node) => renew(&mut node.input),
        Plan::Aggregate(node) => renew(&mut node.input),
        Plan::Window(node) => renew(&mut node.input),
        Plan::Limit(node) => renew(&mut node.input),
        Plan::Distinct(node) => renew(&mut node.input),
        Plan::LockRows(node) => renew(&mut node.input),
        Plan::Change(node) => renew(node.change.input_mut()),
        Plan::SetOp(node) => {
            renew(&mut node.left);
            renew(&mut node.right);
        }
        Plan::Recursive(node) => {
            renew(&mut node.anchor);
            renew(&mut node.step);
        }
        _ => {}
    }
    plan
}
