//! Named places where a test makes the program die or fail.
//!
//! Storage code calls [`hit`] at every point where a crash is interesting. The environment
//! variable [`VARIABLE`] arms points: `name:nth:action`, several separated by commas, where `nth`
//! counts the visits from 1 and `action` is `abort` (the process dies at once, as under SIGKILL)
//! or `error` (the call fails, and every later visit of this point too). Without the variable a
//! visit costs one relaxed load.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Result};

/// The environment variable that arms points.
pub const VARIABLE: &str = "HELIOS_FAILPOINT";

const UNKNOWN: u8 = 0;
const QUIET: u8 = 1;
const ARMED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);
static POINTS: Mutex<Vec<Point>> = Mutex::new(Vec::new());

/// What an armed point does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ends the process at once, without unwinding or flushing anything.
    Abort,
    /// Makes [`hit`] return an input/output error.
    Error,
}

struct Point {
    name: String,
    left: u64,
    action: Action,
}

/// Visits the point `name`.
///
/// # Errors
/// An I/O error that names the point, if it is armed with [`Action::Error`] and its turn has come.
#[inline]
pub fn hit(name: &str) -> Result<()> {
    if STATE.load(Ordering::Relaxed) == QUIET {
        return Ok(());
    }
    visit(name)
}

#[cold]
fn visit(name: &str) -> Result<()> {
    let mut points = points();
    if STATE.load(Ordering::Relaxed) == UNKNOWN {
        let text = std::env::var(VARIABLE).unwrap_or_default();
        points.extend(text.split(',').filter_map(parse));
        settle(&points);
    }
    let Some(point) = points.iter_mut().find(|point| point.name == name) else {
        return Ok(());
    };
    point.left = point.left.saturating_sub(1);
    match point.action {
        _ if point.left > 0 => Ok(()),
        Action::Abort => std::process::abort(),
        Action::Error => Err(Error::io(
            format_args!("pass failpoint \"{name}\""),
            std::io::Error::other("injected failure"),
        )),
    }
}

/// Whether `name` is armed: for places that must behave differently to be interrupted, such as a
/// write in two halves. Before the first [`hit`] of the process the answer may be false.
#[must_use]
pub fn is_armed(name: &str) -> bool {
    STATE.load(Ordering::Relaxed) == ARMED && points().iter().any(|point| point.name == name)
}

/// Arms `name` from within the process: its `nth` visit from now, counted from 1, does `action`.
pub fn arm(name: &str, nth: u64, action: Action) {
    let mut points = points();
    points.retain(|point| point.name != name);
    points.push(Point {
        name: name.to_owned(),
        left: nth.max(1),
        action,
    });
    settle(&points);
}

/// Makes `name` harmless again.
pub fn disarm(name: &str) {
    let mut points = points();
    points.retain(|point| point.name != name);
    settle(&points);
}

fn points() -> MutexGuard<'static, Vec<Point>> {
    POINTS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn settle(points: &[Point]) {
    let state = if points.is_empty() { QUIET } else { ARMED };
    STATE.store(state, Ordering::Relaxed);
}

fn parse(text: &str) -> Option<Point> {
    let mut parts = text.trim().split(':');
    let name = parts.next().filter(|name| !name.is_empty())?.to_owned();
    let left = parts.next()?.parse().ok()?;
    let action = match parts.next()? {
        "abort" => Action::Abort,
        "error" => Action::Error,
        _ => return None,
    };
    Some(Point { name, left, action })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nth_visit_fails_and_stays_failed() {
        arm("test-nth", 2, Action::Error);
        assert!(hit("test-nth").is_ok());
        assert!(hit("test-other").is_ok());
        assert!(hit("test-nth").is_err());
        assert!(hit("test-nth").is_err());
        disarm("test-nth");
        assert!(hit("test-nth").is_ok());
    }

    #[test]
    fn malformed_settings_arm_nothing() {
        for text in ["", "a", "a:1", "a:x:abort", "a:1:explode", ":1:abort"] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse(" a:3:error").is_some());
    }
}
