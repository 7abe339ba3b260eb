//! Partial aggregation of rows as segments keep them: decimals in 64 bits, few strings as codes.
//!
//! Rows that a condition of the scan left out are passed over, not copied away. What does not come in such a form (rows outside of
//! segments, `NULL`, many strings, numbers too large) is made a batch as ever, for the aggregation above to do in its way; sums of both meet
//! in its accumulators.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Decimal128Array, Decimal256Array, Int64Array, RecordBatch, RecordBatchOptions,
};
use arrow::datatypes::{DataType as ArrowType, SchemaRef, i256};
use datafusion::common::{Result as DfResult, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::GroupsAccumulator;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{
    EmptyRecordBatchStream, ExecutionPlan, ExecutionPlanProperties, Partitioning, PhysicalExpr,
};
use futures::{Stream, StreamExt, stream};

use super::codes::{Codes, Places, SOMEWHERE, is_nowhere};
use super::tally::Tally;
use super::terms::{BLOCK, Computed, Numbered, Terms};
use super::views::Groups;
use crate::fusion::error::to_datafusion;
use crate::fusion::scan::{Batches, Ready, StoredScan};

/// Where one row of so many is wanted, or fewer, the others are left out first.
const SPARSE: usize = 4;

/// How many rows there are of what an aggregate counts or adds up.
enum Made {
    Count,
    /// The sum of a term of the tally, and its type between the steps of an aggregation.
    Sum(usize, ArrowType),
}

/// Sums of rows by group.
struct Kept {
    /// The group's columns among those of the scan.
    keys: Vec<usize>,
    /// Columns that must have no `NULL`.
    counted: Vec<usize>,
    terms: Terms,
    calls: Vec<Made>,
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
    /// What lies between the scan and the aggregation, the lowest last.
    projections: Vec<(Vec<ProjectionExpr>, SchemaRef)>,
    most: usize,
    /// Rows that are to be made batches.
    ready: Option<Ready>,
    /// Where rows are added up as they are, until there are other groups than can be.
    kept: Option<Kept>,
}

/// What stands between an aggregation and the scan that it reads, the highest first.
fn way(aggregate: &AggregateExec) -> Option<(Vec<&ProjectionExec>, &StoredScan)> {
    let mut projections = Vec::new();
    let mut input = aggregate.input();
    loop {
        // A single part of few rows is as soon added up as shared out.
        if let Some(share) = input.downcast_ref::<RepartitionExec>()
            && let Partitioning::RoundRobinBatch(_) = share.partitioning()
            && share.input().output_partitioning().partition_count() == 1
        {
            input = share.input();
            continue;
        }
        if let Some(projection) = input.downcast_ref::<ProjectionExec>() {
            projections.push(projection);
            input = projection.input();
        } else if let Some(inner) = input.downcast_ref::<CooperativeExec>() {
            input = inner.input();
        } else {
            let scan = input.downcast_ref::<StoredScan>()?;
            return scan.is_apart().then_some((projections, scan));
        }
    }
}

/// Whether rows may be added up as they are kept.
pub(super) fn serves(aggregate: &AggregateExec) -> DfResult<bool> {
    Ok(Kept::of(aggregate)?.is_some())
}

impl Input {
    /// Part of the input of an aggregation.
    pub(super) fn of(
        aggregate: &AggregateExec,
        partition: usize,
        task: &Arc<TaskContext>,
    ) -> DfResult<Self> {
        let (Some(kept), Some((projections, scan))) = (Kept::of(aggregate)?, way(aggregate)) else {
            let input = aggregate.input().execute(partition, Arc::clone(task))?;
            return Ok(Self::Batches(input));
        };
        if partition >= scan.properties().partitioning.partition_count() {
            let schema = aggregate.input().schema();
            return Ok(Self::Batches(Box::pin(EmptyRecordBatchStream::new(schema))));
        }
        let projection = |node: &&ProjectionExec| (node.expr().to_vec(), node.schema());
        Ok(Self::Kept(Box::new(KeptInput {
            scan: scan.batches(partition, task)?,
            schema: scan.schema(),
            projections: projections.iter().map(projection).collect(),
            most: task.session_config().batch_size(),
            ready: None,
            kept: Some(kept),
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
                if let Some(batch) = ready
                    .batch(&self.schema, self.most)
                    .map_err(to_datafusion)?
                {
                    return self.projected(batch).map(Some);
                }
                self.ready = None;
            }
            let Some(mut ready) = self.scan.kept().map_err(to_datafusion)? else {
                return Ok(None);
            };
            if let (Some(kept), Some(groups)) = (&mut self.kept, &mut groups) {
                ready.settle(SPARSE).map_err(to_datafusion)?;
                kept.add(&mut ready, groups);
            }
            self.ready = Some(ready);
            tokio::task::consume_budget().await;
        }
    }

    fn projected(&self, mut batch: RecordBatch) -> DfResult<RecordBatch> {
        for (exprs, schema) in self.projections.iter().rev() {
            let rows = batch.num_rows();
            let arrays = exprs
                .iter()
                .map(|projected| projected.expr.evaluate(&batch)?.into_array(rows));
            let arrays = arrays.collect::<DfResult<Vec<_>>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            batch = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?;
        }
        Ok(batch)
    }
}

impl Kept {
    /// `None` if the aggregation asks something else than groups of strings and sums and counts of numbers.
    fn of(aggregate: &AggregateExec) -> DfResult<Option<Self>> {
        let Some((projections, scan)) = way(aggregate) else {
            return Ok(None);
        };
        if aggregate.filter_expr().iter().any(Option::is_some) {
            return Ok(None);
        }
        let below: Vec<&[ProjectionExpr]> = projections.iter().map(|node| node.expr()).collect();
        let schema = scan.schema();
        let ty = |column: usize| Some(schema.fields().get(column)?.data_type().clone());
        let mut keys = Vec::new();
        for key in aggregate.group_expr().input_exprs() {
            match column(&key, &below).filter(|at| ty(*at) == Some(ArrowType::Utf8View)) {
                Some(column) => keys.push(column),
                None => return Ok(None),
            }
        }
        let (mut terms, mut summed) = (Terms::default(), Vec::new());
        let (mut calls, mut counted) = (Vec::new(), Vec::new());
        for call in aggregate.aggr_expr() {
            let made = match call.fun().name() {
                "count" => count(call, &below).map(|column| {
                    counted.extend(column);
                    Made::Count
                }),
                "sum" => sum(call, &mut terms, &below, &ty)?.map(|(term, ty)| {
                    let known = summed.iter().position(|known| *known == term);
                    let place = known.unwrap_or_else(|| {
                        summed.push(term);
                        summed.len() - 1
                    });
                    Made::Sum(place, ty)
                }),
                _ => None,
            };
            match made {
                Some(made) => calls.push(made),
                None => return Ok(None),
            }
        }
        if keys.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            keys,
            counted,
            computed: terms.room(),
            terms,
            calls,
            codes: Codes::new(),
            places: [0; BLOCK],
            tally: Tally::new(summed),
        }))
    }

    /// Adds up the first of the rows, as many as can be.
    fn add(&mut self, ready: &mut Ready, groups: &mut Groups) {
        let columns: Vec<ArrayRef> = ready.arrays().collect();
        let of = |columns_of: &[usize]| -> Option<Vec<ArrayRef>> {
            let arrays = columns_of.iter().map(|at| columns.get(*at).cloned());
            arrays.collect()
        };
        let Some(counted) = of(&self.counted) else {
            return;
        };
        if counted.iter().any(|array| array.logical_null_count() > 0) {
            return;
        }
        let (Some(keys), Some(inputs)) = (of(&self.keys), of(self.terms.inputs())) else {
            return;
        };
        let inputs: Option<Vec<Numbered<'_>>> = inputs.iter().map(Numbered::of).collect();
        let (Some(inputs), Some(coded)) = (inputs, self.codes.begin(&keys)) else {
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
            if found.is_none() {
                break;
            }
            let is_added = is_nowhere(&self.places)
                || self.terms.compute(&inputs, done, block, &mut self.computed)
                    && self.tally.add(&self.places, &self.computed);
            if !is_added {
                break;
            }
            done += block;
        }
        ready.advance(done);
    }

    fn finish(mut self, sums: &mut [Box<dyn GroupsAccumulator>], total: usize) -> DfResult<()> {
        self.tally.settle();
        let counts = self.tally.counts().iter().enumerate().take(SOMEWHERE);
        let (groups, counts): (Vec<usize>, Vec<i64>) = counts
            .filter(|(_, count)| **count > 0)
            .map(|(group, count)| (group, *count))
            .unzip();
        if groups.is_empty() {
            return Ok(());
        }
        for (sum, call) in sums.iter_mut().zip(&self.calls) {
            let state: ArrayRef = match call {
                Made::Count => Arc::new(Int64Array::from(counts.clone())),
                Made::Sum(term, ty) => {
                    let totals = self.tally.totals(*term);
                    let totals = groups.iter().map(|group| {
                        let total = totals.and_then(|totals| totals.get(*group));
                        total.copied().unwrap_or_default()
                    });
                    match ty {
                        ArrowType::Int64 => Arc::new(
                            totals
                                .map(|total| Some(total as i64))
                                .collect::<Int64Array>(),
                        ),
                        ArrowType::Decimal128(..) => {
                            let totals = Decimal128Array::from_iter_values(totals);
                            Arc::new(totals.with_data_type(ty.clone()))
                        }
                        ArrowType::Decimal256(..) => {
                            let totals = totals.map(i256::from_i128);
                            let totals = Decimal256Array::from_iter_values(totals);
                            Arc::new(totals.with_data_type(ty.clone()))
                        }
                        other => return internal_err!("a sum that is {other}"),
                    }
                }
            };
            sum.merge_batch(&[state], &groups, total)?;
        }
        Ok(())
    }
}

/// The column of the scan that an expression is.
fn column(expr: &Arc<dyn PhysicalExpr>, below: &[&[ProjectionExpr]]) -> Option<usize> {
    let index = expr.downcast_ref::<Column>()?.index();
    match below.split_first() {
        Some((projection, below)) => column(&projection.get(index)?.expr, below),
        None => Some(index),
    }
}

/// Whether a call counts rows, and of which column those that are not `NULL`.
fn count(call: &AggregateFunctionExpr, below: &[&[ProjectionExpr]]) -> Option<Option<usize>> {
    match call.expressions().as_slice() {
        [arg] => match arg.downcast_ref::<Literal>() {
            Some(literal) => (!literal.value().is_null()).then_some(None),
            None => column(arg, below).map(Some),
        },
        _ => None,
    }
}

/// The term that a call adds up, and the type of the sum between the steps of an aggregation.
fn sum(
    call: &AggregateFunctionExpr,
    terms: &mut Terms,
    below: &[&[ProjectionExpr]],
    ty: &impl Fn(usize) -> Option<ArrowType>,
) -> DfResult<Option<(usize, ArrowType)>> {
    let args = call.expressions();
    let args = args.iter().map(|arg| terms.add(arg, below, ty));
    let term = match args.collect::<Option<Vec<_>>>().as_deref() {
        Some([term]) => *term,
        Some([a, b]) => terms.product(*a, *b),
        _ => return Ok(None),
    };
    let fields = call.state_fields()?;
    let [field] = fields.as_slice() else {
        return Ok(None);
    };
    let ty = field.data_type();
    let known = matches!(
        ty,
        ArrowType::Int64 | ArrowType::Decimal128(..) | ArrowType::Decimal256(..)
    );
    Ok(known.then(|| (term, ty.clone())))
}
