//! Arrow types as bytes.
//!
//! | code | type              | then                                   |
//! |-----:|-------------------|----------------------------------------|
//! |    0 | `Null`            |                                        |
//! |    1 | `Boolean`         |                                        |
//! | 2…5  | `Int8` … `Int64`  |                                        |
//! | 6…9  | `UInt8` … `UInt64`|                                        |
//! |10…12 | `Float16` … `64`  |                                        |
//! |   13 | `Utf8`            |                                        |
//! |   14 | `LargeUtf8`       |                                        |
//! |   15 | `Utf8View`        |                                        |
//! |   16 | `Binary`          |                                        |
//! |   17 | `LargeBinary`     |                                        |
//! |   18 | `BinaryView`      |                                        |
//! |   19 | `FixedSizeBinary` | width (4)                              |
//! |   20 | `Date32`          |                                        |
//! |   21 | `Date64`          |                                        |
//! |   22 | `Time32`          | unit (1)                               |
//! |   23 | `Time64`          | unit (1)                               |
//! |   24 | `Timestamp`       | unit (1), zone (bytes; empty: none)    |
//! |   25 | `Duration`        | unit (1)                               |
//! |   26 | `Interval`        | unit (1)                               |
//! |   27 | `Decimal128`      | precision (1), scale (1)               |
//! |   28 | `Decimal256`      | precision (1), scale (1)               |
//! |   29 | `List`            | element field                          |
//! |   30 | `FixedSizeList`   | length (4), element field              |
//! |   31 | `Struct`          | number of fields (varint), fields      |
//!
//! A field is its name (bytes), nullable (1), type. Units: 0 s, 1 ms, 2 µs, 3 ns; intervals: 0
//! year-month, 1 day-time, 2 month-day-nano.

use std::sync::Arc;

use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};

use super::bytes::{In, Out};
use crate::error::{Error, Result};

/// Deeper nesting is refused: a damaged footer must not exhaust the stack.
const MAX_DEPTH: usize = 16;

/// Types without parameters, by code.
const PLAIN: [(u8, DataType); 21] = [
    (0, DataType::Null),
    (1, DataType::Boolean),
    (2, DataType::Int8),
    (3, DataType::Int16),
    (4, DataType::Int32),
    (5, DataType::Int64),
    (6, DataType::UInt8),
    (7, DataType::UInt16),
    (8, DataType::UInt32),
    (9, DataType::UInt64),
    (10, DataType::Float16),
    (11, DataType::Float32),
    (12, DataType::Float64),
    (13, DataType::Utf8),
    (14, DataType::LargeUtf8),
    (15, DataType::Utf8View),
    (16, DataType::Binary),
    (17, DataType::LargeBinary),
    (18, DataType::BinaryView),
    (20, DataType::Date32),
    (21, DataType::Date64),
];

/// Appends `ty`.
///
/// # Errors
/// Unsupported for types that segments do not hold.
pub(crate) fn put_type(out: &mut Out, ty: &DataType) -> Result<()> {
    if let Some((code, _)) = PLAIN.iter().find(|(_, plain)| plain == ty) {
        out.u8(*code);
        return Ok(());
    }
    match ty {
        DataType::FixedSizeBinary(width) => {
            out.u8(19);
            out.u32(width.unsigned_abs());
        }
        DataType::Time32(unit) => put_unit(out, 22, *unit),
        DataType::Time64(unit) => put_unit(out, 23, *unit),
        DataType::Timestamp(unit, zone) => {
            put_unit(out, 24, *unit);
            out.bytes(zone.as_deref().unwrap_or_default().as_bytes());
        }
        DataType::Duration(unit) => put_unit(out, 25, *unit),
        DataType::Interval(unit) => {
            out.u8(26);
            out.u8(match unit {
                IntervalUnit::YearMonth => 0,
                IntervalUnit::DayTime => 1,
                IntervalUnit::MonthDayNano => 2,
            });
        }
        DataType::Decimal128(precision, scale) => put_decimal(out, 27, *precision, *scale),
        DataType::Decimal256(precision, scale) => put_decimal(out, 28, *precision, *scale),
        DataType::List(field) => {
            out.u8(29);
            put_field(out, field)?;
        }
        DataType::FixedSizeList(field, length) => {
            out.u8(30);
            out.u32(length.unsigned_abs());
            put_field(out, field)?;
        }
        DataType::Struct(fields) => {
            out.u8(31);
            out.varint(fields.len() as u64);
            for field in fields {
                put_field(out, field)?;
            }
        }
        other => {
            return Err(Error::unsupported(format!(
                "segments do not hold columns of Arrow type {other}"
            )));
        }
    }
    Ok(())
}

fn put_unit(out: &mut Out, code: u8, unit: TimeUnit) {
    out.u8(code);
    out.u8(match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    });
}

fn put_decimal(out: &mut Out, code: u8, precision: u8, scale: i8) {
    out.u8(code);
    out.u8(precision);
    out.u8(scale.to_le_bytes()[0]);
}

fn put_field(out: &mut Out, field: &Field) -> Result<()> {
    out.bytes(field.name().as_bytes());
    out.u8(u8::from(field.is_nullable()));
    put_type(out, field.data_type())
}

/// Reads what [`put_type`] wrote.
///
/// # Errors
/// Damaged.
pub(crate) fn get_type(input: &mut In<'_>) -> Result<DataType> {
    get_at(input, 0)
}

fn get_at(input: &mut In<'_>, depth: usize) -> Result<DataType> {
    if depth > MAX_DEPTH {
        return Err(Error::damaged("type nested too deeply"));
    }
    let code = input.u8()?;
    if let Some((_, plain)) = PLAIN.iter().find(|(other, _)| *other == code) {
        return Ok(plain.clone());
    }
    Ok(match code {
        19 => DataType::FixedSizeBinary(get_length(input)?),
        22 => DataType::Time32(get_unit(input)?),
        23 => DataType::Time64(get_unit(input)?),
        24 => {
            let unit = get_unit(input)?;
            let zone = input.text()?;
            DataType::Timestamp(unit, (!zone.is_empty()).then(|| zone.into()))
        }
        25 => DataType::Duration(get_unit(input)?),
        26 => DataType::Interval(match input.u8()? {
            0 => IntervalUnit::YearMonth,
            1 => IntervalUnit::DayTime,
            2 => IntervalUnit::MonthDayNano,
            other => return Err(Error::damaged(format!("interval unit {other}"))),
        }),
        27 => {
            let (precision, scale) = get_decimal(input, 38)?;
            DataType::Decimal128(precision, scale)
        }
        28 => {
            let (precision, scale) = get_decimal(input, 76)?;
            DataType::Decimal256(precision, scale)
        }
        29 => DataType::List(Arc::new(get_field(input, depth)?)),
        30 => {
            let length = get_length(input)?;
            DataType::FixedSizeList(Arc::new(get_field(input, depth)?), length)
        }
        31 => {
            let count = input.count(3)?;
            let fields = (0..count)
                .map(|_| get_field(input, depth))
                .collect::<Result<Vec<_>>>()?;
            DataType::Struct(fields.into())
        }
        other => return Err(Error::too_new(format!("column type {other} is not known"))),
    })
}

fn get_length(input: &mut In<'_>) -> Result<i32> {
    i32::try_from(input.u32()?).map_err(|_| Error::damaged("length of a type beyond 2^31"))
}

fn get_unit(input: &mut In<'_>) -> Result<TimeUnit> {
    Ok(match input.u8()? {
        0 => TimeUnit::Second,
        1 => TimeUnit::Millisecond,
        2 => TimeUnit::Microsecond,
        3 => TimeUnit::Nanosecond,
        other => return Err(Error::damaged(format!("time unit {other}"))),
    })
}

fn get_decimal(input: &mut In<'_>, limit: u8) -> Result<(u8, i8)> {
    let precision = input.u8()?;
    let scale = i8::from_le_bytes([input.u8()?]);
    if precision == 0 || precision > limit || scale.unsigned_abs() > limit {
        return Err(Error::damaged(format!("decimal({precision}, {scale})")));
    }
    Ok((precision, scale))
}

fn get_field(input: &mut In<'_>, depth: usize) -> Result<Field> {
    let name = input.text()?.to_owned();
    let nullable = input.u8()? != 0;
    Ok(Field::new(name, get_at(input, depth + 1)?, nullable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_round_trips() {
        let mut types: Vec<DataType> = PLAIN.iter().map(|(_, ty)| ty.clone()).collect();
        let item = |ty: DataType| Arc::new(Field::new("item", ty, true));
        types.extend([
            DataType::FixedSizeBinary(16),
            DataType::Time32(TimeUnit::Second),
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            DataType::Duration(TimeUnit::Millisecond),
            DataType::Interval(IntervalUnit::MonthDayNano),
            DataType::Decimal128(38, -3),
            DataType::Decimal256(76, 10),
            DataType::List(item(DataType::Utf8View)),
            DataType::FixedSizeList(item(DataType::Float16), 384),
            DataType::Struct(vec![Field::new("a", DataType::Int64, false)].into()),
        ]);
        for ty in types {
            let mut out = Out::default();
            put_type(&mut out, &ty).expect("supported");
            let mut input = In::new(&out.0);
            assert_eq!(get_type(&mut input).expect("reads"), ty);
            input.end().expect("nothing follows");
        }
        let map = DataType::LargeListView(item(DataType::Null));
        assert!(put_type(&mut Out::default(), &map).is_err());
    }
}
