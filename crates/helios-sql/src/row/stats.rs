//! What is known about the size of tables.

use helios_base::TableId;

/// Row counts, for choosing how to read and join.
pub(crate) trait Stats {
    /// About how many rows the table has.
    fn rows(&self, table: TableId) -> u64;
}

/// Nothing is known: every table is middling.
pub(crate) struct NoStats;

/// What a table is taken to have if nobody knows.
const UNKNOWN_ROWS: u64 = 1000;

impl Stats for NoStats {
    fn rows(&self, _table: TableId) -> u64 {
        UNKNOWN_ROWS
    }
}
