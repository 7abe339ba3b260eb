//! Rows as Arrow batches, for results of the row executor.

use arrow::array::RecordBatch;
use helios_base::{Error, Result, Row};

use super::ResultColumn;

/// Rows as one batch of these columns.
pub(crate) fn from_rows(columns: &[ResultColumn], rows: &[Row]) -> Result<RecordBatch> {
    let _ = (columns, rows);
    Err(Error::unsupported("arrow batches of row results"))
}
