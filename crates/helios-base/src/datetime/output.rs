//! Text output of dates and times, `DateStyle` ISO.

use std::fmt::Write;

use super::civil::Civil;
use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, MICROS_PER_SECOND, TIMESTAMP_INFINITY,
    TIMESTAMP_NEG_INFINITY, TimeZone,
};

// Writing to a string cannot fail, here and below.

/// Appends a date.
pub fn write_date(date: i32, out: &mut String) {
    match date {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_NEG_INFINITY => out.push_str("-infinity"),
        _ => {
            let civil = Civil::of_date(date);
            write_ymd(&civil, out);
            write_era(&civil, out);
        }
    }
}

/// Appends a time of day.
pub fn write_time(time: i64, out: &mut String) {
    write_clock(&Civil::of_time(time), out);
}

/// Appends a timestamp.
pub fn write_timestamp(timestamp: i64, out: &mut String) {
    if write_infinity(timestamp, out) {
        return;
    }
    let civil = Civil::of_timestamp(timestamp);
    write_ymd(&civil, out);
    out.push(' ');
    write_clock(&civil, out);
    write_era(&civil, out);
}

/// Appends an instant as local time with its offset.
pub fn write_timestamptz(instant: i64, zone: &TimeZone, out: &mut String) {
    if write_infinity(instant, out) {
        return;
    }
    let offset = zone.offset_at(instant);
    let civil = Civil::of_timestamp(instant.saturating_add(i64::from(offset) * MICROS_PER_SECOND));
    write_ymd(&civil, out);
    out.push(' ');
    write_clock(&civil, out);
    write_offset(offset, out);
    write_era(&civil, out);
}

fn write_infinity(timestamp: i64, out: &mut String) -> bool {
    match timestamp {
        TIMESTAMP_INFINITY => out.push_str("infinity"),
        TIMESTAMP_NEG_INFINITY => out.push_str("-infinity"),
        _ => return false,
    }
    true
}

fn write_ymd(civil: &Civil, out: &mut String) {
    // Year 0 is 1 BC.
    let year = if civil.year > 0 {
        civil.year
    } else {
        1 - civil.year
    };
    if year < 10_000 {
        write_two(year / 100, out);
        write_two(year % 100, out);
    } else {
        let _ = write!(out, "{year}");
    }
    out.push('-');
    write_two(civil.month, out);
    out.push('-');
    write_two(civil.day, out);
}

/// Appends at least two digits.
fn write_two(n: i32, out: &mut String) {
    match u8::try_from(n) {
        Ok(n @ 0..100) => {
            out.push(char::from(b'0' + n / 10));
            out.push(char::from(b'0' + n % 10));
        }
        _ => {
            let _ = write!(out, "{n:02}");
        }
    }
}

fn write_era(civil: &Civil, out: &mut String) {
    if civil.year <= 0 {
        out.push_str(" BC");
    }
}

fn write_clock(civil: &Civil, out: &mut String) {
    write_two(civil.hour, out);
    out.push(':');
    write_two(civil.minute, out);
    out.push(':');
    write_two(civil.second, out);
    write_fraction(civil.micro.unsigned_abs(), out);
}

/// Appends the fraction of a second without trailing zeros, if there is one.
pub(super) fn write_fraction(micro: u32, out: &mut String) {
    if micro == 0 {
        return;
    }
    out.push('.');
    let mut rest = micro;
    let mut unit = 100_000;
    while rest > 0 && unit > 0 {
        out.push(char::from(b'0' + (rest / unit % 10) as u8));
        rest %= unit;
        unit /= 10;
    }
}

/// Appends `±hh[:mm[:ss]]`.
pub(super) fn write_offset(offset: i32, out: &mut String) {
    let sign = if offset < 0 { '-' } else { '+' };
    let seconds = offset.unsigned_abs();
    let _ = write!(out, "{sign}{:02}", seconds / 3600);
    if !seconds.is_multiple_of(3600) {
        let _ = write!(out, ":{:02}", seconds / 60 % 60);
    }
    if !seconds.is_multiple_of(60) {
        let _ = write!(out, ":{:02}", seconds % 60);
    }
}
