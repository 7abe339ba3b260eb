//! Partial aggregation into groups of which each has many rows, told apart by the views of strings, numbers and dates.
//!
//! When there turn out to be too many groups, or strings are new again and again, DataFusion's operator takes the rest of the
//! rows; what there is until then is a part as each of its own.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType as ArrowType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result as DfResult, Statistics, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
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
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode,
    Partitioning, PhysicalExpr, PlanProperties, ReplaceChildrenOptions, StatisticsArgs,
};
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;

use super::kept::{self, Input};
use super::views::{COLUMNS, Groups};

/// Aggregates of which a group takes no more room than a few values.
const SMALL: [&str; 8] = [
    "count",
    "checked_count",
    "sum",
    "min",
    "max",
    "bool_and",
    "bool_or",
    "first_value",
];

/// Puts [`FewGroups`] in the place of partial aggregations. Comes after the rules that know those.
#[derive(Debug)]
pub(super) struct FindFewGroups;

impl PhysicalOptimizerRule for FindFewGroups {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match node.downcast_ref::<AggregateExec>() {
            Some(aggregate) if serves(aggregate)? => {
                Ok(Transformed::yes(Arc::new(FewGroups::new(node)) as _))
            }
            _ => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "few_groups"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn serves(aggregate: &AggregateExec) -> DfResult<bool> {
    let groups = aggregate.group_expr();
    let schema = aggregate.input_schema();
    let mut strings = 0;
    for (expr, _) in groups.expr() {
        match expr.data_type(&schema)? {
            ArrowType::Utf8View | ArrowType::BinaryView => strings += 1,
            ArrowType::Int16 | ArrowType::Int32 | ArrowType::Int64 | ArrowType::Date32 => {}
            _ => return Ok(false),
        }
    }
    let small = |call: &Arc<AggregateFunctionExpr>| {
        SMALL.contains(&call.fun().name())
            && !call.is_distinct()
            && call.order_bys().is_empty()
            && call.groups_accumulator_supported()
    };
    // Of numbers alone DataFusion finds groups as quickly.
    Ok(strings > 0
        && groups.expr().len() <= COLUMNS
        && groups.is_single()
        && *aggregate.mode() == AggregateMode::Partial
        && *aggregate.input_order_mode() == InputOrderMode::Linear
        && aggregate.limit_options().is_none()
        && aggregate.aggr_expr().iter().all(small))
}

/// A partial aggregation.
struct FewGroups {
    /// DataFusion's.
    plain: Arc<dyn ExecutionPlan>,
    metrics: ExecutionPlanMetricsSet,
}

impl FewGroups {
    fn new(plain: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            plain,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl fmt::Debug for FewGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FewGroups").finish_non_exhaustive()
    }
}

impl DisplayAs for FewGroups {
    fn fmt_as(&self, t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plain.fmt_as(t, f)?;
        f.write_str(", few groups")?;
        match self.plain.downcast_ref::<AggregateExec>().map(kept::serves) {
            Some(Ok(true)) => f.write_str(", rows as they are kept"),
            _ => Ok(()),
        }
    }
}

impl ExecutionPlan for FewGroups {
    fn name(&self) -> &str {
        "AggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.plain.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.plain.children()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![false]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let plain = Arc::clone(&self.plain).replace_children(children, options)?;
        Ok(Arc::new(Self::new(plain)))
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let plain = Arc::clone(&self.plain).replace_children(children, options)?;
        Ok(Arc::new(Self::new(plain)))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        self.plain.apply_expressions(f)
    }

    fn reset_state(self: Arc<Self>) -> DfResult<Arc<dyn ExecutionPlan>> {
        let plain = Arc::clone(&self.plain).reset_state()?;
        Ok(Arc::new(Self::new(plain)))
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> DfResult<Arc<Statistics>> {
        self.plain.statistics_from_inputs(inputs, args)
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let Some(aggregate) = self.plain.downcast_ref::<AggregateExec>() else {
            return internal_err!("few groups of something else");
        };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let input = Input::of(
            aggregate,
            partition,
            &task,
            metrics.elapsed_compute().clone(),
        )?;
        let work = Work::new(aggregate, &task)?;
        let plain = Arc::clone(&self.plain);
        let schema = self.schema();
        let batches = stream::once(work.run(input, plain, task, metrics)).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// What a part of the aggregation has.
struct Work {
    schema: SchemaRef,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    args: Vec<Vec<Arc<dyn PhysicalExpr>>>,
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    sums: Vec<Box<dyn GroupsAccumulator>>,
    groups: Groups,
    memory: MemoryReservation,
    /// The group of each row of a batch.
    of: Vec<usize>,
}

impl Work {
    fn new(aggregate: &AggregateExec, task: &TaskContext) -> DfResult<Self> {
        let calls = aggregate.aggr_expr();
        let sums = calls.iter().map(|call| call.create_groups_accumulator());
        let keys = aggregate.group_expr().input_exprs();
        let input = aggregate.input_schema();
        let types = keys.iter().map(|key| key.data_type(&input));
        let memory = MemoryConsumer::new("groups by views").register(task.memory_pool());
        Ok(Self {
            schema: aggregate.schema(),
            groups: Groups::new(types.collect::<DfResult<_>>()?),
            memory,
            keys,
            args: aggregate_expressions(calls, aggregate.mode(), 0)?,
            filters: aggregate.filter_expr().to_vec(),
            sums: sums.collect::<DfResult<_>>()?,
            of: Vec::new(),
        })
    }

    async fn run(
        mut self,
        mut input: Input,
        plain: Arc<dyn ExecutionPlan>,
        task: Arc<TaskContext>,
        metrics: BaselineMetrics,
    ) -> DfResult<SendableRecordBatchStream> {
        let schema = Arc::clone(&self.schema);
        while let Some(batch) = input.next(&mut self.groups).await? {
            let time = metrics.elapsed_compute().clone();
            let timer = time.timer();
            let rest = match self.add(&batch)? {
                true if self.has_room() => continue,
                true => None,
                false => Some(Ok(batch)),
            };
            drop(timer);
            let first = self.finish(&mut input)?.record_output(&metrics);
            let all = stream::iter(rest).chain(input.rest());
            let rest = Rest::new(plain.children().first().map(|input| input.schema()), all);
            let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
            let rest = plain.replace_children(vec![Arc::new(rest)], options)?;
            let rest = rest.execute(0, task)?;
            let rest = rest.map_ok(move |batch| batch.record_output(&metrics));
            let batches = stream::once(async { Ok(first) }).chain(rest);
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)));
        }
        let all = self.finish(&mut input)?.record_output(&metrics);
        let batches = stream::once(async { Ok(all) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    /// Whether there was room for the groups of the batch.
    fn add(&mut self, batch: &RecordBatch) -> DfResult<bool> {
        let rows = batch.num_rows();
        let array = |expr: &Arc<dyn PhysicalExpr>| expr.evaluate(batch)?.into_array(rows);
        let keys: Vec<ArrayRef> = self.keys.iter().map(array).collect::<DfResult<_>>()?;
        if !self.groups.find(&keys, &mut self.of)? {
            return Ok(false);
        }
        let args = evaluate_many(&self.args, batch)?;
        let total = self.groups.count();
        for ((sum, args), filter) in self.sums.iter_mut().zip(&args).zip(&self.filters) {
            let filter = filter.as_ref().map(array).transpose()?;
            let filter: Option<&BooleanArray> = match &filter {
                None => None,
                Some(filter) => match filter.as_boolean_opt() {
                    Some(filter) => Some(filter),
                    None => return internal_err!("a condition that is no boolean"),
                },
            };
            sum.update_batch(args, &self.of, filter, total)?;
        }
        Ok(true)
    }

    /// Whether there is memory for what is kept.
    fn has_room(&mut self) -> bool {
        let sums: usize = self.sums.iter().map(|sum| sum.size()).sum();
        self.memory.try_resize(self.groups.bytes() + sums).is_ok()
    }

    /// The groups and what was added up of them.
    fn finish(&mut self, input: &mut Input) -> DfResult<RecordBatch> {
        if self.groups.count() == 0 {
            // Without groups there is nothing that was seen.
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        input.finish(&mut self.sums, self.groups.count())?;
        let mut columns = self.groups.values()?;
        for sum in &mut self.sums {
            columns.extend(sum.state(EmitTo::All)?);
        }
        self.memory.free();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// Rows that are still to be read, once.
struct Rest {
    rows: Mutex<Option<SendableRecordBatchStream>>,
    properties: Arc<PlanProperties>,
}

impl Rest {
    fn new(
        schema: Option<SchemaRef>,
        rows: impl futures::Stream<Item = DfResult<RecordBatch>> + Send + 'static,
    ) -> Self {
        let schema = schema.unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            rows: Mutex::new(Some(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))),
            properties: Arc::new(properties),
        }
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rest")
    }
}

impl DisplayAs for Rest {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rest")
    }
}

impl ExecutionPlan for Rest {
    fn name(&self) -> &str {
        "Rest"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> DfResult<Arc<Statistics>> {
        Ok(Arc::new(Statistics::new_unknown(&self.schema())))
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> DfResult<SendableRecordBatchStream> {
        match self.rows.lock().take() {
            Some(rows) => Ok(rows),
            None => internal_err!("the rest of an input is read once"),
        }
    }
}
