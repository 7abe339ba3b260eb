//! Which casts run over whole arrays.

use helios_base::{DataType, Result};

use super::arith::native;
use super::typed::Typed;
use crate::fusion::scalar::char_as_text;
use crate::fusion::shape::Shape;

/// `operand` as `to`, if that needs no evaluator.
///
/// # Errors
/// Internal if a constant does not convert.
pub(crate) fn cast(operand: Typed, to: &DataType) -> Result<Option<Typed>> {
    use DataType::{Char, Float4, Float8, Int2, Int4, Int8, Numeric, Text, Varchar};
    let from = operand.shape.ty.clone();
    Ok(match (&from, to) {
        (a, b) if a == b => Some(operand),
        (Int2, Int4 | Int8 | Float4 | Float8)
        | (Int4, Int8 | Float4 | Float8)
        | (Int8, Float4 | Float8)
        | (Float4, Float8) => Some(native(operand, &Shape::of(to))?),
        (Int2 | Int4 | Int8, Numeric(None)) => {
            let digits = match from {
                Int2 => 5,
                Int4 => 10,
                _ => 19,
            };
            match Shape::decimal(digits, 0) {
                Some(shape) => Some(native(operand, &shape)?),
                None => None,
            }
        }
        (Numeric(_), Numeric(None)) => Some(Typed {
            shape: operand.shape.with_type(to),
            ..operand
        }),
        (Numeric(_), Numeric(Some((precision, _)))) => {
            let target = Shape::of(to);
            match (operand.shape.as_decimal(), target.as_decimal()) {
                // Nothing to round, and no digit too many.
                (Some((p, s)), Some((_, t))) if s == t && u16::from(p) <= *precision => {
                    Some(operand.into_shape(&target)?)
                }
                _ => None,
            }
        }
        (Text | Varchar(_), Text | Varchar(None)) => Some(Typed {
            shape: operand.shape.with_type(to),
            ..operand
        }),
        (Char(_), Text | Varchar(None)) if operand.shape.arrow == Shape::of(to).arrow => {
            Some(Typed {
                expr: char_as_text(operand.expr),
                shape: Shape::of(to),
                risky: operand.risky,
            })
        }
        _ => None,
    })
}
