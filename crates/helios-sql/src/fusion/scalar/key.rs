//! Keys: columns whose Arrow order is not PostgreSQL's, turned into columns whose order is.
//!
//! Two values are equal in SQL exactly if their keys are equal arrays elements, and ordered as their
//! keys are. Comparisons, sorting, grouping and joins of such columns go through here.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewBuilder, Float32Array, Float64Array, StringViewArray,
    UInt32Array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType as ArrowType, Float32Type, Float64Type};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use helios_base::key::{self, KeyOrder};
use helios_base::{DataType, Error, Result};

use super::repeats::Repeats;
use crate::fusion::array::{ColumnReader, free_scale};
use crate::fusion::error::{from_arrow, to_datafusion};
use crate::fusion::shape::Shape;

/// `expr`, or its key if arrays of `shape` do not compare as SQL wants.
pub(crate) fn key_of(expr: DfExpr, shape: &Shape) -> DfExpr {
    if shape.is_ordered() {
        return expr;
    }
    if let DfExpr::Literal(scalar, _) = &expr
        && let Ok(array) = scalar.to_array()
        && let Ok(ColumnarValue::Scalar(key)) =
            keys(&array, shape).and_then(|array| super::constant(&array))
    {
        return DfExpr::Literal(key, None);
    }
    ScalarUDF::from(Key::new(shape.clone())).call(vec![expr])
}

/// Whether a call is that of [`key_of`].
pub(crate) fn is_key(call: &ScalarFunction) -> bool {
    call.func.inner().downcast_ref::<Key>().is_some()
}

/// The function from a column to its key.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    shape: Shape,
    signature: Signature,
}

impl Key {
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            signature: Signature::any(1, Volatility::Immutable),
        }
    }

    fn result_type(&self) -> ArrowType {
        match self.shape.ty {
            DataType::Float4 | DataType::Float8 | DataType::Char(_) => self.shape.arrow.clone(),
            _ => ArrowType::BinaryView,
        }
    }
}

impl ScalarUDFImpl for Key {
    fn name(&self) -> &str {
        "key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.result_type())
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        super::unary(args, |array| keys(array, &self.shape)).map_err(to_datafusion)
    }
}

/// The keys of an array.
pub(crate) fn keys(array: &ArrayRef, shape: &Shape) -> Result<ArrayRef> {
    let wrong = || Error::internal(format!("key of a column of {}", array.data_type()));
    Ok(match &shape.ty {
        _ if shape.is_ordered() => Arc::clone(array),
        DataType::Float4 => {
            let floats = array.as_primitive_opt::<Float32Type>().ok_or_else(wrong)?;
            let keys: Float32Array = floats.unary(|x| if x.is_nan() { f32::NAN } else { x + 0.0 });
            Arc::new(keys)
        }
        DataType::Float8 => {
            let floats = array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
            let keys: Float64Array = floats.unary(|x| if x.is_nan() { f64::NAN } else { x + 0.0 });
            Arc::new(keys)
        }
        DataType::Char(_) => {
            let texts = array.as_string_view_opt().ok_or_else(wrong)?;
            if !texts.iter().flatten().any(|text| text.ends_with(' ')) {
                return Ok(Arc::clone(array));
            }
            let keys: StringViewArray = texts
                .iter()
                .map(|text| text.map(|text| text.trim_end_matches(' ')))
                .collect();
            Arc::new(keys)
        }
        DataType::Numeric(_) => {
            let numbers = array.as_binary_view_opt().ok_or_else(wrong)?;
            if let Some(repeats) = Repeats::of(array) {
                let first = UInt32Array::from(repeats.first);
                let first = take(array, &first, None).map_err(from_arrow)?;
                return take(&keys(&first, shape)?, &repeats.of, None).map_err(from_arrow);
            }
            let mut keys = BinaryViewBuilder::with_capacity(numbers.len());
            for number in numbers {
                match number {
                    Some(bytes) => keys.append_value(free_scale(bytes)?.0),
                    None => keys.append_null(),
                }
            }
            Arc::new(keys.finish())
        }
        ty => {
            let reader = ColumnReader::new(array, shape)?;
            let mut keys = BinaryViewBuilder::with_capacity(reader.len());
            let mut bytes = Vec::new();
            for row in 0..reader.len() {
                if array.is_null(row) {
                    keys.append_null();
                    continue;
                }
                bytes.clear();
                key::encode(&reader.value(row)?, ty, KeyOrder::ASC, &mut bytes)?;
                keys.append_value(&bytes);
            }
            Arc::new(keys.finish())
        }
    })
}
