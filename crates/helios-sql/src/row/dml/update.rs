//! `UPDATE`.

use std::collections::HashSet;
use std::sync::Arc;

use helios_base::{Result, Row};
use helios_expr::Expr;
use helios_table::catalog::TableDef;
use helios_table::{Lock, LockedRow, TableWriter};
use helios_version::{LockMode, Wait};

use super::{Assignments, Changes, assignments, hold_checks, may_repeat};
use crate::plan::{self, ViewCheck};
use crate::row::compile::Compiler;
use crate::row::exec::Cx;
use crate::row::node::Node;
use crate::row::op;
use crate::row::recheck::{self, Recheck, key_in};

/// A compiled `UPDATE`.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) table: Arc<TableDef>,
    pub(crate) input: Node,
    /// Where the row's key stands in the input.
    key: usize,
    assignments: Assignments,
    checks: Vec<ViewCheck>,
    returning: Option<Vec<Expr>>,
    repeats: bool,
}

impl Compiler<'_> {
    /// Compiles an `UPDATE`.
    pub(crate) fn update(&self, update: &plan::Update) -> Result<Update> {
        let table = self.target(&update.table)?;
        let input = self.query(&update.input)?;
        Ok(Update {
            assignments: assignments(&table, &update.assignments)?,
            key: update.key,
            checks: update.checks.clone(),
            returning: update.returning.as_ref().map(|r| r.exprs.clone()),
            repeats: may_repeat(&input),
            table,
            input,
        })
    }
}

impl Update {
    /// Updates the rows of the input.
    pub(crate) fn run(&self, cx: &Cx<'_>) -> Result<Changes> {
        let txn = cx.exec.transaction()?;
        let mut writer = TableWriter::new(txn, &cx.exec.catalog, &self.table)?;
        let mut changes = Changes::default();
        let mut done = HashSet::new();
        let width = self.table.columns.len();
        let context = cx.context();
        let mut input = op::open(&self.input, cx)?;
        while let Some(row) = input.next(cx)? {
            let target = Target {
                table: &self.table,
                input: &self.input,
                key: self.key,
                mode: LockMode::NoKeyUpdate,
            };
            let repeats = self.repeats.then_some(&mut done);
            let Some((old, mut row)) = target.lock(&writer, row, repeats, cx)? else {
                continue;
            };
            let mut new: Row = row[..width.min(row.len())].to_vec();
            for (position, expr) in &self.assignments {
                new[*position] = cx.eval(expr, &row)?;
            }
            writer.update(&old, &mut new, &context)?;
            cx.exec.changing.note(self.table.id, old.key());
            hold_checks(&self.checks, &self.table, &new, cx)?;
            for (place, value) in row.iter_mut().zip(new) {
                *place = value;
            }
            changes.add(self.returning.as_ref(), &row, cx)?;
        }
        Ok(changes)
    }
}

/// The table whose rows an `UPDATE` or `DELETE` takes one by one.
pub(super) struct Target<'t> {
    pub(super) table: &'t TableDef,
    pub(super) input: &'t Node,
    pub(super) key: usize,
    pub(super) mode: LockMode,
}

impl Target<'_> {
    /// Locks the table row of an input row. `None` if it is gone, was `done` before or written by
    /// another part of the statement, or has been
    /// changed by another transaction so that it is no longer wanted. The input row comes back,
    /// with the values that the row has now.
    pub(super) fn lock(
        &self,
        writer: &TableWriter<'_>,
        row: Row,
        done: Option<&mut HashSet<Arc<[u8]>>>,
        cx: &Cx<'_>,
    ) -> Result<Option<(LockedRow, Row)>> {
        let Some(key) = key_in(&row, self.key)? else {
            return Ok(None);
        };
        if cx.exec.changing.wrote(self.table.id, &key) {
            return Ok(None);
        }
        if done.is_some_and(|done| !done.insert(key.clone())) {
            return Ok(None);
        }
        let Lock::Row(locked) = writer.lock(&key, self.mode, Wait::Block)? else {
            return Ok(None);
        };
        if !locked.changed() {
            return Ok(Some((locked, row)));
        }
        let again = Recheck {
            table: self.table.id,
            key,
            values: locked.values().to_vec(),
        };
        let row = recheck::again(self.input, again, cx)?;
        Ok(row.map(|row| (locked, row)))
    }
}
