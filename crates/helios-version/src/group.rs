//! Commits that wait together: one of them works for all.
//!
//! Whoever comes while nobody leads becomes the leader, makes everything logged so far durable,
//! passes the lead on to one whose record came too late for that, applies what is durable and
//! wakes those whose commits that were. The next sync runs while the last group is applied. Each of
//! the others sleeps once and is woken once, when there is nothing left to do for it or when it is
//! to lead; on a fast disk waking costs more than writing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::Thread;

use helios_base::{Result, failpoint};
use parking_lot::Mutex;

use crate::core::Core;

const WAIT: u8 = 0;
/// Lead the next group.
const LEAD: u8 = 1;
/// Look: the commit is done, or the leader failed.
const LOOK: u8 = 2;

/// Who waits for a commit.
#[derive(Default)]
pub(crate) struct Group {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Somebody leads, or was woken to.
    led: bool,
    waiting: Vec<Arc<Seat>>,
}

struct Seat {
    /// Where the record ends in the log.
    end: u64,
    call: AtomicU8,
    thread: Thread,
}

impl Seat {
    fn call(&self, call: u8) {
        self.call.store(call, Ordering::Release);
        self.thread.unpark();
    }

    fn wait(&self) -> u8 {
        loop {
            match self.call.load(Ordering::Acquire) {
                // May return for no reason.
                WAIT => std::thread::park(),
                call => return call,
            }
        }
    }
}

impl Group {
    /// A seat to wait in if somebody leads, `None` to lead.
    fn enter(&self, end: u64) -> Option<Arc<Seat>> {
        let mut state = self.state.lock();
        if !state.led {
            state.led = true;
            return None;
        }
        let seat = Arc::new(Seat {
            end,
            call: AtomicU8::new(WAIT),
            thread: std::thread::current(),
        });
        state.waiting.push(Arc::clone(&seat));
        Some(seat)
    }

    /// Passes the lead on to one who waits for more than `durable`; the others who do stay. Returns
    /// those who wait for less.
    fn pass(&self, durable: u64) -> Vec<Arc<Seat>> {
        let mut state = self.state.lock();
        let (done, mut rest): (Vec<_>, Vec<_>) = state
            .waiting
            .drain(..)
            .partition(|seat| seat.end <= durable);
        let next = (!rest.is_empty()).then(|| rest.remove(0));
        state.waiting = rest;
        state.led = next.is_some();
        drop(state);
        if let Some(next) = next {
            next.call(LEAD);
        }
        done
    }
}

/// Wakes them when dropped, however the leader fares.
struct Wake(Vec<Arc<Seat>>);

impl Drop for Wake {
    fn drop(&mut self) {
        for seat in &self.0 {
            seat.call(LOOK);
        }
    }
}

/// The lead, passed on when dropped.
struct Lead<'a>(&'a Core);

impl Lead<'_> {
    fn pass(self) -> Wake {
        let wake = Wake(self.0.pipeline.group.pass(self.0.log.durable()));
        std::mem::forget(self);
        wake
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        // The leader failed: each of the others must see for itself.
        drop(Wake(self.0.pipeline.group.pass(u64::MAX)));
    }
}

impl Core {
    /// Returns when everything logged before `end` is durable and applied.
    pub(crate) fn settle(&self, end: u64) -> Result<()> {
        if self.log.durable() < end {
            match self.pipeline.group.enter(end) {
                Some(seat) if seat.wait() == LOOK => {}
                _ => return self.lead(end),
            }
        }
        // Almost always there is nothing to do.
        self.pipeline.guard(self.log.sync(end))?;
        self.drain(end)
    }

    fn lead(&self, end: u64) -> Result<()> {
        let lead = Lead(self);
        self.pipeline.guard(self.log.sync(end))?;
        self.pipeline.guard(failpoint::hit("version.durable"))?;
        let _others = lead.pass();
        self.drain(end)
    }
}
