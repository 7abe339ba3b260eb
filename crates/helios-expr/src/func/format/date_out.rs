//! `to_char` of dates, timestamps, times and intervals.

use std::fmt::Write;

use helios_base::datetime::{
    Civil, JULIAN_EPOCH, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND, days_from_civil,
    is_infinite_timestamp, iso_week_start, timestamptz_to_local,
};
use helios_base::{Error, Interval, Result, SqlState, Value};

use super::ordinal::{DAYS, MONTHS, ROMAN_MONTHS, ending};
use super::picture::{Field, Key, Piece, split};
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Interval as V, Text, Timestamp as S, TimestampTz as Z};

pub(super) static FUNCTIONS: &[Function] = &[
    function("to_char", &[S, Text], Text, to_char).stable(),
    function("to_char", &[Z, Text], Text, to_char).stable(),
    function("to_char", &[V, Text], Text, to_char).stable(),
];

/// What the fields show.
struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micro: i64,
    /// The date, if this is no interval.
    civil: Option<Civil>,
    /// Seconds east of UTC and the abbreviation of the zone.
    zone: Option<(i32, String)>,
}

impl Moment {
    fn of_timestamp(timestamp: i64, zone: Option<(i32, String)>) -> Self {
        let civil = Civil::of_timestamp(timestamp);
        Self {
            year: i64::from(civil.year),
            month: i64::from(civil.month),
            day: i64::from(civil.day),
            hour: i64::from(civil.hour),
            minute: i64::from(civil.minute),
            second: i64::from(civil.second),
            micro: i64::from(civil.micro),
            civil: Some(civil),
            zone,
        }
    }

    fn of_interval(interval: &Interval) -> Self {
        Self {
            year: i64::from(interval.months / 12),
            month: i64::from(interval.months % 12),
            day: i64::from(interval.days),
            hour: interval.micros / MICROS_PER_HOUR,
            minute: interval.micros / MICROS_PER_MINUTE % 60,
            second: interval.micros / MICROS_PER_SECOND % 60,
            micro: interval.micros % MICROS_PER_SECOND,
            civil: None,
            zone: None,
        }
    }

    /// The date; intervals have none.
    fn date(&self) -> Result<&Civil> {
        self.civil.as_ref().ok_or_else(|| {
            Error::new(
                SqlState::INVALID_DATETIME_FORMAT,
                "invalid format specification for an interval value",
            )
            .with_hint("Intervals are not tied to specific calendar dates.")
        })
    }

    /// The year as counted outside, where 1 BC precedes 1 AD.
    fn shown(&self, year: i64) -> i64 {
        if self.civil.is_some() && year <= 0 {
            1 - year
        } else {
            year
        }
    }

    fn day_of_year(&self) -> i64 {
        match &self.civil {
            Some(civil) => i64::from(civil.day_of_year()),
            None => (self.year * 12 + self.month) * 30 + self.day,
        }
    }
}

fn to_char(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [value, Value::Text(picture)] = args else {
        return Err(mismatch(args));
    };
    let moment = match value {
        Value::Timestamp(micros) | Value::TimestampTz(micros) if is_infinite_timestamp(*micros) => {
            return Ok(Value::Null);
        }
        Value::Timestamp(timestamp) => Moment::of_timestamp(*timestamp, None),
        Value::TimestampTz(instant) => {
            let zone = &call.ctx.text.time_zone;
            let offset = (zone.offset_at(*instant), zone.abbreviation_at(*instant));
            Moment::of_timestamp(timestamptz_to_local(*instant, zone)?, Some(offset))
        }
        Value::Interval(interval) => Moment::of_interval(interval),
        _ => return Err(mismatch(args)),
    };
    if picture.is_empty() {
        return Ok(Value::Null);
    }
    let mut out = String::new();
    for piece in split(picture) {
        match piece {
            Piece::Field(field) => show(&field, &moment, &mut out)?,
            Piece::Separator(c) | Piece::Space(c) | Piece::Text(c) | Piece::Bare(c) => {
                out.push(c);
            }
        }
    }
    Ok(Value::text(out))
}

fn show(field: &Field, moment: &Moment, out: &mut String) -> Result<()> {
    let case = field.case;
    let name = |text: &str, width: usize| {
        let width = if field.fill { 0 } else { width };
        format!("{:width$}", case.apply(text))
    };
    let text = match field.key {
        Key::HalfDay { points } => {
            let afternoon = moment.hour % 24 >= 12;
            case.apply(match (afternoon, points) {
                (false, false) => "AM",
                (false, true) => "A.M.",
                (true, false) => "PM",
                (true, true) => "P.M.",
            })
        }
        Key::Era { points } => {
            moment.date()?;
            case.apply(match (moment.year <= 0, points) {
                (false, false) => "AD",
                (false, true) => "A.D.",
                (true, false) => "BC",
                (true, true) => "B.C.",
            })
        }
        Key::MonthName | Key::MonthShort => {
            moment.date()?;
            let month = usize::try_from(moment.month - 1).unwrap_or(0);
            let full = MONTHS.get(month).copied().unwrap_or_default();
            match field.key {
                Key::MonthName => name(full, 9),
                _ => case.apply(full.get(..3).unwrap_or(full)),
            }
        }
        Key::DayName | Key::DayShort => {
            let weekday = usize::try_from(moment.date()?.day_of_week()).unwrap_or(0);
            let full = DAYS.get(weekday).copied().unwrap_or_default();
            match field.key {
                Key::DayName => name(full, 9),
                _ => case.apply(full.get(..3).unwrap_or(full)),
            }
        }
        Key::RomanMonth => {
            // An interval without months or years shows none; negative ones count from the end,
            // none of some years as the last or the first.
            let month = match moment.month {
                0 if moment.year == 0 => return Ok(()),
                0 if moment.year > 0 => 11,
                0 => 0,
                month if month < 0 => month + 12,
                month => month - 1,
            };
            let month = usize::try_from(month).unwrap_or(0);
            name(ROMAN_MONTHS.get(month).copied().unwrap_or_default(), 4)
        }
        Key::Zone => {
            moment.date()?;
            let zone = moment.zone.as_ref().map_or("", |zone| zone.1.as_str());
            match case {
                super::picture::Case::Lower => zone.to_lowercase(),
                _ => zone.to_owned(),
            }
        }
        Key::ZoneHour => {
            moment.date()?;
            let offset = moment.zone.as_ref().map_or(0, |zone| zone.0);
            let sign = if offset < 0 { '-' } else { '+' };
            format!("{sign}{:02}", offset.abs() / 3600)
        }
        Key::ZoneMinute => {
            moment.date()?;
            let offset = moment.zone.as_ref().map_or(0, |zone| zone.0);
            format!("{:02}", offset.abs() / 60 % 60)
        }
        Key::Offset => {
            moment.date()?;
            let offset = moment.zone.as_ref().map_or(0, |zone| zone.0);
            let sign = if offset < 0 { '-' } else { '+' };
            let width = if field.fill { 0 } else { 2 };
            let mut text = format!("{sign}{:0width$}", offset.abs() / 3600);
            if offset % 3600 != 0 {
                let done = write!(text, ":{:02}", offset.abs() / 60 % 60);
                debug_assert!(done.is_ok());
            }
            text
        }
        Key::Exact => return Ok(()),
        _ => return number(field, moment, out),
    };
    out.push_str(&text);
    Ok(())
}

/// Appends a number with `width` digits and its ordinal ending. The sign of a negative number takes
/// one of the digits in days and weeks only.
fn push(field: &Field, value: i64, width: usize, out: &mut String) {
    let start = out.len();
    let within = matches!(
        field.key,
        Key::Day | Key::DayOfYear | Key::IsoDayOfYear | Key::WeekOfYear | Key::IsoWeek
    );
    let width = match (field.fill, value < 0 && !within) {
        (true, _) => 0,
        (false, true) => width + 1,
        (false, false) => width,
    };
    let done = write!(out, "{value:0width$}");
    debug_assert!(done.is_ok());
    if let Some(upper) = field.ordinal {
        let ending = ending(out.get(start..).unwrap_or_default(), upper);
        out.push_str(ending);
    }
}

fn number(field: &Field, moment: &Moment, out: &mut String) -> Result<()> {
    let year = moment.year;
    let (value, width) = match field.key {
        Key::Hour24 => (moment.hour, 2),
        Key::Hour12 => match moment.hour % 12 {
            0 => (12, 2),
            hour => (hour, 2),
        },
        Key::Minute => (moment.minute, 2),
        Key::Second => (moment.second, 2),
        Key::Fraction(digits) => {
            let value = moment.micro / 10i64.pow(6 - u32::from(digits));
            // Not padded by sign, and never shortened.
            let width = usize::from(digits);
            let done = write!(out, "{value:0width$}");
            debug_assert!(done.is_ok());
            if let Some(upper) = field.ordinal {
                out.push_str(ending(&value.to_string(), upper));
            }
            return Ok(());
        }
        Key::Millisecond => {
            return number_exact(field, moment.micro / 1000, 3, out);
        }
        Key::Microsecond => return number_exact(field, moment.micro, 6, out),
        Key::SecondsOfDay => {
            let value = moment.hour * 3600 + moment.minute * 60 + moment.second;
            return number_exact(field, value, 0, out);
        }
        Key::Month => (moment.month, 2),
        Key::Day => (moment.day, 2),
        Key::DayOfYear => (moment.day_of_year(), 3),
        Key::IsoDayOfYear => {
            let civil = moment.date()?;
            let start = iso_week_start(civil.iso_week().0, 1);
            (civil.days() - start + 1, 3)
        }
        Key::DayOfWeek => (i64::from(moment.date()?.day_of_week()) + 1, 0),
        Key::IsoDayOfWeek => (i64::from((moment.date()?.day_of_week() + 6) % 7) + 1, 0),
        Key::WeekOfYear => ((moment.day_of_year() - 1) / 7 + 1, 2),
        Key::IsoWeek => (i64::from(moment.date()?.iso_week().1), 2),
        Key::WeekOfMonth => ((moment.day - 1) / 7 + 1, 0),
        Key::Quarter => {
            if moment.month == 0 {
                return Ok(());
            }
            ((moment.month - 1) / 3 + 1, 0)
        }
        Key::Century => {
            let value = match (&moment.civil, year) {
                (None, year) => year / 100,
                (Some(_), 1..) => (year - 1) / 100 + 1,
                (Some(_), year) => year / 100 - 1,
            };
            (value, if value.abs() <= 99 { 2 } else { 0 })
        }
        Key::YearWithComma => {
            let year = moment.shown(year);
            let text = format!("{},{:03}", year / 1000, (year % 1000).abs());
            out.push_str(&text);
            if let Some(upper) = field.ordinal {
                out.push_str(ending(&text, upper));
            }
            return Ok(());
        }
        Key::Year(digits) => year_digits(moment.shown(year), digits),
        Key::IsoYear(digits) => match &moment.civil {
            Some(civil) => {
                let year = i64::from(civil.iso_week().0);
                year_digits(moment.shown(year), digits)
            }
            None => year_digits(year, digits),
        },
        Key::Julian => {
            let days = match &moment.civil {
                Some(civil) => civil.days(),
                None => interval_days(moment),
            };
            (days + i64::from(JULIAN_EPOCH), 0)
        }
        _ => return Ok(()),
    };
    push(field, value, width, out);
    Ok(())
}

fn number_exact(field: &Field, value: i64, width: usize, out: &mut String) -> Result<()> {
    let start = out.len();
    let done = write!(out, "{value:0width$}");
    debug_assert!(done.is_ok());
    if let Some(upper) = field.ordinal {
        let ending = ending(out.get(start..).unwrap_or_default(), upper);
        out.push_str(ending);
    }
    Ok(())
}

fn year_digits(year: i64, digits: u8) -> (i64, usize) {
    let value = match digits {
        4 => year,
        _ => year % 10i64.pow(u32::from(digits)),
    };
    (value, usize::from(digits))
}

/// The day an interval would be if its fields were a date.
fn interval_days(moment: &Moment) -> i64 {
    let year = i32::try_from(moment.year).unwrap_or(0);
    let month = i32::try_from(moment.month).unwrap_or(1);
    let day = i32::try_from(moment.day).unwrap_or(1);
    days_from_civil(year, month, day)
}
