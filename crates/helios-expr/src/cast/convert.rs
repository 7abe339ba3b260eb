//! The conversion functions.

use helios_base::{DataType, Result, Value};

use crate::context::EvalContext;

/// Converts a value that is not `NULL` to the bare type of `to`.
pub(super) fn convert(
    value: &Value,
    from: &DataType,
    to: &DataType,
    ctx: &EvalContext<'_>,
) -> Result<Value> {
    match (value, to) {
        // Everything else goes through text, as PostgreSQL's I/O conversions do.
        _ => {
            let text = value.to_text(from, ctx.text);
            Value::parse(&text, &to.bare(), ctx.text)
        }
    }
}
