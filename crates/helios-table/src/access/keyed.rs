//! Loads of tables with a key.
//!
//! The first rows are inserted like others, one by one. Once they are as many as `bulk_load_threshold` says and the
//! transaction gets the table to itself (which a transaction with so many row locks would take anyway), a row whose
//! key is after those that are in segments, of which neither the transaction nor its branch has a version, nor inherits one, can be
//! met by nobody before the commit but by the transaction itself. It goes into a segment, its index entries into the
//! writes. All others are inserted as before: what is out of order, what was deleted, what waits for its parent. So
//! each row is judged when it comes, by the same rules as ever. A thousand rows wait until they are put in order: files
//! are often out of order by a few rows.

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

/// Rows that wait at least, for others that belong before them.
const HELD: usize = 1024;

/// Rows whose parents are looked for together: the more of them, the nearer each is to the one before.
const ASKED: usize = 65_536;

/// A load of a table with a key.
pub(super) struct Keyed {
    /// Rows inserted one by one since the last look, and how many of them came after all before that.
    rows: u64,
    ascending: u64,
    /// The greatest key, and what it was at the last look.
    last: Vec<u8>,
    before: Vec<u8>,
    apart: Option<Apart>,
}

/// Where a key is beside those of rows that go into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is one of theirs.
    There,
    /// After all that are in segments, and those that were inserted before any were.
    Behind,
    /// Anywhere else.
    Among,
}

/// Rows that go into segments.
struct Apart {
    writer: DirectWriter,
    shapes: Vec<Shape>,
    /// The greatest key of those that were inserted before: segments of these, which the commit writes, are to have keys
    /// of their own.
    floor: Vec<u8>,
    /// The keys of those that are.
    keys: KeyList,
    waiting: Waiting,
    /// Parents are looked for when rows become columns.
    asks_later: bool,
}

/// Rows that are not in columns yet, as they came.
#[derive(Default)]
struct Waiting {
    rows: Vec<Vec<Value>>,
    keys: KeyBatch,
    /// Their numbers in the order of the keys.
    order: Vec<usize>,
}

impl Waiting {
    /// Where a key is in the order, or belongs.
    fn find(&self, key: &[u8]) -> std::result::Result<usize, usize> {
        match self.order.last() {
            Some(last) if self.keys.get(*last) >= key => {
                (self.order).binary_search_by(|number| self.keys.get(*number).cmp(key))
            }
            _ => Err(self.order.len()),
        }
    }

    fn push(&mut self, key: &[u8], row: Vec<Value>) {
        let (Ok(at) | Err(at)) = self.find(key);
        self.order.insert(at, self.rows.len());
        self.keys.push(key);
        self.rows.push(row);
    }

    /// The first so many in the order of the keys.
    fn take(&mut self, count: usize) -> (Vec<Vec<Value>>, KeyBatch) {
        let mut all = std::mem::take(self);
        let mut first = (Vec::with_capacity(count), KeyBatch::default());
        for (at, number) in all.order.into_iter().enumerate() {
            let (row, key) = (all.rows.get_mut(number), all.keys.get(number));
            let row = row.map(std::mem::take).unwrap_or_default();
            if at < count {
                first.0.push(row);
                first.1.push(key);
            } else {
                self.push(key, row);
            }
        }
        first
    }
}

impl Keyed {
    /// `None` if rows of the table must be found while they are loaded, or cannot lie in segments.
    pub(super) fn new(writer: &TableWriter<'_>) -> Option<Self> {
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
            before: Vec::new(),
            apart: None,
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// As [`TableWriter::insert`].
    pub(super) fn push(
        &mut self,
        writer: &mut TableWriter<'_>,
        mut row: Vec<Value>,
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        let Some(apart) = &mut self.apart else {
            let key = writer.insert(&mut row, ctx)?;
            self.rows += 1;
            self.ascending += u64::from(key > self.before.as_slice());
            if key > self.last.as_slice() {
                self.last.clear();
                self.last.extend_from_slice(key);
            }
            if self.rows >= LOOK {
                self.look(writer)?;
            }
            return Ok(());
        };
        if writer.insert_apart(&mut row, |key| apart.place(key), apart.asks_later, ctx)? {
            apart.waiting.push(writer.last_key(), row);
            let count = if apart.asks_later { ASKED } else { ROWS };
            if apart.waiting.rows.len() >= count + HELD {
                apart.gather(count, writer)?;
            }
        }
        Ok(())
    }

    /// Whether rows can go into segments from here on.
    fn look(&mut self, writer: &TableWriter<'_>) -> Result<()> {
        // Rows in no order would go there one in a while, each after a look for its key.
        let is_ordered = self.ascending * 16 >= self.rows * 15;
        (self.rows, self.ascending) = (0, 0);
        self.before.clone_from(&self.last);
        let (transaction, table) = (writer.transaction(), writer.table());
        let hybrid = (transaction.tables()).hybrid(table, transaction.branch());
        let rows = transaction.uncommitted_rows(table.storage);
        let is_many = u64::try_from(rows).is_ok_and(|rows| rows >= hybrid.bulk_rows(table));
        if is_ordered
            && is_many
            && hybrid.is_on
            && let Some(direct) = DirectWriter::new(table)
            && transaction.txn().take_whole(table.storage)?
        {
            self.apart = Some(Apart {
                writer: direct,
                shapes: table.columns.iter().map(|c| Shape::of(&c.ty)).collect(),
                floor: self.last.clone(),
                keys: KeyList::default(),
                waiting: Waiting::default(),
                asks_later: !writer.rules().foreign_keys.is_empty() && writer.finds_orphans(),
            });
        }
        Ok(())
    }

    /// Ends the load.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn finish(self, writer: &mut TableWriter<'_>) -> Result<()> {
        let Some(mut apart) = self.apart else {
            return Ok(());
        };
        apart.gather(usize::MAX, writer)?;
        let rows = i64::try_from(apart.keys.len()).unwrap_or(i64::MAX);
        writer.transaction().count(writer.table().storage, rows);
        apart.writer.finish(Some(apart.keys), writer.transaction())
    }
}

impl Apart {
    fn place(&self, key: &[u8]) -> Result<Place> {
        let last = self.keys.last().unwrap_or(&self.floor);
        let is_there = match last < key {
            true => self.waiting.find(key).is_ok(),
            false => self.keys.contains(key)?,
        };
        Ok(match is_there {
            true => Place::There,
            false if last < key => Place::Behind,
            false => Place::Among,
        })
    }

    /// Hands the first so many rows on in columns.
    fn gather(&mut self, count: usize, writer: &mut TableWriter<'_>) -> Result<()> {
        let count = count.min(self.waiting.rows.len());
        if count == 0 {
            return Ok(());
        }
        let (mut rows, mut keys) = self.waiting.take(count);
        if self.asks_later {
            let orphans = writer.orphans(&rows)?;
            (rows, keys) = without(rows, keys, &orphans, writer)?;
        }
        if rows.is_empty() {
            return Ok(());
        }
        (0..keys.len()).try_for_each(|at| self.keys.push(keys.get(at)))?;
        let arrays = columns(&rows, &self.shapes)?;
        let columns = self.writer.formed(&arrays, &self.shapes)?;
        self.writer
            .push_keyed(&columns, &keys, writer.transaction())
    }
}

/// The rows but those of these numbers, ascending, which are inserted as rows.
fn without(
    rows: Vec<Vec<Value>>,
    keys: KeyBatch,
    orphans: &[usize],
    writer: &mut TableWriter<'_>,
) -> Result<(Vec<Vec<Value>>, KeyBatch)> {
    if orphans.is_empty() {
        return Ok((rows, keys));
    }
    let mut left = (Vec::with_capacity(rows.len()), KeyBatch::default());
    for (at, row) in rows.into_iter().enumerate() {
        let key = keys.get(at);
        if orphans.binary_search(&at).is_ok() {
            writer.insert_orphan(&row, key)?;
        } else {
            left.0.push(row);
            left.1.push(key);
        }
    }
    Ok(left)
}
