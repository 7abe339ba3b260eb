//! Three-way merges of rows and schema.
//!
//! A merge brings what changed between a *base* and a *source* snapshot to the branch of a
//! transaction, the *target*. Merging a branch, taking over one commit and undoing one are the same
//! work with other snapshots ([`MergeInput`]).
//!
//! - `schema.rs` merges definitions by object, `align.rs` says which columns are the same,
//!   `domains.rs` verifies values of domains that changed;
//! - `lost.rs` looks for columns that one side dropped while the other wrote to them;
//! - `compare.rs` finds the rows that differ between base and source, `rows.rs` merges all of them,
//!   `cell.rs` one, `given.rs` holds values that are new to what columns may have;
//! - `resolve.rs` decides conflicts, `ask.rs` lets functions of users decide.
//!
//! Nothing is committed here: the caller looks at the [`MergeReport`] and decides.

mod align;
mod ask;
mod cell;
mod compare;
mod domains;
mod given;
mod lost;
mod resolve;
mod rows;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use helios_base::{BranchId, Result, Scn, TableId, Value};
use helios_expr::EvalContext;
use helios_version::{LockMode, Read, Snapshot, TableLock, Wait};

use crate::catalog::{Catalog, TableDef};
use crate::system;
use crate::tables::Tables;
use crate::transaction::Transaction;
pub use ask::{Answers, Question, Reply};
pub use resolve::{Action, Pattern, Rule, Strategy};

/// The name of the option of a table that says how conflicts in a column are decided.
#[must_use]
pub fn policy_option(column: &str) -> String {
    format!("merge.{column}")
}

/// What is merged.
pub struct MergeInput {
    /// The merge bases, newest first: several after a criss-cross of merges.
    pub bases: Vec<Snapshot>,
    /// The newest common base of the first two bases, if there are several.
    pub root: Option<Snapshot>,
    /// What is taken in.
    pub source: Snapshot,
}

/// How conflicts are decided.
#[derive(Clone, Default)]
pub struct MergeOptions {
    /// Tried in order before the strategy.
    pub rules: Vec<Rule>,
    /// Decides what no rule does.
    pub strategy: Strategy,
    /// What people decided, by table and stored key; comes before everything else.
    pub resolutions: BTreeMap<(TableId, Vec<u8>), Resolution>,
    /// As `resolutions`, of rows with cells in columns that one side dropped.
    pub dropped: BTreeMap<(TableId, Vec<u8>), Resolution>,
    /// What functions of users said.
    pub answers: Answers,
}

/// What a person decided about a conflict.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// As on the source.
    Source,
    /// As on the target.
    Target,
    /// As in the base.
    Base,
    /// These values for the columns named, in their text form; `None` is NULL.
    Values(BTreeMap<String, Option<String>>),
}

/// Where both sides changed the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictKind {
    /// Both sides changed a cell.
    Update,
    /// Both sides added a row with this key.
    Insert,
    /// The source deleted a row that the target changed.
    SourceDeleted,
    /// The target deleted a row that the source changed.
    TargetDeleted,
    /// The source dropped a column that the target wrote to.
    SourceDropped,
    /// The target dropped a column that the source wrote to.
    TargetDropped,
}

impl ConflictKind {
    /// Its name in reports: what the source did, and what the target did.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Update => "update/update",
            Self::Insert => "insert/insert",
            Self::SourceDeleted => "delete/update",
            Self::TargetDeleted => "update/delete",
            Self::SourceDropped => "drop/update",
            Self::TargetDropped => "update/drop",
        }
    }
}

/// Which side a conflict was decided for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not decided.
    Open,
    /// As on the source.
    Source,
    /// As on the target.
    Target,
    /// As in the base.
    Base,
    /// Something else: a sum, a concatenation, a value that was given.
    Computed,
}

impl Outcome {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "conflict",
            Self::Source => "source",
            Self::Target => "target",
            Self::Base => "base",
            Self::Computed => "computed",
        }
    }
}

/// A conflict in one row, and what became of it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The table, as it is on the target after the merge; about a column that one side dropped, as the
    /// other has it.
    pub table: Arc<TableDef>,
    /// The stored key of the row.
    pub key: Vec<u8>,
    /// What happened.
    pub kind: ConflictKind,
    /// The row in the base, in the columns of `table`.
    pub base: Option<Vec<Value>>,
    /// The row on the target.
    pub ours: Option<Vec<Value>>,
    /// The row on the source.
    pub theirs: Option<Vec<Value>>,
    /// The cells in conflict; empty when one side deleted the row.
    pub cells: Vec<CellDecision>,
    /// For a deleted row: what was decided and by which rule or strategy.
    pub row: Option<(Outcome, String)>,
    /// For a deleted row: the function that is to be asked.
    pub asks: Option<u32>,
}

/// A conflict in one cell.
#[derive(Clone, Debug)]
pub struct CellDecision {
    /// The column's position in the table.
    pub column: usize,
    /// What was decided.
    pub outcome: Outcome,
    /// The merged value, if decided.
    pub value: Option<Value>,
    /// The rule or strategy that decided.
    pub by: String,
    /// The function that is to be asked.
    pub asks: Option<u32>,
}

impl Decision {
    /// Whether anything in the row is not decided.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.cells.iter().any(|cell| cell.outcome == Outcome::Open)
            || self
                .row
                .as_ref()
                .is_some_and(|(outcome, _)| *outcome == Outcome::Open)
    }
}

/// What changed in one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableReport {
    /// Its name.
    pub name: String,
    /// Rows added to the target.
    pub inserted: u64,
    /// Rows changed on the target.
    pub updated: u64,
    /// Rows deleted from the target.
    pub deleted: u64,
}

/// What a merge did, or would do.
#[derive(Clone, Debug, Default)]
pub struct MergeReport {
    /// The tables in which rows changed.
    pub tables: Vec<TableReport>,
    /// Every conflict in rows, decided or not.
    pub decisions: Vec<Decision>,
    /// Schema changes that were made, one line each.
    pub schema: Vec<String>,
    /// Conflicts between definitions, one line each. They are never decided by a strategy.
    pub schema_conflicts: Vec<String>,
}

impl MergeReport {
    /// Conflicts that nothing decided.
    #[must_use]
    pub fn open(&self) -> usize {
        self.schema_conflicts.len() + self.decisions.iter().filter(|d| d.is_open()).count()
    }

    /// Whether the target was changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.schema.is_empty()
    }
}

/// Whether a table concerns only the branch that it is on, so that it is neither compared nor
/// merged: conflicts and decisions of merges, and temporary tables.
#[must_use]
pub fn is_bookkeeping(table: &TableDef) -> bool {
    crate::is_temporary_schema(&table.schema_name)
        || table.name == "_merges"
        || table.name == "_merge_decisions"
        || table.name.starts_with("_merge_conflicts_")
}

impl Tables {
    /// What a merge of `source` into `target` (a branch at a change number) starts from.
    ///
    /// # Errors
    /// 72000 when a merge base is no longer kept.
    pub fn merge_input(&self, source: Snapshot, target: (BranchId, Scn)) -> Result<MergeInput> {
        let store = self.store();
        let points = store.merge_bases((source.branch(), source.scn()), target);
        let root = match points.as_slice() {
            [one, other, ..] => store.merge_bases(*one, *other).first().copied(),
            _ => None,
        };
        let snapshot = |(branch, scn)| store.snapshot(branch, Some(scn));
        Ok(MergeInput {
            bases: points.into_iter().map(snapshot).collect::<Result<_>>()?,
            root: root.map(snapshot).transpose()?,
            source,
        })
    }
}

/// The catalogs of a merge.
pub(crate) struct Catalogs {
    pub(crate) base: Arc<Catalog>,
    pub(crate) source: Arc<Catalog>,
}

impl Transaction {
    /// Waits for other merges into this branch, and keeps new ones waiting until the end.
    ///
    /// # Errors
    /// 40P01, 55P03, 57014 from waiting.
    pub fn lock_merges(&self) -> Result<()> {
        self.txn()
            .lock_key(system::MERGE_LOCKS, b"merge", LockMode::Update, Wait::Block)?;
        Ok(())
    }

    /// Moves the sequences of this branch on to where those of `source` stand, if that is further. Like
    /// `nextval`, this is not undone by a rollback: values are skipped, none comes twice. It is durable when
    /// the commit is.
    ///
    /// # Errors
    /// `Io`, `Poisoned`.
    pub fn merge_sequences(&self, source: BranchId) -> Result<()> {
        let store = self.tables().store();
        let theirs = self.tables().newest_catalog(source)?;
        for sequence in self.latest_catalog()?.sequences() {
            let same = theirs
                .sequence_by_id(sequence.id)
                .is_some_and(|other| other.storage == sequence.storage);
            if !same || sequence.cycle {
                continue;
            }
            let storage = TableId(sequence.storage.0);
            if let Some(there) = store.sequence(source, storage)? {
                self.txn()
                    .advance_sequence(storage, there, sequence.increment > 0)?;
            }
        }
        Ok(())
    }

    /// Locks the tables that a merge may write, in the order of their numbers: from here on their
    /// definitions stay, and rows of later ones cannot come.
    fn lock_merged(&self, input: &MergeInput, catalogs: &Catalogs) -> Result<()> {
        let target = self.latest_catalog()?;
        let store = self.tables().store();
        let mut tables = BTreeSet::new();
        for table in catalogs.source.tables() {
            let there = match target.table_by_id(table.id) {
                Some(there) => there.id,
                // One of that name may be its counterpart.
                None => match target.relation_in(table.schema, &table.name) {
                    Some(crate::catalog::Relation::Table(there)) => there.id,
                    _ => continue,
                },
            };
            let before = catalogs.base.table_by_id(table.id);
            let mut changed = before.is_none_or(|before| before.revision != table.revision);
            for base in &input.bases {
                changed = changed
                    || !store
                        .changed_keys(base, &input.source, table.storage)?
                        .is_empty()?;
            }
            if changed {
                tables.insert(there);
            }
        }
        for table in tables {
            self.txn()
                .lock_table(table, TableLock::RowExclusive, Wait::Block)?;
        }
        Ok(())
    }

    /// Merges `input` into this transaction's branch, as one statement: every row that differs
    /// between base and source is locked, merged and written, and all constraints are verified on
    /// the result. With open conflicts the transaction holds part of the merge and must be rolled
    /// back.
    ///
    /// # Errors
    /// 23502, 23503, 23505, 23514 when the merged state breaks a constraint; 40P01, 55P03, 57014
    /// from waiting for other transactions; what expressions of the tables raise.
    ///
    /// # Cost
    /// O(rows changed between base and source), for tables that neither side rewrote.
    pub fn merge(
        &self,
        input: &MergeInput,
        options: &MergeOptions,
        ctx: &EvalContext<'_>,
    ) -> Result<MergeReport> {
        let first = input
            .bases
            .first()
            .ok_or_else(|| helios_base::Error::internal("a merge without base"))?;
        let catalogs = Catalogs {
            base: self.tables().catalog(first)?,
            source: self.tables().catalog(&input.source)?,
        };
        self.lock_merged(input, &catalogs)?;
        self.statement()?;
        let mut report = MergeReport::default();
        let mut plan = schema::SchemaMerge::new(self, input, &catalogs, &mut report)?;
        let ground = lost::Ground {
            transaction: self,
            input,
            options,
            catalogs: &catalogs,
        };
        let lost = match report.schema_conflicts.is_empty() {
            true => lost::Lost::new(&ground, &mut plan, ctx)?,
            false => lost::Lost::default(),
        };
        plan.before_rows(&mut report)?;
        lost.restore(&ground, ctx)?;
        rows::merge(self, input, options, &catalogs, &plan, &mut report, ctx)?;
        lost.finish(&ground, &mut report, ctx)?;
        if report.open() > 0 {
            return Ok(report);
        }
        self.finish_statement(ctx)?;
        plan.after_rows(&mut report)?;
        domains::verify(self, &catalogs, ctx)?;
        self.finish_statement(ctx)?;
        Ok(report)
    }
}
