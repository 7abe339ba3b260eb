//! Window functions.

use std::sync::Arc;

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::{Column, ScalarValue};
use datafusion::functions_aggregate::bool_and_or::{bool_and_udaf, bool_or_udaf};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::functions_window::cume_dist::cume_dist_udwf;
use datafusion::functions_window::lead_lag::{lag_udwf, lead_udwf};
use datafusion::functions_window::nth_value::{first_value_udwf, last_value_udwf, nth_value_udwf};
use datafusion::functions_window::ntile::ntile_udwf;
use datafusion::functions_window::rank::{dense_rank_udwf, percent_rank_udwf, rank_udwf};
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::WindowFunction as DfWindow;
use datafusion::logical_expr::{
    Expr as DfExpr, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition,
    cast, lit,
};
use helios_base::{DataType, Error, Result, Value};
use helios_expr::{Expr, WindowKind};

use super::arith::native;
use super::plan::PlanBridge;
use super::relation::{Relation, sort_key};
use super::typed::Typed;
use crate::fusion::shape::Shape;
use crate::plan::{Frame, FrameBound, FrameExclude, FrameUnit, WindowCall, WindowNode, Windowed};

impl PlanBridge<'_> {
    pub(super) fn window(&mut self, node: &WindowNode) -> Result<Relation> {
        let input = self.plan(&node.input)?;
        let columns = input.columns.clone();
        let partition: Vec<DfExpr> = self
            .exprs(&columns, &node.partition_by)?
            .into_iter()
            .map(Typed::key)
            .collect();
        let mut binary = false;
        let order = node
            .order_by
            .iter()
            .map(|key| {
                let typed = self.expr(&columns, &key.expr)?;
                binary |= matches!(
                    typed.shape.arrow,
                    ArrowType::BinaryView | ArrowType::FixedSizeBinary(_)
                );
                Ok(sort_key(typed, key.descending, key.nulls_first))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut windows = Vec::with_capacity(node.calls.len());
        let mut results = Vec::with_capacity(node.calls.len());
        for call in &node.calls {
            let (mut window, shape, convert) = self.window_call(&columns, call)?;
            window.params.partition_by = partition.clone();
            window.params.order_by = order.clone();
            window.params.window_frame = frame(&call.frame, order.is_empty(), binary)?;
            let name = self.names.fresh(call.function.name());
            windows.push(DfExpr::WindowFunction(Box::new(window)).alias(name.clone()));
            let column = DfExpr::Column(Column::new_unqualified(name));
            let expr = if convert {
                cast(column, shape.arrow.clone())
            } else {
                column
            };
            results.push(Typed::safe(expr, shape));
        }
        let input = input.then(|plan| plan.window(windows))?;
        let (input, results) = self.names.extend(input, "window", results)?;
        let mut columns = columns;
        columns.extend(results);
        Ok(Relation { columns, ..input })
    }

    /// The function, the form of its result, and whether that form takes a cast.
    fn window_call(&self, columns: &[Typed], call: &WindowCall) -> Result<(DfWindow, Shape, bool)> {
        let args = self.exprs(columns, &call.args)?;
        let output = Shape::of(&call.ty.bare());
        let own = |function, args: Vec<DfExpr>| {
            DfWindow::new(WindowFunctionDefinition::WindowUDF(function), args)
        };
        let value = || {
            args.first()
                .cloned()
                .ok_or_else(|| Error::internal("window function without its argument"))
        };
        let kind = match call.function {
            Windowed::Aggregate(_) => return self.window_aggregate(columns, call, &args),
            Windowed::Function(function) => function.kind,
        };
        Ok(match kind {
            WindowKind::RowNumber => (own(row_number_udwf(), vec![]), output, true),
            WindowKind::Rank => (own(rank_udwf(), vec![]), output, true),
            WindowKind::DenseRank => (own(dense_rank_udwf(), vec![]), output, true),
            WindowKind::PercentRank => (own(percent_rank_udwf(), vec![]), output, false),
            WindowKind::CumeDist => (own(cume_dist_udwf(), vec![]), output, false),
            WindowKind::Ntile => match call.args.first() {
                Some(Expr::Literal(Value::Int4(n), _)) if *n > 0 => {
                    (own(ntile_udwf(), vec![lit(i64::from(*n))]), output, true)
                }
                _ => return Err(Error::unsupported("vectorized ntile of an expression")),
            },
            WindowKind::Lag | WindowKind::Lead => {
                let function = match kind {
                    WindowKind::Lag => lag_udwf(),
                    _ => lead_udwf(),
                };
                let value = value()?;
                let offset = match call.args.get(1) {
                    None => 1,
                    Some(Expr::Literal(Value::Int4(n), _)) => i64::from(*n),
                    Some(_) => return Err(Error::unsupported("vectorized lag by an expression")),
                };
                let (mut value, mut rest) = (value, Vec::new());
                match args.get(2) {
                    None => {}
                    Some(default) if default.as_literal().is_some() => {
                        if !default.is_null() {
                            let shape = value.shape.unify(&default.shape);
                            value = value.into_shape(&shape)?;
                        }
                        rest.push(default.clone().into_shape(&value.shape)?.expr);
                    }
                    Some(_) => {
                        return Err(Error::unsupported("vectorized lag with this default"));
                    }
                }
                let mut list = vec![value.expr, lit(offset)];
                list.extend(rest);
                (own(function, list), value.shape, false)
            }
            WindowKind::FirstValue => {
                let value = value()?;
                (
                    own(first_value_udwf(), vec![value.expr]),
                    value.shape,
                    false,
                )
            }
            WindowKind::LastValue => {
                let value = value()?;
                (own(last_value_udwf(), vec![value.expr]), value.shape, false)
            }
            WindowKind::NthValue => match call.args.get(1) {
                Some(Expr::Literal(Value::Int4(n), _)) if *n > 0 => {
                    let value = value()?;
                    let list = vec![value.expr, lit(i64::from(*n))];
                    (own(nth_value_udwf(), list), value.shape, false)
                }
                _ => return Err(Error::unsupported("vectorized nth_value of an expression")),
            },
        })
    }

    fn window_aggregate(
        &self,
        columns: &[Typed],
        call: &WindowCall,
        args: &[Typed],
    ) -> Result<(DfWindow, Shape, bool)> {
        let Windowed::Aggregate(aggregate) = call.function else {
            return Err(Error::internal("not an aggregate"));
        };
        let output = Shape::of(&call.ty);
        let (function, list, shape) = match (aggregate.name(), args) {
            ("count", []) => (count_udaf(), vec![lit(1i64)], output),
            ("count", [arg]) => (count_udaf(), vec![arg.expr.clone()], output),
            ("sum", [arg]) if matches!(arg.shape.ty, DataType::Int2 | DataType::Int4) => {
                let arg = native(arg.clone(), &Shape::of(&DataType::Int8))?;
                (sum_udaf(), vec![arg.expr], output)
            }
            (name @ ("min" | "max"), [arg])
                if arg.shape.is_ordered() && !matches!(arg.shape.ty, DataType::Uuid) =>
            {
                let function = if name == "min" {
                    min_udaf()
                } else {
                    max_udaf()
                };
                (
                    function,
                    vec![arg.expr.clone()],
                    arg.shape.with_type(&call.ty),
                )
            }
            ("bool_and" | "every", [arg]) if starts_unbounded(&call.frame) => {
                (bool_and_udaf(), vec![arg.expr.clone()], output)
            }
            ("bool_or", [arg]) if starts_unbounded(&call.frame) => {
                (bool_or_udaf(), vec![arg.expr.clone()], output)
            }
            _ => {
                return Err(Error::unsupported(format!(
                    "vectorized {} over a window",
                    aggregate.name()
                )));
            }
        };
        let mut window = DfWindow::new(
            WindowFunctionDefinition::AggregateUDF(Arc::clone(&function)),
            list,
        );
        if let Some(filter) = &call.filter {
            window.params.filter = Some(Box::new(self.expr(columns, filter)?.expr));
        }
        Ok((window, shape, false))
    }
}

fn starts_unbounded(frame: &Frame) -> bool {
    matches!(frame.start, FrameBound::UnboundedPreceding)
}

/// `binary`: an order by bytes, which ranges cannot have in DataFusion. Without offsets, and others
/// are refused below, a range is a range of groups.
fn frame(frame: &Frame, unordered: bool, binary: bool) -> Result<WindowFrame> {
    if frame.exclude != FrameExclude::NoOthers {
        return Err(Error::unsupported("vectorized frame exclusion"));
    }
    let units = match frame.unit {
        FrameUnit::Rows => WindowFrameUnits::Rows,
        FrameUnit::Range if !binary => WindowFrameUnits::Range,
        FrameUnit::Range | FrameUnit::Groups => WindowFrameUnits::Groups,
    };
    let start = bound(&frame.start, frame.unit)?;
    let end = bound(&frame.end, frame.unit)?;
    if unordered && frame.unit != FrameUnit::Rows {
        // Without an order all rows are peers.
        let whole = [&frame.start, &frame.end]
            .into_iter()
            .all(|bound| !matches!(bound, FrameBound::Preceding(_) | FrameBound::Following(_)));
        if !whole {
            return Err(Error::unsupported(
                "a vectorized frame offset without an order",
            ));
        }
        return Ok(WindowFrame::new_bounds(
            WindowFrameUnits::Rows,
            WindowFrameBound::Preceding(ScalarValue::Null),
            WindowFrameBound::Following(ScalarValue::Null),
        ));
    }
    Ok(WindowFrame::new_bounds(units, start, end))
}

fn bound(bound: &FrameBound, unit: FrameUnit) -> Result<WindowFrameBound> {
    let offset = |expr: &Expr| match (expr, unit) {
        (_, FrameUnit::Range) => Err(Error::unsupported("vectorized RANGE offsets")),
        (Expr::Literal(Value::Int8(n), _), _) => u64::try_from(*n)
            .map(|n| ScalarValue::UInt64(Some(n)))
            .map_err(|_| Error::unsupported("negative vectorized frame offsets")),
        _ => Err(Error::unsupported("computed vectorized frame offsets")),
    };
    Ok(match bound {
        FrameBound::UnboundedPreceding => WindowFrameBound::Preceding(ScalarValue::Null),
        FrameBound::Preceding(expr) => WindowFrameBound::Preceding(offset(expr)?),
        FrameBound::CurrentRow => WindowFrameBound::CurrentRow,
        FrameBound::Following(expr) => WindowFrameBound::Following(offset(expr)?),
        FrameBound::UnboundedFollowing => WindowFrameBound::Following(ScalarValue::Null),
    })
}
