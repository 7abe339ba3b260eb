//! A stored table as a table of DataFusion.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DfResult;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::logical_expr::{Expr as DfExpr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use helios_base::{DataType, Error, Result};
use helios_table::catalog::TableDef;
use helios_table::{TableReader, TableStats};

use super::exec::{Output, StoredScan};
use super::range;
use crate::fusion::context::StatementContext;
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::Shape;
use crate::plan::{At, Scan};

/// Tables of fewer rows are read by one thread.
const ROWS_PER_PART: u64 = 32 * 1024;

/// One reference to a stored table in a statement. Holds no snapshot: that comes with the execution.
#[derive(Debug)]
pub(crate) struct StoredTable {
    table: Arc<TableDef>,
    at: Option<At>,
    outputs: Vec<Output>,
    schema: SchemaRef,
    statistics: Option<Arc<TableStats>>,
}

impl StoredTable {
    /// The rows that `scan` reads of `table`, whose statistics may be at hand.
    ///
    /// # Errors
    /// Internal if the table lacks a column.
    pub fn new(
        table: Arc<TableDef>,
        scan: &Scan,
        statistics: Option<Arc<TableStats>>,
    ) -> Result<Self> {
        let mut outputs = Vec::with_capacity(scan.columns.len());
        let mut fields = Vec::with_capacity(scan.columns.len());
        for id in &scan.reads {
            let (position, column) = table
                .column_by_id(*id)
                .ok_or_else(|| Error::internal("a scan of a column that is gone"))?;
            let shape = Shape::of(&column.ty);
            fields.push(shape.field(&column.name).with_nullable(!column.not_null));
            outputs.push(Output::Column { position, shape });
        }
        if scan.key {
            // No column can have this name: names are not empty.
            fields.push(Shape::of(&DataType::Bytea).field("").with_nullable(false));
            outputs.push(Output::Key);
        }
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            outputs,
            at: scan.at.clone(),
            table,
            statistics,
        })
    }

    fn statistics_of(&self, rows: Option<u64>, outputs: &[usize]) -> Statistics {
        let count = |n: f64| Precision::Inexact(n.max(0.0) as usize);
        let rows = rows.or(self.statistics.as_ref().map(|stats| stats.rows));
        let column = |output: &Output| -> Option<ColumnStatistics> {
            let Output::Column { position, .. } = output else {
                return None;
            };
            let id = self.table.columns.get(*position)?.id;
            let stats = self.statistics.as_ref()?.column(id)?;
            let all = rows? as f64;
            Some(ColumnStatistics {
                null_count: count(stats.null_fraction * all),
                distinct_count: count(stats.distinct),
                ..ColumnStatistics::new_unknown()
            })
        };
        Statistics {
            num_rows: rows.map_or(Precision::Absent, |rows| count(rows as f64)),
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

    fn plan(
        &self,
        context: &StatementContext,
        projection: Option<&Vec<usize>>,
        filters: &[DfExpr],
        limit: Option<usize>,
        threads: usize,
    ) -> Result<StoredScan> {
        let (read, table) = context.snapshots().read(&self.table, self.at.as_ref())?;
        let rows = context.snapshots().rows(read.as_ref(), &table);
        let reader = TableReader::new(&table, read.as_ref());
        let whole = range::of_filters(filters, &table, &reader)?;
        let narrowed = whole != helios_table::KeyRange::ALL;
        let parts = match (limit, rows) {
            (Some(limit), _) if limit as u64 <= ROWS_PER_PART => 1,
            (_, Some(rows)) => (rows / ROWS_PER_PART).min(threads as u64).max(1) as usize,
            (_, None) => 1,
        };
        let ranges = range::split(whole, parts, &table, read.as_ref())?;
        let chosen: Vec<usize> = match projection {
            Some(chosen) => chosen.clone(),
            None => (0..self.outputs.len()).collect(),
        };
        let statistics = if narrowed {
            Statistics::new_unknown(&Schema::empty())
        } else {
            self.statistics_of(rows, &chosen)
        };
        StoredScan::new(
            table,
            read,
            &self.schema,
            chosen
                .iter()
                .filter_map(|index| self.outputs.get(*index).cloned().map(|o| (*index, o)))
                .collect(),
            ranges,
            limit,
            (!narrowed).then_some(statistics),
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
        let scan = self
            .plan(&context, projection, filters, limit, threads)
            .map_err(to_datafusion)?;
        Ok(Arc::new(scan))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&DfExpr],
    ) -> DfResult<Vec<TableProviderFilterPushDown>> {
        // Ranges narrow what is read; the filter itself stays in the plan.
        Ok(filters
            .iter()
            .map(|filter| {
                if range::serves(filter, &self.table) {
                    TableProviderFilterPushDown::Inexact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    fn statistics(&self) -> Option<Statistics> {
        let all: Vec<usize> = (0..self.outputs.len()).collect();
        Some(self.statistics_of(None, &all))
    }
}
