//! Reading the rows of a table.

use helios_base::{Result, Value};
use helios_version::{Read, RowVersion};

use super::scan::TableScan;
use crate::catalog::TableDef;
use crate::row::{IndexRules, KeyRange, KeyRangeSpec, Shape, StoredRow};

/// Reads the rows of one table as a snapshot or a transaction's view sees them.
#[derive(Clone, Copy)]
pub struct TableReader<'a> {
    table: &'a TableDef,
    shape: &'a Shape,
    read: &'a dyn Read,
}

impl<'a> TableReader<'a> {
    /// A reader of `table`, whose definition must come from the catalog of the same snapshot.
    #[must_use]
    pub fn new(table: &'a TableDef, read: &'a dyn Read) -> Self {
        Self {
            table,
            shape: table.shape(),
            read,
        }
    }

    /// Where the columns are.
    #[must_use]
    pub const fn shape(&self) -> &'a Shape {
        self.shape
    }

    /// The row with this stored key. Look at it with [`StoredRow::new`].
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Result<Option<RowVersion>> {
        self.read.get(self.table.storage, key)
    }

    /// Shows the row whose key columns have `values`, in key order, to `visit`. `buffer` is scratch
    /// space that callers keep between calls.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; internal for tables with hidden row numbers; what `visit` returns.
    ///
    /// # Cost
    /// One point read; nothing is decoded before `visit` asks.
    #[inline]
    pub fn point<R>(
        &self,
        values: &[Value],
        buffer: &mut Vec<u8>,
        visit: impl FnOnce(StoredRow<'_>) -> Result<R>,
    ) -> Result<Option<R>> {
        buffer.clear();
        self.shape.encode_key(values, buffer)?;
        match self.read.get(self.table.storage, buffer)? {
            Some(found) => {
                let row = StoredRow::new(self.shape, buffer, found.begin, &found.row)?;
                visit(row).map(Some)
            }
            None => Ok(None),
        }
    }

    /// The rows in a range of stored keys, in key order or backwards.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn scan(&self, range: &KeyRange, reverse: bool) -> Result<TableScan<'a>> {
        TableScan::rows(self.table, self.read, range, reverse)
    }

    /// The rows in a range of an index of this table, in index order or backwards. Every entry is
    /// checked against the row that the snapshot sees, so the answer is that of a full scan.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; what index expressions raise.
    pub fn index_scan(
        &self,
        index: &'a IndexRules,
        range: &KeyRange,
        reverse: bool,
    ) -> Result<TableScan<'a>> {
        if index.def.clustered {
            self.scan(range, reverse)
        } else {
            TableScan::index(self.table, self.read, index, range, reverse)
        }
    }

    /// The range of stored keys whose key columns satisfy `spec`.
    ///
    /// # Errors
    /// Internal if a value does not fit its column.
    pub fn key_range(&self, spec: &KeyRangeSpec<'_>) -> Result<KeyRange> {
        let keys = self.shape.key_columns().iter();
        KeyRange::new(spec, keys.map(|(_, ty)| (ty, Default::default())))
    }
}

impl IndexRules {
    /// The range of entries whose keys satisfy `spec`.
    ///
    /// # Errors
    /// Internal if a value does not fit its key.
    pub fn key_range(&self, spec: &KeyRangeSpec<'_>) -> Result<KeyRange> {
        KeyRange::new(spec, self.key_types())
    }
}
