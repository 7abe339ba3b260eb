//! Advisory locks: locks on numbers whose meaning only their users know.
//!
//! All sessions of an engine share one table. A session may take a lock several times, shared or
//! exclusive, for itself (until it gives it back or ends) or for its transaction. Whoever has to wait
//! first looks whether those it waits for wait, by way of others, for it: then it fails with 40P01.
//! A circle that also goes through row locks is not seen; `lock_timeout` ends it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use helios_base::{Error, Result, SqlState, Value};
use parking_lot::{Condvar, Mutex};

use super::Interrupt;

/// How often a waiter looks whether it is to stop.
const POLL: Duration = Duration::from_millis(5);

/// What is locked: one number, or two, which are never the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// `pg_advisory_lock(bigint)`
    One(i64),
    /// `pg_advisory_lock(integer, integer)`
    Two(i32, i32),
}

impl Key {
    /// `classid`, `objid` and `objsubid`, as `pg_locks` shows them.
    pub(crate) fn parts(self) -> (u32, u32, i16) {
        match self {
            Self::One(number) => ((number >> 32) as u32, number as u32, 1),
            Self::Two(class, object) => (class.cast_unsigned(), object.cast_unsigned(), 2),
        }
    }
}

/// How a session holds a lock: how often for itself and for its transaction.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    exclusive: u32,
    shared: u32,
}

impl Held {
    fn count(&mut self, exclusive: bool) -> &mut u32 {
        if exclusive {
            &mut self.exclusive
        } else {
            &mut self.shared
        }
    }
}

#[derive(Default)]
struct Table {
    /// Holders by lock and session.
    held: HashMap<Key, HashMap<u64, Held>>,
    /// Who waits for what, in order of arrival.
    waiting: Vec<(u64, Key, bool)>,
}

impl Table {
    /// Those who keep a session from a lock: holders, and waiters before it if it holds nothing.
    fn blockers(&self, session: u64, key: Key, exclusive: bool) -> Vec<u64> {
        let holders = self.held.get(&key);
        let mut found: Vec<u64> = holders
            .into_iter()
            .flatten()
            .filter(|(owner, held)| **owner != session && (exclusive || held.exclusive > 0))
            .map(|(owner, _)| *owner)
            .collect();
        if !holders.is_some_and(|holders| holders.contains_key(&session)) {
            let before = self
                .waiting
                .iter()
                .take_while(|(owner, ..)| *owner != session);
            found.extend(
                before
                    .filter(|(_, other, wants)| *other == key && (exclusive || *wants))
                    .map(|(owner, ..)| *owner),
            );
        }
        found
    }

    /// Whether a session, waiting for this, would wait for itself.
    fn closes_circle(&self, session: u64, key: Key, exclusive: bool) -> bool {
        let mut seen = Vec::new();
        let mut open = self.blockers(session, key, exclusive);
        while let Some(next) = open.pop() {
            if next == session {
                return true;
            }
            if seen.contains(&next) {
                continue;
            }
            seen.push(next);
            for (owner, key, exclusive) in &self.waiting {
                if *owner == next {
                    open.extend(self.blockers(next, *key, *exclusive));
                }
            }
        }
        false
    }

    fn take(&mut self, session: u64, key: Key, exclusive: bool) {
        let held = self.held.entry(key).or_default().entry(session);
        *held.or_default().count(exclusive) += 1;
    }

    fn give_back(&mut self, session: u64, key: Key, exclusive: bool) -> bool {
        let Some(holders) = self.held.get_mut(&key) else {
            return false;
        };
        let Some(held) = holders.get_mut(&session) else {
            return false;
        };
        let count = held.count(exclusive);
        if *count == 0 {
            return false;
        }
        *count -= 1;
        if held.exclusive == 0 && held.shared == 0 {
            holders.remove(&session);
        }
        if holders.is_empty() {
            self.held.remove(&key);
        }
        true
    }
}

/// The advisory locks of an engine.
#[derive(Default)]
pub(crate) struct AdvisoryLocks {
    table: Mutex<Table>,
    freed: Condvar,
}

/// One line of `pg_locks`.
pub(crate) struct AdvisoryLock {
    pub(crate) session: u64,
    pub(crate) key: Key,
    pub(crate) exclusive: bool,
    pub(crate) granted: bool,
}

impl AdvisoryLocks {
    /// Takes a lock, waiting for it unless `wait` is `None`; false if it is not free.
    ///
    /// # Errors
    /// 40P01 on a deadlock, 55P03 after `lock_timeout`, 57014 when cancelled.
    fn lock(
        &self,
        session: u64,
        key: Key,
        exclusive: bool,
        wait: Option<(Option<Duration>, &Interrupt)>,
    ) -> Result<bool> {
        let mut table = self.table.lock();
        if table.blockers(session, key, exclusive).is_empty() {
            table.take(session, key, exclusive);
            return Ok(true);
        }
        let Some((limit, interrupt)) = wait else {
            return Ok(false);
        };
        if table.closes_circle(session, key, exclusive) {
            return Err(Error::new(SqlState::DEADLOCK_DETECTED, "deadlock detected")
                .with_hint("Take advisory locks in the same order everywhere."));
        }
        table.waiting.push((session, key, exclusive));
        let start = Instant::now();
        let result = loop {
            if let Err(error) = interrupt.check() {
                break Err(error);
            }
            if table.blockers(session, key, exclusive).is_empty() {
                table.take(session, key, exclusive);
                break Ok(true);
            }
            if limit.is_some_and(|limit| start.elapsed() >= limit) {
                break Err(Error::new(
                    SqlState::LOCK_NOT_AVAILABLE,
                    "canceling statement due to lock timeout",
                ));
            }
            self.freed.wait_for(&mut table, POLL);
        };
        table.waiting.retain(|(owner, ..)| *owner != session);
        // Those behind this waiter may go on now.
        self.freed.notify_all();
        result
    }

    fn unlock(&self, session: u64, key: Key, exclusive: bool) -> bool {
        let given = self.table.lock().give_back(session, key, exclusive);
        self.freed.notify_all();
        given
    }

    /// All locks, held and waited for.
    pub(crate) fn list(&self) -> Vec<AdvisoryLock> {
        let table = self.table.lock();
        let mut all = Vec::new();
        for (key, holders) in &table.held {
            for (session, held) in holders {
                for (count, exclusive) in [(held.exclusive, true), (held.shared, false)] {
                    if count > 0 {
                        all.push(AdvisoryLock {
                            session: *session,
                            key: *key,
                            exclusive,
                            granted: true,
                        });
                    }
                }
            }
        }
        all.extend(
            table
                .waiting
                .iter()
                .map(|(session, key, exclusive)| AdvisoryLock {
                    session: *session,
                    key: *key,
                    exclusive: *exclusive,
                    granted: false,
                }),
        );
        all.sort_by_key(|lock| (lock.key, lock.session, lock.exclusive));
        all
    }
}

/// The advisory locks of one session, in the order in which they were taken.
#[derive(Default)]
pub(crate) struct Mine {
    session: Vec<(Key, bool)>,
    transaction: Vec<(Key, bool)>,
}

impl super::state::State {
    /// Gives back the locks of the transaction that were taken after the first `kept`.
    pub(crate) fn end_advisory(&self, kept: usize) {
        let over: Vec<_> = {
            let mut mine = self.advisory.lock();
            let kept = kept.min(mine.transaction.len());
            mine.transaction.drain(kept..).collect()
        };
        if over.is_empty() {
            return;
        }
        if let Some(shared) = self.shared.upgrade() {
            for (key, exclusive) in over {
                shared.advisory.unlock(self.number, key, exclusive);
            }
        }
    }

    /// How many locks the transaction has, for [`Self::end_advisory`].
    pub(crate) fn advisory_mark(&self) -> usize {
        self.advisory.lock().transaction.len()
    }

    /// Gives back all locks that the session holds for itself.
    fn unlock_all(&self) {
        let all = std::mem::take(&mut self.advisory.lock().session);
        if let Some(shared) = self.shared.upgrade() {
            for (key, exclusive) in all {
                shared.advisory.unlock(self.number, key, exclusive);
            }
        }
    }
}

/// Gives back all locks of a session that ends.
pub(super) fn end(state: &super::state::State) {
    state.end_advisory(0);
    state.unlock_all();
}

/// Calls the function `name`, if it is one of these.
pub(super) fn call(
    state: &super::state::State,
    name: &str,
    args: &[&Value],
) -> Option<Result<Value>> {
    let rest = name.strip_prefix("pg_")?;
    let (tries, rest) = match rest.strip_prefix("try_") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.strip_prefix("advisory_")?;
    if rest == "unlock_all" {
        state.unlock_all();
        return Some(Ok(Value::text("")));
    }
    let key = match args {
        [Value::Int8(number)] => Key::One(*number),
        [Value::Int4(class), Value::Int4(object)] => Key::Two(*class, *object),
        _ => return None,
    };
    let (what, exclusive) = match rest.strip_suffix("_shared") {
        Some(what) => (what, false),
        None => (rest, true),
    };
    Some(match what {
        "lock" | "xact_lock" => lock(state, key, exclusive, what == "xact_lock", tries),
        "unlock" => Ok(Value::Bool(unlock(state, key, exclusive))),
        _ => return None,
    })
}

fn lock(
    state: &super::state::State,
    key: Key,
    exclusive: bool,
    transaction: bool,
    tries: bool,
) -> Result<Value> {
    let shared = state
        .shared
        .upgrade()
        .ok_or_else(|| Error::internal("a session outlived its engine"))?;
    let limit = state
        .settings
        .lock()
        .timeout(super::settings::Id::LockTimeout);
    let wait = (!tries).then_some((limit, &state.interrupt));
    let taken = shared.advisory.lock(state.number, key, exclusive, wait)?;
    if taken {
        let mut mine = state.advisory.lock();
        if transaction {
            mine.transaction.push((key, exclusive));
        } else {
            mine.session.push((key, exclusive));
        }
    }
    Ok(if tries {
        Value::Bool(taken)
    } else {
        Value::text("")
    })
}

/// Only what the session holds for itself can be given back.
fn unlock(state: &super::state::State, key: Key, exclusive: bool) -> bool {
    let held = {
        let mut mine = state.advisory.lock();
        let at = mine
            .session
            .iter()
            .rposition(|lock| *lock == (key, exclusive));
        at.map(|at| mine.session.remove(at)).is_some()
    };
    held && state
        .shared
        .upgrade()
        .is_some_and(|shared| shared.advisory.unlock(state.number, key, exclusive))
}
