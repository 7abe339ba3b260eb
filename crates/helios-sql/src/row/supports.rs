//! Which queries the row executor takes, and which are better off in vectors.

use super::node::Node;
use super::scan::Path;
use super::stats::Stats;
use super::subplan::CompiledSubplan;

/// Up to so many rows read, the row executor is done before the other has started.
const ROWS_MAX: u64 = 2_000;

/// Up to so many rows are read by an index that spares the rest of a larger table: the vector
/// executor would read the whole table.
const ROWS_BY_INDEX_MAX: u64 = 20_000;

/// An index spares the rest of a table if it leads to at most one row in so many.
const INDEX_SHARE: u64 = 20;

/// A candidate of an index of nearness costs as much as so many rows in vectors.
const BY_VECTORS: u64 = 30;

/// Whether the row executor is the better choice: the query locks rows, or reads little.
pub(crate) fn supports(root: &Node, subplans: &[CompiledSubplan], stats: &dyn Stats) -> bool {
    let cost = cost(root, stats);
    let inner: u64 = subplans
        .iter()
        .map(|subplan| cost_of_subplan(&subplan.node, stats))
        .fold(0, u64::saturating_add);
    let limit = if driven_by_index(root) {
        ROWS_BY_INDEX_MAX
    } else {
        ROWS_MAX
    };
    cost.saturating_add(inner) <= limit
}

/// Whether the first table to be read is read by an index that leads to few of its rows.
fn driven_by_index(node: &Node) -> bool {
    match node {
        Node::Scan(scan) => {
            let spares = scan.estimate.saturating_mul(INDEX_SHARE) <= scan.total;
            matches!(scan.path, Path::Index(..)) && spares || matches!(scan.path, Path::Nearest(_))
        }
        Node::Filter(node) => driven_by_index(&node.input),
        Node::Project(node) => driven_by_index(&node.input),
        Node::Sort(node) => driven_by_index(&node.input),
        Node::Distinct(node) => driven_by_index(&node.input),
        Node::Aggregate(node) => driven_by_index(&node.input),
        Node::Window(node) => driven_by_index(&node.input),
        Node::Limit(node) => driven_by_index(&node.input),
        Node::NestedLoop(node) => driven_by_index(&node.left),
        Node::HashJoin(node) => driven_by_index(&node.left),
        _ => false,
    }
}

/// About how many rows come out.
fn yields(node: &Node, stats: &dyn Stats) -> u64 {
    let of = |node: &Node| yields(node, stats);
    match node {
        Node::Empty => 0,
        Node::OneRow => 1,
        Node::Values(rows) => rows.len() as u64,
        Node::Scan(scan) => scan.estimate,
        Node::FileScan(scan) => scan.files.estimate(),
        Node::Filter(node) => of(&node.input) / 3 + 1,
        Node::Project(node) => of(&node.input),
        Node::Sort(node) => of(&node.input),
        Node::Aggregate(node) if node.groups.is_empty() => 1,
        Node::NestedLoop(node) => {
            let pairs = of(&node.left).saturating_mul(of(&node.right).max(1));
            // Each condition leaves a third, as a filter does.
            node.on.iter().fold(pairs, |rows, _| rows / 3 + 1)
        }
        Node::HashJoin(node) => of(&node.left).max(of(&node.right)),
        other => cost(other, stats),
    }
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
            Path::Full => scan.total,
            // The vector executor would read the rows in order, each for a fraction of what one costs here.
            Path::Nearest(path) if path.looked.saturating_mul(BY_VECTORS) <= scan.total => {
                path.looked.min(ROWS_MAX / 8)
            }
            Path::Nearest(path) => path.looked.saturating_mul(2),
            _ => scan.estimate.saturating_mul(2),
        },
        Node::FileScan(scan) => scan.files.estimate(),
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
        Node::NestedLoop(node) if node.lateral.is_some() => {
            // The right side runs anew for each row.
            let runs = yields(&node.left, stats).saturating_mul(of(&node.right).max(1));
            of(&node.left).saturating_add(runs)
        }
        Node::NestedLoop(node) => {
            // Both sides are read once, then all pairs are tried.
            let pairs = yields(&node.left, stats).saturating_mul(yields(&node.right, stats));
            of(&node.left)
                .saturating_add(of(&node.right))
                .saturating_add(pairs)
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
        // Only the row executor locks and writes.
        Node::LockRows(_) | Node::Change(_) => 0,
    }
}
