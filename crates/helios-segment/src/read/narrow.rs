//! Columns in fewer bits than their type has: less memory for who keeps them, and a shorter way for who compares and
//! copies them.
//!
//! - Decimals of up to 18 digits, which take 128 bits in arrays, in 64.
//! - Strings of which there are few different ones as bytes that name these: what asks something of the strings asks it of
//!   each once.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Decimal128Type, UInt8Type};
use arrow_array::{
    Array, ArrayRef, Decimal64Array, Decimal128Array, DictionaryArray, StringViewArray, UInt8Array,
    UInt32Array,
};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{DECIMAL64_MAX_PRECISION, DataType};

use crate::error::Result;

/// Different strings, at most, of an array that is coded.
const DISTINCT: usize = 256;

/// Arrays of fewer strings are not worth coding.
const ROWS: usize = 4 * DISTINCT;

/// The array in fewer bits, if it can be.
pub(super) fn narrow(array: ArrayRef) -> ArrayRef {
    let narrow = match array.data_type() {
        DataType::Decimal128(..) => short(&array),
        DataType::Utf8View => array.as_string_view_opt().and_then(coded),
        _ => None,
    };
    narrow.unwrap_or(array)
}

/// Decimals in 64 bits, if no value is beyond (as the one that stands for `NaN`).
fn short(array: &ArrayRef) -> Option<ArrayRef> {
    let DataType::Decimal128(precision, scale) = *array.data_type() else {
        return None;
    };
    let wide = array.as_primitive_opt::<Decimal128Type>()?;
    if precision > DECIMAL64_MAX_PRECISION {
        return None;
    }
    let mut all_fit = true;
    let mut short = Vec::with_capacity(wide.len());
    short.extend(wide.values().iter().map(|value| {
        let narrow = *value as i64;
        all_fit &= i128::from(narrow) == *value;
        narrow
    }));
    if !all_fit {
        return None;
    }
    let values = ScalarBuffer::from(short);
    let narrow = Decimal64Array::new(values, wide.nulls().cloned());
    Some(Arc::new(
        narrow.with_data_type(DataType::Decimal64(precision, scale)),
    ))
}

/// Strings as places among the different ones, if these are few. Different ones are told by their views, of which equal ones are
/// equal strings.
fn coded(strings: &StringViewArray) -> Option<ArrayRef> {
    const SLOTS: usize = 2 * DISTINCT;
    if strings.len() < ROWS {
        return None;
    }
    let mut slots: Vec<(u128, Option<u8>)> = vec![(0, None); SLOTS];
    let mut firsts: Vec<u32> = Vec::with_capacity(DISTINCT);
    let mut codes: Vec<u8> = Vec::with_capacity(strings.len());
    let nulls = strings.nulls();
    for (row, view) in strings.views().iter().enumerate() {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            codes.push(0);
            continue;
        }
        let mixed = (*view as u64 ^ (*view >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = (mixed >> 48) as usize;
        let code = loop {
            // Half of the slots are empty at least.
            let slot = slots.get_mut(at % SLOTS)?;
            match slot {
                (known, Some(code)) if known == view => break *code,
                (_, Some(_)) => at += 1,
                (_, None) => {
                    let code = u8::try_from(firsts.len()).ok()?;
                    firsts.push(u32::try_from(row).ok()?);
                    *slot = (*view, Some(code));
                    break code;
                }
            }
        };
        codes.push(code);
    }
    if firsts.is_empty() {
        return None;
    }
    let distinct = arrow_select::take::take(strings, &UInt32Array::from(firsts), None).ok()?;
    let distinct: ArrayRef = Arc::new(distinct.as_string_view_opt()?.gc());
    let codes = UInt8Array::new(codes.into(), nulls.cloned());
    let coded = DictionaryArray::try_new(codes, distinct).ok()?;
    Some(Arc::new(coded))
}

/// An array of a column in the column's own type, if [`Segment::column`](crate::Segment::column) gave it in fewer bits.
///
/// # Errors
/// Damaged if codes name no strings.
pub fn widen(array: &ArrayRef) -> Result<ArrayRef> {
    if let Some(narrow) = array.as_primitive_opt::<Decimal64Type>() {
        let values = narrow.values().iter().map(|value| i128::from(*value));
        let values: Vec<i128> = values.collect();
        let wide = Decimal128Array::new(values.into(), narrow.nulls().cloned());
        return Ok(Arc::new(wide.with_data_type(wide_type(array.data_type()))));
    }
    match array.as_dictionary_opt::<UInt8Type>() {
        Some(coded) => Ok(arrow_select::take::take(
            coded.values(),
            coded.keys(),
            None,
        )?),
        None => Ok(Arc::clone(array)),
    }
}

/// The type that [`widen`] makes of arrays of `ty`.
#[must_use]
pub fn wide_type(ty: &DataType) -> DataType {
    match ty {
        DataType::Decimal64(precision, scale) => DataType::Decimal128(*precision, *scale),
        DataType::Dictionary(_, strings) => DataType::clone(strings),
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
        assert_eq!(&widen(&short).unwrap(), &array);
        assert_eq!(wide_type(short.data_type()), *array.data_type());
        for kept in [
            wide(19, vec![Some(1)]),
            wide(15, vec![Some(1), Some(i128::MAX)]),
        ] {
            assert_eq!(narrow(Arc::clone(&kept)).data_type(), kept.data_type());
            assert_eq!(&widen(&kept).unwrap(), &kept);
        }
    }

    #[test]
    fn few_strings_are_coded_and_come_back() {
        let strings = |distinct: usize, rows: usize, nulls: bool| -> ArrayRef {
            let text = |row: usize| match row % distinct {
                at if at % 2 == 0 => format!("{at}"),
                at => format!("a string of more than twelve bytes {at}"),
            };
            let texts: Vec<String> = (0..distinct).map(text).collect();
            // Equal strings lie in one place, as those that were decoded from a dictionary do.
            let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts));
            let places = (0..rows).map(|row| {
                (!(nulls && row % 7 == 3)).then(|| u32::try_from(row * 31 % distinct).unwrap())
            });
            arrow_select::take::take(&texts, &places.collect::<UInt32Array>(), None).unwrap()
        };
        for (distinct, nulls) in [(1, false), (5, true), (256, false), (256, true)] {
            let array = strings(distinct, 5000, nulls);
            let coded = narrow(Arc::clone(&array));
            assert_eq!(wide_type(coded.data_type()), DataType::Utf8View);
            assert!(
                coded.as_dictionary_opt::<UInt8Type>().is_some(),
                "{distinct}"
            );
            assert_eq!(&widen(&coded).unwrap(), &array);
            let (part, wanted) = (coded.slice(77, 900), array.slice(77, 900));
            assert_eq!(&widen(&part).unwrap(), &wanted);
        }
        for (distinct, rows) in [(257, 5000), (5, 100)] {
            let array = strings(distinct, rows, true);
            assert_eq!(*narrow(array).data_type(), DataType::Utf8View);
        }
        let nothing: ArrayRef = Arc::new(StringViewArray::new_null(5000));
        assert_eq!(&widen(&narrow(Arc::clone(&nothing))).unwrap(), &nothing);
    }
}
