//! Freezing the rows of a table, step by step.

use std::collections::BTreeSet;
use std::sync::Arc;

use helios_base::row::schema_version;
use helios_base::{BranchId, Error, Result, Scn, SqlState};
use helios_version::{Adoption, Freeze, Step, TableLock, TxnOptions, Wait};

use super::descriptor::Descriptor;
use super::hybrid::HybridStorage;
use super::keeper::MOST_ROWS;
use super::shelf::{Draft, Unfinished};
use super::writer::RowsWriter;
use crate::catalog::TableDef;
use crate::tables::Tables;
use crate::temporary::is_temporary_schema;

/// Rows looked at between two looks at other work.
pub(super) const STEP: usize = 4096;

/// What freezing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreezeReport {
    /// Segments written.
    pub segments: u64,
    /// Rows that are in segments now and were not before.
    pub rows: u64,
    /// Bytes of the segments' files.
    pub bytes: u64,
}

impl Tables {
    /// Moves the rows of a table that this branch wrote, not after `until`, into columnar segments. Rows of which
    /// older versions are kept stay where they are, as do those written over segments before. Nothing
    /// that anybody can see changes. `interrupt` is asked now and then and can end it.
    ///
    /// # Errors
    /// 0A000 for temporary tables, 55000 where `hybrid_storage` is off, 55P03 when the table's definition is being changed; `Io`, those of `interrupt`,
    /// and then the rows that are not in a segment yet stay where they are.
    pub fn freeze(
        self: &Arc<Self>,
        table: &TableDef,
        branch: BranchId,
        until: Scn,
        interrupt: &dyn Fn() -> Result<()>,
    ) -> Result<FreezeReport> {
        if is_temporary_schema(&table.schema_name) {
            return Err(Error::unsupported(format!(
                "cannot freeze temporary table \"{}\"",
                table.name
            )));
        }
        let _alone = self.keeper.pause(interrupt)?;
        // Its definition holds meanwhile.
        let transaction = self.begin(TxnOptions {
            branch,
            ..TxnOptions::default()
        })?;
        let txn = transaction.txn();
        txn.lock_table(table.id, TableLock::AccessShare, Wait::NoWait)?;
        let catalog = self.newest_catalog(branch)?;
        let Some(table) = catalog.table_by_id(table.id) else {
            return Ok(FreezeReport::default());
        };
        let store = self.store();
        let branches = store.branches();
        let main = branches.iter().find(|branch| branch.parent.is_none());
        if let (Some(own), Some(main)) = (store.branch_by_id(branch), main)
            && HybridStorage::of(&table.options, &own, main).is_off
        {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!(
                    "cannot freeze table \"{}\" because its hybrid_storage is off",
                    table.name
                ),
            )
            .with_hint("With hybrid_storage = manual rows move only when they are told to."));
        }
        let mut job = FreezeJob::new(table.clone(), branch, until, Limits::default());
        loop {
            if let Err(error) = interrupt() {
                job.settle()?;
                return Err(error);
            }
            if job.step(self, STEP)? == Step::Done {
                return Ok(job.report());
            }
        }
    }
}

/// How much is frozen at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Nothing is, unless so many rows are due.
    pub(super) least: u64,
    /// No segment gets more rows.
    pub(super) most: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            least: 1,
            most: u64::MAX,
        }
    }
}

/// The rows of one table on one branch on their way into segments. Dropping it leaves every row where it is.
pub(super) struct FreezeJob {
    table: Arc<TableDef>,
    branch: BranchId,
    until: Scn,
    limits: Limits,
    /// Schema versions whose rows were frozen, and those of which rows were seen.
    done: BTreeSet<u32>,
    seen: BTreeSet<u32>,
    phase: Phase,
    report: FreezeReport,
}

enum Phase {
    /// Whether there is enough: the rows that were found.
    Count(Option<Freeze>, u64),
    /// The next schema version, or the rest of the last one behind this key.
    Next(Option<(u32, Vec<u8>)>),
    Write(Box<Writing>),
    /// And then, if there is a rest of this version.
    Adopt(Adoption, Option<(u32, Vec<u8>)>),
    Done,
}

/// A segment being written.
struct Writing {
    freeze: Freeze,
    draft: Unfinished,
    writer: RowsWriter<Draft>,
    version: u32,
    /// All rows are there: what is to follow.
    over: Option<Option<(u32, Vec<u8>)>>,
}

impl FreezeJob {
    pub(super) fn new(table: Arc<TableDef>, branch: BranchId, until: Scn, limits: Limits) -> Self {
        let newest = table.layouts.last().map(|layout| layout.version);
        Self {
            table,
            branch,
            until,
            phase: match limits.least {
                0 | 1 => Phase::Next(None),
                _ => Phase::Count(None, 0),
            },
            limits,
            done: BTreeSet::new(),
            seen: newest.into_iter().collect(),
            report: FreezeReport::default(),
        }
    }

    /// What it did so far.
    pub(super) const fn report(&self) -> FreezeReport {
        self.report
    }

    /// What it is at, for people.
    pub(super) const fn state(&self) -> &'static str {
        match self.phase {
            Phase::Count(..) => "counting",
            Phase::Next(_) | Phase::Write(_) => "writing",
            Phase::Adopt(..) => "adopting",
            Phase::Done => "idle",
        }
    }

    /// Looks at about `budget` more rows.
    ///
    /// # Errors
    /// `Io`, `Corrupt`; 42704 and 42P01 when the rows went away. The job is over then.
    pub(super) fn step(&mut self, tables: &Tables, budget: usize) -> Result<Step> {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Count(freeze, found) => self.count(tables, freeze, found, budget)?,
            Phase::Next(rest) => self.next(tables, rest)?,
            Phase::Write(writing) => self.write(*writing, budget)?,
            Phase::Adopt(mut adoption, rest) => match adoption.step(budget)? {
                Step::More => Phase::Adopt(adoption, rest),
                Step::Done => Phase::Next(rest),
            },
            Phase::Done => Phase::Done,
        };
        Ok(match self.phase {
            Phase::Done => Step::Done,
            _ => Step::More,
        })
    }

    /// Finishes what cannot be left half done.
    pub(super) fn settle(self) -> Result<()> {
        if let Phase::Adopt(mut adoption, _) = self.phase {
            while adoption.step(STEP)? == Step::More {}
        }
        Ok(())
    }

    fn begin(&self, tables: &Tables) -> Result<Freeze> {
        let store = tables.store();
        store.freeze(self.table.storage, self.branch, self.until)
    }

    fn count(
        &self,
        tables: &Tables,
        freeze: Option<Freeze>,
        mut found: u64,
        budget: usize,
    ) -> Result<Phase> {
        let mut freeze = match freeze {
            Some(freeze) => freeze,
            None => self.begin(tables)?,
        };
        // What is passed over costs as well.
        for _ in 0..budget.max(1) {
            match freeze.look()? {
                Some(due) => found += u64::from(due),
                None => return Ok(Phase::Done),
            }
            if found >= self.limits.least {
                return Ok(Phase::Next(None));
            }
        }
        Ok(Phase::Count(Some(freeze), found))
    }

    fn next(&mut self, tables: &Tables, rest: Option<(u32, Vec<u8>)>) -> Result<Phase> {
        let (version, behind) = match rest {
            Some((version, key)) => (version, Some(key)),
            // The newest first.
            None => match self.seen.difference(&self.done).last() {
                Some(version) => (*version, None),
                None => return Ok(Phase::Done),
            },
        };
        let layouts = &self.table.layouts;
        let layout = layouts.iter().find(|layout| layout.version == version);
        let layout = layout.ok_or_else(|| {
            Error::corrupt(format!(
                "row of unknown schema version {version} in table \"{}\"",
                self.table.name
            ))
        })?;
        let mut freeze = self.begin(tables)?;
        if let Some(key) = behind {
            freeze.skip(&key)?;
        }
        let (draft, sink) = Unfinished::create(tables.shelf(), freeze.id())?;
        let descriptor = Descriptor::new(&self.table, layout).clustered(&self.table);
        if !descriptor.cluster.is_empty() {
            // What is put in order together.
            self.limits.most = self.limits.most.min(MOST_ROWS);
        }
        let is_auto = tables.hybrid(&self.table, self.branch).auto_compression;
        let writer = RowsWriter::new(&self.table, descriptor, sink, 1, is_auto)?;
        Ok(Phase::Write(Box::new(Writing {
            freeze,
            draft,
            writer,
            version,
            over: None,
        })))
    }

    fn write(&mut self, mut writing: Writing, budget: usize) -> Result<Phase> {
        if let Some(rest) = writing.over.take() {
            if writing.writer.work_on()? {
                writing.over = Some(rest);
                return Ok(Phase::Write(Box::new(writing)));
            }
            return self.finish(writing, rest);
        }
        if writing.writer.work()? {
            return Ok(Phase::Write(Box::new(writing)));
        }
        for _ in 0..budget.max(1) {
            let Some(due) = writing.freeze.look()? else {
                self.done.insert(writing.version);
                writing.over = Some(None);
                return Ok(Phase::Write(Box::new(writing)));
            };
            if !due {
                continue;
            }
            let Some(row) = writing.freeze.row()? else {
                continue;
            };
            let version = schema_version(row.row)?;
            if version != writing.version {
                self.seen.insert(version);
                continue;
            }
            writing.writer.push(row)?;
            if writing.writer.rows() >= self.limits.most {
                let rest = (writing.version, writing.writer.last_key().to_vec());
                writing.over = Some(Some(rest));
                break;
            }
        }
        Ok(Phase::Write(Box::new(writing)))
    }

    fn finish(&mut self, writing: Writing, rest: Option<(u32, Vec<u8>)>) -> Result<Phase> {
        if writing.writer.rows() == 0 {
            return Ok(Phase::Next(rest));
        }
        let (frozen, descriptor, file) = writing.writer.finish()?;
        let rows = writing.draft.keep(file, descriptor)?;
        self.report.segments += 1;
        self.report.rows += frozen.rows;
        self.report.bytes += frozen.bytes;
        let adoption = writing.freeze.finish(frozen, rows)?;
        // From here on the file belongs to the store.
        writing.draft.forget();
        Ok(Phase::Adopt(adoption, rest))
    }
}
