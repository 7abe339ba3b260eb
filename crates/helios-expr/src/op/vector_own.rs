//! The functions by which pgvector implements its operators, casts and aggregates, where these are more than an
//! operator's: whoever calls them by name finds them.

use std::cmp::Ordering;

use helios_base::{ArrayValue, Error, Result, SqlState, Value, VectorKind, VectorValue};

use super::vector::of_kind;
use crate::distance::same_dimensions;
use crate::function::{Function, function, mismatch};
use crate::ty::Ty;

/// A state of sums: how many vectors, then the sum of each element.
const STATE: Ty = Ty::Array(&Ty::Float8);

macro_rules! casts {
    ($($name:literal, $from:expr => $to:ident;)*) => {
        &[$(function($name, &[$from, Ty::Int4, Ty::Bool], Ty::$to, |args, _| {
            cast(args, Ty::$to)
        }),)*]
    };
}

pub(crate) static CASTS: &[Function] = casts! {
    "vector", Ty::VECTOR => VECTOR;
    "halfvec", Ty::HALFVEC => HALFVEC;
    "sparsevec", Ty::SPARSEVEC => SPARSEVEC;
    "halfvec_to_vector", Ty::HALFVEC => VECTOR;
    "sparsevec_to_vector", Ty::SPARSEVEC => VECTOR;
    "vector_to_halfvec", Ty::VECTOR => HALFVEC;
    "sparsevec_to_halfvec", Ty::SPARSEVEC => HALFVEC;
    "vector_to_sparsevec", Ty::VECTOR => SPARSEVEC;
    "halfvec_to_sparsevec", Ty::HALFVEC => SPARSEVEC;
    "array_to_vector", Ty::Array(&Ty::Int4) => VECTOR;
    "array_to_vector", Ty::Array(&Ty::Float4) => VECTOR;
    "array_to_vector", Ty::Array(&Ty::Float8) => VECTOR;
    "array_to_vector", Ty::Array(&Ty::Numeric) => VECTOR;
    "array_to_halfvec", Ty::Array(&Ty::Int4) => HALFVEC;
    "array_to_halfvec", Ty::Array(&Ty::Float4) => HALFVEC;
    "array_to_halfvec", Ty::Array(&Ty::Float8) => HALFVEC;
    "array_to_halfvec", Ty::Array(&Ty::Numeric) => HALFVEC;
    "array_to_sparsevec", Ty::Array(&Ty::Int4) => SPARSEVEC;
    "array_to_sparsevec", Ty::Array(&Ty::Float4) => SPARSEVEC;
    "array_to_sparsevec", Ty::Array(&Ty::Float8) => SPARSEVEC;
    "array_to_sparsevec", Ty::Array(&Ty::Numeric) => SPARSEVEC;
};

const VECTORS: &[Ty; 2] = &[Ty::VECTOR, Ty::VECTOR];
const HALFVECS: &[Ty; 2] = &[Ty::HALFVEC, Ty::HALFVEC];
const SPARSEVECS: &[Ty; 2] = &[Ty::SPARSEVEC, Ty::SPARSEVEC];

pub(crate) static FUNCTIONS: &[Function] = &[
    function("vector_cmp", VECTORS, Ty::Int4, compare),
    function("halfvec_cmp", HALFVECS, Ty::Int4, compare),
    function("sparsevec_cmp", SPARSEVECS, Ty::Int4, compare),
    function("vector_l2_squared_distance", VECTORS, Ty::Float8, squared),
    function("halfvec_l2_squared_distance", HALFVECS, Ty::Float8, squared),
    function(
        "sparsevec_l2_squared_distance",
        SPARSEVECS,
        Ty::Float8,
        squared,
    ),
    function("vector_spherical_distance", VECTORS, Ty::Float8, spherical),
    function(
        "halfvec_spherical_distance",
        HALFVECS,
        Ty::Float8,
        spherical,
    ),
    function(
        "vector_to_float4",
        &[Ty::VECTOR, Ty::Int4, Ty::Bool],
        Ty::Array(&Ty::Float4),
        |args, _| elements(args),
    ),
    function(
        "halfvec_to_float4",
        &[Ty::HALFVEC, Ty::Int4, Ty::Bool],
        Ty::Array(&Ty::Float4),
        |args, _| elements(args),
    ),
    function("vector_accum", &[STATE, Ty::VECTOR], STATE, |args, _| {
        add(args, VectorKind::Full)
    }),
    function("halfvec_accum", &[STATE, Ty::HALFVEC], STATE, |args, _| {
        add(args, VectorKind::Half)
    }),
    function("vector_combine", &[STATE, STATE], STATE, |args, _| {
        combine(args, VectorKind::Full)
    }),
    function("halfvec_combine", &[STATE, STATE], STATE, |args, _| {
        combine(args, VectorKind::Half)
    }),
    function("vector_avg", &[STATE], Ty::VECTOR, |args, _| {
        average(args, VectorKind::Full)
    }),
    function("halfvec_avg", &[STATE], Ty::HALFVEC, |args, _| {
        average(args, VectorKind::Half)
    }),
];

/// A value as a vector of a type, and of so many dimensions if the modifier is not -1.
fn cast(args: &[&Value], to: Ty) -> Result<Value> {
    let ([value, Value::Int4(modifier), _], Ty::Vector(kind)) = (args, to) else {
        return Err(mismatch(args));
    };
    let vector = match value {
        Value::Vector(vector) => vector.to_kind(kind)?,
        Value::Array(array) => VectorValue::from_array(array, kind)?,
        _ => return Err(mismatch(args)),
    };
    vector.expect(u32::try_from(*modifier).ok())?;
    Ok(vector.into())
}

fn compare(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    match args {
        [a @ Value::Vector(_), b @ Value::Vector(_)] => Ok(Value::Int4(match a.cmp_sql(b) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        })),
        args => Err(mismatch(args)),
    }
}

fn pair<'v>(args: &[&'v Value]) -> Result<(&'v VectorValue, &'v VectorValue)> {
    match args {
        [Value::Vector(a), Value::Vector(b)] => {
            same_dimensions(a, b)?;
            Ok((a, b))
        }
        args => Err(mismatch(args)),
    }
}

fn squared(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    let (a, b) = pair(args)?;
    let distance = crate::distance::Distance::L2.between(a, b)?;
    // Exact where the square is a number of single precision, as it was before its root was taken.
    #[allow(clippy::cast_possible_truncation, reason = "the nearest is meant")]
    let square = (distance * distance) as f32;
    Ok(Value::Float8(f64::from(square)))
}

/// The angle between two vectors of unit length, as a share of half a turn.
fn spherical(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    let (a, b) = pair(args)?;
    let (x, y) = (a.numbers(), b.numbers());
    let product: f32 = x.iter().zip(y.iter()).map(|(x, y)| x * y).sum();
    let cosine = f64::from(product).clamp(-1.0, 1.0);
    Ok(Value::Float8(cosine.acos() / std::f64::consts::PI))
}

fn elements(args: &[&Value]) -> Result<Value> {
    let [Value::Vector(vector), ..] = args else {
        return Err(mismatch(args));
    };
    let numbers = vector.numbers();
    let numbers = numbers.iter().map(|number| Value::Float4(*number));
    Ok(ArrayValue::one_dimensional(numbers.collect()).into())
}

/// The numbers of a state of sums.
fn state(value: &Value, kind: VectorKind, caller: &str) -> Result<Vec<f64>> {
    let invalid = || {
        let name = kind.name();
        Error::new(
            SqlState::DATA_EXCEPTION,
            format!("{name}_{caller}: expected state array"),
        )
    };
    let Value::Array(array) = value else {
        return Err(mismatch(&[value]));
    };
    if array.dims.len() != 1 || array.elements.is_empty() {
        return Err(invalid());
    }
    let number = |value: &Value| match value {
        Value::Float8(number) => Ok(*number),
        _ => Err(invalid()),
    };
    array.elements.iter().map(number).collect()
}

fn of_numbers(numbers: impl IntoIterator<Item = f64>) -> Result<Value> {
    let numbers: Vec<Value> = numbers.into_iter().map(Value::Float8).collect();
    if numbers
        .iter()
        .any(|number| matches!(number, Value::Float8(number) if number.is_infinite()))
    {
        return Err(super::float::overflow());
    }
    Ok(ArrayValue::one_dimensional(numbers).into())
}

fn unexpected(expected: usize, found: usize) -> Error {
    helios_base::vector::unexpected(expected, found)
}

fn add(args: &[&Value], kind: VectorKind) -> Result<Value> {
    let [sums, Value::Vector(vector)] = args else {
        return Err(mismatch(args));
    };
    let sums = state(sums, kind, "accum")?;
    let numbers = vector.numbers();
    let Some((count, sums)) = sums.split_first() else {
        return Err(mismatch(args));
    };
    if !sums.is_empty() && sums.len() != numbers.len() {
        return Err(unexpected(sums.len(), numbers.len()));
    }
    let before = sums.iter().copied().chain(std::iter::repeat(0.0));
    let added = before
        .zip(numbers.iter())
        .map(|(sum, x)| sum + f64::from(*x));
    of_numbers(std::iter::once(count + 1.0).chain(added))
}

fn combine(args: &[&Value], kind: VectorKind) -> Result<Value> {
    let [a, b] = args else {
        return Err(mismatch(args));
    };
    let (a, b) = (state(a, kind, "combine")?, state(b, kind, "combine")?);
    for sums in [&a, &b] {
        match sums.len() - 1 {
            0 => {}
            dimensions => kind.check_dimensions(dimensions)?,
        }
    }
    match (a.as_slice(), b.as_slice()) {
        ([0.0, ..], _) => of_numbers(b),
        (_, [0.0, ..]) => of_numbers(a),
        _ if a.len() != b.len() => Err(unexpected(a.len() - 1, b.len() - 1)),
        _ => of_numbers(a.iter().zip(&b).map(|(a, b)| a + b)),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the nearest is meant")]
fn average(args: &[&Value], kind: VectorKind) -> Result<Value> {
    let [sums] = args else {
        return Err(mismatch(args));
    };
    let sums = state(sums, kind, "avg")?;
    match sums.split_first() {
        None | Some((0.0, _)) => Ok(Value::Null),
        Some((count, sums)) => {
            kind.check_dimensions(sums.len())?;
            of_kind(kind, sums.iter().map(|sum| (sum / count) as f32)).map(Value::from)
        }
    }
}
