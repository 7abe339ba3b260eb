//! What each session is doing, for `pg_stat_activity`.

use parking_lot::Mutex;

use super::figures::Tally;
use super::interrupt::Interrupt;
use super::signal::Waker;

/// One session as others see it.
pub(crate) struct Activity {
    /// The session's number, shown as its process.
    pub(crate) number: u64,
    pub(crate) user: String,
    /// Start of the session, in microseconds since 1970 UTC.
    pub(crate) since: i64,
    pub(crate) now: Mutex<Doing>,
    /// What it has done.
    pub(super) tally: Tally,
    pub(crate) interrupt: Interrupt,
    /// Wakes whoever waits for the client.
    pub(crate) waker: Mutex<Option<Waker>>,
}

/// The changing part.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doing {
    pub(crate) application: String,
    /// From where the client comes, if over a network.
    pub(crate) client: Option<std::net::SocketAddr>,
    pub(crate) branch: String,
    /// `active`, `idle`, `idle in transaction` or `idle in transaction (aborted)`.
    pub(crate) state: &'static str,
    /// The running statement, or the last one.
    pub(crate) query: std::sync::Arc<str>,
    /// Its start.
    pub(crate) query_start: i64,
    /// The transaction's start, if one is open.
    pub(crate) transaction_start: Option<i64>,
    /// The open transaction's number, as locks show it.
    pub(crate) transaction: Option<u64>,
}
