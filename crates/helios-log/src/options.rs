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
    /// Bytes of a large segment file, its header included; a larger record gets a larger segment.
    /// May differ from one open to the next. At least 4096 and a multiple of 8.
    pub segment_bytes: u64,
    /// Bytes of the first segment file; each next one is twice as large, up to
    /// [`segment_bytes`](Self::segment_bytes). A multiple of 8.
    pub first_bytes: u64,
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
            first_bytes: 256 << 10,
            buffer_bytes: 4 << 20,
        }
    }

    pub(crate) fn check(&self, dir: &Path) -> Result<()> {
        let least = (segment::HEADER + 2 * frame::HEADER).max(4096) as u64;
        let aligned = |bytes: u64| bytes.is_multiple_of(frame::ALIGN as u64);
        if self.segment_bytes < least || !aligned(self.segment_bytes | self.first_bytes) {
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

    /// Bytes of the smallest segment.
    pub(crate) fn smallest(&self) -> u64 {
        self.first_bytes.clamp(4096, self.segment_bytes)
    }

    /// Bytes of the segment after one of `bytes`.
    pub(crate) fn next(&self, bytes: u64) -> u64 {
        bytes
            .saturating_mul(2)
            .clamp(self.smallest(), self.segment_bytes)
    }
}
