//! `current_date`, `current_timestamp` and the other clocks of a transaction.

use helios_base::datetime::{MICROS_PER_DAY, timestamp_to_date, timestamptz_to_local};
use helios_base::text::{DateOrder, DateStyle};
use helios_base::{Error, Result, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Date, Int4, Time, Timestamp, TimestampTz};

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
    function("current_time", &[], Time, no_zone).stable(),
    function("current_time", &[Int4], Time, no_zone).stable(),
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
        [Value::Int4(digits)] => u32::try_from(*digits).unwrap_or(0),
        args => return Err(mismatch(args)),
    };
    let unit = 10i64.pow(6u32.saturating_sub(digits));
    let half = if micros < 0 { -unit / 2 } else { unit / 2 };
    Ok(micros.saturating_add(half) / unit * unit)
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

fn no_zone(_: &[&Value], _: &Call<'_>) -> Result<Value> {
    Err(
        Error::unsupported("type time with time zone is not supported")
            .with_hint("Use LOCALTIME or CURRENT_TIMESTAMP."),
    )
}
