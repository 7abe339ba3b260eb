//! Tables in memory, and the shortest way from a plan to its rows.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use datafusion::catalog::{MemTable, TableProvider};
use helios_base::{ColumnId, DataType, Error, Result, Row, TableId, Value};
use helios_expr::Expr;

use crate::fusion::array::array_of;
use crate::fusion::bridge::Tables;
use crate::fusion::context::StatementContext;
use crate::fusion::run::{FusionEngine, FusionOptions};
use crate::fusion::scan::Tag;
use crate::fusion::shape::Shape;
use crate::fusion::statement::FusionPlan;
use crate::plan::{Plan, PlanColumn, Scan, Subplan, TableRef};
use crate::session::RowSource;

/// A table of values.
pub struct Table {
    pub name: &'static str,
    pub types: Vec<DataType>,
    pub rows: Vec<Row>,
}

/// Some tables and an engine.
pub struct Fixture {
    engine: FusionEngine,
    tables: Vec<Table>,
}

impl Fixture {
    pub fn new(tables: Vec<Table>) -> Self {
        let options = FusionOptions {
            threads: 2,
            temporary: None,
        };
        Self {
            engine: FusionEngine::new(options),
            tables,
        }
    }

    /// A scan of all columns of the table at `index`.
    pub fn scan(&self, index: usize) -> Plan {
        let table = &self.tables[index];
        let columns: Vec<PlanColumn> = table
            .types
            .iter()
            .enumerate()
            .map(|(i, ty)| PlanColumn::new(format!("c{i}"), ty.clone()))
            .collect();
        Plan::Scan(Box::new(Scan {
            table: TableRef {
                id: TableId(index as u32),
                schema: "public".into(),
                name: table.name.into(),
            },
            alias: table.name.into(),
            at: None,
            versions: None,
            reads: (0..columns.len()).map(|i| ColumnId(i as u32)).collect(),
            key: false,
            filters: Vec::new(),
            guards: 0,
            columns,
        }))
    }

    pub fn try_run(&self, plan: &Plan, subplans: &[Subplan]) -> Result<Vec<Row>> {
        let context = StatementContext::default();
        let prepared = FusionPlan::prepare(
            &self.engine,
            context.clone(),
            plan,
            subplans,
            Vec::new(),
            self,
        )?;
        let mut rows = prepared.run(&self.engine, context, None)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next_row()? {
            all.push(row);
        }
        Ok(all)
    }

    /// The rows of a plan as text, sorted.
    #[track_caller]
    pub fn run(&self, plan: &Plan, subplans: &[Subplan]) -> Vec<String> {
        let rows = self.try_run(plan, subplans);
        let mut rows = texts(plan, &rows.expect("plan runs"));
        rows.sort();
        rows
    }

    /// The rows of a plan as text, in its order.
    #[track_caller]
    pub fn run_in_order(&self, plan: &Plan) -> Vec<String> {
        texts(plan, &self.try_run(plan, &[]).expect("plan runs"))
    }

    pub fn explain(&self, plan: &Plan) -> String {
        let context = StatementContext::default();
        FusionPlan::prepare(&self.engine, context.clone(), plan, &[], Vec::new(), self)
            .and_then(|plan| plan.explain(&self.engine, context))
            .expect("plan is explained")
    }
}

fn texts(plan: &Plan, rows: &[Row]) -> Vec<String> {
    let text = helios_base::TextContext::default();
    rows.iter()
        .map(|row| {
            row.iter()
                .zip(plan.columns())
                .map(|(value, column)| match value {
                    Value::Null => "NULL".to_owned(),
                    value => value.to_text(&column.ty, &text),
                })
                .collect::<Vec<_>>()
                .join("|")
        })
        .collect()
}

impl Tables for Fixture {
    fn table(&self, scan: &Scan, tag: Tag) -> Result<Arc<dyn TableProvider>> {
        let table = &self.tables[scan.table.id.0 as usize];
        let shapes: Vec<Shape> = table.types.iter().map(Shape::of).collect();
        let fields: Vec<_> = shapes
            .iter()
            .enumerate()
            .map(|(i, shape)| shape.field(&tag.name(&format!("c{i}"))))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        // Several small batches in two parts, so that partial results meet.
        let mut parts = vec![Vec::new(), Vec::new()];
        for (number, chunk) in table.rows.chunks(3).enumerate() {
            let arrays = shapes
                .iter()
                .enumerate()
                .map(|(i, shape)| array_of(chunk.iter().map(|row| &row[i]), shape))
                .collect::<Result<Vec<_>>>()?;
            let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
                .map_err(|e| Error::internal(e.to_string()))?;
            parts[number % 2].push(batch);
        }
        let table = MemTable::try_new(schema, parts).map_err(|e| Error::internal(e.to_string()))?;
        Ok(Arc::new(table))
    }
}

/// Column `index` of a plan.
pub fn col(plan: &Plan, index: usize) -> Expr {
    Expr::column(index, plan.columns()[index].ty.clone())
}
