//! `make_date`, `make_time`, `make_timestamp[tz]` and `make_interval`.

use helios_base::datetime::{
    Civil, DATE_MAX, DATE_MIN, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE,
    MICROS_PER_SECOND, TIMESTAMP_END, TIMESTAMP_MIN, days_in_month, interval_out_of_range,
    local_to_timestamptz,
};
use helios_base::{Error, Interval, Result, SqlState, TimeZone, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{
    Date, Float8 as F, Int4 as I, Interval as V, Text, Time, Timestamp, TimestampTz,
};

pub(super) static FUNCTIONS: &[Function] = &[
    function("make_date", &[I, I, I], Date, make_date).names(&["year", "month", "day"]),
    function("make_time", &[I, I, F], Time, make_time).names(&["hour", "min", "sec"]),
    function(
        "make_timestamp",
        &[I, I, I, I, I, F],
        Timestamp,
        |args, _| make_timestamp(args).map(Value::Timestamp),
    )
    .names(TIMESTAMP),
    function(
        "make_timestamptz",
        &[I, I, I, I, I, F],
        TimestampTz,
        |args, call| {
            local_to_timestamptz(make_timestamp(args)?, &call.ctx.text.time_zone)
                .map(Value::TimestampTz)
        },
    )
    .names(TIMESTAMP)
    .stable(),
    function(
        "make_timestamptz",
        &[I, I, I, I, I, F, Text],
        TimestampTz,
        make_timestamptz,
    )
    .names(&["year", "month", "mday", "hour", "min", "sec", "timezone"]),
    function("make_interval", &[I, I, I, I, I, I, F], V, make_interval)
        .defaults(7)
        .names(&["years", "months", "weeks", "days", "hours", "mins", "secs"]),
];

const TIMESTAMP: &[&str] = &["year", "month", "mday", "hour", "min", "sec"];

fn out_of_range(message: String) -> Error {
    Error::new(SqlState::DATETIME_FIELD_OVERFLOW, message)
}

/// A checked calendar date; negative years are BC.
fn date(year: i32, month: i32, day: i32) -> Result<Civil> {
    let error = || {
        out_of_range(format!(
            "date field value out of range: {year}-{month:02}-{day:02}"
        ))
    };
    let internal = match year {
        0 => return Err(error()),
        ..0 => year.checked_add(1).ok_or_else(error)?,
        _ => year,
    };
    let sound = (1..=12).contains(&month) && (1..=days_in_month(internal, month)).contains(&day);
    if !sound {
        return Err(error());
    }
    Ok(Civil {
        year: internal,
        month,
        day,
        ..Civil::default()
    })
}

/// A checked time of day in microseconds; seconds may be 60, and hours 24 if that is all.
fn time(hour: i32, minute: i32, second: f64) -> Result<i64> {
    let error = || {
        let shown = Value::Float8(second).to_text(
            &helios_base::DataType::Float8,
            &helios_base::TextContext {
                extra_float_digits: -9,
                ..helios_base::TextContext::default()
            },
        );
        out_of_range(format!(
            "time field value out of range: {hour}:{minute:02}:{shown:0>2}"
        ))
    };
    if !(0..=24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..=60.0).contains(&second) {
        return Err(error());
    }
    #[allow(clippy::cast_possible_truncation, reason = "at most sixty million")]
    let micros = (second * 1e6).round_ties_even() as i64;
    let total = i64::from(hour) * MICROS_PER_HOUR + i64::from(minute) * MICROS_PER_MINUTE + micros;
    if total > MICROS_PER_DAY {
        return Err(error());
    }
    Ok(total)
}

fn make_date(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Int4(year), Value::Int4(month), Value::Int4(day)] = args else {
        return Err(mismatch(args));
    };
    let days = date(*year, *month, *day)?.days();
    i32::try_from(days)
        .ok()
        .filter(|days| (DATE_MIN..=DATE_MAX).contains(days))
        .map(Value::Date)
        .ok_or_else(|| out_of_range(format!("date out of range: {year}-{month:02}-{day:02}")))
}

fn make_time(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [
            Value::Int4(hour),
            Value::Int4(minute),
            Value::Float8(second),
        ] => time(*hour, *minute, *second).map(Value::Time),
        args => Err(mismatch(args)),
    }
}

fn make_timestamp(args: &[&Value]) -> Result<i64> {
    let [
        Value::Int4(year),
        Value::Int4(month),
        Value::Int4(day),
        Value::Int4(hour),
        Value::Int4(minute),
        Value::Float8(second),
    ] = args
    else {
        return Err(mismatch(args));
    };
    let civil = date(*year, *month, *day)?;
    let time = time(*hour, *minute, *second)?;
    civil
        .timestamp()
        .and_then(|midnight| midnight.checked_add(time))
        .filter(|micros| (TIMESTAMP_MIN..TIMESTAMP_END).contains(micros))
        .ok_or_else(|| {
            out_of_range(format!(
                "timestamp out of range: {year}-{month:02}-{day:02} {hour}:{minute:02}:{second:02}"
            ))
        })
}

fn make_timestamptz(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let Some((Value::Text(zone), fields)) = args.split_last() else {
        return Err(mismatch(args));
    };
    let local = make_timestamp(fields)?;
    // A number would read as a POSIX description, whose sign is the other way round.
    let zone = if zone.starts_with(['+', '-']) || zone.starts_with(|c: char| c.is_ascii_digit()) {
        signed_offset(zone)?
    } else {
        TimeZone::parse(zone)?
    };
    local_to_timestamptz(local, &zone).map(Value::TimestampTz)
}

/// `±hh[[:]mm[:ss]]`, east of UTC.
fn signed_offset(text: &str) -> Result<TimeZone> {
    const HOURS_MAX: i32 = 15;
    let error = || {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid input syntax for type numeric time zone: \"{text}\""),
        )
    };
    let digits = text.strip_prefix(['+', '-']).ok_or_else(error)?;
    let mut parts = digits.split(':');
    let hours = parts.next().unwrap_or_default();
    // Hours and minutes may be written together.
    let (hours, minutes) = match hours.len() {
        3.. if !digits.contains(':') => hours.split_at(hours.len() - 2),
        _ => (hours, parts.next().unwrap_or_default()),
    };
    let number = |part: &str| match part {
        "" => Ok(0),
        part if part.bytes().all(|c| c.is_ascii_digit()) => part.parse().map_err(|_| error()),
        _ => Err(error()),
    };
    let seconds = number(parts.next().unwrap_or_default())?;
    let (hours, minutes): (i32, i32) = (number(hours)?, number(minutes)?);
    if digits.is_empty() || parts.next().is_some() {
        return Err(error());
    }
    if hours > HOURS_MAX || minutes > 59 || seconds > 59 {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("numeric time zone \"{text}\" out of range"),
        ));
    }
    let seconds = hours * 3600 + minutes * 60 + seconds;
    Ok(TimeZone::fixed(if text.starts_with('-') {
        -seconds
    } else {
        seconds
    }))
}

fn make_interval(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let field = |index: usize| match args.get(index) {
        Some(Value::Int4(n)) => Ok(i64::from(*n)),
        None => Ok(0),
        _ => Err(mismatch(args)),
    };
    let seconds = match args.get(6) {
        Some(Value::Float8(seconds)) => *seconds,
        None => 0.0,
        _ => return Err(mismatch(args)),
    };
    let micros = (seconds * 1e6).round_ties_even();
    if !micros.is_finite() || micros.abs() > 9.2e18 {
        return Err(interval_out_of_range());
    }
    let narrow = |n: i64| i32::try_from(n).map_err(|_| interval_out_of_range());
    #[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
    let micros = (micros as i64)
        .checked_add(field(4)? * MICROS_PER_HOUR + field(5)? * MICROS_PER_MINUTE)
        .ok_or_else(interval_out_of_range)?;
    debug_assert_eq!(MICROS_PER_HOUR, 3600 * MICROS_PER_SECOND);
    Ok(Interval::new(
        narrow(field(0)? * 12 + field(1)?)?,
        narrow(field(2)? * 7 + field(3)?)?,
        micros,
    )
    .into())
}
