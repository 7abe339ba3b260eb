//! A stored table as a table of DataFusion.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DfResult;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Statistics};
use datafusion::logical_expr::{Expr as DfExpr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExecBuilder;
use helios_base::{DataType, Error, Result};
use helios_expr::Comparison;
use helios_table::catalog::TableDef;
use helios_table::{ColumnStats, KeyRange, TableReader, TableStats};

use super::batches::Pieces;
use super::exec::{Output, StoredScan};
use super::filter::{RowFilter, Test};
use super::names::{Columns, Tag};
use super::probe::Probe;
use super::range;
use crate::fusion::context::StatementContext;
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::Shape;
use crate::plan::{At, Scan};
use crate::row::compile::share_compared;

/// Tables of fewer rows are read by one thread.
const ROWS_PER_PART: u64 = 32 * 1024;

/// Indexes are asked for tables of so many rows.
const ROWS_FOR_INDEX: u64 = 1000;

/// Into how many ranges the table is cut for each thread, so that uneven ones do not keep one thread
/// busy while others wait.
const RANGES_PER_PART: usize = 8;

/// One reference to a stored table in a statement. Holds no snapshot: that comes with the execution.
#[derive(Debug)]
pub(crate) struct StoredTable {
    table: Arc<TableDef>,
    at: Option<At>,
    outputs: Vec<Output>,
    tag: Tag,
    schema: SchemaRef,
    statistics: Option<Arc<TableStats>>,
}

impl StoredTable {
    /// The rows that `scan` reads of `table`, whose statistics may be at hand, in columns named by
    /// `tag`.
    ///
    /// # Errors
    /// Internal if the table lacks a column.
    pub fn new(
        table: Arc<TableDef>,
        scan: &Scan,
        tag: Tag,
        statistics: Option<Arc<TableStats>>,
    ) -> Result<Self> {
        let mut outputs = Vec::with_capacity(scan.columns.len());
        let mut fields = Vec::with_capacity(scan.columns.len());
        for id in &scan.reads {
            let (position, column) = table
                .column_by_id(*id)
                .ok_or_else(|| Error::internal("a scan of a column that is gone"))?;
            let shape = Shape::of(&column.ty);
            fields.push(
                shape
                    .field(&tag.name(&column.name))
                    .with_nullable(!column.not_null),
            );
            outputs.push(Output::Column { position, shape });
        }
        if scan.key {
            // No column can have this name: names are not empty.
            let name = tag.name("");
            fields.push(
                Shape::of(&DataType::Bytea)
                    .field(&name)
                    .with_nullable(false),
            );
            outputs.push(Output::Key);
        }
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            outputs,
            tag,
            at: scan.at.clone(),
            table,
            statistics,
        })
    }

    /// What is known of the rows that satisfy `tests`.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "estimates"
    )]
    fn statistics_of(
        &self,
        rows: Option<u64>,
        tests: &[RowFilter],
        outputs: &[usize],
    ) -> Statistics {
        let count = |n: f64| Precision::Inexact(n.max(0.0) as usize);
        let rows = rows.or(self.statistics.as_ref().map(|stats| stats.rows));
        let share: f64 = tests.iter().map(|test| self.share(test)).product();
        let rows = rows.map(|rows| (rows as f64 * share).max(1.0));
        let column = |output: &Output| -> Option<ColumnStatistics> {
            let Output::Column { position, .. } = output else {
                return None;
            };
            let stats = self.analyzed(*position)?;
            let all = rows?;
            Some(ColumnStatistics {
                null_count: count(stats.null_fraction * all),
                distinct_count: count(stats.distinct.min(all)),
                ..ColumnStatistics::new_unknown()
            })
        };
        Statistics {
            num_rows: rows.map_or(Precision::Absent, count),
            total_byte_size: Precision::Absent,
            column_statistics: outputs
                .iter()
                .map(|index| {
                    self.outputs
                        .get(*index)
                        .and_then(column)
                        .unwrap_or_else(ColumnStatistics::new_unknown)
                })
                .collect(),
        }
    }

    /// The index to read, if one spares most of the table, or of the range of its key.
    fn probe(
        &self,
        context: &StatementContext,
        table: &TableDef,
        tests: &[RowFilter],
        rows: u64,
        narrowed: bool,
    ) -> Result<Option<Probe>> {
        if tests.is_empty() || table.indexes.is_empty() {
            return Ok(None);
        }
        let Some(rules) = context.snapshots().rules(table) else {
            return Ok(None);
        };
        let key = table.shape().key_columns();
        let on_key = |test: &&RowFilter| key.iter().any(|(column, _)| *column == test.position);
        let range: f64 = match narrowed {
            true => tests
                .iter()
                .filter(on_key)
                .map(|test| self.share(test))
                .product(),
            false => 1.0,
        };
        let found = Probe::choose(&rules, tests, rows as f64, &|test| self.share(test))?;
        Ok(found.filter(|probe| probe.cost() < rows as f64 * range))
    }

    /// What `ANALYZE` found of the column at `position`.
    fn analyzed(&self, position: usize) -> Option<&ColumnStats> {
        let column = self.table.columns.get(position)?;
        let stats = self.statistics.as_ref()?.column(column.id)?;
        (stats.ty == column.ty).then_some(stats)
    }

    /// The share of rows that a test leaves.
    fn share(&self, test: &RowFilter) -> f64 {
        let stats = self.analyzed(test.position);
        let equal = |value| share_compared(stats, Comparison::Eq, Some(value));
        match &test.test {
            Test::Compare(comparison, _, value) => share_compared(stats, *comparison, Some(value)),
            Test::Any(_, values) => values.iter().map(equal).sum::<f64>().min(1.0),
            Test::Null => stats.map_or(0.0, |stats| stats.null_fraction),
            Test::NotNull => 1.0 - stats.map_or(0.0, |stats| stats.null_fraction),
            Test::Never => 0.0,
        }
    }

    fn columns(&self) -> Columns<'_> {
        Columns {
            table: &self.table,
            tag: self.tag,
        }
    }

    fn plan(
        &self,
        context: &StatementContext,
        chosen: &[usize],
        filters: &[DfExpr],
        limit: Option<usize>,
        threads: usize,
    ) -> Result<StoredScan> {
        let (read, table) = context.snapshots().read(&self.table, self.at.as_ref())?;
        let rows = context.snapshots().rows(read.as_ref(), &table);
        let reader = TableReader::new(&table, read.as_ref());
        let columns = Columns {
            table: &table,
            tag: self.tag,
        };
        let whole = range::of_filters(filters, columns, &reader)?;
        let tests: Vec<RowFilter> = filters
            .iter()
            .filter_map(|filter| RowFilter::of(filter, columns))
            .collect();
        let probe = match rows {
            Some(rows) if self.at.is_none() && rows >= ROWS_FOR_INDEX => {
                let narrowed = whole != KeyRange::ALL;
                self.probe(context, &table, &tests, rows, narrowed)?
            }
            _ => None,
        };
        let work = match &probe {
            // A lookup is worth many rows in order.
            Some(probe) => Some((probe.estimate * 8.0) as u64),
            None => rows,
        };
        let parts = match (limit, work) {
            (Some(limit), _) if limit as u64 <= ROWS_PER_PART => 1,
            (_, Some(work)) => (work / ROWS_PER_PART).min(threads as u64).max(1) as usize,
            (_, None) => 1,
        };
        let pieces = match probe {
            Some(probe) => Pieces::Probe(Arc::new(probe)),
            None if parts > 1 => {
                let count = parts * RANGES_PER_PART;
                let rows = rows.unwrap_or(0);
                Pieces::Ranges(range::pieces(whole, count, rows, &table, read.as_ref())?)
            }
            None => Pieces::Ranges(vec![whole]),
        };
        let statistics = self.statistics_of(rows, &tests, chosen);
        StoredScan::new(
            table,
            read,
            &self.schema,
            self.tag,
            chosen
                .iter()
                .filter_map(|index| self.outputs.get(*index).cloned().map(|o| (*index, o)))
                .collect(),
            tests,
            pieces,
            parts,
            limit,
            Some(statistics),
            context.interrupt().clone(),
        )
    }
}

#[async_trait]
impl TableProvider for StoredTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[DfExpr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let context = StatementContext::of(state.config_options());
        let threads = state.config().target_partitions();
        let chosen: Vec<usize> = match projection {
            Some(chosen) => chosen.clone(),
            None => (0..self.outputs.len()).collect(),
        };
        // The optimizer may have rewritten conditions since they were accepted.
        let columns = self.columns();
        let rest = filters
            .iter()
            .filter(|filter| RowFilter::of(filter, columns).is_none())
            .cloned()
            .reduce(DfExpr::and);
        let Some(rest) = rest else {
            let scan = self.plan(&context, &chosen, filters, limit, threads);
            return Ok(Arc::new(scan.map_err(to_datafusion)?));
        };
        let mut read = chosen.clone();
        for column in rest.column_refs() {
            let index = self.schema.index_of(column.name())?;
            if !read.contains(&index) {
                read.push(index);
            }
        }
        let scan = self
            .plan(&context, &read, filters, None, threads)
            .map_err(to_datafusion)?;
        let schema = DFSchema::try_from(scan.schema())?;
        let rest = state.create_physical_expr(rest, &schema)?;
        let filter = FilterExecBuilder::new(rest, Arc::new(scan))
            .apply_projection(Some((0..chosen.len()).collect()))?
            .with_fetch(limit)
            .build()?;
        Ok(Arc::new(filter))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&DfExpr],
    ) -> DfResult<Vec<TableProviderFilterPushDown>> {
        let columns = self.columns();
        // Simple conditions are asked of the stored rows. Of others ranges narrow what is read, and
        // the filter itself stays in the plan.
        Ok(filters
            .iter()
            .map(|filter| {
                if RowFilter::of(filter, columns).is_some() {
                    TableProviderFilterPushDown::Exact
                } else if range::serves(filter, columns) {
                    TableProviderFilterPushDown::Inexact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    fn statistics(&self) -> Option<Statistics> {
        let all: Vec<usize> = (0..self.outputs.len()).collect();
        Some(self.statistics_of(None, &[], &all))
    }
}
