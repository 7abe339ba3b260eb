//! Values in and out of Arrow arrays, exactly.

mod build;
mod decimal;
mod export;
mod opaque;
mod read;

pub(crate) use build::ColumnBuilder;
pub(crate) use decimal::free_scale;
pub(crate) use export::{as_text, export, export_field, export_values};
pub(crate) use opaque::{push as push_item, read_items};
pub(crate) use read::{ColumnReader, read_scalar};

use arrow::array::ArrayRef;
use datafusion::common::ScalarValue;
use helios_base::{Numeric, Result, Value};

use super::shape::Shape;

/// Values of one column as an array.
///
/// # Errors
/// Internal if a value does not fit `shape`.
pub(crate) fn array_of<'a>(
    values: impl IntoIterator<Item = &'a Value>,
    shape: &Shape,
) -> Result<ArrayRef> {
    let values = values.into_iter();
    let mut builder = ColumnBuilder::new(shape, values.size_hint().0);
    for value in values {
        builder.append(value)?;
    }
    Ok(builder.finish())
}

/// One value as DataFusion's scalar.
///
/// # Errors
/// As [`array_of`].
pub(crate) fn scalar_of(value: &Value, shape: &Shape) -> Result<ScalarValue> {
    let array = array_of([value], shape)?;
    ScalarValue::try_from_array(&array, 0).map_err(super::error::from_datafusion)
}

/// The value as a column of `shape` holds it: numbers take the scale of a decimal form. `None` if
/// the form cannot hold it.
pub(crate) fn fit(value: &Value, shape: &Shape) -> Option<Value> {
    match (value, shape.as_decimal()) {
        (Value::Numeric(number), Some((precision, scale))) if number.is_finite() => {
            let coefficient = number.to_i128_at(scale)?;
            let limit = 10i128.checked_pow(u32::from(precision))?;
            (coefficient.abs() < limit)
                .then(|| Value::Numeric(Numeric::from_i128(coefficient, scale)))
        }
        (Value::Numeric(number), Some(_)) if number.is_infinite() => None,
        _ => Some(value.clone()),
    }
}
