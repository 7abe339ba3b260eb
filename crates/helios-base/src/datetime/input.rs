//! Text input of dates, times and timestamps.

use super::civil::Civil;
use super::decode::{self, DecodeError, Moment};
use super::{
    DATE_INFINITY, DATE_MAX, DATE_MIN, DATE_NEG_INFINITY, MICROS_PER_SECOND, TIMESTAMP_END,
    TIMESTAMP_INFINITY, TIMESTAMP_MIN, TIMESTAMP_NEG_INFINITY, TimeTz, iso, token,
};
use crate::{Error, Result, SqlState, TextContext};

fn moment(text: &str, ty: &str, context: &TextContext) -> Result<Moment> {
    if let Some((civil, offset)) = iso::parse(text) {
        let offset = offset.unwrap_or_else(|| {
            let local = civil.timestamp().unwrap_or(0);
            context.time_zone.offset_of_local(local)
        });
        return Ok(Moment::Date(civil, offset));
    }
    token::split(text)
        .and_then(|fields| decode::date_time(&fields, context))
        .map_err(|error| error.into_error(ty, text))
}

fn out_of_range(ty: &str, text: &str) -> Error {
    Error::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        format!("{ty} out of range: \"{text}\""),
    )
}

/// Reads a `date`, in days since 1970-01-01.
///
/// # Errors
/// `22007`, `22008`, `22009`, `22023` with PostgreSQL's messages, here as below.
pub fn parse_date(text: &str, context: &TextContext) -> Result<i32> {
    if let Some((civil, _)) = iso::parse(text) {
        // Years of four digits are always in range.
        return Ok(civil.days() as i32);
    }
    match moment(text, "date", context)? {
        Moment::Epoch => Ok(0),
        Moment::Infinity => Ok(DATE_INFINITY),
        Moment::NegInfinity => Ok(DATE_NEG_INFINITY),
        Moment::Date(civil, _) => i32::try_from(civil.days())
            .ok()
            .filter(|date| (DATE_MIN..=DATE_MAX).contains(date))
            .ok_or_else(|| out_of_range("date", text)),
    }
}

/// Reads a `time`, in microseconds since midnight.
///
/// # Errors
/// As [`parse_date`].
pub fn parse_time(text: &str, context: &TextContext) -> Result<i64> {
    token::split(text)
        .and_then(|fields| {
            if fields.is_empty() {
                return Err(DecodeError::Format);
            }
            decode::time_only(&fields, context)
        })
        .map(|civil| civil.micros_of_day())
        .map_err(|error| error.into_error("time", text))
}

/// Reads a `time with time zone`; without an offset that of the session's zone applies.
///
/// # Errors
/// As [`parse_date`].
pub fn parse_timetz(text: &str, context: &TextContext) -> Result<TimeTz> {
    token::split(text)
        .and_then(|fields| {
            if fields.is_empty() {
                return Err(DecodeError::Format);
            }
            decode::time_and_offset(&fields, context)
        })
        .and_then(|(civil, offset)| {
            // A POSIX name of a zone says any offset; what is shown could not be read again.
            TimeTz::new(civil.micros_of_day(), offset).map_err(|_| DecodeError::Displacement)
        })
        .map_err(|error| error.into_error("time with time zone", text))
}

/// Reads a `timestamp`, in microseconds since 1970-01-01 00:00; an offset is read and ignored.
///
/// # Errors
/// As [`parse_date`].
pub fn parse_timestamp(text: &str, context: &TextContext) -> Result<i64> {
    if let Some((civil, _)) = iso::parse(text) {
        return timestamp(&civil, 0, text);
    }
    match moment(text, "timestamp", context)? {
        Moment::Date(civil, _) => timestamp(&civil, 0, text),
        special => Ok(special_timestamp(&special)),
    }
}

/// Reads a `timestamptz`, in microseconds since 1970-01-01 00:00 UTC; without an offset the time
/// is local to the session's zone.
///
/// # Errors
/// As [`parse_date`].
pub fn parse_timestamptz(text: &str, context: &TextContext) -> Result<i64> {
    match moment(text, "timestamp with time zone", context)? {
        Moment::Date(civil, offset) => timestamp(&civil, offset, text),
        special => Ok(special_timestamp(&special)),
    }
}

fn special_timestamp(moment: &Moment) -> i64 {
    match moment {
        Moment::Infinity => TIMESTAMP_INFINITY,
        Moment::NegInfinity => TIMESTAMP_NEG_INFINITY,
        _ => 0,
    }
}

fn timestamp(civil: &Civil, offset: i32, text: &str) -> Result<i64> {
    civil
        .timestamp()
        .and_then(|local| local.checked_sub(i64::from(offset) * MICROS_PER_SECOND))
        .filter(|micros| (TIMESTAMP_MIN..TIMESTAMP_END).contains(micros))
        .ok_or_else(|| out_of_range("timestamp", text))
}
