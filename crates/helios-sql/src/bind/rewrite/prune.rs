//! Columns that nobody reads are left out, down to the scans.

use std::collections::BTreeSet;

use helios_expr::{Expr, Volatility};

use crate::plan::{Plan, PlanColumn};

/// Where each old column went; `None` if it is gone.
type Places = Vec<Option<usize>>;

/// Prunes below a plan whose own columns must all stay, in their order.
pub(super) fn prune_all(plan: Plan) -> Plan {
    let all: BTreeSet<usize> = (0..plan.columns().len()).collect();
    prune(plan, &all).0
}

fn identity(count: usize) -> Places {
    (0..count).map(Some).collect()
}

fn remap(expr: &mut Expr, places: &Places) {
    expr.remap_columns(&|index| places.get(index).copied().flatten().unwrap_or(index));
}

/// Prunes a plan of which the columns in `needed` are read. When all are, nothing moves.
fn prune(mut plan: Plan, needed: &BTreeSet<usize>) -> (Plan, Places) {
    match &mut plan {
        Plan::Scan(node) => {
            let mut wanted = needed.clone();
            for filter in &node.filters {
                wanted.extend(filter.used_columns());
            }
            let places = kept(node.columns.len(), &wanted);
            node.filters
                .iter_mut()
                .for_each(|filter| remap(filter, &places));
            // The key is the last column and no column of the table.
            let tables = node.reads.len();
            if node.key && places.get(tables).copied().flatten().is_none() {
                node.key = false;
            }
            retain(&mut node.reads, &places);
            retain(&mut node.columns, &places);
            (plan, places)
        }
        Plan::FileScan(node) => {
            let mut wanted = needed.clone();
            // Rows that are only counted keep one column, so that there are some.
            if wanted.is_empty() && !node.columns.is_empty() {
                wanted.insert(0);
            }
            let places = kept(node.columns.len(), &wanted);
            retain(&mut node.reads, &places);
            retain(&mut node.columns, &places);
            (plan, places)
        }
        Plan::Project(node) => {
            let mut wanted = needed.clone();
            for (index, expr) in node.exprs.iter().enumerate() {
                if expr.volatility() == Volatility::Volatile {
                    wanted.insert(index);
                }
            }
            // A row that is only counted keeps one column, so that every projection has some.
            if wanted.is_empty() && !node.exprs.is_empty() {
                wanted.insert(0);
            }
            let places = kept(node.columns.len(), &wanted);
            retain(&mut node.exprs, &places);
            retain(&mut node.columns, &places);
            let below = used(&node.exprs);
            let moved = prune_input(&mut node.input, &below);
            node.exprs.iter_mut().for_each(|expr| remap(expr, &moved));
            (plan, places)
        }
        Plan::Join(node) => {
            let width = node.left.columns().len();
            let mut wanted = needed.clone();
            wanted.extend(used(&node.on));
            let mut left: BTreeSet<usize> = wanted.range(..width).copied().collect();
            let right: BTreeSet<usize> = wanted.range(width..).map(|index| index - width).collect();
            left.extend(used(node.lateral.iter().flatten()));
            let left_places = prune_input(&mut node.left, &left);
            let right_places = prune_input(&mut node.right, &right);
            let new_width = node.left.columns().len();
            let places: Places = left_places
                .iter()
                .copied()
                .chain(
                    right_places
                        .iter()
                        .map(|place| place.map(|index| index + new_width)),
                )
                .collect();
            node.on.iter_mut().for_each(|expr| remap(expr, &places));
            node.lateral
                .iter_mut()
                .flatten()
                .for_each(|expr| remap(expr, &left_places));
            retain(&mut node.columns, &places);
            (plan, places)
        }
        Plan::Filter(_) | Plan::Sort(_) | Plan::Limit(_) => {
            let mut wanted = needed.clone();
            plan.for_each_own_expr(&mut |expr| wanted.extend(expr.used_columns()));
            let moved = match plan.inputs_mut().pop() {
                Some(input) => prune_input(input, &wanted),
                None => Places::new(),
            };
            plan.for_each_own_expr(&mut |expr| remap(expr, &moved));
            (plan, moved)
        }
        Plan::LockRows(node) => {
            let mut wanted = needed.clone();
            wanted.extend(node.locks.iter().map(|lock| lock.key));
            let moved = prune_input(&mut node.input, &wanted);
            for lock in &mut node.locks {
                lock.key = moved.get(lock.key).copied().flatten().unwrap_or(lock.key);
            }
            (plan, moved)
        }
        Plan::Window(_) | Plan::ProjectSet(_) => prune_beside(plan, needed),
        Plan::Aggregate(_) => {
            let mut wanted = BTreeSet::new();
            plan.for_each_own_expr(&mut |expr| wanted.extend(expr.used_columns()));
            let count = plan.columns().len();
            if let Some(input) = plan.inputs_mut().pop() {
                let moved = prune_input(input, &wanted);
                plan.for_each_own_expr(&mut |expr| remap(expr, &moved));
            }
            (plan, identity(count))
        }
        Plan::With { ctes, input } => {
            for cte in ctes {
                let taken = std::mem::replace(&mut cte.plan, Plan::OneRow);
                cte.plan = prune_all(taken);
            }
            let moved = prune_input(input, needed);
            (plan, moved)
        }
        _ => {
            for input in plan.inputs_mut() {
                let taken = std::mem::replace(input, Plan::OneRow);
                *input = prune_all(taken);
            }
            let count = plan.columns().len();
            (plan, identity(count))
        }
    }
}

/// Nodes that put columns beside those of their input.
fn prune_beside(mut plan: Plan, needed: &BTreeSet<usize>) -> (Plan, Places) {
    let width = plan
        .inputs()
        .first()
        .map_or(0, |input| input.columns().len());
    let mut wanted: BTreeSet<usize> = needed.range(..width).copied().collect();
    plan.for_each_own_expr(&mut |expr| wanted.extend(expr.used_columns()));
    let mut places = match plan.inputs_mut().pop() {
        Some(input) => prune_input(input, &wanted),
        None => Places::new(),
    };
    plan.for_each_own_expr(&mut |expr| remap(expr, &places));
    let left = places.iter().flatten().count();
    let extra = plan.columns().len().saturating_sub(width);
    places.extend((0..extra).map(|index| Some(left + index)));
    let columns = match &mut plan {
        Plan::Window(node) => &mut node.columns,
        Plan::ProjectSet(node) => &mut node.columns,
        _ => return (plan, places),
    };
    retain::<PlanColumn>(columns, &places);
    (plan, places)
}

fn prune_input(input: &mut Plan, needed: &BTreeSet<usize>) -> Places {
    let taken = std::mem::replace(input, Plan::OneRow);
    let (pruned, places) = prune(taken, needed);
    *input = pruned;
    places
}

fn used<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> BTreeSet<usize> {
    exprs.into_iter().flat_map(Expr::used_columns).collect()
}

/// The places of `count` columns of which only the wanted stay.
fn kept(count: usize, wanted: &BTreeSet<usize>) -> Places {
    let mut next = 0;
    (0..count)
        .map(|index| {
            wanted.contains(&index).then(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

/// Keeps the items that have a place.
fn retain<T>(items: &mut Vec<T>, places: &Places) {
    let mut index = 0;
    items.retain(|_| {
        let stays = places.get(index).copied().flatten().is_some();
        index += 1;
        stays
    });
}
