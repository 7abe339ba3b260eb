//! Which queries the row executor takes, and which are better off in vectors.

use super::exec::Program;
use super::node::Node;
use super::scan::Path;
use super::stats::Stats;
use crate::plan::Plan;

/// Up to so many rows read, the row executor is done before the other has started.
const ROWS_MAX: u64 = 2_000;

/// Whether the row executor is the better choice: the query locks rows, or reads little.
pub(crate) fn supports(plan: &Plan, program: &Program, stats: &dyn Stats) -> bool {
    let _ = plan;
    let cost = cost(&program.root, stats);
    let inner: u64 = program
        .subplans
        .iter()
        .map(|subplan| cost_of_subplan(&subplan.node, stats))
        .fold(0, u64::saturating_add);
    cost.saturating_add(inner) <= ROWS_MAX
}

/// A subplan may run for every row of the query around it.
fn cost_of_subplan(node: &Node, stats: &dyn Stats) -> u64 {
    cost(node, stats).saturating_mul(4)
}

/// About how many rows are touched.
fn cost(node: &Node, stats: &dyn Stats) -> u64 {
    let of = |node: &Node| cost(node, stats);
    match node {
        Node::Empty | Node::OneRow | Node::CteRef(_) | Node::WorkTable(_) => 1,
        Node::Values(rows) => rows.len() as u64 / 4 + 1,
        Node::Scan(scan) => match &scan.path {
            Path::Full => stats.rows(scan.table.id),
            _ => scan.estimate.saturating_mul(2),
        },
        Node::Filter(node) => of(&node.input),
        Node::Project(node) => of(&node.input),
        Node::ProjectSet(node) => of(&node.input).saturating_mul(10),
        Node::Sort(node) => of(&node.input).saturating_mul(2),
        Node::Distinct(node) => of(&node.input).saturating_mul(2),
        Node::Aggregate(node) => of(&node.input).saturating_mul(2),
        Node::Window(node) => of(&node.input).saturating_mul(4),
        Node::Limit(node) => match (
            &node.input,
            node.limit.as_ref().and_then(|e| e.as_literal()),
        ) {
            // The first rows of a scan come without the others.
            (Node::Scan(_) | Node::Project(_), Some(helios_base::Value::Int8(n))) => {
                of(&node.input).min(u64::try_from(*n).unwrap_or(0).saturating_mul(4))
            }
            (input, _) => of(input),
        },
        Node::NestedLoop(node) => {
            let right = of(&node.right);
            of(&node.left).saturating_mul(right.max(1))
        }
        Node::HashJoin(node) => of(&node.left)
            .saturating_add(of(&node.right))
            .saturating_mul(2),
        Node::SetOp(node) => of(&node.left).saturating_add(of(&node.right)),
        Node::With(node) => node
            .ctes
            .iter()
            .map(|(_, cte)| of(cte))
            .fold(of(&node.input), u64::saturating_add),
        // Neither says how far it goes; rows begin at once.
        Node::Recursive(_) | Node::TableFunction(_) => 500,
        // Only the row executor locks.
        Node::LockRows(_) => 0,
    }
}
