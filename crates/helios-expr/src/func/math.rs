//! Mathematical functions on floats, and what is not plain arithmetic.

use std::f64::consts::PI;

use helios_base::{Error, Numeric, Result, SqlState, Value};

use crate::function::{Call, Function, function, infix, mismatch, prefix};
use crate::op::float::{overflow, underflow};
use crate::ty::Ty::{AnyCompatible, AnyCompatibleArray, Float8 as F, Int4, Numeric as N};

macro_rules! real {
    ($f:expr) => {
        |args: &[&Value], _: &Call<'_>| -> Result<Value> {
            match args {
                [Value::Float8(x)] => {
                    let f: fn(f64) -> Result<f64> = $f;
                    f(*x).map(Value::Float8)
                }
                args => Err(mismatch(args)),
            }
        }
    };
}

macro_rules! real2 {
    ($f:expr) => {
        |args: &[&Value], _: &Call<'_>| -> Result<Value> {
            match args {
                [Value::Float8(x), Value::Float8(y)] => {
                    let f: fn(f64, f64) -> Result<f64> = $f;
                    f(*x, *y).map(Value::Float8)
                }
                args => Err(mismatch(args)),
            }
        }
    };
}

pub(crate) static FUNCTIONS: &[Function] = &[
    prefix("|/", &[F], F, real!(sqrt)),
    prefix("||/", &[F], F, real!(|x| Ok(x.cbrt()))),
    infix("^", &[F, F], F, real2!(power)),
    function("power", &[F, F], F, real2!(power)),
    function("pow", &[F, F], F, real2!(power)),
    function("sqrt", &[F], F, real!(sqrt)),
    function("cbrt", &[F], F, real!(|x| Ok(x.cbrt()))),
    function("exp", &[F], F, real!(exp)),
    function("ln", &[F], F, real!(|x| logarithm(x).map(f64::ln))),
    function("log", &[F], F, real!(|x| logarithm(x).map(f64::log10))),
    function("log10", &[F], F, real!(|x| logarithm(x).map(f64::log10))),
    function("ceil", &[F], F, real!(|x| Ok(x.ceil()))),
    function("ceiling", &[F], F, real!(|x| Ok(x.ceil()))),
    function("floor", &[F], F, real!(|x| Ok(x.floor()))),
    function("round", &[F], F, real!(|x| Ok(x.round_ties_even()))),
    function("trunc", &[F], F, real!(|x| Ok(x.trunc()))),
    function("sign", &[F], F, real!(|x| Ok(sign(x)))),
    function("pi", &[], F, |_, _| Ok(Value::Float8(PI))),
    function("degrees", &[F], F, real!(|x| checked(x / (PI / 180.0), x))),
    function("radians", &[F], F, real!(|x| Ok(x * (PI / 180.0)))),
    function("sin", &[F], F, real!(|x| finite(x).map(f64::sin))),
    function("cos", &[F], F, real!(|x| finite(x).map(f64::cos))),
    function("tan", &[F], F, real!(|x| finite(x).map(f64::tan))),
    function("cot", &[F], F, real!(|x| finite(x).map(|x| 1.0 / x.tan()))),
    function("asin", &[F], F, real!(|x| unit(x).map(f64::asin))),
    function("acos", &[F], F, real!(|x| unit(x).map(f64::acos))),
    function("atan", &[F], F, real!(|x| Ok(x.atan()))),
    function("atan2", &[F, F], F, real2!(|y, x| Ok(y.atan2(x)))),
    function("sinh", &[F], F, real!(|x| Ok(x.sinh()))),
    function("cosh", &[F], F, real!(|x| Ok(x.cosh()))),
    function("tanh", &[F], F, real!(|x| Ok(x.tanh()))),
    function("asinh", &[F], F, real!(|x| Ok(x.asinh()))),
    function(
        "acosh",
        &[F],
        F,
        real!(|x| {
            if x < 1.0 {
                Err(outside())
            } else {
                Ok(x.acosh())
            }
        }),
    ),
    function("atanh", &[F], F, real!(|x| unit(x).map(f64::atanh))),
    function("sind", &[F], F, real!(|x| finite(x).map(degrees::sin))),
    function("cosd", &[F], F, real!(|x| finite(x).map(degrees::cos))),
    function(
        "tand",
        &[F],
        F,
        real!(|x| finite(x).map(|x| degrees::sin(x) / degrees::cos(x))),
    ),
    function(
        "cotd",
        &[F],
        F,
        real!(|x| finite(x).map(|x| degrees::cos(x) / degrees::sin(x))),
    ),
    function(
        "asind",
        &[F],
        F,
        real!(|x| unit(x).map(|x| degrees::inverse(x.asin()))),
    ),
    function(
        "acosd",
        &[F],
        F,
        real!(|x| unit(x).map(|x| degrees::inverse(x.acos()))),
    ),
    function("atand", &[F], F, real!(|x| Ok(degrees::inverse(x.atan())))),
    function(
        "atan2d",
        &[F, F],
        F,
        real2!(|y, x| Ok(degrees::inverse(y.atan2(x)))),
    ),
    function("random", &[], F, |_, _| Ok(Value::Float8(fastrand::f64()))).volatile(),
    function("width_bucket", &[F, F, F, Int4], Int4, bucket_float),
    function("width_bucket", &[N, N, N, Int4], Int4, bucket_numeric),
    function(
        "width_bucket",
        &[AnyCompatible, AnyCompatibleArray],
        Int4,
        bucket_array,
    ),
];

fn sqrt(x: f64) -> Result<f64> {
    if x < 0.0 {
        return Err(Error::new(
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "cannot take square root of a negative number",
        ));
    }
    Ok(x.sqrt())
}

fn power(x: f64, y: f64) -> Result<f64> {
    if x == 0.0 && y < 0.0 {
        return Err(Error::new(
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "zero raised to a negative power is undefined",
        ));
    }
    if x < 0.0 && x.is_finite() && y.is_finite() && y.fract() != 0.0 {
        return Err(Error::new(
            SqlState::INVALID_ARGUMENT_FOR_POWER_FUNCTION,
            "a negative number raised to a non-integer power yields a complex result",
        ));
    }
    let result = x.powf(y);
    if x.is_finite() && y.is_finite() {
        if result.is_infinite() {
            return Err(overflow());
        }
        if result == 0.0 && x != 0.0 {
            return Err(underflow());
        }
    }
    Ok(result)
}

fn exp(x: f64) -> Result<f64> {
    let result = x.exp();
    if x.is_finite() {
        if result.is_infinite() {
            return Err(overflow());
        }
        if result == 0.0 {
            return Err(underflow());
        }
    }
    Ok(result)
}

/// The argument of a logarithm, if it has one.
fn logarithm(x: f64) -> Result<f64> {
    let message = if x == 0.0 {
        "cannot take logarithm of zero"
    } else if x < 0.0 {
        "cannot take logarithm of a negative number"
    } else {
        return Ok(x);
    };
    Err(Error::new(
        SqlState::INVALID_ARGUMENT_FOR_LOGARITHM,
        message,
    ))
}

fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

fn checked(result: f64, x: f64) -> Result<f64> {
    if result.is_infinite() && x.is_finite() {
        return Err(overflow());
    }
    Ok(result)
}

fn finite(x: f64) -> Result<f64> {
    if x.is_infinite() {
        Err(outside())
    } else {
        Ok(x)
    }
}

fn unit(x: f64) -> Result<f64> {
    if x.abs() > 1.0 { Err(outside()) } else { Ok(x) }
}

#[cold]
fn outside() -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "input is out of range",
    )
}

/// Trigonometry in degrees, exact where the result is a round number.
mod degrees {
    use super::PI;

    /// `sin` of degrees.
    pub(super) fn sin(degrees: f64) -> f64 {
        if degrees.is_nan() {
            return degrees;
        }
        let mut x = degrees % 360.0;
        let mut sign = 1.0;
        if x < 0.0 {
            x = -x;
            sign = -1.0;
        }
        if x > 180.0 {
            x = 360.0 - x;
            sign = -sign;
        }
        if x > 90.0 {
            x = 180.0 - x;
        }
        sign * quadrant(x)
    }

    /// `cos` of degrees.
    pub(super) fn cos(degrees: f64) -> f64 {
        sin(90.0 - degrees % 360.0)
    }

    /// `sin` between 0 and 90 degrees, scaled so that 30 gives exactly one half.
    fn quadrant(x: f64) -> f64 {
        if x <= 30.0 {
            (x * (PI / 180.0)).sin() / (30.0 * (PI / 180.0)).sin() / 2.0
        } else {
            let rest = 90.0 - x;
            let one_minus_cos_60 = 1.0 - (60.0 * (PI / 180.0)).cos();
            1.0 - (1.0 - (rest * (PI / 180.0)).cos()) / one_minus_cos_60 / 2.0
        }
    }

    /// Radians to degrees, snapped to the exact angles that inverse functions reach.
    pub(super) fn inverse(radians: f64) -> f64 {
        let degrees = radians * (180.0 / PI);
        let round = (degrees / 15.0).round() * 15.0;
        if (degrees - round).abs() < 1e-13 * degrees.abs().max(1.0) {
            round
        } else {
            degrees
        }
    }
}

#[cold]
fn bad_bucket(message: &str) -> Error {
    Error::new(
        SqlState::INVALID_ARGUMENT_FOR_WIDTH_BUCKET,
        message.to_owned(),
    )
}

fn bucket_count(count: i32) -> Result<i32> {
    if count <= 0 {
        return Err(bad_bucket("count must be greater than zero"));
    }
    Ok(count)
}

fn bucket_float(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [
        Value::Float8(x),
        Value::Float8(low),
        Value::Float8(high),
        Value::Int4(count),
    ] = args
    else {
        return Err(mismatch(args));
    };
    let count = bucket_count(*count)?;
    if x.is_nan() || low.is_nan() || high.is_nan() {
        return Err(bad_bucket(
            "operand, lower bound, and upper bound cannot be NaN",
        ));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(bad_bucket("lower and upper bounds must be finite"));
    }
    if low == high {
        return Err(bad_bucket("lower bound cannot equal upper bound"));
    }
    let (before, after) = if low < high {
        (x < low, x >= high)
    } else {
        (x > low, x <= high)
    };
    if before {
        return Ok(Value::Int4(0));
    }
    if after {
        return count
            .checked_add(1)
            .map(Value::Int4)
            .ok_or_else(|| crate::op::integer::out_of_range(Int4));
    }
    let share = (x - low) / (high - low);
    // Rounding may reach the upper bound, which is outside.
    #[allow(clippy::cast_possible_truncation, reason = "between 0 and count")]
    let bucket = (share * f64::from(count)).floor() as i32;
    Ok(Value::Int4(bucket.min(count - 1) + 1))
}

fn bucket_numeric(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [
        Value::Numeric(x),
        Value::Numeric(low),
        Value::Numeric(high),
        Value::Int4(count),
    ] = args
    else {
        return Err(mismatch(args));
    };
    let count = bucket_count(*count)?;
    if x.is_nan() || low.is_nan() || high.is_nan() {
        return Err(bad_bucket(
            "operand, lower bound, and upper bound cannot be NaN",
        ));
    }
    if low.is_infinite() || high.is_infinite() {
        return Err(bad_bucket("lower and upper bounds must be finite"));
    }
    if low == high {
        return Err(bad_bucket("lower bound cannot equal upper bound"));
    }
    let (before, after) = if low < high {
        (x < low, x >= high)
    } else {
        (x > low, x <= high)
    };
    if before {
        return Ok(Value::Int4(0));
    }
    if after {
        return count
            .checked_add(1)
            .map(Value::Int4)
            .ok_or_else(|| crate::op::integer::out_of_range(Int4));
    }
    let scaled = x.sub(low)?.mul(&Numeric::new(i64::from(count), 0))?;
    let bucket = scaled.div_trunc(&high.sub(low)?)?.to_i32()?;
    Ok(Value::Int4(bucket.min(count - 1) + 1))
}

/// How many thresholds, sorted ascending, are not above the operand.
fn bucket_array(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [x, Value::Array(thresholds)] = args else {
        return Err(mismatch(args));
    };
    if thresholds.dims.len() > 1 {
        return Err(Error::new(
            SqlState::ARRAY_SUBSCRIPT_ERROR,
            "thresholds must be one-dimensional array",
        ));
    }
    if thresholds.elements.iter().any(Value::is_null) {
        return Err(Error::new(
            SqlState::NULL_VALUE_NOT_ALLOWED,
            "thresholds array must not contain NULLs",
        ));
    }
    let bucket = thresholds
        .elements
        .partition_point(|threshold| threshold.cmp_sql(x).is_le());
    i32::try_from(bucket)
        .map(Value::Int4)
        .map_err(|_| crate::op::integer::out_of_range(Int4))
}
