//! Stopping a running statement, and watching its progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use helios_base::{Error, Result, SqlState};
use parking_lot::Mutex;

/// Cancels what a session runs, from any thread. Cheap to clone; outlives the session.
#[derive(Clone, Debug)]
pub struct CancelHandle(pub(crate) Interrupt);

impl CancelHandle {
    /// Asks the running statement to stop with `57014`; does nothing to an idle session.
    ///
    /// Takes effect at the next check: every few hundred rows and while waiting for a lock.
    pub fn cancel(&self) {
        if self.0.0.running.load(Relaxed) {
            self.0.0.flag.store(true, Relaxed);
        }
    }

    /// How far the running statement is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let shared = &self.0.0;
        Progress {
            rows: shared.rows.load(Relaxed),
            expected: match shared.expected.load(Relaxed) {
                0 => None,
                rows => Some(rows),
            },
        }
    }
}

/// How far a statement is, in rows read or written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows done.
    pub rows: u64,
    /// Rows expected, if that is known or estimated.
    pub expected: Option<u64>,
}

/// The executors' side: a flag and a deadline that they check as they go.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    flag: Arc<AtomicBool>,
    running: AtomicBool,
    deadline: Mutex<Option<Instant>>,
    has_deadline: AtomicBool,
    rows: AtomicU64,
    expected: AtomicU64,
}

impl Interrupt {
    /// Begins a statement that may take `timeout`; forgets an earlier cancellation.
    pub(crate) fn start(&self, timeout: Option<Duration>) {
        let shared = &self.0;
        if timeout.is_some() || shared.has_deadline.load(Relaxed) {
            *shared.deadline.lock() = timeout.and_then(|limit| Instant::now().checked_add(limit));
            shared.has_deadline.store(timeout.is_some(), Relaxed);
        }
        shared.rows.store(0, Relaxed);
        shared.expected.store(0, Relaxed);
        shared.flag.store(false, Relaxed);
        shared.running.store(true, Relaxed);
    }

    /// Ends the statement: a later cancellation finds nothing to cancel.
    pub(crate) fn stop(&self) {
        self.0.running.store(false, Relaxed);
    }

    /// The flag that lower layers poll while they wait.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.flag)
    }

    /// The time left for the statement, if it is limited.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        if !self.0.has_deadline.load(Relaxed) {
            return None;
        }
        let deadline = *self.0.deadline.lock();
        deadline.map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Fails if the statement was cancelled or its time is up. Call every few hundred rows.
    ///
    /// # Errors
    /// `57014`, with PostgreSQL's words for either reason.
    pub fn check(&self) -> Result<()> {
        if self.0.flag.load(Relaxed) {
            return Err(Error::new(
                SqlState::QUERY_CANCELED,
                "canceling statement due to user request",
            ));
        }
        if self.remaining().is_some_and(|left| left.is_zero()) {
            return Err(timed_out());
        }
        Ok(())
    }

    /// Adds to the rows done.
    pub fn advance(&self, rows: u64) {
        self.0.rows.fetch_add(rows, Relaxed);
    }

    /// Says how many rows to expect in all.
    pub fn expect(&self, rows: u64) {
        self.0.expected.store(rows, Relaxed);
    }
}

/// The error of `statement_timeout`.
pub(crate) fn timed_out() -> Error {
    Error::new(
        SqlState::QUERY_CANCELED,
        "canceling statement due to statement timeout",
    )
}
