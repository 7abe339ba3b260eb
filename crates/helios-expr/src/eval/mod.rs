//! Evaluation of an expression over one row.

mod array;
mod condition;

use std::borrow::Cow;

use helios_base::{DataType, Error, Result, Value};

pub(crate) use array::element_at;

use crate::cast;
use crate::context::EvalContext;
use crate::expr::Expr;
use crate::function::{Call, Function};

/// What a sub-expression can see. Small, so that recursion stays cheap.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    row: &'a [Value],
    ctx: &'a EvalContext<'a>,
    operand: Option<&'a Value>,
}

impl Expr {
    /// The value for this input row.
    ///
    /// # Errors
    /// What the called functions raise; `Internal` if the row is too short.
    ///
    /// # Cost
    /// Constants, parameters and columns are borrowed while operands are computed; fixed-width
    /// results do not allocate.
    #[inline]
    pub fn eval(&self, row: &[Value], ctx: &EvalContext<'_>) -> Result<Value> {
        let frame = Frame {
            row,
            ctx,
            operand: None,
        };
        frame.value(self).map(Cow::into_owned)
    }

    /// As [`Expr::eval`] for a condition: whether it is true. `NULL` counts as false.
    ///
    /// # Errors
    /// As [`Expr::eval`].
    #[inline]
    pub fn eval_condition(&self, row: &[Value], ctx: &EvalContext<'_>) -> Result<bool> {
        let frame = Frame {
            row,
            ctx,
            operand: None,
        };
        Ok(frame.truth(self)? == Some(true))
    }
}

impl<'a> Frame<'a> {
    /// The value, borrowed where it exists already.
    pub(crate) fn value(self, expr: &'a Expr) -> Result<Cow<'a, Value>> {
        let owned = match expr {
            Expr::Literal(value, _) => return Ok(Cow::Borrowed(value)),
            Expr::Column { index, .. } => {
                return borrowed(self.row.get(*index), "column", *index);
            }
            Expr::Param { index, .. } => {
                return borrowed(self.ctx.params.get(*index), "parameter", *index);
            }
            Expr::Outer { depth, index, .. } => {
                let row = self.ctx.outer.get(*depth).copied().unwrap_or_default();
                return borrowed(row.get(*index), "outer column", *index);
            }
            Expr::CaseOperand { .. } => {
                return borrowed(self.operand, "operand", 0);
            }
            Expr::Call {
                function,
                args,
                spread,
                ty,
            } => self.call(function, args, *spread, ty)?,
            Expr::Cast(cast) => {
                let value = self.value(&cast.expr)?;
                let value = cast::cast(&value, cast.expr.ty(), &cast.to, cast.explicit, self.ctx)?;
                if let Some(domain) = &cast.domain {
                    cast::check_domain(&value, domain, self.ctx)?;
                }
                value
            }
            Expr::Subplan { id, kind, args, .. } => {
                let args = args
                    .iter()
                    .map(|arg| self.value(arg).map(Cow::into_owned))
                    .collect::<Result<Vec<_>>>()?;
                let Some(subplans) = self.ctx.subplans else {
                    return Err(Error::internal(
                        "subquery in an expression without executor",
                    ));
                };
                subplans.run(*id, *kind, &args, self.ctx)?
            }
            Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::IsNull { .. }
            | Expr::BoolTest { .. }
            | Expr::Distinct { .. }
            | Expr::InList { .. }
            | Expr::Quantified { .. } => match self.truth(expr)? {
                Some(truth) => Value::Bool(truth),
                None => Value::Null,
            },
            Expr::Case {
                operand,
                branches,
                otherwise,
                ..
            } => return self.case(operand.as_deref(), branches, otherwise.as_deref()),
            Expr::Coalesce { args, .. } => {
                for arg in args {
                    let value = self.value(arg)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Value::Null
            }
            Expr::NullIf { value, test, .. } => {
                let value = self.value(value)?;
                let inner = Frame {
                    operand: Some(&*value),
                    ..self
                };
                if inner.truth(test)? == Some(true) {
                    Value::Null
                } else {
                    return Ok(value);
                }
            }
            Expr::Extreme { greatest, args, ty } => {
                return self.extreme(*greatest, args, ty);
            }
            Expr::Array { elements, ty } => self.array(elements, ty)?,
            Expr::Row(fields) => {
                let fields = fields
                    .iter()
                    .map(|field| self.value(field).map(Cow::into_owned))
                    .collect::<Result<Vec<_>>>()?;
                Value::Record(fields.into())
            }
            Expr::Field { record, index, .. } => match &*self.value(record)? {
                Value::Record(fields) => match fields.get(*index) {
                    Some(value) => value.clone(),
                    None => return Err(Error::internal(format!("no field {index} in row"))),
                },
                _ => Value::Null,
            },
            Expr::Subscript {
                base, subscripts, ..
            } => self.subscript(base, subscripts)?,
        };
        Ok(Cow::Owned(owned))
    }

    /// The value of a constant, parameter or column that is there: most operands, without moving
    /// anything.
    #[inline]
    fn leaf(self, expr: &'a Expr) -> Option<&'a Value> {
        match expr {
            Expr::Literal(value, _) => Some(value),
            Expr::Column { index, .. } => self.row.get(*index),
            Expr::Param { index, .. } => self.ctx.params.get(*index),
            _ => None,
        }
    }

    #[inline]
    fn call(
        self,
        function: &'static Function,
        args: &'a [Expr],
        spread: bool,
        ty: &'a DataType,
    ) -> Result<Value> {
        let call = Call::of(self.ctx, args, spread, ty);
        match args {
            _ if spread => self.call_spread(function, args, &call),
            [] => (function.eval)(&[], &call),
            [arg] => {
                let held;
                let arg = match self.leaf(arg) {
                    Some(value) => value,
                    None => {
                        held = self.value(arg)?;
                        &*held
                    }
                };
                if function.strict && arg.is_null() {
                    return Ok(Value::Null);
                }
                (function.eval)(&[arg], &call)
            }
            [left, right] => {
                let (held_left, held_right);
                let left = match self.leaf(left) {
                    Some(value) => value,
                    None => {
                        held_left = self.value(left)?;
                        &*held_left
                    }
                };
                let right = match self.leaf(right) {
                    Some(value) => value,
                    None => {
                        held_right = self.value(right)?;
                        &*held_right
                    }
                };
                if function.strict && (left.is_null() || right.is_null()) {
                    return Ok(Value::Null);
                }
                (function.eval)(&[left, right], &call)
            }
            args => {
                let values = args
                    .iter()
                    .map(|arg| self.value(arg))
                    .collect::<Result<Vec<_>>>()?;
                let values: Vec<&Value> = values.iter().map(|value| &**value).collect();
                function.call(&values, &call)
            }
        }
    }

    /// A call with `VARIADIC array`: the array's elements become the last arguments.
    fn call_spread(
        self,
        function: &'static Function,
        args: &'a [Expr],
        call: &Call<'_>,
    ) -> Result<Value> {
        let values = args
            .iter()
            .map(|arg| self.value(arg))
            .collect::<Result<Vec<_>>>()?;
        let mut refs: Vec<&Value> = values.iter().map(|value| &**value).collect();
        match refs.pop() {
            Some(Value::Array(array)) => {
                // Strictness concerns the array as a whole, not its elements.
                if function.strict && refs.iter().any(|value| value.is_null()) {
                    return Ok(Value::Null);
                }
                refs.extend(array.elements.iter());
                (function.eval)(&refs, call)
            }
            _ => Ok(Value::Null),
        }
    }

    fn case(
        self,
        operand: Option<&'a Expr>,
        branches: &'a [(Expr, Expr)],
        otherwise: Option<&'a Expr>,
    ) -> Result<Cow<'a, Value>> {
        let held = operand.map(|operand| self.value(operand)).transpose()?;
        let inner = Frame {
            operand: held.as_deref().or(self.operand),
            ..self
        };
        for (when, then) in branches {
            if inner.truth(when)? == Some(true) {
                return self.value(then);
            }
        }
        match otherwise {
            Some(otherwise) => self.value(otherwise),
            None => Ok(Cow::Owned(Value::Null)),
        }
    }

    fn extreme(self, greatest: bool, args: &'a [Expr], ty: &DataType) -> Result<Cow<'a, Value>> {
        let mut best: Option<Cow<'a, Value>> = None;
        for arg in args {
            let value = self.value(arg)?;
            if value.is_null() {
                continue;
            }
            let better = best.as_ref().is_none_or(|best| {
                let order = value.cmp_as(best, ty);
                if greatest {
                    order.is_gt()
                } else {
                    order.is_lt()
                }
            });
            if better {
                best = Some(value);
            }
        }
        Ok(best.unwrap_or(Cow::Owned(Value::Null)))
    }
}

#[inline]
fn borrowed<'a>(value: Option<&'a Value>, what: &str, index: usize) -> Result<Cow<'a, Value>> {
    match value {
        Some(value) => Ok(Cow::Borrowed(value)),
        None => Err(missing(what, index)),
    }
}

#[cold]
fn missing(what: &str, index: usize) -> Error {
    Error::internal(format!("no value for {what} {index}"))
}
