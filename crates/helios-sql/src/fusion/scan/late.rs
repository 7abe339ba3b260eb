//! Columns that are read of few rows, once it is known of which.
//!
//! A scan hands on where its rows are: of those in segments the place, of others the stored key. What a sort with a limit leaves
//! of them is then looked up by [`LateRead`], in the snapshot of the scan.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt64Array};
use arrow::compute::interleave;
use arrow::datatypes::{SchemaRef, UInt64Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as DfResult, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, LexOrdering};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PhysicalExpr, PlanProperties, ReplaceChildrenOptions, StatisticsArgs,
};
use futures::StreamExt;
use helios_base::{Error, Result};
use helios_table::StoredRow;
use helios_table::columnar::{ChunkRows, SegmentRows, widen};
use helios_version::ColdRows;
use parking_lot::Mutex;

use super::batches::Source;
use super::exec::Output;
use crate::fusion::array::ColumnBuilder;
use crate::fusion::error::{from_arrow, to_datafusion};
use crate::fusion::shape::Shape;

/// The chunks of which a scan handed on rows. A row's number is that of its chunk here, then that in the chunk.
#[derive(Default)]
pub(super) struct Places(Mutex<Vec<(Arc<dyn ColdRows>, usize)>>);

/// Bits of a place that are the row in its chunk.
const ROW_BITS: u32 = 32;

impl Places {
    /// The number of the first row of a chunk; those of the others follow.
    pub(super) fn add(&self, rows: &Arc<dyn ColdRows>, chunk: usize) -> u64 {
        let mut all = self.0.lock();
        let number = all.len() as u64;
        all.push((Arc::clone(rows), chunk));
        number << ROW_BITS
    }

    fn get(&self, number: u64) -> Option<(Arc<dyn ColdRows>, usize)> {
        let all = self.0.lock();
        all.get(usize::try_from(number >> ROW_BITS).ok()?).cloned()
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Places")
    }
}

/// Where an output of the scan comes from.
#[derive(Clone, Copy, Debug)]
enum From {
    /// The input has it there.
    Input(usize),
    /// It is looked up: this one of the columns that are.
    Late(usize),
}

/// Puts the columns of a scan together that was left to read some of them late.
pub(crate) struct LateRead {
    input: Arc<dyn ExecutionPlan>,
    source: Arc<Source>,
    places: Arc<Places>,
    from: Arc<[From]>,
    /// The columns that are looked up: positions in the table, and forms.
    late: Arc<[(usize, Shape)]>,
    order: LexOrdering,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What a scan was cut into.
pub(crate) struct Cut {
    /// A scan of the columns that were to be kept, in their order, and behind them where its rows are.
    pub scan: Arc<dyn ExecutionPlan>,
    source: Arc<Source>,
    places: Arc<Places>,
    kept: Vec<usize>,
    schema: SchemaRef,
}

impl Cut {
    pub(super) fn new(
        scan: Arc<dyn ExecutionPlan>,
        source: Arc<Source>,
        places: Arc<Places>,
        kept: Vec<usize>,
        schema: SchemaRef,
    ) -> Self {
        Self {
            scan,
            source,
            places,
            kept,
            schema,
        }
    }

    /// The outputs of the whole scan that `outputs` names, of the rows of `input`, whose columns are those of `scan`, and
    /// which come in this order.
    pub fn read(
        &self,
        input: Arc<dyn ExecutionPlan>,
        outputs: &[usize],
        order: LexOrdering,
    ) -> DfResult<LateRead> {
        let mut late = Vec::new();
        let mut from = Vec::with_capacity(outputs.len());
        for output in outputs {
            from.push(match self.kept.iter().position(|kept| kept == output) {
                Some(at) => From::Input(at),
                None => match self.source.outputs.get(*output) {
                    Some(Output::Column { position, shape }) => {
                        late.push((*position, shape.clone()));
                        From::Late(late.len() - 1)
                    }
                    _ => return internal_err!("only columns are read late"),
                },
            });
        }
        let schema: SchemaRef = Arc::new(self.schema.project(outputs)?);
        Ok(LateRead::new(
            input,
            Arc::clone(&self.source),
            Arc::clone(&self.places),
            from.into(),
            late.into(),
            order,
            schema,
        ))
    }
}

impl LateRead {
    fn new(
        input: Arc<dyn ExecutionPlan>,
        source: Arc<Source>,
        places: Arc<Places>,
        from: Arc<[From]>,
        late: Arc<[(usize, Shape)]>,
        order: LexOrdering,
        schema: SchemaRef,
    ) -> Self {
        let mut equivalence = EquivalenceProperties::new(Arc::clone(&schema));
        equivalence.add_ordering(order.clone());
        let parts = input.output_partitioning().partition_count();
        let properties = PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(parts),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            input,
            source,
            places,
            from,
            late,
            order,
            schema,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    fn over(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(Arc::new(Self::new(
                input,
                Arc::clone(&self.source),
                Arc::clone(&self.places),
                Arc::clone(&self.from),
                Arc::clone(&self.late),
                self.order.clone(),
                Arc::clone(&self.schema),
            ))),
            _ => internal_err!("one input is completed"),
        }
    }
}

impl fmt::Debug for LateRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LateRead").finish_non_exhaustive()
    }
}

impl DisplayAs for LateRead {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = &self.source.table.columns;
        let name = |(at, _): &(usize, Shape)| columns.get(*at).map_or("", |column| &column.name);
        let names: Vec<&str> = self.late.iter().map(name).collect();
        write!(f, "LateRead: columns=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for LateRead {
    fn name(&self) -> &str {
        "LateRead"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.over(children)
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
        Ok(Arc::new(Statistics::new_unknown(&self.schema)))
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let input = self.input.execute(partition, task)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let work = Work {
            source: Arc::clone(&self.source),
            places: Arc::clone(&self.places),
            from: Arc::clone(&self.from),
            late: Arc::clone(&self.late),
            schema: Arc::clone(&self.schema),
        };
        let batches = input.map(move |batch| {
            let batch = batch?;
            let time = metrics.elapsed_compute().clone();
            let _timer = time.timer();
            let batch = work.complete(&batch).map_err(to_datafusion);
            batch.map(|batch| batch.record_output(&metrics))
        });
        let schema = Arc::clone(&self.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// What a running part needs.
struct Work {
    source: Arc<Source>,
    places: Arc<Places>,
    from: Arc<[From]>,
    late: Arc<[(usize, Shape)]>,
    schema: SchemaRef,
}

impl Work {
    fn complete(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let late = self.late_columns(batch)?;
        let missing = || Error::internal("a column that was to be read late is not there");
        let arrays = self.from.iter().map(|from| {
            let array = match from {
                From::Input(at) => batch.columns().get(*at),
                From::Late(at) => late.get(*at),
            };
            array.cloned().ok_or_else(missing)
        });
        let arrays: Vec<ArrayRef> = arrays.collect::<Result<_>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(from_arrow)
    }

    fn late_columns(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let wrong = || Error::internal("a scan did not say where its rows are");
        let [.., keys, places] = batch.columns() else {
            return Err(wrong());
        };
        let keys = keys.as_binary_view_opt().ok_or_else(wrong)?;
        let places: &UInt64Array = places.as_primitive_opt::<UInt64Type>().ok_or_else(wrong)?;
        // Which part has each row, and where there.
        let mut of: Vec<(usize, usize)> = vec![(0, 0); batch.num_rows()];
        // Columns of the rows outside of segments, then of those of each chunk.
        let mut parts: Vec<Vec<ArrayRef>> = Vec::new();
        let mut outside: Vec<(usize, &[u8])> = Vec::new();
        let mut inside: Vec<(u64, usize)> = Vec::new();
        for row in 0..batch.num_rows() {
            match keys.is_valid(row) {
                true => outside.push((row, keys.value(row))),
                false => inside.push((places.value(row), row)),
            }
        }
        parts.push(self.outside(&outside, &mut of)?);
        inside.sort_unstable();
        for chunk in inside.chunk_by(|a, b| a.0 >> ROW_BITS == b.0 >> ROW_BITS) {
            let mut rows: Vec<u32> = Vec::with_capacity(chunk.len());
            for (place, row) in chunk {
                // What is left are the bits of the row.
                let place = *place as u32;
                if rows.last() != Some(&place) {
                    rows.push(place);
                }
                if let Some(of) = of.get_mut(*row) {
                    *of = (parts.len(), rows.len() - 1);
                }
            }
            let first = chunk.first().map_or(0, |(place, _)| *place);
            let (cold, number) = self.places.get(first).ok_or_else(wrong)?;
            let Some(segment) = cold.as_any().downcast_ref::<SegmentRows>() else {
                return Err(Error::internal("a segment of an unknown kind"));
            };
            let columns = self.late.iter().map(|(position, _)| {
                let rows = ChunkRows::These(&rows);
                widen(&segment.column(&self.source.table, *position, number, &rows)?)
            });
            parts.push(columns.collect::<Result<_>>()?);
        }
        let column = |at: usize| {
            let arrays = parts.iter().filter_map(|columns| columns.get(at));
            let arrays: Vec<&dyn Array> = arrays.map(|array| &**array).collect();
            interleave(&arrays, &of).map_err(from_arrow)
        };
        (0..self.late.len()).map(column).collect()
    }

    /// The columns of rows with these keys; notes where each is.
    fn outside(&self, rows: &[(usize, &[u8])], of: &mut [(usize, usize)]) -> Result<Vec<ArrayRef>> {
        let shapes = self.late.iter();
        let mut builders: Vec<(usize, ColumnBuilder)> = shapes
            .map(|(position, shape)| (*position, ColumnBuilder::new(shape, rows.len())))
            .collect();
        let keys: Vec<&[u8]> = rows.iter().map(|(_, key)| *key).collect();
        let table = &self.source.table;
        let mut count = 0;
        let read = &self.source.read;
        read.show_each(table.storage, &keys, &mut |number, row| {
            let stored = StoredRow::from_ref(table.shape(), row)?;
            for (position, builder) in &mut builders {
                builder.append_field(stored.field(*position)?)?;
            }
            let row = rows.get(number).map(|(row, _)| *row);
            if let Some(of) = row.and_then(|row| of.get_mut(row)) {
                *of = (0, count);
            }
            count += 1;
            Ok(())
        })?;
        if count != rows.len() {
            return Err(Error::internal("a row is gone that was there before"));
        }
        let columns = builders.into_iter();
        Ok(columns.map(|(_, mut builder)| builder.finish()).collect())
    }
}
