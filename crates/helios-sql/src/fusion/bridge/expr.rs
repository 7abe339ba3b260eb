//! Expressions of ours as DataFusion's.
//!
//! Three ways, best first: DataFusion's own node where its meaning is PostgreSQL's; a kernel of ours
//! over whole arrays; and row by row through helios-expr's evaluator. Neighbouring row-by-row parts
//! become one call, so that values are unpacked and packed once.

use std::collections::HashMap;

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Column;
use datafusion::logical_expr::expr::{InList, Placeholder};
use datafusion::logical_expr::{Case, Expr as DfExpr, Operator, binary_expr};
use helios_base::{DataType, Error, Result, Value};
use helios_expr::{Cast, Comparison, Expr, Kind};

use super::text::{like, substring};
use super::typed::{Typed, comparable};
use super::{arith, cast, distance};
use crate::fusion::scalar::{Clock, evaluate, length};
use crate::fusion::shape::Shape;

/// Names of the function that counts characters.
const LENGTHS: [&str; 3] = ["length", "char_length", "character_length"];

/// What the columns, parameters and subqueries of an expression stand for.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The input's columns.
    pub columns: &'a [Typed],
    /// The values of the frame around, if this runs inside one.
    pub frame: &'a [Typed],
    /// The forms of the statement's parameters.
    pub params: &'a [Shape],
    /// Subqueries that have become columns, by the address of their expression.
    pub subplans: &'a HashMap<*const Expr, Typed>,
}

/// Translates expressions of one scope.
pub(crate) struct ExprBridge<'a> {
    scope: Scope<'a>,
    /// Operands of the `CASE`s around.
    operands: Vec<Typed>,
}

/// A translated part.
enum Lowered {
    Ready(Typed),
    Rows(Rows),
}

/// A part for the evaluator: column `i` of `expr` is `args[i]`.
struct Rows {
    expr: Expr,
    args: Vec<Typed>,
    risky: bool,
}

impl Rows {
    fn finish(self) -> Typed {
        let output = output_shape(&self.expr);
        let name = name_of(&self.expr);
        let risky = self.risky;
        let (args, shapes) = self.args.into_iter().map(|a| (a.expr, a.shape)).unzip();
        Typed {
            expr: evaluate(name, self.expr, args, shapes, output.clone()),
            shape: output,
            risky,
        }
    }
}

impl Lowered {
    /// What is known of the part without finishing it; the expression is a stand-in unless it is
    /// ready.
    fn view(&self) -> Typed {
        match self {
            Self::Ready(typed) => typed.clone(),
            Self::Rows(rows) => Typed {
                expr: DfExpr::Column(Column::new_unqualified("")),
                shape: output_shape(&rows.expr),
                risky: rows.risky,
            },
        }
    }

    fn finish(self) -> Typed {
        match self {
            Self::Ready(typed) => typed,
            Self::Rows(rows) => rows.finish(),
        }
    }
}

/// The form of what the evaluator yields for `expr`.
fn output_shape(expr: &Expr) -> Shape {
    match expr {
        // Only a cast guarantees that its value has the scale its modifier says.
        Expr::Cast(cast) => Shape::of(&cast.to),
        other => Shape::of(&other.ty().bare()),
    }
}

fn name_of(expr: &Expr) -> String {
    match expr {
        Expr::Call { function, .. } => function.name().to_owned(),
        Expr::Cast(cast) => format!("cast to {}", cast.to),
        Expr::Extreme { greatest: true, .. } => "greatest".to_owned(),
        Expr::Extreme { .. } => "least".to_owned(),
        Expr::InList { .. } => "in".to_owned(),
        Expr::Quantified { .. } => "any/all".to_owned(),
        Expr::Array { .. } => "array".to_owned(),
        Expr::Row(_) => "row".to_owned(),
        Expr::Field { .. } => "field".to_owned(),
        Expr::Subscript { .. } => "subscript".to_owned(),
        _ => "expression".to_owned(),
    }
}

impl<'a> ExprBridge<'a> {
    /// A translator for expressions over `scope`.
    pub fn new(scope: Scope<'a>) -> Self {
        Self {
            scope,
            operands: Vec::new(),
        }
    }

    /// Translates one expression.
    ///
    /// # Errors
    /// `0A000` for what only the row executor can do; internal for a reference out of scope.
    pub fn expr(&mut self, expr: &Expr) -> Result<Typed> {
        self.lower(expr).map(Lowered::finish)
    }

    /// Translates a condition; its value is `Boolean`.
    ///
    /// # Errors
    /// As [`ExprBridge::expr`].
    pub fn condition(&mut self, expr: &Expr) -> Result<DfExpr> {
        self.expr(expr).map(|typed| typed.expr)
    }

    fn lower(&mut self, expr: &Expr) -> Result<Lowered> {
        let typed = match expr {
            Expr::Literal(value, ty) => literal(value, ty)?,
            Expr::Column { index, .. } => {
                let column = self.scope.columns.get(*index);
                column.cloned().ok_or_else(|| missing("column", *index))?
            }
            Expr::Outer { index, .. } => {
                let value = self.scope.frame.get(*index);
                value
                    .cloned()
                    .ok_or_else(|| missing("outer column", *index))?
            }
            Expr::Param { index, .. } => self.parameter(*index)?,
            Expr::CaseOperand { .. } => {
                let operand = self.operands.last();
                operand.cloned().ok_or_else(|| missing("operand", 0))?
            }
            Expr::Subplan { .. } => {
                let column = self.scope.subplans.get(&std::ptr::from_ref(expr));
                column
                    .cloned()
                    .ok_or_else(|| Error::unsupported("this subquery in a vectorized plan"))?
            }
            Expr::And(terms) => self.logical(terms, Operator::And)?,
            Expr::Or(terms) => self.logical(terms, Operator::Or)?,
            Expr::Not(operand) => self.map(operand, |e| DfExpr::Not(Box::new(e)))?,
            // A row is NULL when all its fields are; an array of rows only knows about itself.
            Expr::IsNull { expr: row, .. } if row.ty().is_row() => return self.rows(expr),
            Expr::IsNull { expr, negated } => self.map(expr, |e| match negated {
                false => DfExpr::IsNull(Box::new(e)),
                true => DfExpr::IsNotNull(Box::new(e)),
            })?,
            Expr::BoolTest {
                expr,
                test,
                negated,
            } => self.map(expr, |e| bool_test(Box::new(e), *test, *negated))?,
            Expr::Distinct {
                left,
                right,
                equal,
                negated,
            } if equal.comparison() == Some(Comparison::Eq) => {
                let (left, right) = (self.expr(left)?, self.expr(right)?);
                let operator = if *negated {
                    Operator::IsNotDistinctFrom
                } else {
                    Operator::IsDistinctFrom
                };
                match compare(operator, left, right)? {
                    Some(typed) => typed,
                    None => return self.rows(expr),
                }
            }
            Expr::Case {
                operand,
                branches,
                otherwise,
                ..
            } => self.case(operand.as_deref(), branches, otherwise.as_deref())?,
            Expr::Coalesce { args, .. } => self.coalesce(args)?,
            Expr::NullIf { value, test, .. } => self.null_if(value, test)?,
            Expr::InList {
                expr: operand,
                list,
                equal,
                negated,
            } if equal.comparison() == Some(Comparison::Eq) => {
                match self.in_list(operand, list, *negated)? {
                    Some(typed) => typed,
                    None => return self.rows(expr),
                }
            }
            Expr::Call {
                function,
                args,
                spread: false,
                ty,
            } => {
                let children = args
                    .iter()
                    .map(|arg| self.lower(arg))
                    .collect::<Result<Vec<_>>>()?;
                let views: Vec<_> = children.iter().map(Lowered::view).collect();
                let apply = |mut operands: Vec<Typed>| -> Result<Option<Typed>> {
                    if let Some(part) = substring(function.name(), &operands) {
                        return Ok(Some(part));
                    }
                    match (function.kind(), operands.pop(), operands.pop()) {
                        (_, Some(right), Some(left)) if distance::is_dense(&left, &right) => {
                            Ok(distance::measure(function.name(), left, right))
                        }
                        (Kind::Infix, Some(right), Some(left)) => match function.comparison() {
                            Some(comparison) => compare(operator(comparison), left, right),
                            None => match like(function.name(), &left, &right) {
                                Some(typed) => Ok(Some(typed)),
                                None => arith::binary(function.name(), left, right, ty),
                            },
                        },
                        (Kind::Function, Some(text), None)
                            if LENGTHS.contains(&function.name())
                                && matches!(
                                    text.shape.ty,
                                    DataType::Text | DataType::Varchar(_)
                                )
                                && text.shape.arrow == ArrowType::Utf8View =>
                        {
                            let shape = Shape::of(&DataType::Int4);
                            Ok(Some(Typed {
                                expr: length(text.expr),
                                shape,
                                risky: text.risky,
                            }))
                        }
                        (Kind::Prefix, Some(operand), None) => {
                            arith::prefix(function.name(), operand)
                        }
                        _ => Ok(None),
                    }
                };
                // Row-by-row operands stay with their operator, unless it is one for whole arrays.
                if apply(views)?.is_none() {
                    return self.rows_over(expr, children);
                }
                let operands = children.into_iter().map(Lowered::finish).collect();
                match apply(operands)? {
                    Some(typed) => typed,
                    None => return Err(Error::internal("operator changed its mind")),
                }
            }
            Expr::Cast(node) => {
                if let Some(typed) = self.clock(node)? {
                    return Ok(Lowered::Ready(typed));
                }
                let operand = self.lower(&node.expr)?;
                // What a domain demands, the evaluator knows.
                if node.domain.is_some() || cast::cast(operand.view(), &node.to)?.is_none() {
                    return self.rows_over(expr, vec![operand]);
                }
                match cast::cast(operand.finish(), &node.to)? {
                    Some(typed) => typed,
                    None => return Err(Error::internal("cast changed its mind")),
                }
            }
            _ => return self.rows(expr),
        };
        Ok(Lowered::Ready(typed))
    }

    /// A whole number that `extract` has of a `timestamp`, which never is too large.
    fn clock(&mut self, node: &Cast) -> Result<Option<Typed>> {
        let Expr::Call { function, args, .. } = &node.expr else {
            return Ok(None);
        };
        let is_whole = matches!(node.to, DataType::Int2 | DataType::Int4 | DataType::Int8);
        let is_field = matches!(function.name(), "extract" | "date_part");
        let [Expr::Literal(Value::Text(field), _), moment] = args.as_slice() else {
            return Ok(None);
        };
        let is_plain = matches!(moment.ty(), DataType::Timestamp(_)) && node.domain.is_none();
        let Some(clock) = Clock::named(field).filter(|_| is_whole && is_field && is_plain) else {
            return Ok(None);
        };
        let moment = self.expr(moment)?;
        let typed = Typed {
            expr: clock.of(moment.expr),
            shape: Shape::of(&DataType::Int4),
            risky: moment.risky,
        };
        arith::native(typed, &Shape::of(&node.to)).map(Some)
    }

    fn parameter(&self, index: usize) -> Result<Typed> {
        let shape = self.scope.params.get(index);
        let shape = shape.ok_or_else(|| missing("parameter", index))?;
        let placeholder =
            Placeholder::new_with_field(format!("${}", index + 1), Some(shape.field("").into()));
        Ok(Typed::safe(DfExpr::Placeholder(placeholder), shape.clone()))
    }

    fn map(&mut self, operand: &Expr, f: impl FnOnce(DfExpr) -> DfExpr) -> Result<Typed> {
        let operand = self.expr(operand)?;
        Ok(boolean(f(operand.expr), operand.risky))
    }

    /// `AND` and `OR`, left to right: what may fail is not evaluated on rows that are decided.
    fn logical(&mut self, terms: &[Expr], operator: Operator) -> Result<Typed> {
        let mut result: Option<Typed> = None;
        for term in terms {
            let term = self.expr(term)?;
            result = Some(match result {
                None => term,
                Some(before) if term.risky => {
                    let decided = operator == Operator::Or;
                    let test = bool_test(Box::new(before.expr.clone()), Some(decided), false);
                    let both = binary_expr(before.expr, operator, term.expr);
                    let guarded = lazy(vec![(test, truth(decided))], Some(both));
                    boolean(guarded, true)
                }
                Some(before) => {
                    let risky = before.risky;
                    boolean(binary_expr(before.expr, operator, term.expr), risky)
                }
            });
        }
        Ok(result.unwrap_or_else(|| boolean(truth(operator == Operator::And), false)))
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<Typed> {
        let operand = operand.map(|operand| self.expr(operand)).transpose()?;
        let mut risky = operand.as_ref().is_some_and(|operand| operand.risky);
        let with_operand = operand.is_some();
        self.operands.extend(operand);
        let mut whens = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        for (when, _) in branches {
            let when = self.expr(when)?;
            risky |= when.risky;
            whens.push(when.expr);
        }
        if with_operand {
            self.operands.pop();
        }
        for (_, then) in branches {
            results.push(self.expr(then)?);
        }
        if let Some(otherwise) = otherwise {
            results.push(self.expr(otherwise)?);
        }
        risky |= results.iter().any(|result| result.risky);
        let (shape, mut results) = unify(results)?;
        let otherwise = otherwise.and_then(|_| results.pop());
        let branches: Vec<_> = whens.into_iter().zip(results).collect();
        let expr = if risky && shape.arrow == ArrowType::Boolean {
            lazy(branches, otherwise)
        } else {
            case(branches, otherwise)
        };
        Ok(Typed { expr, shape, risky })
    }

    fn coalesce(&mut self, args: &[Expr]) -> Result<Typed> {
        let args = args
            .iter()
            .map(|arg| self.expr(arg))
            .collect::<Result<Vec<_>>>()?;
        let risky = args.iter().any(|arg| arg.risky);
        if args.iter().any(|arg| arg.expr.is_volatile()) {
            return Err(Error::unsupported(
                "vectorized COALESCE of volatile functions",
            ));
        }
        let (shape, mut args) = unify(args)?;
        let last = args.pop().map(Box::new);
        let branches = args
            .into_iter()
            .map(|arg| {
                (
                    Box::new(DfExpr::IsNotNull(Box::new(arg.clone()))),
                    Box::new(arg),
                )
            })
            .collect::<Vec<_>>();
        let expr = match (branches.is_empty(), last) {
            (true, Some(only)) => *only,
            (_, last) => DfExpr::Case(Case::new(None, branches, last)),
        };
        Ok(Typed { expr, shape, risky })
    }

    fn null_if(&mut self, value: &Expr, test: &Expr) -> Result<Typed> {
        let value = self.expr(value)?;
        self.operands.push(value.clone());
        let test = self.expr(test);
        self.operands.pop();
        let test = test?;
        let null = Typed::literal(&Value::Null, value.shape.clone())?;
        let case = Case::new(
            None,
            vec![(Box::new(test.expr), Box::new(null.expr))],
            Some(Box::new(value.expr)),
        );
        Ok(Typed {
            expr: DfExpr::Case(case),
            shape: value.shape,
            risky: value.risky || test.risky,
        })
    }

    fn in_list(&mut self, operand: &Expr, list: &[Expr], negated: bool) -> Result<Option<Typed>> {
        let mut operand = self.expr(operand)?;
        let mut items = Vec::with_capacity(list.len());
        for item in list {
            let item = self.expr(item)?;
            let (widened, item) = arith::widen(operand, item)?;
            operand = widened;
            match comparable(&operand, &item) {
                Some(shape) => operand = operand.into_shape(&shape)?,
                None => return Ok(None),
            }
            items.push(item);
        }
        let mut risky = operand.risky;
        let mut unknown = false;
        let mut keys = Vec::with_capacity(items.len());
        for item in items {
            if item.is_null() {
                unknown = true;
                continue;
            }
            risky |= item.risky;
            let (_, item) = arith::widen(operand.clone(), item)?;
            keys.push(item.into_shape(&operand.shape)?.key());
        }
        let null = || Typed::literal(&Value::Null, Shape::of(&DataType::Bool));
        if keys.is_empty() {
            return null().map(Some);
        }
        let list = InList::new(Box::new(operand.key()), keys, negated);
        let mut test = DfExpr::InList(list);
        // `NULL` makes unknown what the other elements do not decide.
        if unknown {
            let operator = if negated { Operator::And } else { Operator::Or };
            test = binary_expr(test, operator, null()?.expr);
        }
        Ok(Some(boolean(test, risky)))
    }

    /// Leaves `expr` to the evaluator, with its operands as columns.
    fn rows(&mut self, expr: &Expr) -> Result<Lowered> {
        let mut children = Vec::new();
        expr.for_each_child(&mut |child| children.push(child));
        let children = children
            .into_iter()
            .map(|child| self.lower(child))
            .collect::<Result<_>>()?;
        self.rows_over(expr, children)
    }

    /// [`ExprBridge::rows`] with the operands translated already, in the order of the children.
    fn rows_over(&mut self, expr: &Expr, lowered: Vec<Lowered>) -> Result<Lowered> {
        let mut rows = Rows {
            expr: expr.clone(),
            args: Vec::new(),
            risky: is_risky(expr),
        };
        let mut lowered = lowered.into_iter();
        let Rows {
            expr: node,
            args,
            risky,
        } = &mut rows;
        node.try_for_each_child_mut(&mut |child| {
            match lowered.next() {
                // Constants stay in place: evaluators may prepare them once.
                _ if matches!(child, Expr::Literal(..)) => {}
                None => return Err(Error::internal("an operand was not translated")),
                Some(Lowered::Ready(typed)) => {
                    let ty = child.ty().clone();
                    *risky |= typed.risky;
                    let index = argument(args, typed);
                    *child = Expr::Column { index, ty };
                }
                Some(Lowered::Rows(inner)) => {
                    *risky |= inner.risky;
                    let places: Vec<_> = inner
                        .args
                        .into_iter()
                        .map(|arg| argument(args, arg))
                        .collect();
                    let mut part = inner.expr;
                    part.rewrite(&mut |node| {
                        if let Expr::Column { index, .. } = node
                            && let Some(place) = places.get(*index)
                        {
                            *index = *place;
                        }
                    });
                    *child = part;
                }
            }
            Ok(())
        })?;
        Ok(Lowered::Rows(rows))
    }
}

/// The position of `arg` among `args`; equal arguments are passed once.
fn argument(args: &mut Vec<Typed>, arg: Typed) -> usize {
    let volatile = arg.expr.is_volatile();
    if !volatile && let Some(at) = args.iter().position(|known| known.expr == arg.expr) {
        return at;
    }
    args.push(arg);
    args.len() - 1
}

/// `CASE`.
fn case(branches: Vec<(DfExpr, DfExpr)>, otherwise: Option<DfExpr>) -> DfExpr {
    let branches = branches
        .into_iter()
        .map(|(when, then)| (Box::new(when), Box::new(then)))
        .collect();
    DfExpr::Case(Case::new(None, branches, otherwise.map(Box::new)))
}

/// A boolean `CASE` that stays one.
///
/// DataFusion turns a boolean `CASE` into `AND` and `OR`, whose operands it evaluates on all rows; one
/// that goes through numbers keeps its branches to their rows.
pub(crate) fn lazy(branches: Vec<(DfExpr, DfExpr)>, otherwise: Option<DfExpr>) -> DfExpr {
    let number = |expr| datafusion::logical_expr::cast(expr, ArrowType::Int8);
    let branches = branches
        .into_iter()
        .map(|(when, then)| (when, number(then)))
        .collect();
    let case = case(branches, otherwise.map(number));
    datafusion::logical_expr::cast(case, ArrowType::Boolean)
}

/// A comparison of two translated operands, if arrays can be compared for it.
pub(crate) fn compare(operator: Operator, left: Typed, right: Typed) -> Result<Option<Typed>> {
    let (left, right) = arith::widen(left, right)?;
    let Some(shape) = comparable(&left, &right) else {
        return Ok(None);
    };
    if matches!(shape.ty, DataType::Json | DataType::Void) {
        return Ok(None);
    }
    let risky = left.risky || right.risky;
    let distinct = matches!(
        operator,
        Operator::IsDistinctFrom | Operator::IsNotDistinctFrom
    );
    if !distinct && (left.is_null() || right.is_null()) {
        return Typed::literal(&Value::Null, Shape::of(&DataType::Bool)).map(Some);
    }
    // DataFusion expects constants on the right: of `a >= 5 AND 5 < a` it keeps the first half.
    let (left, operator, right) = match operator.swap() {
        Some(swapped) if left.as_literal().is_some() => (right, swapped, left),
        _ => (left, operator, right),
    };
    let left = left.into_shape(&shape)?.key();
    let right = right.into_shape(&shape)?.key();
    // A join on `IS NOT DISTINCT FROM` would become one whose equalities all take `NULL` for a value,
    // also those that DataFusion adds to it or moves from it to other joins later.
    let test = match operator {
        Operator::IsNotDistinctFrom => {
            DfExpr::Not(Box::new(binary_expr(left, Operator::IsDistinctFrom, right)))
        }
        operator => binary_expr(left, operator, right),
    };
    Ok(Some(boolean(test, risky)))
}

/// Brings the results of branches into one form.
fn unify(results: Vec<Typed>) -> Result<(Shape, Vec<DfExpr>)> {
    let mut shape: Option<Shape> = None;
    for result in results.iter().filter(|result| !result.is_null()) {
        shape = Some(match shape {
            None => result.shape.clone(),
            Some(shape) => shape.unify(&result.shape),
        });
    }
    let shape = match (shape, results.first()) {
        (Some(shape), _) => shape,
        (None, Some(first)) => first.shape.clone(),
        (None, None) => return Err(Error::internal("no branches")),
    };
    let exprs = results
        .into_iter()
        .map(|result| result.into_shape(&shape).map(|typed| typed.expr))
        .collect::<Result<_>>()?;
    Ok((shape, exprs))
}

/// A constant in the narrowest form.
pub(crate) fn literal(value: &Value, ty: &DataType) -> Result<Typed> {
    let shape = match (value, ty) {
        (Value::Numeric(number), DataType::Numeric(_)) => number_shape(number),
        _ => Shape::of(ty),
    };
    Typed::literal(value, shape)
}

/// The narrowest form of one number.
pub(crate) fn number_shape(number: &helios_base::Numeric) -> Shape {
    let scale = number.scale();
    number
        .to_i128_at(scale)
        .filter(|_| number.is_finite())
        .map(|coefficient| coefficient.unsigned_abs().checked_ilog10().unwrap_or(0) + 1)
        .and_then(|digits| {
            let digits = u16::try_from(digits).ok()?.max(scale);
            Shape::decimal(digits, scale)
        })
        .unwrap_or_else(|| Shape::of(&DataType::Numeric(None)))
}

/// DataFusion's operator for a comparison.
pub(crate) fn operator(comparison: Comparison) -> Operator {
    match comparison {
        Comparison::Eq => Operator::Eq,
        Comparison::Ne => Operator::NotEq,
        Comparison::Lt => Operator::Lt,
        Comparison::Le => Operator::LtEq,
        Comparison::Gt => Operator::Gt,
        Comparison::Ge => Operator::GtEq,
    }
}

fn bool_test(operand: Box<DfExpr>, test: Option<bool>, negated: bool) -> DfExpr {
    match (test, negated) {
        (Some(true), false) => DfExpr::IsTrue(operand),
        (Some(true), true) => DfExpr::IsNotTrue(operand),
        (Some(false), false) => DfExpr::IsFalse(operand),
        (Some(false), true) => DfExpr::IsNotFalse(operand),
        (None, false) => DfExpr::IsUnknown(operand),
        (None, true) => DfExpr::IsNotUnknown(operand),
    }
}

/// A boolean expression.
pub(crate) fn boolean(expr: DfExpr, risky: bool) -> Typed {
    Typed {
        expr,
        shape: Shape {
            ty: DataType::Bool,
            arrow: ArrowType::Boolean,
        },
        risky,
    }
}

/// A boolean constant.
pub(crate) fn truth(value: bool) -> DfExpr {
    datafusion::logical_expr::lit(value)
}

/// Whether this very node can fail for values of the right type.
fn is_risky(expr: &Expr) -> bool {
    match expr {
        Expr::Call { function, .. } => {
            function.comparison().is_none() && !SAFE.contains(&function.name())
        }
        Expr::Cast(cast) => cast.domain.is_some() || !cast.to.is_string(),
        Expr::Subscript { .. } => true,
        _ => false,
    }
}

/// Functions and operators that raise no errors, or none that a row in reach would hit: texts beyond
/// a gigabyte, years beyond the calendar.
const SAFE: &[&str] = &[
    "||",
    "~~",
    "!~~",
    "~~*",
    "!~~*",
    "->",
    "->>",
    "#>",
    "#>>",
    "@>",
    "<@",
    "?",
    "?|",
    "?&",
    "&&",
    "abs",
    "age",
    "btrim",
    "char_length",
    "character_length",
    "concat",
    "concat_ws",
    "date_part",
    "extract",
    "date_trunc",
    "floor",
    "ceil",
    "ceiling",
    "initcap",
    "left",
    "length",
    "lower",
    "ltrim",
    "md5",
    "octet_length",
    "position",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "sign",
    "starts_with",
    "strpos",
    "to_char",
    "trunc",
    "upper",
];

#[cold]
fn missing(what: &str, index: usize) -> Error {
    Error::internal(format!("{what} {index} is out of scope"))
}
