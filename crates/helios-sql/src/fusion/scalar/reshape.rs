//! Numbers from one array form into another.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType as ArrowType, Decimal128Type};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use helios_base::{Error, Result};

use crate::fusion::array::{ColumnBuilder, ColumnReader, fit};
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::{DECIMAL_NAN, Shape};

/// The function that turns columns of one form into another form of the same SQL type.
pub(crate) fn reshape(from: Shape, to: Shape) -> Reshape {
    Reshape {
        from,
        to,
        signature: Signature::any(1, Volatility::Immutable),
    }
}

/// See [`reshape`].
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reshape {
    from: Shape,
    to: Shape,
    signature: Signature,
}

impl Reshape {
    /// How many digits more decimals get behind the point, if that is all.
    pub fn more_digits(&self) -> Option<u32> {
        let (_, from) = self.from.as_decimal()?;
        let (_, to) = self.to.as_decimal()?;
        to.checked_sub(from).map(u32::from)
    }
}

impl ScalarUDFImpl for Reshape {
    fn name(&self) -> &str {
        "reshape"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.to.arrow.clone())
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        super::unary(args, |array| self.run(array)).map_err(to_datafusion)
    }
}

impl Reshape {
    fn run(&self, array: &ArrayRef) -> Result<ArrayRef> {
        if let (Some((_, from)), Some((_, to))) = (self.from.as_decimal(), self.to.as_decimal())
            && from <= to
            && let Some(decimals) = array.as_primitive_opt::<Decimal128Type>()
        {
            let factor = 10i128.pow(u32::from(to - from).min(38));
            let scaled: Decimal128Array = decimals.unary(|coefficient| {
                if coefficient == DECIMAL_NAN {
                    coefficient
                } else {
                    // The target form was chosen wide enough.
                    coefficient.wrapping_mul(factor)
                }
            });
            return Ok(Arc::new(scaled.with_data_type(self.to.arrow.clone())));
        }
        let reader = ColumnReader::new(array, &self.from)?;
        let mut builder = ColumnBuilder::new(&self.to, reader.len());
        for row in 0..reader.len() {
            let value = reader.value(row)?;
            let fitted = fit(&value, &self.to).ok_or_else(|| {
                Error::internal(format!("value {value:?} has no form {}", self.to.arrow))
            })?;
            builder.append(&fitted)?;
        }
        Ok(builder.finish())
    }
}
