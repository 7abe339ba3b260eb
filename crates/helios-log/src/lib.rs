//! The append-only commit log: checksummed records, group commit, recovery.
//!
//! A [`Position`] counts the bytes of all records ever appended; [`Log::append`] buffers,
//! [`Log::sync`] makes durable, [`Log::read`] follows.
//!
//! **Invariant:** knows nothing of what a record means.

use std::fmt;
use std::path::Path;

use helios_base::{Error, Result};

/// A byte position in the endless log, always a multiple of 8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a record lies in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where reading begins.
    pub start: Position,
    /// Where the next record begins: sync this far to make the record durable.
    pub end: Position,
}

/// A record read back.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Where it lies.
    pub extent: Extent,
    /// What was appended.
    pub bytes: &'a [u8],
}

/// How to open a log.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Identity of the database: a log of another one is refused.
    pub database: u128,
    /// Bytes of one segment file; a larger record gets a larger segment.
    pub segment_bytes: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            database: 0,
            segment_bytes: 16 << 20,
        }
    }
}

/// The commit log of one database.
pub struct Log(());

impl Log {
    /// Opens the log in `dir`, made if it is not there, and hands every record that begins at or
    /// after `from` to `on_record`, in order.
    pub fn open(
        _dir: &Path,
        _options: LogOptions,
        _from: Position,
        _on_record: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<Self> {
        Err(Error::unsupported("the log is not there yet"))
    }

    /// Adds a record to the buffer. Records lie in the log in the order of the calls.
    pub fn append(&self, _record: &[u8]) -> Result<Extent> {
        Err(Error::unsupported("the log is not there yet"))
    }

    /// Returns when everything before `upto` is durable. Concurrent callers share one write.
    pub fn sync(&self, _upto: Position) -> Result<()> {
        Err(Error::unsupported("the log is not there yet"))
    }

    /// Everything before this position is durable.
    pub fn durable(&self) -> Position {
        Position(0)
    }

    /// The end of everything appended.
    pub fn end(&self) -> Position {
        Position(0)
    }

    /// Reads durable records from `from` on, the start of a record.
    pub fn read(&self, _from: Position) -> Result<Reader> {
        Err(Error::unsupported("the log is not there yet"))
    }

    /// Lets go of whole segments that end before `position`.
    pub fn truncate_before(&self, _position: Position) -> Result<()> {
        Err(Error::unsupported("the log is not there yet"))
    }
}

/// Follows the log: the change feed.
pub struct Reader(());

impl Reader {
    /// The next durable record; `None` when there is none yet. May be called again later.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        Ok(None)
    }
}
