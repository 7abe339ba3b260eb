//! The average of a group from its sum and count.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use helios_base::{DataType, Error, Numeric, Result, Value};

use crate::fusion::array::{ColumnBuilder, ColumnReader};
use crate::fusion::error::{from_datafusion, to_datafusion};
use crate::fusion::scalar::constant;
use crate::fusion::shape::Shape;

/// `sum / count` as `avg` has it: `NULL` if `sum` is, a free `numeric` for a sum of decimals or whole numbers, else
/// `double precision`. `count` is a `bigint`.
pub(crate) fn average(sum: DfExpr, shape: Shape, count: DfExpr) -> (DfExpr, Shape) {
    let output = match shape.ty {
        DataType::Numeric(_) | DataType::Int8 => Shape::of(&DataType::Numeric(None)),
        _ => Shape::of(&DataType::Float8),
    };
    let call = ScalarUDF::from(Average {
        sum: shape,
        output: output.clone(),
        signature: Signature::any(2, Volatility::Immutable),
    });
    (call.call(vec![sum, count]), output)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Average {
    sum: Shape,
    output: Shape,
    signature: Signature,
}

impl ScalarUDFImpl for Average {
    fn name(&self) -> &str {
        "average"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.output.arrow.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.run(&args).map_err(to_datafusion)
    }
}

impl Average {
    fn run(&self, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constants = args
            .args
            .iter()
            .all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays: Vec<ArrayRef> =
            ColumnarValue::values_to_arrays(&args.args).map_err(from_datafusion)?;
        let [sums, counts] = arrays.as_slice() else {
            return Err(crate::fusion::scalar::arity(arrays.len()));
        };
        let sums = ColumnReader::new(sums, &self.sum)?;
        let counts = ColumnReader::new(counts, &Shape::of(&DataType::Int8))?;
        let mut builder = ColumnBuilder::new(&self.output, sums.len());
        for row in 0..sums.len() {
            let value = match (sums.value(row)?, counts.value(row)?) {
                (Value::Null, _) => Value::Null,
                (Value::Numeric(sum), Value::Int8(count)) => {
                    Value::Numeric(sum.div(&Numeric::new(count, 0))?)
                }
                (Value::Int8(sum), Value::Int8(count)) => {
                    Value::Numeric(Numeric::new(sum, 0).div(&Numeric::new(count, 0))?)
                }
                (Value::Float8(sum), Value::Int8(count)) => {
                    // An average is made of a sum that starts at zero, which `-0` leaves.
                    Value::Float8((sum + 0.0) / count as f64)
                }
                other => return Err(Error::internal(format!("average of {other:?}"))),
            };
            builder.append(&value)?;
        }
        let array = builder.finish();
        if constants && array.len() == 1 {
            constant(&array)
        } else {
            Ok(ColumnarValue::Array(array))
        }
    }
}
