//! The change feed: following the log.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState};

use crate::error::io_error;
use crate::frame::Kind;
use crate::log::Inner;
use crate::scan::Scanner;
use crate::segment::Segment;
use crate::{Extent, Position, Record};

/// Follows the log from a position on, one durable record at a time.
///
/// A reader keeps the segment that it is in, and only that one, from being used again.
pub struct Reader {
    log: Arc<Inner>,
    segment: Arc<Segment>,
    scanner: Scanner,
    /// What was durable when the read-ahead began.
    durable: u64,
}

impl Reader {
    pub(crate) fn new(log: Arc<Inner>, from: Position) -> Result<Self> {
        let durable = log.durable();
        let segment = find(&log, from.0)?;
        if from.0 > durable {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("log position {from} is not durable yet"),
            ));
        }
        let scanner = Scanner::new(segment.offset(from.0));
        Ok(Self {
            log,
            segment,
            scanner,
            durable,
        })
    }

    /// Where the next record begins.
    #[must_use]
    pub fn position(&self) -> Position {
        Position(self.segment.position(self.scanner.offset()))
    }

    /// The next durable record; `None` when there is none yet. May be called again later.
    ///
    /// # Errors
    /// `Corrupt` if a durable record is damaged, or if the reader was not started at a record;
    /// `Invalid` if the log was truncated past the reader; `Io`.
    #[allow(clippy::should_implement_trait)] // It lends.
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        loop {
            let start = self.position().0;
            if start >= self.durable {
                self.durable = self.log.durable();
                self.scanner.refresh();
                if start >= self.durable {
                    return Ok(None);
                }
            }
            if self.segment.end.get().is_some_and(|end| start >= *end) {
                self.segment = find(&self.log, start)?;
                self.scanner = Scanner::new(self.segment.offset(start));
            }
            let limit = self.segment.size().min(self.segment.offset(self.durable));
            let found = self
                .scanner
                .next(&self.segment, limit)
                .map_err(|e| io_error("read", &self.segment.path, e))?;
            let Some((frame, payload)) = found else {
                return Err(Error::corrupt(format!(
                    "no whole record in log segment \"{}\" at offset {}",
                    self.segment.path.display(),
                    self.scanner.offset()
                )));
            };
            if frame.kind == Kind::Record {
                let extent = Extent {
                    start: Position(start),
                    end: self.position(),
                };
                let bytes = self.scanner.bytes(payload);
                return Ok(Some(Record { extent, bytes }));
            }
        }
    }
}

/// The segment that holds, or will hold, the record that begins at `position`.
fn find(log: &Inner, position: u64) -> Result<Arc<Segment>> {
    let segments = log.segments.lock();
    let after = segments
        .live
        .partition_point(|segment| segment.header.base <= position);
    match after.checked_sub(1).and_then(|at| segments.live.get(at)) {
        Some(segment) => Ok(Arc::clone(segment)),
        None => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("log position {position} is no longer kept"),
        )),
    }
}
