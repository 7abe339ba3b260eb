//! `generate_series` over timestamps.

use helios_base::datetime::{add_to_timestamp, add_to_timestamptz, is_infinite_timestamp};
use helios_base::{Error, Interval, Result, SqlState, TimeZone, Value};

use super::series::zero_step;
use super::{Rows, SetFunction, set_function};
use crate::function::{Call, mismatch};
use crate::ty::Ty::{Interval as I, Timestamp, TimestampTz};

pub(super) static FUNCTIONS: &[SetFunction] = &[
    set_function(
        "generate_series",
        &[Timestamp, Timestamp, I],
        &[("", Timestamp)],
        series,
    ),
    set_function(
        "generate_series",
        &[TimestampTz, TimestampTz, I],
        &[("", TimestampTz)],
        series,
    )
    .stable(),
];

fn series(args: &[&Value], call: &Call<'_>) -> Result<Rows> {
    match args {
        [
            Value::Timestamp(start),
            Value::Timestamp(stop),
            Value::Interval(step),
        ] => steps(*start, *stop, **step, None),
        [
            Value::TimestampTz(start),
            Value::TimestampTz(stop),
            Value::Interval(step),
        ] => steps(*start, *stop, **step, Some(call.ctx.text.time_zone.clone())),
        args => Err(mismatch(args)),
    }
}

/// Each moment is the one before plus the step, so that months may shorten for good.
fn steps(start: i64, stop: i64, step: Interval, zone: Option<TimeZone>) -> Result<Rows> {
    let rising = match step.span() {
        0 => return Err(zero_step()),
        span => span > 0,
    };
    if is_infinite_timestamp(start) && is_infinite_timestamp(stop) && start != stop {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "series between infinities never ends",
        ));
    }
    let mut next = Some(start);
    Ok(Box::new(std::iter::from_fn(move || {
        let here = next.take()?;
        if rising && here > stop || !rising && here < stop {
            return None;
        }
        let after = match &zone {
            Some(zone) => add_to_timestamptz(here, &step, zone),
            None => add_to_timestamp(here, &step),
        };
        Some(after.map(|after| {
            // An infinity stays where it is: one row of it is enough.
            next = (after != here).then_some(after);
            vec![match zone {
                Some(_) => Value::TimestampTz(here),
                None => Value::Timestamp(here),
            }]
        }))
    })))
}
