//! Figures of an open database, for those who watch it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use helios_base::Result;
use helios_version::StoreStats;

use super::engine::Shared;
use super::{Engine, Session};

/// What a session has done. Each counts for itself, so that nobody waits for a counter.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    statements: AtomicU64,
    errors: AtomicU64,
    rollbacks: AtomicU64,
}

impl Tally {
    /// Adds what another has counted.
    fn add(&self, other: &Self) {
        for (sum, part) in [
            (&self.statements, &other.statements),
            (&self.errors, &other.errors),
            (&self.rollbacks, &other.rollbacks),
        ] {
            sum.fetch_add(part.load(Relaxed), Relaxed);
        }
    }
}

impl Shared {
    /// Takes over what a session has counted, which ends.
    pub(super) fn end_tally(&self, tally: &Tally) {
        self.tally.add(tally);
    }
}

impl Session {
    /// Counts a statement that has run, or failed.
    #[inline]
    pub(super) fn count<T>(&self, result: &Result<T>) {
        let tally = &self.activity.tally;
        tally.statements.fetch_add(1, Relaxed);
        if result.is_err() {
            tally.errors.fetch_add(1, Relaxed);
        }
    }

    /// Counts a transaction that was rolled back.
    pub(super) fn count_rollback(&self) {
        self.activity.tally.rollbacks.fetch_add(1, Relaxed);
    }
}

/// What there is to say of an open database in numbers.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Sessions by what they do: `active`, `idle`, `idle in transaction`, ….
    pub sessions: BTreeMap<&'static str, u64>,
    /// Statements that ended since the database was opened, also those that failed.
    pub statements: u64,
    /// Of these, those that failed.
    pub errors: u64,
    /// Transactions that were rolled back.
    pub rollbacks: u64,
    /// Locks that are held.
    pub locks_held: u64,
    /// Locks that somebody waits for.
    pub locks_awaited: u64,
    /// Branches.
    pub branches: u64,
    /// Columnar segments.
    pub segments: u64,
    /// What their files take.
    pub segment_bytes: u64,
    /// Backups under way.
    pub backups: u64,
    /// The audit log could not be written last time.
    pub audit_fails: bool,
    /// What the store says.
    pub store: StoreStats,
}

impl Engine {
    /// How things stand now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let shared = &self.shared;
        let store = shared.tables.store();
        let sum = Tally::default();
        let mut sessions = BTreeMap::new();
        {
            // Whoever ends adds to the whole with this lock held, and so counts once.
            let all = shared.activity.lock();
            sum.add(&shared.tally);
            for session in all.values() {
                sum.add(&session.tally);
                let state = match session.now.lock().state {
                    "" => "idle",
                    state => state,
                };
                *sessions.entry(state).or_default() += 1;
            }
        }
        let mut figures = Figures {
            sessions,
            statements: sum.statements.load(Relaxed),
            errors: sum.errors.load(Relaxed),
            rollbacks: sum.rollbacks.load(Relaxed),
            branches: store.branches().len() as u64,
            backups: shared.backups.lock().len() as u64,
            audit_fails: shared.audit.is_failing(),
            store: store.stats(),
            ..Figures::default()
        };
        for lock in store.locks() {
            match lock.granted {
                true => figures.locks_held += 1,
                false => figures.locks_awaited += 1,
            }
        }
        for segment in store.segments() {
            figures.segments += 1;
            figures.segment_bytes += segment.bytes;
        }
        figures
    }

    /// Why nothing can be committed any more, if that is so.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.store().failure()
    }
}
