//! `generate_series` over numbers.

use helios_base::{Error, Numeric, Result, Row, SqlState, Value};

use super::{Rows, SetFunction, set_function};
use crate::function::{Call, mismatch};
use crate::ty::Ty::{Int4, Int8, Numeric as N};

pub(super) static FUNCTIONS: &[SetFunction] = &[
    set_function("generate_series", &[Int4, Int4], &[("", Int4)], integers),
    set_function(
        "generate_series",
        &[Int4, Int4, Int4],
        &[("", Int4)],
        integers,
    ),
    set_function("generate_series", &[Int8, Int8], &[("", Int8)], integers),
    set_function(
        "generate_series",
        &[Int8, Int8, Int8],
        &[("", Int8)],
        integers,
    ),
    set_function("generate_series", &[N, N], &[("", N)], numerics),
    set_function("generate_series", &[N, N, N], &[("", N)], numerics),
];

#[cold]
pub(super) fn zero_step() -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        "step size cannot equal zero",
    )
}

fn integers(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    match args {
        [Value::Int4(start), Value::Int4(stop)] => count((*start).into(), (*stop).into(), 1, int4),
        [Value::Int4(start), Value::Int4(stop), Value::Int4(step)] => {
            count((*start).into(), (*stop).into(), (*step).into(), int4)
        }
        [Value::Int8(start), Value::Int8(stop)] => count(*start, *stop, 1, Value::Int8),
        [Value::Int8(start), Value::Int8(stop), Value::Int8(step)] => {
            count(*start, *stop, *step, Value::Int8)
        }
        args => Err(mismatch(args)),
    }
}

/// Both ends of the series are `integer`s, and so is what lies between.
fn int4(n: i64) -> Value {
    i32::try_from(n).map_or(Value::Null, Value::Int4)
}

fn count(start: i64, stop: i64, step: i64, value: fn(i64) -> Value) -> Result<Rows> {
    if step == 0 {
        return Err(zero_step());
    }
    let mut next = Some(start);
    Ok(Box::new(std::iter::from_fn(move || {
        let here = next?;
        if step > 0 && here > stop || step < 0 && here < stop {
            return None;
        }
        // The series ends where it would overflow.
        next = here.checked_add(step);
        Some(Ok(vec![value(here)]))
    })))
}

fn numerics(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let (start, stop, step) = match args {
        [Value::Numeric(start), Value::Numeric(stop)] => (start, stop, Numeric::ONE),
        [
            Value::Numeric(start),
            Value::Numeric(stop),
            Value::Numeric(step),
        ] => (start, stop, step.clone()),
        args => return Err(mismatch(args)),
    };
    for (name, bound) in [("start", start), ("stop", stop), ("step size", &step)] {
        let what = if bound.is_nan() {
            "NaN"
        } else if bound.is_infinite() {
            "infinity"
        } else {
            continue;
        };
        let value = if name == "step size" {
            name.to_owned()
        } else {
            format!("{name} value")
        };
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("{value} cannot be {what}"),
        ));
    }
    if step.is_zero() {
        return Err(zero_step());
    }
    let stop = stop.clone();
    let mut next = Some(start.clone());
    let rising = step.signum() > 0;
    Ok(Box::new(std::iter::from_fn(move || {
        let here = next.take()?;
        if rising && here > stop || !rising && here < stop {
            return None;
        }
        let row: Result<Row> = here.add(&step).map(|after| {
            next = Some(after);
            vec![Value::Numeric(here)]
        });
        Some(row)
    })))
}
