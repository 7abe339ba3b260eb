//! `UPDATE`.

use std::collections::HashSet;
use std::sync::Arc;

use helios_base::{Result, Row};
use helios_expr::Expr;
use helios_table::catalog::TableDef;
use helios_table::{Lock, LockedRow, TableWriter};
use helios_version::{LockMode, Wait};

use super::{Assignments, ByKey, Changes, assignments, hold_checks, hold_policies, may_repeat};
use crate::plan::{self, PolicyCheck, ViewCheck};
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
    policies: Vec<PolicyCheck>,
    checks: Vec<ViewCheck>,
    returning: Option<Vec<Expr>>,
    repeats: bool,
    /// The short way, if it is of one row by its key.
    pub(crate) by_key: Option<ByKey>,
}

impl Compiler<'_> {
    /// Compiles an `UPDATE`.
    pub(crate) fn update(&self, update: &plan::Update) -> Result<Update> {
        let table = self.target(&update.table)?;
        let input = self.query(&update.input)?;
        let assignments = assignments(&table, &update.assignments)?;
        let plain =
            update.checks.is_empty() && update.policies.is_empty() && update.returning.is_none();
        Ok(Update {
            by_key: match plain {
                true => ByKey::update(&table, &input, &assignments),
                false => None,
            },
            assignments,
            key: update.key,
            policies: update.policies.clone(),
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
        let mut writer = TableWriter::locked(txn, &cx.exec.catalog, &self.table)?;
        let mut changes = Changes::default();
        let mut done = HashSet::new();
        let mut fresh = Vec::with_capacity(self.assignments.len());
        let width = self.table.columns.len();
        let context = cx.context();
        let mut input = op::open(&self.input, cx)?;
        while let Some(row) = input.next(cx)? {
            let target = Target {
                table: &self.table,
                input: &self.input,
                key: self.key,
                change: Taking::Update(width),
            };
            let repeats = self.repeats.then_some(&mut done);
            let Some((old, mut row)) = target.lock(&writer, row, repeats, cx)? else {
                continue;
            };
            // Every new value is made of the old ones.
            fresh.clear();
            for (_, expr) in &self.assignments {
                fresh.push(expr.eval(&row, &context)?);
            }
            for ((position, _), value) in self.assignments.iter().zip(fresh.drain(..)) {
                if let Some(place) = row.get_mut(*position) {
                    *place = value;
                }
            }
            let end = width.min(row.len());
            if !self.policies.is_empty() {
                writer.generate(&mut row[..end], &context)?;
                hold_policies(&self.policies, &row[..end], cx)?;
            }
            writer.update(&old, &mut row[..end], &context)?;
            cx.exec.changing.note(self.table.id, old.key());
            hold_checks(&self.checks, &self.table, &row[..end], cx)?;
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
    pub(super) change: Taking,
}

/// What an input row is taken for.
#[derive(Clone, Copy)]
pub(super) enum Taking {
    /// To be updated; the input begins with so many columns, those of the table.
    Update(usize),
    Delete,
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
        let lock = match self.change {
            Taking::Update(width) => {
                let known = row.get(..width).unwrap_or(&row);
                writer.lock_known(&key, known, LockMode::NoKeyUpdate, Wait::Block)?
            }
            Taking::Delete => writer.lock_to_delete(&key, Wait::Block)?,
        };
        let Lock::Row(locked) = lock else {
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
