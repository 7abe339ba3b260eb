//! What is done to cold rows without being asked: freezing those that are old enough, making new segments of
//! old ones, bringing back rows that are read often, and all of tables whose `hybrid_storage` is off.
//!
//! Work goes on in *rounds*, in bounded steps: a round looks which tables of which branches may have rows that
//! are due, and takes one after the other. A table is looked at again when more rows are old enough, or old
//! versions are gone, but not too soon: a look passes over all rows outside of segments. One failure costs
//! one table an hour.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use helios_base::{BranchId, Error, Result, Scn, TableId};
use helios_version::{Adoption, Branch, SegmentInfo, Step, Thaw};
use parking_lot::{Mutex, MutexGuard};

use super::cluster::CLUSTER_BY;
use super::compact::{self, CompactionJob, CompactionReport};
use super::freeze::{FreezeJob, FreezeReport, Limits};
use super::hybrid::HybridStorage;
use super::promote::{self, PromotionDue, PromotionJob, PromotionReport};
use crate::catalog::TableDef;
use crate::tables::Tables;
use crate::temporary::is_temporary_schema;

/// Rows of one segment at most: more would keep its state of the store for long.
pub(super) const MOST_ROWS: u64 = 1 << 20;
/// A table is looked at so many times at most while a row gets cold.
const LOOKS: i64 = 128;
/// After a failure, in µs.
const AFTER_FAILURE: i64 = 3600 * 1_000_000;
/// How often one who waits asks whether to go on.
const PATIENCE: Duration = Duration::from_millis(20);

/// The work and its state.
#[derive(Default)]
pub(crate) struct Keeper(Mutex<State>);

/// What the work is at.
#[derive(Default)]
pub(crate) struct State {
    /// Segments whose rows did not all leave the row store when they should have.
    adoptions: Vec<Adoption>,
    /// What is to be done in the round; `None` between rounds.
    due: Option<VecDeque<Due>>,
    running: Option<(Due, Job)>,
    /// Segments made anew without finding dead rows: they are not looked at for that again.
    barren: HashSet<u64>,
    notes: HashMap<Place, Note>,
    /// Until when counts of reads have faded.
    faded: Option<i64>,
}

type Place = (BranchId, TableId);

/// What is done to one table.
enum Job {
    Freeze(FreezeJob),
    Compact(CompactionJob),
    Thaw(Thaw),
    Promote(PromotionJob),
}

impl Job {
    fn step(&mut self, tables: &Tables, budget: usize) -> Result<Step> {
        match self {
            Self::Freeze(job) => job.step(tables, budget),
            Self::Compact(job) => job.step(tables, budget),
            Self::Thaw(thaw) => thaw.step(budget),
            Self::Promote(job) => job.step(tables, budget),
        }
    }

    /// Finishes what cannot be left half done.
    fn settle(self) -> Result<()> {
        match self {
            Self::Freeze(job) => job.settle(),
            Self::Compact(_) | Self::Thaw(_) | Self::Promote(_) => Ok(()),
        }
    }

    const fn state(&self) -> &'static str {
        match self {
            Self::Freeze(job) => job.state(),
            Self::Compact(_) => "compacting",
            Self::Thaw(_) => "thawing",
            Self::Promote(_) => "promoting",
        }
    }
}

/// A table that may have rows to freeze, or segments to make anew.
struct Due {
    table: Arc<TableDef>,
    branch: BranchId,
    /// Rows not after this commit are to be frozen; `None` if that was done.
    until: Option<Scn>,
    hybrid: HybridStorage,
    /// From which commit on all versions of the table are kept.
    kept: Scn,
    /// What access asks for; then nothing else is to be done.
    promotion: Option<PromotionDue>,
}

impl Due {
    fn place(&self) -> Place {
        (self.branch, self.table.storage)
    }
}

/// What is remembered of a table.
#[derive(Clone, Debug, Default)]
struct Note {
    /// Which rows were old enough, and which versions gone, at the last look.
    looked: Option<(Scn, Scn)>,
    looked_at: Option<i64>,
    not_before: i64,
    report: FreezeReport,
    compacted: CompactionReport,
    thawed: ThawReport,
    promoted: PromotionReport,
    failure: Option<String>,
    /// What the table was to be clustered by at the last look.
    cluster: Option<String>,
}

/// What came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThawReport {
    /// Segments that are gone.
    pub segments: u64,
    /// Rows that they had, those that were written since among them.
    pub rows: u64,
}

/// How a table's rows get cold, for system views.
#[derive(Clone, Debug)]
pub struct HybridReport {
    /// The table.
    pub table: Arc<TableDef>,
    /// What its options say.
    pub hybrid: HybridStorage,
    /// What is done to it: `idle`, `counting`, `writing`, `adopting`, `compacting`, `thawing`, `promoting`.
    pub state: &'static str,
    /// When it was last looked at, in µs since 1970-01-01 UTC.
    pub looked_at: Option<i64>,
    /// What was frozen in the background since the database was opened.
    pub frozen: FreezeReport,
    /// What became of segments since.
    pub compacted: CompactionReport,
    /// What came back since.
    pub thawed: ThawReport,
    /// What came back since because it was read often.
    pub promoted: PromotionReport,
    /// Rows that came back so and have not gone again, those that were changed since among them.
    pub promoted_rows: u64,
    /// Why it did not work the last time.
    pub failure: Option<String>,
}

impl Keeper {
    /// Keeps the work still for as long as the guard lives.
    ///
    /// # Errors
    /// Those of `interrupt`; `Io`, `Corrupt`.
    pub(crate) fn pause(
        &self,
        interrupt: &dyn Fn() -> Result<()>,
    ) -> Result<MutexGuard<'_, State>> {
        let mut state = loop {
            match self.0.try_lock_for(PATIENCE) {
                Some(state) => break state,
                None => interrupt()?,
            }
        };
        // It is due again in the next round.
        if let Some((_, job)) = state.running.take() {
            job.settle()?;
        }
        for mut adoption in std::mem::take(&mut state.adoptions) {
            while adoption.step(super::freeze::STEP)? == Step::More {}
        }
        Ok(state)
    }
}

impl Tables {
    /// Does a bounded piece of the work on cold rows, about `budget` rows of it, at the time `now` in µs since
    /// 1970-01-01 UTC; begins a round if there is none. What fails with one table is noted, and the others
    /// go on.
    ///
    /// # Errors
    /// `Io`, `Corrupt` when it cannot be told what there is to do.
    pub fn tend_step(&self, now: i64, budget: usize) -> Result<Step> {
        let mut state = self.keeper.0.lock();
        if let Some(mut adoption) = state.adoptions.pop() {
            // One that fails is tried again in the next round.
            if matches!(adoption.step(budget), Ok(Step::More)) {
                state.adoptions.push(adoption);
            }
            return Ok(Step::More);
        }
        if let Some((due, mut job)) = state.running.take() {
            match job.step(self, budget) {
                Ok(Step::More) => state.running = Some((due, job)),
                Ok(Step::Done) => {
                    state.note(&due, now, &job);
                    if matches!(job, Job::Promote(_)) {
                        return Ok(Step::More);
                    }
                    if due.hybrid.is_off {
                        self.thaw(&mut state, due, now);
                        return Ok(Step::More);
                    }
                    // Freezing may have made one small segment too many; one compaction may lead to another.
                    self.compact(&mut state, due, now);
                }
                Err(error) => state.fail(&due, now, &error),
            }
            return Ok(Step::More);
        }
        let Some(round) = &mut state.due else {
            state.adoptions = self.store().adoptions();
            state
                .notes
                .retain(|(branch, _), _| self.store().branch_by_id(*branch).is_some());
            self.fade(&mut state, now);
            let due = self.due(&state.notes, now)?;
            let nothing = due.is_empty() && state.adoptions.is_empty();
            state.due = (!nothing).then_some(due);
            return Ok(if nothing { Step::Done } else { Step::More });
        };
        let Some(mut due) = round.pop_front() else {
            state.due = None;
            return Ok(Step::Done);
        };
        if let Some(promotion) = due.promotion.take() {
            let job = PromotionJob::new(due.place(), promotion, now);
            state.running = Some((due, Job::Promote(job)));
            return Ok(Step::More);
        }
        if due.hybrid.is_off {
            self.thaw(&mut state, due, now);
            return Ok(Step::More);
        }
        match due.until {
            Some(until) => {
                let limits = Limits {
                    least: due.hybrid.min_rows,
                    most: MOST_ROWS,
                };
                let job = FreezeJob::new(due.table.clone(), due.branch, until, limits);
                state.running = Some((due, Job::Freeze(job)));
            }
            None => self.compact(&mut state, due, now),
        }
        Ok(Step::More)
    }

    /// Lets go of what is left of the round: the next one looks anew at what there is to do. Who asks for all that is due
    /// calls it first, for a round that is on may have begun before what he did last.
    pub fn tend_anew(&self) {
        self.keeper.0.lock().due = None;
    }

    /// Lets what was counted of reads fade as time goes by.
    fn fade(&self, state: &mut State, now: i64) {
        let faded = *state.faded.get_or_insert(now);
        let times = now.saturating_sub(faded) / promote::FADING;
        if times > 0 {
            promote::cool(self, u32::try_from(times).unwrap_or(u32::MAX));
            state.faded = Some(faded.saturating_add(times * promote::FADING));
        }
    }

    /// Begins what is to be done to the segments of a table.
    fn compact(&self, state: &mut State, due: Due, now: i64) {
        let store = self.store();
        let mut segments = store.segments();
        segments.retain(|info| (info.branch, info.table) == due.place());
        let old = store.scn_before(now.saturating_sub(due.hybrid.cold));
        match compact::due(store, &due.table, &segments, old, &state.barren) {
            Ok(Some(wanted)) => {
                let job = CompactionJob::new(due.table.clone(), due.branch, wanted);
                state.running = Some((due, Job::Compact(job)));
            }
            Ok(None) => state.rest(&due, now),
            Err(error) => state.fail(&due, now, &error),
        }
    }

    /// Begins to bring back the rows of a segment of a table, if it has any.
    fn thaw(&self, state: &mut State, due: Due, now: i64) {
        let mut segments = self.store().segments().into_iter();
        let of_table = |info: &SegmentInfo| (info.branch, info.table) == due.place();
        // Those that are not wholly adopted are so first.
        let Some(segment) = segments.find(|s| of_table(s) && s.adopted == s.rows) else {
            return;
        };
        match self.store().thaw(&segment) {
            Ok(thaw) => state.running = Some((due, Job::Thaw(thaw))),
            Err(error) => state.fail(&due, now, &error),
        }
    }

    /// The tables that may have rows to freeze, or segments to make anew.
    fn due(&self, notes: &HashMap<Place, Note>, now: i64) -> Result<VecDeque<Due>> {
        let store = self.store();
        store.note_age(now)?;
        let segments = store.segments();
        let cold: HashSet<Place> = segments.iter().map(|s| (s.branch, s.table)).collect();
        let promoted = store.promoted();
        let mut all = VecDeque::new();
        let branches = store.branches();
        let Some(main) = branches.iter().find(|branch| branch.parent.is_none()) else {
            return Ok(all);
        };
        for branch in &branches {
            let written = store.tables_written(branch.id)?;
            // Most branches of many have nothing of their own.
            if written.iter().all(|table| is_catalog(*table))
                && !cold.iter().any(|(on, _)| *on == branch.id)
                && !promoted.keys().any(|(_, on)| *on == branch.id)
            {
                continue;
            }
            for table in self.newest_catalog(branch.id)?.tables() {
                let hybrid = HybridStorage::of(&table.options, branch, main);
                let place = (branch.id, table.storage);
                let is_cold = cold.contains(&place);
                let rows = promoted.get(&(table.storage, branch.id)).copied();
                let is_due = hybrid.is_on || (hybrid.is_off && (is_cold || rows.is_some()));
                if !is_due || is_temporary_schema(&table.schema_name) {
                    continue;
                }
                let until = store.scn_before(now.saturating_sub(hybrid.hot));
                // From which commit on all versions of it are kept. Older ones may be gone since: rows that had some may move.
                let kept = store.kept(branch.id, Some(table.storage));
                let note = notes.get(&place);
                let cluster = table.options.get(CLUSTER_BY);
                let has_failed = note.is_some_and(|n| n.not_before > now && n.failure.is_some());
                if (is_cold || rows.is_some())
                    && !has_failed
                    && let Some(promotion) =
                        promote::due(self, place, &segments, (&hybrid, now), rows.unwrap_or(0))
                {
                    all.push_back(Due {
                        table: table.clone(),
                        branch: branch.id,
                        until: None,
                        hybrid,
                        kept,
                        promotion: Some(promotion),
                    });
                }
                if note.is_some_and(|n| n.not_before > now && n.cluster.as_ref() == cluster) {
                    continue;
                }
                let is_due = !hybrid.is_off
                    && until > Scn::ZERO
                    && written.contains(&table.storage)
                    && note.is_none_or(|note| note.looked != Some((until, kept)));
                let until = is_due.then_some(until);
                if is_due || is_cold {
                    all.push_back(Due {
                        table: table.clone(),
                        branch: branch.id,
                        until,
                        hybrid,
                        kept,
                        promotion: None,
                    });
                }
            }
        }
        Ok(all)
    }

    /// How the rows of the tables of a branch get cold.
    ///
    /// # Errors
    /// As [`Tables::newest_catalog`].
    pub fn hybrid_report(&self, branch: &Branch) -> Result<Vec<HybridReport>> {
        let branches = self.store().branches();
        let main = branches.iter().find(|branch| branch.parent.is_none());
        let main = main.unwrap_or(branch);
        let catalog = self.newest_catalog(branch.id)?;
        let promoted = self.store().promoted();
        let state = self.keeper.0.lock();
        let tables = catalog.tables();
        let tables = tables.filter(|table| !is_temporary_schema(&table.schema_name));
        Ok(tables
            .map(|table| {
                let place = (branch.id, table.storage);
                let note = state.notes.get(&place).cloned().unwrap_or_default();
                let running = state.running.as_ref();
                let running = running.filter(|(due, _)| due.place() == place);
                HybridReport {
                    table: table.clone(),
                    hybrid: HybridStorage::of(&table.options, branch, main),
                    state: running.map_or("idle", |(_, job)| job.state()),
                    looked_at: note.looked_at,
                    frozen: note.report,
                    compacted: note.compacted,
                    thawed: note.thawed,
                    promoted: note.promoted,
                    promoted_rows: promoted
                        .get(&(table.storage, branch.id))
                        .copied()
                        .unwrap_or(0),
                    failure: note.failure,
                }
            })
            .collect())
    }
}

impl State {
    /// Remembers what came of work on a table.
    fn note(&mut self, due: &Due, now: i64, job: &Job) {
        let note = self.notes.entry(due.place()).or_default();
        note.failure = None;
        match job {
            Job::Freeze(job) => {
                let report = job.report();
                note.report.segments += report.segments;
                note.report.rows += report.rows;
                note.report.bytes += report.bytes;
                note.looked_at = Some(now);
                note.looked = due.until.map(|until| (until, due.kept));
            }
            Job::Compact(job) => {
                let report = job.report();
                note.compacted.segments += report.segments;
                note.compacted.rows += report.rows;
                note.compacted.dead += report.dead;
                self.barren.extend(job.barren());
            }
            Job::Thaw(thaw) => {
                note.looked_at = Some(now);
                note.thawed.segments += 1;
                note.thawed.rows += thaw.rows();
            }
            Job::Promote(job) => {
                let report = job.report();
                note.promoted.rows += report.rows;
                note.promoted.demoted += report.demoted;
            }
        }
    }

    /// Leaves a table alone for a while.
    fn rest(&mut self, due: &Due, now: i64) {
        let note = self.notes.entry(due.place()).or_default();
        note.not_before = now.saturating_add(due.hybrid.hot / LOOKS);
        note.cluster = due.table.options.get(CLUSTER_BY).cloned();
    }

    /// Remembers what went wrong with a table.
    fn fail(&mut self, due: &Due, now: i64, failure: &Error) {
        let note = self.notes.entry(due.place()).or_default();
        note.looked_at = Some(now);
        note.looked = None;
        note.not_before = now.saturating_add(AFTER_FAILURE);
        note.cluster = due.table.options.get(CLUSTER_BY).cloned();
        note.failure = Some(failure.to_string());
    }
}

/// Whether it is one of the tables that have the catalog.
fn is_catalog(table: TableId) -> bool {
    table.0 < crate::catalog::FIRST_USER_ID
}
