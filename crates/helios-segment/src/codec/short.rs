//! Vortex arrays decoded in fewer bits than their type has, where their encodings have it so; see [`narrow`].

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt8Type;
use arrow_array::{Array, ArrayRef, Decimal32Array, Decimal64Array, DictionaryArray, UInt8Array};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DECIMAL64_MAX_PRECISION, DataType};
use vortex_array::arrays::dict::DictArraySlotsExt;
use vortex_array::arrays::{DecimalArray, Dict, DictArray};
use vortex_array::dtype::{DType, DecimalType, NativeDecimalType, PType};
use vortex_array::{IntoArray, VortexSessionExecute};
use vortex_arrow::to_arrow_null_buffer;
use vortex_error::{VortexResult, vortex_err};

use super::check::check;
use super::storage::from_storage;
use super::vortex::{self, VortexArray};
use crate::error::Result;
use crate::narrow::{DISTINCT, ROWS, narrow};

/// The array of type `ty`, whose stored type is `stored`, in the form that [`narrow`] gives it.
pub(super) fn decode(array: VortexArray, stored: &DataType, ty: &DataType) -> Result<ArrayRef> {
    let array = vortex::guard(|| match stored {
        DataType::Decimal128(precision, scale) if *precision <= DECIMAL64_MAX_PRECISION => {
            decimals(array, stored, *precision, *scale)
        }
        DataType::Utf8View if array.len() >= ROWS => match array.try_downcast::<Dict>() {
            Ok(strings) => coded(&strings),
            Err(array) => vortex::export(array, stored),
        },
        _ => vortex::export(array, stored),
    })?;
    check(&array)?;
    let is_narrow = match array.data_type() {
        DataType::Decimal32(..) | DataType::Decimal64(..) => matches!(ty, DataType::Decimal128(..)),
        DataType::Dictionary(..) => *ty == DataType::Utf8View,
        _ => false,
    };
    match is_narrow {
        true => Ok(array),
        false => from_storage(array, ty).map(narrow),
    }
}

fn decimals(
    array: VortexArray,
    stored: &DataType,
    precision: u8,
    scale: i8,
) -> VortexResult<ArrayRef> {
    fn in_32<T: NativeDecimalType + Into<i32>>(array: &DecimalArray) -> ScalarBuffer<i32> {
        let values = array.buffer::<T>();
        let values: Vec<i32> = values.iter().map(|value| (*value).into()).collect();
        values.into()
    }
    let mut context = vortex::session().create_execution_ctx();
    let array = array.execute::<DecimalArray>(&mut context)?;
    let values = match array.values_type() {
        DecimalType::I8 => in_32::<i8>(&array),
        DecimalType::I16 => in_32::<i16>(&array),
        DecimalType::I32 => array.buffer::<i32>().into_arrow_scalar_buffer(),
        DecimalType::I64 => {
            let nulls = to_arrow_null_buffer(array.validity()?, array.len(), &mut context)?;
            let values = array.buffer::<i64>().into_arrow_scalar_buffer();
            let values = Decimal64Array::try_new(values, nulls)?;
            let ty = DataType::Decimal64(precision, scale);
            return Ok(Arc::new(values.with_data_type(ty)));
        }
        _ => return vortex::export(array.into_array(), stored),
    };
    let nulls = to_arrow_null_buffer(array.validity()?, array.len(), &mut context)?;
    let values = Decimal32Array::try_new(values, nulls)?;
    let ty = DataType::Decimal32(precision, scale);
    Ok(Arc::new(values.with_data_type(ty)))
}

/// Strings that are a dictionary already; as strings if its places take more than a byte.
fn coded(strings: &DictArray) -> VortexResult<ArrayRef> {
    let is_short = matches!(strings.codes().dtype(), DType::Primitive(PType::U8, _));
    if !is_short || strings.values().is_empty() || strings.values().len() > DISTINCT {
        return vortex::export(strings.clone().into_array(), &DataType::Utf8View);
    }
    let codes = vortex::export(strings.codes().clone(), &DataType::UInt8)?;
    let values = vortex::export(strings.values().clone(), &DataType::Utf8View)?;
    let keys = codes
        .as_primitive_opt::<UInt8Type>()
        .ok_or_else(|| vortex_err!("places of strings are not bytes"))?;
    // A string that is none is told by its place alone.
    let nulls = match values.nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(none) => {
            let is_there = |place: &u8| {
                let place = usize::from(*place);
                place >= none.len() || none.is_valid(place)
            };
            let there: BooleanBuffer = keys.values().iter().map(is_there).collect();
            NullBuffer::union(keys.nulls(), Some(&NullBuffer::new(there)))
        }
        None => keys.nulls().cloned(),
    };
    let keys = UInt8Array::new(keys.values().clone(), nulls);
    Ok(Arc::new(DictionaryArray::try_new(keys, values)?))
}
