//! How long replaced rows stay readable: what people write. The store keeps the promises.

use std::time::Duration;

use helios_base::{Error, Result, SqlState};

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
