//! Text input of intervals in ISO 8601's forms, `P1Y2M3DT4H5M6S` and `P0001-02-03T04:05:06`.

use super::decode::DecodeError;
use super::interval_input::Parts;
use super::{MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};

type Result<T> = std::result::Result<T, DecodeError>;

/// A number's integer and fraction, how many digits the integer is wide, and the rest.
struct Number<'a> {
    value: i64,
    fraction: f64,
    width: usize,
    rest: &'a str,
}

fn number(text: &str) -> Result<Number<'_>> {
    let sign = usize::from(text.starts_with('-'));
    let width = text
        .bytes()
        .skip(sign)
        .take_while(u8::is_ascii_digit)
        .count();
    let mut end = sign + width;
    if text.as_bytes().get(end) == Some(&b'.') {
        end += 1;
        end += text
            .bytes()
            .skip(end)
            .take_while(u8::is_ascii_digit)
            .count();
    }
    let (number, rest) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| DecodeError::Format)?;
    if number.is_nan() || number.abs() > 1e15 {
        return Err(DecodeError::Field);
    }
    Ok(Number {
        value: number.trunc() as i64,
        fraction: number.fract(),
        width,
        rest,
    })
}

/// What a step leaves to read: the date part, the time part or nothing.
enum Next<'a> {
    Date(&'a str),
    Time(&'a str),
    End,
}

pub(super) fn parse(text: &str) -> Result<Parts> {
    let mut rest = text.strip_prefix('P').ok_or(DecodeError::Format)?;
    if rest.is_empty() {
        return Err(DecodeError::Format);
    }
    let mut parts = Parts::default();
    let mut in_date = true;
    let mut fields = 0;
    while !rest.is_empty() {
        if let Some(time) = rest.strip_prefix('T') {
            (in_date, fields, rest) = (false, 0, time);
            continue;
        }
        let next = if in_date {
            date(rest, fields > 0, &mut parts)?
        } else {
            time(rest, fields > 0, &mut parts)?
        };
        match next {
            Next::Date(after) => {
                rest = after;
                fields += 1;
            }
            Next::Time(after) if in_date => (in_date, fields, rest) = (false, 0, after),
            Next::Time(after) => {
                rest = after;
                fields += 1;
            }
            Next::End => return Ok(parts),
        }
    }
    Ok(parts)
}

fn date<'a>(text: &'a str, have_field: bool, parts: &mut Parts) -> Result<Next<'a>> {
    let Number {
        value,
        fraction,
        width,
        rest,
    } = number(text)?;
    let mut chars = rest.chars();
    let unit = chars.next();
    let after = chars.as_str();
    match unit {
        Some('Y') => parts.add_years(value, fraction, 1)?,
        Some('M') => parts.add_months(value, fraction)?,
        Some('W') => parts.add_weeks(value, fraction)?,
        Some('D') => parts.add_days(value, fraction)?,
        None | Some('T') if width == 8 && !have_field => {
            // yyyymmdd
            parts.add_years(value / 10_000, 0.0, 1)?;
            parts.add_months(value / 100 % 100, 0.0)?;
            parts.add_days(value % 100, fraction)?;
            return Ok(unit.map_or(Next::End, |_| Next::Time(after)));
        }
        None | Some('T' | '-') => {
            if have_field {
                return Err(DecodeError::Format);
            }
            parts.add_years(value, fraction, 1)?;
            return match unit {
                None => Ok(Next::End),
                Some('T') => Ok(Next::Time(after)),
                _ => month_and_day(after, parts),
            };
        }
        Some(_) => return Err(DecodeError::Format),
    }
    Ok(Next::Date(after))
}

/// The `mm[-dd]` of `yyyy-mm-dd`.
fn month_and_day<'a>(text: &'a str, parts: &mut Parts) -> Result<Next<'a>> {
    let month = number(text)?;
    parts.add_months(month.value, month.fraction)?;
    if month.rest.is_empty() {
        return Ok(Next::End);
    }
    if let Some(time) = month.rest.strip_prefix('T') {
        return Ok(Next::Time(time));
    }
    let day = month.rest.strip_prefix('-').ok_or(DecodeError::Format)?;
    let day = number(day)?;
    parts.add_days(day.value, day.fraction)?;
    if day.rest.is_empty() {
        return Ok(Next::End);
    }
    let time = day.rest.strip_prefix('T').ok_or(DecodeError::Format)?;
    Ok(Next::Time(time))
}

fn time<'a>(text: &'a str, have_field: bool, parts: &mut Parts) -> Result<Next<'a>> {
    let Number {
        value,
        fraction,
        width,
        rest,
    } = number(text)?;
    let mut chars = rest.chars();
    let unit = chars.next();
    match unit {
        Some('H') => parts.add_time(value, fraction, MICROS_PER_HOUR)?,
        Some('M') => parts.add_time(value, fraction, MICROS_PER_MINUTE)?,
        Some('S') => parts.add_time(value, fraction, MICROS_PER_SECOND)?,
        None if width == 6 && !have_field => {
            // hhmmss
            parts.add_time(value / 10_000, 0.0, MICROS_PER_HOUR)?;
            parts.add_time(value / 100 % 100, 0.0, MICROS_PER_MINUTE)?;
            parts.add_time(value % 100, fraction, MICROS_PER_SECOND)?;
            return Ok(Next::End);
        }
        None | Some(':') => {
            if have_field {
                return Err(DecodeError::Format);
            }
            parts.add_time(value, fraction, MICROS_PER_HOUR)?;
            if unit.is_none() {
                return Ok(Next::End);
            }
            let minute = number(chars.as_str())?;
            parts.add_time(minute.value, minute.fraction, MICROS_PER_MINUTE)?;
            if minute.rest.is_empty() {
                return Ok(Next::End);
            }
            let second = minute.rest.strip_prefix(':').ok_or(DecodeError::Format)?;
            let second = number(second)?;
            parts.add_time(second.value, second.fraction, MICROS_PER_SECOND)?;
            if second.rest.is_empty() {
                return Ok(Next::End);
            }
            return Err(DecodeError::Format);
        }
        Some(_) => return Err(DecodeError::Format),
    }
    Ok(Next::Time(chars.as_str()))
}
