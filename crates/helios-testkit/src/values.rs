//! Random values of every storable type, with the awkward ones more often than chance has them.

use helios_base::{
    ArrayValue, BitString, DataType, Inet, Interval, Json, Numeric, TimeTz, Value, VectorKind,
    VectorValue,
};

use crate::Rng;

/// Every type that a column of a table can have, except arrays.
#[must_use]
pub fn all_types() -> Vec<DataType> {
    vec![
        DataType::Bool,
        DataType::Int2,
        DataType::Int4,
        DataType::Int8,
        DataType::Float4,
        DataType::Float8,
        DataType::Numeric(None),
        DataType::Numeric(Some((20, 4))),
        DataType::Text,
        DataType::Varchar(Some(40)),
        DataType::Char(Some(6)),
        DataType::Name,
        DataType::Bytea,
        DataType::Date,
        DataType::Time(None),
        DataType::Timestamp(None),
        DataType::TimestampTz(None),
        DataType::Interval(None),
        DataType::Uuid,
        DataType::Json,
        DataType::Jsonb,
        DataType::Oid,
        DataType::TimeTz(None),
        DataType::Bit(Some(5)),
        DataType::VarBit(None),
        DataType::Inet,
        DataType::Cidr,
        DataType::MacAddr,
        DataType::Vector(VectorKind::Full, Some(3)),
        DataType::Vector(VectorKind::Half, None),
        DataType::Vector(VectorKind::Sparse, None),
    ]
}

/// A random value of `ty`, never `NULL` itself, though arrays may hold `NULL`.
///
/// # Panics
/// On types without storable values.
pub fn random_value(ty: &DataType, rng: &mut Rng) -> Value {
    match ty {
        DataType::Bool => rng.bool().into(),
        DataType::Int2 => (random_i64(rng) as i16).into(),
        DataType::Int4 => (random_i64(rng) as i32).into(),
        DataType::Int8 => random_i64(rng).into(),
        DataType::Float4 => (random_float(rng) as f32).into(),
        DataType::Float8 => random_float(rng).into(),
        DataType::Numeric(None) => random_numeric(rng).into(),
        DataType::Numeric(Some((precision, scale))) => loop {
            if let Ok(number) = random_numeric(rng).apply_modifier(*precision, *scale) {
                return number.into();
            }
        },
        DataType::Text | DataType::Name | DataType::Varchar(_) => rng.text(30).into(),
        DataType::Char(length) => {
            let length = length.unwrap_or(10) as usize;
            let text = rng.text(length);
            let missing = length - text.chars().count();
            (text + &" ".repeat(missing)).into()
        }
        DataType::Bytea => rng.bytes(30).into(),
        DataType::Date => Value::Date(random_i64(rng) as i32),
        DataType::Time(_) => Value::Time(rng.i64(0..=86_400_000_000)),
        DataType::Timestamp(_) => Value::Timestamp(random_i64(rng)),
        DataType::TimestampTz(_) => Value::TimestampTz(random_i64(rng)),
        DataType::Interval(_) => Interval::new(
            rng.i32(-3..3),
            rng.i32(-60..60),
            rng.i64(-2..2) * 86_400_000_000 + rng.i64(-1..1),
        )
        .into(),
        DataType::Uuid => rng.u128(..).to_be_bytes().into(),
        DataType::Json => random_json(rng, 3).to_string().into(),
        DataType::Jsonb => random_json(rng, 3).into(),
        DataType::Oid => Value::Oid(random_i64(rng) as u32),
        DataType::TimeTz(_) => Value::from(TimeTz {
            micros: rng.i64(0..=86_400_000_000),
            offset: rng.i32(-57_599..57_600),
        }),
        DataType::Bit(length) => random_bits(rng, length.unwrap_or(1) as usize).into(),
        DataType::VarBit(_) => {
            let length = rng.usize(0..20);
            random_bits(rng, length).into()
        }
        DataType::Inet => random_inet(rng).into(),
        DataType::Cidr => random_inet(rng).network().into(),
        DataType::MacAddr => {
            let [_, _, address @ ..] = rng.u64(..).to_be_bytes();
            Value::MacAddr(address)
        }
        DataType::Vector(kind, dimensions) => {
            let dimensions = dimensions.map_or_else(|| rng.usize(1..6), |n| n as usize);
            random_vector(*kind, dimensions, rng).into()
        }
        DataType::Array(element) => random_array(element, rng).into(),
        other => panic!("type {other} has no storable values"),
    }
}

fn random_vector(kind: VectorKind, dimensions: usize, rng: &mut Rng) -> VectorValue {
    let number = |rng: &mut Rng| match rng.u8(0..4) {
        0 => *rng.pick(&[0.0, -0.0, 1.0, -1.0]),
        _ => (rng.f32() - 0.5) * 100.0,
    };
    let numbers = (0..dimensions).map(|_| number(rng)).collect();
    VectorValue::full(numbers)
        .and_then(|vector| vector.to_kind(kind))
        .expect("few finite numbers")
}

fn random_i64(rng: &mut Rng) -> i64 {
    match rng.u8(0..8) {
        0 => *rng.pick(&[i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX]),
        1..=4 => rng.i64(-100..100),
        _ => rng.i64(..) >> rng.u32(0..63),
    }
}

fn random_float(rng: &mut Rng) -> f64 {
    match rng.u8(0..4) {
        0 => *rng.pick(&[
            0.0,
            -0.0,
            1.0,
            -1.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
            f64::MAX,
        ]),
        1 => f64::from(rng.i32(-50..50)) / 4.0,
        _ => f64::from_bits(rng.u64(..)),
    }
}

fn random_numeric(rng: &mut Rng) -> Numeric {
    match rng.u8(0..8) {
        0 => rng
            .pick(&[Numeric::NAN, Numeric::INFINITY, Numeric::NEG_INFINITY])
            .clone(),
        1..=3 => Numeric::new(rng.i64(-300..300), rng.u16(0..4)),
        4..=5 => Numeric::new(random_i64(rng), rng.u16(0..25)),
        _ => {
            let wide = Numeric::new(random_i64(rng), rng.u16(0..30));
            let factor = Numeric::new(random_i64(rng), rng.u16(0..200));
            wide.mul(&factor).unwrap_or(Numeric::ZERO)
        }
    }
}

fn random_json(rng: &mut Rng, depth: u32) -> Json {
    let kinds = if depth == 0 { 4 } else { 6 };
    match rng.u8(0..kinds) {
        0 => Json::Null,
        1 => Json::Bool(rng.bool()),
        2 => Json::Number(Numeric::new(rng.i64(-50..50), rng.u16(0..3))),
        3 => Json::String(rng.text(4).into()),
        4 => {
            let length = rng.usize(0..4);
            Json::Array((0..length).map(|_| random_json(rng, depth - 1)).collect())
        }
        _ => {
            let length = rng.usize(0..4);
            let members = (0..length)
                .map(|_| (rng.text(2).into(), random_json(rng, depth - 1)))
                .collect();
            Json::Object(helios_base::json::JsonObject::new(members))
        }
    }
}

fn random_array(element: &DataType, rng: &mut Rng) -> ArrayValue {
    let dims: Vec<(u32, i32)> = match rng.u8(0..6) {
        0 => Vec::new(),
        1 => vec![(rng.u32(1..3), rng.i32(-2..3)), (rng.u32(1..3), 1)],
        2 => vec![(rng.u32(1..4), rng.i32(-2..3))],
        _ => vec![(rng.u32(1..4), 1)],
    };
    let count = if dims.is_empty() {
        0
    } else {
        dims.iter().map(|dim| dim.0).product()
    };
    let elements = (0..count)
        .map(|_| {
            if rng.one_in(4) {
                Value::Null
            } else {
                random_value(element, rng)
            }
        })
        .collect();
    ArrayValue { dims, elements }
}

fn random_bits(rng: &mut Rng, length: usize) -> BitString {
    BitString::from_bits((0..length).map(|_| rng.one_in(3)))
}

/// Few networks, so that some hold others.
fn random_inet(rng: &mut Rng) -> Inet {
    let six = rng.one_in(3);
    let (bits, width) = if six { (128, 16) } else { (32, 4) };
    let mut address = [0; 16];
    for byte in address.iter_mut().take(width) {
        *byte = rng.u8(0..3) * 100;
    }
    let bits = if rng.bool() { bits } else { rng.u8(0..bits) };
    Inet::new(six, bits, address).unwrap_or_else(|| unreachable!("as wide as its family"))
}
