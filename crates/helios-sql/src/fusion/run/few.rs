//! Partial aggregation into few groups, which are told apart by short strings, numbers and dates.
//!
//! A value of up to twelve bytes is all in its view, so that a row's group is found by comparing numbers, in a table that stays in the
//! processor's cache. When there turn out to be many groups, or strings are long and new, DataFusion's operator takes the rest of the
//! rows; what there is until then is a part as each of its own.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Int16Type, Int32Type, Int64Type, SchemaRef,
};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result as DfResult, ScalarValue, Statistics, internal_err};
use datafusion::config::ConfigOptions;
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

/// Groups that are few.
const FEW: usize = 1024;

/// Places for keys that were met, some groups having several.
const SLOTS: usize = 4096;

/// Columns of a group, at most.
const COLUMNS: usize = 3;

/// Aggregates of which a group takes no more room than a few values.
const SMALL: [&str; 7] = [
    "count",
    "checked_count",
    "sum",
    "min",
    "max",
    "bool_and",
    "bool_or",
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
            ArrowType::Utf8View => strings += 1,
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
        f.write_str(", few groups")
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
        let input = aggregate.input().execute(partition, Arc::clone(&task))?;
        let work = Work::new(aggregate)?;
        let plain = Arc::clone(&self.plain);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
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
    /// The group of each row of a batch.
    of: Vec<usize>,
}

impl Work {
    fn new(aggregate: &AggregateExec) -> DfResult<Self> {
        let calls = aggregate.aggr_expr();
        let sums = calls.iter().map(|call| call.create_groups_accumulator());
        Ok(Self {
            schema: aggregate.schema(),
            keys: aggregate.group_expr().input_exprs(),
            args: aggregate_expressions(calls, aggregate.mode(), 0)?,
            filters: aggregate.filter_expr().to_vec(),
            sums: sums.collect::<DfResult<_>>()?,
            groups: Groups::default(),
            of: Vec::new(),
        })
    }

    async fn run(
        mut self,
        mut input: SendableRecordBatchStream,
        plain: Arc<dyn ExecutionPlan>,
        task: Arc<TaskContext>,
        metrics: BaselineMetrics,
    ) -> DfResult<SendableRecordBatchStream> {
        let schema = Arc::clone(&self.schema);
        while let Some(batch) = input.next().await {
            let batch = batch?;
            let time = metrics.elapsed_compute().clone();
            let timer = time.timer();
            let added = self.add(&batch)?;
            drop(timer);
            if !added {
                let first = self.finish()?.record_output(&metrics);
                let all = stream::once(async { Ok(batch) }).chain(input);
                let rest = Rest::new(plain.children().first().map(|input| input.schema()), all);
                let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
                let rest = plain.replace_children(vec![Arc::new(rest)], options)?;
                let rest = rest.execute(0, task)?;
                let rest = rest.map_ok(move |batch| batch.record_output(&metrics));
                let batches = stream::once(async { Ok(first) }).chain(rest);
                return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)));
            }
        }
        let all = self.finish()?.record_output(&metrics);
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
        let total = self.groups.count;
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

    /// The groups and what was added up of them.
    fn finish(&mut self) -> DfResult<RecordBatch> {
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for (at, field) in self
            .schema
            .fields()
            .iter()
            .take(self.keys.len())
            .enumerate()
        {
            let values = self.groups.values.iter().skip(at).step_by(self.keys.len());
            columns.push(match self.groups.count {
                0 => arrow::array::new_empty_array(field.data_type()),
                _ => ScalarValue::iter_to_array(values.cloned())?,
            });
        }
        for sum in &mut self.sums {
            // Without groups there is nothing that was seen.
            columns.extend(match self.groups.count {
                0 => Vec::new(),
                _ => sum.state(EmitTo::All)?,
            });
        }
        if self.groups.count == 0 {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.schema)));
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

/// The columns of a row's group, each a number: the view of a string, or the value.
type Key = [u128; COLUMNS];

/// Compared part by part: as a whole they would be compared by a call.
#[inline]
fn is_same(a: &Key, b: &Key) -> bool {
    let [a, b, c] = [0, 1, 2].map(|at: usize| a.get(at) == b.get(at));
    a & b & c
}

/// In the place of `NULL`: no view is that, for its string would be too long, and no number.
const NULL: u128 = u128::MAX;

/// Groups that were met.
#[derive(Default)]
struct Groups {
    count: usize,
    /// The columns of each group, one group after the other.
    values: Vec<ScalarValue>,
    /// Groups by the keys of their last rows, where the hashes of these say.
    slots: Vec<Option<(Key, u32)>>,
    /// Groups by all that is in their columns.
    known: HashMap<Vec<u8>, u32>,
    /// Whether a key in the slots has a view of a long string, which another batch may have elsewhere.
    long: bool,
    /// What the hash of a key was looked up by.
    bytes: Vec<u8>,
}

impl Groups {
    /// The group of each row; false, and nothing is changed, if there would be too many.
    fn find(&mut self, columns: &[ArrayRef], of: &mut Vec<usize>) -> DfResult<bool> {
        let rows = columns.first().map_or(0, |column| column.len());
        let columns: Vec<Column<'_>> = match columns.iter().map(Column::of).collect() {
            Some(columns) => columns,
            None => return internal_err!("groups of another type"),
        };
        if self.long || self.slots.is_empty() {
            self.slots.clear();
            self.slots.resize(SLOTS, None);
            self.long = false;
        }
        of.clear();
        of.reserve(rows);
        let mut strange = 0;
        let before = self.count;
        for row in 0..rows {
            let mut key = [0; COLUMNS];
            for (part, column) in key.iter_mut().zip(&columns) {
                *part = column.part(row);
            }
            let slot = (hash(&key) >> 32) as usize % SLOTS;
            if let Some(Some((known, group))) = self.slots.get(slot)
                && is_same(known, &key)
            {
                of.push(*group as usize);
                continue;
            }
            // Keys that are always new, or share a slot, cost more than DataFusion takes for them.
            strange += 1;
            if strange > FEW && strange * 4 > row {
                self.undo(before, columns.len());
                return Ok(false);
            }
            let Some(group) = self.met(&columns, row)? else {
                self.undo(before, columns.len());
                return Ok(false);
            };
            self.long |= columns.iter().any(|column| column.is_long(row));
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = Some((key, group));
            }
            of.push(group as usize);
        }
        Ok(true)
    }

    /// Groups that came with rows that are not taken are no groups.
    fn undo(&mut self, before: usize, columns: usize) {
        self.values.truncate(before * columns);
        self.known.retain(|_, group| (*group as usize) < before);
        self.count = before;
        self.slots.clear();
    }

    /// The group of a row, by what is in its columns; `None` if it would be one too many.
    fn met(&mut self, columns: &[Column<'_>], row: usize) -> DfResult<Option<u32>> {
        self.bytes.clear();
        for column in columns {
            column.put(row, &mut self.bytes);
        }
        if let Some(group) = self.known.get(&self.bytes) {
            return Ok(Some(*group));
        }
        if self.known.len() >= FEW {
            return Ok(None);
        }
        for column in columns {
            self.values
                .push(ScalarValue::try_from_array(column.array, row)?);
        }
        let group = self.known.len() as u32;
        self.known.insert(self.bytes.clone(), group);
        self.count = self.known.len();
        Ok(Some(group))
    }
}

fn hash(key: &Key) -> u64 {
    let mix = |hash: u64, part: &u128| {
        let part = *part as u64 ^ (*part >> 64) as u64;
        (hash ^ part)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    };
    key.iter().fold(0, mix).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

/// A column that groups are told apart by.
struct Column<'a> {
    array: &'a ArrayRef,
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

enum Values<'a> {
    Views(&'a [u128]),
    Short(&'a [i16]),
    Middle(&'a [i32]),
    Long(&'a [i64]),
}

impl<'a> Column<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        let values = match array.data_type() {
            ArrowType::Utf8View => Values::Views(array.as_string_view_opt()?.views()),
            ArrowType::Int16 => Values::Short(array.as_primitive_opt::<Int16Type>()?.values()),
            ArrowType::Int32 => Values::Middle(array.as_primitive_opt::<Int32Type>()?.values()),
            ArrowType::Int64 => Values::Long(array.as_primitive_opt::<Int64Type>()?.values()),
            ArrowType::Date32 => Values::Middle(array.as_primitive_opt::<Date32Type>()?.values()),
            _ => return None,
        };
        Some(Self {
            array,
            values,
            nulls: array.nulls().filter(|nulls| nulls.null_count() > 0),
        })
    }

    #[inline]
    fn part(&self, row: usize) -> u128 {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return NULL;
        }
        let number = |value: i64| u128::from(value as u64);
        match self.values {
            Values::Views(views) => views.get(row).copied().unwrap_or(NULL),
            Values::Short(values) => values
                .get(row)
                .map_or(NULL, |value| number((*value).into())),
            Values::Middle(values) => values
                .get(row)
                .map_or(NULL, |value| number((*value).into())),
            Values::Long(values) => values.get(row).map_or(NULL, |value| number(*value)),
        }
    }

    /// Whether the part is a view that says where a string is.
    fn is_long(&self, row: usize) -> bool {
        matches!(self.values, Values::Views(_)) && {
            let view = self.part(row);
            view != NULL && view as u32 > arrow::array::MAX_INLINE_VIEW_LEN
        }
    }

    /// Adds the value to bytes that equal values have equal.
    fn put(&self, row: usize, out: &mut Vec<u8>) {
        let part = self.part(row);
        if part == NULL {
            out.push(0);
            return;
        }
        out.push(1);
        match self.array.as_string_view_opt() {
            Some(strings) => {
                let text = strings.value(row).as_bytes();
                out.extend_from_slice(&(text.len() as u64).to_le_bytes());
                out.extend_from_slice(text);
            }
            None => out.extend_from_slice(&part.to_le_bytes()),
        }
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
