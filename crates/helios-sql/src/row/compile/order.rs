//! The order of inner joins: small and connected tables first.

use helios_expr::{Comparison, Expr, Volatility};

use super::Compiler;
use crate::plan::{Join, JoinKind, Plan, PlanColumn, Project};

/// Up to so many tables are put in order; beyond, the order stays as it was written.
const TABLES_MAX: usize = 64;

impl Compiler<'_> {
    /// An equal join in a better order, if it joins more than two tables.
    pub(super) fn reorder(&self, join: &Join) -> Option<Plan> {
        if join.kind != JoinKind::Inner || join.lateral.is_some() {
            return None;
        }
        let mut flat = Flat::default();
        flat.add_join(join, 0);
        let count = flat.leaves.len();
        if !(3..=TABLES_MAX).contains(&count) {
            return None;
        }
        let order = self.order(&flat);
        if order.iter().copied().eq(0..count) {
            return None;
        }
        Some(flat.join_in(&order, &join.columns))
    }

    /// Which leaf comes when.
    fn order(&self, flat: &Flat) -> Vec<usize> {
        let rows: Vec<u64> = flat
            .leaves
            .iter()
            .map(|leaf| self.estimate(&leaf.plan))
            .collect();
        let mut left: Vec<usize> = (0..flat.leaves.len()).collect();
        let mut order: Vec<usize> = Vec::new();
        while !left.is_empty() {
            let best = left
                .iter()
                .enumerate()
                .min_by_key(|(_, leaf)| {
                    // A table that nothing connects multiplies the rows: it comes last.
                    let cross = !order.is_empty() && !flat.connects(&order, **leaf);
                    (cross, rows.get(**leaf).copied().unwrap_or(u64::MAX))
                })
                .map_or(0, |(at, _)| at);
            order.push(left.remove(best));
        }
        order
    }
}

/// A tree of inner joins as a list of tables and conditions.
#[derive(Default)]
pub(super) struct Flat {
    pub(super) leaves: Vec<Leaf>,
    /// Over the columns of all leaves in the order as written.
    pub(super) conditions: Vec<Expr>,
    width: usize,
}

pub(super) struct Leaf {
    pub(super) plan: Plan,
    /// Its first column.
    pub(super) start: usize,
    pub(super) width: usize,
}

impl Flat {
    pub(super) fn add_join(&mut self, join: &Join, start: usize) {
        self.add(&join.left, start);
        self.add(&join.right, start + join.left.columns().len());
        for condition in &join.on {
            let mut condition = condition.clone();
            condition.remap_columns(&|i| i + start);
            self.conditions.extend(condition.conjuncts());
        }
    }

    fn add(&mut self, plan: &Plan, start: usize) {
        match plan {
            Plan::Join(join) if join.kind == JoinKind::Inner && join.lateral.is_none() => {
                self.add_join(join, start);
            }
            leaf => {
                let width = leaf.columns().len();
                self.width += width;
                self.leaves.push(Leaf {
                    plan: leaf.clone(),
                    start,
                    width,
                });
            }
        }
    }

    pub(super) fn leaf_of(&self, column: usize) -> usize {
        let after = self.leaves.partition_point(|leaf| leaf.start <= column);
        after.saturating_sub(1)
    }

    /// Whether an equality joins `leaf` to those already `joined`.
    fn connects(&self, joined: &[usize], leaf: usize) -> bool {
        self.conditions.iter().any(|condition| {
            let Some((Comparison::Eq, ..)) = condition.as_comparison() else {
                return false;
            };
            let leaves: Vec<usize> = condition
                .used_columns()
                .iter()
                .map(|column| self.leaf_of(*column))
                .collect();
            leaves.contains(&leaf)
                && leaves.iter().any(|l| joined.contains(l))
                && leaves.iter().all(|l| *l == leaf || joined.contains(l))
        })
    }

    /// The joins in this order, with the columns where they were.
    fn join_in(mut self, order: &[usize], columns: &[PlanColumn]) -> Plan {
        // Where each column of the original is now.
        let mut place = vec![usize::MAX; self.width];
        let mut plan: Option<Plan> = None;
        let mut joined_columns: Vec<PlanColumn> = Vec::new();
        for (step, at) in order.iter().enumerate() {
            let Some(leaf) = self.leaves.get_mut(*at) else {
                continue;
            };
            let right = std::mem::replace(&mut leaf.plan, Plan::OneRow);
            for offset in 0..leaf.width {
                if let Some(place) = place.get_mut(leaf.start + offset) {
                    *place = joined_columns.len() + offset;
                }
            }
            joined_columns.extend_from_slice(right.columns());
            let last = step + 1 == order.len();
            plan = Some(match plan {
                None => right,
                Some(left) => Plan::Join(Box::new(Join {
                    kind: JoinKind::Inner,
                    left,
                    right,
                    on: take_ready(&mut self.conditions, &place, last),
                    lateral: None,
                    columns: joined_columns.clone(),
                })),
            });
        }
        let exprs = columns
            .iter()
            .zip(&place)
            .map(|(column, place)| Expr::column(*place, column.ty.clone()))
            .collect();
        Plan::Project(Box::new(Project {
            input: plan.unwrap_or(Plan::OneRow),
            exprs,
            columns: columns.to_vec(),
        }))
    }
}

/// Takes the conditions whose columns are all there; volatile ones wait for the end.
fn take_ready(conditions: &mut Vec<Expr>, place: &[usize], last: bool) -> Vec<Expr> {
    let there = |column: &usize| place.get(*column).is_some_and(|p| *p != usize::MAX);
    let (ready, later): (Vec<_>, Vec<_>) = std::mem::take(conditions).into_iter().partition(|c| {
        last || (c.volatility() < Volatility::Volatile && c.used_columns().iter().all(there))
    });
    *conditions = later;
    ready
        .into_iter()
        .map(|mut condition| {
            condition.remap_columns(&|column| place.get(column).copied().unwrap_or(column));
            condition
        })
        .collect()
}
