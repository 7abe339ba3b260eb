//! Random columns of every type that segments hold, and a key encoder.

use std::sync::Arc;

use arrow_array::builder::{
    FixedSizeBinaryBuilder, FixedSizeListBuilder, Float32Builder, Int32Builder, ListBuilder,
    StringBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, *};
use arrow_array::*;
use arrow_buffer::{IntervalMonthDayNano, i256};
use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};
use fastrand::Rng;
use helios_segment::{Column, KeyEncoder, MemorySource, Result, Segment, SegmentSchema};

/// Every type that SQL types lie in, and those that exports use.
pub fn types() -> Vec<DataType> {
    vec![
        DataType::Boolean,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(12, 2),
        DataType::Decimal128(38, 0),
        DataType::Decimal256(60, 5),
        DataType::Utf8View,
        DataType::Utf8,
        DataType::BinaryView,
        DataType::Binary,
        DataType::Date32,
        DataType::Time64(TimeUnit::Microsecond),
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::FixedSizeBinary(16),
        DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::List(Arc::new(Field::new("item", DataType::Int32, true))),
        DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
        DataType::FixedSizeList(Arc::new(Field::new("item", DataType::Float32, true)), 4),
        DataType::Null,
        DataType::Int8,
        DataType::UInt8,
        DataType::UInt16,
        DataType::Float16,
        DataType::Date64,
        DataType::Time32(TimeUnit::Second),
        DataType::Duration(TimeUnit::Nanosecond),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::LargeUtf8,
        DataType::LargeBinary,
        DataType::Interval(IntervalUnit::DayTime),
        DataType::Interval(IntervalUnit::YearMonth),
    ]
}

/// How the values of a column are distributed.
#[derive(Clone, Copy, Debug)]
pub enum Spread {
    Constant,
    Few,
    Ascending,
    Small,
    Any,
}

pub fn spread(rng: &mut Rng) -> Spread {
    [
        Spread::Constant,
        Spread::Few,
        Spread::Ascending,
        Spread::Small,
        Spread::Any,
    ][rng.usize(0..5)]
}

/// Numbers of a spread.
fn numbers(rng: &mut Rng, rows: usize, spread: Spread) -> Vec<i64> {
    let base = rng.i64(..);
    let mut last = rng.i64(-1_000_000..1_000_000);
    (0..rows)
        .map(|_| match spread {
            Spread::Constant => base,
            Spread::Few => base.wrapping_add(rng.i64(0..12) * 7919),
            Spread::Ascending => {
                last += rng.i64(0..50);
                last
            }
            Spread::Small => rng.i64(-500..500),
            Spread::Any => match rng.u8(..) {
                0 => i64::MAX,
                1 => i64::MIN,
                2 => 0,
                _ => rng.i64(..),
            },
        })
        .collect()
}

fn text(number: i64) -> String {
    match number.rem_euclid(5) {
        0 => String::new(),
        1 => format!("https://example.org/{number}/Ünïcode"),
        2 => "x".repeat(number.rem_euclid(70) as usize),
        _ => number.to_string(),
    }
}

/// A random array; one value in `1 / nulls` is null.
pub fn array(rng: &mut Rng, ty: &DataType, rows: usize, spread: Spread, nulls: f64) -> ArrayRef {
    let numbers = numbers(rng, rows, spread);
    let valid: Vec<bool> = (0..rows).map(|_| rng.f64() >= nulls).collect();
    let values = || {
        numbers
            .iter()
            .zip(&valid)
            .map(|(number, valid)| valid.then_some(*number))
    };
    macro_rules! ints {
        ($kind:ty) => {
            Arc::new(
                values()
                    .map(|v| v.map(|v| v as _))
                    .collect::<PrimitiveArray<$kind>>(),
            )
        };
    }
    let float = |v: i64| match v.rem_euclid(101) {
        0 => f64::NAN,
        1 => -0.0,
        2 => f64::INFINITY,
        n if n < 60 => (v % 1_000_000) as f64 / 100.0,
        _ => f64::from_bits(v as u64),
    };
    let limit = 10i128.pow(11);
    match ty {
        DataType::Null => Arc::new(NullArray::new(rows)),
        DataType::Boolean => Arc::new(
            values()
                .map(|v| v.map(|v| v % 2 == 0))
                .collect::<BooleanArray>(),
        ),
        DataType::Int8 => ints!(Int8Type),
        DataType::Int16 => ints!(Int16Type),
        DataType::Int32 => ints!(Int32Type),
        DataType::Int64 => ints!(Int64Type),
        DataType::UInt8 => ints!(UInt8Type),
        DataType::UInt16 => ints!(UInt16Type),
        DataType::UInt32 => ints!(UInt32Type),
        DataType::UInt64 => ints!(UInt64Type),
        DataType::Date32 => ints!(Date32Type),
        DataType::Date64 => ints!(Date64Type),
        DataType::Time32(_) => ints!(Time32SecondType),
        DataType::Time64(_) => ints!(Time64MicrosecondType),
        DataType::Duration(_) => ints!(DurationNanosecondType),
        DataType::Interval(IntervalUnit::YearMonth) => ints!(IntervalYearMonthType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => ints!(TimestampNanosecondType),
        DataType::Timestamp(_, zone) => Arc::new(
            values()
                .collect::<TimestampMicrosecondArray>()
                .with_timezone_opt(zone.clone()),
        ),
        DataType::Float16 => Arc::new(
            values()
                .map(|v| v.map(|v| half::f16::from_f64(float(v))))
                .collect::<Float16Array>(),
        ),
        DataType::Float32 => Arc::new(
            values()
                .map(|v| v.map(|v| float(v) as f32))
                .collect::<Float32Array>(),
        ),
        DataType::Float64 => Arc::new(values().map(|v| v.map(float)).collect::<Float64Array>()),
        DataType::Decimal128(precision, scale) => {
            let wide = *precision > 18;
            let value = |v: i64| match v.rem_euclid(37) {
                // How `NaN` is carried.
                0 => i128::MAX,
                _ if wide => i128::from(v) * 1_000_003,
                _ => i128::from(v) % limit,
            };
            let array = values().map(|v| v.map(value)).collect::<Decimal128Array>();
            Arc::new(array.with_data_type(DataType::Decimal128(*precision, *scale)))
        }
        DataType::Decimal256(precision, scale) => {
            let value =
                |v: i64| i256::from_i128(i128::from(v)).wrapping_mul(i256::from_i128(1 << 90));
            let array = values().map(|v| v.map(value)).collect::<Decimal256Array>();
            Arc::new(array.with_data_type(DataType::Decimal256(*precision, *scale)))
        }
        DataType::Utf8 => Arc::new(values().map(|v| v.map(text)).collect::<StringArray>()),
        DataType::LargeUtf8 => {
            Arc::new(values().map(|v| v.map(text)).collect::<LargeStringArray>())
        }
        DataType::Utf8View => Arc::new(values().map(|v| v.map(text)).collect::<StringViewArray>()),
        DataType::Binary => Arc::new(
            values()
                .map(|v| v.map(|v| text(v).into_bytes()))
                .collect::<BinaryArray>(),
        ),
        DataType::LargeBinary => Arc::new(
            values()
                .map(|v| v.map(|v| text(v).into_bytes()))
                .collect::<LargeBinaryArray>(),
        ),
        DataType::BinaryView => Arc::new(
            values()
                .map(|v| v.map(|v| text(v).into_bytes()))
                .collect::<BinaryViewArray>(),
        ),
        DataType::FixedSizeBinary(width) => {
            let mut builder = FixedSizeBinaryBuilder::new(*width);
            for value in values() {
                match value {
                    None => builder.append_null(),
                    Some(v) => {
                        let bytes =
                            (v as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_1234_5678_9abc_def1);
                        builder.append_value(bytes.to_be_bytes()).expect("16 bytes");
                    }
                }
            }
            Arc::new(builder.finish())
        }
        DataType::Interval(IntervalUnit::DayTime) => Arc::new(
            values()
                .map(|v| v.map(|v| IntervalDayTimeType::make_value(v as i32, (v >> 32) as i32)))
                .collect::<IntervalDayTimeArray>(),
        ),
        DataType::Interval(IntervalUnit::MonthDayNano) => Arc::new(
            values()
                .map(|v| v.map(|v| IntervalMonthDayNano::new(v as i32, (v >> 40) as i32, v)))
                .collect::<IntervalMonthDayNanoArray>(),
        ),
        DataType::List(item) if *item.data_type() == DataType::Int32 => {
            let mut builder = ListBuilder::new(Int32Builder::new());
            for value in values() {
                for place in 0..value.unwrap_or(0).rem_euclid(4) {
                    builder
                        .values()
                        .append_option((place != 2).then_some(place as i32));
                }
                builder.append(value.is_some());
            }
            Arc::new(builder.finish())
        }
        DataType::List(_) => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            for value in values() {
                for place in 0..value.unwrap_or(0).rem_euclid(3) {
                    builder
                        .values()
                        .append_option((place != 1).then(|| text(place * 7)));
                }
                builder.append(value.is_some());
            }
            Arc::new(builder.finish())
        }
        DataType::FixedSizeList(_, length) => {
            let mut builder = FixedSizeListBuilder::new(Float32Builder::new(), *length);
            for value in values() {
                for place in 0..*length {
                    builder
                        .values()
                        .append_value(place as f32 + value.unwrap_or(0) as f32);
                }
                builder.append(value.is_some());
            }
            Arc::new(builder.finish())
        }
        other => unreachable!("no random arrays of {other}"),
    }
}

/// Equal, comparing floats by bits and lists by what they show.
pub fn assert_same(left: &ArrayRef, right: &ArrayRef, what: &str) {
    assert_eq!(left.data_type(), right.data_type(), "{what}: type");
    assert_eq!(left.len(), right.len(), "{what}: length");
    let bits = |array: &ArrayRef| -> ArrayRef {
        let target = match array.data_type() {
            DataType::Float16 => DataType::UInt16,
            DataType::Float32 => DataType::UInt32,
            DataType::Float64 => DataType::UInt64,
            _ => return array.clone(),
        };
        make_array(
            array
                .to_data()
                .into_builder()
                .data_type(target)
                .build()
                .expect("same layout"),
        )
    };
    let (left, right) = (bits(left), bits(right));
    if left.to_data() != right.to_data() {
        for row in 0..left.len() {
            assert_eq!(
                left.slice(row, 1).to_data(),
                right.slice(row, 1).to_data(),
                "{what}: row {row}"
            );
        }
    }
}

/// Keys of one `Int64` column without nulls, or of one text column.
#[derive(Debug)]
pub struct TestKeys;

impl KeyEncoder for TestKeys {
    fn keys(&self, columns: &[ArrayRef]) -> Result<BinaryArray> {
        let array = &columns[0];
        Ok(match array.data_type() {
            DataType::Int64 => array
                .as_primitive::<Int64Type>()
                .values()
                .iter()
                .map(|value| Some(int_key(*value)))
                .collect(),
            _ => array
                .as_string_view()
                .iter()
                .map(|value| value.map(str::as_bytes))
                .collect(),
        })
    }
}

pub fn int_key(value: i64) -> [u8; 8] {
    (value as u64 ^ (1 << 63)).to_be_bytes()
}

pub fn schema(types: &[DataType], key: Vec<usize>) -> SegmentSchema {
    let column = |(place, ty): (usize, &DataType)| Column {
        id: place as u32 + 1,
        ty: ty.clone(),
    };
    SegmentSchema::new(7, types.iter().enumerate().map(column).collect(), key).expect("sound")
}

pub fn open(bytes: Vec<u8>) -> Result<Segment> {
    Segment::open(Arc::new(MemorySource::new(bytes)), "test/1.seg")
}
