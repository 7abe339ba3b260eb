//! Compaction of a table's segments, step by step: which are due, and making one of them.
//!
//! Due are, in this order:
//! - segments of which at least every fifth row is dead,
//! - [`RUN`] or more small neighbours,
//! - segments whose rows lie in another order than the table says now,
//! - segments that nobody changed for `hybrid_storage_cold_threshold`, which are compressed harder.
//!
//! A segment has rows of one schema version, so only such become one.

use std::collections::HashSet;
use std::sync::Arc;

use helios_base::{BranchId, Error, Result, Scn};
use helios_segment::Effort;
use helios_version::{Compaction, SegmentInfo, Step, Store};

use super::cluster;
use super::descriptor::Descriptor;
use super::keeper::MOST_ROWS;
use super::shelf::{Draft, Unfinished};
use super::writer::RowsWriter;
use crate::catalog::TableDef;
use crate::tables::Tables;

/// So many small neighbours become one: fewer would be written again and again.
const RUN: usize = 4;
/// Segments of fewer rows are small.
const SMALL: u64 = MOST_ROWS / 4;
/// One row of so many is dead: the segment is made anew.
const DEAD: u64 = 5;

/// Segments that are to become one.
pub(super) struct CompactionDue {
    segments: Vec<u64>,
    effort: Effort,
}

/// What compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactionReport {
    /// Segments that were replaced.
    pub segments: u64,
    /// Rows in the segments that replace them.
    pub rows: u64,
    /// Rows that nobody needed any more.
    pub dead: u64,
}

/// What of these segments, all of one table and branch, is due; `old` is a commit before which rows are cold. Those in `barren` were
/// made anew without finding dead rows.
///
/// # Errors
/// `Io`, `Corrupt`.
pub(super) fn due(
    store: &Store,
    table: &TableDef,
    segments: &[SegmentInfo],
    old: Scn,
    barren: &HashSet<u64>,
) -> Result<Option<CompactionDue>> {
    let mut all = Vec::new();
    for info in segments.iter().filter(|info| info.adopted == info.rows) {
        all.push((info, Descriptor::decode(&info.descriptor)?));
    }
    let effort = |descriptor: &Descriptor, info: &SegmentInfo| {
        if descriptor.is_cold || info.newest <= old {
            Effort::Cold
        } else {
            Effort::Warm
        }
    };
    for (info, descriptor) in all.iter().filter(|(info, _)| !barren.contains(&info.id)) {
        let least = info.rows.div_ceil(DEAD);
        if store.shadows(info, least)? >= least {
            return Ok(Some(CompactionDue {
                segments: vec![info.id],
                effort: effort(descriptor, info),
            }));
        }
    }
    all.sort_by(|a, b| a.0.least.cmp(&b.0.least));
    let mut run: Vec<&(&SegmentInfo, Descriptor)> = Vec::new();
    for segment in &all {
        let (info, descriptor) = segment;
        let fits = run.first().is_none_or(|(_, first)| {
            let rows: u64 = run.iter().map(|(info, _)| info.rows).sum();
            first.version == descriptor.version && rows + info.rows <= MOST_ROWS
        });
        if info.rows >= SMALL || !fits {
            if run.len() >= RUN {
                break;
            }
            run.clear();
        }
        if info.rows < SMALL {
            run.push(segment);
        }
    }
    if run.len() >= RUN {
        let mut efforts = run
            .iter()
            .map(|(info, descriptor)| effort(descriptor, info));
        let is_cold = efforts.all(|effort| effort == Effort::Cold);
        return Ok(Some(CompactionDue {
            segments: run.iter().map(|(info, _)| info.id).collect(),
            effort: if is_cold { Effort::Cold } else { Effort::Warm },
        }));
    }
    let stray = all.iter().find(|(info, descriptor)| {
        descriptor.cluster != cluster::wanted(table, &descriptor.columns) && info.rows > 1
    });
    if let Some((info, descriptor)) = stray {
        return Ok(Some(CompactionDue {
            segments: vec![info.id],
            effort: effort(descriptor, info),
        }));
    }
    let cold = all.iter();
    let mut cold = cold.filter(|(info, descriptor)| !descriptor.is_cold && info.newest <= old);
    Ok(cold.next().map(|(info, _)| CompactionDue {
        segments: vec![info.id],
        effort: Effort::Cold,
    }))
}

/// Segments on their way to be one. Dropping it leaves them as they are.
pub(super) struct CompactionJob {
    table: Arc<TableDef>,
    branch: BranchId,
    due: CompactionDue,
    running: Option<Box<Running>>,
    report: CompactionReport,
    made: Option<u64>,
}

struct Running {
    compaction: Compaction,
    file: Unfinished,
    writer: RowsWriter<Draft>,
    /// All rows are there.
    is_over: bool,
}

impl CompactionJob {
    pub(super) fn new(table: Arc<TableDef>, branch: BranchId, due: CompactionDue) -> Self {
        Self {
            table,
            branch,
            due,
            running: None,
            report: CompactionReport::default(),
            made: None,
        }
    }

    /// What it did.
    pub(super) const fn report(&self) -> CompactionReport {
        self.report
    }

    /// The new segment, if it is hardly smaller than those before.
    pub(super) fn barren(&self) -> Option<u64> {
        let few = self.report.dead * DEAD * 2 < self.report.rows;
        self.made.filter(|_| few)
    }

    /// Looks at about `budget` more rows.
    ///
    /// # Errors
    /// `Io`, `Corrupt`; 42704 and 42P01 when the segments went away. The job is over then.
    pub(super) fn step(&mut self, tables: &Tables, budget: usize) -> Result<Step> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => Box::new(self.begin(tables)?),
        };
        let more = match running.is_over {
            true => running.writer.work_on()?,
            false => running.writer.work()?,
        };
        if more {
            self.running = Some(running);
            return Ok(Step::More);
        }
        if running.is_over {
            return self.finish(*running).map(|()| Step::Done);
        }
        for _ in 0..budget.max(1) {
            match running.compaction.look()? {
                Some(true) => {
                    if let Some(row) = running.compaction.row() {
                        running.writer.push(row)?;
                    }
                }
                Some(false) => {}
                None => {
                    running.is_over = true;
                    break;
                }
            }
        }
        self.running = Some(running);
        Ok(Step::More)
    }

    fn begin(&self, tables: &Tables) -> Result<Running> {
        let store = tables.store();
        let (storage, segments) = (self.table.storage, &self.due.segments);
        let compaction = store.compact(storage, self.branch, segments)?;
        let mut inputs = store.segments().into_iter();
        let Some(first) = inputs.find(|info| segments.contains(&info.id)) else {
            return Err(Error::internal("a compaction of nothing"));
        };
        let descriptor = Descriptor::decode(&first.descriptor)?.made_anew(self.due.effort);
        let descriptor = descriptor.clustered(&self.table);
        let (file, sink) = Unfinished::create(tables.shelf(), compaction.id())?;
        let is_auto = tables.hybrid(&self.table, self.branch).auto_compression;
        Ok(Running {
            compaction,
            file,
            writer: RowsWriter::new(&self.table, descriptor, sink, 1, is_auto)?,
            is_over: false,
        })
    }

    fn finish(&mut self, running: Running) -> Result<()> {
        let Running {
            compaction,
            file,
            writer,
            ..
        } = running;
        self.report = CompactionReport {
            segments: self.due.segments.len() as u64,
            rows: writer.rows(),
            dead: compaction.dead(),
        };
        if writer.rows() == 0 {
            return compaction.finish(None);
        }
        self.made = Some(compaction.id());
        let (frozen, descriptor, draft) = writer.finish()?;
        let rows = file.keep(draft, descriptor)?;
        compaction.finish(Some((frozen, rows)))?;
        // From here on the file belongs to the store.
        file.forget();
        Ok(())
    }
}
