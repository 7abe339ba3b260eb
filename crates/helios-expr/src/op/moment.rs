//! Arithmetic operators on dates, times, timestamps and intervals.

use helios_base::datetime::{
    MICROS_PER_DAY, add_to_timestamp, add_to_timestamptz, check_date, check_timestamp,
    date_to_timestamp, is_infinite_date, is_infinite_timestamp, subtract_timestamps,
    timestamp_out_of_range,
};
use helios_base::{Error, Interval, Result, SqlState, Value};

use crate::function::{Call, Function, infix, mismatch, prefix};
use crate::ty::Ty::{
    Date as D, Float8 as F, Int4 as I, Interval as V, Time as T, TimeTz as O, Timestamp as S,
    TimestampTz as Z,
};

pub(crate) static FUNCTIONS: &[Function] = &[
    infix("+", &[D, I], D, |args, _| days(args, false)),
    infix("+", &[I, D], D, |args, _| days(args, false)),
    infix("-", &[D, I], D, |args, _| days(args, true)),
    infix("-", &[D, D], I, between_dates),
    infix("+", &[D, V], S, |args, call| moved(args, call, false)),
    infix("+", &[V, D], S, |args, call| moved(args, call, false)),
    infix("-", &[D, V], S, |args, call| moved(args, call, true)),
    infix("+", &[D, T], S, date_and_time),
    infix("+", &[T, D], S, date_and_time),
    infix("+", &[S, V], S, |args, call| moved(args, call, false)),
    infix("+", &[V, S], S, |args, call| moved(args, call, false)),
    infix("-", &[S, V], S, |args, call| moved(args, call, true)),
    infix("-", &[S, S], V, between),
    infix("+", &[Z, V], Z, |args, call| moved(args, call, false)).stable(),
    infix("+", &[V, Z], Z, |args, call| moved(args, call, false)).stable(),
    infix("-", &[Z, V], Z, |args, call| moved(args, call, true)).stable(),
    infix("-", &[Z, Z], V, between),
    infix("+", &[T, V], T, |args, _| clock(args, false)),
    infix("+", &[V, T], T, |args, _| clock(args, false)),
    infix("-", &[T, V], T, |args, _| clock(args, true)),
    infix("-", &[T, T], V, between),
    infix("+", &[O, V], O, |args, _| offset_clock(args, false)),
    infix("+", &[V, O], O, |args, _| offset_clock(args, false)),
    infix("-", &[O, V], O, |args, _| offset_clock(args, true)),
    infix("+", &[D, O], Z, date_and_offset_time),
    infix("+", &[O, D], Z, date_and_offset_time),
    infix("+", &[V, V], V, |args, _| match args {
        [Value::Interval(a), Value::Interval(b)] => a.add(b).map(Value::from),
        args => Err(mismatch(args)),
    }),
    infix("-", &[V, V], V, |args, _| match args {
        [Value::Interval(a), Value::Interval(b)] => a.sub(b).map(Value::from),
        args => Err(mismatch(args)),
    }),
    prefix("-", &[V], V, |args, _| match args {
        [Value::Interval(a)] => a.neg().map(Value::from),
        args => Err(mismatch(args)),
    }),
    infix("*", &[V, F], V, scaled),
    infix("*", &[F, V], V, scaled),
    infix("/", &[V, F], V, |args, _| match args {
        [Value::Interval(a), Value::Float8(b)] => a.div(*b).map(Value::from),
        args => Err(mismatch(args)),
    }),
];

fn days(args: &[&Value], negate: bool) -> Result<Value> {
    let (date, days) = match args {
        [Value::Date(date), Value::Int4(days)] | [Value::Int4(days), Value::Date(date)] => {
            (*date, i64::from(*days))
        }
        args => return Err(mismatch(args)),
    };
    if is_infinite_date(date) {
        return Ok(Value::Date(date));
    }
    let days = if negate { -days } else { days };
    check_date(i64::from(date) + days).map(Value::Date)
}

fn between_dates(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Date(a), Value::Date(b)] = args else {
        return Err(mismatch(args));
    };
    if is_infinite_date(*a) || is_infinite_date(*b) {
        return Err(Error::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            "cannot subtract infinite dates",
        ));
    }
    // All dates together are fewer than 2^32 days but more than 2^31.
    i32::try_from(i64::from(*a) - i64::from(*b))
        .map(Value::Int4)
        .map_err(|_| Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"))
}

pub(crate) fn date_and_time(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let ([Value::Date(date), Value::Time(time)] | [Value::Time(time), Value::Date(date)]) = args
    else {
        return Err(mismatch(args));
    };
    let midnight = date_to_timestamp(*date)?;
    if is_infinite_timestamp(midnight) {
        return Ok(Value::Timestamp(midnight));
    }
    add_to_timestamp(midnight, &Interval::new(0, 0, *time)).map(Value::Timestamp)
}

/// The moment of a time with an offset on a day.
pub(crate) fn date_and_offset_time(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let ([Value::Date(date), Value::TimeTz(time)] | [Value::TimeTz(time), Value::Date(date)]) =
        args
    else {
        return Err(mismatch(args));
    };
    let midnight = date_to_timestamp(*date)?;
    if is_infinite_timestamp(midnight) {
        return Ok(Value::TimestampTz(midnight));
    }
    let instant = midnight.checked_add(time.utc());
    check_timestamp(instant.ok_or_else(timestamp_out_of_range)?).map(Value::TimestampTz)
}

fn offset_clock(args: &[&Value], negate: bool) -> Result<Value> {
    let ([Value::TimeTz(time), Value::Interval(interval)]
    | [Value::Interval(interval), Value::TimeTz(time)]) = args
    else {
        return Err(mismatch(args));
    };
    // Only what is less than a day counts, so that there is always a negative.
    let micros = interval.micros % MICROS_PER_DAY;
    let by = Interval::new(0, 0, if negate { -micros } else { micros });
    Ok(time.plus(&by).into())
}

fn moved(args: &[&Value], call: &Call<'_>, negate: bool) -> Result<Value> {
    let (moment, interval) = match args {
        [Value::Interval(interval), moment] => (moment, interval),
        [moment, Value::Interval(interval)] => (moment, interval),
        args => return Err(mismatch(args)),
    };
    let negated;
    let interval: &Interval = if negate {
        negated = interval.neg()?;
        &negated
    } else {
        interval
    };
    match moment {
        Value::Date(date) => {
            add_to_timestamp(date_to_timestamp(*date)?, interval).map(Value::Timestamp)
        }
        Value::Timestamp(timestamp) => add_to_timestamp(*timestamp, interval).map(Value::Timestamp),
        Value::TimestampTz(instant) => {
            add_to_timestamptz(*instant, interval, &call.ctx.text.time_zone).map(Value::TimestampTz)
        }
        _ => Err(mismatch(args)),
    }
}

fn between(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Timestamp(a), Value::Timestamp(b)]
        | [Value::TimestampTz(a), Value::TimestampTz(b)] => {
            subtract_timestamps(*a, *b).map(Value::from)
        }
        [Value::Time(a), Value::Time(b)] => Ok(Interval::new(0, 0, a - b).into()),
        args => Err(mismatch(args)),
    }
}

/// A time of day goes round at midnight.
fn clock(args: &[&Value], negate: bool) -> Result<Value> {
    let ([Value::Time(time), Value::Interval(interval)]
    | [Value::Interval(interval), Value::Time(time)]) = args
    else {
        return Err(mismatch(args));
    };
    let by = interval.micros % MICROS_PER_DAY;
    let by = if negate { -by } else { by };
    Ok(Value::Time((time + by).rem_euclid(MICROS_PER_DAY)))
}

fn scaled(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Interval(interval), Value::Float8(factor)]
        | [Value::Float8(factor), Value::Interval(interval)] => {
            interval.mul(*factor).map(Value::from)
        }
        args => Err(mismatch(args)),
    }
}
