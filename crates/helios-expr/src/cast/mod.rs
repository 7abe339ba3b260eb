//! Conversions between types.

mod convert;
mod modifier;
mod moment;
mod names;

use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Error, Result, SqlState, UserType, Value};

use crate::context::EvalContext;
use crate::function::Volatility;

pub use modifier::{has_modifier, modifier};
pub use names::type_named;

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

/// Checks a value against a domain, or the elements of an array against the domain of its elements.
///
/// # Errors
/// 23502 for a `NULL` that the domain refuses, 23514 for a check that it fails.
pub fn check_domain(value: &Value, ty: &DataType, ctx: &EvalContext<'_>) -> Result<()> {
    check_within(value, ty, None, ctx)
}

/// `outer` is the domain that the value is meant for, which messages name.
fn check_within(
    value: &Value,
    ty: &DataType,
    outer: Option<&UserType>,
    ctx: &EvalContext<'_>,
) -> Result<()> {
    match (ty, value) {
        (DataType::Array(element), Value::Array(array)) => array
            .elements
            .iter()
            .try_for_each(|value| check_domain(value, element, ctx)),
        (DataType::User(user), value) => {
            let Some(domain) = user.as_domain() else {
                return Ok(());
            };
            let outer = outer.unwrap_or(user);
            check_within(value, &domain.base, Some(outer), ctx)?;
            if domain.not_null && value.is_null() {
                return Err(Error::new(
                    SqlState::NOT_NULL_VIOLATION,
                    format!("domain {outer} does not allow null values"),
                )
                .with_schema(&*outer.schema)
                .with_data_type(&*outer.name));
            }
            if domain.checked {
                ctx.session.check_domain(user, outer, value)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Whether a conversion depends on the session's time zone or clock.
#[must_use]
pub fn volatility(from: &DataType, to: &DataType) -> Volatility {
    let (from, to) = match (from, to) {
        (DataType::Array(from), DataType::Array(to)) => return volatility(from, to),
        (DataType::Array(from), to) => (&**from, to),
        (from, DataType::Array(to)) => (from, &**to),
        // The ends are read and shown as they are alone.
        (DataType::Range(kind) | DataType::Multirange(kind), to) if to.is_string() => {
            return volatility(&kind.element(), to);
        }
        (DataType::Range(_), DataType::Multirange(_)) => return Volatility::Immutable,
        (from, DataType::Range(kind) | DataType::Multirange(kind)) => {
            return volatility(from, &kind.element());
        }
        pair => pair,
    };
    let clocked = |ty: &DataType| {
        matches!(
            ty,
            DataType::Date
                | DataType::Time(_)
                | DataType::TimeTz(_)
                | DataType::Timestamp(_)
                | DataType::TimestampTz(_)
        )
    };
    let dated = matches!(from, DataType::Time(_)) && matches!(to, DataType::TimeTz(_));
    let zoned =
        dated || matches!(from, DataType::TimestampTz(_)) != matches!(to, DataType::TimestampTz(_));
    // Words such as `now` are read from text; bytes, floats and moments are shown as settings say.
    let textual = from.is_string() || matches!(from, DataType::Unknown);
    let shown = matches!(
        from,
        DataType::Bytea
            | DataType::Float4
            | DataType::Float8
            | DataType::Date
            | DataType::Timestamp(_)
            | DataType::TimestampTz(_)
            | DataType::Interval(_)
            | DataType::Reg(_)
    );
    let looked_up = matches!(to, DataType::Reg(_) | DataType::User(_));
    if zoned || textual && (clocked(to) || looked_up) || shown && to.is_string() {
        Volatility::Stable
    } else {
        Volatility::Immutable
    }
}
