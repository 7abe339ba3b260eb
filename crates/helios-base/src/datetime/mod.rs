//! Dates, times, intervals and time zones as PostgreSQL has them.
//!
//! Values count from 1970-01-01: days for `date`, microseconds for the others. The extremes of
//! their integers are `-infinity` and `infinity`.

mod abbreviation;
mod arithmetic;
mod civil;
mod decode;
mod extract;
mod input;
mod interval;
mod interval_input;
mod interval_iso;
mod interval_output;
mod iso;
mod keyword;
mod number;
mod output;
mod precision;
mod style;
mod timetz;
mod token;
mod truncate;
mod zone;

pub use arithmetic::{add_to_timestamp, add_to_timestamptz, age, age_tz, subtract_timestamps};
pub use civil::{Civil, civil_from_days, days_from_civil, days_in_month, is_leap, iso_week_start};
pub use extract::{
    extract_date, extract_interval, extract_time, extract_timestamp, extract_timestamptz,
};
pub use input::{parse_date, parse_time, parse_timestamp, parse_timestamptz, parse_timetz};
pub use interval::Interval;
pub use interval_input::{parse_interval, parse_interval_as};
pub use interval_output::write_interval;
pub use output::{write_date, write_time, write_timestamp, write_timestamptz};
pub use precision::{
    IntervalFields, IntervalModifier, PRECISION_MAX, round_micros, round_timestamp,
};
pub use style::{DateOrder, DateStyle, IntervalStyle, parse_date_style, show_date_style};
pub use timetz::{TimeTz, extract_timetz};
pub use truncate::{bin, truncate_interval, truncate_timestamp, truncate_timestamptz};
pub use zone::TimeZone;

use crate::{Error, Result, SqlState};

/// Microseconds in a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;
/// Microseconds in an hour.
pub const MICROS_PER_HOUR: i64 = 60 * MICROS_PER_MINUTE;
/// Microseconds in a day of 24 hours.
pub const MICROS_PER_DAY: i64 = 24 * MICROS_PER_HOUR;
/// `date` and `infinity`.
pub const DATE_INFINITY: i32 = i32::MAX;
/// `date` and `-infinity`.
pub const DATE_NEG_INFINITY: i32 = i32::MIN;
/// `timestamp[tz]` and `infinity`.
pub const TIMESTAMP_INFINITY: i64 = i64::MAX;
/// `timestamp[tz]` and `-infinity`.
pub const TIMESTAMP_NEG_INFINITY: i64 = i64::MIN;

/// The first date: 4714-11-24 BC, Julian day 0.
pub const DATE_MIN: i32 = -JULIAN_EPOCH;
/// The last date: 5874897-12-31.
pub const DATE_MAX: i32 = 2_145_042_905;
/// The first timestamp: 4714-11-24 00:00 BC.
pub const TIMESTAMP_MIN: i64 = DATE_MIN as i64 * MICROS_PER_DAY;
/// The end of the last year of timestamps, 294246; the last timestamp is one microsecond before.
/// (PostgreSQL, which counts from 2000, ends thirty years later.)
pub const TIMESTAMP_END: i64 = 106_751_982 * MICROS_PER_DAY;
/// The Julian day of 1970-01-01.
pub const JULIAN_EPOCH: i32 = 2_440_588;

/// Whether a timestamp is one of the infinities.
#[must_use]
pub fn is_infinite_timestamp(timestamp: i64) -> bool {
    matches!(timestamp, TIMESTAMP_INFINITY | TIMESTAMP_NEG_INFINITY)
}

/// Whether a date is one of the infinities.
#[must_use]
pub fn is_infinite_date(date: i32) -> bool {
    matches!(date, DATE_INFINITY | DATE_NEG_INFINITY)
}

/// Checks that a finite timestamp is within PostgreSQL's range.
///
/// # Errors
/// `22008` `timestamp out of range`.
pub fn check_timestamp(timestamp: i64) -> Result<i64> {
    if (TIMESTAMP_MIN..TIMESTAMP_END).contains(&timestamp) {
        Ok(timestamp)
    } else {
        Err(timestamp_out_of_range())
    }
}

/// Checks that a finite date is within PostgreSQL's range.
///
/// # Errors
/// `22008` `date out of range`.
pub fn check_date(date: i64) -> Result<i32> {
    match i32::try_from(date) {
        Ok(date) if (DATE_MIN..=DATE_MAX).contains(&date) => Ok(date),
        _ => Err(Error::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            "date out of range",
        )),
    }
}

/// `timestamp out of range`
#[must_use]
pub fn timestamp_out_of_range() -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

/// `interval out of range`
#[must_use]
pub fn interval_out_of_range() -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, "interval out of range")
}

/// The timestamp at the start of a date; infinities stay.
///
/// # Errors
/// `22008` beyond the last timestamp.
pub fn date_to_timestamp(date: i32) -> Result<i64> {
    match date {
        DATE_INFINITY => Ok(TIMESTAMP_INFINITY),
        DATE_NEG_INFINITY => Ok(TIMESTAMP_NEG_INFINITY),
        _ => match i64::from(date).checked_mul(MICROS_PER_DAY) {
            Some(micros) if (TIMESTAMP_MIN..TIMESTAMP_END).contains(&micros) => Ok(micros),
            _ => Err(Error::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                "date out of range for timestamp",
            )),
        },
    }
}

/// The date of a timestamp; infinities stay.
#[must_use]
pub fn timestamp_to_date(timestamp: i64) -> i32 {
    match timestamp {
        TIMESTAMP_INFINITY => DATE_INFINITY,
        TIMESTAMP_NEG_INFINITY => DATE_NEG_INFINITY,
        // A timestamp has fewer than 2^31 days.
        _ => timestamp.div_euclid(MICROS_PER_DAY) as i32,
    }
}

/// The local time of an instant in a zone; infinities stay.
///
/// # Errors
/// `22008` beyond the range of timestamps.
pub fn timestamptz_to_local(instant: i64, zone: &TimeZone) -> Result<i64> {
    if is_infinite_timestamp(instant) {
        return Ok(instant);
    }
    instant
        .checked_add(i64::from(zone.offset_at(instant)) * MICROS_PER_SECOND)
        .ok_or_else(timestamp_out_of_range)
}

/// The instant of a local time in a zone; infinities stay.
///
/// # Errors
/// `22008` beyond the range of timestamps.
pub fn local_to_timestamptz(local: i64, zone: &TimeZone) -> Result<i64> {
    if is_infinite_timestamp(local) {
        return Ok(local);
    }
    let offset = i64::from(zone.offset_of_local(local)) * MICROS_PER_SECOND;
    check_timestamp(
        local
            .checked_sub(offset)
            .ok_or_else(timestamp_out_of_range)?,
    )
}
