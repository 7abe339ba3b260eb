//! Hours and minutes of timestamps, over whole arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType as ArrowType, TimestampMicrosecondType};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use helios_base::datetime::{
    MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, is_infinite_timestamp,
};
use helios_base::{Error, Result};

use crate::fusion::error::to_datafusion;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Field {
    Hour,
    Minute,
}

/// What `extract` has of a `timestamp` as whole number; `NULL` of infinite ones.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Clock {
    field: Field,
    signature: Signature,
}

impl ScalarUDFImpl for Clock {
    fn name(&self) -> &str {
        match self.field {
            Field::Hour => "hour",
            Field::Minute => "minute",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(ArrowType::Int32)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        super::unary(args, |array| self.over(array)).map_err(to_datafusion)
    }
}

impl Clock {
    /// The field of this name, if it is one of those.
    pub(crate) fn named(field: &str) -> Option<Self> {
        let field = match field {
            "hour" => Field::Hour,
            "minute" => Field::Minute,
            _ => return None,
        };
        Some(Self {
            field,
            signature: Signature::any(1, Volatility::Immutable),
        })
    }

    pub(crate) fn of(self, timestamp: DfExpr) -> DfExpr {
        ScalarUDF::from(self).call(vec![timestamp])
    }

    fn over(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let moments = array.as_primitive_opt::<TimestampMicrosecondType>();
        let moments = moments.ok_or_else(|| {
            Error::internal(format!("the clock of a column of {}", array.data_type()))
        })?;
        let mut has_infinite = false;
        let mut checked = |micros: i64| {
            has_infinite |= is_infinite_timestamp(micros);
            micros
        };
        let micros = moments.values().iter().map(|micros| checked(*micros));
        let fields: Vec<i32> = match self.field {
            Field::Hour => micros
                .map(|micros| (micros.rem_euclid(MICROS_PER_DAY) / MICROS_PER_HOUR) as i32)
                .collect(),
            Field::Minute => micros
                .map(|micros| (micros.rem_euclid(MICROS_PER_HOUR) / MICROS_PER_MINUTE) as i32)
                .collect(),
        };
        let mut nulls = moments.nulls().cloned();
        if has_infinite {
            let finite = moments.values().iter();
            let finite: NullBuffer = finite
                .map(|micros| !is_infinite_timestamp(*micros))
                .collect();
            nulls = NullBuffer::union(nulls.as_ref(), Some(&finite));
        }
        Ok(Arc::new(Int32Array::new(fields.into(), nulls)))
    }
}
