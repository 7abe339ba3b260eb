//! How to open a log.

use std::path::Path;

use helios_base::{Error, Result, SqlState};

use crate::frame;
use crate::segment;

/// How to open a log.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Identity of the database: a log of another one is refused.
    pub database: u128,
    /// Bytes of a full segment file, its header included; a larger record gets a larger segment.
    /// The file grows up to here as it is written. May differ from one open to the next. At least
    /// 4096 and a multiple of 8.
    pub segment_bytes: u64,
    /// Bytes of appended records that may wait in memory; a longer wait is written to the file
    /// (not synced) by the appender.
    pub buffer_bytes: usize,
}

impl LogOptions {
    /// The defaults for the database with this identity.
    #[must_use]
    pub fn new(database: u128) -> Self {
        Self {
            database,
            segment_bytes: 16 << 20,
            buffer_bytes: 4 << 20,
        }
    }

    pub(crate) fn check(&self, dir: &Path) -> Result<()> {
        let least = (segment::HEADER + 2 * frame::HEADER).max(4096) as u64;
        let aligned = |bytes: u64| bytes.is_multiple_of(frame::ALIGN as u64);
        if self.segment_bytes < least || !aligned(self.segment_bytes) {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!(
                    "log segments of {} bytes cannot be kept in \"{}\"",
                    self.segment_bytes,
                    dir.display()
                ),
            )
            .with_hint("Use a multiple of 8 that is at least 4096."));
        }
        Ok(())
    }

    /// Whether a segment's file of this length is worth using again.
    pub(crate) fn recycles(&self, bytes: u64) -> bool {
        (self.segment_bytes / 2..=self.segment_bytes).contains(&bytes)
    }

    /// Bytes of frames that a clean end leaves behind although nobody needs them.
    pub(crate) fn little(&self) -> u64 {
        self.segment_bytes / 64
    }
}
