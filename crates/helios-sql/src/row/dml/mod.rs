//! Statements that change rows.
//!
//! The rows to change come from a query over the statement's view, which does not see what the
//! statement itself writes; so rows are changed as they come.

mod conflict;
mod delete;
mod insert;
mod update;

use std::sync::Arc;

use helios_base::{Error, Result, Row, Value};
use helios_expr::Expr;
use helios_table::catalog::TableDef;

use super::compile::Compiler;
use super::exec::Cx;
use super::node::Node;
use crate::plan::{self, TableRef};

pub(crate) use delete::Delete;
pub(crate) use insert::Insert;
pub(crate) use update::Update;

/// What a statement changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Rows inserted, updated or deleted.
    pub(crate) count: u64,
    /// The rows of `RETURNING`.
    pub(crate) returned: Vec<Row>,
}

impl Changes {
    /// Counts one row and computes what it returns.
    fn add(&mut self, returning: Option<&Vec<Expr>>, row: &[Value], cx: &Cx<'_>) -> Result<()> {
        self.count += 1;
        if self.count.is_multiple_of(64) {
            cx.exec.interrupt.advance(64);
            cx.exec.interrupt.check()?;
        }
        if let Some(exprs) = returning {
            self.returned.push(cx.eval_all(exprs, row)?);
        }
        Ok(())
    }
}

/// The new value of the column at a position of the table.
type Assignments = Vec<(usize, Expr)>;

impl Compiler<'_> {
    fn target(&self, table: &TableRef) -> Result<Arc<TableDef>> {
        self.catalog
            .table_by_id(table.id)
            .cloned()
            .ok_or_else(|| Error::internal(format!("table \"{}\" is not there", table.name)))
    }
}

fn assignments(table: &TableDef, list: &[plan::Assignment]) -> Result<Assignments> {
    list.iter()
        .map(|assignment| {
            Ok((
                position(table, assignment.column)?,
                assignment.value.clone(),
            ))
        })
        .collect()
}

fn position(table: &TableDef, column: helios_base::ColumnId) -> Result<usize> {
    table
        .position(column)
        .ok_or_else(|| Error::internal(format!("column {column} is not there")))
}

/// Whether an input may yield a table row more than once.
fn may_repeat(input: &Node) -> bool {
    match input {
        Node::Scan(_) | Node::Empty | Node::OneRow => false,
        Node::Filter(node) => may_repeat(&node.input),
        Node::Project(node) => may_repeat(&node.input),
        Node::Sort(node) => may_repeat(&node.input),
        _ => true,
    }
}
