//! Conversions between types.

mod convert;
mod modifier;
mod moment;
mod names;

use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Result, Value};

use crate::context::EvalContext;
use crate::function::Volatility;

pub use modifier::{has_modifier, modifier};
pub(crate) use names::type_named;

/// Converts `value` of type `from` to `to`, modifier included. `explicit` casts cut overlong
/// strings, others refuse them.
///
/// # Errors
/// `22003` out of range, `22P02` and its kin for text that is not a value, `22001` too long.
pub fn cast(
    value: &Value,
    from: &DataType,
    to: &DataType,
    explicit: bool,
    ctx: &EvalContext<'_>,
) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    match (value, from, to) {
        (Value::Array(array), DataType::Array(from), DataType::Array(to)) => {
            let elements = array
                .elements
                .iter()
                .map(|element| cast(element, from, to, explicit, ctx))
                .collect::<Result<_>>()?;
            Ok(Value::Array(Arc::new(ArrayValue {
                dims: array.dims.clone(),
                elements,
            })))
        }
        _ if from.same(to) => modifier(value, from, to, explicit),
        _ => {
            let converted = convert::convert(value, from, to, ctx)?;
            if has_modifier(to) {
                modifier(&converted, &to.bare(), to, explicit)
            } else {
                Ok(converted)
            }
        }
    }
}

/// Whether a conversion depends on the session's time zone or clock.
#[must_use]
pub fn volatility(from: &DataType, to: &DataType) -> Volatility {
    let (from, to) = match (from, to) {
        (DataType::Array(from), DataType::Array(to)) => return volatility(from, to),
        (DataType::Array(from), to) => (&**from, to),
        (from, DataType::Array(to)) => (from, &**to),
        pair => pair,
    };
    let clocked = |ty: &DataType| {
        matches!(
            ty,
            DataType::Date | DataType::Time | DataType::Timestamp | DataType::TimestampTz
        )
    };
    let zoned = matches!(from, DataType::TimestampTz) != matches!(to, DataType::TimestampTz);
    // Words such as `now` are read from text; bytes, floats and moments are shown as settings say.
    let textual = from.is_string() || matches!(from, DataType::Unknown);
    let shown = matches!(
        from,
        DataType::Bytea
            | DataType::Float4
            | DataType::Float8
            | DataType::Date
            | DataType::Timestamp
            | DataType::TimestampTz
            | DataType::Interval
    );
    if zoned || textual && clocked(to) || shown && to.is_string() {
        Volatility::Stable
    } else {
        Volatility::Immutable
    }
}
