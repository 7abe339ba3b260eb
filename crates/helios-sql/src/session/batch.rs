//! Rows as Arrow batches, for results of the row executor.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::Schema;
use helios_base::{Error, Result, Row, Value};

use super::ResultColumn;
use crate::fusion;

/// Rows as one batch of these columns.
pub(crate) fn from_rows(columns: &[ResultColumn], rows: &[Row]) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (at, column) in columns.iter().enumerate() {
        let values = rows.iter().map(|row| row.get(at).unwrap_or(&Value::Null));
        let (field, array) = fusion::export_column(&column.name, &column.ty, values)?;
        fields.push(field);
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|e| Error::internal(format!("result batch: {e}")))
}
