//! `MERGE`.

use std::collections::HashSet;
use std::sync::Arc;

use helios_base::{Error, Result, Row, SqlState, Value};
use helios_expr::Expr;
use helios_table::catalog::TableDef;
use helios_table::{Lock, LockedRow, TableWriter};
use helios_version::{LockMode, Wait};

use super::{Assignments, Changes, assignments, hold_policies};
use crate::plan::{self, MergeMatch, MergePolicies};
use crate::row::compile::Compiler;
use crate::row::exec::Cx;
use crate::row::node::Node;
use crate::row::op;
use crate::row::recheck::key_in;

/// A compiled `MERGE`.
#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) table: Arc<TableDef>,
    pub(crate) input: Node,
    /// Where the row's key stands in the input; the source's columns follow.
    key: usize,
    on: Expr,
    actions: Vec<When>,
    policies: MergePolicies,
    returning: Option<Vec<Expr>>,
}

#[derive(Debug)]
struct When {
    when: MergeMatch,
    condition: Option<Expr>,
    action: Action,
}

#[derive(Debug)]
enum Action {
    Update(Assignments),
    Delete,
    Insert(Assignments),
    Nothing,
}

impl Compiler<'_> {
    /// Compiles a `MERGE`.
    pub(crate) fn merge(&self, merge: &plan::Merge) -> Result<Merge> {
        let table = self.target(&merge.table)?;
        let mut actions = Vec::with_capacity(merge.actions.len());
        for when in &merge.actions {
            actions.push(When {
                when: when.when,
                condition: when.condition.clone(),
                action: match &when.action {
                    plan::MergeAction::Update(list) => Action::Update(assignments(&table, list)?),
                    plan::MergeAction::Insert(list) => Action::Insert(assignments(&table, list)?),
                    plan::MergeAction::Delete => Action::Delete,
                    plan::MergeAction::Nothing => Action::Nothing,
                },
            });
        }
        Ok(Merge {
            input: self.query(&merge.input)?,
            key: merge.key,
            on: merge.on.clone(),
            actions,
            policies: merge.policies.clone(),
            returning: merge.returning.as_ref().map(|r| r.exprs.clone()),
            table,
        })
    }
}

impl Merge {
    /// Looks at the rows of the input, one after the other.
    pub(crate) fn run(&self, cx: &Cx<'_>) -> Result<Changes> {
        let txn = cx.exec.transaction()?;
        let mut run = Run {
            merge: self,
            writer: TableWriter::new(txn, &cx.exec.catalog, &self.table)?,
            changes: Changes::default(),
            done: HashSet::new(),
            cx,
        };
        let mut input = op::open(&self.input, cx)?;
        let mut steps = 0;
        while let Some(row) = input.next(cx)? {
            cx.poll(steps)?;
            steps += 1;
            run.row(row)?;
        }
        Ok(run.changes)
    }
}

struct Run<'r, 'x> {
    merge: &'r Merge,
    writer: TableWriter<'r>,
    changes: Changes,
    /// The rows updated or deleted.
    done: HashSet<Arc<[u8]>>,
    cx: &'r Cx<'x>,
}

/// What became of a row of the table.
enum Fate {
    /// Its action is done, or there is none.
    Settled,
    /// It is gone.
    Gone,
    /// Another transaction changed it, and it no longer matches; its new values.
    Parted(Vec<Value>),
}

impl Run<'_, '_> {
    fn row(&mut self, row: Row) -> Result<()> {
        let has_source = matches!(row.last(), Some(Value::Bool(true)));
        let Some(key) = key_in(&row, self.merge.key)? else {
            return self.insert(row);
        };
        if !has_source {
            self.change(MergeMatch::BySource, &key, row)?;
            return Ok(());
        }
        let alone = self.without_target(&row);
        match self.change(MergeMatch::Matched, &key, row)? {
            Fate::Settled => Ok(()),
            Fate::Gone => self.insert(alone),
            Fate::Parted(values) => {
                let mut left = vec![Value::Null; alone.len()];
                for (place, value) in left.iter_mut().zip(values) {
                    *place = value;
                }
                self.change(MergeMatch::BySource, &key, left)?;
                self.insert(alone)
            }
        }
    }

    /// The source's half of a row.
    fn without_target(&self, row: &[Value]) -> Row {
        let mut alone = row.to_vec();
        alone.iter_mut().take(self.merge.key + 1).for_each(|value| {
            *value = Value::Null;
        });
        alone
    }

    /// The first action for such a row whose condition holds.
    fn choose(&self, when: MergeMatch, row: &[Value]) -> Result<Option<&Action>> {
        for candidate in self.merge.actions.iter().filter(|a| a.when == when) {
            let holds = match &candidate.condition {
                Some(condition) => self.cx.is_true(condition, row)?,
                None => true,
            };
            if holds {
                return Ok(Some(&candidate.action));
            }
        }
        Ok(None)
    }

    /// Does what is to be done with a row of the table.
    fn change(&mut self, when: MergeMatch, key: &Arc<[u8]>, mut row: Row) -> Result<Fate> {
        let table = self.merge.table.id;
        let mut locked: Option<LockedRow> = None;
        loop {
            let mode = match self.choose(when, &row)? {
                None | Some(Action::Nothing | Action::Insert(_)) => return Ok(Fate::Settled),
                Some(Action::Update(_)) => LockMode::NoKeyUpdate,
                Some(Action::Delete) => LockMode::Update,
            };
            if self.done.contains(key) || self.cx.exec.changing.wrote(table, key) {
                return Err(twice());
            }
            let old = match self.writer.lock(key, mode, Wait::Block)? {
                Lock::Row(old) => old,
                Lock::Gone | Lock::Busy => return Ok(Fate::Gone),
            };
            // Under the lock it changes no more: one more look is enough.
            if old.changed() && locked.is_none() {
                for (place, value) in row.iter_mut().zip(old.values()) {
                    place.clone_from(value);
                }
                if when == MergeMatch::Matched && !self.cx.is_true(&self.merge.on, &row)? {
                    return Ok(Fate::Parted(old.values().to_vec()));
                }
                locked = Some(old);
                continue;
            }
            self.apply(when, &old, row)?;
            self.done.insert(key.clone());
            self.cx.exec.changing.note(table, key);
            return Ok(Fate::Settled);
        }
    }

    fn apply(&mut self, when: MergeMatch, old: &LockedRow, mut row: Row) -> Result<()> {
        let name = match self.choose(when, &row)? {
            Some(Action::Update(assignments)) => {
                let policies = &self.merge.policies;
                hold_policies(&policies.updated, old.values(), self.cx)?;
                let mut new = old.values().to_vec();
                for (position, expr) in assignments {
                    new[*position] = self.cx.eval(expr, &row)?;
                }
                if !policies.changed.is_empty() {
                    self.writer.generate(&mut new, &self.cx.context())?;
                    hold_policies(&policies.changed, &new, self.cx)?;
                }
                self.writer.update(old, &mut new, &self.cx.context())?;
                for (place, value) in row.iter_mut().zip(new) {
                    *place = value;
                }
                "UPDATE"
            }
            Some(Action::Delete) => {
                hold_policies(&self.merge.policies.deleted, old.values(), self.cx)?;
                self.writer.delete(old)?;
                "DELETE"
            }
            _ => return Ok(()),
        };
        self.add(row, name)
    }

    /// Inserts what a source row without partner asks for.
    fn insert(&mut self, mut row: Row) -> Result<()> {
        let Some(Action::Insert(values)) = self.choose(MergeMatch::ByTarget, &row)? else {
            return Ok(());
        };
        let mut new = vec![Value::Null; self.merge.table.columns.len()];
        for (position, expr) in values {
            new[*position] = self.cx.eval(expr, &row)?;
        }
        let policies = &self.merge.policies.inserted;
        if !policies.is_empty() {
            self.writer.generate(&mut new, &self.cx.context())?;
            hold_policies(policies, &new, self.cx)?;
        }
        let key = self.writer.insert(&mut new, &self.cx.context())?;
        self.cx.exec.changing.note(self.merge.table.id, key);
        for (place, value) in row.iter_mut().zip(new) {
            *place = value;
        }
        self.add(row, "INSERT")
    }

    fn add(&mut self, mut row: Row, name: &str) -> Result<()> {
        row.push(Value::text(name));
        self.changes
            .add(self.merge.returning.as_ref(), &row, self.cx)
    }
}

fn twice() -> Error {
    Error::new(
        SqlState::CARDINALITY_VIOLATION,
        "MERGE command cannot affect row a second time",
    )
    .with_hint("Ensure that not more than one source row matches any one target row.")
}
