//! Columns in fewer bits than their type has: less memory for who keeps them, and a shorter way for who compares and
//! copies them.
//!
//! - Decimals of up to 18 digits, which take 128 bits in arrays, in 32 or 64. Their type keeps its precision, also where Arrow
//!   knows none so great in so few bits.
//! - Strings of which there are few different ones as bytes that name these: what asks something of the strings asks it of
//!   each once.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal32Type, Decimal64Type, Decimal128Type, UInt8Type};
use arrow_array::{
    Array, ArrayRef, Decimal32Array, Decimal64Array, Decimal128Array, DictionaryArray,
    StringViewArray, UInt8Array, UInt32Array,
};
use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use arrow_schema::{DECIMAL64_MAX_PRECISION, DataType};

use crate::error::Result;

/// Different strings, at most, of an array that is coded.
pub(crate) const DISTINCT: usize = 256;

/// Arrays of fewer strings are not worth coding.
pub(crate) const ROWS: usize = 4 * DISTINCT;

/// The array in fewer bits, if it can be.
pub(crate) fn narrow(array: ArrayRef) -> ArrayRef {
    let narrow = match array.data_type() {
        DataType::Decimal128(..) => short(&array),
        DataType::Utf8View => array.as_string_view_opt().and_then(coded),
        _ => None,
    };
    narrow.unwrap_or(array)
}

/// Decimals in 32 or 64 bits, if no value is beyond (as the one that stands for `NaN`).
fn short(array: &ArrayRef) -> Option<ArrayRef> {
    let DataType::Decimal128(precision, scale) = *array.data_type() else {
        return None;
    };
    let wide = array.as_primitive_opt::<Decimal128Type>()?;
    if precision > DECIMAL64_MAX_PRECISION {
        return None;
    }
    if let Some(values) = all_in(wide.values(), |value| value as i32) {
        let narrow = Decimal32Array::new(values, wide.nulls().cloned());
        let ty = DataType::Decimal32(precision, scale);
        return Some(Arc::new(narrow.with_data_type(ty)));
    }
    let values = all_in(wide.values(), |value| value as i64)?;
    let narrow = Decimal64Array::new(values, wide.nulls().cloned());
    let ty = DataType::Decimal64(precision, scale);
    Some(Arc::new(narrow.with_data_type(ty)))
}

/// Numbers in fewer bits, which `cut` cuts off; `None` if some need more.
fn all_in<T: ArrowNativeType + Into<i128>>(
    values: &[i128],
    cut: impl Fn(i128) -> T,
) -> Option<ScalarBuffer<T>> {
    let mut all_fit = true;
    let mut short = Vec::with_capacity(values.len());
    short.extend(values.iter().map(|value| {
        let narrow = cut(*value);
        all_fit &= narrow.into() == *value;
        narrow
    }));
    all_fit.then(|| short.into())
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
    fn wide<T: Copy + Into<i128>>(values: &[T]) -> ScalarBuffer<i128> {
        let values: Vec<i128> = values.iter().map(|value| (*value).into()).collect();
        values.into()
    }
    let decimals = match array.data_type() {
        DataType::Decimal32(..) => {
            (array.as_primitive_opt::<Decimal32Type>()).map(|a| wide(a.values()))
        }
        DataType::Decimal64(..) => {
            (array.as_primitive_opt::<Decimal64Type>()).map(|a| wide(a.values()))
        }
        _ => None,
    };
    if let Some(values) = decimals {
        let wide = Decimal128Array::try_new(values, array.nulls().cloned())?;
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
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
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
        let at_most = |value: i128| wide(18, vec![Some(-value), None, Some(0), Some(value)]);
        for (array, ty) in [
            (at_most(largest), DataType::Decimal64(18, 2)),
            (at_most(1 << 31), DataType::Decimal64(18, 2)),
            (at_most((1 << 31) - 1), DataType::Decimal32(18, 2)),
        ] {
            let short = narrow(Arc::clone(&array));
            assert_eq!(*short.data_type(), ty);
            assert_eq!(&widen(&short).unwrap(), &array);
            assert_eq!(wide_type(short.data_type()), *array.data_type());
        }
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
