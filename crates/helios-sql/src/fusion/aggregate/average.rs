//! The average of a group from its sum and count.

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use helios_base::{DataType, Error, Numeric, Result, Value};

use super::rows::of_counted_sums;
use crate::fusion::error::to_datafusion;
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
        of_counted_sums(&args.args, &self.sum, &self.output, |sum, count| {
            Ok(match sum {
                Value::Null => Value::Null,
                Value::Numeric(sum) => Value::Numeric(sum.div(&Numeric::new(count, 0))?),
                Value::Int8(sum) => {
                    Value::Numeric(Numeric::new(sum, 0).div(&Numeric::new(count, 0))?)
                }
                // An average is made of a sum that starts at zero, which `-0` leaves.
                Value::Float8(sum) => Value::Float8((sum + 0.0) / count as f64),
                other => return Err(Error::internal(format!("average of {other:?}"))),
            })
        })
    }
}
