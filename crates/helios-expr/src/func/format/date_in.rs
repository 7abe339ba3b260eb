//! `to_timestamp` and `to_date` by a picture.

use helios_base::datetime::{
    Civil, DATE_MAX, DATE_MIN, JULIAN_EPOCH, MICROS_PER_DAY, MICROS_PER_SECOND, check_timestamp,
    civil_from_days, days_from_civil, days_in_month, is_leap, iso_week_start, round_timestamp,
    timestamp_to_date,
};
use helios_base::{Error, Result, SqlState, TimeTz, Value};

use super::date_reader::{Parts, read, read_standard};
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Date, Text, TimestampTz};

pub(super) static FUNCTIONS: &[Function] = &[
    function("to_timestamp", &[Text, Text], TimestampTz, to_timestamp).stable(),
    function("to_date", &[Text, Text], Date, to_date),
];

fn field_out_of_range(text: &str) -> Error {
    Error::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        format!("date/time field value out of range: \"{text}\""),
    )
}

fn to_timestamp(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [Value::Text(text), Value::Text(picture)] = args else {
        return Err(mismatch(args));
    };
    let parts = read(text, picture)?;
    let local = local(&parts, text)?;
    let offset = match parts.offset() {
        Some(offset) => offset,
        None => call.ctx.text.time_zone.offset_of_local(local),
    };
    local
        .checked_sub(i64::from(offset) * MICROS_PER_SECOND)
        .ok_or_else(helios_base::datetime::timestamp_out_of_range)
        .and_then(check_timestamp)
        .map(Value::TimestampTz)
}

/// Reads a date, a time or both by a picture of SQL's standard: the value, of the type that the
/// picture's fields make, and seconds east of UTC if they are among them.
///
/// # Errors
/// `22007` and `22008` where text and picture do not go together.
pub(crate) fn parse_standard(text: &str, picture: &str) -> Result<(Value, i32)> {
    let (parts, shape) = read_standard(text, picture)?;
    let malformed = |message: &str| Error::new(SqlState::INVALID_DATETIME_FORMAT, message);
    let local = local(&parts, text)?;
    let offset = parts.offset().unwrap_or(0);
    let value = match (shape.date, shape.time, shape.zone) {
        (true, true, true) => local
            .checked_sub(i64::from(offset) * MICROS_PER_SECOND)
            .ok_or_else(helios_base::datetime::timestamp_out_of_range)
            .and_then(check_timestamp)
            .map(Value::TimestampTz)?,
        (true, true, false) => check_timestamp(local).map(Value::Timestamp)?,
        (true, false, true) => return Err(malformed("datetime format is zoned but not timed")),
        (true, false, false) => Value::Date(timestamp_to_date(local)),
        (false, true, zoned) => {
            let micros = local.rem_euclid(MICROS_PER_DAY);
            if zoned {
                Value::TimeTz(TimeTz { micros, offset })
            } else {
                Value::Time(micros)
            }
        }
        (false, false, _) => {
            return Err(malformed("datetime format is not dated and not timed"));
        }
    };
    Ok((value, offset))
}

fn to_date(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Text(text), Value::Text(picture)] = args else {
        return Err(mismatch(args));
    };
    let civil = resolve(&read(text, picture)?, text)?;
    i32::try_from(civil.days())
        .ok()
        .filter(|date| (DATE_MIN..=DATE_MAX).contains(date))
        .map(Value::Date)
        .ok_or_else(|| {
            Error::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                format!("date out of range: \"{text}\""),
            )
        })
}

/// The local time that the parts make together, in microseconds.
fn local(parts: &Parts, text: &str) -> Result<i64> {
    let local = resolve(parts, text)?
        .timestamp()
        .ok_or_else(helios_base::datetime::timestamp_out_of_range)?;
    round_timestamp(local, parts.precision.unwrap_or(6))
}

/// The date and time that the parts make together.
fn resolve(parts: &Parts, text: &str) -> Result<Civil> {
    let mut civil = Civil {
        month: 1,
        day: 1,
        ..Civil::default()
    };
    time(parts, &mut civil)?;
    let year = year(parts);
    if let Some(year) = year {
        civil.year = year;
    }
    if let Some(day) = parts.julian {
        set_days(&mut civil, i64::from(day) - i64::from(JULIAN_EPOCH));
    }
    week(parts, year, &mut civil)?;
    if let Some(month) = parts.month {
        civil.month = month;
    }
    if let Some(day) = parts.day {
        civil.day = day;
    }
    if let Some(day) = parts.day_of_year
        && (parts.month.is_none() || parts.day.is_none())
    {
        day_of_year(parts, day, &mut civil)?;
    }
    let sound = (1..=12).contains(&civil.month)
        && (1..=days_in_month(civil.year, civil.month)).contains(&civil.day)
        && (0..24).contains(&civil.hour)
        && (0..60).contains(&civil.minute)
        && (0..60).contains(&civil.second)
        && (0..1_000_000).contains(&civil.micro);
    if sound {
        Ok(civil)
    } else {
        Err(field_out_of_range(text))
    }
}

fn time(parts: &Parts, civil: &mut Civil) -> Result<()> {
    if let Some(seconds) = parts.seconds_of_day {
        civil.hour = seconds / 3600;
        civil.minute = seconds / 60 % 60;
        civil.second = seconds % 60;
    }
    if let Some(second) = parts.second {
        civil.second = second;
    }
    if let Some(minute) = parts.minute {
        civil.minute = minute;
    }
    if let Some(hour) = parts.hour {
        civil.hour = hour;
    }
    if parts.twelve_hours {
        if !(1..=12).contains(&civil.hour) {
            return Err(Error::new(
                SqlState::INVALID_DATETIME_FORMAT,
                format!("hour \"{}\" is invalid for the 12-hour clock", civil.hour),
            )
            .with_hint("Use the 24-hour clock, or give an hour between 1 and 12."));
        }
        civil.hour = civil.hour % 12 + if parts.afternoon == Some(true) { 12 } else { 0 };
    }
    civil.micro = parts
        .millisecond
        .unwrap_or(0)
        .saturating_mul(1000)
        .saturating_add(parts.microsecond.unwrap_or(0));
    Ok(())
}

/// The year from `YYYY`, `CC` and the era; 0 is 1 BC.
fn year(parts: &Parts) -> Option<i32> {
    match (parts.year, parts.century) {
        (Some(year), Some(century)) if parts.year_digits <= 2 => {
            let century = if parts.before_christ {
                -century
            } else {
                century
            };
            let within = year % 100;
            // Centuries end with their hundredth year.
            Some(if century >= 0 {
                if within == 0 {
                    century.saturating_mul(100)
                } else {
                    (century - 1).saturating_mul(100) + within
                }
            } else {
                (century + 1).saturating_mul(100) - within + 1
            })
        }
        (Some(year), _) => Some(if parts.before_christ {
            // A year that is negative already is BC twice, which is AD.
            if year > 0 { 1 - year } else { -year }
        } else if year < 0 {
            year + 1
        } else {
            year
        }),
        (None, Some(century)) => {
            let century = if parts.before_christ {
                -century
            } else {
                century
            };
            Some(if century >= 0 {
                (century - 1).saturating_mul(100) + 1
            } else {
                century.saturating_mul(100) + 1
            })
        }
        (None, None) => None,
    }
}

fn set_days(civil: &mut Civil, days: i64) {
    (civil.year, civil.month, civil.day) = civil_from_days(days);
}

/// `WW`, `IW` with a weekday, and `W`.
fn week(parts: &Parts, year: Option<i32>, civil: &mut Civil) -> Result<()> {
    if let Some(week) = parts.week {
        if parts.iso {
            // Monday is 2 when weeks count from Sunday.
            let weekday = match parts.weekday {
                Some(1) => 8,
                Some(weekday) => weekday,
                None => 2,
            };
            let monday = iso_week_start(civil.year, week);
            set_days(civil, monday + i64::from(weekday) - 2);
        } else {
            let day = week.saturating_sub(1).saturating_mul(7).saturating_add(1);
            let start = days_from_civil(year.unwrap_or(0), 1, 1);
            set_days(civil, start + i64::from(day) - 1);
        }
    }
    if let Some(week) = parts.week_of_month {
        civil.day = week.saturating_sub(1).saturating_mul(7).saturating_add(1);
    }
    Ok(())
}

fn day_of_year(parts: &Parts, day: i32, civil: &mut Civil) -> Result<()> {
    if civil.year == 0 && parts.year.is_none() && !parts.before_christ {
        return Err(Error::new(
            SqlState::INVALID_DATETIME_FORMAT,
            "cannot calculate day of year without year information",
        ));
    }
    if parts.iso {
        let first = iso_week_start(civil.year, 1);
        set_days(civil, first + i64::from(day) - 1);
        return Ok(());
    }
    let length = if is_leap(civil.year) { 366 } else { 365 };
    if !(1..=length).contains(&day) {
        // Left to the check of the month.
        civil.month = if day < 1 { 0 } else { 13 };
        return Ok(());
    }
    let start = days_from_civil(civil.year, 1, 1);
    let year = civil.year;
    set_days(civil, start + i64::from(day) - 1);
    civil.year = year;
    Ok(())
}
