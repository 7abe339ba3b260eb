//! Scalar functions of ours that DataFusion calls.

mod arith;
mod clock;
mod distance;
mod evaluate;
mod key;
mod like;
mod repeats;
mod reshape;
mod single;
mod text;

use arrow::array::ArrayRef;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs};
use helios_base::{Error, Result};

use super::error::from_datafusion;

pub(crate) use arith::{Arith, ArithOp};
pub(crate) use clock::Clock;
pub(crate) use distance::VectorDistance;
pub(crate) use evaluate::evaluate;
#[cfg(test)]
pub(crate) use key::keys;
pub(crate) use key::{is_key, key_of};
pub(crate) use like::like;
pub(crate) use reshape::{Reshape, reshape};
pub(crate) use single::single;
pub(crate) use text::{char_as_text, length, substring};

/// Runs a function of one argument over an array, or once over a constant.
pub(crate) fn unary(
    args: ScalarFunctionArgs,
    f: impl FnOnce(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    match args.args.as_slice() {
        [ColumnarValue::Array(array)] => f(array).map(ColumnarValue::Array),
        [ColumnarValue::Scalar(scalar)] => {
            let array = scalar.to_array().map_err(from_datafusion)?;
            constant(&f(&array)?)
        }
        other => Err(arity(other.len())),
    }
}

/// The only element of an array as a constant column.
pub(crate) fn constant(array: &ArrayRef) -> Result<ColumnarValue> {
    ScalarValue::try_from_array(array, 0)
        .map(ColumnarValue::Scalar)
        .map_err(from_datafusion)
}

/// A function of ours was called with another number of arguments than it was built for.
pub(crate) fn arity(found: usize) -> Error {
    Error::internal(format!("function called with {found} arguments"))
}
