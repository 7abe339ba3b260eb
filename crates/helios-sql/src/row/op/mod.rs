//! The operators: each pulls rows from its inputs, one at a time.

mod aggregate;
mod cte;
mod distinct;
mod file_scan;
mod filter;
mod hash_join;
mod limit;
mod lock_rows;
mod nearest;
mod nested_loop;
mod project;
mod project_set;
mod recast;
mod scan;
mod set_op;
mod sort;
mod source;
mod table_function;
mod versions;
mod window;

use helios_base::{Error, Result, Row};

use super::exec::Cx;
use super::memory::Held;
use super::node::Node;

pub(crate) use nested_loop::joined;
pub(crate) use window::Partition;

/// A running operator.
pub(crate) trait Operator: Send {
    /// The next row, `None` at the end; not called again after the end or an error.
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>>;
}

/// A running operator of any kind.
pub(crate) type BoxOperator = Box<dyn Operator>;

/// Starts `node`; its expressions run in the frame of `cx`, which must be the same in every call
/// of [`Operator::next`].
pub(crate) fn open(node: &Node, cx: &Cx<'_>) -> Result<BoxOperator> {
    match &cx.exec.measures {
        None => open_plain(node, cx),
        Some(measures) => measures.watch(node, || open_plain(node, cx)),
    }
}

fn open_plain(node: &Node, cx: &Cx<'_>) -> Result<BoxOperator> {
    Ok(match node {
        Node::Empty => Box::new(source::Empty),
        Node::OneRow => Box::new(source::OneRow::default()),
        Node::Values(rows) => Box::new(source::Values::new(rows.clone())),
        Node::Scan(scan) => scan::open(scan, None, cx)?,
        Node::FileScan(node) => Box::new(file_scan::FileScan::open(node)),
        Node::Filter(node) => Box::new(filter::Filter::open(node, cx)?),
        Node::Project(node) => match &node.picked {
            Some(picked) => scan::open(&picked.scan, Some(&picked.columns), cx)?,
            None => Box::new(project::Project::open(node, cx)?),
        },
        Node::ProjectSet(node) => Box::new(project_set::ProjectSet::open(node, cx)?),
        Node::NestedLoop(node) => Box::new(nested_loop::NestedLoop::open(node, cx)?),
        Node::HashJoin(node) => Box::new(hash_join::HashJoin::open(node, cx)?),
        Node::Aggregate(node) => Box::new(aggregate::Aggregate::open(node)),
        Node::Window(node) => Box::new(window::Window::open(node)),
        Node::Sort(node) => Box::new(sort::Sort::open(node, None)),
        Node::Limit(node) => Box::new(limit::Limit::open(node, cx)?),
        Node::Distinct(node) => Box::new(distinct::Distinct::open(node, cx)?),
        Node::SetOp(node) => Box::new(set_op::SetOp::open(node, cx)?),
        Node::With(node) => cte::open_with(node, cx)?,
        Node::CteRef(id) => Box::new(cte::CteRef::new(*id)),
        Node::Recursive(node) => Box::new(cte::Recursive::open(node)),
        Node::WorkTable(id) => Box::new(cte::WorkTable::open(*id, cx)),
        Node::TableFunction(node) => Box::new(table_function::TableFunction::open(node)),
        Node::Change(_) => return Err(Error::internal("a change outside of WITH")),
        Node::LockRows(node) => Box::new(lock_rows::LockRows::open(node, cx)?),
    })
}

/// Runs `node` to its end; `held` counts its rows.
pub(crate) fn collect(node: &Node, held: &mut Held, cx: &Cx<'_>) -> Result<Vec<Row>> {
    let mut operator = open(node, cx)?;
    let mut rows = Vec::new();
    while let Some(row) = operator.next(cx)? {
        held.row(&row, cx)?;
        rows.push(row);
    }
    Ok(rows)
}
