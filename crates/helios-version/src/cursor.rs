//! Cursors over rows and index entries.

use helios_base::Result;

use crate::row::RowRef;

/// Rows of one table in key order, as of a snapshot. Not `Clone`, `Send`.
pub struct RowCursor {
    _private: (),
}

impl RowCursor {
    /// The next row, or `None` at the end. The row is valid until the next call.
    ///
    /// # Errors
    /// `Corrupt` when stored bytes are wrong, `Io` when the disk refuses.
    #[allow(clippy::should_implement_trait, reason = "a lending iterator")]
    pub fn next(&mut self) -> Result<Option<RowRef<'_>>> {
        Err(crate::store::unfinished())
    }
}

/// Entries of one index in key order: candidates, each key once.
pub struct KeyCursor {
    _private: (),
}

impl KeyCursor {
    /// The next key, or `None` at the end. The key is valid until the next call.
    ///
    /// # Errors
    /// As [`RowCursor::next`].
    #[allow(clippy::should_implement_trait, reason = "a lending iterator")]
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        Err(crate::store::unfinished())
    }
}
