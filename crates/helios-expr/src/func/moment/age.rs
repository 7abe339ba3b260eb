//! `age`, `justify_…`, `isfinite` and `overlaps`.

use helios_base::datetime::{
    self, MICROS_PER_DAY, date_to_timestamp, is_infinite_date, is_infinite_timestamp,
    timestamp_to_date, timestamptz_to_local,
};
use helios_base::{Interval, Result, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{
    Bool, Date as D, Interval as V, Time as T, TimeTz as O, Timestamp as S, TimestampTz as Z,
};

macro_rules! justify {
    ($f:ident) => {
        |args: &[&Value], _: &Call<'_>| match args {
            [Value::Interval(interval)] => interval.$f().map(Value::from),
            args => Err(mismatch(args)),
        }
    };
}

pub(super) static FUNCTIONS: &[Function] = &[
    function("age", &[S, S], V, age),
    function("age", &[Z, Z], V, age).stable(),
    function("age", &[S], V, age_today).stable(),
    function("age", &[Z], V, age_today).stable(),
    function("justify_days", &[V], V, justify!(justify_days)),
    function("justify_hours", &[V], V, justify!(justify_hours)),
    function("justify_interval", &[V], V, justify!(justify_interval)),
    function("isfinite", &[D], Bool, is_finite),
    function("isfinite", &[S], Bool, is_finite),
    function("isfinite", &[Z], Bool, is_finite),
    function("isfinite", &[V], Bool, is_finite),
    function("overlaps", &[S, S, S, S], Bool, overlaps).not_strict(),
    function("overlaps", &[Z, Z, Z, Z], Bool, overlaps).not_strict(),
    function("overlaps", &[T, T, T, T], Bool, overlaps).not_strict(),
    function("overlaps", &[O, O, O, O], Bool, overlaps).not_strict(),
    function("overlaps", &[S, V, S, V], Bool, overlaps).not_strict(),
    function("overlaps", &[Z, V, Z, V], Bool, overlaps)
        .not_strict()
        .stable(),
    function("overlaps", &[S, S, S, V], Bool, overlaps).not_strict(),
    function("overlaps", &[S, V, S, S], Bool, overlaps).not_strict(),
    function("overlaps", &[Z, Z, Z, V], Bool, overlaps)
        .not_strict()
        .stable(),
    function("overlaps", &[Z, V, Z, Z], Bool, overlaps)
        .not_strict()
        .stable(),
    function("overlaps", &[T, V, T, V], Bool, overlaps).not_strict(),
    function("overlaps", &[T, T, T, V], Bool, overlaps).not_strict(),
    function("overlaps", &[T, V, T, T], Bool, overlaps).not_strict(),
];

fn age(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Timestamp(a), Value::Timestamp(b)] => datetime::age(*a, *b).map(Value::from),
        [Value::TimestampTz(a), Value::TimestampTz(b)] => {
            datetime::age_tz(*a, *b, &call.ctx.text.time_zone).map(Value::from)
        }
        args => Err(mismatch(args)),
    }
}

/// The age at the start of the current day.
fn age_today(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let zone = &call.ctx.text.time_zone;
    let now = timestamptz_to_local(call.ctx.transaction_time, zone)?;
    let today = date_to_timestamp(timestamp_to_date(now))?;
    match args {
        [Value::Timestamp(timestamp)] => datetime::age(today, *timestamp).map(Value::from),
        [Value::TimestampTz(instant)] => {
            let today = datetime::local_to_timestamptz(today, zone)?;
            datetime::age_tz(today, *instant, zone).map(Value::from)
        }
        args => Err(mismatch(args)),
    }
}

fn is_finite(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    Ok(Value::Bool(match args {
        [Value::Date(date)] => !is_infinite_date(*date),
        [Value::Timestamp(micros) | Value::TimestampTz(micros)] => !is_infinite_timestamp(*micros),
        [Value::Interval(_)] => true,
        args => return Err(mismatch(args)),
    }))
}

/// Whether two periods share a moment; a period without end is the moment it starts at.
fn overlaps(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [a, b, c, d] = args else {
        return Err(mismatch(args));
    };
    let (Some(first), Some(second)) = (period(a, b, call)?, period(c, d, call)?) else {
        return Ok(Value::Null);
    };
    let (first, second) = if first.0.cmp_sql(&second.0).is_gt() {
        (second, first)
    } else {
        (first, second)
    };
    if first.0.cmp_sql(&second.0).is_eq() {
        // Periods that start together overlap unless their ends are unknown.
        return Ok(match (&first.1, &second.1) {
            (Some(_), Some(_)) => Value::Bool(true),
            _ => Value::Null,
        });
    }
    Ok(match &first.1 {
        None => Value::Null,
        Some(end) => {
            if second.0.cmp_sql(end).is_lt() {
                Value::Bool(true)
            } else if second.1.is_none() {
                Value::Null
            } else {
                Value::Bool(false)
            }
        }
    })
}

/// The start and the end, in order; `None` without either.
fn period(a: &Value, b: &Value, call: &Call<'_>) -> Result<Option<(Value, Option<Value>)>> {
    let end = match (a, b) {
        (Value::Null, Value::Interval(_)) => return Ok(None),
        (start, Value::Interval(interval)) => moved(start, interval, call)?,
        (_, end) => end.clone(),
    };
    Ok(match (a, end) {
        (Value::Null, Value::Null) => None,
        (Value::Null, only) => Some((only, None)),
        (only, Value::Null) => Some((only.clone(), None)),
        (start, end) if start.cmp_sql(&end).is_gt() => Some((end, Some(start.clone()))),
        (start, end) => Some((start.clone(), Some(end))),
    })
}

fn moved(start: &Value, interval: &Interval, call: &Call<'_>) -> Result<Value> {
    match start {
        Value::Timestamp(timestamp) => {
            datetime::add_to_timestamp(*timestamp, interval).map(Value::Timestamp)
        }
        Value::TimestampTz(instant) => {
            datetime::add_to_timestamptz(*instant, interval, &call.ctx.text.time_zone)
                .map(Value::TimestampTz)
        }
        // A time goes on around the clock.
        Value::Time(time) => Ok(Value::Time(
            (time + interval.micros % MICROS_PER_DAY).rem_euclid(MICROS_PER_DAY),
        )),
        other => Err(mismatch(&[other])),
    }
}
