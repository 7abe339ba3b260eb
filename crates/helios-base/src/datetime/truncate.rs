//! `date_trunc` and `date_bin`.

use super::arithmetic::{first_of_month, monday};
use super::extract::{not_recognized, not_supported};
use super::keyword::{IntervalWord, Unit, find_unit};
use super::{
    Interval, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, TimeZone,
    check_timestamp, is_infinite_timestamp, local_to_timestamptz, timestamp_out_of_range,
    timestamptz_to_local,
};
use crate::{Error, Result, SqlState};

/// `date_trunc(unit, timestamp)`; infinities stay.
///
/// # Errors
/// `22023` for words that are no unit, `0A000` for units that do not apply.
pub fn truncate_timestamp(unit: &str, timestamp: i64) -> Result<i64> {
    truncate(unit, timestamp, "timestamp without time zone").map(|(timestamp, _)| timestamp)
}

/// `date_trunc(unit, timestamptz, zone)`: in local time; infinities stay.
///
/// # Errors
/// As [`truncate_timestamp`].
pub fn truncate_timestamptz(unit: &str, instant: i64, zone: &TimeZone) -> Result<i64> {
    let local = timestamptz_to_local(instant, zone)?;
    let (truncated, whole_days) = truncate(unit, local, "timestamp with time zone")?;
    if is_infinite_timestamp(instant) {
        Ok(instant)
    } else if whole_days {
        local_to_timestamptz(truncated, zone)
    } else {
        // Within a day the offset stays what it was.
        check_timestamp(instant.saturating_sub(local - truncated))
    }
}

/// The truncated timestamp, and whether the unit is a day or longer.
fn truncate(unit: &str, timestamp: i64, ty: &str) -> Result<(i64, bool)> {
    if is_infinite_timestamp(timestamp) {
        return Ok((timestamp, true));
    }
    let kind = find(unit, ty)?;
    let size = match kind {
        Unit::Microsecond => 1,
        Unit::Millisecond => 1000,
        Unit::Second => MICROS_PER_SECOND,
        Unit::Minute => MICROS_PER_MINUTE,
        Unit::Hour => MICROS_PER_HOUR,
        Unit::Day => MICROS_PER_DAY,
        Unit::Week
        | Unit::Month
        | Unit::Quarter
        | Unit::Year
        | Unit::Decade
        | Unit::Century
        | Unit::Millennium => 0,
        _ => return Err(not_supported(unit, ty)),
    };
    if size > 0 {
        let truncated = timestamp.saturating_sub(timestamp.rem_euclid(size));
        return Ok((truncated, size == MICROS_PER_DAY));
    }
    let days = timestamp.div_euclid(MICROS_PER_DAY);
    let days = if kind == Unit::Week {
        monday(days)
    } else {
        first_of_month(days, |year, month| match kind {
            Unit::Month => (year, month),
            Unit::Quarter => (year, (month - 1) / 3 * 3 + 1),
            Unit::Decade => (first_of_decade(year), 1),
            Unit::Century => (first_year(year, 100), 1),
            Unit::Millennium => (first_year(year, 1000), 1),
            _ => (year, 1),
        })
        .days()
    };
    let truncated = days
        .checked_mul(MICROS_PER_DAY)
        .ok_or_else(timestamp_out_of_range)?;
    Ok((check_timestamp(truncated)?, true))
}

fn find(unit: &str, ty: &str) -> Result<Unit> {
    match find_unit(&unit.to_lowercase()) {
        Some(IntervalWord::Unit(kind)) => Ok(kind),
        _ => Err(not_recognized(unit, ty)),
    }
}

fn first_of_decade(year: i32) -> i32 {
    if year > 0 {
        year / 10 * 10
    } else {
        -((8 - (year - 1)) / 10 * 10)
    }
}

/// The first year of the century or millennium: 1, 101, …
fn first_year(year: i32, length: i32) -> i32 {
    if year > 0 {
        (year + length - 1) / length * length - (length - 1)
    } else {
        -((length - 1 - (year - 1)) / length * length) + 1
    }
}

/// `date_trunc(unit, interval)`
///
/// # Errors
/// As [`truncate_timestamp`].
pub fn truncate_interval(unit: &str, interval: &Interval) -> Result<Interval> {
    let kind = find(unit, "interval")?;
    let months = |length: i32| Interval::new(interval.months / length * length, 0, 0);
    let micros = |length: i64| {
        Interval::new(
            interval.months,
            interval.days,
            interval.micros / length * length,
        )
    };
    Ok(match kind {
        Unit::Millennium => months(12_000),
        Unit::Century => months(1200),
        Unit::Decade => months(120),
        Unit::Year => months(12),
        Unit::Quarter => months(3),
        Unit::Month => months(1),
        Unit::Day => Interval::new(interval.months, interval.days, 0),
        Unit::Hour => micros(MICROS_PER_HOUR),
        Unit::Minute => micros(MICROS_PER_MINUTE),
        Unit::Second => micros(MICROS_PER_SECOND),
        Unit::Millisecond => micros(1000),
        Unit::Microsecond => *interval,
        Unit::Week => {
            return Err(not_supported(unit, "interval")
                .with_detail("Months usually have fractional weeks."));
        }
        _ => return Err(not_supported(unit, "interval")),
    })
}

/// `date_bin(stride, timestamp, origin)`: the start of the stride that holds `timestamp`.
///
/// # Errors
/// `0A000` for strides with months; `22008` for strides that are not positive and for infinities.
pub fn bin(stride: &Interval, timestamp: i64, origin: i64) -> Result<i64> {
    if is_infinite_timestamp(timestamp) {
        return Ok(timestamp);
    }
    if is_infinite_timestamp(origin) {
        return Err(Error::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            "origin out of range",
        ));
    }
    if stride.months != 0 {
        return Err(Error::unsupported(
            "timestamps cannot be binned into intervals containing months or years",
        ));
    }
    let stride = i64::from(stride.days)
        .checked_mul(MICROS_PER_DAY)
        .and_then(|days| days.checked_add(stride.micros))
        .ok_or_else(super::interval_out_of_range)?;
    if stride <= 0 {
        return Err(Error::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            "stride must be greater than zero",
        ));
    }
    let since = timestamp
        .checked_sub(origin)
        .ok_or_else(super::interval_out_of_range)?;
    check_timestamp(timestamp.saturating_sub(since.rem_euclid(stride)))
}
