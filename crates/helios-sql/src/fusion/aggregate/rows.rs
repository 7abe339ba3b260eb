//! What aggregates have in common.

use arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{ColumnarValue, EmitTo, GroupsAccumulator};
use helios_base::{DataType, Error, Result, Value};

use crate::fusion::array::{ColumnBuilder, ColumnReader};
use crate::fusion::error::from_datafusion;
use crate::fusion::scalar::constant;
use crate::fusion::shape::Shape;

/// The states of an aggregate that has every row as a group of its own; `each` has none yet.
pub(super) fn states_of_rows(
    mut each: impl GroupsAccumulator,
    values: &[ArrayRef],
    filter: Option<&BooleanArray>,
) -> DfResult<Vec<ArrayRef>> {
    let rows = values.first().map_or(0, |array| array.len());
    let groups: Vec<usize> = (0..rows).collect();
    each.update_batch(values, &groups, filter, rows)?;
    each.state(EmitTo::All)
}

/// What `result` makes of each sum of a form, perhaps `NULL`, and its count, a `bigint`.
pub(super) fn of_counted_sums(
    args: &[ColumnarValue],
    sum: &Shape,
    output: &Shape,
    result: impl Fn(Value, i64) -> Result<Value>,
) -> Result<ColumnarValue> {
    let is_constant = |arg: &ColumnarValue| matches!(arg, ColumnarValue::Scalar(_));
    let arrays = ColumnarValue::values_to_arrays(args).map_err(from_datafusion)?;
    let [sums, counts] = arrays.as_slice() else {
        return Err(crate::fusion::scalar::arity(arrays.len()));
    };
    let sums = ColumnReader::new(sums, sum)?;
    let counts = ColumnReader::new(counts, &Shape::of(&DataType::Int8))?;
    let mut builder = ColumnBuilder::new(output, sums.len());
    for row in 0..sums.len() {
        builder.append(&match (sums.value(row)?, counts.value(row)?) {
            (sum, Value::Int8(count)) => result(sum, count)?,
            other => return Err(Error::internal(format!("a counted sum of {other:?}"))),
        })?;
    }
    let array = builder.finish();
    if args.iter().all(is_constant) && array.len() == 1 {
        constant(&array)
    } else {
        Ok(ColumnarValue::Array(array))
    }
}
