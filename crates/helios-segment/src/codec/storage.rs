//! The form in which arrays are stored.
//!
//! Vortex knows neither fixed-size binary nor intervals; dates and times it would wrap in extension
//! types. Leaves are therefore stored as plainer types of the same content:
//!
//! | Arrow type                             | stored as                          |
//! |----------------------------------------|------------------------------------|
//! | `Date32`, `Time32`                     | `Int32`                            |
//! | `Date64`, `Time64`, `Timestamp`, `Duration` | `Int64`                       |
//! | `Interval(YearMonth)`                  | `Int32`                            |
//! | `Interval(DayTime)`                    | `Binary` of 8 bytes (days, ms; LE) |
//! | `Interval(MonthDayNano)`               | `Binary` of 16 bytes (months, days, ns; LE) |
//! | `FixedSizeBinary(n)`                   | `Binary` of n bytes                |
//! | all others                             | themselves                         |
//!
//! Binary of one length costs nothing beyond the bytes: the offsets are an arithmetic sequence.

use std::sync::Arc;

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{IntervalDayTimeType, IntervalMonthDayNanoType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, FixedSizeBinaryArray, IntervalDayTimeArray,
    IntervalMonthDayNanoArray,
};
use arrow_buffer::{IntervalDayTime, IntervalMonthDayNano};
use arrow_schema::{DataType, IntervalUnit};

use crate::error::{Error, Result};

/// The stored type of `ty`; none if segments do not hold it.
pub(super) fn storage_type(ty: &DataType) -> Option<DataType> {
    Some(match ty {
        DataType::Date32 | DataType::Time32(_) | DataType::Interval(IntervalUnit::YearMonth) => {
            DataType::Int32
        }
        DataType::Date64
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Duration(_) => DataType::Int64,
        DataType::Interval(_) | DataType::FixedSizeBinary(_) => DataType::Binary,
        // Inside of nested types only what Vortex holds as it is.
        DataType::List(item) | DataType::FixedSizeList(item, _) => {
            let stored = storage_type(item.data_type())?;
            (stored == *item.data_type()).then(|| ty.clone())?
        }
        DataType::Struct(fields) => {
            let same = |ty: &DataType| storage_type(ty).is_some_and(|stored| stored == *ty);
            fields
                .iter()
                .all(|field| same(field.data_type()))
                .then(|| ty.clone())?
        }
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => ty.clone(),
        _ => return None,
    })
}

/// The error for types that have no stored form.
pub(super) fn unheld(ty: &DataType) -> Error {
    Error::unsupported(format!("segments do not hold arrays of type {ty}"))
}

/// The stored form of an array.
pub(super) fn to_storage(array: &ArrayRef) -> Result<ArrayRef> {
    let ty = array.data_type();
    let stored = storage_type(ty).ok_or_else(|| unheld(ty))?;
    if stored == *ty {
        return Ok(Arc::clone(array));
    }
    Ok(match ty {
        DataType::FixedSizeBinary(_) => {
            let values = array.as_fixed_size_binary();
            Arc::new(values.iter().collect::<BinaryArray>())
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let bytes = |value: IntervalDayTime| {
                let mut bytes = [0; 8];
                bytes[..4].copy_from_slice(&value.days.to_le_bytes());
                bytes[4..].copy_from_slice(&value.milliseconds.to_le_bytes());
                bytes
            };
            let values = array.as_primitive::<IntervalDayTimeType>();
            Arc::new(values.iter().map(|v| v.map(bytes)).collect::<BinaryArray>())
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let bytes = |value: IntervalMonthDayNano| {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&value.months.to_le_bytes());
                bytes[4..8].copy_from_slice(&value.days.to_le_bytes());
                bytes[8..].copy_from_slice(&value.nanoseconds.to_le_bytes());
                bytes
            };
            let values = array.as_primitive::<IntervalMonthDayNanoType>();
            Arc::new(values.iter().map(|v| v.map(bytes)).collect::<BinaryArray>())
        }
        _ => retype(array, stored)?,
    })
}

/// The array of type `ty` whose stored form is `array`.
pub(super) fn from_storage(array: ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    if array.data_type() == ty {
        return Ok(array);
    }
    Ok(match ty {
        DataType::FixedSizeBinary(width) => fixed(array.as_binary(), *width)?,
        DataType::Interval(IntervalUnit::DayTime) => {
            let value = |bytes: &[u8]| {
                let (days, rest) = bytes.split_first_chunk()?;
                let (millis, rest) = rest.split_first_chunk()?;
                rest.is_empty().then(|| IntervalDayTime {
                    days: i32::from_le_bytes(*days),
                    milliseconds: i32::from_le_bytes(*millis),
                })
            };
            let values = intervals(array.as_binary(), value)?;
            Arc::new(values.into_iter().collect::<IntervalDayTimeArray>())
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = |bytes: &[u8]| {
                let (months, rest) = bytes.split_first_chunk()?;
                let (days, rest) = rest.split_first_chunk()?;
                let (nanos, rest) = rest.split_first_chunk()?;
                rest.is_empty().then(|| IntervalMonthDayNano {
                    months: i32::from_le_bytes(*months),
                    days: i32::from_le_bytes(*days),
                    nanoseconds: i64::from_le_bytes(*nanos),
                })
            };
            let values = intervals(array.as_binary(), value)?;
            Arc::new(values.into_iter().collect::<IntervalMonthDayNanoArray>())
        }
        _ => retype(&array, ty.clone())?,
    })
}

/// The same buffers under a type of the same layout.
pub(super) fn retype(array: &ArrayRef, ty: DataType) -> Result<ArrayRef> {
    let data = array.to_data().into_builder().data_type(ty).build()?;
    Ok(arrow_array::make_array(data))
}

fn intervals<T>(array: &BinaryArray, value: impl Fn(&[u8]) -> Option<T>) -> Result<Vec<Option<T>>> {
    let one = |bytes: Option<&[u8]>| match bytes {
        None => Ok(None),
        Some(bytes) => value(bytes)
            .map(Some)
            .ok_or_else(|| Error::damaged(format!("interval of {} bytes", bytes.len()))),
    };
    array.iter().map(one).collect()
}

fn fixed(array: &BinaryArray, width: i32) -> Result<ArrayRef> {
    let size = usize::try_from(width).unwrap_or(0);
    let offsets = array.value_offsets();
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
        return Err(Error::damaged("binary array without offsets"));
    };
    let strided = offsets.array_windows().all(|[a, b]| b - a == width);
    if strided && array.null_count() == 0 && size > 0 {
        let (first, last) = (first.unsigned_abs() as usize, last.unsigned_abs() as usize);
        let values = array.values().slice_with_length(first, last - first);
        return Ok(Arc::new(FixedSizeBinaryArray::try_new(
            width, values, None,
        )?));
    }
    let mut builder = FixedSizeBinaryBuilder::with_capacity(array.len(), width);
    for value in array {
        match value {
            None => builder.append_null(),
            Some(bytes) if bytes.len() == size => builder.append_value(bytes)?,
            Some(bytes) => {
                return Err(Error::damaged(format!(
                    "value of {} bytes in a column of {width}",
                    bytes.len()
                )));
            }
        }
    }
    Ok(Arc::new(builder.finish()))
}
