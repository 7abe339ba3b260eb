//! The order of inner joins for hash joins: the tree that handles the fewest rows between its inputs
//! and its result.
//!
//! Up to [`EXACT_MAX`] tables all trees are compared, by the usual recurrence over sets of tables; beyond,
//! the two parts whose join is smallest are joined again and again. How many rows a set of tables joins to
//! does not depend on the tree, so it is worked out once.

use helios_expr::{Comparison, Expr, Volatility};

use super::Compiler;
use super::order::{Flat, Leaf};
use crate::plan::{Join, JoinKind, Plan, PlanColumn, Project, Subplan};

/// Up to so many tables every tree is looked at.
const EXACT_MAX: usize = 9;

/// A set of leaves, a bit each.
type Set = u128;

/// Beyond so many the order stays as it was written.
const TABLES_MAX: usize = Set::BITS as usize;

/// The share of pairs that a condition leaves which is not an equality of columns.
const UNKNOWN: f64 = 1.0 / 3.0;

/// What a row of the side that is kept in a hash table costs more than others.
const BUILD: f64 = 1.5;

/// A query with its subplans, joins put in order.
#[derive(Clone, Debug)]
pub(crate) struct Arranged {
    pub(crate) plan: Plan,
    pub(crate) subplans: Vec<Subplan>,
}

/// Tables and what is known of their joins.
struct Graph {
    /// Rows of each leaf.
    rows: Vec<f64>,
    /// What share of the pairs conditions between some leaves leave, by the set of these.
    shares: Vec<(Set, f64)>,
}

/// An equality of two columns of different leaves.
struct Edge {
    leaves: (usize, usize),
    /// How many values each column has.
    distinct: (Option<f64>, Option<f64>),
}

/// What follows from a condition that has several ways to be true.
struct Either {
    /// The share of single leaves that can satisfy it.
    leaves: Vec<(usize, f64)>,
    /// The share that it then leaves of their pairs.
    rest: f64,
}

/// How to join some leaves.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(usize),
    Join(Box<(Tree, Tree)>),
}

/// The best way found for a set of leaves.
#[derive(Clone, Copy)]
struct Best {
    cost: f64,
    rows: f64,
    /// The one side of its last join; 0 for a single leaf.
    split: Set,
}

/// Leaves that are joined already, of those to be joined.
struct Part {
    set: Set,
    rows: f64,
    tree: Tree,
}

impl Compiler<'_> {
    /// The query with its inner joins in the order that is thought best for hash joins; `None` if none
    /// joins more than two tables.
    pub(crate) fn arranged(&self, plan: &Plan, subplans: &[Subplan]) -> Option<Arranged> {
        let is_there = |plan: &Plan| has_many(plan);
        if !is_there(plan) && !subplans.iter().any(|subplan| is_there(&subplan.plan)) {
            return None;
        }
        let mut arranged = Arranged {
            plan: plan.clone(),
            subplans: subplans.to_vec(),
        };
        self.arrange(&mut arranged.plan);
        for subplan in &mut arranged.subplans {
            self.arrange(&mut subplan.plan);
        }
        Some(arranged)
    }

    fn arrange(&self, plan: &mut Plan) {
        if let Plan::Join(join) = plan
            && let Some(mut flat) = flat(join)
        {
            for leaf in &mut flat.leaves {
                self.arrange(&mut leaf.plan);
            }
            let tree = self.graph(&flat).tree();
            *plan = flat.join_as(&tree, &join.columns);
            return;
        }
        for input in plan.inputs_mut() {
            self.arrange(input);
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "estimates")]
    fn graph(&self, flat: &Flat) -> Graph {
        let mut rows: Vec<f64> = flat
            .leaves
            .iter()
            .map(|leaf| (self.estimate(&leaf.plan) as f64).max(1.0))
            .collect();
        let mut edges: Vec<Edge> = Vec::new();
        let mut shares = Vec::new();
        for condition in &flat.conditions {
            if let Some(edge) = self.edge(flat, condition) {
                edges.push(edge);
                continue;
            }
            let leaves = condition.used_columns();
            let set = leaves
                .iter()
                .fold(0, |set: Set, column| set | 1 << flat.leaf_of(*column));
            let Some(either) = self.either(flat, condition) else {
                shares.push((set, UNKNOWN));
                continue;
            };
            for (leaf, share) in either.leaves {
                if let Some(rows) = rows.get_mut(leaf) {
                    *rows = (*rows * share).max(1.0);
                }
            }
            shares.push((set, either.rest));
        }
        // Equalities of several columns of the same two tables are a key of several columns, more
        // often than not: it cannot have more values than its table has rows.
        while let Some(Edge { leaves, .. }) = edges.first() {
            let leaves = *leaves;
            let (mut values, mut known) = ((1.0, 1.0), (false, false));
            edges.retain(|edge| {
                if edge.leaves != leaves {
                    return true;
                }
                if let Some(distinct) = edge.distinct.0 {
                    values.0 *= distinct;
                    known.0 = true;
                }
                if let Some(distinct) = edge.distinct.1 {
                    values.1 *= distinct;
                    known.1 = true;
                }
                false
            });
            let all = |leaf: usize| {
                flat.leaves
                    .get(leaf)
                    .map_or(1.0, |l| self.all_rows(&l.plan))
            };
            let (left, right) = (all(leaves.0), all(leaves.1));
            let most = match known {
                (false, false) => left.max(right) / 10.0,
                _ => values.0.min(left).max(values.1.min(right)),
            };
            shares.push((1 << leaves.0 | 1 << leaves.1, 1.0 / most.max(1.0)));
        }
        Graph { rows, shares }
    }

    /// What follows from a condition that has several ways to be true, if each of them asks something of one and
    /// the same leaf.
    #[allow(clippy::cast_precision_loss, reason = "estimates")]
    fn either(&self, flat: &Flat, condition: &Expr) -> Option<Either> {
        let Expr::Or(ways) = condition else {
            return None;
        };
        // For each way and leaf the share of the leaf's rows that conditions on it alone leave.
        let mut shares: Vec<Vec<Option<f64>>> = Vec::with_capacity(ways.len());
        let mut all = 0.0;
        for way in ways {
            let terms = match way {
                Expr::And(terms) => terms.as_slice(),
                other => std::slice::from_ref(other),
            };
            let mut own: Vec<Vec<&Expr>> = vec![Vec::new(); flat.leaves.len()];
            let mut share = 1.0;
            for term in terms {
                let mut leaves: Vec<usize> = (term
                    .used_columns()
                    .iter()
                    .map(|column| flat.leaf_of(*column)))
                .collect();
                leaves.sort_unstable();
                leaves.dedup();
                match leaves.as_slice() {
                    [leaf] => own.get_mut(*leaf)?.push(term),
                    _ => share *= UNKNOWN,
                }
            }
            let mut of_leaves = Vec::with_capacity(own.len());
            for (leaf, terms) in flat.leaves.iter().zip(&own) {
                let left = match terms.is_empty() {
                    true => None,
                    false => Some(self.share_of(leaf, terms)?),
                };
                share *= left.unwrap_or(1.0);
                of_leaves.push(left);
            }
            all += share;
            shares.push(of_leaves);
        }
        let mut leaves = Vec::new();
        let mut rest = all;
        for leaf in 0..flat.leaves.len() {
            let ways = shares.iter().map(|way| way.get(leaf).copied().flatten());
            if let Some(share) = ways.sum::<Option<f64>>() {
                let share = share.clamp(f64::MIN_POSITIVE, 1.0);
                leaves.push((leaf, share));
                rest /= share;
            }
        }
        let rest = rest.clamp(0.0, 1.0);
        (!leaves.is_empty()).then_some(Either { leaves, rest })
    }

    /// The share of a table's rows that some more conditions leave.
    #[allow(clippy::cast_precision_loss, reason = "estimates")]
    fn share_of(&self, leaf: &Leaf, terms: &[&Expr]) -> Option<f64> {
        let Plan::Scan(scan) = &leaf.plan else {
            return Some(UNKNOWN);
        };
        let before = (self.estimate(&leaf.plan) as f64).max(1.0);
        let mut scan = scan.clone();
        for term in terms {
            let mut term = (*term).clone();
            let mut is_own = true;
            term.rewrite(&mut |node| {
                if let Expr::Column { index, .. } = node {
                    match index.checked_sub(leaf.start) {
                        Some(own) => *index = own,
                        None => is_own = false,
                    }
                }
            });
            if !is_own {
                return None;
            }
            scan.filters.push(term);
        }
        let after = (self.estimate(&Plan::Scan(scan)) as f64).max(1.0);
        Some((after / before).min(1.0))
    }

    /// The condition as an equality of columns of two leaves.
    fn edge(&self, flat: &Flat, condition: &Expr) -> Option<Edge> {
        let (Comparison::Eq, left, right) = condition.as_comparison()? else {
            return None;
        };
        let (a, b) = (only_column(left)?, only_column(right)?);
        let (first, second) = (flat.leaf_of(a), flat.leaf_of(b));
        if first == second {
            return None;
        }
        let distinct = |column: usize, leaf: usize| {
            let leaf = flat.leaves.get(leaf)?;
            self.distinct(&leaf.plan, column.checked_sub(leaf.start)?)
        };
        let (da, db) = (distinct(a, first), distinct(b, second));
        Some(if first < second {
            Edge {
                leaves: (first, second),
                distinct: (da, db),
            }
        } else {
            Edge {
                leaves: (second, first),
                distinct: (db, da),
            }
        })
    }

    /// How many values a column of a plan has at most, if that is known.
    #[allow(clippy::cast_precision_loss, reason = "estimates")]
    fn distinct(&self, plan: &Plan, column: usize) -> Option<f64> {
        match plan {
            Plan::Scan(scan) => {
                let id = *scan.reads.get(column)?;
                let analyzed = self.stats.analyzed(scan.table.id);
                let known = analyzed.as_ref().and_then(|stats| stats.column(id));
                if let Some(stats) = known {
                    return Some(stats.distinct.max(1.0));
                }
                let table = self.catalog.table_by_id(scan.table.id)?;
                let (position, _) = table.column_by_id(id)?;
                let is_key = matches!(table.shape().key_columns(), [(key, _)] if *key == position);
                is_key.then(|| self.stats.rows(scan.table.id) as f64)
            }
            Plan::Filter(node) => self.distinct(&node.input, column),
            // Groups differ from each other.
            Plan::Aggregate(node) if node.groups.len() == 1 && column == 0 => {
                Some(self.estimate(plan) as f64)
            }
            Plan::Project(node) => {
                self.distinct(&node.input, only_column(node.exprs.get(column)?)?)
            }
            _ => None,
        }
    }

    /// How many rows a leaf has before conditions.
    #[allow(clippy::cast_precision_loss, reason = "estimates")]
    fn all_rows(&self, plan: &Plan) -> f64 {
        match plan {
            Plan::Scan(scan) => self.stats.rows(scan.table.id) as f64,
            Plan::Filter(node) => self.all_rows(&node.input),
            Plan::Project(node) => self.all_rows(&node.input),
            _ => self.estimate(plan) as f64,
        }
        .max(1.0)
    }
}

/// The one column that an expression is, perhaps widened.
fn only_column(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Column { index, .. } => Some(*index),
        Expr::Cast(cast) => only_column(&cast.expr),
        _ => None,
    }
}

/// The joins of more than two tables whose order is free.
fn flat(join: &Join) -> Option<Flat> {
    if join.kind != JoinKind::Inner || join.lateral.is_some() {
        return None;
    }
    let mut flat = Flat::default();
    flat.add_join(join, 0);
    let steady = |condition: &Expr| condition.volatility() < Volatility::Volatile;
    let free = (3..=TABLES_MAX).contains(&flat.leaves.len()) && flat.conditions.iter().all(steady);
    free.then_some(flat)
}

/// Whether a plan joins more than two tables somewhere.
fn has_many(plan: &Plan) -> bool {
    matches!(plan, Plan::Join(join) if flat(join).is_some())
        || plan.inputs().into_iter().any(has_many)
}

impl Graph {
    fn tree(&self) -> Tree {
        if self.rows.len() <= EXACT_MAX {
            self.exact()
        } else {
            self.greedy()
        }
    }

    /// Rows of the join of a set of leaves.
    fn rows_of(&self, set: Set) -> f64 {
        let leaves = self.rows.iter().enumerate();
        let pairs: f64 = leaves
            .filter(|(leaf, _)| set & 1 << leaf != 0)
            .map(|(_, rows)| rows)
            .product();
        let shares = self.shares.iter();
        let share: f64 = shares
            .filter(|(of, _)| of & !set == 0)
            .map(|(_, share)| share)
            .product();
        (pairs * share).max(1.0)
    }

    /// What a join without any condition costs beside its rows: estimates are too often wrong to
    /// choose one where it can be helped.
    fn crossing(&self, left: Set, right: Set) -> f64 {
        let joins = |of: Set| of & left != 0 && of & right != 0 && of & !(left | right) == 0;
        match self.shares.iter().any(|(of, _)| joins(*of)) {
            true => 0.0,
            false => CROSSING,
        }
    }

    fn exact(&self) -> Tree {
        let count = self.rows.len();
        let all: Set = (1 << count) - 1;
        let mut best: Vec<Option<Best>> = vec![None; 1 << count];
        for set in 1..=all {
            let rows = self.rows_of(set);
            if set.count_ones() == 1 {
                put(
                    &mut best,
                    set,
                    Best {
                        cost: 0.0,
                        rows,
                        split: 0,
                    },
                );
                continue;
            }
            // Sides with the lowest leaf: each pair of sides once.
            let lowest = set & set.wrapping_neg();
            let mut side = (set - 1) & set;
            while side != 0 {
                if side & lowest != 0
                    && let (Some(left), Some(right)) = (get(&best, side), get(&best, set & !side))
                {
                    let cost = left.cost
                        + right.cost
                        + join_cost(left.rows, right.rows, rows)
                        + self.crossing(side, set & !side);
                    if get(&best, set).is_none_or(|known| cost < known.cost) {
                        put(
                            &mut best,
                            set,
                            Best {
                                cost,
                                rows,
                                split: side,
                            },
                        );
                    }
                }
                side = (side - 1) & set;
            }
        }
        tree_of(&best, all)
    }

    /// Joins the two parts whose join is cheapest until one is left: quadratic in the number of leaves
    /// times the conditions, as only joins with a new part are worked out anew.
    fn greedy(&self) -> Tree {
        let mut parts: Vec<Part> = (0..self.rows.len())
            .map(|leaf| Part {
                set: 1 << leaf,
                rows: self.rows_of(1 << leaf),
                tree: Tree::Leaf(leaf),
            })
            .collect();
        // What joining each part with every earlier one costs.
        let mut costs: Vec<Vec<f64>> = (0..parts.len())
            .map(|at| self.costs_of(&parts, at))
            .collect();
        while parts.len() > 1 {
            let Some((earlier, later)) = cheapest(&costs) else {
                break;
            };
            let right = parts.remove(later);
            let left = parts.remove(earlier);
            for gone in [later, earlier] {
                costs.remove(gone);
                for with in costs.iter_mut().skip(gone) {
                    with.remove(gone);
                }
            }
            let set = left.set | right.set;
            let sides = match left.rows <= right.rows {
                true => (left.tree, right.tree),
                false => (right.tree, left.tree),
            };
            parts.push(Part {
                set,
                rows: self.rows_of(set),
                tree: Tree::Join(Box::new(sides)),
            });
            costs.push(self.costs_of(&parts, parts.len() - 1));
        }
        parts.pop().map_or(Tree::Leaf(0), |part| part.tree)
    }

    /// What joining the part at a place with each one before it costs.
    fn costs_of(&self, parts: &[Part], at: usize) -> Vec<f64> {
        let (before, rest) = parts.split_at(at);
        let Some(part) = rest.first() else {
            return Vec::new();
        };
        let cost = |other: &Part| {
            let rows = self.rows_of(other.set | part.set);
            join_cost(other.rows, part.rows, rows) + self.crossing(other.set, part.set)
        };
        before.iter().map(cost).collect()
    }
}

/// The places of the two parts whose join costs least, the earlier one first.
fn cheapest(costs: &[Vec<f64>]) -> Option<(usize, usize)> {
    let pairs = costs.iter().enumerate().flat_map(|(later, with)| {
        let with = with.iter().enumerate();
        with.map(move |(earlier, cost)| (*cost, (earlier, later)))
    });
    pairs
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, places)| places)
}

/// More than any order of joins with conditions costs.
const CROSSING: f64 = 1e15;

/// What a hash join costs, counted in rows handled.
fn join_cost(left: f64, right: f64, rows: f64) -> f64 {
    left.min(right) * BUILD + left.max(right) + rows
}

fn get(best: &[Option<Best>], set: Set) -> Option<Best> {
    best.get(place(set)?).copied().flatten()
}

fn put(best: &mut [Option<Best>], set: Set, found: Best) {
    if let Some(known) = place(set).and_then(|at| best.get_mut(at)) {
        *known = Some(found);
    }
}

/// Where the best way for a set of at most [`EXACT_MAX`] leaves is kept.
fn place(set: Set) -> Option<usize> {
    usize::try_from(set).ok()
}

/// The smaller side comes first: that is the one to be kept in a hash table.
fn tree_of(best: &[Option<Best>], set: Set) -> Tree {
    let split = get(best, set).map_or(0, |best| best.split);
    if split == 0 {
        return Tree::Leaf(set.trailing_zeros() as usize);
    }
    let rows = |side| get(best, side).map_or(0.0, |best| best.rows);
    let (one, other) = (split, set & !split);
    let (one, other) = match rows(one) <= rows(other) {
        true => (one, other),
        false => (other, one),
    };
    Tree::Join(Box::new((tree_of(best, one), tree_of(best, other))))
}

impl Flat {
    /// The joins as the tree says, with the columns where they were.
    fn join_as(mut self, tree: &Tree, columns: &[PlanColumn]) -> Plan {
        let (input, there) = self.join_tree(tree);
        let exprs = columns.iter().enumerate().map(|(at, column)| {
            let place = there.iter().position(|from| *from == at);
            Expr::column(place.unwrap_or(at), column.ty.clone())
        });
        Plan::Project(Box::new(Project {
            exprs: exprs.collect(),
            input,
            columns: columns.to_vec(),
        }))
    }

    /// A part of the joins, and which columns it puts out.
    fn join_tree(&mut self, tree: &Tree) -> (Plan, Vec<usize>) {
        let (left, right) = match tree {
            Tree::Leaf(at) => {
                return match self.leaves.get_mut(*at) {
                    Some(leaf) => {
                        let plan = std::mem::replace(&mut leaf.plan, Plan::OneRow);
                        (plan, (leaf.start..leaf.start + leaf.width).collect())
                    }
                    None => (Plan::OneRow, Vec::new()),
                };
            }
            Tree::Join(sides) => (&sides.0, &sides.1),
        };
        let (left, mut there) = self.join_tree(left);
        let (right, more) = self.join_tree(right);
        there.extend(more);
        let place = |column: usize| there.iter().position(|from| *from == column);
        let (mut on, later): (Vec<Expr>, Vec<Expr>) = std::mem::take(&mut self.conditions)
            .into_iter()
            .partition(|condition| {
                let used = condition.used_columns();
                used.iter().all(|column| place(*column).is_some())
            });
        self.conditions = later;
        for condition in &mut on {
            condition.remap_columns(&|column| place(column).unwrap_or(column));
        }
        let columns = left.columns().iter().chain(right.columns()).cloned();
        let join = Join {
            kind: JoinKind::Inner,
            columns: columns.collect(),
            left,
            right,
            on,
            lateral: None,
        };
        (Plan::Join(Box::new(join)), there)
    }
}

#[cfg(test)]
mod tests {
    use super::{Graph, Set, TABLES_MAX, Tree};

    fn text(tree: &Tree) -> String {
        match tree {
            Tree::Leaf(leaf) => leaf.to_string(),
            Tree::Join(sides) => format!("({} {})", text(&sides.0), text(&sides.1)),
        }
    }

    /// A star: a fact table 0 with dimensions of which 2 is narrowed to a single row.
    fn star() -> Graph {
        Graph {
            rows: vec![1_000_000.0, 10_000.0, 1.0, 500.0],
            shares: vec![(0b0011, 1e-4), (0b0101, 1e-3), (0b1001, 2e-3)],
        }
    }

    #[test]
    fn the_narrowest_dimension_comes_first() {
        assert_eq!(text(&star().exact()), "((3 (2 0)) 1)");
    }

    #[test]
    fn without_looking_at_all_trees_nearly_as_good() {
        assert!(text(&star().greedy()).contains("(2 0)"));
    }

    #[test]
    fn long_chains_are_joined_along_their_conditions() {
        // Tables of a chain, in an order in which no two neighbours join.
        let count = TABLES_MAX;
        let place = |link: usize| link * 37 % count;
        let graph = Graph {
            rows: vec![10.0; count],
            shares: (1..count)
                .map(|link| (1 << place(link - 1) | 1 << place(link), 0.1))
                .collect(),
        };
        let (leaves, crossings) = walk(&graph, &graph.tree());
        assert_eq!((leaves, crossings), (Set::MAX, 0));
    }

    /// The leaves of a tree, and how many of its joins are without a condition.
    fn walk(graph: &Graph, tree: &Tree) -> (Set, usize) {
        match tree {
            Tree::Leaf(leaf) => (1 << leaf, 0),
            Tree::Join(sides) => {
                let (left, right) = (walk(graph, &sides.0), walk(graph, &sides.1));
                let crosses = usize::from(graph.crossing(left.0, right.0) > 0.0);
                (left.0 | right.0, left.1 + right.1 + crosses)
            }
        }
    }

    #[test]
    fn dimensions_of_dimensions_are_joined_before() {
        // 0 fact, 1 supplier, 2 nation narrowed to one of 25.
        let graph = Graph {
            rows: vec![1_000_000.0, 10_000.0, 1.0],
            shares: vec![(0b011, 1e-4), (0b110, 0.04)],
        };
        assert_eq!(text(&graph.exact()), "((2 1) 0)");
    }
}
