//! Text that takes the process down, or values that change on their way through text, are the
//! user's data lost.

use helios_base::datetime::{DATE_MAX, DATE_MIN, TIMESTAMP_END, TIMESTAMP_MIN};
use helios_base::{DataType, Interval, Numeric, TextContext, TimeZone, Value};
use helios_testkit::{Rng, all_types, random_value};

fn contexts() -> Vec<TextContext> {
    ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata"]
        .into_iter()
        .map(|zone| TextContext {
            time_zone: TimeZone::find(zone).unwrap(),
            now: 1_700_000_000_123_456,
            ..TextContext::default()
        })
        .collect()
}

fn types() -> Vec<DataType> {
    let scalars = all_types();
    let arrays: Vec<_> = scalars
        .iter()
        .map(|ty| DataType::Array(Box::new(ty.clone())))
        .collect();
    [scalars, arrays].concat()
}

/// Random values are of any bits; text knows only those in range.
fn in_range(value: Value) -> Value {
    match value {
        Value::Date(days) if days.abs() < i32::MAX => Value::Date(days.clamp(DATE_MIN, DATE_MAX)),
        Value::Timestamp(t) if t > i64::MIN && t < i64::MAX => {
            Value::Timestamp(t.clamp(TIMESTAMP_MIN, TIMESTAMP_END - 1))
        }
        Value::TimestampTz(t) if t > i64::MIN && t < i64::MAX => {
            // Local time must be in range as well.
            let day = 86_400_000_000;
            Value::TimestampTz(t.clamp(TIMESTAMP_MIN + day, TIMESTAMP_END - day))
        }
        Value::Array(array) => {
            let mut array = (*array).clone();
            array.elements = array.elements.into_iter().map(in_range).collect();
            array.into()
        }
        other => other,
    }
}

#[test]
fn values_survive_their_text() {
    let mut rng = Rng::new();
    for context in contexts() {
        for ty in types() {
            for _ in 0..60 {
                let value = in_range(random_value(&ty, &mut rng));
                let text = value.to_text(&ty, &context);
                let back = Value::parse(&text, &ty, &context)
                    .unwrap_or_else(|error| panic!("{ty}: {text:?}: {error}"));
                assert_eq!(back.to_text(&ty, &context), text, "{ty}");
                // Repeated hours make two instants look alike, and names are cut.
                if ty.bare() != DataType::Name && !matches!(value, Value::TimestampTz(_)) {
                    assert!(back.cmp_as(&value, &ty).is_eq(), "{ty}: {text:?}");
                }
            }
        }
    }
}

#[test]
fn no_text_is_fatal() {
    let mut rng = Rng::new();
    let golden = include_str!("../golden/text.tsv");
    let lines: Vec<&str> = golden
        .lines()
        .filter_map(|line| line.split('\t').nth(1))
        .collect();
    let contexts = contexts();
    let types = types();
    for _ in 0..60_000 {
        let mut text: Vec<char> = rng.pick(&lines).chars().collect();
        for _ in 0..rng.usize(0..4) {
            let at = rng.usize(0..=text.len());
            match rng.u8(0..4) {
                0 if at < text.len() => {
                    text.remove(at);
                }
                1 => {
                    let other = rng.pick(&lines);
                    text.splice(at..at, other.chars());
                }
                2 => text.insert(
                    at,
                    *rng.pick(&['9', '-', '.', ':', ' ', '"', '\\', '{', 'é']),
                ),
                _ => text.truncate(at),
            }
        }
        let text: String = text.into_iter().collect();
        let ty = rng.pick(&types).clone();
        let context = rng.pick(&contexts);
        if let Ok(value) = Value::parse(&text, &ty, context) {
            let shown = value.to_text(&ty, context);
            let again = Value::parse(&shown, &ty, context)
                .unwrap_or_else(|error| panic!("{ty}: {text:?} shows {shown:?}: {error}"));
            assert_eq!(again.to_text(&ty, context), shown, "{ty}: {text:?}");
        }
    }
}

#[test]
fn no_moment_is_fatal() {
    use helios_base::datetime as d;
    let mut rng = Rng::new();
    let zone = TimeZone::find("America/New_York").unwrap();
    let parts = [
        "microsecond",
        "second",
        "hour",
        "day",
        "week",
        "month",
        "quarter",
        "year",
        "decade",
        "century",
        "millennium",
        "julian",
        "isoyear",
        "epoch",
        "doy",
    ];
    let edges = [
        i64::MIN,
        i64::MIN + 1,
        TIMESTAMP_MIN,
        TIMESTAMP_MIN + 1,
        -1,
        0,
        1,
        TIMESTAMP_END - 1,
        TIMESTAMP_END,
        i64::MAX - 1,
        i64::MAX,
    ];
    for _ in 0..20_000 {
        let mut moment = || {
            if rng.bool() {
                *rng.pick(&edges)
            } else {
                rng.i64(..)
            }
        };
        let (a, b) = (moment(), moment());
        let months = [i32::MIN, -1, 0, 1, i32::MAX][rng.usize(0..5)];
        let days = [i32::MIN, -1, 0, 1, i32::MAX][rng.usize(0..5)];
        let interval = Interval::new(months, days, [i64::MIN, -1, 0, i64::MAX][rng.usize(0..4)]);
        let part = *rng.pick(&parts);
        let _ = d::add_to_timestamp(a, &interval);
        let _ = d::add_to_timestamptz(a, &interval, &zone);
        let _ = d::subtract_timestamps(a, b);
        let _ = d::age(a, b);
        let _ = d::age_tz(a, b, &zone);
        let _ = d::truncate_timestamp(part, a);
        let _ = d::truncate_timestamptz(part, a, &zone);
        let _ = d::truncate_interval(part, &interval);
        let _ = d::extract_timestamp(part, a);
        let _ = d::extract_timestamptz(part, a, &zone);
        let _ = d::extract_interval(part, &interval);
        let _ = d::extract_date(part, a as i32);
        let _ = d::date_to_timestamp(a as i32);
        let _ = d::bin(&interval, a, b);
        let _ = interval.mul(f64::from(days));
        let _ = interval.div(0.001);
        let _ = (
            interval.neg(),
            interval.justify_interval(),
            interval.justify_hours(),
        );
        for ty in [
            DataType::Timestamp(None),
            DataType::TimestampTz(None),
            DataType::Date,
            DataType::Time(None),
        ] {
            let value = match ty {
                DataType::Timestamp(_) => Value::Timestamp(a),
                DataType::TimestampTz(_) => Value::TimestampTz(a),
                DataType::Date => Value::Date(a as i32),
                _ => Value::Time(a),
            };
            let context = TextContext {
                time_zone: zone.clone(),
                ..TextContext::default()
            };
            let _ = value.to_text(&ty, &context);
        }
        let _ = interval.to_string();
    }
}

#[test]
fn numbers_do_not_run_away() {
    // Each of these must be quick: big or refused.
    let huge = Numeric::parse("1e131071").unwrap();
    let tiny = Numeric::parse("1e-16383").unwrap();
    assert!(huge.mul(&huge).is_err());
    assert!(huge.mul(&Numeric::from(10i64)).is_err());
    assert_eq!(tiny.mul(&tiny).unwrap(), Numeric::ZERO);
    assert!(huge.div(&tiny).is_err());
    assert_eq!(tiny.div(&huge).unwrap(), Numeric::ZERO);
    assert!(huge.exp().is_err());
    assert!(huge.power(&huge).is_err());
    assert!(huge.ln().is_ok());
    assert!(huge.sqrt().is_ok());
    assert!(tiny.sqrt().is_ok());
    assert!(Numeric::factorial(i64::MAX).is_err());
    assert!(Numeric::parse(&"9".repeat(200_000)).is_err());
    assert!(Numeric::parse("1e999999999999999999999").is_err());
}
