//! How long replaced rows stay readable: what people write. The store keeps the promises.

use std::time::Duration;

use helios_base::datetime::MICROS_PER_DAY;
use helios_base::{DataType, Error, Interval, Result, SqlState, TextContext, Value};

/// Reads a period of an option.
///
/// # Errors
/// 22023 for what is no interval, and for negative ones.
pub(super) fn check(option: &str, value: &str) -> Result<Duration> {
    helios_version::parse_period(value).ok_or_else(|| {
        let error = Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid value for option \"{option}\": \"{value}\""),
        );
        error.with_hint("It is an interval that is not negative, such as '7 days'.")
    })
}

/// A length of time in µs as an interval is shown.
pub(super) fn shown(micros: i64) -> String {
    let interval = Interval {
        months: 0,
        days: i32::try_from(micros / MICROS_PER_DAY).unwrap_or(i32::MAX),
        micros: micros % MICROS_PER_DAY,
    };
    let shown = Value::Interval(Box::new(interval));
    shown.to_text(&DataType::Interval(None), &TextContext::default())
}
