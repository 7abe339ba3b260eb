//! Statements that change rows.
//!
//! The rows to change come from a query over the statement's view, which does not see what the
//! statement itself writes; so rows are changed as they come.

mod by_key;
mod conflict;
mod delete;
mod insert;
mod load;
mod merge;
mod policy;
mod update;

use std::sync::Arc;

use helios_base::{Error, Result, Row, SqlState, Value};
use helios_expr::Expr;
use helios_table::catalog::TableDef;

use super::compile::Compiler;
use super::exec::Cx;
use super::node::Node;
use crate::plan::{self, TableRef, ViewCheck};
use policy::hold_policies;

pub(crate) use by_key::{ByKey, Site};
pub(crate) use delete::Delete;
pub(crate) use insert::Insert;
pub(crate) use load::{Load, load_columns, load_rows};
pub(crate) use merge::Merge;
pub(crate) use update::Update;

/// Refuses a row that the view through which it was written would not show.
fn hold_checks(checks: &[ViewCheck], table: &TableDef, row: &[Value], cx: &Cx<'_>) -> Result<()> {
    for check in checks {
        if !cx.is_true(&check.condition, row)? {
            return Err(Error::new(
                SqlState::new(b"44000"),
                format!("new row violates check option for view \"{}\"", check.view),
            )
            .with_detail(helios_table::failing_row(table, row, &cx.exec.text)));
        }
    }
    Ok(())
}

/// What a statement changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Rows inserted, updated or deleted.
    pub(crate) count: u64,
    /// The rows of `RETURNING`.
    pub(crate) returned: Vec<Row>,
}

impl Changes {
    /// So many, which return nothing.
    pub(crate) const fn counted(count: u64) -> Self {
        Self {
            count,
            returned: Vec::new(),
        }
    }

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

/// A compiled statement that changes rows.
#[derive(Debug)]
pub(crate) enum Change {
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    Merge(Merge),
}

impl Change {
    /// The table it writes.
    pub(crate) fn table(&self) -> &Arc<TableDef> {
        match self {
            Self::Insert(insert) => &insert.table,
            Self::Update(update) => &update.table,
            Self::Delete(delete) => &delete.table,
            Self::Merge(merge) => &merge.table,
        }
    }

    /// The query of its rows.
    pub(crate) fn input(&self) -> &Node {
        match self {
            Self::Insert(insert) => insert.source(),
            Self::Update(update) => &update.input,
            Self::Delete(delete) => &delete.input,
            Self::Merge(merge) => &merge.input,
        }
    }

    /// Does it.
    pub(crate) fn run(&self, cx: &Cx<'_>) -> Result<Changes> {
        match self {
            Self::Insert(insert) => insert.run(cx),
            Self::Update(update) => update.run(cx),
            Self::Delete(delete) => delete.run(cx),
            Self::Merge(merge) => merge.run(cx),
        }
    }
}

/// The new value of the column at a position of the table.
type Assignments = Vec<(usize, Expr)>;

impl Compiler<'_> {
    /// Compiles any of them.
    pub(crate) fn change(&self, change: &plan::Change) -> Result<Change> {
        Ok(match change {
            plan::Change::Insert(insert) => Change::Insert(self.insert(insert)?),
            plan::Change::Update(update) => Change::Update(self.update(update)?),
            plan::Change::Delete(delete) => Change::Delete(self.delete(delete)?),
            plan::Change::Merge(merge) => Change::Merge(self.merge(merge)?),
        })
    }

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
