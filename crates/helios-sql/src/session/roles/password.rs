//! What a new password must be like: `password_min_length` and `password_lifetime`.

use helios_base::datetime::parse_interval;
use helios_base::{Error, Result, SqlState};
use helios_expr::SessionHooks;

use crate::session::state::State;

/// How many characters a password must have.
pub(in crate::session) const MIN_LENGTH: &str = "password_min_length";
/// How long a password holds.
pub(in crate::session) const LIFETIME: &str = "password_lifetime";

fn bad(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

/// Whether this setting is one of them; refuses a value that it cannot have.
///
/// # Errors
/// `22023`
pub(in crate::session) fn check_setting(name: &str, value: &str) -> Result<bool> {
    let fits = match name {
        MIN_LENGTH => value.trim().parse::<u16>().is_ok(),
        LIFETIME => micros(value).is_some(),
        _ => return Ok(false),
    };
    match fits {
        true => Ok(true),
        false => Err(bad(format!(
            "invalid value for parameter \"{name}\": \"{value}\""
        ))),
    }
}

/// A period of at least nothing, in microseconds.
fn micros(value: &str) -> Option<i64> {
    if value.trim() == "0" {
        return Some(0);
    }
    let span = parse_interval(value).ok()?.span();
    i64::try_from(span).ok().filter(|span| *span >= 0)
}

/// Refuses a password that is not what it must be.
///
/// # Errors
/// `22023`
pub(super) fn check(state: &State, role: &str, password: &str, superuser: bool) -> Result<()> {
    let least = state.setting(MIN_LENGTH);
    let least = least.and_then(|least| least.trim().parse::<usize>().ok());
    let Some(least) = least.filter(|least| *least > 0) else {
        return Ok(());
    };
    if password.starts_with("SCRAM-SHA-256$") {
        return match superuser {
            true => Ok(()),
            false => Err(bad("a verifier does not show how long the password is")
                .with_hint("Give the password itself.")),
        };
    }
    if password.chars().count() < least {
        return Err(bad("password is too short").with_hint(format!(
            "It must have at least {least} characters, as the parameter \"{MIN_LENGTH}\" says."
        )));
    }
    if password.to_lowercase().contains(&role.to_lowercase()) {
        return Err(bad("password must not contain user name"));
    }
    Ok(())
}

/// Until when a password holds that is new now, in microseconds since 1970; `None`: for ever.
pub(super) fn valid_until(state: &State, now: i64) -> Option<i64> {
    let span = micros(&state.setting(LIFETIME)?)?;
    (span > 0).then(|| now.saturating_add(span))
}
