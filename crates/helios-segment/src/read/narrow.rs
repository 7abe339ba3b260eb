//! Decimals of up to 18 digits, which take 128 bits in arrays, in 64: half the memory for who keeps them, and half the
//! way for who compares and copies them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Decimal128Type};
use arrow_array::{Array, ArrayRef, Decimal64Array, Decimal128Array};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DECIMAL64_MAX_PRECISION, DataType};

/// The array in 64 bits, if it is of such decimals and no value is beyond (as the one that stands for `NaN`).
pub(super) fn narrow(array: ArrayRef) -> ArrayRef {
    let DataType::Decimal128(precision, scale) = *array.data_type() else {
        return array;
    };
    let Some(wide) = array.as_primitive_opt::<Decimal128Type>() else {
        return array;
    };
    if precision > DECIMAL64_MAX_PRECISION {
        return array;
    }
    let mut all_fit = true;
    let mut short = Vec::with_capacity(wide.len());
    short.extend(wide.values().iter().map(|value| {
        let narrow = *value as i64;
        all_fit &= i128::from(narrow) == *value;
        narrow
    }));
    if !all_fit {
        return array;
    }
    let values = ScalarBuffer::from(short);
    let narrow = Decimal64Array::new(values, wide.nulls().cloned());
    Arc::new(narrow.with_data_type(DataType::Decimal64(precision, scale)))
}

/// An array of a column in the column's own type, if [`Segment::column`](crate::Segment::column) gave it in fewer bits.
#[must_use]
pub fn widen(array: &ArrayRef) -> ArrayRef {
    let Some(narrow) = array.as_primitive_opt::<Decimal64Type>() else {
        return Arc::clone(array);
    };
    let values: Vec<i128> = narrow
        .values()
        .iter()
        .map(|value| i128::from(*value))
        .collect();
    let wide = Decimal128Array::new(values.into(), narrow.nulls().cloned());
    Arc::new(wide.with_data_type(wide_type(array.data_type())))
}

/// The type that [`widen`] makes of arrays of `ty`.
#[must_use]
pub fn wide_type(ty: &DataType) -> DataType {
    match ty {
        DataType::Decimal64(precision, scale) => DataType::Decimal128(*precision, *scale),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_narrow_is_wide_again() {
        let wide = |precision, values: Vec<Option<i128>>| -> ArrayRef {
            let ty = DataType::Decimal128(precision, 2);
            Arc::new(Decimal128Array::from(values).with_data_type(ty))
        };
        let largest = 10i128.pow(18) - 1;
        let array = wide(18, vec![Some(-largest), None, Some(0), Some(largest)]);
        let short = narrow(Arc::clone(&array));
        assert_eq!(*short.data_type(), DataType::Decimal64(18, 2));
        assert_eq!(&widen(&short), &array);
        assert_eq!(wide_type(short.data_type()), *array.data_type());
        for kept in [
            wide(19, vec![Some(1)]),
            wide(15, vec![Some(1), Some(i128::MAX)]),
        ] {
            assert_eq!(narrow(Arc::clone(&kept)).data_type(), kept.data_type());
            assert_eq!(&widen(&kept), &kept);
        }
    }
}
