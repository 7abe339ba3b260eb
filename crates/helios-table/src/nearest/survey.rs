//! Measuring an index anew, when it has grown: its rows are read to make queries of some, and once more to find what is
//! nearest to these.

use std::ops::Bound;
use std::sync::Arc;

use helios_base::Result;
use helios_vector::{Calibrator, Work};
use helios_version::{Read, RowCursor, Snapshot, Step, Store};

use super::calibration::Measure;
use super::index::{NearestIndex, kept};
use super::sample::Sample;
use super::structure::{failure, holds};
use super::vector_if;
use crate::catalog::TableDef;
use crate::row::StoredRow;

/// The measuring of an index.
pub(super) struct Survey {
    index: Arc<NearestIndex>,
    table: Arc<TableDef>,
    snapshot: Snapshot,
    cursor: RowCursor,
    state: State,
}

enum State {
    Sampling(Sample),
    Meeting(Calibrator),
    Asking(Calibrator, Measure),
}

impl Survey {
    /// Begins; `None` if the rows that the index has are no longer kept.
    pub(super) fn new(
        index: &Arc<NearestIndex>,
        store: &Store,
        table: &Arc<TableDef>,
    ) -> Result<Option<Self>> {
        let (branch, scn) = index.base();
        let snapshot = kept(store, branch, scn, index.subject().rows)?;
        let Some(snapshot) = snapshot.filter(|_| index.is_of(table)) else {
            return Ok(None);
        };
        Ok(Some(Self {
            index: Arc::clone(index),
            table: Arc::clone(table),
            cursor: all(&snapshot, table)?,
            snapshot,
            state: State::Sampling(Sample::new(index.subject().plan.dimensions)),
        }))
    }

    /// The index that is measured.
    pub(super) fn index(&self) -> &Arc<NearestIndex> {
        &self.index
    }

    /// Looks at up to `budget` rows, or asks with one effort; the index knows what was found once it is done.
    pub(super) fn step(mut self: Box<Self>, budget: usize) -> Result<Option<Box<Self>>> {
        let plan = self.index.subject().plan;
        self.state = match self.state {
            State::Sampling(mut sample) => {
                let show = |_, vector: Vec<f32>| sample.meet(&vector);
                match read(&mut self.cursor, &self.index, &self.table, budget, show)? {
                    Step::More => State::Sampling(sample),
                    Step::Done => {
                        self.cursor = all(&self.snapshot, &self.table)?;
                        let sample = sample.values();
                        let calibrator =
                            Calibrator::new(plan.metric, plan.dimensions, plan.of_bits, sample);
                        State::Meeting(calibrator.map_err(failure)?)
                    }
                }
            }
            State::Meeting(calibrator) => {
                let (mut ids, mut vectors) = (Vec::new(), Vec::new());
                let show = |slot, vector: Vec<f32>| {
                    ids.push(slot);
                    vectors.extend(vector);
                };
                let read = read(&mut self.cursor, &self.index, &self.table, budget, show)?;
                let met = calibrator.meet(&ids, &vectors, Work::default());
                met.map_err(failure)?;
                match read {
                    Step::More => State::Meeting(calibrator),
                    Step::Done => {
                        let vectors = self.index.len();
                        let measure = Measure::new(plan.method, self.index.times(), vectors);
                        State::Asking(calibrator, measure)
                    }
                }
            }
            State::Asking(calibrator, mut measure) => {
                let index = self.index.structure();
                if measure.step(&calibrator, index, Work::default())? == Step::Done {
                    self.index.measured(measure.finish());
                    return Ok(None);
                }
                State::Asking(calibrator, measure)
            }
        };
        Ok(Some(self))
    }
}

/// Shows the slots and vectors of up to `budget` rows.
fn read(
    cursor: &mut RowCursor,
    index: &NearestIndex,
    table: &TableDef,
    budget: usize,
    mut show: impl FnMut(u64, Vec<f32>),
) -> Result<Step> {
    let subject = index.subject();
    let plan = &subject.plan;
    for _ in 0..budget {
        let Some(row) = cursor.next()? else {
            return Ok(Step::Done);
        };
        let row = StoredRow::from_ref(table.shape(), row)?;
        let found = vector_if(&row, &subject.rules, plan.dimensions)?;
        if let Some((vector, print)) = found.filter(|(vector, _)| holds(plan.metric, vector))
            && let Some(slot) = index.slots().read().find(row.key(), print)
        {
            show(slot, vector);
        }
    }
    Ok(Step::More)
}

fn all(snapshot: &Snapshot, table: &TableDef) -> Result<RowCursor> {
    snapshot.scan(table.storage, (Bound::Unbounded, Bound::Unbounded), false)
}
