//! Date and time arithmetic against PostgreSQL's. The session's zone is Europe/Berlin.

use helios_base::datetime::{self, parse_interval};
use helios_base::{DataType, Interval, Result, SqlState, TextContext, TimeZone, Value};

use crate::golden;

#[test]
fn calculates_as_postgres_does() {
    let context = TextContext {
        time_zone: TimeZone::find("Europe/Berlin").unwrap(),
        ..TextContext::default()
    };
    golden::check(
        "datetime.tsv",
        include_str!("../golden/datetime.tsv"),
        |fields| {
            let [op, ty, a, b] = fields else {
                panic!("four fields expected");
            };
            answer(op, ty, a, b, &context)
        },
    );
}

fn answer(op: &str, ty: &str, a: &str, b: &str, context: &TextContext) -> Result<String> {
    let zone = &context.time_zone;
    let timestamp = |text: &str| datetime::parse_timestamp(text, context);
    let instant = |text: &str| datetime::parse_timestamptz(text, context);
    let show = |ty: DataType, value: Value| value.to_text(&ty, context);
    let show_timestamp = |t: i64| show(DataType::Timestamp(None), Value::Timestamp(t));
    let show_instant = |t: i64| show(DataType::TimestampTz(None), Value::TimestampTz(t));
    Ok(match (op, ty) {
        ("extract", _) => extract(ty, a, b, context)?,
        ("trunc", "timestamp") => show_timestamp(datetime::truncate_timestamp(a, timestamp(b)?)?),
        ("trunc", "timestamptz") => {
            show_instant(datetime::truncate_timestamptz(a, instant(b)?, zone)?)
        }
        ("trunc", _) => datetime::truncate_interval(a, &parse_interval(b)?)?.to_string(),
        ("+", "timestamp") => show_timestamp(datetime::add_to_timestamp(
            timestamp(a)?,
            &parse_interval(b)?,
        )?),
        ("+", _) => show_instant(datetime::add_to_timestamptz(
            instant(a)?,
            &parse_interval(b)?,
            zone,
        )?),
        ("-", "timestamp") => {
            datetime::subtract_timestamps(timestamp(a)?, timestamp(b)?)?.to_string()
        }
        ("-", _) => datetime::subtract_timestamps(instant(a)?, instant(b)?)?.to_string(),
        ("age", "timestamp") => datetime::age(timestamp(a)?, timestamp(b)?)?.to_string(),
        ("age", _) => datetime::age_tz(instant(a)?, instant(b)?, zone)?.to_string(),
        ("bin", stride) => show_timestamp(datetime::bin(
            &parse_interval(stride)?,
            timestamp(a)?,
            timestamp(b)?,
        )?),
        ("zone", name) if b == "tz" => show_timestamp(datetime::timestamptz_to_local(
            instant(a)?,
            &TimeZone::parse(name)?,
        )?),
        ("zone", name) => show_instant(datetime::local_to_timestamptz(
            timestamp(a)?,
            &TimeZone::parse(name)?,
        )?),
        _ => interval(op, &parse_interval(a)?, b)?,
    })
}

fn interval(op: &str, a: &Interval, b: &str) -> Result<String> {
    let other = || parse_interval(b);
    Ok(match op {
        "i*" => a.mul(b.parse().unwrap())?,
        "i/" => a.div(b.parse().unwrap())?,
        "ijustify_days" => a.justify_days()?,
        "ijustify_hours" => a.justify_hours()?,
        "ijustify_interval" => a.justify_interval()?,
        "ineg" => a.neg()?,
        "i+" => a.add(&other()?)?,
        "i-" => a.sub(&other()?)?,
        "icmp" => return Ok((a.cmp(&other()?) as i8).to_string()),
        _ => panic!("unknown operation {op}"),
    }
    .to_string())
}

fn extract(ty: &str, part: &str, text: &str, context: &TextContext) -> Result<String> {
    let found = match ty {
        "timestamp" => {
            datetime::extract_timestamp(part, datetime::parse_timestamp(text, context)?)?
        }
        "timestamptz" => datetime::extract_timestamptz(
            part,
            datetime::parse_timestamptz(text, context)?,
            &context.time_zone,
        )?,
        "date" => datetime::extract_date(part, datetime::parse_date(text, context)?)?,
        "time" => Some(datetime::extract_time(
            part,
            datetime::parse_time(text, context)?,
        )?),
        _ => Some(datetime::extract_interval(part, &parse_interval(text)?)?),
    };
    Ok(found.map_or("NULL".into(), |number| number.to_string()))
}

// PostgreSQL takes the first of these and shows a value that it does not take.
#[test]
fn times_keep_to_the_offsets_that_can_be_written() {
    let context = TextContext::default();
    for text in ["12:31.8e+164:56", "12:31e-16", "12:31+16", "12:31-164:56"] {
        let error = Value::parse(text, &DataType::TimeTz(None), &context).unwrap_err();
        assert_eq!(
            error.sqlstate(),
            SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
            "{text}: {error}"
        );
    }
    let kept = Value::parse("12:31e+15:59:59", &DataType::TimeTz(None), &context).unwrap();
    assert_eq!(
        kept.to_text(&DataType::TimeTz(None), &context),
        "12:31:00-15:59:59"
    );
}
