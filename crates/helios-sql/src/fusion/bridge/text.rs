//! Calls over whole arrays of texts.

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::ScalarValue;
use helios_base::DataType;

use super::expr::boolean;
use super::typed::Typed;
use crate::fusion::scalar;
use crate::fusion::shape::Shape;

/// `LIKE` over whole arrays, if the pattern is a constant that allows it.
pub(super) fn like(name: &str, text: &Typed, pattern: &Typed) -> Option<Typed> {
    let negated = match name {
        "~~" => false,
        "!~~" => true,
        _ => return None,
    };
    let pattern = match pattern.as_literal()? {
        ScalarValue::Utf8View(pattern) if pattern.is_some() => pattern.as_deref()?,
        _ => return None,
    };
    if text.shape.arrow != ArrowType::Utf8View {
        return None;
    }
    let expr = scalar::like(text.expr.clone(), pattern, negated)?;
    Some(boolean(expr, text.risky))
}

/// A part of a text over whole arrays, if its place is constant and sound.
pub(super) fn substring(name: &str, args: &[Typed]) -> Option<Typed> {
    let (text, from, length) = match args {
        [text, from] => (text, from, None),
        [text, from, length] => (text, from, Some(length)),
        _ => return None,
    };
    if !matches!(name, "substring" | "substr")
        || !matches!(text.shape.ty, DataType::Text | DataType::Varchar(_))
        || text.shape.arrow != ArrowType::Utf8View
    {
        return None;
    }
    let number = |arg: &Typed| match arg.as_literal()? {
        ScalarValue::Int32(number) => *number,
        _ => None,
    };
    let length = match length {
        Some(length) => Some(number(length)?),
        None => None,
    };
    let expr = scalar::substring(text.expr.clone(), number(from)?, length)?;
    Some(Typed {
        expr,
        shape: Shape::of(&DataType::Text),
        risky: text.risky,
    })
}
