//! `current_date`, `current_timestamp` and the other clocks of a transaction.

use helios_base::datetime::{
    MICROS_PER_DAY, PRECISION_MAX, round_micros, timestamp_to_date, timestamptz_to_local,
};
use helios_base::text::{DateOrder, DateStyle};
use helios_base::{Result, TimeTz as OffsetTime, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Date, Int4, Time, TimeTz, Timestamp, TimestampTz};

pub(super) static FUNCTIONS: &[Function] = &[
    function("current_date", &[], Date, |_, call| {
        local(call).map(|local| Value::Date(timestamp_to_date(local)))
    })
    .stable(),
    function("current_timestamp", &[], TimestampTz, instant).stable(),
    function("current_timestamp", &[Int4], TimestampTz, instant).stable(),
    function("localtimestamp", &[], Timestamp, timestamp).stable(),
    function("localtimestamp", &[Int4], Timestamp, timestamp).stable(),
    function("localtime", &[], Time, time).stable(),
    function("localtime", &[Int4], Time, time).stable(),
    function("current_time", &[], TimeTz, offset_time).stable(),
    function("current_time", &[Int4], TimeTz, offset_time).stable(),
    function("timeofday", &[], crate::ty::Ty::Text, |_, call| {
        let mut shown = String::new();
        let now = call.ctx.statement_time;
        helios_base::datetime::write_timestamptz(
            now,
            &call.ctx.text.time_zone,
            DateStyle::Postgres,
            DateOrder::Mdy,
            &mut shown,
        );
        Ok(Value::text(shown))
    })
    .volatile(),
];

/// The start of the transaction as local time.
fn local(call: &Call<'_>) -> Result<i64> {
    timestamptz_to_local(call.ctx.transaction_time, &call.ctx.text.time_zone)
}

/// Rounds to a number of digits of the second, half away from zero.
fn rounded(micros: i64, args: &[&Value]) -> Result<i64> {
    let digits = match args {
        [] => return Ok(micros),
        [Value::Int4(digits)] => u8::try_from(*digits).unwrap_or(0).min(PRECISION_MAX),
        args => return Err(mismatch(args)),
    };
    Ok(round_micros(micros, digits))
}

fn instant(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    rounded(call.ctx.transaction_time, args).map(Value::TimestampTz)
}

fn timestamp(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    rounded(local(call)?, args).map(Value::Timestamp)
}

fn time(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    rounded(local(call)?.rem_euclid(MICROS_PER_DAY), args).map(Value::Time)
}

fn offset_time(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let now = OffsetTime::of_instant(call.ctx.transaction_time, &call.ctx.text.time_zone)?;
    let Some(mut now) = now else {
        return Ok(Value::Null);
    };
    now.micros = rounded(now.micros, args)?;
    Ok(now.into())
}
