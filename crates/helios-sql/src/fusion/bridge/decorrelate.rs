//! Takes the references to a frame out of a plan, so that it can be joined instead of being run once
//! per frame.
//!
//! A condition that reads the frame moves up through the plan to the join. On its way the columns it
//! needs are carried along behind the plan's own. Above an aggregation only equalities can go, and
//! their inner side becomes a grouping key: the aggregation then computes all frames at once.

use helios_base::{DataType, Value};
use helios_expr::{Comparison, Expr};

use super::walk::reads_frame;
use crate::plan::{
    AggregateNode, Distinct, Filter, Join, JoinKind, Limit, Plan, PlanColumn, Project, Sort,
    SortKey,
};

/// A plan that no longer reads the frame.
#[derive(Clone, Debug)]
pub(crate) struct Pulled {
    /// The original columns, then those that the conditions need.
    pub plan: Plan,
    /// What a row must satisfy to belong to a frame, over the columns of `plan` and the frame.
    pub conditions: Vec<Expr>,
    /// For an aggregation without groups: its single row for frames without any row, as
    /// expressions without columns.
    pub default: Option<Vec<Expr>>,
}

/// Takes the frame out of `plan`; `None` if that is beyond this.
pub(crate) fn pull(plan: &Plan) -> Option<Pulled> {
    if !reads_frame(plan) {
        return Some(Pulled {
            plan: plan.clone(),
            conditions: Vec::new(),
            default: None,
        });
    }
    match plan {
        Plan::Filter(node) => filter(node),
        Plan::Scan(node) => {
            let (outer, inner) = node.filters.iter().cloned().partition(reads);
            let mut scan = node.clone();
            scan.filters = inner;
            conditional(Plan::Scan(scan), outer)
        }
        Plan::Project(node) => project(node),
        Plan::Join(node) => join(node),
        Plan::Aggregate(node) => aggregate(node),
        Plan::Sort(node) => {
            if node.keys.iter().any(|key| reads(&key.expr)) {
                return None;
            }
            // One order for all frames orders each frame.
            let pulled = pull(&node.input)?;
            Some(Pulled {
                plan: Plan::Sort(Box::new(Sort {
                    input: pulled.plan,
                    keys: node.keys.clone(),
                })),
                ..pulled
            })
        }
        Plan::Limit(node) => first(node),
        Plan::Distinct(node) if node.on.is_empty() => {
            let pulled = pull(&node.input)?;
            equalities(&pulled.conditions)?;
            pulled.default.is_none().then(|| Pulled {
                plan: Plan::Distinct(Box::new(Distinct {
                    input: pulled.plan,
                    on: Vec::new(),
                })),
                ..pulled
            })
        }
        _ => None,
    }
}

fn conditional(plan: Plan, conditions: Vec<Expr>) -> Option<Pulled> {
    if conditions.iter().any(has_subplan) {
        return None;
    }
    Some(Pulled {
        plan,
        conditions,
        default: None,
    })
}

fn filter(node: &Filter) -> Option<Pulled> {
    let pulled = pull(&node.input)?;
    if pulled.default.is_some() {
        return None;
    }
    let (outer, inner): (Vec<_>, Vec<_>) = node
        .predicate
        .clone()
        .conjuncts()
        .into_iter()
        .partition(reads);
    let plan = if inner.is_empty() {
        pulled.plan
    } else {
        Plan::Filter(Box::new(Filter {
            input: pulled.plan,
            predicate: Expr::conjunction(inner),
        }))
    };
    let mut conditions = pulled.conditions;
    conditions.extend(outer);
    conditional(plan, conditions)
}

fn project(node: &Project) -> Option<Pulled> {
    let pulled = pull(&node.input)?;
    if node.exprs.iter().any(reads) {
        return None;
    }
    let default = match pulled.default {
        Some(row) => Some(
            node.exprs
                .iter()
                .map(|expr| over(expr, &row))
                .collect::<Option<Vec<_>>>()?,
        ),
        None => None,
    };
    let mut exprs = node.exprs.clone();
    let mut columns = node.columns.clone();
    let mut conditions = pulled.conditions;
    for condition in &mut conditions {
        condition.rewrite(&mut |e| {
            if let Expr::Column { index, ty } = e {
                let carried = Expr::column(*index, ty.clone());
                *index = match exprs.iter().position(|expr| *expr == carried) {
                    Some(at) => at,
                    None => {
                        exprs.push(carried);
                        columns.push(PlanColumn::new("carried", ty.clone()));
                        exprs.len() - 1
                    }
                };
            }
        });
    }
    Some(Pulled {
        plan: Plan::Project(Box::new(Project {
            input: pulled.plan,
            exprs,
            columns,
        })),
        conditions,
        default,
    })
}

fn join(node: &Join) -> Option<Pulled> {
    if node.lateral.is_some() || !matches!(node.kind, JoinKind::Inner | JoinKind::Left) {
        return None;
    }
    if node.kind == JoinKind::Left && (reads_frame(&node.right) || node.on.iter().any(reads)) {
        return None;
    }
    let left = pull(&node.left)?;
    let right = pull(&node.right)?;
    if left.default.is_some() || right.default.is_some() {
        return None;
    }
    let (before, after) = (node.left.columns().len(), left.plan.columns().len());
    let own = before + node.right.columns().len();
    let total = after + right.plan.columns().len();
    // A column of the join as it was, over the two new sides.
    let widened = |expr: &Expr| {
        let mut expr = expr.clone();
        expr.rewrite(&mut |e| {
            if let Expr::Column { index, .. } = e
                && *index >= before
            {
                *index += after - before;
            }
        });
        expr
    };
    let (outer, inner): (Vec<_>, Vec<_>) = node.on.iter().map(widened).partition(reads);
    let mut conditions = left.conditions;
    conditions.extend(right.conditions.into_iter().map(|mut condition| {
        condition.rewrite(&mut |e| {
            if let Expr::Column { index, .. } = e {
                *index += after;
            }
        });
        condition
    }));
    conditions.extend(outer);
    let columns: Vec<PlanColumn> = left
        .plan
        .columns()
        .iter()
        .chain(right.plan.columns())
        .cloned()
        .collect();
    let joined = Plan::Join(Box::new(Join {
        kind: node.kind,
        left: left.plan,
        right: right.plan,
        on: inner,
        lateral: None,
        columns: columns.clone(),
    }));
    // The original columns first.
    let order: Vec<usize> = (0..before)
        .chain(after..after + own - before)
        .chain(before..after)
        .chain(after + own - before..total)
        .collect();
    let mut named = node.columns.clone();
    named.extend(
        order
            .iter()
            .skip(own)
            .filter_map(|&from| columns.get(from).cloned()),
    );
    let (plan, conditions) = reorder(joined, &order, named, conditions)?;
    conditional(plan, conditions)
}

/// `plan` with its columns in this order; the conditions follow.
fn reorder(
    plan: Plan,
    order: &[usize],
    columns: Vec<PlanColumn>,
    mut conditions: Vec<Expr>,
) -> Option<(Plan, Vec<Expr>)> {
    let types: Vec<DataType> = plan.columns().iter().map(|c| c.ty.clone()).collect();
    let exprs = order
        .iter()
        .map(|&from| Some(Expr::column(from, types.get(from)?.clone())))
        .collect::<Option<Vec<_>>>()?;
    for condition in &mut conditions {
        condition.rewrite(&mut |e| {
            if let Expr::Column { index, .. } = e
                && let Some(to) = order.iter().position(|from| from == index)
            {
                *index = to;
            }
        });
    }
    let plan = Plan::Project(Box::new(Project {
        input: plan,
        exprs,
        columns,
    }));
    Some((plan, conditions))
}

fn aggregate(node: &AggregateNode) -> Option<Pulled> {
    let mut own = node.groups.iter().chain(node.calls.iter().flat_map(|call| {
        call.args
            .iter()
            .chain(&call.filter)
            .chain(call.order_by.iter().map(|key| &key.expr))
    }));
    if own.any(reads) || node.sets.len() != 1 {
        return None;
    }
    let pulled = pull(&node.input)?;
    if pulled.default.is_some() {
        return None;
    }
    let pairs = equalities(&pulled.conditions)?;
    let default = if node.groups.is_empty() {
        Some(
            node.calls
                .iter()
                .map(|call| empty_result(call.function.name(), &call.ty))
                .collect::<Option<Vec<_>>>()?,
        )
    } else {
        None
    };
    let groups = node.groups.len();
    let mut wide = node.clone();
    wide.input = pulled.plan;
    let mut conditions = Vec::with_capacity(pairs.len());
    let mut keys = Vec::with_capacity(pairs.len());
    for (number, (inner, condition)) in pairs.into_iter().enumerate() {
        let ty = inner.ty().clone();
        let position = groups + number;
        conditions.push(replace(
            condition,
            &inner,
            Expr::column(position, ty.clone()),
        ));
        keys.push(PlanColumn::new("carried", ty));
        wide.groups.push(inner);
        for set in &mut wide.sets {
            set.push(position);
        }
    }
    let added = keys.len();
    let width = node.columns.len();
    wide.columns.splice(groups..groups, keys.iter().cloned());
    let order: Vec<usize> = (0..groups)
        .chain(groups + added..width + added)
        .chain(groups..groups + added)
        .collect();
    let mut columns = node.columns.clone();
    columns.extend(keys);
    let (plan, conditions) = reorder(Plan::Aggregate(Box::new(wide)), &order, columns, conditions)?;
    Some(Pulled {
        plan,
        conditions,
        default,
    })
}

/// `LIMIT 1`: the first row of each frame.
fn first(node: &Limit) -> Option<Pulled> {
    let one = matches!(node.limit, Some(Expr::Literal(Value::Int8(1), _)));
    if !one || node.offset.is_some() || !node.ties.is_empty() {
        return None;
    }
    let pulled = pull(&node.input)?;
    if pulled.default.is_some() {
        return Some(pulled);
    }
    let pairs = equalities(&pulled.conditions)?;
    let on: Vec<Expr> = pairs.iter().map(|(inner, _)| inner.clone()).collect();
    let (input, keys) = match pulled.plan {
        Plan::Sort(sort) => (sort.input, sort.keys),
        other => (other, Vec::new()),
    };
    let leading = on.iter().map(|expr| SortKey {
        expr: expr.clone(),
        descending: false,
        nulls_first: false,
    });
    let sorted = Plan::Sort(Box::new(Sort {
        input,
        keys: leading.chain(keys).collect(),
    }));
    Some(Pulled {
        plan: Plan::Distinct(Box::new(Distinct { input: sorted, on })),
        conditions: pulled.conditions,
        default: None,
    })
}

/// The inner side of each condition, if all are equalities of an inner with an outer expression.
pub(crate) fn equalities(conditions: &[Expr]) -> Option<Vec<(Expr, Expr)>> {
    conditions
        .iter()
        .map(|condition| {
            let (Comparison::Eq, left, right) = condition.as_comparison()? else {
                return None;
            };
            let inner = match (reads(left), reads(right)) {
                (true, false) if !has_column(left) => right,
                (false, true) if !has_column(right) => left,
                _ => return None,
            };
            Some((inner.clone(), condition.clone()))
        })
        .collect()
}

/// What an aggregate yields over no rows, where that is known without running it.
fn empty_result(name: &str, ty: &DataType) -> Option<Expr> {
    let value = match name {
        "count" | "regr_count" => Value::Int8(0),
        "sum" | "avg" | "min" | "max" | "bool_and" | "bool_or" | "every" | "string_agg"
        | "array_agg" | "stddev" | "stddev_samp" | "stddev_pop" | "variance" | "var_samp"
        | "var_pop" => Value::Null,
        _ => return None,
    };
    Some(Expr::Literal(value, ty.clone()))
}

/// `expr` with the columns of a row put in.
fn over(expr: &Expr, row: &[Expr]) -> Option<Expr> {
    let mut expr = expr.clone();
    expr.try_rewrite(&mut |e| {
        if let Expr::Column { index, .. } = e {
            let value = row.get(*index).cloned();
            *e = value.ok_or_else(|| helios_base::Error::internal("column out of scope"))?;
        }
        Ok(())
    })
    .ok()?;
    Some(expr)
}

fn replace(mut expr: Expr, part: &Expr, by: Expr) -> Expr {
    // Parents first, so that a replaced part is not searched again.
    fn walk(expr: &mut Expr, part: &Expr, by: &Expr) {
        if expr == part {
            *expr = by.clone();
            return;
        }
        let done = expr.try_for_each_child_mut(&mut |child| {
            walk(child, part, by);
            Ok(())
        });
        debug_assert!(done.is_ok());
    }
    walk(&mut expr, part, &by);
    expr
}

fn reads(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Outer { .. }))
}

fn has_column(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Column { .. }))
}

fn has_subplan(expr: &Expr) -> bool {
    expr.any(&mut |e| matches!(e, Expr::Subplan { .. }))
}
