//! Branches that expire: the option `ttl`.
//!
//! The next one to expire sets an alarm. When it rings a few expired branches are dropped, and the next
//! alarm is set. A branch that cannot go yet, because branches come from it, a snapshot has a name or a merge waits
//! for it, or a transaction runs on it, is tried again later.

use std::sync::{Arc, Weak};
use std::time::Duration;

use helios_version::{Branch, Store};

use super::clock;
use super::engine::Shared;
use super::watchdog::Alarm;

/// The branch option.
pub(super) const OPTION: &str = "ttl";

/// Branches dropped at a time; other alarms wait that long.
const AT_ONCE: usize = 4;
/// Between two such steps.
const PAUSE: Duration = Duration::from_millis(20);
/// Until a branch that could not go is tried again.
const AGAIN: Duration = Duration::from_secs(10);
/// The longest wait: clocks are set.
const LONGEST: Duration = Duration::from_secs(3600);

/// The alarm that is set.
#[derive(Default)]
pub(crate) struct Expiry(parking_lot::Mutex<Option<Alarm>>);

/// When a branch expires, in microseconds since 1970 UTC; `None` if it does not.
pub(super) fn expires_at(branch: &Branch) -> Option<i64> {
    branch.parent?;
    let (_, text) = branch.options.iter().find(|(name, _)| name == OPTION)?;
    let ttl = helios_version::parse_period(text)?;
    let micros = i64::try_from(ttl.as_micros()).ok()?;
    branch.created_at.checked_add(micros)
}

/// Sets the alarm for the branch that expires next. Call it when branches or their options changed.
pub(super) fn arm(shared: &Arc<Shared>) {
    let next = shared.tables.store().branches();
    let next = next.iter().filter_map(expires_at).min();
    let wait = next.map(|next| {
        let micros = next.saturating_sub(clock::now());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    });
    arm_after(shared, wait);
}

fn arm_after(shared: &Arc<Shared>, wait: Option<Duration>) {
    let weak: Weak<Shared> = Arc::downgrade(shared);
    let alarm = wait.and_then(|wait| {
        shared.watchdog.after(wait.min(LONGEST), move || {
            if let Some(shared) = weak.upgrade() {
                ring(&shared);
            }
        })
    });
    let before = std::mem::replace(&mut *shared.expiry.0.lock(), alarm);
    drop(before);
}

/// Drops some of the branches that have expired.
fn ring(shared: &Arc<Shared>) {
    let store = shared.tables.store();
    let mut stuck = false;
    let mut dropped = 0;
    for branch in expired(store, clock::now()) {
        if dropped == AT_ONCE {
            return arm_after(shared, Some(PAUSE));
        }
        match super::drop_branch::drop_alone(shared, &branch) {
            true => dropped += 1,
            false => stuck = true,
        }
    }
    match stuck {
        true => arm_after(shared, Some(AGAIN)),
        false => arm(shared),
    }
}

/// The branches whose time is over, children before their parents.
fn expired(store: &Store, now: i64) -> Vec<Branch> {
    let mut all = store.branches();
    all.retain(|branch| expires_at(branch).is_some_and(|at| at <= now));
    all.sort_by_key(|branch| std::cmp::Reverse(branch.id));
    all
}
