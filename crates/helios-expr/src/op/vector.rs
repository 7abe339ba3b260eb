//! Vectors: distances, arithmetic and what tells about them, as in pgvector.

use helios_base::{
    BitString, Error, F16, Result, SparseVector, SqlState, Value, VectorKind, VectorValue,
};

use super::float::{overflow, underflow};
use crate::distance::{Measure, same_dimensions};
use crate::function::{Function, function, infix, mismatch};
use crate::ty::Ty;

const VECTORS: &[Ty; 2] = &[Ty::VECTOR, Ty::VECTOR];
const HALFVECS: &[Ty; 2] = &[Ty::HALFVEC, Ty::HALFVEC];
const SPARSEVECS: &[Ty; 2] = &[Ty::SPARSEVEC, Ty::SPARSEVEC];
const BITS: &[Ty; 2] = &[Ty::Bit, Ty::Bit];

macro_rules! distances {
    ($($args:ident)*) => {
        &[$(
            infix("<->", $args, Ty::Float8, |args, _| measure(args, "<->")),
            infix("<#>", $args, Ty::Float8, |args, _| measure(args, "<#>")),
            infix("<=>", $args, Ty::Float8, |args, _| measure(args, "<=>")),
            infix("<+>", $args, Ty::Float8, |args, _| measure(args, "<+>")),
            function("l2_distance", $args, Ty::Float8, |args, _| measure(args, "l2_distance")),
            function("inner_product", $args, Ty::Float8, |args, _| measure(args, "inner_product")),
            function("cosine_distance", $args, Ty::Float8, |args, _| measure(args, "cosine_distance")),
            function("cosine_similarity", $args, Ty::Float8, |args, _| {
                measure(args, "cosine_similarity")
            }),
            function("l1_distance", $args, Ty::Float8, |args, _| measure(args, "l1_distance")),
        )*]
    };
}

#[rustfmt::skip]
pub(crate) static DISTANCES: &[Function] = distances! { VECTORS HALFVECS SPARSEVECS };

pub(crate) static FUNCTIONS: &[Function] = &[
    infix("<~>", BITS, Ty::Float8, hamming),
    infix("<%>", BITS, Ty::Float8, jaccard),
    function("hamming_distance", BITS, Ty::Float8, hamming),
    function("jaccard_distance", BITS, Ty::Float8, jaccard),
    infix("+", VECTORS, Ty::VECTOR, |args, _| {
        two(args, |a, b| sum(a, b).map(Value::from))
    }),
    infix("+", HALFVECS, Ty::HALFVEC, |args, _| {
        two(args, |a, b| sum(a, b).map(Value::from))
    }),
    infix("-", VECTORS, Ty::VECTOR, |args, _| two(args, difference)),
    infix("-", HALFVECS, Ty::HALFVEC, |args, _| two(args, difference)),
    infix("*", VECTORS, Ty::VECTOR, |args, _| two(args, product)),
    infix("*", HALFVECS, Ty::HALFVEC, |args, _| two(args, product)),
    infix("||", VECTORS, Ty::VECTOR, |args, _| {
        two(args, concatenation)
    }),
    infix("||", HALFVECS, Ty::HALFVEC, |args, _| {
        two(args, concatenation)
    }),
    function("vector_dims", &[Ty::VECTOR], Ty::Int4, dimensions),
    function("vector_dims", &[Ty::HALFVEC], Ty::Int4, dimensions),
    function("vector_norm", &[Ty::VECTOR], Ty::Float8, norm),
    function("l2_norm", &[Ty::VECTOR], Ty::Float8, norm),
    function("l2_norm", &[Ty::HALFVEC], Ty::Float8, norm),
    function("l2_norm", &[Ty::SPARSEVEC], Ty::Float8, norm),
    function("l2_normalize", &[Ty::VECTOR], Ty::VECTOR, normalize),
    function("l2_normalize", &[Ty::HALFVEC], Ty::HALFVEC, normalize),
    function("l2_normalize", &[Ty::SPARSEVEC], Ty::SPARSEVEC, normalize),
    function("binary_quantize", &[Ty::VECTOR], Ty::Bit, quantize),
    function("binary_quantize", &[Ty::HALFVEC], Ty::Bit, quantize),
    function(
        "subvector",
        &[Ty::VECTOR, Ty::Int4, Ty::Int4],
        Ty::VECTOR,
        |args, _| part(args),
    ),
    function(
        "subvector",
        &[Ty::HALFVEC, Ty::Int4, Ty::Int4],
        Ty::HALFVEC,
        |args, _| part(args),
    ),
];

fn two(
    args: &[&Value],
    of: impl FnOnce(&VectorValue, &VectorValue) -> Result<Value>,
) -> Result<Value> {
    match args {
        [Value::Vector(a), Value::Vector(b)] => of(a, b),
        args => Err(mismatch(args)),
    }
}

fn one(args: &[&Value], of: impl FnOnce(&VectorValue) -> Result<Value>) -> Result<Value> {
    match args {
        [Value::Vector(vector)] => of(vector),
        args => Err(mismatch(args)),
    }
}

fn measure(args: &[&Value], name: &str) -> Result<Value> {
    let measure = Measure::named(name)
        .ok_or_else(|| Error::internal(format!("there is no distance {name}")))?;
    two(args, |a, b| {
        let distance = measure.distance.between(a, b)?;
        Ok(Value::Float8(measure.read(distance)))
    })
}

/// Computes element by element, in single precision.
fn paired(a: &VectorValue, b: &VectorValue, of: impl Fn(f32, f32) -> f32) -> Result<VectorValue> {
    same_dimensions(a, b)?;
    let (x, y) = (a.numbers(), b.numbers());
    let numbers = x.iter().zip(y.iter()).map(|(x, y)| of(*x, *y));
    of_kind(a.kind(), numbers)
}

/// A dense vector of these numbers, whose finite parts may have made something that is not.
pub(super) fn of_kind(kind: VectorKind, numbers: impl Iterator<Item = f32>) -> Result<VectorValue> {
    match kind {
        VectorKind::Half => {
            let halves: Vec<F16> = numbers.map(F16::from_f32).collect();
            if halves.iter().any(|half| half.to_f32().is_infinite()) {
                return Err(overflow());
            }
            VectorValue::half(halves)
        }
        _ => {
            let numbers: Vec<f32> = numbers.collect();
            if numbers.iter().any(|number| number.is_infinite()) {
                return Err(overflow());
            }
            VectorValue::full(numbers)
        }
    }
}

/// The sum of two dense vectors.
pub(crate) fn sum(a: &VectorValue, b: &VectorValue) -> Result<VectorValue> {
    paired(a, b, |x, y| x + y)
}

fn difference(a: &VectorValue, b: &VectorValue) -> Result<Value> {
    paired(a, b, |x, y| x - y).map(Value::from)
}

fn product(a: &VectorValue, b: &VectorValue) -> Result<Value> {
    let product = paired(a, b, |x, y| x * y)?;
    let (x, y) = (a.numbers(), b.numbers());
    let mut factors = x.iter().zip(y.iter());
    let lost = product.numbers().iter().any(|product| {
        let nonzero = factors.next().is_some_and(|(x, y)| *x != 0.0 && *y != 0.0);
        *product == 0.0 && nonzero
    });
    if lost {
        return Err(underflow());
    }
    Ok(product.into())
}

fn concatenation(a: &VectorValue, b: &VectorValue) -> Result<Value> {
    a.kind().check_dimensions(a.dimensions() + b.dimensions())?;
    let (x, y) = (a.numbers(), b.numbers());
    of_kind(a.kind(), x.iter().chain(y.iter()).copied()).map(Value::from)
}

fn dimensions(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    one(args, |vector| {
        Ok(Value::Int4(
            i32::try_from(vector.dimensions()).unwrap_or(i32::MAX),
        ))
    })
}

/// The Euclidean length, in double precision.
fn length(vector: &VectorValue) -> f64 {
    let squares = |numbers: &[f32]| -> f64 {
        numbers
            .iter()
            .fold(0.0, |sum, x| sum + f64::from(*x) * f64::from(*x))
    };
    match vector {
        VectorValue::Sparse(sparse) => squares(sparse.values()).sqrt(),
        dense => squares(&dense.numbers()).sqrt(),
    }
}

fn norm(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    one(args, |vector| Ok(Value::Float8(length(vector))))
}

/// At unit length; a vector of zeros stays what it is.
#[allow(clippy::cast_possible_truncation, reason = "the nearest is meant")]
fn normalize(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    one(args, |vector| {
        let length = length(vector);
        if length == 0.0 {
            return Ok(vector.clone().into());
        }
        let scaled = |x: f32| (f64::from(x) / length) as f32;
        let normal = match vector {
            VectorValue::Sparse(sparse) => {
                let elements = sparse.elements();
                let elements = elements.map(|(at, x)| (i64::from(at), scaled(x)));
                VectorValue::Sparse(SparseVector::new(vector.dimensions(), elements)?)
            }
            dense => of_kind(
                dense.kind(),
                dense.numbers().iter().map(|number| scaled(*number)),
            )?,
        };
        Ok(normal.into())
    })
}

/// A bit for each element: whether it is above zero.
fn quantize(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    one(args, |vector| {
        let numbers = vector.numbers();
        Ok(BitString::from_bits(numbers.iter().map(|number| *number > 0.0)).into())
    })
}

/// Elements from a place on, which counts from 1; what would be before the first counts as taken.
fn part(args: &[&Value]) -> Result<Value> {
    let [
        Value::Vector(vector),
        Value::Int4(start),
        Value::Int4(count),
    ] = args
    else {
        return Err(mismatch(args));
    };
    let numbers = vector.numbers();
    let (start, count) = (i64::from(*start), i64::from(*count));
    let place = |n: i64| usize::try_from(n).unwrap_or(0).min(numbers.len());
    let (first, end) = (place(start - 1), place(start - 1 + count.max(0)));
    let taken = numbers.get(first..end).unwrap_or_default();
    // Of no dimensions where nothing is left.
    vector.kind().check_dimensions(taken.len()).map_err(|_| {
        Error::new(
            SqlState::DATA_EXCEPTION,
            format!("{} must have at least 1 dimension", vector.kind().name()),
        )
    })?;
    of_kind(vector.kind(), taken.iter().copied()).map(Value::from)
}

/// How many bits are set in both strings, and in either.
fn overlap(args: &[&Value], count: impl Fn(u8, u8) -> u32) -> Result<u32> {
    let [Value::Bits(a), Value::Bits(b)] = args else {
        return Err(mismatch(args));
    };
    if a.len() != b.len() {
        return Err(Error::new(
            SqlState::DATA_EXCEPTION,
            format!("different bit lengths {} and {}", a.len(), b.len()),
        ));
    }
    let pairs = a.bytes().iter().zip(b.bytes());
    Ok(pairs.map(|(x, y)| count(*x, *y)).sum())
}

/// How many bits differ.
fn hamming(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    let differ = overlap(args, |x, y| (x ^ y).count_ones())?;
    Ok(Value::Float8(f64::from(differ)))
}

/// The share of the bits set in either that are not set in both; all of them when none is in both.
fn jaccard(args: &[&Value], _: &crate::Call<'_>) -> Result<Value> {
    let both = overlap(args, |x, y| (x & y).count_ones())?;
    let either = overlap(args, |x, y| (x | y).count_ones())?;
    Ok(Value::Float8(if both == 0 {
        1.0
    } else {
        1.0 - f64::from(both) / f64::from(either)
    }))
}
