//! What an aggregation counts and adds up of the rows of a scan, where that can be done with the rows as they are kept.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Decimal128Array, Decimal256Array, Int64Array, RecordBatch, RecordBatchOptions,
};
use arrow::datatypes::{DataType as ArrowType, SchemaRef, i256};
use datafusion::common::{Result as DfResult, internal_err};
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning, PhysicalExpr};

use super::terms::{Numbered, Terms};
use crate::fusion::scan::StoredScan;

/// What stands between an aggregation and the scan that it reads.
pub(super) struct Way<'a> {
    /// The highest first.
    projections: Vec<&'a ProjectionExec>,
    pub(super) scan: &'a StoredScan,
    /// Whether the rows of a scan of one part are shared out.
    pub(super) is_shared: bool,
}

impl<'a> Way<'a> {
    /// `None` if other operators stand there.
    pub(super) fn of(aggregate: &'a AggregateExec) -> Option<Self> {
        let (mut projections, mut is_shared) = (Vec::new(), false);
        let mut input = aggregate.input();
        loop {
            if let Some(projection) = input.downcast_ref::<ProjectionExec>() {
                projections.push(projection);
                input = projection.input();
            } else if let Some(inner) = input.downcast_ref::<CooperativeExec>() {
                input = inner.input();
            } else if let Some(share) = input.downcast_ref::<RepartitionExec>()
                && let Partitioning::RoundRobinBatch(_) = share.partitioning()
                && share.input().properties().partitioning.partition_count() == 1
            {
                is_shared = true;
                input = share.input();
            } else {
                return Some(Self {
                    projections,
                    scan: input.downcast_ref::<StoredScan>()?,
                    is_shared,
                });
            }
        }
    }

    fn below(&self) -> Vec<&'a [ProjectionExpr]> {
        self.projections.iter().map(|node| node.expr()).collect()
    }

    /// The column of the scan that an expression over the input of the aggregation is, and its type.
    pub(super) fn column(&self, expr: &Arc<dyn PhysicalExpr>) -> Option<(usize, ArrowType)> {
        let column = column(expr, &self.below())?;
        let schema = self.scan.schema();
        let ty = schema.fields().get(column)?.data_type().clone();
        Some((column, ty))
    }

    /// From a batch of the scan to one of the input of the aggregation.
    pub(super) fn projections(&self) -> Projections {
        let projection = |node: &&ProjectionExec| (node.expr().to_vec(), node.schema());
        Projections(self.projections.iter().rev().map(projection).collect())
    }
}

/// The column of the scan that an expression is; `below`: what its columns are, the lowest last.
fn column(expr: &Arc<dyn PhysicalExpr>, below: &[&[ProjectionExpr]]) -> Option<usize> {
    let index = expr.downcast_ref::<Column>()?.index();
    match below.split_first() {
        Some((projection, below)) => column(&projection.get(index)?.expr, below),
        None => Some(index),
    }
}

/// Projections, the lowest first.
pub(super) struct Projections(Vec<(Vec<ProjectionExpr>, SchemaRef)>);

impl Projections {
    pub(super) fn apply(&self, mut batch: RecordBatch) -> DfResult<RecordBatch> {
        for (exprs, schema) in &self.0 {
            let rows = batch.num_rows();
            let arrays = exprs
                .iter()
                .map(|projected| projected.expr.evaluate(&batch)?.into_array(rows));
            let arrays = arrays.collect::<DfResult<Vec<_>>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            batch = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?;
        }
        Ok(batch)
    }
}

/// What a call makes.
pub(super) enum Made {
    /// How many rows there are.
    Count,
    /// The sum of one of the terms that are added up, and its type between the steps of an aggregation.
    Sum(usize, ArrowType),
}

/// Sums and counts.
pub(super) struct Calls {
    pub(super) made: Vec<Made>,
    pub(super) terms: Terms,
    /// The terms that are added up.
    pub(super) summed: Vec<usize>,
    /// Columns that must have no `NULL`.
    counted: Vec<usize>,
}

impl Calls {
    /// `None` if the aggregation asks something else than sums and counts of numbers.
    pub(super) fn of(aggregate: &AggregateExec, way: &Way<'_>) -> DfResult<Option<Self>> {
        if aggregate.filter_expr().iter().any(Option::is_some) {
            return Ok(None);
        }
        let below = way.below();
        let schema = way.scan.schema();
        let ty = |column: usize| Some(schema.fields().get(column)?.data_type().clone());
        let mut calls = Self {
            made: Vec::new(),
            terms: Terms::default(),
            summed: Vec::new(),
            counted: Vec::new(),
        };
        for call in aggregate.aggr_expr() {
            let made = match call.fun().name() {
                _ if call.is_distinct() || !call.order_bys().is_empty() => None,
                "count" => count(call, &below).map(|column| {
                    calls.counted.extend(column);
                    Made::Count
                }),
                "sum" => sum(call, &mut calls.terms, &below, &ty)?.map(|(term, ty)| {
                    let known = calls.summed.iter().position(|known| *known == term);
                    let place = known.unwrap_or_else(|| {
                        calls.summed.push(term);
                        calls.summed.len() - 1
                    });
                    Made::Sum(place, ty)
                }),
                _ => None,
            };
            match made {
                Some(made) => calls.made.push(made),
                None => return Ok(None),
            }
        }
        Ok(Some(calls))
    }

    /// What the terms are over, of these outputs of the scan; `None` if something is `NULL` or takes more than 64 bits.
    pub(super) fn inputs<'a>(&self, columns: &'a [ArrayRef]) -> Option<Vec<Numbered<'a>>> {
        for counted in &self.counted {
            if columns.get(*counted)?.logical_null_count() > 0 {
                return None;
            }
        }
        let inputs = self.terms.inputs().iter();
        inputs.map(|at| Numbered::of(columns.get(*at)?)).collect()
    }
}

/// Sums as they are between the steps of an aggregation.
pub(super) fn sums(ty: &ArrowType, sums: impl Iterator<Item = i128>) -> DfResult<ArrayRef> {
    Ok(match ty {
        ArrowType::Int64 => Arc::new(Int64Array::from_iter_values(sums.map(|sum| sum as i64))),
        ArrowType::Decimal128(..) => {
            let sums = Decimal128Array::from_iter_values(sums);
            Arc::new(sums.with_data_type(ty.clone()))
        }
        ArrowType::Decimal256(..) => {
            let sums = Decimal256Array::from_iter_values(sums.map(i256::from_i128));
            Arc::new(sums.with_data_type(ty.clone()))
        }
        other => return internal_err!("a sum that is {other}"),
    })
}

/// Whether a call counts rows, and of which column those that are not `NULL`.
fn count(call: &AggregateFunctionExpr, below: &[&[ProjectionExpr]]) -> Option<Option<usize>> {
    match call.expressions().as_slice() {
        [arg] => match arg.downcast_ref::<Literal>() {
            Some(literal) => (!literal.value().is_null()).then_some(None),
            None => column(arg, below).map(Some),
        },
        _ => None,
    }
}

/// The term that a call adds up, and the type of the sum between the steps of an aggregation.
fn sum(
    call: &AggregateFunctionExpr,
    terms: &mut Terms,
    below: &[&[ProjectionExpr]],
    ty: &impl Fn(usize) -> Option<ArrowType>,
) -> DfResult<Option<(usize, ArrowType)>> {
    let args = call.expressions();
    let args = args.iter().map(|arg| terms.add(arg, below, ty));
    let term = match args.collect::<Option<Vec<_>>>().as_deref() {
        Some([term]) => *term,
        Some([a, b]) => terms.product(*a, *b),
        _ => return Ok(None),
    };
    let fields = call.state_fields()?;
    let [field] = fields.as_slice() else {
        return Ok(None);
    };
    let ty = field.data_type();
    let known = matches!(
        ty,
        ArrowType::Int64 | ArrowType::Decimal128(..) | ArrowType::Decimal256(..)
    );
    Ok(known.then(|| (term, ty.clone())))
}
