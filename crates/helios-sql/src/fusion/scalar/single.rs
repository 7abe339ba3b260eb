//! A subquery in the place of a value may have one row at most.

use arrow::array::AsArray;
use arrow::datatypes::{DataType as ArrowType, Int64Type};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use helios_base::{Error, SqlState};

use crate::fusion::error::to_datafusion;
use crate::fusion::shape::Shape;

/// `value`, or error 21000 where `rows`, a `bigint`, is above one.
pub(crate) fn single(shape: &Shape, value: DfExpr, rows: DfExpr) -> DfExpr {
    ScalarUDF::from(Single {
        shape: shape.clone(),
        signature: Signature::any(2, Volatility::Immutable),
    })
    .call(vec![value, rows])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Single {
    shape: Shape,
    signature: Signature,
}

impl ScalarUDFImpl for Single {
    fn name(&self) -> &str {
        "single"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.shape.arrow.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let [value, rows] = args.args.as_slice() else {
            return Err(to_datafusion(super::arity(args.args.len())));
        };
        let rows = rows.to_array(args.number_rows)?;
        let many = rows
            .as_primitive_opt::<Int64Type>()
            .is_some_and(|rows| rows.iter().flatten().any(|rows| rows > 1));
        if many {
            return Err(to_datafusion(Error::new(
                SqlState::CARDINALITY_VIOLATION,
                "more than one row returned by a subquery used as an expression",
            )));
        }
        Ok(value.clone())
    }
}
