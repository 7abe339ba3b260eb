//! Reading rows of a stored table into batches.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::array::{ArrayRef, BinaryViewBuilder, RecordBatch, RecordBatchOptions};
use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as DfResult, Statistics, internal_err};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::Stream;
use helios_base::Result;
use helios_table::catalog::TableDef;
use helios_table::{KeyRange, StoredRow};
use helios_version::{Read, RowCursor};

use crate::fusion::array::ColumnBuilder;
use crate::fusion::error::{from_arrow, to_datafusion};
use crate::fusion::shape::Shape;
use crate::session::Interrupt;

/// How many rows go between two looks at the interrupt.
const ROWS_PER_CHECK: usize = 1024;

/// What one output column holds.
#[derive(Clone, Debug)]
pub(super) enum Output {
    /// The table's column at `position`.
    Column {
        /// Its position in the table.
        position: usize,
        /// Its form.
        shape: Shape,
    },
    /// The stored key.
    Key,
}

/// A scan of a table at a snapshot, one partition per key range.
pub(super) struct StoredScan {
    table: Arc<TableDef>,
    read: Arc<dyn Read>,
    outputs: Arc<[Output]>,
    schema: SchemaRef,
    ranges: Vec<KeyRange>,
    limit: Option<usize>,
    statistics: Option<Statistics>,
    interrupt: Interrupt,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl StoredScan {
    /// `outputs` name fields of `schema` by position.
    #[allow(clippy::too_many_arguments, reason = "one caller, all facts of a scan")]
    pub(super) fn new(
        table: Arc<TableDef>,
        read: Arc<dyn Read>,
        schema: &Schema,
        outputs: Vec<(usize, Output)>,
        ranges: Vec<KeyRange>,
        limit: Option<usize>,
        statistics: Option<Statistics>,
        interrupt: Interrupt,
    ) -> Result<Self> {
        let fields: Vec<usize> = outputs.iter().map(|(field, _)| *field).collect();
        let schema: SchemaRef = Arc::new(schema.project(&fields).map_err(from_arrow)?);
        let outputs: Arc<[Output]> = outputs.into_iter().map(|(_, output)| output).collect();
        let order = key_order(&table, &outputs, &schema);
        let mut equivalence = EquivalenceProperties::new(Arc::clone(&schema));
        if !order.is_empty() {
            equivalence.add_ordering(order);
        }
        let properties = PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(ranges.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            table,
            read,
            outputs,
            schema,
            ranges,
            limit,
            statistics,
            interrupt,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

/// The order of the rows: that of the key columns, as far as they are put out and compare as their
/// stored keys do.
fn key_order(table: &TableDef, outputs: &[Output], schema: &Schema) -> Vec<PhysicalSortExpr> {
    let mut order = Vec::new();
    for (key, _) in table.shape().key_columns() {
        let found = outputs
            .iter()
            .enumerate()
            .find_map(|(index, output)| match output {
                Output::Column { position, shape } if position == key && shape.is_ordered() => {
                    Some(index)
                }
                _ => None,
            });
        let Some((index, field)) = found.and_then(|i| Some((i, schema.fields().get(i)?))) else {
            break;
        };
        order.push(PhysicalSortExpr::new(
            Arc::new(Column::new(field.name(), index)),
            SortOptions {
                descending: false,
                nulls_first: false,
            },
        ));
    }
    order
}

impl fmt::Debug for StoredScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredScan")
            .field("table", &self.table.name)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for StoredScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .schema
            .fields()
            .iter()
            .map(|field| match field.name().as_str() {
                "" => "(key)",
                name => name,
            })
            .collect();
        write!(
            f,
            "StoredScan: {}, columns=[{}]",
            self.table.name,
            names.join(", ")
        )?;
        if self.ranges.len() > 1 {
            write!(f, ", parts={}", self.ranges.len())?;
        } else if self
            .ranges
            .first()
            .is_some_and(|range| *range != KeyRange::ALL)
        {
            f.write_str(", key range")?;
        }
        if let Some(limit) = self.limit {
            write!(f, ", limit={limit}")?;
        }
        write!(
            f,
            ", branch={}, scn={}",
            self.read.branch(),
            self.read.scn()
        )
    }
}

impl ExecutionPlan for StoredScan {
    fn name(&self) -> &str {
        "StoredScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            Ok(self)
        } else {
            internal_err!("a scan has no inputs")
        }
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            Ok(self)
        } else {
            internal_err!("a scan has no inputs")
        }
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
        args: &StatisticsArgs,
    ) -> DfResult<Arc<Statistics>> {
        Ok(Arc::new(match (&self.statistics, args.partition()) {
            (Some(statistics), None) => statistics.clone(),
            _ => Statistics::new_unknown(&self.schema),
        }))
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let Some(range) = self.ranges.get(partition) else {
            return internal_err!("a scan has no part {partition}");
        };
        let rows = if range.is_empty() {
            None
        } else {
            let rows = self.read.scan(self.table.storage, range.bounds(), false);
            Some(rows.map_err(to_datafusion)?)
        };
        Ok(Box::pin(Batches {
            table: Arc::clone(&self.table),
            outputs: Arc::clone(&self.outputs),
            schema: Arc::clone(&self.schema),
            rows,
            batch_rows: task.session_config().batch_size(),
            left: self.limit.unwrap_or(usize::MAX),
            interrupt: self.interrupt.clone(),
            metrics: BaselineMetrics::new(&self.metrics, partition),
        }))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

struct Batches {
    table: Arc<TableDef>,
    outputs: Arc<[Output]>,
    schema: SchemaRef,
    /// `None` at the end.
    rows: Option<RowCursor>,
    batch_rows: usize,
    /// How many rows are still wanted.
    left: usize,
    interrupt: Interrupt,
    metrics: BaselineMetrics,
}

enum Builder {
    Column(usize, ColumnBuilder),
    Key(BinaryViewBuilder),
}

impl Batches {
    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(rows) = &mut self.rows else {
            return Ok(None);
        };
        let wanted = self.batch_rows.min(self.left);
        let mut builders: Vec<Builder> = self
            .outputs
            .iter()
            .map(|output| match output {
                Output::Column { position, shape } => {
                    Builder::Column(*position, ColumnBuilder::new(shape, wanted))
                }
                Output::Key => Builder::Key(BinaryViewBuilder::with_capacity(wanted)),
            })
            .collect();
        let shape = self.table.shape();
        let mut count = 0;
        while count < wanted {
            if count % ROWS_PER_CHECK == 0 {
                self.interrupt.check()?;
            }
            let Some(row) = rows.next()? else {
                self.rows = None;
                break;
            };
            let row = StoredRow::from_ref(shape, row)?;
            for builder in &mut builders {
                match builder {
                    Builder::Column(position, builder) => builder.append(&row.value(*position)?)?,
                    Builder::Key(builder) => builder.append_value(row.key()),
                }
            }
            count += 1;
        }
        self.left -= count;
        if self.left == 0 {
            self.rows = None;
        }
        self.interrupt.advance(count as u64);
        if count == 0 {
            return Ok(None);
        }
        let arrays = builders
            .into_iter()
            .map(|builder| match builder {
                Builder::Column(_, mut builder) => builder.finish(),
                Builder::Key(mut builder) => Arc::new(builder.finish()) as ArrayRef,
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map(Some)
            .map_err(from_arrow)
    }
}

impl Stream for Batches {
    type Item = DfResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let time = self.metrics.elapsed_compute().clone();
        let _timer = time.timer();
        let batch = self.batch().map_err(to_datafusion).transpose();
        if batch.as_ref().is_some_and(Result::is_err) {
            self.rows = None;
        }
        let batch = batch.map(|batch| batch.record_output(&self.metrics));
        Poll::Ready(batch)
    }
}

impl RecordBatchStream for Batches {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
