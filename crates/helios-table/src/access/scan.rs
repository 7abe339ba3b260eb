//! Cursors over the rows of a table.

use helios_base::{Result, Value};
use helios_version::{KeyCursor, Read, RowCursor, RowVersion};

use crate::catalog::TableDef;
use crate::row::{IndexRules, KeyRange, Shape, StoredRow};

/// Rows of a table, one at a time, in the order of its key or of an index.
pub struct TableScan<'a> {
    shape: &'a Shape,
    source: Source<'a>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one a scan, and the large one is the usual"
)]
enum Source<'a> {
    Empty,
    Rows(RowCursor),
    Index(Box<IndexSource<'a>>),
}

struct IndexSource<'a> {
    table: &'a TableDef,
    read: &'a dyn Read,
    index: &'a IndexRules,
    entries: KeyCursor,
    /// The stored key of the row under the cursor.
    pk: Vec<u8>,
    /// One place per column; only those that the index reads are filled.
    row: Vec<Value>,
    keys: Vec<u8>,
}

impl<'a> TableScan<'a> {
    pub(super) fn rows(
        table: &'a TableDef,
        read: &'a dyn Read,
        range: &KeyRange,
        reverse: bool,
    ) -> Result<Self> {
        let source = if range.is_empty() {
            Source::Empty
        } else {
            Source::Rows(read.scan(table.storage, range.bounds(), reverse)?)
        };
        Ok(Self {
            shape: table.shape(),
            source,
        })
    }

    pub(super) fn index(
        table: &'a TableDef,
        read: &'a dyn Read,
        index: &'a IndexRules,
        range: &KeyRange,
        reverse: bool,
    ) -> Result<Self> {
        let source = if range.is_empty() {
            Source::Empty
        } else {
            read.require(table.storage)?;
            Source::Index(Box::new(IndexSource {
                table,
                read,
                index,
                entries: read.index_scan(index.storage(), range.bounds(), reverse)?,
                pk: Vec::new(),
                row: vec![Value::Null; table.columns.len()],
                keys: Vec::new(),
            }))
        };
        Ok(Self {
            shape: table.shape(),
            source,
        })
    }

    /// Shows the next row to `visit` and returns its answer; `None` at the end.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; what index expressions raise; what `visit` returns.
    #[inline]
    pub fn next<R>(&mut self, visit: impl FnOnce(StoredRow<'_>) -> Result<R>) -> Result<Option<R>> {
        match &mut self.source {
            Source::Empty => Ok(None),
            Source::Rows(rows) => match rows.next()? {
                Some(row) => visit(StoredRow::from_ref(self.shape, row)?).map(Some),
                None => Ok(None),
            },
            Source::Index(index) => match index.next()? {
                Some(found) => {
                    let row = StoredRow::new(self.shape, &index.pk, found.begin, &found.row)?;
                    visit(row).map(Some)
                }
                None => Ok(None),
            },
        }
    }
}

impl IndexSource<'_> {
    /// Moves to the next entry that its row confirms.
    fn next(&mut self) -> Result<Option<RowVersion>> {
        while let Some(entry) = self.entries.next()? {
            let (keys, pk) = self.index.split(entry)?;
            let Some(found) = self.read.get(self.table.storage, pk)? else {
                continue;
            };
            let row = StoredRow::new(self.table.shape(), pk, found.begin, &found.row)?;
            row.fill(self.index.reads(), &mut self.row)?;
            self.keys.clear();
            if self.index.encode_keys(&self.row, &mut self.keys)? && self.keys == keys {
                self.pk.clear();
                self.pk.extend_from_slice(pk);
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
