//! A query for the vectorized executor: prepared once, run often.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use helios_base::{DataType, Error, Result, Row, SqlState, Value};
use tokio::runtime::Handle;

use super::array::{ColumnReader, export, export_field, fit, scalar_of};
use super::bridge::{Early, PlanBridge, Purpose, Tables, Typed, number_shape};
use super::context::StatementContext;
use super::error::{from_arrow, from_datafusion, from_planning};
use super::results::{Growing, Keeping, KeptRows};
use super::run::{BatchStream, FusionEngine, StatementMemory};
use super::shape::{DECIMAL_DIGITS, Shape};
use crate::plan::{Plan, Subplan};
use crate::row::measure::Actual;
use crate::session::{Interrupt, ResultColumn, RowSource};

/// A way to start a physical plan.
type Start =
    fn(Arc<dyn ExecutionPlan>, Arc<TaskContext>, &Handle, Interrupt) -> Result<BatchStream>;

/// An optimized plan, free of any one execution's values and snapshot.
#[derive(Clone, Debug)]
pub(crate) struct FusionPlan {
    plan: LogicalPlan,
    params: Vec<Shape>,
    early: Vec<Early>,
    shapes: Vec<Shape>,
}

impl FusionPlan {
    /// Translates and optimizes `plan`, whose parameters have the forms `params`.
    ///
    /// # Errors
    /// `0A000` (kind `Unsupported`) if only the row executor can run it.
    ///
    /// # Cost
    /// Tens to hundreds of microseconds; keep the result.
    pub fn prepare(
        engine: &FusionEngine,
        context: StatementContext,
        plan: &Plan,
        subplans: &[Subplan],
        params: Vec<Shape>,
        tables: &dyn Tables,
    ) -> Result<Self> {
        let mut bridge = PlanBridge::new(tables, subplans, &params);
        let relation = bridge.plan(plan)?;
        let early = bridge.into_early();
        let shapes: Vec<Shape> = relation.columns.iter().map(|c| c.shape.clone()).collect();
        let exprs = outputs(relation.columns.clone());
        let relation = relation.then(|plan| plan.project(exprs))?;
        let state = engine.state(context, None)?;
        let plan = guarded(|| state.optimize(&relation.plan))?.map_err(from_planning)?;
        Ok(Self {
            plan,
            params,
            early,
            shapes,
        })
    }

    /// Runs the plan. `memory` limits what it may hold in memory.
    ///
    /// # Errors
    /// `0A000` (kind `Unsupported`) if only the row executor can run it after all; what opening the
    /// tables or computing the limits raises.
    pub fn run(
        &self,
        engine: &FusionEngine,
        context: StatementContext,
        memory: Option<StatementMemory>,
    ) -> Result<FusionRows> {
        self.start(engine, context, memory, BatchStream::start)
    }

    /// As [`FusionPlan::run`], in the order in which tables and files have their rows where the plan can keep it.
    ///
    /// # Errors
    /// As there.
    pub fn run_in_turn(
        &self,
        engine: &FusionEngine,
        context: StatementContext,
        memory: Option<StatementMemory>,
    ) -> Result<FusionRows> {
        self.start(engine, context, memory, BatchStream::start_in_turn)
    }

    fn start(
        &self,
        engine: &FusionEngine,
        context: StatementContext,
        memory: Option<StatementMemory>,
        start: Start,
    ) -> Result<FusionRows> {
        let interrupt = context.interrupt().clone();
        let (state, plan) = self.physical(engine, context, memory)?;
        let handle = engine.handle()?;
        let stream = start(plan, state.task_ctx(), &handle, interrupt)?;
        Ok(FusionRows::new(stream, self.shapes.clone()))
    }

    /// The physical plan as indented text, one operator per line.
    ///
    /// # Errors
    /// As [`FusionPlan::run`].
    pub fn explain(&self, engine: &FusionEngine, context: StatementContext) -> Result<String> {
        let (_, plan) = self.physical(engine, context, None)?;
        Ok(DisplayableExecutionPlan::new(plan.as_ref())
            .indent(false)
            .to_string())
    }

    /// Runs the plan to its end and returns it as text with what each operator did.
    ///
    /// # Errors
    /// As [`FusionPlan::run`], and what the execution raises.
    pub fn explain_analyze(
        &self,
        engine: &FusionEngine,
        context: StatementContext,
        memory: Option<StatementMemory>,
    ) -> Result<(String, Analyzed)> {
        let interrupt: Interrupt = context.interrupt().clone();
        let (state, plan) = self.physical(engine, context, memory)?;
        let handle = engine.handle()?;
        let mut stream =
            BatchStream::start(Arc::clone(&plan), state.task_ctx(), &handle, interrupt)?;
        let mut rows = 0u64;
        while let Some(batch) = stream.next_batch()? {
            rows += batch.num_rows() as u64;
        }
        let text = DisplayableExecutionPlan::new(plan.as_ref()).indent(false);
        let mut actual = Vec::new();
        add_actual(plan.as_ref(), &mut actual);
        Ok((text.to_string(), (rows, actual)))
    }

    fn physical(
        &self,
        engine: &FusionEngine,
        context: StatementContext,
        memory: Option<StatementMemory>,
    ) -> Result<(SessionState, Arc<dyn ExecutionPlan>)> {
        let mut plan = self.plan.clone();
        if !self.params.is_empty() || !self.early.is_empty() {
            let values = self.values(&context)?;
            plan = plan
                .replace_params_with_values(&values)
                .map_err(from_datafusion)?;
        }
        let state = engine.state(context, memory)?;
        let (sender, receiver) = channel();
        engine.handle()?.spawn(async move {
            let physical = state
                .query_planner()
                .create_physical_plan(&plan, &state)
                .await;
            // Nobody listens once the caller is gone.
            let _ = sender.send(physical.map(|physical| (state, physical)));
        });
        match receiver.recv() {
            Ok(planned) => planned.map_err(from_planning),
            // The planner panicked; its thread has said where.
            Err(_) => Err(Error::unsupported(
                "a plan that the vectorized planner fails on",
            )),
        }
    }

    fn values(&self, context: &StatementContext) -> Result<ParamValues> {
        let mut values = HashMap::new();
        for (index, shape) in self.params.iter().enumerate() {
            let value = context.params().get(index).unwrap_or(&Value::Null);
            let value = fit(value, shape)
                .ok_or_else(|| Error::internal("a parameter does not have its form"))?;
            values.insert((index + 1).to_string(), scalar_of(&value, shape)?.into());
        }
        for early in &self.early {
            let value = context.with_eval(|eval| early.expr.eval(&[], eval))?;
            values.insert(early.name.clone(), early_value(early, &value)?.into());
        }
        Ok(ParamValues::Map(values))
    }
}

/// How many rows a run gave, and what its operators did, each before its inputs.
pub(crate) type Analyzed = (u64, Vec<Actual>);

fn add_actual(plan: &dyn ExecutionPlan, all: &mut Vec<Actual>) {
    let metrics = plan.metrics().unwrap_or_default();
    let number = |number: Option<usize>| number.unwrap_or(0) as u64;
    all.push(Actual {
        loops: 0,
        rows: number(metrics.output_rows()),
        time: Duration::from_nanos(number(metrics.elapsed_compute())),
    });
    for child in plan.children() {
        add_actual(child.as_ref(), all);
    }
}

/// The columns of a result under their own names: nothing else may come out.
fn outputs(columns: Vec<Typed>) -> Vec<DfExpr> {
    columns
        .into_iter()
        .enumerate()
        .map(|(number, column)| column.expr.alias(format!("out{number}")))
        .collect()
}

/// Runs an optimizer that is not ours: where it panics, the row executor takes the statement.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T> {
    // What a panic leaves behind is dropped with the plan it was made from.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        tracing::error!("the optimizer of vectorized plans panicked");
        Error::unsupported("a plan that the vectorized optimizer fails on")
    })
}

fn early_value(early: &Early, value: &Value) -> Result<ScalarValue> {
    let (state, message) = match early.purpose {
        Purpose::Limit => (
            SqlState::INVALID_ROW_COUNT_IN_LIMIT_CLAUSE,
            "LIMIT must not be negative",
        ),
        Purpose::Offset => (
            SqlState::INVALID_ROW_COUNT_IN_OFFSET_CLAUSE,
            "OFFSET must not be negative",
        ),
    };
    match (value, early.purpose) {
        (Value::Null, Purpose::Limit) => Ok(ScalarValue::Int64(None)),
        (Value::Null, Purpose::Offset) => Ok(ScalarValue::Int64(Some(0))),
        (Value::Int8(rows), _) if *rows < 0 => Err(Error::new(state, message)),
        (Value::Int8(rows), _) => Ok(ScalarValue::Int64(Some(*rows))),
        (other, _) => Err(Error::internal(format!("a row count of {other:?}"))),
    }
}

/// The form of a parameter of type `ty` with this value.
///
/// Numbers take a few standard forms, so that a plan serves many values.
pub(crate) fn parameter_shape(value: &Value, ty: &DataType) -> Shape {
    match value {
        Value::Numeric(number) => number_shape(number)
            .as_decimal()
            .and_then(|(digits, scale)| {
                let digits = [9, 18, DECIMAL_DIGITS]
                    .into_iter()
                    .find(|class| *class >= u16::from(digits));
                digits.and_then(|digits| Shape::decimal(digits, scale))
            })
            .unwrap_or_else(|| Shape::of(&DataType::Numeric(None))),
        _ => Shape::of(&ty.bare()),
    }
}

/// The rows of one execution. Dropping it stops the work.
pub(crate) struct FusionRows {
    batches: Batches,
    shapes: Vec<Shape>,
    readers: Vec<ColumnReader>,
    row: usize,
    rows: usize,
}

/// Where batches come from.
enum Batches {
    /// An execution, whose result may have to be kept.
    Running(Box<BatchStream>, Option<Growing>),
    /// A result that was kept, and how many of its batches were handed out.
    Kept(KeptRows, usize),
}

impl FusionRows {
    fn new(stream: BatchStream, shapes: Vec<Shape>) -> Self {
        Self::of(Batches::Running(Box::new(stream), None), shapes)
    }

    /// The rows of a result that was kept.
    pub(super) fn kept(rows: KeptRows) -> Self {
        let shapes = rows.shapes.to_vec();
        Self::of(Batches::Kept(rows, 0), shapes)
    }

    fn of(batches: Batches, shapes: Vec<Shape>) -> Self {
        Self {
            batches,
            shapes,
            readers: Vec::new(),
            row: 0,
            rows: 0,
        }
    }

    /// Keeps the result once all of it was read.
    pub(super) fn keep(&mut self, keeping: Keeping) {
        if let Batches::Running(_, growing) = &mut self.batches {
            *growing = Some(Growing::new(keeping));
        }
    }

    /// The shapes of its columns.
    pub fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// The next rows, `None` at the end.
    ///
    /// # Errors
    /// What the execution raises.
    pub fn next(&mut self) -> Result<Option<RecordBatch>> {
        let (stream, growing) = match &mut self.batches {
            Batches::Running(stream, growing) => (stream, growing),
            Batches::Kept(rows, next) => {
                let batch = rows.batches.get(*next).cloned();
                *next += 1;
                return Ok(batch);
            }
        };
        let batch = stream.next_batch()?;
        match (&batch, &mut *growing) {
            (_, None) => {}
            (Some(batch), Some(result)) => {
                if !result.add(batch)? {
                    *growing = None;
                }
            }
            (None, Some(_)) => {
                if let Some(result) = growing.take() {
                    result.finish(&self.shapes);
                }
            }
        }
        Ok(batch)
    }
}

impl RowSource for FusionRows {
    fn next_row(&mut self) -> Result<Option<Row>> {
        if self.row == self.rows {
            let Some(batch) = self.next()? else {
                return Ok(None);
            };
            self.readers = batch
                .columns()
                .iter()
                .zip(&self.shapes)
                .map(|(array, shape)| ColumnReader::new(array, shape))
                .collect::<Result<_>>()?;
            self.row = 0;
            self.rows = batch.num_rows();
        }
        let row = self.row;
        self.row += 1;
        self.readers
            .iter()
            .map(|reader| reader.value(row))
            .collect::<Result<Row>>()
            .map(Some)
    }

    fn next_batch(&mut self, columns: &[ResultColumn]) -> Result<Option<RecordBatch>> {
        if self.row < self.rows {
            return Err(Error::internal("batches asked for in the middle of rows"));
        }
        let Some(batch) = self.next()? else {
            return Ok(None);
        };
        let fields: Vec<_> = columns
            .iter()
            .map(|column| export_field(&column.name, &column.ty))
            .collect();
        let arrays = batch
            .columns()
            .iter()
            .zip(&self.shapes)
            .zip(columns)
            .map(|((array, shape), column)| export(array, shape, &column.ty))
            .collect::<Result<Vec<_>>>()?;
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map(Some)
            .map_err(from_arrow)
    }
}
