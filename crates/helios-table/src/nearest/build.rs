//! Making an index of the rows of a snapshot, step by step.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use helios_base::{Result, TableId};
use helios_vector::{Calibrator, Index, Work};
use helios_version::{Read, RowCursor, Snapshot, Step};

use super::calibration::Measure;
use super::index::{NearestIndex, Parts, Subject};
use super::progress::{Phase, Progress};
use super::sample::Sample;
use super::slots::Slots;
use super::structure::{Shape, failure, holds};
use super::{vector_if, vector_of};
use crate::catalog::TableDef;
use crate::row::{IndexRules, StoredRow};

/// Vectors that are added together.
const BATCH: usize = 512;

/// An index in the making.
pub(super) struct Builder {
    subject: Subject,
    table: Arc<TableDef>,
    snapshot: Snapshot,
    cursor: RowCursor,
    vector: Vectors,
    state: State,
}

/// What the vector of a row is.
type Vectors = fn(&StoredRow<'_>, &IndexRules, usize) -> Result<Option<(Vec<f32>, u64)>>;

enum State {
    /// Some rows are kept to learn from.
    Sampling(Sample),
    Adding(Box<Adding>),
}

struct Adding {
    index: Box<dyn Index>,
    slots: Slots,
    times: u8,
    learnt: usize,
    calibrator: Calibrator,
    held: Held,
    /// How many rows there are, and how many of them were met and added.
    rows: usize,
    met: usize,
    added: usize,
}

/// Vectors that the index gets when it has been measured with them. They are chosen before any is added: what is
/// nearest to them may come first.
#[derive(Default)]
struct Held {
    /// Which of all vectors, ascending.
    places: VecDeque<usize>,
    ids: Vec<u64>,
    vectors: Vec<f32>,
}

impl Held {
    /// Chooses some of a sample, evenly, and lets a calibrator know them.
    fn of(sample: &Sample, calibrator: &mut Calibrator) -> Result<Self> {
        let count = Calibrator::wanted(sample.met()).min(sample.len());
        let step = sample.len().checked_div(count).unwrap_or(0);
        let mut held = Self::default();
        // Other ones than those that are moved.
        for at in (0..count).map(|number| number * step + step / 2) {
            if let Some(vector) = sample.get(at) {
                calibrator.hold(vector).map_err(failure)?;
                held.places.push_back(sample.place(at));
            }
        }
        Ok(held)
    }
}

impl Builder {
    /// Begins. `strict` fails on rows of which the index's expressions make no value.
    pub(super) fn new(
        subject: Subject,
        table: Arc<TableDef>,
        snapshot: Snapshot,
        strict: bool,
    ) -> Result<Self> {
        Ok(Self {
            cursor: all(&snapshot, table.storage)?,
            state: State::Sampling(Sample::new(subject.plan.dimensions)),
            subject,
            table,
            snapshot,
            vector: if strict { vector_of } else { vector_if },
        })
    }

    /// Looks at up to `budget` rows; the index once it has all.
    pub(super) fn step(&mut self, budget: usize, work: Work<'_>) -> Result<Option<NearestIndex>> {
        let more = match &self.state {
            State::Sampling(_) => self.sample(budget)?,
            State::Adding(_) => self.add(budget, work)?,
        };
        if more == Step::More {
            return Ok(None);
        }
        let table = self.table.storage;
        let plan = self.subject.plan;
        let sampling = State::Sampling(Sample::new(plan.dimensions));
        match std::mem::replace(&mut self.state, sampling) {
            State::Sampling(sample) => {
                let rows = sample.met();
                let shape = Shape::new(plan, rows);
                let learnt = if shape.learns() { rows } else { usize::MAX };
                let values = sample.values();
                let calibrator =
                    Calibrator::new(plan.metric, plan.dimensions, plan.of_bits, values);
                let mut calibrator = calibrator.map_err(failure)?;
                let held = Held::of(&sample, &mut calibrator)?;
                let sample: &[f32] = if shape.learns() { values } else { &[] };
                self.state = State::Adding(Box::new(Adding {
                    index: shape.make(sample, work)?,
                    slots: Slots::default(),
                    times: shape.times(),
                    learnt,
                    calibrator,
                    held,
                    rows,
                    met: 0,
                    added: 0,
                }));
                self.cursor = all(&self.snapshot, table)?;
                Ok(None)
            }
            State::Adding(adding) => {
                let Adding { index, times, .. } = *adding;
                let mut measure = Measure::new(plan.method, times, index.len());
                while measure.step(&adding.calibrator, &*index, work)? == Step::More {}
                let Held { ids, vectors, .. } = adding.held;
                index.insert(&ids, &vectors, work).map_err(failure)?;
                Ok(Some(NearestIndex::new(
                    self.subject.clone(),
                    Parts {
                        index,
                        slots: adding.slots,
                        base: (self.snapshot.branch(), self.snapshot.scn()),
                        times,
                        learnt: adding.learnt,
                        calibration: measure.finish(),
                    },
                )))
            }
        }
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        match &self.state {
            State::Sampling(_) => Progress {
                phase: Phase::Sampling,
                total: 0,
                done: 0,
            },
            State::Adding(adding) => Progress {
                phase: Phase::Adding,
                total: adding.rows as u64,
                done: adding.added as u64,
            },
        }
    }

    fn sample(&mut self, budget: usize) -> Result<Step> {
        let State::Sampling(sample) = &mut self.state else {
            return Ok(Step::Done);
        };
        let Subject { plan, rules, .. } = &self.subject;
        for _ in 0..budget {
            let Some(row) = self.cursor.next()? else {
                return Ok(Step::Done);
            };
            let row = StoredRow::from_ref(self.table.shape(), row)?;
            let found = (self.vector)(&row, rules, plan.dimensions)?;
            if let Some((vector, _)) = found.filter(|(vector, _)| holds(plan.metric, vector)) {
                sample.meet(&vector);
            }
        }
        Ok(Step::More)
    }

    fn add(&mut self, budget: usize, work: Work<'_>) -> Result<Step> {
        let State::Adding(adding) = &mut self.state else {
            return Ok(Step::Done);
        };
        let mut left = budget;
        while left > 0 {
            let (mut ids, mut vectors) = (Vec::new(), Vec::new());
            let mut ended = false;
            for _ in 0..left.min(BATCH) {
                left -= 1;
                let Some(row) = self.cursor.next()? else {
                    ended = true;
                    break;
                };
                let row = StoredRow::from_ref(self.table.shape(), row)?;
                let Subject { plan, rules, .. } = &self.subject;
                let found = (self.vector)(&row, rules, plan.dimensions)?;
                let Some((vector, print)) = found.filter(|(v, _)| holds(plan.metric, v)) else {
                    continue;
                };
                let Some(slot) = adding.slots.add(row.key(), print) else {
                    continue;
                };
                adding.slots.set_current(slot, true);
                let held = &mut adding.held;
                let place = adding.met;
                adding.met += 1;
                if held.places.front() == Some(&place) {
                    held.places.pop_front();
                    held.ids.push(slot);
                    held.vectors.extend(vector);
                } else {
                    ids.push(slot);
                    vectors.extend(vector);
                }
            }
            adding.index.insert(&ids, &vectors, work).map_err(failure)?;
            let met = adding.calibrator.meet(&ids, &vectors, work);
            met.map_err(failure)?;
            adding.added += ids.len();
            if ended {
                return Ok(Step::Done);
            }
        }
        Ok(Step::More)
    }
}

fn all(snapshot: &Snapshot, table: TableId) -> Result<RowCursor> {
    snapshot.scan(table, (Bound::Unbounded, Bound::Unbounded), false)
}
