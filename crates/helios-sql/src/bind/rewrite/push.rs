//! Predicates move down to the scans and joins they speak of; a comma between tables becomes a
//! join on what `WHERE` says of both.
//!
//! A predicate that is volatile or holds a subquery stays where it was written.

use helios_expr::{Expr, Volatility};

use crate::plan::{AggregateNode, Filter, Join, JoinKind, Plan};

/// `plan` with `predicates`, conjuncts over its columns, applied as far down as possible.
pub(super) fn push(plan: Plan, predicates: Vec<Expr>) -> Plan {
    match plan {
        Plan::Filter(node) => {
            let Filter { input, predicate } = *node;
            let mut all = predicate.conjuncts();
            all.extend(predicates);
            push(input, all)
        }
        Plan::Scan(mut node) => {
            // The key of a row is added after its filters.
            let width = node.reads.len();
            let (down, above) = split(predicates, |predicate| {
                predicate.used_columns().iter().all(|index| *index < width)
            });
            node.filters.extend(down);
            keep(Plan::Scan(node), above)
        }
        Plan::Project(mut node) => {
            let (down, above) = split(predicates, |predicate| {
                predicate.used_columns().iter().all(|index| {
                    let expr = node.exprs.get(*index);
                    expr.is_some_and(|expr| expr.volatility() < Volatility::Volatile)
                })
            });
            let down = down
                .into_iter()
                .map(|predicate| predicate.replace_columns(&node.exprs))
                .collect();
            node.input = push(node.input, down);
            keep(Plan::Project(node), above)
        }
        Plan::Join(node) => push_join(*node, predicates),
        Plan::Aggregate(mut node) => {
            let (down, above) = split(predicates, |predicate| is_of_groups(predicate, &node));
            let down = down
                .into_iter()
                .map(|predicate| predicate.replace_columns(&node.groups))
                .collect();
            node.input = push(node.input, down);
            keep(Plan::Aggregate(node), above)
        }
        Plan::Sort(mut node) => {
            let (down, above) = split(predicates, |_| true);
            node.input = push(node.input, down);
            keep(Plan::Sort(node), above)
        }
        Plan::Distinct(mut node) if node.on.is_empty() => {
            let (down, above) = split(predicates, |_| true);
            node.input = push(node.input, down);
            keep(Plan::Distinct(node), above)
        }
        Plan::SetOp(mut node) => {
            let (down, above) = split(predicates, |_| true);
            node.left = push(node.left, down.clone());
            node.right = push(node.right, down);
            keep(Plan::SetOp(node), above)
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
        mut other => {
            for input in other.inputs_mut() {
                let taken = std::mem::replace(input, Plan::OneRow);
                *input = push(taken, Vec::new());
            }
            keep(other, predicates)
        }
    }
}

/// Those that may move and fit, and the rest; trivially true ones vanish.
fn split(predicates: Vec<Expr>, fits: impl Fn(&Expr) -> bool) -> (Vec<Expr>, Vec<Expr>) {
    predicates
        .into_iter()
        .filter(|predicate| !crate::bind::join::is_true(predicate))
        .partition(|predicate| predicate.volatility() < Volatility::Volatile && fits(predicate))
}

fn keep(input: Plan, predicates: Vec<Expr>) -> Plan {
    if predicates.is_empty() {
        return input;
    }
    Plan::Filter(Box::new(Filter {
        input,
        predicate: Expr::conjunction(predicates),
    }))
}

/// Whether a predicate above a plain grouping speaks of grouping columns only. With no grouping
/// columns, even a false predicate must leave the one group to be filtered.
fn is_of_groups(predicate: &Expr, node: &AggregateNode) -> bool {
    let used = predicate.used_columns();
    let plain = node.sets.len() == 1 && !node.groups.is_empty();
    plain
        && !used.is_empty()
        && used.iter().all(|index| {
            let group = node.groups.get(*index);
            group.is_some_and(|group| group.volatility() < Volatility::Volatile)
        })
}

fn push_join(mut node: Join, predicates: Vec<Expr>) -> Plan {
    let width = node.left.columns().len();
    let is_left = |predicate: &Expr| predicate.used_columns().iter().all(|index| *index < width);
    // A lateral right side has a frame of its own, in which a value of ours would be another.
    let framed = node.lateral.is_some();
    let reads_frame =
        |predicate: &Expr| framed && predicate.any(&mut |part| matches!(part, Expr::Outer { .. }));
    let is_right = |predicate: &Expr| {
        predicate.used_columns().iter().all(|index| *index >= width) && !reads_frame(predicate)
    };
    let to_right = |mut predicate: Expr| {
        predicate.remap_columns(&|index| index.saturating_sub(width));
        predicate
    };
    let (mut left, mut right, mut above) = (Vec::new(), Vec::new(), Vec::new());
    match node.kind {
        JoinKind::Inner => {
            let (movable, fixed) = split(predicates, |_| true);
            above = fixed;
            let mut on = std::mem::take(&mut node.on);
            on.extend(movable);
            for predicate in on {
                if predicate.volatility() == Volatility::Volatile {
                    node.on.push(predicate);
                } else if is_left(&predicate) {
                    left.push(predicate);
                } else if is_right(&predicate) {
                    right.push(to_right(predicate));
                } else {
                    node.on.push(predicate);
                }
            }
        }
        JoinKind::Left | JoinKind::Right => {
            // A predicate on the side whose rows all stay may come first; a condition on the other
            // side decides only which partners there are.
            let keeps_left = node.kind == JoinKind::Left;
            let kept = |predicate: &Expr| {
                if keeps_left {
                    is_left(predicate)
                } else {
                    is_right(predicate) && !predicate.used_columns().is_empty()
                }
            };
            let (down, rest) = split(predicates, kept);
            above = rest;
            let (partners, on) = split(std::mem::take(&mut node.on), |predicate| {
                let partner = if keeps_left {
                    is_right(predicate)
                } else {
                    is_left(predicate)
                };
                partner && !predicate.used_columns().is_empty()
            });
            node.on = on;
            if keeps_left {
                left = down;
                right = partners.into_iter().map(to_right).collect();
            } else {
                left = partners;
                right = down.into_iter().map(to_right).collect();
            }
        }
        JoinKind::Full => above.extend(predicates),
    }
    node.left = push(node.left, left);
    node.right = push(node.right, right);
    keep(Plan::Join(Box::new(node)), above)
}
