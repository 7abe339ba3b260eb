//! Reading rows of a stored table into batches.

use std::fmt;
use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result as DfResult, Statistics, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::metrics::{
    BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use helios_base::Result;
use helios_table::KeyRange;
use helios_table::catalog::TableDef;
use helios_version::Read;

use super::batches::{Batches, Pieces, Source};
use super::childless;
use super::filter::RowFilter;
use super::late::{Cut, Places};
use super::morsels::Morsels;
use super::names::Tag;
use super::sieve::{Sieve, is_learnt};
use crate::fusion::error::{from_arrow, to_datafusion};
use crate::fusion::shape::Shape;
use crate::session::Interrupt;

/// How often a chunk of a segment was read, in part or whole, and how often its zones ruled it out.
const CHUNKS_READ: &str = "chunks_read";
const CHUNKS_PRUNED: &str = "chunks_pruned";

/// How many rows of segments do not count because others took their places.
const ROWS_HIDDEN: &str = "rows_hidden";

/// How many rows were left out for what operators above had learnt.
const ROWS_SIFTED: &str = "rows_sifted";

/// So many columns are read late whatever they hold.
const MANY_LATE: usize = 6;

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
    /// The stored key of rows outside of segments, `NULL` of others.
    KeyOutside,
    /// Where a row of a segment is.
    Place(Arc<Places>),
}

/// A scan of a table at a snapshot. Its parts take key ranges off a common list, in order.
pub(crate) struct StoredScan {
    source: Arc<Source>,
    schema: SchemaRef,
    morsels: Morsels,
    parts: usize,
    limit: Option<usize>,
    /// Whether rows may come in any order.
    apart: bool,
    /// How many parts share each segment whose rows lie in another order than that of their keys, where rows may come in any.
    shares: usize,
    /// Conditions over the outputs that operators above learn while they run.
    learnt: Vec<Arc<dyn PhysicalExpr>>,
    /// Tells the names of this scan's columns.
    tag: Tag,
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
        tag: Tag,
        outputs: Vec<(usize, Output)>,
        filters: Vec<RowFilter>,
        pieces: Pieces,
        parts: usize,
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
            Partitioning::UnknownPartitioning(parts),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            source: Arc::new(Source {
                table,
                read,
                outputs,
                filters,
                pieces,
            }),
            schema,
            morsels: Morsels::default(),
            parts,
            limit,
            apart: false,
            shares: 1,
            learnt: Vec::new(),
            tag,
            statistics,
            interrupt,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    /// The same scan, not run yet, with these conditions.
    fn with_learnt(&self, learnt: Vec<Arc<dyn PhysicalExpr>>) -> Self {
        Self {
            source: Arc::clone(&self.source),
            schema: Arc::clone(&self.schema),
            morsels: Morsels::default(),
            parts: self.parts,
            limit: self.limit,
            apart: self.apart,
            shares: self.shares,
            learnt,
            tag: self.tag,
            statistics: self.statistics.clone(),
            interrupt: self.interrupt.clone(),
            properties: Arc::clone(&self.properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl StoredScan {
    /// Whether rows come in any order, those of segments a chunk at a time.
    pub fn is_apart(&self) -> bool {
        self.apart
    }

    /// The column that rows come in the order of, if those of segments come a chunk at a time in that order.
    pub fn leading(&self) -> Option<usize> {
        let source = &self.source;
        let in_order = !self.apart
            && self.limit.is_none()
            && matches!(source.pieces, Pieces::Ranges(_))
            && source.read.segments(source.table.storage) > 0;
        let order = key_order(&source.table, &source.outputs, &self.schema);
        let first = order.first().filter(|_| in_order)?;
        first.expr.downcast_ref::<Column>().map(Column::index)
    }

    /// One part of the scan.
    ///
    /// # Errors
    /// If there is no such part.
    pub fn batches(&self, partition: usize, task: &TaskContext) -> DfResult<Batches> {
        if partition >= self.parts {
            return internal_err!("a scan has no part {partition}");
        }
        let sieve = |expr| Sieve::new(expr, &self.schema, &self.source.table, self.tag);
        let sieves: Result<Vec<Sieve>> = self.learnt.iter().map(sieve).collect();
        Ok(Batches::new(
            Arc::clone(&self.source),
            Arc::clone(&self.schema),
            sieves.map_err(to_datafusion)?,
            self.morsels.start(partition),
            (self.apart, self.shares),
            task.session_config().batch_size(),
            self.limit,
            self.interrupt.clone(),
            BaselineMetrics::new(&self.metrics, partition),
            [CHUNKS_READ, CHUNKS_PRUNED, ROWS_HIDDEN, ROWS_SIFTED]
                .map(|name| MetricBuilder::new(&self.metrics).counter(name, partition)),
        ))
    }

    /// How many parts are to share each segment whose rows lie in another order than that of their keys, through which the
    /// pieces do not cut.
    fn shares(&self) -> usize {
        let Pieces::Ranges(ranges) = &self.source.pieces else {
            return 1;
        };
        let is_few = ranges.len() < self.parts * 2;
        let table = self.source.table.storage;
        // Who reads it says what is wrong with it.
        match is_few && self.source.read.is_scattered(table).unwrap_or(false) {
            true => self.parts,
            false => 1,
        }
    }

    /// The same scan with rows in any order; `None` if it gains nothing by that.
    pub fn without_order(&self) -> Option<Self> {
        let read = &self.source.read;
        let gains = matches!(self.source.pieces, Pieces::Ranges(_))
            && self.limit.is_none()
            && !self.apart
            && read.segments(self.source.table.storage) > 0;
        gains.then(|| {
            let equivalence = EquivalenceProperties::new(Arc::clone(&self.schema));
            let properties = PlanProperties::new(
                equivalence,
                Partitioning::UnknownPartitioning(self.parts),
                EmissionType::Incremental,
                Boundedness::Bounded,
            );
            Self {
                apart: true,
                shares: self.shares(),
                properties: Arc::new(properties),
                ..self.with_learnt(self.learnt.clone())
            }
        })
    }
}

impl StoredScan {
    /// The scan without some of its outputs, which are read late; `None` if that gains nothing. Neither has others than
    /// it had.
    pub fn cut(&self, kept: &[usize], late: &[usize]) -> Option<Cut> {
        let is_column = |at: &usize| {
            let output = self.source.outputs.get(*at);
            matches!(output, Some(Output::Column { .. }))
        };
        let worth = late.iter().any(|at| {
            let field = self.schema.fields().get(*at);
            field.is_some_and(|field| !is_short(field.data_type()))
        });
        let source = &self.source;
        if late.len() < MANY_LATE && !worth
            || !late.iter().all(is_column)
            || self.limit.is_some()
            || !self.learnt.is_empty()
            || !matches!(source.pieces, Pieces::Ranges(_))
            || source.read.segments(source.table.storage) == 0
        {
            return None;
        }
        let places = Arc::new(Places::default());
        let mut outputs: Vec<Output> = (kept.iter())
            .map(|at| source.outputs.get(*at).cloned())
            .collect::<Option<_>>()?;
        outputs.push(Output::KeyOutside);
        outputs.push(Output::Place(Arc::clone(&places)));
        let mut fields = self.schema.project(kept).ok()?.fields().to_vec();
        fields.push(Arc::new(Field::new("(key)", DataType::BinaryView, true)));
        fields.push(Arc::new(Field::new("(place)", DataType::UInt64, false)));
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let mut equivalence = EquivalenceProperties::new(Arc::clone(&schema));
        let order = key_order(&source.table, &outputs, &schema);
        if !self.apart && !order.is_empty() {
            equivalence.add_ordering(order);
        }
        let properties = PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(self.parts),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let scan = Self {
            source: Arc::new(source.with_outputs(outputs.into())),
            schema,
            statistics: None,
            properties: Arc::new(properties),
            ..self.with_learnt(Vec::new())
        };
        Some(Cut::new(
            Arc::new(scan),
            Arc::clone(source),
            places,
            kept.to_vec(),
            Arc::clone(&self.schema),
        ))
    }
}

/// Whether arrays of this type cost next to nothing to hand on.
fn is_short(ty: &DataType) -> bool {
    ty.primitive_width().is_some_and(|bytes| bytes <= 8)
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

/// Whether a condition on the key leaves out rows.
fn narrowed(ranges: &[KeyRange]) -> bool {
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
        return true;
    };
    first.start != KeyRange::ALL.start || last.end != KeyRange::ALL.end
}

impl fmt::Debug for StoredScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredScan")
            .field("table", &self.source.table.name)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for StoredScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self
            .source
            .outputs
            .iter()
            .map(|output| match output {
                Output::Column { position, .. } => {
                    let column = self.source.table.columns.get(*position);
                    column.map_or("", |column| &column.name)
                }
                Output::Key | Output::KeyOutside => "(key)",
                Output::Place(_) => "(place)",
            })
            .collect();
        write!(
            f,
            "StoredScan: {}, columns=[{}]",
            self.source.table.name,
            names.join(", ")
        )?;
        match &self.source.pieces {
            Pieces::Probe(probe) => {
                let name = probe.index().map_or("?", |index| &index.def.name);
                write!(f, ", index={name}")?;
            }
            Pieces::Ranges(ranges) if narrowed(ranges) => f.write_str(", key range")?,
            Pieces::Ranges(_) => {}
        }
        if !self.source.filters.is_empty() {
            let filters: Vec<String> = self
                .source
                .filters
                .iter()
                .map(|filter| filter.describe(&self.source.table))
                .collect();
            write!(f, ", filter=[{}]", filters.join(" AND "))?;
        }
        let metrics = self.metrics.clone_inner();
        let sum = |name| metrics.sum_by_name(name).map_or(0, |sum| sum.as_usize());
        if !self.learnt.is_empty() {
            write!(f, ", dynamic filters={}", self.learnt.len())?;
            let sifted = sum(ROWS_SIFTED);
            if sifted > 0 {
                write!(f, " (rows removed={sifted})")?;
            }
        }
        let segments = self.source.read.segments(self.source.table.storage);
        if segments > 0 {
            write!(f, ", segments={segments}")?;
            let (read, pruned) = (sum(CHUNKS_READ), sum(CHUNKS_PRUNED));
            if read + pruned > 0 {
                write!(f, ", chunks read={read} pruned={pruned}")?;
            }
            let hidden = sum(ROWS_HIDDEN);
            if hidden > 0 {
                write!(f, ", rows changed since={hidden}")?;
            }
        }
        if self.parts > 1 {
            write!(f, ", parts={}", self.parts)?;
        }
        if let Some(limit) = self.limit {
            write!(f, ", limit={limit}")?;
        }
        write!(
            f,
            ", branch={}, scn={}",
            self.source.read.branch(),
            self.source.read.scn()
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
        childless(self, &children)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        childless(self, &children)
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        for expr in &self.learnt {
            if f(expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        pushed: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> DfResult<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters = pushed.parent_filters.into_iter().map(|known| known.filter);
        let filters: Vec<Arc<dyn PhysicalExpr>> = filters.collect();
        // Who gave them asks them again: a scan may pass over some.
        let answer = vec![PushedDown::No; filters.len()];
        let answer = FilterPushdownPropagation::with_parent_pushdown_result(answer);
        let new = filters.into_iter().filter(is_learnt);
        let learnt: Vec<_> = self.learnt.iter().cloned().chain(new).collect();
        // Of rows that are limited here others could not come in place of those left out.
        if learnt.len() == self.learnt.len() || self.limit.is_some() {
            return Ok(answer);
        }
        Ok(answer.with_updated_node(Arc::new(self.with_learnt(learnt))))
    }

    /// What was learnt in one run does not hold in the next.
    fn reset_state(self: Arc<Self>) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(self.with_learnt(Vec::new())))
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
        Ok(Box::pin(self.batches(partition, &task)?))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
