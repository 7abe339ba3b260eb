//! Loads of tables with a key.
//!
//! The first rows are inserted like others, one by one. Once they are as many as `bulk_load_threshold` says and the
//! transaction gets the table to itself (which a transaction with so many row locks would take anyway), a row whose
//! key is after those before, of which neither the transaction nor its branch has a version, nor inherits one, can be
//! met by nobody before the commit but by the transaction itself. It goes into a segment, its index entries into the
//! writes. All others are inserted as before: what is out of order, what was deleted, what waits for its parent. So
//! each row is judged when it comes, by the same rules as ever.

use helios_arrow::Shape;
use helios_base::{Result, Value};
use helios_expr::EvalContext;
use helios_version::KeyList;

use super::TableWriter;
use super::load::{ROWS, columns};
use crate::columnar::{DirectWriter, KeyBatch};
use crate::temporary::is_temporary_schema;

/// Inserted rows between two looks whether others can go into segments.
const LOOK: u64 = 1000;

/// A load of a table with a key.
pub(super) struct Keyed<'t> {
    /// Rows inserted one by one since the last look, and how many of them came in the order of the key.
    rows: u64,
    ascending: u64,
    /// The key of the last row.
    last: Vec<u8>,
    apart: Option<Apart<'t>>,
}

/// Rows that go into segments.
struct Apart<'t> {
    writer: DirectWriter<'t>,
    shapes: Vec<Shape>,
    /// The keys of all.
    keys: KeyList,
    /// Rows that are not in columns yet, and their keys.
    rows: Vec<Vec<Value>>,
    batch: KeyBatch,
}

impl<'t> Keyed<'t> {
    /// `None` if rows of the table must be found while they are loaded, or cannot lie in segments.
    pub(super) fn new(writer: &TableWriter<'t>) -> Option<Self> {
        let table = writer.table();
        let mut constraints = table.constraints.iter();
        let is_own_parent = constraints.any(|constraint| {
            (constraint.as_foreign_key()).is_some_and(|fk| fk.parent == table.id)
        });
        let mut indexes = writer.rules().indexes.iter();
        let is_sought = is_own_parent
            || indexes.any(|index| index.def.unique && writer.is_deferrable(index))
            || is_temporary_schema(&table.schema_name);
        (!table.key.is_empty() && !is_sought).then(|| Self {
            rows: 0,
            ascending: 0,
            last: Vec::new(),
            apart: None,
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// As [`TableWriter::insert`].
    pub(super) fn push(
        &mut self,
        writer: &mut TableWriter<'t>,
        mut row: Vec<Value>,
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        let Some(apart) = &mut self.apart else {
            let key = writer.insert(&mut row, ctx)?;
            self.rows += 1;
            self.ascending += u64::from(key > self.last.as_slice());
            self.last.clear();
            self.last.extend_from_slice(key);
            if self.rows >= LOOK {
                self.look(writer)?;
            }
            return Ok(());
        };
        if writer.insert_apart(&mut row, &mut apart.keys, ctx)? {
            apart.batch.push(writer.last_key());
            apart.rows.push(row);
            if apart.rows.len() >= ROWS {
                apart.gather()?;
            }
        }
        Ok(())
    }

    /// Whether rows can go into segments from here on.
    fn look(&mut self, writer: &TableWriter<'t>) -> Result<()> {
        // Rows in no order would go there one in a while, each after a look for its key.
        let is_ordered = self.ascending * 16 >= self.rows * 15;
        (self.rows, self.ascending) = (0, 0);
        let (transaction, table) = (writer.transaction(), writer.table());
        let hybrid = (transaction.tables()).hybrid(table, transaction.branch());
        let rows = transaction.uncommitted_rows(table.storage);
        let is_many = u64::try_from(rows).is_ok_and(|rows| rows >= hybrid.bulk_rows(table));
        if is_ordered
            && is_many
            && hybrid.is_on
            && let Some(direct) = DirectWriter::new(transaction, table)
            && transaction.txn().take_whole(table.storage)?
        {
            self.apart = Some(Apart {
                writer: direct,
                shapes: table.columns.iter().map(|c| Shape::of(&c.ty)).collect(),
                keys: KeyList::default(),
                rows: Vec::with_capacity(ROWS),
                batch: KeyBatch::default(),
            });
        }
        Ok(())
    }

    /// Ends the load.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn finish(self, writer: &TableWriter<'t>) -> Result<()> {
        let Some(mut apart) = self.apart else {
            return Ok(());
        };
        apart.gather()?;
        let rows = i64::try_from(apart.keys.len()).unwrap_or(i64::MAX);
        writer.transaction().count(writer.table().storage, rows);
        apart.writer.finish(Some(apart.keys))
    }
}

impl Apart<'_> {
    /// Hands the rows on in columns.
    fn gather(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let arrays = columns(&self.rows, &self.shapes)?;
        self.rows.clear();
        let batch = std::mem::take(&mut self.batch);
        let columns = self.writer.formed(&arrays, &self.shapes)?;
        self.writer.push_keyed(&columns, &batch)
    }
}
