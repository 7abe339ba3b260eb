//! What waits for the end of the statement or of the transaction.

use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{Error, IndexId, Result, SqlState, TableId, Value};
use helios_expr::EvalContext;

use crate::access::TableWriter;
use crate::catalog::{Catalog, ConstraintDef, ConstraintId, TableDef};
use crate::row::{IndexRules, StoredRow};
use crate::transaction::Transaction;

/// The queues. Actions run before checks, so that a check sees what the whole statement did.
#[derive(Clone, Default)]
pub(crate) struct Pending {
    actions: Vec<Action>,
    checks: Vec<Check>,
    deferred: Vec<Check>,
}

/// The reaction of a foreign key's table to the change of a row in the parent.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) child: TableId,
    pub(crate) constraint: ConstraintId,
    /// The values of the referenced columns that are gone, in the order of the foreign key.
    pub(crate) old: Vec<Value>,
    /// What an update put in their place.
    pub(crate) new: Option<Vec<Value>>,
}

/// A condition to be verified on what is committed then, and on own writes.
#[derive(Clone, Debug)]
pub(crate) enum Check {
    /// The row's parent exists.
    Parent {
        child: TableId,
        constraint: ConstraintId,
        key: Vec<u8>,
    },
    /// No row references a key that is gone.
    Orphans {
        child: TableId,
        constraint: ConstraintId,
        old: Vec<Value>,
    },
    /// No other row has the row's key.
    Unique {
        table: TableId,
        constraint: ConstraintId,
        index: IndexId,
        key: Vec<u8>,
    },
}

/// What `SET CONSTRAINTS` said in this transaction.
#[derive(Clone, Default)]
pub(crate) struct Modes {
    all: Option<bool>,
    each: HashMap<ConstraintId, bool>,
}

/// Which constraints `SET CONSTRAINTS` names.
#[derive(Clone, Debug)]
pub enum ConstraintTarget<'a> {
    /// `ALL`: every deferrable constraint.
    All,
    /// These, by schema (or along the search path) and name.
    Named(&'a [(Option<String>, String)]),
}

impl Check {
    const fn constraint(&self) -> (TableId, ConstraintId) {
        match self {
            Self::Parent {
                child, constraint, ..
            }
            | Self::Orphans {
                child, constraint, ..
            } => (*child, *constraint),
            Self::Unique {
                table, constraint, ..
            } => (*table, *constraint),
        }
    }
}

impl Check {
    /// The storages in which it looks for rows other than that for whose sake it waits, which is among the writes.
    fn looks_at(&self, catalog: &Catalog) -> impl Iterator<Item = TableId> {
        let (table, constraint) = self.constraint();
        let table = catalog.table_by_id(table);
        let fk = table.and_then(|table| table.constraint_by_id(constraint)?.as_foreign_key());
        let parent = fk.and_then(|fk| catalog.table_by_id(fk.parent));
        let table = table.filter(|_| !matches!(self, Self::Parent { .. }));
        let storages = [table, parent].map(|table| table.map(|table| table.storage));
        storages.into_iter().flatten()
    }
}

impl Modes {
    /// Whether a constraint's checks wait for commit.
    fn is_deferred(&self, constraint: &ConstraintDef) -> bool {
        constraint.deferrable
            && self
                .each
                .get(&constraint.id)
                .copied()
                .or(self.all)
                .unwrap_or(constraint.initially_deferred)
    }
}

impl Pending {
    /// Whether anything waits that concerns `table`.
    pub(crate) fn concerns(&self, table: TableId) -> bool {
        let checks = self.checks.iter().chain(&self.deferred);
        self.actions.iter().any(|action| action.child == table)
            || checks.into_iter().any(|c| c.constraint().0 == table)
    }
}

impl Transaction {
    /// Queues a check, for the end of the statement or of the transaction as the constraint says.
    pub(crate) fn check_later(&self, constraint: &ConstraintDef, check: Check) {
        self.with_state(|state| {
            if state.modes.is_deferred(constraint) {
                state.pending.deferred.push(check);
            } else {
                state.pending.checks.push(check);
            }
        });
    }

    pub(crate) fn act_later(&self, action: Action) {
        self.with_state(|state| state.pending.actions.push(action));
    }

    /// Ends a statement: runs the actions of foreign keys, then the checks that its rows wait for.
    /// Call it after every statement that writes rows, before its result is shown.
    ///
    /// # Errors
    /// 23503, 23505; what the actions raise, as any write of a row.
    pub fn finish_statement(&self, ctx: &EvalContext<'_>) -> Result<()> {
        loop {
            let (actions, checks) = self.with_state(|state| {
                let pending = &mut state.pending;
                let actions = std::mem::take(&mut pending.actions);
                let checks = if actions.is_empty() {
                    std::mem::take(&mut pending.checks)
                } else {
                    Vec::new()
                };
                (actions, checks)
            });
            if actions.is_empty() && checks.is_empty() {
                return Ok(());
            }
            let catalog = self.latest_catalog()?;
            if !actions.is_empty() {
                // They look for rows of other tables, and change them.
                self.take_back()?;
            }
            for action in &actions {
                self.act(&catalog, action, ctx)?;
            }
            self.verify_all(&catalog, &checks)?;
        }
    }

    /// Runs the checks that were put off until commit.
    pub(crate) fn check_deferred(&self) -> Result<()> {
        let checks = self.with_state(|state| {
            let mut checks = std::mem::take(&mut state.pending.checks);
            checks.append(&mut state.pending.deferred);
            checks
        });
        if checks.is_empty() {
            return Ok(());
        }
        let catalog = self.latest_catalog()?;
        self.verify_all(&catalog, &checks)
    }

    /// `SET CONSTRAINTS target DEFERRED | IMMEDIATE`, until the transaction ends. `IMMEDIATE` also
    /// runs the checks that wait.
    ///
    /// # Errors
    /// 42704 unknown constraint, 42809 not deferrable; 23503, 23505 from the checks.
    pub fn set_constraints<S: AsRef<str>>(
        &self,
        target: &ConstraintTarget<'_>,
        deferred: bool,
        search_path: &[S],
    ) -> Result<()> {
        let catalog = self.latest_catalog()?;
        let mut chosen = None;
        match target {
            ConstraintTarget::All => self.with_state(|state| {
                state.modes.all = Some(deferred);
                state.modes.each.clear();
            }),
            ConstraintTarget::Named(names) => {
                let mut ids = Vec::new();
                for (schema, name) in *names {
                    ids.extend(named(&catalog, schema.as_deref(), name, search_path)?);
                }
                self.with_state(|state| {
                    state
                        .modes
                        .each
                        .extend(ids.iter().map(|id| (*id, deferred)));
                });
                chosen = Some(ids);
            }
        }
        if deferred {
            return Ok(());
        }
        let checks = self.with_state(|state| {
            let waiting = std::mem::take(&mut state.pending.deferred);
            let (now, later) = waiting.into_iter().partition(|check| {
                chosen
                    .as_ref()
                    .is_none_or(|ids| ids.contains(&check.constraint().1))
            });
            state.pending.deferred = later;
            now
        });
        self.verify_all(&catalog, &checks)
    }

    fn verify_all(&self, catalog: &Arc<Catalog>, checks: &[Check]) -> Result<()> {
        let sought = checks.iter().flat_map(|check| check.looks_at(catalog));
        if self.waits(sought) {
            self.take_back()?;
        }
        let mut writer: Option<TableWriter<'_>> = None;
        for check in checks {
            let (table, constraint) = check.constraint();
            let Some(table) = catalog.table_by_id(table) else {
                continue;
            };
            let Some(constraint) = table.constraint_by_id(constraint) else {
                continue;
            };
            let usable = writer.as_ref().is_some_and(|w| w.table().id == table.id);
            if !usable {
                writer = Some(TableWriter::unchecked(self, catalog, table)?);
            }
            if let Some(writer) = &mut writer {
                writer.verify(constraint, check)?;
            }
        }
        Ok(())
    }
}

impl TableWriter<'_> {
    fn verify(&mut self, constraint: &ConstraintDef, check: &Check) -> Result<()> {
        match check {
            Check::Parent { key, .. } => match self.latest(key)? {
                Some(row) => self.require_parent(constraint, &row),
                None => Ok(()),
            },
            Check::Orphans { old, .. } => self.refuse_orphans(constraint, old, true),
            Check::Unique { index, key, .. } => {
                let rules = self.rules().clone();
                match rules.indexes.iter().find(|rules| rules.def.id == *index) {
                    Some(index) => self.verify_unique(index, key),
                    None => Ok(()),
                }
            }
        }
    }

    pub(crate) fn verify_unique(&self, index: &IndexRules, key: &[u8]) -> Result<()> {
        let table = self.table();
        let Some(found) = self.txn().latest(table.storage, key)? else {
            return Ok(());
        };
        let row = StoredRow::new(table.shape(), key, found.begin, &found.row)?.values()?;
        match self.find_duplicate(index, &row, Some(key))? {
            Some(_) => Err(self.duplicate(index, &row)?),
            None => Ok(()),
        }
    }

    /// Queues the check of a deferrable unique constraint for the row stored under `key`.
    pub(crate) fn check_unique_later(&self, index: &IndexRules, key: &[u8]) {
        let table = self.table();
        let constraint = index.def.constraint;
        if let Some(constraint) = constraint.and_then(|id| table.constraint_by_id(id)) {
            let check = Check::Unique {
                table: table.id,
                constraint: constraint.id,
                index: index.def.id,
                key: key.to_vec(),
            };
            self.transaction().check_later(constraint, check);
        }
    }
}

/// The constraints called `name`; several tables of a schema may have one each.
fn named<S: AsRef<str>>(
    catalog: &Catalog,
    schema: Option<&str>,
    name: &str,
    search_path: &[S],
) -> Result<Vec<ConstraintId>> {
    let schemas: Vec<&str> = match schema {
        Some(schema) => vec![catalog.require_schema(schema)?.name.as_str()],
        None => search_path.iter().map(AsRef::as_ref).collect(),
    };
    for schema in schemas {
        let found: Vec<(&TableDef, &ConstraintDef)> = catalog
            .tables()
            .filter(|table| table.schema_name == schema)
            .filter_map(|table| Some((table.as_ref(), table.constraint(name)?)))
            .collect();
        if found.iter().any(|(_, constraint)| !constraint.deferrable) {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("constraint \"{name}\" is not deferrable"),
            ));
        }
        if !found.is_empty() {
            return Ok(found.into_iter().map(|(_, c)| c.id).collect());
        }
    }
    Err(Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("constraint \"{name}\" does not exist"),
    ))
}
