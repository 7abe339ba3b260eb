//! What the settings say to every statement: read once per change, not once per statement.

use std::time::Duration;

use super::Session;
use super::settings::{Id, Settings};
use super::state::State;

/// The settings that every statement asks for.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// The settings' generation when they were read; `None` before the first time.
    generation: Option<u64>,
    /// A digest of those that planning reads.
    pub(super) digest: u64,
    pub(super) executor: Executor,
    pub(super) statement_timeout: Option<Duration>,
    pub(super) idle_timeout: Option<Duration>,
    /// `idle_session_timeout`
    pub(super) idle_session: Option<Duration>,
    /// `result_rows_limit`
    pub(super) result_rows: Option<u64>,
    lock_timeout: Option<Duration>,
    /// Commits are acknowledged before they are durable.
    asynchronous: bool,
    /// Statements read the past.
    pub(super) looks_back: bool,
    /// Statements are counted.
    pub(super) tracks: bool,
    /// From what time on a statement is logged.
    pub(super) slow: Option<Duration>,
}

/// Who is to run queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Executor {
    /// Whoever is thought to be quicker.
    #[default]
    Quicker,
    Rows,
    Vectors,
}

impl Chosen {
    fn read(settings: &Settings, state: &State, generation: u64) -> Self {
        Self {
            generation: Some(generation),
            digest: settings.digest(&state.user, &state.database),
            executor: match settings.text(Id::Executor) {
                "row" => Executor::Rows,
                "vector" => Executor::Vectors,
                _ => Executor::Quicker,
            },
            statement_timeout: least(
                settings.timeout(Id::StatementTimeout),
                settings.timeout(Id::StatementTimeoutLimit),
            ),
            idle_timeout: settings.timeout(Id::IdleTimeout),
            idle_session: settings.timeout(Id::IdleSessionTimeout),
            result_rows: u64::try_from(settings.int(Id::ResultRowsLimit))
                .ok()
                .filter(|rows| *rows > 0),
            lock_timeout: settings.timeout(Id::LockTimeout),
            asynchronous: settings.text(Id::SynchronousCommit) == "off",
            looks_back: !settings.text(Id::AsOf).is_empty(),
            tracks: settings.text(Id::TrackStatements) == "top",
            slow: u64::try_from(settings.int(Id::LogMinDuration))
                .ok()
                .map(Duration::from_millis),
        }
    }
}

/// The shorter of those that there are.
fn least(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl Chosen {
    /// Whether anybody wants to know what statements cost.
    #[inline]
    pub(super) fn measures(&self) -> bool {
        self.tracks || self.slow.is_some()
    }
}

impl Session {
    /// Reads the settings again if any has changed, and tells those who act on them: the running
    /// transaction and `pg_stat_activity`.
    #[inline]
    pub(super) fn heed_settings(&mut self) {
        let newest = self.state.generation();
        if self.chosen.generation != Some(newest) {
            self.read_settings(newest);
        }
    }

    #[cold]
    fn read_settings(&mut self, generation: u64) {
        let settings = self.state.settings.lock();
        self.chosen = Chosen::read(&settings, &self.state, generation);
        if let Some(current) = &self.current {
            let txn = current.txn.txn();
            txn.set_lock_timeout(self.chosen.lock_timeout);
            txn.set_asynchronous(self.chosen.asynchronous);
        }
        settings
            .text(Id::ApplicationName)
            .clone_into(&mut self.activity.now.lock().application);
    }
}
