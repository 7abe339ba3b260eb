//! Values in and out of Arrow arrays, and what DataFusion and exports add to that.

mod export;

pub(crate) use export::{as_text, export, export_field, export_values};
pub(crate) use helios_arrow::{
    ColumnBuilder, ColumnReader, array_of, fit, free_scale, push_item, read_items,
};

use datafusion::common::ScalarValue;
use helios_base::{Result, Value};

use super::shape::Shape;

/// One value as DataFusion's scalar.
///
/// # Errors
/// As [`array_of`].
pub(crate) fn scalar_of(value: &Value, shape: &Shape) -> Result<ScalarValue> {
    let array = array_of([value], shape)?;
    ScalarValue::try_from_array(&array, 0).map_err(super::error::from_datafusion)
}

/// The value of a DataFusion scalar of this shape.
///
/// # Errors
/// Internal if it is of another type.
pub(crate) fn read_scalar(scalar: &ScalarValue, shape: &Shape) -> Result<Value> {
    let array = scalar
        .to_array()
        .map_err(crate::fusion::error::from_datafusion)?;
    ColumnReader::new(&array, shape)?.value(0)
}
