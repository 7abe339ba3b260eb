//! Mathematical functions on floats, and what is not plain arithmetic.

use std::f64::consts::{LN_2, PI};

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
    function("radians", &[F], F, real!(radians)),
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
    function("asinh", &[F], F, real!(|x| Ok(asinh(x)))),
    function(
        "acosh",
        &[F],
        F,
        real!(|x| {
            if x < 1.0 {
                Err(outside())
            } else {
                Ok(acosh(x))
            }
        }),
    ),
    function("atanh", &[F], F, real!(|x| unit(x).map(atanh))),
    function("sind", &[F], F, real!(|x| finite(x).map(degrees::sin))),
    function("cosd", &[F], F, real!(|x| finite(x).map(degrees::cos))),
    function("tand", &[F], F, real!(|x| finite(x).map(degrees::tan))),
    function("cotd", &[F], F, real!(|x| finite(x).map(degrees::cot))),
    function("asind", &[F], F, real!(|x| unit(x).map(degrees::asin))),
    function("acosd", &[F], F, real!(|x| unit(x).map(degrees::acos))),
    function("atand", &[F], F, real!(|x| Ok(degrees::of_arc(x.atan())))),
    function(
        "atan2d",
        &[F, F],
        F,
        real2!(|y, x| Ok(degrees::of_arc(y.atan2(x)))),
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
    if x < 0.0 && y.is_finite() && y.fract() != 0.0 {
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

/// Beyond this, `x² + 1` is `x²`.
const LARGE: f64 = 268_435_456.0;

/// The inverse hyperbolic functions as C libraries compute them, so that the last digits agree.
fn asinh(x: f64) -> f64 {
    let a = x.abs();
    let result = if a < 1.0 / LARGE {
        return x;
    } else if a > LARGE {
        a.ln() + LN_2
    } else if a > 2.0 {
        (2.0 * a + 1.0 / ((a * a + 1.0).sqrt() + a)).ln()
    } else {
        let square = a * a;
        (a + square / (1.0 + (1.0 + square).sqrt())).ln_1p()
    };
    result.copysign(x)
}

fn acosh(x: f64) -> f64 {
    if x > LARGE {
        x.ln() + LN_2
    } else if x > 2.0 {
        (2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt())).ln()
    } else {
        let t = x - 1.0;
        (t + (2.0 * t + t * t).sqrt()).ln_1p()
    }
}

fn atanh(x: f64) -> f64 {
    let a = x.abs();
    let result = if a < 1.0 / LARGE {
        return x;
    } else if a < 0.5 {
        let t = a + a;
        0.5 * (t + t * a / (1.0 - a)).ln_1p()
    } else {
        0.5 * ((a + a) / (1.0 - a)).ln_1p()
    };
    result.copysign(x)
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

fn radians(degrees: f64) -> Result<f64> {
    let radians = degrees * (PI / 180.0);
    if radians == 0.0 && degrees != 0.0 {
        return Err(underflow());
    }
    Ok(radians)
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

    /// An angle's counterpart between 0 and 90 degrees, and whether it was mirrored there.
    struct Reduced {
        x: f64,
        negative: bool,
        beyond_180: bool,
        beyond_90: bool,
    }

    fn reduced(degrees: f64) -> Reduced {
        let mut x = degrees % 360.0;
        let negative = x < 0.0;
        x = x.abs();
        let beyond_180 = x > 180.0;
        if beyond_180 {
            x = 360.0 - x;
        }
        let beyond_90 = x > 90.0;
        if beyond_90 {
            x = 180.0 - x;
        }
        Reduced {
            x,
            negative,
            beyond_180,
            beyond_90,
        }
    }

    fn signed(x: f64, negative: bool) -> f64 {
        if negative { -x } else { x }
    }

    /// `sin` of degrees.
    pub(super) fn sin(degrees: f64) -> f64 {
        let r = reduced(degrees);
        signed(quadrant_sin(r.x), r.negative != r.beyond_180)
    }

    /// `cos` of degrees.
    pub(super) fn cos(degrees: f64) -> f64 {
        let r = reduced(degrees);
        signed(quadrant_cos(r.x), r.beyond_90)
    }

    /// `tan` of degrees; never `-0`.
    pub(super) fn tan(degrees: f64) -> f64 {
        let r = reduced(degrees);
        let unit = quadrant_sin(45.0) / quadrant_cos(45.0);
        let tan = quadrant_sin(r.x) / quadrant_cos(r.x) / unit;
        signed(tan, (r.negative != r.beyond_180) != r.beyond_90) + 0.0
    }

    /// `cot` of degrees; never `-0`.
    pub(super) fn cot(degrees: f64) -> f64 {
        let r = reduced(degrees);
        let unit = quadrant_cos(45.0) / quadrant_sin(45.0);
        let cot = quadrant_cos(r.x) / quadrant_sin(r.x) / unit;
        signed(cot, (r.negative != r.beyond_180) != r.beyond_90) + 0.0
    }

    fn quadrant_sin(x: f64) -> f64 {
        if x <= 30.0 {
            small_sin(x)
        } else {
            small_cos(90.0 - x)
        }
    }

    fn quadrant_cos(x: f64) -> f64 {
        if x <= 60.0 {
            small_cos(x)
        } else {
            small_sin(90.0 - x)
        }
    }

    /// `sin` up to 30 degrees, scaled so that 30 gives exactly one half.
    fn small_sin(x: f64) -> f64 {
        (x * (PI / 180.0)).sin() / (30.0 * (PI / 180.0)).sin() / 2.0
    }

    /// `cos` up to 60 degrees, scaled so that 60 gives exactly one half.
    fn small_cos(x: f64) -> f64 {
        let one_minus_cos_60 = 1.0 - (60.0 * (PI / 180.0)).cos();
        1.0 - (1.0 - (x * (PI / 180.0)).cos()) / one_minus_cos_60 / 2.0
    }

    /// Arc sine in degrees: exact at 0, 30 and 90.
    pub(super) fn asin(x: f64) -> f64 {
        if x < 0.0 {
            -quadrant_asin(-x)
        } else {
            quadrant_asin(x)
        }
    }

    /// Arc cosine in degrees: exact at 0, 60, 90 and 180.
    pub(super) fn acos(x: f64) -> f64 {
        if x < 0.0 {
            90.0 + quadrant_asin(-x)
        } else if x <= 0.5 {
            90.0 - (x.asin() / 0.5_f64.asin()) * 30.0
        } else {
            (x.acos() / 0.5_f64.acos()) * 60.0
        }
    }

    fn quadrant_asin(x: f64) -> f64 {
        if x <= 0.5 {
            (x.asin() / 0.5_f64.asin()) * 30.0
        } else {
            90.0 - (x.acos() / 0.5_f64.acos()) * 60.0
        }
    }

    /// An arc in degrees: exact at multiples of 45.
    pub(super) fn of_arc(radians: f64) -> f64 {
        (radians / 1.0_f64.atan()) * 45.0
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

/// Where an operand lies among the equal buckets of `width_bucket`.
enum Bucket {
    Before,
    Within,
    After,
}

/// Tells the bucket's side after checking the bounds, which may run downwards.
fn bucket_side<T: PartialOrd>(
    [x, low, high]: [&T; 3],
    is_nan: impl Fn(&T) -> bool,
    is_infinite: impl Fn(&T) -> bool,
) -> Result<Bucket> {
    if [x, low, high].into_iter().any(is_nan) {
        return Err(bad_bucket(
            "operand, lower bound, and upper bound cannot be NaN",
        ));
    }
    if [low, high].into_iter().any(is_infinite) {
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
    Ok(match (before, after) {
        (true, _) => Bucket::Before,
        (_, true) => Bucket::After,
        _ => Bucket::Within,
    })
}

/// The number of a bucket; `within` counts from zero and may reach `count` by rounding.
fn bucket_number(side: &Bucket, count: i32, within: impl FnOnce() -> Result<i32>) -> Result<Value> {
    Ok(Value::Int4(match side {
        Bucket::Before => 0,
        Bucket::Within => within()?.min(count - 1) + 1,
        Bucket::After => count
            .checked_add(1)
            .ok_or_else(|| crate::op::integer::out_of_range(Int4))?,
    }))
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
    let side = bucket_side([x, low, high], |v| v.is_nan(), |v| v.is_infinite())?;
    bucket_number(&side, count, || {
        let share = (x - low) / (high - low);
        #[allow(clippy::cast_possible_truncation, reason = "between 0 and count")]
        let bucket = (share * f64::from(count)).floor() as i32;
        Ok(bucket)
    })
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
    let side = bucket_side([x, low, high], |v| v.is_nan(), |v| v.is_infinite())?;
    bucket_number(&side, count, || {
        let scaled = x.sub(low)?.mul(&Numeric::new(i64::from(count), 0))?;
        scaled.div_trunc(&high.sub(low)?)?.to_i32()
    })
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
