//! `extract`, `date_part`, `date_trunc` and `date_bin`.

use helios_base::datetime::{self, date_to_timestamp};
use helios_base::{Numeric, Result, TimeZone, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{
    Date as D, Float8 as F, Interval as V, Numeric as N, Text, Time as T, TimeTz as O,
    Timestamp as S, TimestampTz as Z,
};

pub(super) static FUNCTIONS: &[Function] = &[
    function("extract", &[Text, S], N, extract),
    function("extract", &[Text, Z], N, extract).stable(),
    function("extract", &[Text, D], N, extract),
    function("extract", &[Text, T], N, extract),
    function("extract", &[Text, O], N, extract),
    function("extract", &[Text, V], N, extract),
    function("date_part", &[Text, S], F, date_part),
    function("date_part", &[Text, Z], F, date_part).stable(),
    function("date_part", &[Text, D], F, date_part),
    function("date_part", &[Text, T], F, date_part),
    function("date_part", &[Text, O], F, date_part),
    function("date_part", &[Text, V], F, date_part),
    function("date_trunc", &[Text, S], S, truncate),
    function("date_trunc", &[Text, Z], Z, truncate).stable(),
    function("date_trunc", &[Text, Z, Text], Z, truncate_in),
    function("date_trunc", &[Text, V], V, truncate),
    function("date_bin", &[V, S, S], S, bin),
    function("date_bin", &[V, Z, Z], Z, bin),
];

fn part(args: &[&Value], call: &Call<'_>) -> Result<Option<Numeric>> {
    match args {
        [Value::Text(part), Value::Timestamp(timestamp)] => {
            datetime::extract_timestamp(part, *timestamp)
        }
        [Value::Text(part), Value::TimestampTz(instant)] => {
            datetime::extract_timestamptz(part, *instant, &call.ctx.text.time_zone)
        }
        [Value::Text(part), Value::Date(date)] => datetime::extract_date(part, *date),
        [Value::Text(part), Value::Time(time)] => datetime::extract_time(part, *time).map(Some),
        [Value::Text(part), Value::TimeTz(time)] => datetime::extract_timetz(part, time).map(Some),
        [Value::Text(part), Value::Interval(interval)] => {
            datetime::extract_interval(part, interval).map(Some)
        }
        args => Err(mismatch(args)),
    }
}

fn extract(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    part(args, call).map(Value::from)
}

/// The same as a float; dates count as their midnight.
fn date_part(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let found = match args {
        [name, Value::Date(date)] => {
            let midnight = Value::Timestamp(date_to_timestamp(*date)?);
            part(&[name, &midnight], call)?
        }
        args => part(args, call)?,
    };
    Ok(found.map_or(Value::Null, |number| Value::Float8(number.to_f64_lossy())))
}

fn truncate(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Text(unit), Value::Timestamp(timestamp)] => {
            datetime::truncate_timestamp(unit, *timestamp).map(Value::Timestamp)
        }
        [Value::Text(unit), Value::TimestampTz(instant)] => {
            datetime::truncate_timestamptz(unit, *instant, &call.ctx.text.time_zone)
                .map(Value::TimestampTz)
        }
        [Value::Text(unit), Value::Interval(interval)] => {
            datetime::truncate_interval(unit, interval).map(Value::from)
        }
        args => Err(mismatch(args)),
    }
}

fn truncate_in(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [
            Value::Text(unit),
            Value::TimestampTz(instant),
            Value::Text(zone),
        ] => datetime::truncate_timestamptz(unit, *instant, &TimeZone::parse(zone)?)
            .map(Value::TimestampTz),
        args => Err(mismatch(args)),
    }
}

fn bin(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [
            Value::Interval(stride),
            Value::Timestamp(timestamp),
            Value::Timestamp(origin),
        ] => datetime::bin(stride, *timestamp, *origin).map(Value::Timestamp),
        [
            Value::Interval(stride),
            Value::TimestampTz(instant),
            Value::TimestampTz(origin),
        ] => datetime::bin(stride, *instant, *origin).map(Value::TimestampTz),
        args => Err(mismatch(args)),
    }
}
