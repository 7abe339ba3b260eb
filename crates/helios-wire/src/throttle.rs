//! Holding back whoever keeps guessing passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use helios_base::{Error, Result, SqlState};
use parking_lot::Mutex;

/// So many failures in a row cost nothing: people mistype.
const FREE: u32 = 3;
/// The same from one address, whatever names it tries.
const FREE_BY_ADDRESS: u32 = 30;
/// The longest wait; each failure after the free ones doubles it from a second.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Failures longer ago are forgotten.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// How many addresses and names are remembered; the oldest failures go first.
const ENTRIES_MAX: usize = 10_000;

/// Failed logins by address, and by address and name. `None` is this machine's local socket.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<HashMap<Key, Failures>>);

type Key = (Option<IpAddr>, Option<String>);

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
    /// Attempts of which nobody knows yet how they end.
    open: u32,
}

/// An attempt that has begun.
#[derive(Debug)]
pub(crate) struct Attempt<'t> {
    throttle: &'t Throttle,
    key: Key,
    counted: bool,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.counted
            && let Some(failures) = self.throttle.0.lock().get_mut(&self.key)
        {
            failures.open = failures.open.saturating_sub(1);
        }
    }
}

impl Failures {
    /// How long a next attempt has to wait.
    fn wait(self, free: u32, now: Instant) -> Option<Duration> {
        let doublings = self.count.checked_sub(free)?;
        let wait = Duration::from_secs(1_u64 << doublings.min(6)).min(WAIT_MAX);
        wait.checked_sub(now.duration_since(self.last))
            .filter(|left| !left.is_zero())
    }
}

fn refusal(user: &str, left: Duration) -> Error {
    Error::new(
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
        format!("too many failed logins for user \"{user}\""),
    )
    .with_hint(format!("Try again in {} s.", left.as_secs() + 1))
}

impl Throttle {
    /// Refuses an attempt that comes too early after failed ones.
    ///
    /// # Errors
    /// `28000`, the same for names that nobody has.
    pub(crate) fn check(&self, address: Option<IpAddr>, user: &str) -> Result<Attempt<'_>> {
        self.check_at(address, user, Instant::now())?;
        let key = (address, Some(user.to_owned()));
        let mut counted = false;
        if let Some(failures) = self.0.lock().get_mut(&key) {
            // Whoever has failed tries one after the other, not a hundred at once.
            if failures.count >= FREE && failures.open > 0 {
                return Err(refusal(user, Duration::from_secs(1)));
            }
            failures.open += 1;
            counted = true;
        }
        Ok(Attempt {
            throttle: self,
            key,
            counted,
        })
    }

    fn check_at(&self, address: Option<IpAddr>, user: &str, now: Instant) -> Result<()> {
        let known = self.0.lock();
        let wait = |key: &Key, free| known.get(key)?.wait(free, now);
        let by_name = wait(&(address, Some(user.to_owned())), FREE);
        match by_name.max(wait(&(address, None), FREE_BY_ADDRESS)) {
            None => Ok(()),
            Some(left) => Err(refusal(user, left)),
        }
    }

    /// Notes how an attempt ended.
    pub(crate) fn note(&self, address: Option<IpAddr>, user: &str, passed: bool) {
        self.note_at(address, user, passed, Instant::now());
    }

    fn note_at(&self, address: Option<IpAddr>, user: &str, passed: bool, now: Instant) {
        let mut known = self.0.lock();
        let by_name = (address, Some(user.to_owned()));
        if passed {
            // Whoever knows one password may still be guessing others.
            known.remove(&by_name);
            return;
        }
        if known.len() >= ENTRIES_MAX {
            known.retain(|_, failures| now.duration_since(failures.last) < MEMORY);
        }
        for key in [by_name, (address, None)] {
            if known.len() >= ENTRIES_MAX && !known.contains_key(&key) {
                let oldest = known.iter().min_by_key(|(_, failures)| failures.last);
                if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                    known.remove(&oldest);
                }
            }
            let failures = known.entry(key).or_insert(Failures {
                count: 0,
                last: now,
                open: 0,
            });
            if now.duration_since(failures.last) >= MEMORY {
                failures.count = 0;
            }
            failures.count = failures.count.saturating_add(1);
            failures.last = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_slows_down_and_others_do_not() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let here = Some(IpAddr::from([10, 0, 0, 1]));
        let there = Some(IpAddr::from([10, 0, 0, 2]));
        for _ in 0..FREE {
            assert!(throttle.check_at(here, "ada", start).is_ok());
            throttle.note_at(here, "ada", false, start);
        }
        assert!(throttle.check_at(here, "ada", start).is_err());
        assert!(throttle.check_at(here, "bob", start).is_ok());
        assert!(throttle.check_at(there, "ada", start).is_ok());
        let later = start + Duration::from_secs(1);
        assert!(throttle.check_at(here, "ada", later).is_ok());
        throttle.note_at(here, "ada", false, later);
        assert!(
            throttle
                .check_at(here, "ada", later + Duration::from_secs(1))
                .is_err()
        );
        for _ in 0..20 {
            throttle.note_at(here, "ada", false, later);
        }
        assert!(throttle.check_at(here, "ada", later + WAIT_MAX).is_ok());
        throttle.note_at(here, "ada", true, later);
        assert!(throttle.check_at(here, "ada", later).is_ok());
    }

    // Guards against a hundred guesses that begin before the first of them has failed.
    #[test]
    fn who_has_failed_tries_one_after_the_other() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        let many: Vec<_> = (0..50).map(|_| throttle.check(None, "ada")).collect();
        assert!(many.iter().all(Result::is_ok), "a pool that opens");
        drop(many);
        let past = start.checked_sub(WAIT_MAX).unwrap_or(start);
        for _ in 0..FREE {
            throttle.note_at(None, "ada", false, past);
        }
        let one = throttle.check(None, "ada");
        assert!(one.is_ok() && throttle.check(None, "ada").is_err());
        drop(one);
        assert!(throttle.check(None, "ada").is_ok());
    }

    #[test]
    fn other_names_do_not_help_for_ever() {
        let throttle = Throttle::default();
        let (start, here) = (Instant::now(), Some(IpAddr::from([10, 0, 0, 1])));
        for name in 0..FREE_BY_ADDRESS {
            throttle.note_at(here, &name.to_string(), false, start);
        }
        assert!(throttle.check_at(here, "fresh", start).is_err());
        assert!(throttle.check_at(None, "fresh", start).is_ok());
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for name in 0..ENTRIES_MAX + 100 {
            throttle.note_at(None, &name.to_string(), false, start);
        }
        assert_eq!(throttle.0.lock().len(), ENTRIES_MAX);
    }
}
