//! Where commit records go: the log, or nowhere for a database in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use helios_base::Result;
use helios_log::{Log, Position};

/// Where commit records go.
pub(crate) enum Sink {
    Log(Log),
    /// Counts bytes so that positions still grow.
    Memory(AtomicU64),
}

/// The place of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Sink {
    pub(crate) fn append(&self, record: &[u8]) -> Result<Place> {
        match self {
            Self::Log(log) => log.append(record).map(|extent| Place {
                start: extent.start.0,
                end: extent.end.0,
            }),
            Self::Memory(end) => {
                let start = end.fetch_add(record.len() as u64, Ordering::Relaxed);
                Ok(Place {
                    start,
                    end: start + record.len() as u64,
                })
            }
        }
    }

    pub(crate) fn sync(&self, upto: u64) -> Result<()> {
        match self {
            Self::Log(log) => log.sync(Position(upto)),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Everything before this position is durable.
    pub(crate) fn durable(&self) -> u64 {
        match self {
            Self::Log(log) => log.durable().0,
            Self::Memory(_) => u64::MAX,
        }
    }

    /// The end of everything appended.
    pub(crate) fn end(&self) -> u64 {
        match self {
            Self::Log(log) => log.end().0,
            Self::Memory(end) => end.load(Ordering::Relaxed),
        }
    }

    /// Bytes that the next open reads if it begins at this position.
    pub(crate) fn replay_bytes(&self, from: u64) -> u64 {
        match self {
            Self::Log(log) => log.replay_bytes(Position(from)),
            Self::Memory(_) => 0,
        }
    }

    pub(crate) fn truncate_before(&self, position: u64) -> Result<()> {
        match self {
            Self::Log(log) => log.truncate_before(Position(position)),
            Self::Memory(_) => Ok(()),
        }
    }

    /// Marks a clean end; what is before `keep` is not needed.
    pub(crate) fn mark(&self, keep: u64) -> Result<()> {
        match self {
            Self::Log(log) => log.mark(Position(keep)),
            Self::Memory(_) => Ok(()),
        }
    }

    /// What ended writing, if anything did.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Log(log) => log.failure(),
            Self::Memory(_) => None,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Log(log) => log.file_bytes(),
            Self::Memory(_) => 0,
        }
    }
}
