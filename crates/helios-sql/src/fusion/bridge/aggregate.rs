//! Grouping and aggregation.

use std::sync::Arc;

use datafusion::common::DFSchemaRef;
use datafusion::functions_aggregate::bool_and_or::{bool_and_udaf, bool_or_udaf};
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr as DfExpr, ExprSchemable, ScalarUDF, lit};
use helios_base::{DataType, Error, Numeric, Result, Value};
use helios_expr::{Expr, Kind, Volatility};

use super::arith::native;
use super::expr::number_shape;
use super::plan::PlanBridge;
use super::relation::Relation;
use super::typed::Typed;
use crate::fusion::aggregate::{
    Finish, RowOrder, Shifts, WIDE_DIGITS, average, checked_count, collect, different_count,
    exact_sum, filled_sum, is_counted, shifted_sum, whole_sum, wide_shape, wide_sum,
};
use crate::fusion::shape::{DECIMAL_DIGITS, Shape};
use crate::plan::{AggregateCall, AggregateNode};

/// Digits that a sum may have more than its inputs: room for 10^10 rows.
const SUM_DIGITS: u16 = 10;

/// The aggregates that one node asks DataFusion for; equal ones are computed once.
struct Wanted {
    /// The columns that they are over.
    input: DFSchemaRef,
    /// Whether there are groups.
    grouped: bool,
    calls: Vec<(AggregateFunction, String)>,
}

impl Wanted {
    /// What to count where `arg` is not `NULL`: rows, if it never is.
    fn counted(&self, arg: DfExpr) -> DfExpr {
        match arg.nullable(self.input.as_ref()) {
            Ok(false) => lit(1i64),
            _ => arg,
        }
    }
}

impl PlanBridge<'_> {
    pub(super) fn aggregate(&mut self, node: &AggregateNode) -> Result<Relation> {
        if let Some(ordered) = super::ordered_input::with_order(node) {
            return self.aggregate(&ordered);
        }
        let input = self.plan(&node.input)?;
        let columns = input.columns.clone();
        let (input, groups) = self.exprs_with_subqueries(input, &node.groups)?;
        let (input, groups) = self.names.extend(input, "group", groups)?;
        let input = Relation { columns, ..input };
        match node.sets.as_slice() {
            [set] => self.aggregate_set(input, node, &groups, set),
            // Each set aggregates its own copy of the input.
            sets => {
                if super::plan::is_volatile(&node.input) {
                    return Err(Error::unsupported("grouping sets over volatile functions"));
                }
                let mut parts = Vec::with_capacity(sets.len());
                for set in sets {
                    parts.push(self.aggregate_set(input.clone(), node, &groups, set)?);
                }
                self.concatenate(parts, &node.columns)
            }
        }
    }

    /// One grouping set: groups, calls and groupings as columns.
    fn aggregate_set(
        &mut self,
        input: Relation,
        node: &AggregateNode,
        groups: &[Typed],
        set: &[usize],
    ) -> Result<Relation> {
        let mut keys = Vec::new();
        let mut wanted = Wanted {
            input: Arc::clone(input.plan.schema()),
            grouped: !set.is_empty(),
            calls: Vec::new(),
        };
        let mut outputs = Vec::with_capacity(node.columns.len());
        // Frame columns of a correlated subquery group as well; see `subquery.rs`.
        let mut keyed = Vec::new();
        for (position, group) in groups.iter().enumerate() {
            if !set.contains(&position) {
                outputs.push(Typed::literal(&Value::Null, group.shape.clone())?);
            } else if let Some(constant) = constant(node, set, position) {
                outputs.push(self.expr(&input.columns, constant)?);
            } else if is_determined(node, set, position) {
                // Kept as an aggregate, so that it fails where it did.
                let only = call(min_udaf(), vec![group.expr.clone()], None);
                outputs.push(self.want(&mut wanted, only, group.shape.clone()));
            } else if group.shape.is_ordered() || is_padded(node, position) {
                keys.push(group.expr.clone());
                outputs.push(group.clone());
            } else {
                keyed.push(group.clone());
                let first = call(first_value_udaf(), vec![group.expr.clone()], None);
                outputs.push(self.want(&mut wanted, first, group.shape.clone()));
            }
        }
        let columns = input.columns.clone();
        let key_columns = keyed
            .into_iter()
            .map(|group| {
                let shape = Shape::of(&DataType::Bytea);
                Typed::safe(group.key(), shape)
            })
            .collect();
        let (input, key_columns) = self.names.extend(input, "key", key_columns)?;
        keys.extend(key_columns.into_iter().map(|key| key.expr));
        for aggregate in &node.calls {
            let shifted = self.shifted_call(&columns, &node.calls, aggregate, &mut wanted)?;
            let apart = match shifted {
                None => self.filled_call(&columns, aggregate, &mut wanted)?,
                shifted => shifted,
            };
            outputs.push(match apart {
                Some(typed) => typed,
                None => self.aggregate_call(&columns, aggregate, &mut wanted)?,
            });
        }
        for grouping in &node.groupings {
            let bits = grouping.iter().fold(0i32, |bits, position| {
                (bits << 1) | i32::from(!set.contains(position))
            });
            let shape = Shape::of(&DataType::Int4);
            outputs.push(Typed::literal(&Value::Int4(bits), shape)?);
        }
        let grouped = if keys.is_empty() && wanted.calls.is_empty() {
            // A group without aggregates: one row, whatever the input.
            super::plan::one_row()
        } else {
            self.group(input, keys, wanted.calls)?
        };
        self.names
            .project(grouped, outputs, super::plan::names(&node.columns))
    }

    /// The column that `call` becomes.
    fn want(&mut self, wanted: &mut Wanted, call: AggregateFunction, shape: Shape) -> Typed {
        let known = wanted.calls.iter().find(|(other, _)| *other == call);
        let name = match known {
            Some((_, name)) => name.clone(),
            None => {
                let name = self.names.fresh(call.func.name());
                wanted.calls.push((call, name.clone()));
                name
            }
        };
        Typed::column(datafusion::common::Column::new_unqualified(name), shape)
    }

    /// Translates one aggregate; the result is an expression over the grouped rows.
    fn aggregate_call(
        &mut self,
        columns: &[Typed],
        node: &AggregateCall,
        wanted: &mut Wanted,
    ) -> Result<Typed> {
        if node
            .args
            .iter()
            .chain(&node.filter)
            .chain(node.order_by.iter().map(|key| &key.expr))
            .any(super::plan::has_subplan)
        {
            return Err(Error::unsupported("a subquery in a vectorized aggregate"));
        }
        let args = self.exprs(columns, &node.args)?;
        let filter = match &node.filter {
            Some(filter) => Some(Box::new(self.expr(columns, filter)?.expr)),
            None => None,
        };
        let plain = node.order_by.is_empty() || !node.function.is_order_sensitive();
        if plain
            && !node.within_group
            && let Some(typed) = self.native_call(node, &args, filter.as_deref(), wanted)?
        {
            return Ok(typed);
        }
        if plain
            && !node.distinct
            && let Some(typed) = self.wide_call(columns, node, &args, filter.as_deref(), wanted)?
        {
            return Ok(typed);
        }
        self.collected_call(columns, node, args, filter, wanted)
    }

    /// The aggregates that run inside DataFusion.
    fn native_call(
        &mut self,
        node: &AggregateCall,
        args: &[Typed],
        filter: Option<&DfExpr>,
        wanted: &mut Wanted,
    ) -> Result<Option<Typed>> {
        let filter = filter.cloned().map(Box::new);
        let output = Shape::of(&node.ty);
        let build = |function: Arc<AggregateUDF>, arg: DfExpr, distinct: bool| {
            AggregateFunction::new_udf(function, vec![arg], distinct, filter.clone(), vec![], None)
        };
        let int8 = Shape::of(&DataType::Int8);
        Ok(Some(match (node.function.name(), args) {
            ("count", []) => {
                let call = build(count_udaf(), lit(1i64), false);
                self.want(wanted, call, output)
            }
            ("count", [arg]) if node.distinct && wanted.grouped && is_counted(&arg.shape.arrow) => {
                let call = build(Arc::new(different_count()), arg.expr.clone(), false);
                self.want(wanted, call, output)
            }
            ("count", [arg]) => {
                let arg = if node.distinct {
                    arg.clone().key()
                } else {
                    wanted.counted(arg.expr.clone())
                };
                let call = build(count_udaf(), arg, node.distinct);
                self.want(wanted, call, output)
            }
            ("sum", [arg])
                if node.distinct && matches!(arg.shape.ty, DataType::Int2 | DataType::Int4) =>
            {
                let arg = native(arg.clone(), &int8)?;
                let call = build(sum_udaf(), arg.expr, true);
                self.want(wanted, call, output)
            }
            ("sum" | "avg", [arg]) if !node.distinct => {
                let Some((arg, sum)) = sum_of(node.function.name(), arg)? else {
                    return Ok(None);
                };
                let function = match arg.shape.ty.is_integer() {
                    true => whole_sum(sum.clone()),
                    false => exact_sum(sum.clone()),
                };
                let call = build(Arc::new(function), arg.expr.clone(), false);
                let total = self.want(wanted, call, sum.clone());
                if node.function.name() == "sum" {
                    total
                } else {
                    let call = build(count_udaf(), wanted.counted(arg.expr), false);
                    let count = self.want(wanted, call, int8);
                    let (expr, shape) = average(total.expr, sum, count.expr);
                    Typed::safe(expr, shape)
                }
            }
            (name @ ("min" | "max"), [arg])
                if arg.shape.is_ordered() && !matches!(arg.shape.ty, DataType::Uuid) =>
            {
                let function = if name == "min" {
                    min_udaf()
                } else {
                    max_udaf()
                };
                let call = build(function, arg.expr.clone(), false);
                self.want(wanted, call, arg.shape.with_type(&node.ty))
            }
            ("bool_and" | "every", [arg]) => {
                let call = build(bool_and_udaf(), arg.expr.clone(), false);
                self.want(wanted, call, output)
            }
            ("bool_or", [arg]) => {
                let call = build(bool_or_udaf(), arg.expr.clone(), false);
                self.want(wanted, call, output)
            }
            _ => return Ok(None),
        }))
    }

    /// A sum over a case whose constant has another form than its value: the sum of the values where the condition
    /// holds, and the constant as often as it does not.
    fn filled_call(
        &mut self,
        columns: &[Typed],
        node: &AggregateCall,
        wanted: &mut Wanted,
    ) -> Result<Option<Typed>> {
        let Some((when, then, rest)) = filled(node) else {
            return Ok(None);
        };
        let value = self.expr(columns, then)?;
        let not_when = self.expr(
            columns,
            &Expr::BoolTest {
                expr: Box::new(when.clone()),
                test: Some(true),
                negated: true,
            },
        )?;
        // What may fail must not be computed of more rows; a constant of the same form needs no other way.
        let scale = |shape: &Shape| shape.as_decimal().map(|(_, scale)| scale);
        let is_other = scale(&value.shape).is_some_and(|s| Some(s) != scale(&number_shape(rest)));
        if value.risky || not_when.risky || !is_other {
            return Ok(None);
        }
        let of_then = AggregateCall {
            args: vec![then.clone()],
            filter: Some(when.clone()),
            ..node.clone()
        };
        let sum = self.aggregate_call(columns, &of_then, wanted)?;
        let count = call(count_udaf(), vec![lit(1i64)], Some(Box::new(not_when.expr)));
        let count = self.want(wanted, count, Shape::of(&DataType::Int8));
        let (expr, shape) = filled_sum(sum.expr, sum.shape, count.expr, rest);
        Ok(Some(Typed::safe(expr, shape)))
    }

    /// Sums and averages of a column of whole numbers plus a constant, of which `calls` may have many over one column: its
    /// own sum and count tell them all. The count fails where a term is out of range.
    fn shifted_call(
        &mut self,
        columns: &[Typed],
        calls: &[AggregateCall],
        node: &AggregateCall,
        wanted: &mut Wanted,
    ) -> Result<Option<Typed>> {
        let Some((index, shift, term)) = shifted(node) else {
            return Ok(None);
        };
        let Some(column) = columns.get(index) else {
            return Ok(None);
        };
        let shape = match term {
            DataType::Int8 => Shape::decimal(DECIMAL_DIGITS, 0),
            _ => Some(Shape::of(&DataType::Int8)),
        };
        let (true, Some(shape)) = (column.shape.ty.is_integer(), shape) else {
            return Ok(None);
        };
        let alike = calls.iter().filter_map(shifted);
        let alike = alike.filter(|(other, _, ty)| *other == index && *ty == term);
        let shifts: Vec<i64> = alike.map(|(_, shift, _)| shift).collect();
        let shifts = Shifts {
            least: shifts.iter().copied().min().unwrap_or(shift),
            greatest: shifts.iter().copied().max().unwrap_or(shift),
            term: term.clone(),
        };
        let of = || vec![column.expr.clone()];
        let sum = call(Arc::new(whole_sum(shape.clone())), of(), None);
        let sum = self.want(wanted, sum, shape.clone());
        let count = call(Arc::new(checked_count(shifts)), of(), None);
        let count = self.want(wanted, count, Shape::of(&DataType::Int8));
        let sum = shifted_sum(sum.expr, count.expr.clone(), shift, shape.clone());
        Ok(Some(match node.function.name() {
            "sum" => Typed::safe(sum, shape.with_type(&node.ty)),
            _ => {
                let (expr, shape) = average(sum, shape, count.expr);
                Typed::safe(expr, shape)
            }
        }))
    }

    /// Sums and averages of decimals of more digits than [`exact_sum`] has room for, and sums of products
    /// of which single values may have too many.
    fn wide_call(
        &mut self,
        columns: &[Typed],
        node: &AggregateCall,
        args: &[Typed],
        filter: Option<&DfExpr>,
        wanted: &mut Wanted,
    ) -> Result<Option<Typed>> {
        let (name @ ("sum" | "avg"), [arg]) = (node.function.name(), args) else {
            return Ok(None);
        };
        let filter = || filter.cloned().map(Box::new);
        if let Some((_, scale)) = arg.shape.as_decimal() {
            let exprs = vec![arg.expr.clone()];
            let sum = call(Arc::new(wide_sum(1, scale)), exprs, filter());
            let total = self.want(wanted, sum, wide_shape());
            if name == "sum" {
                return Ok(Some(total));
            }
            let counted = wanted.counted(arg.expr.clone());
            let count = call(count_udaf(), vec![counted], filter());
            let count = self.want(wanted, count, Shape::of(&DataType::Int8));
            let (expr, shape) = average(total.expr, wide_shape(), count.expr);
            return Ok(Some(Typed::safe(expr, shape)));
        }
        let [Expr::Call { function, args, .. }] = node.args.as_slice() else {
            return Ok(None);
        };
        if name != "sum" || function.kind() != Kind::Infix || function.name() != "*" {
            return Ok(None);
        }
        let factors = self.exprs(columns, args)?;
        let digits = factors.iter().map(|factor| factor.shape.as_decimal());
        let Some(digits) = digits.collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let all: u16 = digits.iter().map(|(digits, _)| u16::from(*digits)).sum();
        if all + SUM_DIGITS > WIDE_DIGITS {
            return Ok(None);
        }
        let scale = digits.iter().map(|(_, scale)| scale).sum();
        let exprs: Vec<DfExpr> = factors.into_iter().map(|factor| factor.expr).collect();
        let sum = call(Arc::new(wide_sum(exprs.len(), scale)), exprs, filter());
        Ok(Some(self.want(wanted, sum, wide_shape())))
    }

    /// Any aggregate: its rows are gathered, and its accumulator runs over them at the end.
    fn collected_call(
        &mut self,
        columns: &[Typed],
        node: &AggregateCall,
        args: Vec<Typed>,
        filter: Option<Box<DfExpr>>,
        wanted: &mut Wanted,
    ) -> Result<Typed> {
        let keys: Vec<Expr> = node.order_by.iter().map(|key| key.expr.clone()).collect();
        let keys = self.exprs(columns, &keys)?;
        let order = keys
            .iter()
            .zip(&node.order_by)
            .map(|(typed, key)| RowOrder {
                ty: typed.shape.ty.clone(),
                descending: key.descending,
                nulls_first: key.nulls_first,
            })
            .collect();
        let types = args.iter().map(|arg| arg.shape.ty.clone()).collect();
        let mut rows = args;
        rows.extend(keys);
        if rows.is_empty() {
            return Err(Error::unsupported("this vectorized aggregate"));
        }
        let (exprs, shapes): (Vec<_>, Vec<_>) =
            rows.into_iter().map(|row| (row.expr, row.shape)).unzip();
        let call = call(Arc::new(collect(shapes)), exprs, filter);
        let rows = self.want(wanted, call, Shape::of(&DataType::Bytea));
        let output = Shape::of(&node.ty.bare());
        let finish = Finish::new(
            node.function,
            types,
            order,
            node.distinct,
            node.within_group,
            output.clone(),
        );
        let call = ScalarUDF::from(finish).call(vec![rows.expr]);
        Ok(Typed {
            expr: call,
            shape: output,
            risky: true,
        })
    }
}

/// Whether a group is a table's column of `char(n)`: its strings all have that length, so that equal ones are
/// equal with their blanks.
/// The condition, the value and the constant of a sum over `CASE WHEN … THEN … ELSE constant END`.
fn filled(node: &AggregateCall) -> Option<(&Expr, &Expr, &Numeric)> {
    let is_plain = node.function.name() == "sum"
        && !node.distinct
        && node.filter.is_none()
        && node.order_by.is_empty()
        && !node.within_group;
    let [
        Expr::Case {
            operand: None,
            branches,
            otherwise: Some(rest),
            ..
        },
    ] = node.args.as_slice()
    else {
        return None;
    };
    let ([(when, then)], Expr::Literal(Value::Numeric(rest), _)) =
        (branches.as_slice(), rest.as_ref())
    else {
        return None;
    };
    let is_plain = is_plain && rest.is_finite() && !node.args.iter().any(super::plan::has_subplan);
    is_plain.then_some((when, then, rest))
}

/// A group that is a literal beside others that are none: it tells no rows apart.
fn constant<'n>(node: &'n AggregateNode, set: &[usize], position: usize) -> Option<&'n Expr> {
    let group = |at: usize| node.groups.get(at);
    let is_literal = |at: usize| matches!(group(at), Some(Expr::Literal(..)));
    group(position).filter(|_| is_literal(position) && !set.iter().all(|at| is_literal(*at)))
}

/// Whether other groups of the set tell this one's value: it is computed from them alone, and equal values of their types
/// are the same in every way.
fn is_determined(node: &AggregateNode, set: &[usize], position: usize) -> bool {
    let is_exact = |ty: &DataType| {
        matches!(
            ty,
            DataType::Int2 | DataType::Int4 | DataType::Int8 | DataType::Date
        )
    };
    let is_group = |column: usize| {
        set.iter().any(|other| {
            let other = node.groups.get(*other);
            matches!(other, Some(Expr::Column { index, ty }) if *index == column && is_exact(ty))
        })
    };
    let Some(expr @ Expr::Call { ty, .. }) = node.groups.get(position) else {
        return false;
    };
    let is_other = expr.any(&mut |part| match part {
        Expr::Literal(..) => false,
        Expr::Column { index, .. } => !is_group(*index),
        Expr::Call { function, .. } => function.volatility() != Volatility::Immutable,
        _ => true,
    });
    is_exact(ty) && !is_other && expr.any(&mut |part| matches!(part, Expr::Column { .. }))
}

fn is_padded(node: &AggregateNode, position: usize) -> bool {
    let Some(Expr::Column { index, .. }) = node.groups.get(position) else {
        return false;
    };
    let column = node.input.columns().get(*index);
    column.is_some_and(|column| {
        column.source.is_some() && matches!(column.ty, DataType::Char(Some(_)))
    })
}

fn call(
    function: Arc<AggregateUDF>,
    args: Vec<DfExpr>,
    filter: Option<Box<DfExpr>>,
) -> AggregateFunction {
    AggregateFunction::new_udf(function, args, false, filter, vec![], None)
}

/// The position of a column, the constant whole number that is added to it, and the type of that sum, if the call is
/// a `sum` or `avg` of these.
fn shifted(call: &AggregateCall) -> Option<(usize, i64, &DataType)> {
    let plain = call.filter.is_none() && call.order_by.is_empty() && !call.within_group;
    if !plain || call.distinct || !matches!(call.function.name(), "sum" | "avg") {
        return None;
    }
    let [
        Expr::Call {
            function, args, ty, ..
        },
    ] = call.args.as_slice()
    else {
        return None;
    };
    if function.kind() != Kind::Infix || !ty.is_integer() {
        return None;
    }
    let number = |expr: &Expr| match expr {
        Expr::Literal(Value::Int2(number), _) => Some(i64::from(*number)),
        Expr::Literal(Value::Int4(number), _) => Some(i64::from(*number)),
        Expr::Literal(Value::Int8(number), _) => Some(*number),
        _ => None,
    };
    let (column, shift) = match (function.name(), args.as_slice()) {
        ("+", [Expr::Column { index, .. }, constant] | [constant, Expr::Column { index, .. }]) => {
            (*index, number(constant)?)
        }
        ("-", [Expr::Column { index, .. }, constant]) => (*index, number(constant)?.checked_neg()?),
        _ => return None,
    };
    Some((column, shift, ty))
}

/// What to add up for `sum` and `avg`, and the form of the sum, if [`exact_sum`] can.
fn sum_of(name: &str, arg: &Typed) -> Result<Option<(Typed, Shape)>> {
    Ok(match arg.shape.ty {
        DataType::Int2 | DataType::Int4 => Some((arg.clone(), Shape::of(&DataType::Int8))),
        DataType::Int8 => Shape::decimal(DECIMAL_DIGITS, 0).map(|sum| (arg.clone(), sum)),
        // `avg(real)` adds up in double precision, `sum(real)` does not.
        DataType::Float4 if name == "avg" => {
            let wide = Shape::of(&DataType::Float8);
            Some((native(arg.clone(), &wide)?, wide))
        }
        DataType::Float4 | DataType::Float8 => Some((arg.clone(), arg.shape.clone())),
        DataType::Numeric(_) => match arg.shape.as_decimal() {
            Some((digits, scale)) if u16::from(digits) + SUM_DIGITS <= DECIMAL_DIGITS => {
                let sum = Shape::decimal(u16::from(digits) + SUM_DIGITS, scale);
                sum.map(|sum| (arg.clone(), sum))
            }
            _ => None,
        },
        _ => None,
    })
}
