//! Spans that wait to be sent: never more than so many, and nobody waits to put one in.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::span::SpanData;

pub struct Queue {
    state: Mutex<State>,
    /// Rings when a batch is full, and when the sender is to end.
    wake: Condvar,
    /// Rings when the sender has ended.
    ended: Condvar,
    length: usize,
    batch: usize,
    sent: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    spans: Vec<SpanData>,
    /// Until when the sender is to have ended.
    stop: Option<Instant>,
    ended: bool,
}

impl Queue {
    /// For at most `length` spans, sent by `batch`.
    pub fn new(length: usize, batch: usize) -> Self {
        Self {
            state: Mutex::default(),
            wake: Condvar::new(),
            ended: Condvar::new(),
            length,
            batch: batch.min(length),
            sent: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Puts one in, or drops it.
    pub fn push(&self, span: SpanData) {
        let mut state = self.state.lock();
        if state.spans.len() >= self.length || state.ended {
            drop(state);
            return self.count_dropped(1);
        }
        state.spans.push(span);
        // Once for a batch: waking somebody costs more than putting a span in.
        if state.spans.len() == self.batch {
            self.wake.notify_one();
        }
    }

    /// The next batch: as soon as there is a full one, else what there is after `delay`; nothing at the end.
    pub fn next(&self, delay: Duration) -> Vec<SpanData> {
        let mut state = self.state.lock();
        loop {
            let until = Instant::now() + delay;
            while state.stop.is_none()
                && state.spans.len() < self.batch
                && !self.wake.wait_until(&mut state, until).timed_out()
            {}
            if state.stop.is_some() || !state.spans.is_empty() {
                let count = state.spans.len().min(self.batch);
                return state.spans.drain(..count).collect();
            }
        }
    }

    /// Waits, unless the sender is to end.
    pub fn rest(&self, time: Duration) {
        let mut state = self.state.lock();
        let until = Instant::now() + time;
        while state.stop.is_none() {
            // A full batch rings too.
            if self.wake.wait_until(&mut state, until).timed_out() {
                return;
            }
        }
    }

    /// Until when the sender is to have ended, if it is.
    pub fn stop(&self) -> Option<Instant> {
        self.state.lock().stop
    }

    /// Has the sender end, and waits for that until `deadline`.
    pub fn finish(&self, deadline: Instant) {
        let mut state = self.state.lock();
        state.stop = Some(deadline);
        self.wake.notify_all();
        while !state.ended && !self.ended.wait_until(&mut state, deadline).timed_out() {}
    }

    /// The sender has ended.
    pub fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        let left = std::mem::take(&mut state.spans);
        self.count_dropped(left.len());
        self.ended.notify_all();
    }

    pub fn count_sent(&self, spans: usize) {
        self.sent.fetch_add(spans as u64, Relaxed);
    }

    pub fn count_dropped(&self, spans: usize) {
        self.dropped.fetch_add(spans as u64, Relaxed);
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}
