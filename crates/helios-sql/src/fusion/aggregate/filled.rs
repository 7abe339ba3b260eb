//! Sums of a case that is a constant where its condition does not hold.

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

/// `sum` of a form plus `rest` so many times as `count` says: `NULL` without both, and with as many digits behind the
/// point as the longest of what was added up.
pub(crate) fn filled_sum(
    sum: DfExpr,
    shape: Shape,
    count: DfExpr,
    rest: &Numeric,
) -> (DfExpr, Shape) {
    let call = ScalarUDF::from(FilledSum {
        name: format!("sum_and_rest_of_{rest}"),
        sum: shape,
        rest: rest.to_string(),
        signature: Signature::any(2, Volatility::Immutable),
    });
    (call.call(vec![sum, count]), FilledSum::output())
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FilledSum {
    /// By which DataFusion tells calls of the same arguments apart.
    name: String,
    sum: Shape,
    rest: String,
    signature: Signature,
}

impl FilledSum {
    fn output() -> Shape {
        Shape::of(&DataType::Numeric(None))
    }

    fn run(&self, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rest = Numeric::parse(&self.rest)?;
        of_counted_sums(&args.args, &self.sum, &Self::output(), |sum, count| {
            let more = || rest.mul(&Numeric::new(count, 0));
            Ok(match (sum, count) {
                (sum @ (Value::Null | Value::Numeric(_)), 0) => sum,
                (Value::Null, _) => Value::Numeric(more()?),
                (Value::Numeric(sum), _) => Value::Numeric(sum.add(&more()?)?),
                (other, _) => return Err(Error::internal(format!("a sum that is {other:?}"))),
            })
        })
    }
}

impl ScalarUDFImpl for FilledSum {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(Self::output().arrow)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.run(&args).map_err(to_datafusion)
    }
}
