//! `extract(part FROM …)`.

use super::civil::Civil;
use super::keyword::{Unit, find_part};
use super::{
    DATE_NEG_INFINITY, Interval, JULIAN_EPOCH, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE,
    MICROS_PER_SECOND, TIMESTAMP_NEG_INFINITY, TimeZone, is_infinite_date, is_infinite_timestamp,
    timestamptz_to_local,
};
use crate::{Error, Numeric, Result, SqlState};

/// `unit "…" not recognized for type …`
pub(super) fn not_recognized(part: &str, ty: &str) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!(
            "unit \"{}\" not recognized for type {ty}",
            part.to_lowercase()
        ),
    )
}

/// `unit "…" not supported for type …`
pub(super) fn not_supported(part: &str, ty: &str) -> Error {
    Error::unsupported(format!(
        "unit \"{}\" not supported for type {ty}",
        part.to_lowercase()
    ))
}

/// A part of a timestamp; `None` (SQL `NULL`) for parts that an infinity does not have.
///
/// # Errors
/// `22023` for words that are no part, `0A000` for parts that do not apply; so for all below.
pub fn extract_timestamp(part: &str, timestamp: i64) -> Result<Option<Numeric>> {
    let ty = "timestamp without time zone";
    let unit = find_part(part).ok_or_else(|| not_recognized(part, ty))?;
    if is_infinite_timestamp(timestamp) {
        return infinite(unit, timestamp == TIMESTAMP_NEG_INFINITY)
            .ok_or_else(|| not_supported(part, ty));
    }
    if unit == Unit::Epoch {
        return Ok(Some(Numeric::new(timestamp, 6)));
    }
    local_part(unit, timestamp)
        .map(Some)
        .ok_or_else(|| not_supported(part, ty))
}

/// A part of an instant in local time; `None` for parts that an infinity does not have.
///
/// # Errors
/// As [`extract_timestamp`].
pub fn extract_timestamptz(part: &str, instant: i64, zone: &TimeZone) -> Result<Option<Numeric>> {
    let ty = "timestamp with time zone";
    let unit = find_part(part).ok_or_else(|| not_recognized(part, ty))?;
    if is_infinite_timestamp(instant) {
        return infinite(unit, instant == TIMESTAMP_NEG_INFINITY)
            .ok_or_else(|| not_supported(part, ty));
    }
    let offset = i64::from(zone.offset_at(instant));
    let found = match unit {
        Unit::Epoch => Some(Numeric::new(instant, 6)),
        Unit::Timezone => Some(Numeric::from(offset)),
        Unit::TimezoneHour => Some(Numeric::from(offset / 3600)),
        Unit::TimezoneMinute => Some(Numeric::from(offset / 60 % 60)),
        _ => local_part(unit, timestamptz_to_local(instant, zone)?),
    };
    found.map(Some).ok_or_else(|| not_supported(part, ty))
}

/// A part of a date; `None` for parts that an infinity does not have.
///
/// # Errors
/// As [`extract_timestamp`].
pub fn extract_date(part: &str, date: i32) -> Result<Option<Numeric>> {
    let unit = find_part(part).ok_or_else(|| not_recognized(part, "date"))?;
    let unsupported = || not_supported(part, "date");
    if matches!(
        unit,
        Unit::Microsecond
            | Unit::Millisecond
            | Unit::Second
            | Unit::Minute
            | Unit::Hour
            | Unit::Timezone
            | Unit::TimezoneHour
            | Unit::TimezoneMinute
    ) {
        return Err(unsupported());
    }
    if is_infinite_date(date) {
        return infinite(unit, date == DATE_NEG_INFINITY).ok_or_else(unsupported);
    }
    let found = match unit {
        Unit::Epoch => Some(Numeric::from(i64::from(date) * 86_400)),
        Unit::Julian => Some(Numeric::from(i64::from(date) + i64::from(JULIAN_EPOCH))),
        _ => date_part(unit, &Civil::of_date(date)).map(Numeric::from),
    };
    found.map(Some).ok_or_else(unsupported)
}

/// A part of a time of day.
///
/// # Errors
/// As [`extract_timestamp`].
pub fn extract_time(part: &str, time: i64) -> Result<Numeric> {
    let ty = "time without time zone";
    let unit = find_part(part).ok_or_else(|| not_recognized(part, ty))?;
    match unit {
        Unit::Epoch => Some(Numeric::new(time, 6)),
        _ => clock_part(unit, time),
    }
    .ok_or_else(|| not_supported(part, ty))
}

/// A part of an interval.
///
/// # Errors
/// As [`extract_timestamp`].
pub fn extract_interval(part: &str, interval: &Interval) -> Result<Numeric> {
    let unit = find_part(part).ok_or_else(|| not_recognized(part, "interval"))?;
    let (years, months) = (interval.months / 12, interval.months % 12);
    Ok(match unit {
        Unit::Hour => Numeric::from(interval.micros / MICROS_PER_HOUR),
        Unit::Day => Numeric::from(interval.days),
        Unit::Month => Numeric::from(months),
        Unit::Quarter => Numeric::from(months / 3 + 1),
        Unit::Year => Numeric::from(years),
        Unit::Decade => Numeric::from(years / 10),
        Unit::Century => Numeric::from(years / 100),
        Unit::Millennium => Numeric::from(years / 1000),
        Unit::Epoch => Numeric::from_i128(interval.epoch_micros(), 6),
        _ => {
            return clock_part(unit, interval.micros)
                .ok_or_else(|| not_supported(part, "interval"));
        }
    })
}

/// Parts that grow without bound are infinite, the others unknown; `None` if there is no such part.
fn infinite(unit: Unit, negative: bool) -> Option<Option<Numeric>> {
    match unit {
        Unit::Time => None,
        Unit::Year
        | Unit::Decade
        | Unit::Century
        | Unit::Millennium
        | Unit::Julian
        | Unit::IsoYear
        | Unit::Epoch => Some(Some(if negative {
            Numeric::NEG_INFINITY
        } else {
            Numeric::INFINITY
        })),
        _ => Some(None),
    }
}

fn local_part(unit: Unit, local: i64) -> Option<Numeric> {
    if unit == Unit::Julian {
        let day = local.div_euclid(MICROS_PER_DAY) + i64::from(JULIAN_EPOCH);
        let fraction =
            Numeric::from(local.rem_euclid(MICROS_PER_DAY)).div(&Numeric::from(MICROS_PER_DAY));
        return Numeric::from(day).add(&fraction.ok()?).ok();
    }
    clock_part(unit, local.rem_euclid(MICROS_PER_DAY))
        .or_else(|| date_part(unit, &Civil::of_timestamp(local)).map(Numeric::from))
}

fn clock_part(unit: Unit, micros: i64) -> Option<Numeric> {
    let within_minute = micros % MICROS_PER_MINUTE;
    Some(match unit {
        Unit::Microsecond => Numeric::from(within_minute),
        Unit::Millisecond => Numeric::new(within_minute, 3),
        Unit::Second => Numeric::new(within_minute, 6),
        Unit::Minute => Numeric::from(micros / MICROS_PER_MINUTE % 60),
        Unit::Hour => Numeric::from(micros / MICROS_PER_HOUR),
        _ => return None,
    })
}

fn date_part(unit: Unit, civil: &Civil) -> Option<i64> {
    // There is no year 0 outside: it is 1 BC, shown as -1.
    let shown = |year: i32| if year > 0 { year } else { year - 1 };
    let year = civil.year;
    let count = |length: i32| {
        if year > 0 {
            (year + length - 1) / length
        } else {
            -((length - 1 - (year - 1)) / length)
        }
    };
    let part = match unit {
        Unit::Day => civil.day,
        Unit::Month => civil.month,
        Unit::Quarter => (civil.month - 1) / 3 + 1,
        Unit::Week => civil.iso_week().1,
        Unit::IsoYear => shown(civil.iso_week().0),
        Unit::Year => shown(year),
        Unit::Decade if year >= 0 => year / 10,
        Unit::Decade => -((8 - (year - 1)) / 10),
        Unit::Century => count(100),
        Unit::Millennium => count(1000),
        Unit::DayOfWeek => civil.day_of_week(),
        Unit::IsoDayOfWeek => (civil.day_of_week() + 6) % 7 + 1,
        Unit::DayOfYear => civil.day_of_year(),
        _ => return None,
    };
    Some(i64::from(part))
}

const _: () = assert!(MICROS_PER_MINUTE == 60 * MICROS_PER_SECOND);
