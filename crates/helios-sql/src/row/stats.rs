//! What is known about the size of tables.

use helios_base::TableId;

/// Row counts, for choosing how to read and join.
pub(crate) trait Stats {
    /// About how many rows the table has.
    fn rows(&self, table: TableId) -> u64;
}
