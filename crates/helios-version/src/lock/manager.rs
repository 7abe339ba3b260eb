//! The lock manager: who holds what, who waits, and whether anybody waits in a circle.
//!
//! Locks live in shards of hash maps and exist only while held or waited for. A request that
//! conflicts with holders, or with earlier waiters of others, queues; a holder that wants more goes
//! before those who hold nothing. Whoever releases grants what has become free, in queue order, and
//! wakes the owners.
//!
//! **Deadlocks** are found by the one who closes the circle: before sleeping, a transaction walks
//! from the lock it wants to all who block it, from there to the locks they want, and so on. New
//! edges of the waits-for graph appear only when somebody queues, and that somebody walks, so no
//! circle is missed. Walks and queueing are serialised by one mutex that the fast path never takes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use helios_base::{BranchId, Error, Result, SqlState, TableId};
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::mode::{Mode, Modes};
use super::{LockInfo, LockTarget, Wait};
use crate::hash::BuildHashed;
use crate::txn::Cancel;

const SHARDS: usize = 64;

/// How often a waiting transaction looks whether it was cancelled.
const CANCEL_POLL: Duration = Duration::from_millis(25);

/// What a lock is on: a kind and number of the object, a branch, and a hash of the key.
///
/// Two keys with the same hash share a lock. That can make a transaction wait needlessly, never
/// pass wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LockKey {
    hash: u64,
    object: u64,
}

const KIND_TABLE: u64 = 0;
const KIND_ROW: u64 = 1;
const KIND_KEY: u64 = 2;

impl LockKey {
    pub(crate) fn table(branch: BranchId, table: u32) -> Self {
        let object = u64::from(table) << 32 | u64::from(branch.0);
        Self {
            hash: object.wrapping_mul(0x9e37_79b9_7f4a_7c15) << 2 | KIND_TABLE,
            object,
        }
    }

    #[inline]
    pub(crate) fn row(branch: BranchId, table: u32, key: &[u8]) -> Self {
        Self::keyed(KIND_ROW, branch, table, key)
    }

    #[inline]
    pub(crate) fn key(branch: BranchId, space: u32, key: &[u8]) -> Self {
        Self::keyed(KIND_KEY, branch, space, key)
    }

    #[inline]
    fn keyed(kind: u64, branch: BranchId, object: u32, key: &[u8]) -> Self {
        Self {
            hash: crate::hash::hash_key(object, branch, key) << 2 | kind,
            object: u64::from(object) << 32 | u64::from(branch.0),
        }
    }

    /// The table, if the lock is on a whole one or on a row.
    pub(crate) fn table_of(self) -> Option<(TableId, bool)> {
        match self.target() {
            LockTarget::Table(_, table) => Some((table, true)),
            LockTarget::Row(_, table, _) => Some((table, false)),
            LockTarget::Key(..) => None,
        }
    }

    pub(crate) fn target(self) -> LockTarget {
        let (object, branch) = ((self.object >> 32) as u32, BranchId(self.object as u32));
        match self.hash & 3 {
            KIND_TABLE => LockTarget::Table(branch, object.into()),
            KIND_ROW => LockTarget::Row(branch, object.into(), self.hash >> 2),
            _ => LockTarget::Key(branch, object, self.hash >> 2),
        }
    }

    #[inline]
    fn shard(self) -> usize {
        (self.hash >> 20) as usize % SHARDS
    }
}

/// One transaction, as the lock manager knows it.
pub(crate) struct Owner {
    pub(crate) number: u64,
    granted: Mutex<bool>,
    wake: Condvar,
}

impl Owner {
    pub(crate) fn new(number: u64) -> Arc<Self> {
        Arc::new(Self {
            number,
            granted: Mutex::new(false),
            wake: Condvar::new(),
        })
    }
}

/// A lock in use. Most have one holder, kept inline: a load holds very many.
#[derive(Default)]
struct Entry {
    first: (u64, Modes),
    rest: Option<Box<Rest>>,
}

/// More holders, and those who wait.
#[derive(Default)]
struct Rest {
    more: Vec<(u64, Modes)>,
    queue: Vec<Waiter>,
}

struct Waiter {
    owner: Arc<Owner>,
    mode: Mode,
}

impl Entry {
    fn more(&self) -> &[(u64, Modes)] {
        self.rest.as_ref().map_or(&[], |rest| &rest.more)
    }

    fn queue(&self) -> &[Waiter] {
        self.rest.as_ref().map_or(&[], |rest| &rest.queue)
    }

    fn rest(&mut self) -> &mut Rest {
        self.rest.get_or_insert_default()
    }

    fn holders(&self) -> impl Iterator<Item = (u64, Modes)> {
        let first = (self.first.1 != 0).then_some(self.first);
        first.into_iter().chain(self.more().iter().copied())
    }

    #[inline]
    fn held_by(&self, number: u64) -> Modes {
        self.holders()
            .find(|(holder, _)| *holder == number)
            .map_or(0, |(_, modes)| modes)
    }

    #[inline]
    fn free_for(&self, number: u64, mode: Mode) -> bool {
        self.holders()
            .all(|(holder, modes)| holder == number || modes & mode.conflicts() == 0)
    }

    #[inline]
    fn grant(&mut self, number: u64, mode: Mode) {
        if self.first.1 != 0 && self.first.0 == number {
            self.first.1 |= mode.bit();
        } else if self.held_by(number) == 0 && self.first.1 == 0 {
            self.first = (number, mode.bit());
        } else {
            let more = &mut self.rest().more;
            match more.iter_mut().find(|holder| holder.0 == number) {
                Some(holder) => holder.1 |= mode.bit(),
                None => more.push((number, mode.bit())),
            }
        }
    }

    /// Takes modes back from a holder.
    fn lower(&mut self, number: u64, modes: Modes) {
        if self.first.1 != 0 && self.first.0 == number {
            self.first.1 = modes;
        } else if let Some(rest) = &mut self.rest
            && let Some(holder) = rest.more.iter_mut().find(|holder| holder.0 == number)
        {
            holder.1 = modes;
        }
    }

    fn release(&mut self, number: u64) {
        if self.first.1 != 0 && self.first.0 == number {
            let next = self.rest.as_mut().and_then(|rest| rest.more.pop());
            self.first = next.unwrap_or_default();
        } else if let Some(rest) = &mut self.rest {
            rest.more.retain(|holder| holder.0 != number);
        }
    }

    /// Grants to waiters, front first, until one must go on waiting; those behind it that conflict
    /// with it wait too.
    fn grant_waiters(&mut self) {
        let mut at = 0;
        let mut blocked: Modes = 0;
        while let Some(waiter) = self.queue().get(at) {
            let (number, mode) = (waiter.owner.number, waiter.mode);
            if blocked & mode.conflicts() == 0 && self.free_for(number, mode) {
                self.grant(number, mode);
                let waiter = self.rest().queue.remove(at);
                *waiter.owner.granted.lock() = true;
                waiter.owner.wake.notify_all();
            } else {
                blocked |= mode.bit();
                at += 1;
            }
        }
    }

    fn is_unused(&self) -> bool {
        self.first.1 == 0 && self.queue().is_empty()
    }

    /// Who stands between `number` and `mode`.
    fn blockers(&self, number: u64, mode: Mode) -> Vec<u64> {
        let mut blockers: Vec<u64> = self
            .holders()
            .filter(|(holder, modes)| *holder != number && modes & mode.conflicts() != 0)
            .map(|(holder, _)| holder)
            .collect();
        let before = self
            .queue()
            .iter()
            .take_while(|waiter| waiter.owner.number != number);
        for waiter in before {
            if waiter.mode.bit() & mode.conflicts() != 0 {
                blockers.push(waiter.owner.number);
            }
        }
        blockers
    }
}

type Shard = HashMap<LockKey, Entry, BuildHashed>;

/// How long and in what spirit to wait.
pub(crate) struct Patience<'a> {
    pub(crate) wait: Wait,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: &'a Cancel,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The owner held no mode of this lock before; it must release it.
    New,
    /// The owner held all that already.
    Held,
    /// The owner held these modes of it before, and now one more.
    Raised(Modes),
    /// Not free, and the caller would rather go without.
    Skipped,
}

/// All locks of a store.
pub(crate) struct LockManager {
    shards: Vec<Mutex<Shard>>,
    /// Per waiting transaction the lock it wants.
    waiting: Mutex<HashMap<u64, (LockKey, Mode)>>,
}

impl LockManager {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            waiting: Mutex::default(),
        }
    }

    #[inline]
    fn shard(&self, key: LockKey) -> MutexGuard<'_, Shard> {
        self.shards[key.shard()].lock()
    }

    /// Takes a lock, waiting as `patience` says.
    #[inline]
    pub(crate) fn lock(
        &self,
        owner: &Arc<Owner>,
        key: LockKey,
        mode: Mode,
        patience: &Patience<'_>,
    ) -> Result<Outcome> {
        match self.try_lock(owner.number, key, mode) {
            Some(outcome) => Ok(outcome),
            None => self.wait(owner, key, mode, patience),
        }
    }

    /// Takes a lock if that needs no waiting.
    #[inline]
    pub(crate) fn try_lock(&self, number: u64, key: LockKey, mode: Mode) -> Option<Outcome> {
        let mut shard = self.shard(key);
        let entry = shard.entry(key).or_default();
        if entry.first.1 == 0 && entry.queue().is_empty() {
            entry.first = (number, mode.bit());
            return Some(Outcome::New);
        }
        let held = entry.held_by(number);
        if held != 0 && mode.covered_by(held) {
            return Some(Outcome::Held);
        }
        let overtakes = held == 0
            && entry
                .queue()
                .iter()
                .any(|waiter| waiter.mode.bit() & mode.conflicts() != 0);
        if overtakes || !entry.free_for(number, mode) {
            return None;
        }
        entry.grant(number, mode);
        Some(outcome(held))
    }

    #[cold]
    fn wait(
        &self,
        owner: &Arc<Owner>,
        key: LockKey,
        mode: Mode,
        patience: &Patience<'_>,
    ) -> Result<Outcome> {
        match patience.wait {
            Wait::Block => {}
            Wait::SkipLocked => return Ok(Outcome::Skipped),
            Wait::NoWait => return Err(not_available(key)),
        }
        let started = Instant::now();
        let held = {
            let mut waiting = self.waiting.lock();
            let mut shard = self.shard(key);
            let entry = shard.entry(key).or_default();
            let held = entry.held_by(owner.number);
            *owner.granted.lock() = false;
            let waiter = Waiter {
                owner: Arc::clone(owner),
                mode,
            };
            if held != 0 {
                let holders_first = entry
                    .queue()
                    .iter()
                    .take_while(|waiter| entry.held_by(waiter.owner.number) != 0)
                    .count();
                entry.rest().queue.insert(holders_first, waiter);
            } else {
                entry.rest().queue.push(waiter);
            }
            // It may have become free since we looked.
            entry.grant_waiters();
            drop(shard);
            waiting.insert(owner.number, (key, mode));
            if !*owner.granted.lock()
                && let Some(circle) = self.circle(&waiting, owner.number)
            {
                waiting.remove(&owner.number);
                if self.leave(owner, key) {
                    return Ok(outcome(held));
                }
                return Err(self.deadlock(&circle, key, mode));
            }
            held
        };
        let result = self.sleep(owner, key, mode, patience, started);
        self.waiting.lock().remove(&owner.number);
        result.map(|()| outcome(held))
    }

    fn sleep(
        &self,
        owner: &Arc<Owner>,
        key: LockKey,
        mode: Mode,
        patience: &Patience<'_>,
        started: Instant,
    ) -> Result<()> {
        loop {
            let mut granted = owner.granted.lock();
            if *granted {
                return Ok(());
            }
            let left = patience
                .timeout
                .map(|timeout| timeout.saturating_sub(started.elapsed()));
            let cancelled = patience.cancel.is_cancelled();
            if !cancelled && left != Some(Duration::ZERO) {
                let nap = left.map_or(CANCEL_POLL, |left| left.min(CANCEL_POLL));
                owner.wake.wait_for(&mut granted, nap);
                continue;
            }
            drop(granted);
            let error = if cancelled {
                Error::new(
                    SqlState::QUERY_CANCELED,
                    "canceling statement due to user request",
                )
            } else {
                Error::new(
                    SqlState::LOCK_NOT_AVAILABLE,
                    "canceling statement due to lock timeout",
                )
            };
            let error = error.with_detail(self.waits(owner.number, key, mode));
            return if self.leave(owner, key) {
                Ok(())
            } else {
                Err(error)
            };
        }
    }

    /// What a transaction waits for and whom, in words.
    fn waits(&self, number: u64, key: LockKey, mode: Mode) -> String {
        let blockers = match self.shard(key).get(&key) {
            Some(entry) => entry.blockers(number, mode),
            None => Vec::new(),
        };
        let blockers: Vec<_> = blockers.iter().map(u64::to_string).collect();
        format!(
            "Transaction {number} waited for {} on {}; blocked by {} {}.",
            mode.name(),
            describe(key),
            match blockers.len() {
                1 => "transaction",
                _ => "transactions",
            },
            blockers.join(", ")
        )
    }

    /// Leaves the queue; true if the lock was granted first.
    fn leave(&self, owner: &Arc<Owner>, key: LockKey) -> bool {
        let mut shard = self.shard(key);
        let Some(entry) = shard.get_mut(&key) else {
            return *owner.granted.lock();
        };
        if *owner.granted.lock() {
            return true;
        }
        entry
            .rest()
            .queue
            .retain(|waiter| !Arc::ptr_eq(&waiter.owner, owner));
        entry.grant_waiters();
        if entry.is_unused() {
            shard.remove(&key);
        }
        false
    }

    /// A path through the waits-for graph from `start` back to itself, `start` first.
    fn circle(
        &self,
        waiting: &HashMap<u64, (LockKey, Mode)>,
        start: u64,
    ) -> Option<Vec<(u64, LockKey, Mode)>> {
        let mut path: Vec<(u64, LockKey, Mode)> = Vec::new();
        // Per step of the path, who is still to be visited.
        let mut open: Vec<Vec<u64>> = vec![vec![start]];
        let mut seen = std::collections::HashSet::new();
        loop {
            let Some(number) = open.last_mut()?.pop() else {
                open.pop();
                path.pop();
                continue;
            };
            if number == start && !path.is_empty() {
                return Some(path);
            }
            let Some(&(key, mode)) = waiting.get(&number) else {
                continue;
            };
            if !seen.insert(number) {
                continue;
            }
            let blockers = match self.shard(key).get(&key) {
                // Granted meanwhile, but not awake yet: it waits for nobody.
                Some(entry) if entry.queue().iter().any(|w| w.owner.number == number) => {
                    entry.blockers(number, mode)
                }
                _ => continue,
            };
            path.push((number, key, mode));
            open.push(blockers);
        }
    }

    fn deadlock(&self, circle: &[(u64, LockKey, Mode)], key: LockKey, mode: Mode) -> Error {
        let mut detail = Vec::new();
        for (at, (number, key, mode)) in circle.iter().enumerate() {
            let blocker = circle[(at + 1) % circle.len()].0;
            detail.push(format!(
                "Transaction {number} waits for {} on {}; blocked by transaction {blocker}.",
                mode.name(),
                describe(*key),
            ));
        }
        let _ = (key, mode);
        Error::new(SqlState::DEADLOCK_DETECTED, "deadlock detected")
            .with_detail(detail.join("\n"))
            .with_hint("roll back and run the transaction again; lock rows in a fixed order")
    }

    /// Releases these locks of `number`.
    pub(crate) fn release(&self, number: u64, keys: &[LockKey]) {
        for &key in keys {
            let mut shard = self.shard(key);
            if let std::collections::hash_map::Entry::Occupied(mut slot) = shard.entry(key) {
                let entry = slot.get_mut();
                entry.release(number);
                if !entry.queue().is_empty() {
                    entry.grant_waiters();
                }
                if entry.is_unused() {
                    slot.remove();
                }
            }
        }
        if keys.len() > 100_000 {
            // A load leaves large empty tables behind.
            for shard in &self.shards {
                shard.lock().shrink_to_fit();
            }
        }
    }

    /// Takes back what `number` got of a lock after it had `modes` (at least one) of it.
    pub(crate) fn lower(&self, number: u64, key: LockKey, modes: Modes) {
        let mut shard = self.shard(key);
        if let Some(entry) = shard.get_mut(&key) {
            entry.lower(number, modes);
            entry.grant_waiters();
        }
    }

    /// Whether the transaction waits.
    pub(crate) fn is_waiting(&self, number: u64) -> bool {
        self.waiting.lock().contains_key(&number)
    }

    /// All locks, for system views. Not one consistent moment.
    pub(crate) fn list(&self) -> Vec<LockInfo> {
        let mut list = Vec::new();
        for shard in &self.shards {
            for (key, entry) in shard.lock().iter() {
                let mut add = |txn, mode: Mode, granted| {
                    list.push(LockInfo {
                        txn,
                        target: key.target(),
                        mode: mode.name(),
                        granted,
                    });
                };
                for (holder, modes) in entry.holders() {
                    Mode::of(modes).for_each(|mode| add(holder, mode, true));
                }
                for waiter in entry.queue() {
                    add(waiter.owner.number, waiter.mode, false);
                }
            }
        }
        list
    }
}

fn outcome(held: Modes) -> Outcome {
    if held == 0 {
        Outcome::New
    } else {
        Outcome::Raised(held)
    }
}

fn describe(key: LockKey) -> String {
    match key.target() {
        LockTarget::Table(branch, table) => format!("table {table} of branch {branch}"),
        LockTarget::Row(branch, table, row) => {
            format!("row {row:016x} of table {table} of branch {branch}")
        }
        LockTarget::Key(branch, space, key) => {
            format!("key {key:016x} of space {space} of branch {branch}")
        }
    }
}

#[cold]
fn not_available(key: LockKey) -> Error {
    let message = match key.target() {
        LockTarget::Table(..) => "could not obtain lock on relation",
        LockTarget::Row(..) => "could not obtain lock on row",
        LockTarget::Key(..) => "could not obtain lock on key",
    };
    Error::new(SqlState::LOCK_NOT_AVAILABLE, message).with_detail(format!(
        "The lock on {} is held by another transaction.",
        describe(key)
    ))
}

#[cfg(test)]
mod tests;
