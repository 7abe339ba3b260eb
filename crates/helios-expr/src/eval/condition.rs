//! Three-valued logic.

use std::borrow::Cow;

use helios_base::{DataType, Error, Result, Value};

use super::Frame;
use crate::expr::Expr;
use crate::function::{Call, Function};

impl<'a> Frame<'a> {
    /// The truth of a boolean expression; `None` is unknown.
    pub(crate) fn truth(self, expr: &'a Expr) -> Result<Option<bool>> {
        match expr {
            Expr::And(terms) => {
                let mut truth = Some(true);
                for term in terms {
                    match self.truth(term)? {
                        Some(false) => return Ok(Some(false)),
                        None => truth = None,
                        Some(true) => {}
                    }
                }
                Ok(truth)
            }
            Expr::Or(terms) => {
                let mut truth = Some(false);
                for term in terms {
                    match self.truth(term)? {
                        Some(true) => return Ok(Some(true)),
                        None => truth = None,
                        Some(false) => {}
                    }
                }
                Ok(truth)
            }
            Expr::Not(expr) => Ok(self.truth(expr)?.map(|truth| !truth)),
            Expr::IsNull { expr, negated } => {
                let value = self.value(expr)?;
                Ok(Some(if *negated {
                    is_not_null(&value)
                } else {
                    is_null(&value)
                }))
            }
            Expr::BoolTest {
                expr,
                test,
                negated,
            } => Ok(Some((self.truth(expr)? == *test) != *negated)),
            Expr::Distinct {
                left,
                right,
                equal,
                negated,
            } => {
                let (l, r) = (self.value(left)?, self.value(right)?);
                let distinct = match (l.is_null(), r.is_null()) {
                    (true, true) => false,
                    (false, false) => {
                        let call = Call::pair(self.ctx, left.ty(), right.ty());
                        as_truth(&equal.call(&[&*l, &*r], &call)?)? != Some(true)
                    }
                    _ => true,
                };
                Ok(Some(distinct != *negated))
            }
            Expr::InList {
                expr,
                list,
                equal,
                negated,
            } => {
                let found = self.in_list(expr, list, equal)?;
                Ok(found.map(|found| found != *negated))
            }
            Expr::Quantified {
                left,
                operator,
                array,
                all,
            } => self.quantified(left, operator, array, *all),
            other => as_truth(&*self.value(other)?),
        }
    }

    fn in_list(
        self,
        expr: &'a Expr,
        list: &'a [Expr],
        equal: &'static Function,
    ) -> Result<Option<bool>> {
        let value = self.value(expr)?;
        if value.is_null() {
            return Ok(if list.is_empty() { Some(false) } else { None });
        }
        let mut truth = Some(false);
        for item in list {
            let item_value = self.value(item)?;
            match compare(self, equal, (&value, expr), (&item_value, item))? {
                Some(true) => return Ok(Some(true)),
                None => truth = None,
                Some(false) => {}
            }
        }
        Ok(truth)
    }

    fn quantified(
        self,
        left: &'a Expr,
        operator: &'static Function,
        array: &'a Expr,
        all: bool,
    ) -> Result<Option<bool>> {
        let value = self.value(left)?;
        let array_value = self.value(array)?;
        let Value::Array(elements) = &*array_value else {
            return Ok(None);
        };
        // `ALL` looks for a false element, `ANY` for a true one.
        let mut truth = Some(all);
        let call = Call::pair(self.ctx, left.ty(), element_type(array));
        for element in &elements.elements {
            match as_truth(&operator.call(&[&*value, element], &call)?)? {
                Some(found) if found != all => return Ok(Some(!all)),
                Some(_) => {}
                None => truth = None,
            }
        }
        Ok(truth)
    }
}

/// `left = right` for two expressions' values, with a short cut for equal integer types.
fn compare(
    frame: Frame<'_>,
    equal: &'static Function,
    (left, left_expr): (&Cow<'_, Value>, &Expr),
    (right, right_expr): (&Cow<'_, Value>, &Expr),
) -> Result<Option<bool>> {
    debug_assert_eq!(equal.name(), "=");
    match (&**left, &**right) {
        (_, Value::Null) => Ok(None),
        (Value::Int4(a), Value::Int4(b)) => Ok(Some(a == b)),
        (Value::Int8(a), Value::Int8(b)) => Ok(Some(a == b)),
        (left, right) => {
            let call = Call::pair(frame.ctx, left_expr.ty(), right_expr.ty());
            as_truth(&equal.call(&[left, right], &call)?)
        }
    }
}

fn element_type(array: &Expr) -> &DataType {
    match array.ty() {
        DataType::Array(element) => element,
        other => other,
    }
}

/// `IS NULL`: a row is null when all its fields are.
fn is_null(value: &Value) -> bool {
    match value {
        Value::Record(fields) => fields.iter().all(Value::is_null),
        value => value.is_null(),
    }
}

/// `IS NOT NULL`: a row is not null when none of its fields is.
fn is_not_null(value: &Value) -> bool {
    match value {
        Value::Record(fields) => !fields.iter().any(Value::is_null),
        value => !value.is_null(),
    }
}

#[inline]
pub(crate) fn as_truth(value: &Value) -> Result<Option<bool>> {
    match value {
        Value::Bool(truth) => Ok(Some(*truth)),
        Value::Null => Ok(None),
        other => Err(not_boolean(other)),
    }
}

#[cold]
fn not_boolean(value: &Value) -> Error {
    Error::internal(format!("condition has the value {value:?}"))
}
