//! Groups of rows that come in the order of what they are grouped by: the rows of a group follow each other.
//!
//! A scan in the order of the key hands on pieces of the table, each without a gap. Of the groups in a piece all but the first and the
//! last are whole, and are finished where they are met, without being shared out. What the ends of pieces have is put together when
//! all parts are through.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{cast, concat, concat_batches, take};
use arrow::datatypes::{DataType as ArrowType, Int64Type, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as DfResult, Statistics, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::EmitTo;
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{
    AggregateExec, AggregateMode, aggregate_expressions, evaluate_many,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode,
    Partitioning, PhysicalExpr, PlanProperties, ReplaceChildrenOptions, StatisticsArgs,
};
use futures::stream;
use parking_lot::Mutex;

use super::calls::{Calls, Made, Projections, Way, sums};
use super::ends::Ends;
use super::order::depends_on_order;
use super::terms::Computed;
use crate::fusion::error::to_datafusion;
use crate::fusion::scan::{Batches, Ready};

/// Fewer rows of a piece wait for those that follow.
const SMALL: usize = 2048;

/// So many rows that waited are enough.
const ENOUGH: usize = 8192;

const RECOMPUTE: ReplaceChildrenOptions =
    ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);

/// Puts [`RunGroups`] in the place of aggregations, their parts and what shares these out, where neither the order of the groups
/// counts nor in which part they are. Comes after the rules that give orders and parts.
#[derive(Debug)]
pub(super) struct FindRuns;

impl PhysicalOptimizerRule for FindRuns {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(with_runs(&plan, true, false)?.unwrap_or(plan))
    }

    fn name(&self) -> &'static str {
        "run_groups"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The plan, if it became another; `ordered` and `parted` say whether its order counts, and in which part a row is.
fn with_runs(
    plan: &Arc<dyn ExecutionPlan>,
    ordered: bool,
    parted: bool,
) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
    if !ordered
        && !parted
        && let Some(runs) = RunGroups::of(plan)?
    {
        return Ok(Some(Arc::new(runs)));
    }
    let depends = depends_on_order(plan.as_ref())?;
    let required = plan.required_input_ordering();
    let kept = plan.maintains_input_order();
    let aggregate = plan.downcast_ref::<AggregateExec>();
    let parted = match plan.name() {
        "RepartitionExec" | "CoalescePartitionsExec" | "SortPreservingMergeExec" => false,
        "ProjectionExec" | "FilterExec" | "SortExec" | "CooperativeExec" => parted,
        _ => aggregate.is_none_or(|aggregate| *aggregate.mode() != AggregateMode::Partial),
    };
    let mut changed = false;
    let mut inputs = Vec::new();
    for (at, input) in plan.children().into_iter().enumerate() {
        let passes = ordered && kept.get(at).copied().unwrap_or(true);
        let asks = required.get(at).is_none_or(Option::is_some);
        let other = with_runs(input, depends || passes || asks, parted)?;
        changed |= other.is_some();
        inputs.push(other.unwrap_or_else(|| Arc::clone(input)));
    }
    changed
        .then(|| Arc::clone(plan).replace_children(inputs, RECOMPUTE))
        .transpose()
}

/// An aggregation.
struct RunGroups {
    /// DataFusion's last step of it, above what shares out the groups and the first step.
    plain: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    ends: Mutex<Execution>,
    metrics: ExecutionPlanMetricsSet,
}

/// One execution of the plan.
#[derive(Default)]
struct Execution {
    started: HashSet<usize>,
    ends: Arc<Mutex<Loose>>,
}

/// What all parts share.
#[derive(Default)]
struct Loose {
    /// Parts that are through.
    done: usize,
    groups: Vec<Met>,
}

/// The steps of an aggregation.
struct Steps<'a> {
    last: &'a AggregateExec,
    share: &'a Arc<dyn ExecutionPlan>,
    first: &'a AggregateExec,
    first_step: &'a Arc<dyn ExecutionPlan>,
}

fn steps(plan: &Arc<dyn ExecutionPlan>) -> Option<Steps<'_>> {
    let last = plan.downcast_ref::<AggregateExec>()?;
    let share = last.input();
    let first_step = share.downcast_ref::<RepartitionExec>()?.input();
    Some(Steps {
        last,
        share,
        first: first_step.downcast_ref::<AggregateExec>()?,
        first_step,
    })
}

/// The column of the scan that tells the groups apart, and what is made of them, if each group's rows follow each other.
fn served<'a>(steps: &Steps<'a>) -> DfResult<Option<(Way<'a>, usize, Calls)>> {
    let (last, first) = (steps.last, steps.first);
    let groups = first.group_expr();
    let is_plain = *last.mode() == AggregateMode::FinalPartitioned
        && *first.mode() == AggregateMode::Partial
        && *first.input_order_mode() == InputOrderMode::Sorted
        && groups.is_single()
        && last.limit_options().is_none()
        && first.limit_options().is_none();
    let (true, [(key, _)], Some(way)) = (is_plain, groups.expr(), Way::of(first)) else {
        return Ok(None);
    };
    let Some((column, ty)) = way.column(key) else {
        return Ok(None);
    };
    if way.scan.leading() != Some(column) || way.is_shared || !Ends::serves(&ty) {
        return Ok(None);
    }
    let calls = Calls::of(first, &way)?;
    Ok(calls.map(|calls| (way, column, calls)))
}

impl RunGroups {
    /// `None` if the plan is no aggregation of this kind.
    fn of(plan: &Arc<dyn ExecutionPlan>) -> DfResult<Option<Self>> {
        let Some(steps) = steps(plan) else {
            return Ok(None);
        };
        let Some((way, ..)) = served(&steps)? else {
            return Ok(None);
        };
        let parts = way.scan.properties().partitioning.partition_count();
        Ok(Some(Self::new(Arc::clone(plan), parts)))
    }

    fn new(plain: Arc<dyn ExecutionPlan>, parts: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(plain.schema()),
            Partitioning::UnknownPartitioning(parts),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            plain,
            properties: Arc::new(properties),
            ends: Mutex::default(),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    fn parts(&self) -> usize {
        self.properties.partitioning.partition_count()
    }
}

impl fmt::Debug for RunGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunGroups").finish_non_exhaustive()
    }
}

impl DisplayAs for RunGroups {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// The first step, which is all of them here.
        struct Only<'a>(&'a AggregateExec, DisplayFormatType);
        impl fmt::Display for Only<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt_as(self.1, f)
            }
        }
        if let Some(steps) = steps(&self.plain) {
            let only = Only(steps.first, t).to_string();
            f.write_str(&only.replacen("mode=Partial", "mode=Single", 1))?;
        }
        f.write_str(", whole groups, rows as they are kept")
    }
}

impl ExecutionPlan for RunGroups {
    fn name(&self) -> &str {
        "AggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        steps(&self.plain).map_or_else(Vec::new, |steps| vec![steps.first.input()])
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, RECOMPUTE)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let Some(steps) = steps(&self.plain) else {
            return internal_err!("whole groups of something else");
        };
        let first = Arc::clone(steps.first_step).replace_children(children, RECOMPUTE)?;
        let share = Arc::clone(steps.share).replace_children(vec![first], RECOMPUTE)?;
        let plain = Arc::clone(&self.plain).replace_children(vec![share], RECOMPUTE)?;
        Ok(match Self::of(&plain)? {
            Some(runs) => Arc::new(runs),
            None => plain,
        })
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        match steps(&self.plain) {
            Some(steps) => steps.first_step.apply_expressions(f),
            None => Ok(TreeNodeRecursion::Continue),
        }
    }

    fn reset_state(self: Arc<Self>) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(Arc::clone(&self.plain), self.parts())))
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> DfResult<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.schema())))
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let Some(steps) = steps(&self.plain) else {
            return internal_err!("whole groups of something else");
        };
        let Some((way, key, calls)) = served(&steps)? else {
            return internal_err!("whole groups of other rows");
        };
        let ends = {
            // A part that begins again begins a new execution.
            let mut execution = self.ends.lock();
            if !execution.started.insert(partition) {
                *execution = Execution::default();
                execution.started.insert(partition);
            }
            Arc::clone(&execution.ends)
        };
        let aggregates = steps.first.aggr_expr().to_vec();
        let part = Part {
            key,
            args: aggregate_expressions(&aggregates, &AggregateMode::Partial, 0)?,
            aggregates,
            computed: calls.terms.room(),
            calls,
            scan: way.scan.batches(partition, &task)?,
            columns: way.scan.schema(),
            projections: way.projections(),
            waiting: Vec::new(),
            schema: self.schema(),
            most: task.session_config().batch_size(),
            ends: Ends::default(),
            loose: ends,
            parts: self.parts(),
            own: Vec::new(),
            out: VecDeque::new(),
            is_through: false,
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = stream::try_unfold(part, |mut part| async move {
            let batch = part.next().await?;
            Ok(batch.map(|batch| (batch, part)))
        });
        let schema = self.schema();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Groups, and for each aggregate what it has between its steps.
struct Met {
    keys: ArrayRef,
    states: Vec<ArrayRef>,
}

impl Met {
    fn slice(&self, from: usize, groups: usize) -> Self {
        Self {
            keys: self.keys.slice(from, groups),
            states: (self.states.iter())
                .map(|state| state.slice(from, groups))
                .collect(),
        }
    }
}

/// A part of the aggregation.
struct Part {
    key: usize,
    aggregates: Vec<Arc<AggregateFunctionExpr>>,
    args: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    calls: Calls,
    computed: Computed,
    scan: Batches,
    /// What the scan puts out.
    columns: SchemaRef,
    projections: Projections,
    /// Rows of a piece, too few yet.
    waiting: Vec<RecordBatch>,
    /// What is put out.
    schema: SchemaRef,
    most: usize,
    ends: Ends,
    loose: Arc<Mutex<Loose>>,
    parts: usize,
    /// The groups at the ends of pieces.
    own: Vec<Met>,
    out: VecDeque<RecordBatch>,
    is_through: bool,
    metrics: BaselineMetrics,
}

impl Part {
    async fn next(&mut self) -> DfResult<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.out.pop_front() {
                return Ok(Some(batch.record_output(&self.metrics)));
            }
            if self.is_through {
                return Ok(None);
            }
            let next = self.scan.kept_in_order().map_err(to_datafusion)?;
            let time = self.metrics.elapsed_compute().clone();
            let timer = time.timer();
            match next {
                Some((ready, begins)) => {
                    if begins {
                        self.add_waiting()?;
                    }
                    self.add(ready)?;
                }
                None => {
                    self.add_waiting()?;
                    self.is_through = true;
                    self.end()?;
                }
            }
            drop(timer);
            tokio::task::consume_budget().await;
        }
    }

    /// Adds rows that follow those before.
    fn add(&mut self, mut ready: Ready) -> DfResult<()> {
        ready.settle(1).map_err(to_datafusion)?;
        let rows = ready.left();
        if rows >= SMALL {
            self.add_waiting()?;
            if let Some(met) = self.kept(&ready)? {
                return self.hand_on(met);
            }
        }
        let batch = ready.batch(&self.columns, rows).map_err(to_datafusion)?;
        self.waiting.extend(batch);
        let waiting: usize = self.waiting.iter().map(RecordBatch::num_rows).sum();
        if waiting >= ENOUGH {
            self.add_waiting()?;
        }
        Ok(())
    }

    /// What is made of rows as they are kept; `None` if not all are in such a form, or sums may not fit.
    fn kept(&mut self, ready: &Ready) -> DfResult<Option<Met>> {
        let columns: Vec<ArrayRef> = ready.arrays().collect();
        let (Some(keys), Some(inputs)) = (columns.get(self.key), self.calls.inputs(&columns))
        else {
            return Ok(None);
        };
        self.ends.find(keys)?;
        let terms = &self.calls.terms;
        let summed = &self.calls.summed;
        let totals = (self.ends).sums(terms, summed, &inputs, &mut self.computed);
        let Some(totals) = totals else {
            return Ok(None);
        };
        let mut states = Vec::with_capacity(self.calls.made.len());
        for made in &self.calls.made {
            states.push(match made {
                Made::Count => {
                    let counts = self.ends.lengths().map(|length| length as i64);
                    Arc::new(Int64Array::from_iter_values(counts)) as ArrayRef
                }
                Made::Sum(term, ty) => {
                    let totals = totals.get(*term).map_or(&[][..], Vec::as_slice);
                    sums(ty, totals.iter().map(|total| i128::from(*total)))?
                }
            });
        }
        let keys = take(keys, &self.ends.last_rows(), None)?;
        Ok(Some(Met { keys, states }))
    }

    /// Adds the rows that waited.
    fn add_waiting(&mut self) -> DfResult<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let batch = concat_batches(&self.columns, &self.waiting)?;
        self.waiting.clear();
        let Some(keys) = batch.columns().get(self.key).map(Arc::clone) else {
            return internal_err!("whole groups without a key");
        };
        self.ends.find(&keys)?;
        let groups = self.ends.groups();
        let batch = self.projections.apply(batch)?;
        let mut states = Vec::with_capacity(self.aggregates.len());
        let args = evaluate_many(&self.args, &batch)?;
        for (aggregate, args) in self.aggregates.iter().zip(&args) {
            let mut accumulator = aggregate.create_groups_accumulator()?;
            accumulator.update_batch(args, &groups, None, self.ends.count())?;
            states.extend(accumulator.state(EmitTo::All)?);
        }
        let keys = take(&keys, &self.ends.last_rows(), None)?;
        self.hand_on(Met { keys, states })
    }

    /// Puts out all groups but the first and the last.
    fn hand_on(&mut self, met: Met) -> DfResult<()> {
        let groups = met.keys.len();
        if groups > 0 {
            self.own.push(met.slice(0, 1));
        }
        if groups > 1 {
            self.own.push(met.slice(groups - 1, 1));
        }
        if groups > 2 {
            self.put_out(&met.slice(1, groups - 2))?;
        }
        Ok(())
    }

    /// Puts out groups that are whole.
    fn put_out(&mut self, met: &Met) -> DfResult<()> {
        let groups = met.keys.len();
        let mut columns = vec![Arc::clone(&met.keys)];
        for (aggregate, state) in self.aggregates.iter().zip(&met.states) {
            // Sums and counts are what they are between the steps, but for those of many digits.
            if aggregate.field().data_type() == state.data_type() {
                columns.push(Arc::clone(state));
                continue;
            }
            let mut accumulator = aggregate.create_groups_accumulator()?;
            let each: Vec<usize> = (0..groups).collect();
            accumulator.merge_batch(&[Arc::clone(state)], &each, groups)?;
            columns.push(accumulator.evaluate(EmitTo::All)?);
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        for from in (0..groups).step_by(self.most.max(1)) {
            let rows = self.most.max(1).min(groups - from);
            self.out.push_back(batch.slice(from, rows));
        }
        Ok(())
    }

    /// Hands the ends of pieces on; the last part puts them together.
    fn end(&mut self) -> DfResult<()> {
        let all = {
            let mut loose = self.loose.lock();
            loose.groups.append(&mut self.own);
            loose.done += 1;
            match loose.done == self.parts {
                true => std::mem::take(&mut loose.groups),
                false => Vec::new(),
            }
        };
        if all.is_empty() {
            return Ok(());
        }
        let keys: Vec<&dyn Array> = all.iter().map(|met| met.keys.as_ref()).collect();
        let keys = concat(&keys)?;
        let numbers = cast(&keys, &ArrowType::Int64)?;
        let numbers = numbers.as_primitive::<Int64Type>();
        let (mut known, mut firsts, mut of) = (HashMap::new(), Vec::new(), Vec::new());
        for (row, key) in numbers.iter().enumerate() {
            let group = *known.entry(key).or_insert_with(|| {
                firsts.push(row as u32);
                firsts.len() - 1
            });
            of.push(group);
        }
        let groups = firsts.len();
        let mut states = Vec::with_capacity(self.aggregates.len());
        for (at, aggregate) in self.aggregates.iter().enumerate() {
            let parts = all.iter().filter_map(|met| met.states.get(at));
            let parts: Vec<&dyn Array> = parts.map(|state| state.as_ref()).collect();
            let mut accumulator = aggregate.create_groups_accumulator()?;
            accumulator.merge_batch(&[concat(&parts)?], &of, groups)?;
            states.extend(accumulator.state(EmitTo::All)?);
        }
        let keys = take(&keys, &UInt32Array::from(firsts), None)?;
        self.put_out(&Met { keys, states })
    }
}
