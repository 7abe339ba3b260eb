//! `AT TIME ZONE`, which is a call of `timezone`, and `to_timestamp` of seconds.

use helios_base::datetime::{
    MICROS_PER_SECOND, TIMESTAMP_INFINITY, TIMESTAMP_NEG_INFINITY, check_timestamp,
    is_infinite_timestamp, local_to_timestamptz, timestamptz_to_local,
};
use helios_base::{Error, Result, SqlState, TimeZone, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::op::moment::{date_and_offset_time, date_and_time};
use crate::ty::Ty::{
    Date as D, Float8, Interval as V, Text, Time as T, TimeTz as O, Timestamp as S,
    TimestampTz as Z,
};

pub(super) static FUNCTIONS: &[Function] = &[
    function("timezone", &[Text, Z], S, at_zone),
    function("timezone", &[Text, S], Z, at_zone),
    function("timezone", &[V, Z], S, at_zone),
    function("timezone", &[V, S], Z, at_zone),
    function("timezone", &[Text, O], O, at_zone).volatile(),
    function("timezone", &[V, O], O, at_zone),
    function("to_timestamp", &[Float8], Z, to_timestamp),
    function("timestamptz", &[D, T], Z, date_at).stable(),
    function("timestamptz", &[D, O], Z, date_and_offset_time),
];

/// The moment of a date's time in the session's zone.
fn date_at(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    match date_and_time(args, call)? {
        Value::Timestamp(local) if is_infinite_timestamp(local) => Ok(Value::TimestampTz(local)),
        Value::Timestamp(local) => {
            local_to_timestamptz(local, &call.ctx.text.time_zone).map(Value::TimestampTz)
        }
        other => Err(mismatch(&[&other])),
    }
}

fn at_zone(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    // Infinity is the same in every zone, known or not.
    match args {
        [
            _,
            Value::TimestampTz(m @ (TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY)),
        ] => {
            return Ok(Value::Timestamp(*m));
        }
        [
            _,
            Value::Timestamp(m @ (TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY)),
        ] => {
            return Ok(Value::TimestampTz(*m));
        }
        _ => {}
    }
    let (zone, moment) = match args {
        [Value::Text(name), moment] => (TimeZone::parse(name)?, moment),
        [Value::Interval(offset), moment] => {
            if offset.months != 0 || offset.days != 0 {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("interval time zone \"{offset}\" must not include months or days"),
                ));
            }
            let seconds = i32::try_from(offset.micros / MICROS_PER_SECOND).map_err(|_| {
                Error::new(
                    SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                    "time zone displacement out of range",
                )
            })?;
            (TimeZone::fixed(seconds), moment)
        }
        args => return Err(mismatch(args)),
    };
    match moment {
        Value::TimestampTz(instant) => timestamptz_to_local(*instant, &zone)
            .and_then(check_timestamp)
            .map(Value::Timestamp),
        // Which offset it is then depends on the day.
        Value::TimeTz(time) => {
            let offset = zone.offset_at(call.ctx.transaction_time);
            Ok(Value::from(time.in_offset(offset)))
        }
        Value::Timestamp(local) => local_to_timestamptz(*local, &zone).map(Value::TimestampTz),
        _ => Err(mismatch(args)),
    }
}

/// Seconds since 1970 UTC.
fn to_timestamp(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Float8(seconds)] = args else {
        return Err(mismatch(args));
    };
    let refused = |message: String| Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message);
    if seconds.is_nan() {
        return Err(refused("timestamp cannot be NaN".to_owned()));
    }
    if seconds.is_infinite() {
        return Ok(Value::TimestampTz(if *seconds > 0.0 {
            TIMESTAMP_INFINITY
        } else {
            TIMESTAMP_NEG_INFINITY
        }));
    }
    // PostgreSQL counts from 2000, which decides how fractions round.
    let epoch = 946_684_800.0;
    let micros = ((seconds - epoch) * 1e6).round_ties_even();
    let out_of_range = || {
        let shown = Value::Float8(*seconds).to_text(
            &helios_base::DataType::Float8,
            &helios_base::TextContext::default(),
        );
        refused(format!("timestamp out of range: \"{shown}\""))
    };
    if micros.abs() > 9.2e18 {
        return Err(out_of_range());
    }
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let micros = (micros as i64)
        .checked_add(946_684_800 * MICROS_PER_SECOND)
        .ok_or_else(out_of_range)?;
    check_timestamp(micros)
        .map(Value::TimestampTz)
        .map_err(|_| out_of_range())
}
