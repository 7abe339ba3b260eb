//! Partial aggregation of rows as segments keep them: decimals in 64 bits, few strings as codes.
//!
//! Rows that a condition of the scan left out are passed over, not copied away. What does not come in such a form (rows outside of
//! segments, `NULL`, many strings, numbers too large) is made a batch as ever, for the aggregation above to do in its way; sums of both meet
//! in its accumulators.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType as ArrowType, SchemaRef};
use datafusion::common::Result as DfResult;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::GroupsAccumulator;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::metrics::Time;
use datafusion::physical_plan::{EmptyRecordBatchStream, ExecutionPlan};
use futures::{Stream, StreamExt, stream};

use super::calls::{Calls, Made, Projections, Way, sums};
use super::codes::{Codes, Places, SOMEWHERE, is_nowhere};
use super::tally::Tally;
use super::terms::{BLOCK, Computed};
use super::views::Groups;
use crate::fusion::error::to_datafusion;
use crate::fusion::scan::{Batches, Ready};

/// Where one row of so many is wanted, or fewer, the others are left out first.
const SPARSE: usize = 4;

/// Sums of rows by group.
struct Kept {
    /// The group's columns among those of the scan.
    keys: Vec<usize>,
    calls: Calls,
    codes: Codes,
    computed: Computed,
    places: Places,
    tally: Tally,
}

/// What an aggregation reads.
pub(super) enum Input {
    Batches(SendableRecordBatchStream),
    Kept(Box<KeptInput>),
}

/// Rows of a scan.
pub(super) struct KeptInput {
    scan: Batches,
    schema: SchemaRef,
    projections: Projections,
    most: usize,
    /// Rows that are to be made batches.
    ready: Option<Ready>,
    /// Where rows are added up as they are, until there are other groups than can be.
    kept: Option<Kept>,
    /// What that takes.
    time: Time,
}

/// Whether rows may be added up as they are kept.
pub(super) fn serves(aggregate: &AggregateExec) -> DfResult<bool> {
    match Way::of(aggregate) {
        Some(way) => Ok(Kept::of(aggregate, &way)?.is_some()),
        None => Ok(false),
    }
}

impl Input {
    /// Part of the input of an aggregation.
    pub(super) fn of(
        aggregate: &AggregateExec,
        partition: usize,
        task: &Arc<TaskContext>,
        time: Time,
    ) -> DfResult<Self> {
        let way = Way::of(aggregate);
        let kept = way.as_ref().map(|way| Kept::of(aggregate, way));
        let (Some(way), Some(kept)) = (way, kept.transpose()?.flatten()) else {
            let input = aggregate.input().execute(partition, Arc::clone(task))?;
            return Ok(Self::Batches(input));
        };
        // A single part of few rows is as soon added up as shared out.
        if way.is_shared && partition > 0 {
            let schema = aggregate.input().schema();
            return Ok(Self::Batches(Box::pin(EmptyRecordBatchStream::new(schema))));
        }
        Ok(Self::Kept(Box::new(KeptInput {
            scan: way.scan.batches(partition, task)?,
            schema: way.scan.schema(),
            projections: way.projections(),
            most: task.session_config().batch_size(),
            ready: None,
            kept: Some(kept),
            time,
        })))
    }

    /// The next rows that are not added up yet.
    pub(super) async fn next(&mut self, groups: &mut Groups) -> DfResult<Option<RecordBatch>> {
        match self {
            Self::Batches(batches) => batches.next().await.transpose(),
            Self::Kept(kept) => kept.next(Some(groups)).await,
        }
    }

    /// Adds what was added up here to what was elsewhere.
    pub(super) fn finish(
        &mut self,
        sums: &mut [Box<dyn GroupsAccumulator>],
        total: usize,
    ) -> DfResult<()> {
        match self {
            Self::Kept(input) => match input.kept.take() {
                Some(kept) => kept.finish(sums, total),
                None => Ok(()),
            },
            Self::Batches(_) => Ok(()),
        }
    }

    /// All rows that follow.
    pub(super) fn rest(self) -> impl Stream<Item = DfResult<RecordBatch>> + Send + 'static {
        let kept = match self {
            Self::Batches(batches) => return batches.boxed(),
            Self::Kept(kept) => kept,
        };
        let rest = stream::try_unfold(kept, |mut kept| async move {
            let batch = kept.next(None).await?;
            Ok(batch.map(|batch| (batch, kept)))
        });
        rest.boxed()
    }
}

impl KeptInput {
    /// The next rows; those that can be are added up, by groups, if there are groups.
    async fn next(&mut self, mut groups: Option<&mut Groups>) -> DfResult<Option<RecordBatch>> {
        loop {
            if let Some(ready) = &mut self.ready {
                let batch = ready.batch(&self.schema, self.most);
                if let Some(batch) = batch.map_err(to_datafusion)? {
                    return self.projections.apply(batch).map(Some);
                }
                self.ready = None;
            }
            let Some(mut ready) = self.scan.kept().map_err(to_datafusion)? else {
                return Ok(None);
            };
            if let (Some(kept), Some(groups)) = (&mut self.kept, &mut groups) {
                let _timer = self.time.timer();
                ready.settle(SPARSE).map_err(to_datafusion)?;
                kept.add(&mut ready, groups);
            }
            self.ready = Some(ready);
            tokio::task::consume_budget().await;
        }
    }
}

impl Kept {
    /// `None` if the aggregation asks something else than groups of strings and sums and counts of numbers.
    fn of(aggregate: &AggregateExec, way: &Way<'_>) -> DfResult<Option<Self>> {
        if !way.scan.is_apart() {
            return Ok(None);
        }
        let mut keys = Vec::new();
        for key in aggregate.group_expr().input_exprs() {
            match way.column(&key) {
                Some((column, ArrowType::Utf8View)) => keys.push(column),
                _ => return Ok(None),
            }
        }
        if keys.is_empty() {
            return Ok(None);
        }
        let calls = Calls::of(aggregate, way)?;
        Ok(calls.map(|calls| Self {
            keys,
            codes: Codes::new(),
            computed: calls.terms.room(),
            places: [0; BLOCK],
            tally: Tally::new(calls.summed.clone()),
            calls,
        }))
    }

    /// Adds up the first of the rows, as many as can be.
    fn add(&mut self, ready: &mut Ready, groups: &mut Groups) {
        let columns: Vec<ArrayRef> = ready.arrays().collect();
        let keys: Option<Vec<ArrayRef>> = self
            .keys
            .iter()
            .map(|at| columns.get(*at).cloned())
            .collect();
        let (Some(keys), Some(inputs)) = (keys, self.calls.inputs(&columns)) else {
            return;
        };
        let Some(coded) = self.codes.begin(&keys) else {
            return;
        };
        let wanted = ready.wanted();
        let rows = ready.left();
        let mut done = 0;
        while done < rows {
            let block = BLOCK.min(rows - done);
            let found = (self.codes).find(
                &coded,
                done,
                block,
                wanted.as_ref(),
                groups,
                &mut self.places,
            );
            let terms = &self.calls.terms;
            let is_added = found.is_some()
                && (is_nowhere(&self.places)
                    || terms.compute(&inputs, done, block, &mut self.computed)
                        && self.tally.add(&self.places, &self.computed));
            if !is_added {
                break;
            }
            done += block;
        }
        ready.advance(done);
    }

    fn finish(mut self, sums_of: &mut [Box<dyn GroupsAccumulator>], total: usize) -> DfResult<()> {
        self.tally.settle();
        let counts = self.tally.counts().iter().enumerate().take(SOMEWHERE);
        let (groups, counts): (Vec<usize>, Vec<i64>) = counts
            .filter(|(_, count)| **count > 0)
            .map(|(group, count)| (group, *count))
            .unzip();
        if groups.is_empty() {
            return Ok(());
        }
        for (sum, made) in sums_of.iter_mut().zip(&self.calls.made) {
            let state: ArrayRef = match made {
                Made::Count => Arc::new(Int64Array::from(counts.clone())),
                Made::Sum(term, ty) => {
                    let totals = self.tally.totals(*term);
                    let total = |group: &usize| totals.and_then(|totals| totals.get(*group));
                    sums(
                        ty,
                        groups
                            .iter()
                            .map(|group| total(group).copied().unwrap_or(0)),
                    )?
                }
            };
            sum.merge_batch(&[state], &groups, total)?;
        }
        Ok(())
    }
}
