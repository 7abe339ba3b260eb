//! Values at the edges of every type.

use helios_base::{ArrayValue, DataType, Interval, Numeric, TextContext, Value};

/// Types that columns of tests have.
pub fn types() -> Vec<DataType> {
    use DataType::{
        Array, Bool, Bytea, Char, Date, Float4, Float8, Int2, Int4, Int8, Json, Jsonb, Name, Oid,
        Text, Time, Timestamp, TimestampTz, Uuid, Varchar,
    };
    vec![
        Bool,
        Int2,
        Int4,
        Int8,
        Float4,
        Float8,
        DataType::Numeric(None),
        DataType::Numeric(Some((12, 2))),
        Text,
        Varchar(None),
        Char(Some(4)),
        Name,
        Bytea,
        Date,
        Time(None),
        Timestamp(None),
        TimestampTz(None),
        DataType::Interval(None),
        DataType::TimeTz(None),
        DataType::VarBit(None),
        DataType::Inet,
        DataType::MacAddr,
        Uuid,
        Json,
        Jsonb,
        Oid,
        Array(Box::new(Int4)),
        Array(Box::new(Text)),
    ]
}

/// Interesting values of a type, `NULL` first.
pub fn values(ty: &DataType) -> Vec<Value> {
    let texts = |texts: &[&str]| -> Vec<Value> {
        texts
            .iter()
            .filter_map(|text| Value::parse(text, ty, &TextContext::default()).ok())
            .collect()
    };
    let mut values = vec![Value::Null];
    values.extend(match ty {
        DataType::Bool => vec![Value::Bool(false), Value::Bool(true)],
        DataType::Int2 => [i16::MIN, -7, -1, 0, 1, 2, 100, i16::MAX]
            .map(Value::Int2)
            .into(),
        DataType::Int4 => [i32::MIN, -7, -1, 0, 1, 2, 3, 40_000, i32::MAX]
            .map(Value::Int4)
            .into(),
        DataType::Int8 => [i64::MIN, -7, -1, 0, 1, 2, 5_000_000_000, i64::MAX]
            .map(Value::Int8)
            .into(),
        DataType::Oid => [0, 1, 23, u32::MAX].map(Value::Oid).into(),
        DataType::Float4 => [
            f32::NEG_INFINITY,
            f32::MIN,
            -1.5,
            -0.0,
            0.0,
            f32::MIN_POSITIVE,
            0.1,
            2.0,
            f32::MAX,
            f32::INFINITY,
            f32::NAN,
        ]
        .map(Value::Float4)
        .into(),
        DataType::Float8 => [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.5,
            -0.0,
            0.0,
            f64::MIN_POSITIVE,
            0.1,
            2.0,
            f64::MAX,
            f64::INFINITY,
            f64::NAN,
            -f64::NAN,
        ]
        .map(Value::Float8)
        .into(),
        DataType::Numeric(None) => [
            "-1e30",
            "-2.50",
            "-1",
            "0",
            "0.00",
            "1",
            "1.0",
            "1.00",
            "2.5",
            "3.14159265358979323846264338327950288419716939937510",
            "1e40",
            "NaN",
            "Infinity",
            "-Infinity",
        ]
        .iter()
        .filter_map(|text| Numeric::parse(text).ok())
        .map(Value::Numeric)
        .collect(),
        DataType::Numeric(Some((precision, scale))) => {
            let scale = scale.unsigned_abs();
            let mut all: Vec<Value> = [
                1 - 10i64.pow(u32::from(*precision)),
                -250,
                -1,
                0,
                100,
                101,
                250,
            ]
            .map(|n| Value::Numeric(Numeric::new(n, scale)))
            .into();
            all.push(Value::Numeric(Numeric::NAN));
            all
        }
        DataType::Text | DataType::Varchar(_) | DataType::Name | DataType::Unknown => texts(&[
            "",
            "a",
            "A",
            "ab ",
            "abc",
            "é",
            "日本",
            "%",
            "_b%",
            "12",
            "-3.5",
            "true",
            "2024-02-29",
            "{1,2}",
            "\\",
            "a text that is longer than twelve bytes",
        ]),
        DataType::Char(_) => ["a   ", "ab  ", "abcd", "    "].map(Value::from).into(),
        DataType::Bytea => texts(&["", "\\x00", "\\x00ff", "\\xdeadbeefdeadbeefdeadbeef00"]),
        DataType::Date => {
            let mut all = texts(&["1970-01-01", "2000-02-29", "1999-12-31", "0044-03-15 BC"]);
            all.extend([Value::Date(i32::MAX), Value::Date(i32::MIN)]);
            all
        }
        DataType::Time(_) => texts(&["00:00:00", "12:34:56.789012", "24:00:00"]),
        DataType::Timestamp(_) => {
            let mut all = texts(&[
                "1970-01-01 00:00:00",
                "2024-02-29 12:34:56.789",
                "1999-12-31",
            ]);
            all.extend([Value::Timestamp(i64::MAX), Value::Timestamp(i64::MIN)]);
            all
        }
        DataType::TimestampTz(_) => {
            let mut all = texts(&["1970-01-01 00:00:00+00", "2024-02-29 12:34:56.789+02"]);
            all.extend([Value::TimestampTz(i64::MAX), Value::TimestampTz(i64::MIN)]);
            all
        }
        DataType::Interval(_) => [
            (0, 0, 0),
            (1, 0, 0),
            (0, 30, 0),
            (0, 0, 2_592_000_000_000),
            (-13, 5, -1),
            (0, 0, i64::MAX),
        ]
        .map(|(months, days, micros)| {
            Value::from(Interval {
                months,
                days,
                micros,
            })
        })
        .into(),
        DataType::TimeTz(_) => texts(&[
            "00:00+00",
            "12:00+02",
            "10:00+00",
            "24:00-15:59",
            "01:02:03.000004-08",
        ]),
        DataType::Bit(_) | DataType::VarBit(_) => texts(&["", "0", "00", "1", "101", "111111111"]),
        DataType::Inet => texts(&["10.0.0.1", "10.0.0.1/8", "10.0.0.0/8", "::1", "::/0"]),
        DataType::Cidr => texts(&["10.0.0.0/8", "10.0.0.0/16", "::/0"]),
        DataType::MacAddr => texts(&["00:00:00:00:00:00", "08:00:2b:01:02:03"]),
        DataType::JsonPath => texts(&["$", "$.a"]),
        DataType::Uuid => texts(&[
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ]),
        DataType::Json | DataType::Jsonb => texts(&[
            "null",
            "1",
            "1.0",
            "\"a\"",
            "[1, 2.50, null]",
            "{\"b\": 1, \"a\": [true]}",
        ]),
        DataType::Array(element) => {
            let items = self::values(element);
            let some = |from: usize, count: usize| {
                let items = items.iter().skip(from).take(count).cloned().collect();
                Value::from(ArrayValue::one_dimensional(items))
            };
            vec![some(0, 0), some(1, 1), some(0, 3), some(2, 2)]
        }
        DataType::Multirange(_) => texts(&["{}", "{(,)}", "{[1,5)}", "{[2020-01-01,2021-01-01)}"]),
        DataType::Range(_) => texts(&["empty", "(,)", "[1,5)", "[2020-01-01,2021-01-01)"]),
        DataType::Record
        | DataType::Void
        | DataType::Reg(_)
        | DataType::CharByte
        | DataType::Xid
        | DataType::Int2Vector
        | DataType::OidVector
        | DataType::Vector(..)
        | DataType::User(_) => Vec::new(),
    });
    values
}
