//! `ON CONFLICT`.

use std::collections::HashSet;

use helios_base::{Error, IndexId, Result, Row, SqlState};
use helios_expr::Expr;
use helios_table::catalog::TableDef;
use helios_table::{Lock, TableWriter};
use helios_version::{LockMode, Wait};

use super::{Assignments, assignments, hold_policies};
use crate::plan::{self, ConflictAction, PolicyCheck};
use crate::row::exec::Cx;
use crate::row::op;

/// A compiled `ON CONFLICT` clause.
#[derive(Debug)]
pub(super) struct OnConflict {
    /// The unique indexes it is about; empty for all.
    arbiters: Vec<IndexId>,
    action: Action,
}

#[derive(Debug)]
enum Action {
    Nothing,
    Update {
        assignments: Assignments,
        filter: Option<Expr>,
        /// Of the old row, and of the new.
        policies: [Vec<PolicyCheck>; 2],
    },
}

impl OnConflict {
    pub(super) fn new(table: &TableDef, conflict: &plan::OnConflict) -> Result<Self> {
        let mut arbiters = Vec::new();
        for name in conflict.arbiter.iter().flat_map(|arbiter| &arbiter.names) {
            // A constraint and its index may be called differently.
            let by_constraint = table.constraint(name).and_then(|c| c.index());
            let index = table.index(name).map(|index| index.id).or(by_constraint);
            arbiters.push(index.ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!(
                        "constraint \"{name}\" for table \"{}\" does not exist",
                        table.name
                    ),
                )
            })?);
        }
        Ok(Self {
            arbiters,
            action: match &conflict.action {
                ConflictAction::Nothing => Action::Nothing,
                ConflictAction::Update {
                    assignments: list,
                    filter,
                    policies,
                } => Action::Update {
                    assignments: assignments(table, list)?,
                    filter: filter.clone(),
                    policies: policies.clone(),
                },
            },
        })
    }

    /// Inserts `row` or does what the clause says. Returns the row that was inserted or updated.
    /// `touched` holds the keys of the rows that the statement has written.
    pub(super) fn insert(
        &self,
        writer: &mut TableWriter<'_>,
        mut row: Row,
        touched: &mut HashSet<Vec<u8>>,
        cx: &Cx<'_>,
    ) -> Result<Option<Row>> {
        let context = cx.context();
        writer.complete(&mut row, &context)?;
        let table = writer.table().id;
        loop {
            cx.exec.interrupt.check()?;
            let Some(conflict) = writer.find_conflict(&row, &self.arbiters)? else {
                let key = writer.insert(&mut row, &context)?;
                touched.insert(key.to_vec());
                cx.exec.changing.note(table, key);
                return Ok(Some(row));
            };
            let Action::Update {
                assignments,
                filter,
                policies: [of_old, of_new],
            } = &self.action
            else {
                return Ok(None);
            };
            if touched.contains(&conflict.key) || cx.exec.changing.wrote(table, &conflict.key) {
                return Err(Error::new(
                    SqlState::CARDINALITY_VIOLATION,
                    "ON CONFLICT DO UPDATE command cannot affect row a second time",
                )
                .with_hint(
                    "Ensure that no rows proposed for insertion within the same command have \
                     duplicate constrained values.",
                ));
            }
            let old = match writer.lock(&conflict.key, LockMode::NoKeyUpdate, Wait::Block)? {
                Lock::Row(old) => old,
                // It went away while we looked: the new row may fit now.
                Lock::Gone | Lock::Busy => continue,
            };
            let both = op::joined(old.values(), &row);
            if let Some(filter) = filter
                && !cx.is_true(filter, &both)?
            {
                return Ok(None);
            }
            hold_policies(of_old, old.values(), cx)?;
            let mut new = old.values().to_vec();
            for (position, expr) in assignments {
                new[*position] = cx.eval(expr, &both)?;
            }
            if !of_new.is_empty() {
                writer.generate(&mut new, &context)?;
                hold_policies(of_new, &new, cx)?;
            }
            let key = writer.update(&old, &mut new, &context)?;
            touched.insert(key.to_vec());
            cx.exec.changing.note(table, key);
            return Ok(Some(new));
        }
    }
}
