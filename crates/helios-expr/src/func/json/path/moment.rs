//! Moments in paths: what `datetime()` reads, and how moments compare.

use std::cmp::Ordering;

use helios_base::datetime::{
    MICROS_PER_DAY, MICROS_PER_SECOND, date_to_timestamp, local_to_timestamptz,
    timestamptz_to_local,
};
use helios_base::{DataType, Error, TextContext, TimeTz, Value};

use super::execute::Walk;

/// Reads a date, a time or both, the latter two with or without an offset, in ISO 8601's form: the
/// value and the offset.
pub(super) fn read(text: &str) -> Option<(Value, i32)> {
    let ty = form(text)?;
    let offset = match ty {
        DataType::TimestampTz(_) => offset_of(text)?,
        _ => 0,
    };
    let value = Value::parse(text, &ty, &TextContext::default()).ok()?;
    Some((value, offset))
}

/// The seconds of `±hh` or `±hh:mm` at the end.
fn offset_of(text: &str) -> Option<i32> {
    let (_, offset) = text.split_at_checked(text.rfind(['+', '-'])?)?;
    let (sign, digits) = offset.split_at_checked(1)?;
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

/// The type whose form the text has.
fn form(text: &str) -> Option<DataType> {
    let mut rest = text;
    let date = pattern(&mut rest, "dddd-dd-dd");
    if date && rest.is_empty() {
        return Some(DataType::Date);
    }
    if date && !(eat(&mut rest, 'T') || eat(&mut rest, ' ')) {
        return None;
    }
    if !pattern(&mut rest, "dd:dd:dd") {
        return None;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        if !(1..=6).contains(&(fraction.len() - after.len())) {
            return None;
        }
        rest = after;
    }
    eat(&mut rest, ' ');
    let zoned = match rest.chars().next() {
        None => false,
        Some('+' | '-') => {
            let mut offset = rest.get(1..).unwrap_or_default();
            if !pattern(&mut offset, "dd") {
                return None;
            }
            let minutes = |mut offset| pattern(&mut offset, ":dd") && offset.is_empty();
            if !offset.is_empty() && !minutes(offset) {
                return None;
            }
            true
        }
        Some(_) => return None,
    };
    Some(match (date, zoned) {
        (true, true) => DataType::TimestampTz(None),
        (true, false) => DataType::Timestamp(None),
        (false, true) => DataType::TimeTz(None),
        (false, false) => DataType::Time(None),
    })
}

/// Takes what looks like `pattern`, where `d` is a digit.
fn pattern(rest: &mut &str, pattern: &str) -> bool {
    let Some((taken, after)) = rest.split_at_checked(pattern.len()) else {
        return false;
    };
    let fits = taken
        .bytes()
        .zip(pattern.bytes())
        .all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            wanted => byte == wanted,
        });
    if fits {
        *rest = after;
    }
    fits
}

fn eat(rest: &mut &str, c: char) -> bool {
    match rest.strip_prefix(c) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

/// Which is earlier; `None` for a time and a date. What takes the session's zone wants `zoned`.
pub(super) fn compare(a: &Value, b: &Value, zoned: Option<&TextContext>) -> Walk<Option<Ordering>> {
    use Value::{Date, Time, TimeTz as OffsetTime, Timestamp, TimestampTz};
    Ok(match (a, b) {
        (Date(_) | Timestamp(_), Date(_) | Timestamp(_)) => Some(local(a)?.cmp(&local(b)?)),
        (TimestampTz(a), TimestampTz(b)) => Some(a.cmp(b)),
        (Date(_) | Timestamp(_), TimestampTz(instant)) => {
            Some(instant_of(a, zoned, b)?.cmp(instant))
        }
        (TimestampTz(instant), Date(_) | Timestamp(_)) => {
            Some(instant.cmp(&instant_of(b, zoned, a)?))
        }
        (Time(a), Time(b)) => Some(a.cmp(b)),
        (OffsetTime(a), OffsetTime(b)) => Some(a.cmp(b)),
        (Time(time), OffsetTime(other)) => Some(offset_time(*time, zoned, a, b)?.cmp(other)),
        (OffsetTime(other), Time(time)) => Some(other.cmp(&offset_time(*time, zoned, b, a)?)),
        _ => None,
    })
}

fn local(value: &Value) -> Walk<i64> {
    match value {
        Value::Date(date) => Ok(date_to_timestamp(*date)?),
        Value::Timestamp(local) => Ok(*local),
        other => Err(Error::internal(format!("{other:?} is no local time")).into()),
    }
}

fn instant_of(value: &Value, zoned: Option<&TextContext>, other: &Value) -> Walk<i64> {
    let context = zoned.ok_or_else(|| needs_zone(value, other))?;
    Ok(local_to_timestamptz(local(value)?, &context.time_zone)?)
}

/// A time in the session's offset of today.
fn offset_time(
    time: i64,
    zoned: Option<&TextContext>,
    value: &Value,
    other: &Value,
) -> Walk<TimeTz> {
    let context = zoned.ok_or_else(|| needs_zone(value, other))?;
    let zone = &context.time_zone;
    let now = timestamptz_to_local(context.now, zone)?;
    let local = now - now.rem_euclid(MICROS_PER_DAY) + time;
    let offset = zone.offset_of_local(local);
    debug_assert!(i64::from(offset).abs() * MICROS_PER_SECOND < MICROS_PER_DAY);
    Ok(TimeTz {
        micros: time,
        offset,
    })
}

#[cold]
fn needs_zone(from: &Value, to: &Value) -> Error {
    let name = |value: &Value| match value.natural_type() {
        DataType::TimestampTz(_) => "timestamptz",
        DataType::Timestamp(_) => "timestamp",
        DataType::TimeTz(_) => "timetz",
        DataType::Time(_) => "time",
        _ => "date",
    };
    Error::unsupported(format!(
        "cannot convert value from {} to {} without time zone usage",
        name(from),
        name(to)
    ))
    .with_hint("Use *_tz() function for time zone support.")
}
