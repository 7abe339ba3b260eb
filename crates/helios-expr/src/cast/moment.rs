//! Conversions between dates, times and timestamps.

use helios_base::datetime::{
    MICROS_PER_DAY, date_to_timestamp, is_infinite_timestamp, local_to_timestamptz,
    timestamp_to_date, timestamptz_to_local,
};
use helios_base::{DataType, Interval, Result, TimeTz, Value};

use crate::context::EvalContext;

/// The conversion, if it is one between types of this family.
pub(super) fn convert(
    value: &Value,
    to: &DataType,
    ctx: &EvalContext<'_>,
) -> Option<Result<Value>> {
    let zone = &ctx.text.time_zone;
    Some(match (value, to) {
        (Value::Date(date), DataType::Timestamp(_)) => {
            date_to_timestamp(*date).map(Value::Timestamp)
        }
        (Value::Date(date), DataType::TimestampTz(_)) => date_to_timestamp(*date)
            .and_then(|local| local_to_timestamptz(local, zone))
            .map(Value::TimestampTz),
        (Value::Timestamp(timestamp), DataType::TimestampTz(_)) => {
            local_to_timestamptz(*timestamp, zone).map(Value::TimestampTz)
        }
        (Value::Timestamp(timestamp), DataType::Date) => {
            Ok(Value::Date(timestamp_to_date(*timestamp)))
        }
        (Value::Timestamp(timestamp), DataType::Time(_)) => Ok(time_of(*timestamp)),
        (
            Value::TimestampTz(instant),
            to @ (DataType::Timestamp(_) | DataType::Date | DataType::Time(_)),
        ) => timestamptz_to_local(*instant, zone).map(|local| match to {
            DataType::Timestamp(_) => Value::Timestamp(local),
            DataType::Date => Value::Date(timestamp_to_date(local)),
            _ => time_of(local),
        }),
        (Value::Time(time), DataType::TimeTz(_)) => {
            timestamptz_to_local(ctx.transaction_time, zone).map(|now| {
                // The offset is that of this time today.
                let local = now - now.rem_euclid(MICROS_PER_DAY) + time;
                Value::from(TimeTz {
                    micros: *time,
                    offset: zone.offset_of_local(local),
                })
            })
        }
        (Value::TimeTz(time), DataType::Time(_)) => Ok(Value::Time(time.micros)),
        (Value::TimestampTz(instant), DataType::TimeTz(_)) => {
            TimeTz::of_instant(*instant, zone).map(Value::from)
        }
        (Value::Time(time), DataType::Interval(_)) => Ok(Interval::new(0, 0, *time).into()),
        (Value::Interval(interval), DataType::Time(_)) => {
            Ok(Value::Time(interval.micros.rem_euclid(MICROS_PER_DAY)))
        }
        _ => return None,
    })
}

/// The time of day; infinities have none.
fn time_of(timestamp: i64) -> Value {
    if is_infinite_timestamp(timestamp) {
        Value::Null
    } else {
        Value::Time(timestamp.rem_euclid(MICROS_PER_DAY))
    }
}
