//! Which arithmetic runs over whole arrays, and in which form the result comes.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr as DfExpr, ScalarUDF, cast};
use helios_base::{DataType, Result};

use super::typed::Typed;
use crate::fusion::error::from_datafusion;
use crate::fusion::scalar::{Arith, ArithOp};
use crate::fusion::shape::Shape;

/// `left name right` with a result of type `ty`, if there is a kernel for it.
///
/// # Errors
/// Internal if a constant does not convert.
pub(crate) fn binary(
    name: &str,
    left: Typed,
    right: Typed,
    ty: &DataType,
) -> Result<Option<Typed>> {
    let op = match name {
        "+" => ArithOp::Add,
        "-" => ArithOp::Sub,
        "*" => ArithOp::Mul,
        "/" => ArithOp::Div,
        "%" => ArithOp::Rem,
        _ => return Ok(None),
    };
    let (a, b) = (&left.shape.ty, &right.shape.ty);
    let risky = left.risky || right.risky || matches!(op, ArithOp::Div | ArithOp::Rem);
    let operands = match ty {
        DataType::Int2 | DataType::Int4 | DataType::Int8 if a.is_integer() && b.is_integer() => {
            let shape = Shape::of(ty);
            let left = native(left, &shape)?;
            let right = native(right, &shape)?;
            Some((left, right, shape))
        }
        DataType::Float4 | DataType::Float8 if is_float(a) && is_float(b) && op != ArithOp::Rem => {
            let shape = Shape::of(ty);
            let left = native(left, &shape)?;
            let right = native(right, &shape)?;
            Some((left, right, shape))
        }
        DataType::Numeric(_) => decimals(op, left, right)?,
        _ => None,
    };
    let Some((left, right, shape)) = operands else {
        return Ok(None);
    };
    let call = ScalarUDF::from(Arith::new(op, shape.clone())).call(vec![left.expr, right.expr]);
    Ok(Some(Typed {
        expr: call,
        shape,
        risky,
    }))
}

/// `+operand` or `-operand`, if there is a kernel for it.
///
/// # Errors
/// Never today; the signature is that of [`binary`].
pub(crate) fn prefix(name: &str, operand: Typed) -> Result<Option<Typed>> {
    let ty = &operand.shape.ty;
    let known = ty.is_integer() || is_float(ty) || operand.shape.as_decimal().is_some();
    Ok(match name {
        "+" if known => Some(operand),
        "-" if known => {
            let call = ScalarUDF::from(Arith::new(ArithOp::Neg, operand.shape.clone()));
            Some(Typed {
                expr: call.call(vec![operand.expr]),
                ..operand
            })
        }
        _ => None,
    })
}

fn is_float(ty: &DataType) -> bool {
    matches!(ty, DataType::Float4 | DataType::Float8)
}

/// Decimal operands and the form of the result, if it fits 38 digits in the worst case.
fn decimals(op: ArithOp, left: Typed, right: Typed) -> Result<Option<(Typed, Typed, Shape)>> {
    let (Some((p, s)), Some((q, t))) = (left.shape.as_decimal(), right.shape.as_decimal()) else {
        return Ok(None);
    };
    let (p, q) = (u16::from(p), u16::from(q));
    match op {
        ArithOp::Add | ArithOp::Sub => {
            let scale = s.max(t);
            let whole = p.saturating_sub(s).max(q.saturating_sub(t));
            let (Some(result), Some(a), Some(b)) = (
                Shape::decimal(whole + scale + 1, scale),
                Shape::decimal(p.saturating_sub(s) + scale, scale),
                Shape::decimal(q.saturating_sub(t) + scale, scale),
            ) else {
                return Ok(None);
            };
            let left = if s == scale {
                left
            } else {
                left.into_shape(&a)?
            };
            let right = if t == scale {
                right
            } else {
                right.into_shape(&b)?
            };
            Ok(Some((left, right, result)))
        }
        ArithOp::Mul => Ok(Shape::decimal(p + q, s + t).map(|result| (left, right, result))),
        // Quotients get as many digits as their values need.
        _ => Ok(None),
    }
}

/// Brings integers, and floats, of different widths to the wider one.
///
/// # Errors
/// Internal if a constant does not convert.
pub(crate) fn widen(left: Typed, right: Typed) -> Result<(Typed, Typed)> {
    let rank = |ty: &DataType| match ty {
        DataType::Int2 => Some((0, 0)),
        DataType::Int4 => Some((0, 1)),
        DataType::Int8 => Some((0, 2)),
        DataType::Float4 => Some((1, 0)),
        DataType::Float8 => Some((1, 1)),
        _ => None,
    };
    match (rank(&left.shape.ty), rank(&right.shape.ty)) {
        (Some((kind, a)), Some((same, b))) if kind == same && a < b => {
            let shape = right.shape.clone();
            Ok((native(left, &shape)?, right))
        }
        (Some((kind, a)), Some((same, b))) if kind == same && a > b => {
            let shape = left.shape.clone();
            Ok((left, native(right, &shape)?))
        }
        _ => Ok((left, right)),
    }
}

/// Arrow's own cast, for conversions that it does as PostgreSQL does and that cannot fail.
///
/// # Errors
/// Internal if a constant does not convert.
pub(crate) fn native(typed: Typed, shape: &Shape) -> Result<Typed> {
    if typed.shape.arrow == shape.arrow {
        return Ok(Typed {
            shape: shape.clone(),
            ..typed
        });
    }
    let expr = match typed.expr {
        DfExpr::Literal(scalar, _) => {
            let scalar: ScalarValue = scalar.cast_to(&shape.arrow).map_err(from_datafusion)?;
            DfExpr::Literal(scalar, None)
        }
        expr => cast(expr, shape.arrow.clone()),
    };
    Ok(Typed {
        expr,
        shape: shape.clone(),
        risky: typed.risky,
    })
}
