//! Places in the log.

use std::fmt;

/// A byte position in the endless log, always a multiple of 8.
///
/// Positions count the framed records of all segments ever written, without segment headers, so
/// they grow for ever and never name two records.
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
