//! `ANALYZE`: how the values of each column are spread.

use std::sync::Arc;

use helios_base::{ColumnId, DataType, Result, Scn, Value};
use helios_version::Read;
use serde::Serialize;

use super::sample::Sample;
use super::stored::{Stored, StoredTable};
use crate::catalog::{TableDef, codec};
use crate::row::KeyRange;
use crate::system;
use crate::tables::Tables;
use crate::transaction::Transaction;

/// What `ANALYZE` found out about a table.
#[derive(Clone, Debug, Serialize)]
pub struct TableStats {
    /// How many rows it had.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<ColumnStats>,
}

/// What `ANALYZE` found out about a column.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "Stored")]
pub struct ColumnStats {
    /// The column.
    pub column: ColumnId,
    /// Its type then.
    pub ty: DataType,
    /// The share of NULLs, 0 to 1.
    pub null_fraction: f64,
    /// About how many different values there are, NULL not counted.
    pub distinct: f64,
    /// Mean width of a value in key bytes.
    pub width: f64,
    /// The most common values with their shares of all rows, most common first.
    pub common: Vec<(Value, f64)>,
    /// Values that divide the others into parts of equal size, ascending; the first and last are
    /// the least and greatest value seen. Empty for types without order.
    pub histogram: Vec<Value>,
}

impl TableStats {
    /// The statistics of a column.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> Option<&ColumnStats> {
        self.columns.iter().find(|column| column.column == id)
    }
}

impl Tables {
    /// What the last `ANALYZE` that `read` sees found.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    ///
    /// # Cost
    /// A point read; decodes them only after an `ANALYZE`.
    pub fn statistics(&self, read: &dyn Read, table: &TableDef) -> Result<Option<Arc<TableStats>>> {
        let Some(found) = read.get(system::STATISTICS, &codec::key(table.id.0))? else {
            return Ok(None);
        };
        if let Some((begin, stats)) = self.statistics.lock().get(&table.id)
            && *begin == found.begin
        {
            return Ok(Some(stats.clone()));
        }
        let stored: StoredTable = codec::decode(&found.row)?;
        let stats = Arc::new(stored.of(table)?);
        // Uncommitted versions all have the same number, so they cannot be told apart by it.
        if found.begin != Scn::MAX {
            let known = (found.begin, stats.clone());
            self.statistics.lock().insert(table.id, known);
        }
        Ok(Some(stats))
    }
}

impl Transaction {
    /// `ANALYZE table`: looks at the table, stores what it finds. `interrupt` is asked now and then and can end it.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; those of `interrupt`; as any write.
    ///
    /// # Cost
    /// Reads every row outside of segments; of those in segments it decodes a sample, column by column, by all threads
    /// of the machine. Memory for a sample of 30,000 rows of those outside, and of a column of the others for each thread.
    pub fn analyze(
        &self,
        table: &TableDef,
        interrupt: &(dyn Fn() -> Result<()> + Sync),
    ) -> Result<TableStats> {
        let view = self.view()?;
        let rows = view.scan(table.storage, KeyRange::ALL.bounds(), false)?;
        let sample = Sample::of(table, rows, interrupt)?;
        let stats = TableStats {
            rows: sample.rows(),
            columns: sample.columns(interrupt)?,
        };
        let row = codec::encode(&stats)?;
        self.txn()
            .put(system::STATISTICS, &codec::key(table.id.0), &row, &[])?;
        let count = i64::try_from(stats.rows).unwrap_or(i64::MAX);
        let committed = count - self.uncommitted_rows(table.storage);
        self.tables()
            .counts
            .set(self.branch(), table.storage, committed);
        // For the statements that see this already, and for all others once it has committed.
        self.tables().counts.note_change();
        self.with_state(|state| state.analyzed = true);
        Ok(stats)
    }
}
