//! Values in and out of Arrow arrays, exactly.

mod build;
mod decimal;
mod export;
mod opaque;
mod read;

pub(crate) use build::ColumnBuilder;
pub(crate) use decimal::{free_scale, push_free};
pub(crate) use export::{export, export_type};
pub(crate) use read::{ColumnReader, read_scalar};

use arrow::array::ArrayRef;
use datafusion::common::ScalarValue;
use helios_base::{Result, Value};

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
