//! SQL values in and out of Arrow arrays, exactly.
//!
//! A [`Shape`] says how values of a SQL type lie in arrays; [`ColumnBuilder`] makes arrays of values or of
//! the fields of stored rows, [`ColumnReader`] gives the values back unchanged. Segments are written and
//! queries computed in the same shapes, so that a scan hands columns on as they are.
//!
//! **Invariant:** a value that went in comes out equal, display scale and type included.

mod build;
mod decimal;
mod opaque;
mod read;
mod shape;

pub use build::ColumnBuilder;
pub use decimal::free_scale;
pub use opaque::{push as push_item, read_items};
pub use read::ColumnReader;
pub use shape::{DECIMAL_DIGITS, DECIMAL_NAN, Shape};

use arrow_array::ArrayRef;
use helios_base::{Numeric, Result, Value};

/// Values of one column as an array.
///
/// # Errors
/// Internal if a value does not fit `shape`.
pub fn array_of<'a>(
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

/// The value as a column of `shape` holds it: numbers take the scale of a decimal form. `None` if
/// the form cannot hold it.
#[must_use]
pub fn fit(value: &Value, shape: &Shape) -> Option<Value> {
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
