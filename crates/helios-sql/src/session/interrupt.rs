//! Stopping a running statement, and watching its progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use helios_base::{Error, Result, SqlState};
use helios_version::Cancel;

/// Cancels what a session runs, from any thread. Cheap to clone; outlives the session.
#[derive(Clone, Debug)]
pub struct CancelHandle(pub(crate) Interrupt);

impl CancelHandle {
    /// Asks the running statement to stop with `57014`; does nothing to an idle session.
    ///
    /// Takes effect at the next check: every few hundred rows and while waiting for a lock.
    pub fn cancel(&self) {
        let shared = &self.0.0;
        if shared.running.load(Relaxed) || shared.streams.load(Relaxed) > 0 {
            shared.cancel.cancel();
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

/// The executors' side: a flag that they check as they go.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    cancel: Cancel,
    /// Whether the flag was set because the statement's time is up.
    timed_out: AtomicBool,
    /// Whether the session is over: every statement fails from here on.
    terminated: AtomicBool,
    /// Whether it is over because its client was silent for too long, outside of a transaction or
    /// in one.
    expired: AtomicBool,
    expired_in_transaction: AtomicBool,
    running: AtomicBool,
    /// Results that are still being computed as they are read.
    streams: AtomicUsize,
    rows: AtomicU64,
    expected: AtomicU64,
}

impl Interrupt {
    /// Begins a statement; forgets an earlier cancellation.
    pub(crate) fn start(&self) {
        let shared = &self.0;
        shared.rows.store(0, Relaxed);
        shared.expected.store(0, Relaxed);
        shared.timed_out.store(false, Relaxed);
        shared.cancel.reset();
        shared.running.store(true, Relaxed);
        if self.is_terminated() {
            shared.cancel.cancel();
        }
    }

    /// Ends the statement: a later cancellation finds nothing to cancel.
    pub(crate) fn stop(&self) {
        self.0.running.store(false, Relaxed);
    }

    /// Keeps cancellation possible after the statement has returned, for as long as its rows are
    /// computed.
    pub(crate) fn streaming(&self) -> Streaming {
        self.0.streams.fetch_add(1, Relaxed);
        Streaming(self.clone())
    }

    /// Stops the statement because its time is up.
    pub(crate) fn time_out(&self) {
        self.0.timed_out.store(true, Relaxed);
        self.0.cancel.cancel();
    }

    /// Ends the session.
    pub(crate) fn terminate(&self) {
        self.0.terminated.store(true, Relaxed);
        self.0.cancel.cancel();
    }

    /// Ends the session because its client was silent for too long.
    pub(crate) fn expire(&self) {
        self.0.expired.store(true, Relaxed);
        self.terminate();
    }

    /// Ends the session because its client was silent for too long in a transaction.
    pub(crate) fn expire_in_transaction(&self) {
        self.0.expired_in_transaction.store(true, Relaxed);
        self.terminate();
    }

    /// Whether the session was ended.
    pub(crate) fn is_terminated(&self) -> bool {
        self.0.terminated.load(Relaxed)
    }

    /// The flag that lower layers poll while they wait.
    #[must_use]
    pub fn cancel(&self) -> Cancel {
        self.0.cancel.clone()
    }

    /// Fails if the statement was cancelled or its time is up. Call every few hundred rows.
    ///
    /// # Errors
    /// `57014`, with PostgreSQL's words for either reason.
    pub fn check(&self) -> Result<()> {
        if self.0.cancel.is_cancelled() {
            return Err(self.error());
        }
        Ok(())
    }

    /// The error of a stopped statement, with the reason.
    pub(crate) fn error(&self) -> Error {
        if self.is_terminated() {
            if self.0.expired_in_transaction.load(Relaxed) {
                return Error::new(
                    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                    "terminating connection due to idle-in-transaction timeout",
                );
            }
            if self.0.expired.load(Relaxed) {
                return Error::new(
                    SqlState::new(b"57P05"),
                    "terminating connection due to idle-session timeout",
                );
            }
            return Error::new(
                SqlState::new(b"57P01"),
                "terminating connection due to administrator command",
            );
        }
        Error::new(
            SqlState::QUERY_CANCELED,
            if self.0.timed_out.load(Relaxed) {
                "canceling statement due to statement timeout"
            } else {
                "canceling statement due to user request"
            },
        )
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

/// A result whose rows are computed as they are read; see [`Interrupt::streaming`].
#[derive(Debug)]
pub(crate) struct Streaming(Interrupt);

impl Drop for Streaming {
    fn drop(&mut self) {
        self.0.0.streams.fetch_sub(1, Relaxed);
    }
}
