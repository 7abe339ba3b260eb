//! Conversions between dates, times and timestamps.

use helios_base::{DataType, Result, Value};

use crate::context::EvalContext;

/// The conversion, if it is one between types of this family.
pub(super) fn convert(
    value: &Value,
    to: &DataType,
    ctx: &EvalContext<'_>,
) -> Option<Result<Value>> {
    let _ = (value, to, ctx);
    None
}
