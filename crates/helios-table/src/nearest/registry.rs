//! The indexes of nearness of an open database, and the work on them within a budget.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use helios_base::{BranchId, IndexId, Result};
use helios_vector::Work;
use helios_version::{Read, Snapshot, Step};
use parking_lot::{Mutex, RwLock};

use super::build::Builder;
use super::calibration::Calibration;
use super::index::{CatchUp, NearestIndex, Subject};
use super::progress::Watch;
use super::saved;
use super::searches::Searches;
use super::structure::failure;
use super::survey::Survey;
use crate::catalog::{Blueprint, Catalog, IndexDef, TableDef};
use crate::tables::Tables;

/// How long an index may wait for its definition to be committed.
const UNSEEN: Duration = Duration::from_secs(3600);
/// An index that has learnt from fewer rows than one in so many that it has now is made anew.
const OUTGROWN: usize = 8;
/// It is saved again once it has grown by one in so many.
const SAVED_SHARE: usize = 10;
/// It is made anew once it has so many times as many vectors as the table has rows, and so many more.
const PAST_TIMES: u64 = 2;
const PAST_MIN: u64 = 1000;
/// No more threads than this make an index.
const THREADS_MAX: NonZeroUsize = match NonZeroUsize::new(16) {
    Some(most) => most,
    None => NonZeroUsize::MIN,
};
/// Rows after which is told how far it is.
const STRIDE: usize = 4096;

/// The indexes of an open database.
#[derive(Default)]
pub(crate) struct Registry {
    pub(super) searches: Searches,
    ready: RwLock<HashMap<IndexId, Ready>>,
    work: Mutex<Agenda>,
}

struct Ready {
    index: Arc<NearestIndex>,
    /// When it was made, until a committed catalog has shown its definition.
    unseen: Option<Instant>,
    /// How many vectors its file has.
    saved: usize,
}

#[derive(Default)]
struct Agenda {
    running: Option<Job>,
    /// What is still to be looked at in this round.
    due: VecDeque<Wanted>,
}

enum Job {
    Build(Box<Builder>, IndexId),
    CatchUp(Box<CatchUp>),
    Survey(Box<Survey>),
}

/// An index that a catalog has.
struct Wanted {
    branch: BranchId,
    table: Arc<TableDef>,
    subject: Subject,
}

/// What an index of nearness is like.
#[derive(Clone, Debug)]
pub struct NearestReport {
    /// Vectors in it, those of the past among them.
    pub vectors: usize,
    /// Bytes in memory.
    pub bytes: usize,
    /// What stands for vectors in it, if not these.
    pub codes: Option<String>,
    /// The base: it has all rows of this branch at this change number.
    pub base: (BranchId, helios_base::Scn),
    /// How much of what is nearest it finds, by how far it looks.
    pub calibration: Arc<Calibration>,
    /// From how many rows it has learnt; `None` if it learns nothing.
    pub learnt: Option<usize>,
    /// What it is to be.
    pub plan: Blueprint,
}

impl Tables {
    /// The index of nearness of a definition, if it is there already.
    #[must_use]
    pub fn nearest(&self, def: &IndexDef) -> Option<Arc<NearestIndex>> {
        let ready = self.nearest.ready.read();
        ready.get(&def.storage).map(|ready| ready.index.clone())
    }

    /// What the index of a definition is like, if it is there.
    #[must_use]
    pub fn nearest_report(&self, def: &IndexDef) -> Option<NearestReport> {
        let index = self.nearest(def)?;
        Some(NearestReport {
            vectors: index.len(),
            bytes: index.memory().total(),
            codes: index.codes(),
            base: index.base(),
            calibration: index.calibration(),
            learnt: Some(index.learnt()).filter(|learnt| *learnt < usize::MAX),
            plan: index.subject().plan,
        })
    }

    /// Whether there is any index of nearness to look after.
    #[must_use]
    pub fn has_nearest(&self) -> bool {
        !self.nearest.ready.read().is_empty() || self.nearest.work.lock().running.is_some()
    }

    /// Makes an index of the newest rows, on all processors; `watch` is told how far it is, and says now and then
    /// whether it is still wanted.
    ///
    /// # Errors
    /// 57014 when it is not, 22023 for options that do not fit; as [`Read::get`].
    pub fn make_nearest(
        &self,
        branch: BranchId,
        catalog: &Arc<Catalog>,
        table: &Arc<TableDef>,
        def: &IndexDef,
        watch: Watch<'_>,
    ) -> Result<()> {
        if def.nearest.is_none() {
            return Ok(());
        }
        let rules = self.rules(catalog, table)?;
        let Some(subject) = Subject::of(table, def, &rules)? else {
            return Ok(());
        };
        let newest = self.store().snapshot(branch, None)?;
        let mut builder = Builder::new(subject, Arc::clone(table), newest, true)?;
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = threads.min(THREADS_MAX);
        let go_on = |_| watch(None);
        let work = Work::threads(threads).watched(&go_on);
        let index = loop {
            if !watch(Some(builder.progress())) {
                return Err(failure(helios_vector::Error::Cancelled));
            }
            if let Some(index) = builder.step(STRIDE, work)? {
                break index;
            }
        };
        let ready = Ready {
            index: Arc::new(index),
            unseen: Some(Instant::now()),
            saved: 0,
        };
        self.nearest.ready.write().insert(def.storage, ready);
        Ok(())
    }

    /// Does a bounded piece of the work on indexes of nearness, about `budget` rows of it: reads saved ones, makes those
    /// that are missing, brings the others forward, forgets those that were dropped, and saves what has changed much.
    ///
    /// # Errors
    /// As [`Read::get`]; `Io` when a file cannot be written. An index that failed is made anew in the next round.
    pub fn nearest_step(&self, budget: usize) -> Result<Step> {
        let mut agenda = self.nearest.work.lock();
        match agenda.running.take() {
            Some(Job::Build(mut builder, id)) => {
                match builder.step(budget, Work::default())? {
                    Some(index) => self.publish(id, index)?,
                    None => agenda.running = Some(Job::Build(builder, id)),
                }
                return Ok(Step::More);
            }
            Some(Job::CatchUp(mut job)) => {
                let id = job.index().subject().index;
                match job.step(budget) {
                    Ok(Step::More) => agenda.running = Some(Job::CatchUp(job)),
                    Ok(Step::Done) => {
                        self.save_grown(id)?;
                        agenda.running = self.begin_survey(job.index(), job.table())?;
                    }
                    Err(error) => {
                        // Slots may be there whose vectors are not.
                        self.nearest.ready.write().remove(&id);
                        return Err(error);
                    }
                }
                return Ok(Step::More);
            }
            Some(Job::Survey(job)) => {
                let id = job.index().subject().index;
                match job.step(budget)? {
                    Some(job) => agenda.running = Some(Job::Survey(job)),
                    None => self.save_again(id)?,
                }
                return Ok(Step::More);
            }
            None => {}
        }
        if agenda.due.is_empty() {
            agenda.due = self.wanted()?;
            self.forget_dropped(&agenda.due);
        }
        while let Some(wanted) = agenda.due.pop_front() {
            if let Some(job) = self.begin_nearest(wanted)? {
                agenda.running = Some(job);
                return Ok(Step::More);
            }
        }
        Ok(Step::Done)
    }

    /// The indexes of all branches, each once.
    fn wanted(&self) -> Result<VecDeque<Wanted>> {
        let mut wanted: VecDeque<Wanted> = VecDeque::new();
        let mut branches = self.store().branches();
        branches.sort_by_key(|branch| branch.id != BranchId::MAIN);
        for branch in branches {
            let catalog: Arc<Catalog> = self.newest_catalog(branch.id)?;
            for table in catalog.tables() {
                for def in table.indexes.iter().filter(|def| def.nearest.is_some()) {
                    let known = |w: &Wanted| w.subject.index == def.storage;
                    if wanted.iter().any(known) {
                        continue;
                    }
                    // A column may have become something else meanwhile.
                    let rules = self.rules(&catalog, table);
                    if let Ok(Some(subject)) =
                        rules.and_then(|rules| Subject::of(table, def, &rules))
                    {
                        wanted.push_back(Wanted {
                            branch: branch.id,
                            table: Arc::clone(table),
                            subject,
                        });
                    }
                }
            }
        }
        Ok(wanted)
    }

    fn forget_dropped(&self, wanted: &VecDeque<Wanted>) {
        let known = |id: IndexId| wanted.iter().any(|wanted| wanted.subject.index == id);
        let mut ready = self.nearest.ready.write();
        ready.retain(|id, ready| {
            if known(*id) {
                ready.unseen = None;
            }
            known(*id) || ready.unseen.is_some_and(|since| since.elapsed() < UNSEEN)
        });
        let kept = |id: IndexId| ready.contains_key(&id) || known(id);
        saved::clean(self.store(), kept);
    }

    /// What there is to do for an index.
    fn begin_nearest(&self, wanted: Wanted) -> Result<Option<Job>> {
        let id = wanted.subject.index;
        let ready = self.nearest.ready.read();
        let found = ready.get(&id).map(|ready| Arc::clone(&ready.index));
        drop(ready);
        let index = match found {
            Some(index) => Some(index),
            None => saved::read(&wanted.subject, self.store())?.map(|index| {
                let index = Arc::new(index);
                let ready = Ready {
                    saved: index.len(),
                    index: Arc::clone(&index),
                    unseen: None,
                };
                self.nearest.ready.write().insert(id, ready);
                index
            }),
        };
        let build = |wanted: Wanted| -> Result<Option<Job>> {
            let newest = self.store().snapshot(wanted.branch, None)?;
            let builder = Builder::new(wanted.subject, wanted.table, newest, false)?;
            Ok(Some(Job::Build(Box::new(builder), id)))
        };
        let Some(index) = index else {
            return build(wanted);
        };
        let (branch, scn) = index.base();
        let Ok(newest) = self.store().snapshot(branch, None) else {
            return build(wanted);
        };
        let slots = index.slots().read().len();
        let outgrown = index.learnt() < slots / OUTGROWN || index.lacks_codes(slots);
        if outgrown || self.is_of_the_past(&newest, &wanted, slots)? {
            return build(wanted);
        }
        if newest.scn() <= scn {
            // The base is the newest; its file may be behind.
            self.save_grown(id)?;
            return self.begin_survey(&index, &wanted.table);
        }
        match CatchUp::new(&index, self.store(), &newest, &wanted.table)? {
            Some(job) => Ok(Some(Job::CatchUp(Box::new(job)))),
            None => build(wanted),
        }
    }

    /// Whether most of an index's vectors are none of the table's rows any more.
    fn is_of_the_past(&self, newest: &Snapshot, wanted: &Wanted, slots: usize) -> Result<bool> {
        if (slots as u64) < PAST_MIN {
            return Ok(false);
        }
        let rows = self.row_count(newest, &wanted.table)?;
        Ok(slots as u64 > rows.saturating_mul(PAST_TIMES).saturating_add(PAST_MIN))
    }

    fn publish(&self, id: IndexId, index: NearestIndex) -> Result<()> {
        let ready = Ready {
            index: Arc::new(index),
            unseen: None,
            saved: 0,
        };
        self.nearest.ready.write().insert(id, ready);
        self.save_grown(id)
    }

    /// Begins to measure an index again, if it has grown much since it was measured.
    fn begin_survey(
        &self,
        index: &Arc<NearestIndex>,
        table: &Arc<TableDef>,
    ) -> Result<Option<Job>> {
        if !index.calibration().is_outgrown(index.len()) {
            return Ok(None);
        }
        let survey = Survey::new(index, self.store(), table)?;
        Ok(survey.map(|survey| Job::Survey(Box::new(survey))))
    }

    /// Saves an index that was measured.
    fn save_again(&self, id: IndexId) -> Result<()> {
        if let Some(ready) = self.nearest.ready.write().get_mut(&id) {
            ready.saved = 0;
        }
        self.save_grown(id)
    }

    /// Saves an index that has grown since it was saved.
    fn save_grown(&self, id: IndexId) -> Result<()> {
        let ready = self.nearest.ready.read();
        let Some((index, saved)) = ready
            .get(&id)
            .map(|ready| (Arc::clone(&ready.index), ready.saved))
        else {
            return Ok(());
        };
        drop(ready);
        let now = index.len();
        if now <= saved.saturating_add(saved / SAVED_SHARE) && saved > 0 || now == 0 {
            return Ok(());
        }
        saved::save(&index, self.store())?;
        if let Some(ready) = self.nearest.ready.write().get_mut(&id) {
            ready.saved = now;
        }
        Ok(())
    }
}
