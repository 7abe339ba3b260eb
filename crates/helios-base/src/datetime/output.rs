//! Text output of dates and times.

use std::fmt::Write;

use super::civil::Civil;
use super::style::{DateOrder, DateStyle};
use super::{
    DATE_INFINITY, DATE_NEG_INFINITY, MICROS_PER_DAY, MICROS_PER_SECOND, TIMESTAMP_INFINITY,
    TIMESTAMP_NEG_INFINITY, TimeZone,
};

// Writing to a string cannot fail, here and below.

/// Appends a date.
pub fn write_date(date: i32, style: DateStyle, order: DateOrder, out: &mut String) {
    match date {
        DATE_INFINITY => out.push_str("infinity"),
        DATE_NEG_INFINITY => out.push_str("-infinity"),
        _ => {
            let civil = Civil::of_date(date);
            match style {
                DateStyle::Iso => write_ymd(&civil, out),
                DateStyle::Postgres => write_day_month_year(&civil, '-', order, out),
                _ => write_styled_date(&civil, style, order, out),
            }
            write_era(&civil, out);
        }
    }
}

/// Appends a time of day.
pub fn write_time(time: i64, out: &mut String) {
    write_clock(&Civil::of_time(time), out);
}

/// Appends a timestamp.
pub fn write_timestamp(timestamp: i64, style: DateStyle, order: DateOrder, out: &mut String) {
    if write_infinity(timestamp, out) {
        return;
    }
    let civil = Civil::of_timestamp(timestamp);
    write_moment(&civil, timestamp, style, order, out);
    write_era(&civil, out);
}

/// Appends an instant as local time with its offset.
pub fn write_timestamptz(
    instant: i64,
    zone: &TimeZone,
    style: DateStyle,
    order: DateOrder,
    out: &mut String,
) {
    if write_infinity(instant, out) {
        return;
    }
    let offset = zone.offset_at(instant);
    let local = instant.saturating_add(i64::from(offset) * MICROS_PER_SECOND);
    let civil = Civil::of_timestamp(local);
    write_moment(&civil, local, style, order, out);
    let abbreviation = match style {
        DateStyle::Iso => String::new(),
        _ => zone.abbreviation_at(instant),
    };
    if !abbreviation.is_empty() {
        out.push(' ');
        out.push_str(&abbreviation);
    } else {
        if style == DateStyle::Postgres {
            out.push(' ');
        }
        write_offset(offset, out);
    }
    write_era(&civil, out);
}

/// Appends date and time of day.
fn write_moment(civil: &Civil, local: i64, style: DateStyle, order: DateOrder, out: &mut String) {
    match style {
        DateStyle::Iso => {
            write_ymd(civil, out);
            out.push(' ');
            write_clock(civil, out);
        }
        DateStyle::Sql | DateStyle::German => {
            write_styled_date(civil, style, order, out);
            out.push(' ');
            write_clock(civil, out);
        }
        DateStyle::Postgres => {
            // 1970-01-01 was a Thursday.
            let weekday = (local.div_euclid(MICROS_PER_DAY) + 4).rem_euclid(7);
            let name = |names: &[&'static str], at: i64| {
                let at = usize::try_from(at).unwrap_or(0);
                names.get(at).copied().unwrap_or_default()
            };
            let month = name(&MONTHS, i64::from(civil.month) - 1);
            out.push_str(name(&WEEKDAYS, weekday));
            out.push(' ');
            if order == DateOrder::Dmy {
                write_two(civil.day, out);
                let _ = write!(out, " {month} ");
            } else {
                let _ = write!(out, "{month} ");
                write_two(civil.day, out);
                out.push(' ');
            }
            write_clock(civil, out);
            out.push(' ');
            write_year(civil, out);
        }
    }
}

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Appends a date in the style of SQL or of Germany.
fn write_styled_date(civil: &Civil, style: DateStyle, order: DateOrder, out: &mut String) {
    match style {
        DateStyle::German => write_day_month_year(civil, '.', DateOrder::Dmy, out),
        _ => write_day_month_year(civil, '/', order, out),
    }
}

fn write_day_month_year(civil: &Civil, separator: char, order: DateOrder, out: &mut String) {
    let (first, second) = match order {
        DateOrder::Dmy => (civil.day, civil.month),
        _ => (civil.month, civil.day),
    };
    for field in [first, second] {
        write_two(field, out);
        out.push(separator);
    }
    write_year(civil, out);
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
    write_year(civil, out);
    out.push('-');
    write_two(civil.month, out);
    out.push('-');
    write_two(civil.day, out);
}

fn write_year(civil: &Civil, out: &mut String) {
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
