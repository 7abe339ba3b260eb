//! What is known about the size of tables.

use std::sync::Arc;

use helios_base::TableId;
use helios_table::TableStats;

/// Row counts, for choosing how to read and join.
pub(crate) trait Stats {
    /// About how many rows the table has.
    fn rows(&self, table: TableId) -> u64;

    /// What the last `ANALYZE` found, if there was one.
    fn analyzed(&self, table: TableId) -> Option<Arc<TableStats>>;
}
