//! Adding the rows of a statement that may bring many.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use helios_arrow::{ColumnBuilder, ColumnReader, Shape};
use helios_base::{Error, Result, Value};
use helios_expr::EvalContext;

use super::TableWriter;
use super::failure;
use super::keyed::Keyed;
use crate::catalog::{Catalog, TableDef};
use crate::columnar::DirectWriter;
use crate::temporary::is_temporary_schema;
use crate::transaction::Transaction;

/// Rows gathered before they become columns.
pub(super) const ROWS: usize = 8192;

/// Bytes of columns that wait for the rest of their statement; more are many rows, however few.
const WAITING_BYTES: usize = 256 << 20;

/// Adds many rows to a table, one by one or in columns.
///
/// Where nobody can look for the rows before the transaction is over (the table has no key, index or foreign key), they
/// wait until it shows that they are as many as `bulk_load_threshold` says, and go straight into segments from there
/// on. Of a table with a key the first so many are inserted like others, and what comes after them in the order of the
/// key, under keys that nobody has, goes into segments; see `keyed.rs`. The caller says that the statement does not
/// read the table and that another of the transaction begins with [`Transaction::statement`].
///
/// # Cost
/// Memory for the rows that wait, 256 MiB at most beside the batch at hand, or for the first rows and those out of order
/// of a table with a key, and a chunk of a segment.
pub struct TableLoad<'t> {
    writer: TableWriter<'t>,
    way: Way,
    count: u64,
}

/// A load whose statement waits for more rows. Dropping it leaves to the transaction what it has of them, which must roll back.
pub struct PausedLoad {
    way: Way,
    count: u64,
}

enum Way {
    /// Each as `INSERT` would.
    Rows,
    /// Nobody can look for them.
    Direct(Box<Waiting>),
    /// Each as `INSERT` would until there are many.
    Keyed(Box<Keyed>),
}

struct Waiting {
    writer: DirectWriter,
    shapes: Vec<Shape>,
    /// Rows that are not in columns yet.
    rows: Vec<Vec<Value>>,
    columns: Vec<Vec<ArrayRef>>,
    count: u64,
    bytes: usize,
    /// So many are many.
    many: u64,
    /// There are so many.
    is_bulk: bool,
}

impl<'t> TableLoad<'t> {
    /// For rows of `table` as `catalog` defines it.
    ///
    /// # Errors
    /// As [`TableWriter::new`].
    pub fn new(
        transaction: &'t Transaction,
        catalog: &Arc<Catalog>,
        table: &Arc<TableDef>,
    ) -> Result<Self> {
        let writer = TableWriter::new(transaction, catalog, table)?;
        let way = match direct(&writer, table) {
            Some((writer, many)) => Way::Direct(Box::new(Waiting {
                writer,
                shapes: table.columns.iter().map(|c| Shape::of(&c.ty)).collect(),
                rows: Vec::new(),
                columns: Vec::new(),
                count: 0,
                bytes: 0,
                many,
                is_bulk: false,
            })),
            None => match Keyed::new(&writer) {
                Some(keyed) => Way::Keyed(Box::new(keyed)),
                None => Way::Rows,
            },
        };
        Ok(Self {
            writer,
            way,
            count: 0,
        })
    }

    /// Lets go of the transaction until more rows come.
    #[must_use]
    pub fn pause(self) -> PausedLoad {
        PausedLoad {
            way: self.way,
            count: self.count,
        }
    }

    /// Goes on with a load of this transaction into `table`, as `catalog` defined it when the load began.
    ///
    /// # Errors
    /// As [`TableWriter::new`].
    pub fn resume(
        paused: PausedLoad,
        transaction: &'t Transaction,
        catalog: &Arc<Catalog>,
        table: &Arc<TableDef>,
    ) -> Result<Self> {
        Ok(Self {
            writer: TableWriter::new(transaction, catalog, table)?,
            way: paused.way,
            count: paused.count,
        })
    }

    /// Adds a row; generated columns are computed.
    ///
    /// # Errors
    /// As [`TableWriter::insert`].
    pub fn push(&mut self, mut row: Vec<Value>, ctx: &EvalContext<'_>) -> Result<()> {
        self.count += 1;
        match &mut self.way {
            Way::Rows => self.writer.insert(&mut row, ctx).map(drop),
            Way::Keyed(keyed) => keyed.push(&mut self.writer, row, ctx),
            Way::Direct(waiting) => {
                self.writer.complete(&mut row, ctx)?;
                waiting.rows.push(row);
                match waiting.rows.len() >= ROWS {
                    true => waiting.gather(self.writer.transaction()),
                    false => Ok(()),
                }
            }
        }
    }

    /// Adds rows whose columns are these arrays, one per column of the table, of these shapes.
    ///
    /// # Errors
    /// As [`TableWriter::insert`]; internal if an array is not of its shape.
    pub fn push_columns(
        &mut self,
        arrays: &[ArrayRef],
        shapes: &[Shape],
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        let rows = arrays.first().map_or(0, |array| array.len());
        let rules = Arc::clone(self.writer.rules());
        let each = !rules.checks.is_empty() || !rules.generated.is_empty();
        let waiting = match &mut self.way {
            Way::Direct(waiting) if !each => waiting,
            _ => {
                let readers = readers(arrays, shapes)?;
                return (0..rows).try_for_each(|row| self.push(values(&readers, row)?, ctx));
            }
        };
        let lacking = |position: &usize| {
            let nulls = arrays.get(*position)?.logical_nulls()?;
            let row = (0..rows).find(|row| nulls.is_null(*row))?;
            Some((row, *position))
        };
        if let Some((row, position)) = rules.not_null.iter().filter_map(lacking).min() {
            let row = values(&readers(arrays, shapes)?, row)?;
            let table = self.writer.table();
            return Err(failure::not_null(table, position, &row, ctx.text));
        }
        self.count += rows as u64;
        let transaction = self.writer.transaction();
        waiting.gather(transaction)?;
        let columns = waiting.writer.formed(arrays, shapes)?;
        waiting.add(columns, transaction)
    }

    /// Adds what waits. Returns how many rows were added in all.
    ///
    /// # Errors
    /// As [`TableLoad::push`].
    pub fn finish(mut self) -> Result<u64> {
        match self.way {
            Way::Rows => {}
            Way::Keyed(keyed) => keyed.finish(&mut self.writer)?,
            Way::Direct(mut waiting) => {
                let added = i64::try_from(self.count).unwrap_or(i64::MAX);
                if waiting.is_bulk || waiting.count > 0 || !waiting.rows.is_empty() {
                    waiting.gather(self.writer.transaction())?;
                    waiting.end(self.writer.transaction())?;
                }
                let table = self.writer.table();
                self.writer.transaction().count(table.storage, added);
            }
        }
        Ok(self.count)
    }
}

impl Waiting {
    /// Makes columns of the rows.
    fn gather(&mut self, transaction: &Transaction) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.rows);
        let arrays = columns(&rows, &self.shapes)?;
        let columns = self.writer.formed(&arrays, &self.shapes)?;
        self.add(columns, transaction)
    }

    fn add(&mut self, columns: Vec<ArrayRef>, transaction: &Transaction) -> Result<()> {
        if self.is_bulk {
            return self.writer.push(&columns, transaction);
        }
        self.count += columns.first().map_or(0, |column| column.len()) as u64;
        let bytes = columns.iter().map(|column| column.get_array_memory_size());
        self.bytes += bytes.sum::<usize>();
        self.columns.push(columns);
        if self.count < self.many && self.bytes < WAITING_BYTES {
            return Ok(());
        }
        self.is_bulk = true;
        let mut waiting = std::mem::take(&mut self.columns).into_iter();
        waiting.try_for_each(|columns| self.writer.push(&columns, transaction))
    }

    fn end(self, transaction: &Transaction) -> Result<()> {
        if self.is_bulk {
            return self.writer.finish(None, transaction);
        }
        let mut waiting = self.columns.iter();
        waiting.try_for_each(|columns| self.writer.put(columns, transaction))
    }
}

/// How to write straight into segments, and from how many rows on, if nobody can look for rows of the table.
fn direct(writer: &TableWriter<'_>, table: &Arc<TableDef>) -> Option<(DirectWriter, u64)> {
    let rules = writer.rules();
    let is_unseen = table.key.is_empty()
        && rules.indexes.is_empty()
        && rules.nearest.is_empty()
        && rules.foreign_keys.is_empty()
        && !writer.referenced
        && !is_temporary_schema(&table.schema_name);
    // Files without columns do not say how many rows they have.
    if !is_unseen || table.columns.is_empty() {
        return None;
    }
    let transaction = writer.transaction();
    let hybrid = (transaction.tables()).hybrid(table, transaction.branch());
    let writer = hybrid.is_on.then(|| DirectWriter::new(table))??;
    Some((writer, hybrid.bulk_rows(table)))
}

/// Columns of rows, of these shapes.
pub(super) fn columns(rows: &[Vec<Value>], shapes: &[Shape]) -> Result<Vec<ArrayRef>> {
    let mut arrays = Vec::with_capacity(shapes.len());
    for (at, shape) in shapes.iter().enumerate() {
        let mut builder = ColumnBuilder::new(shape, rows.len());
        for row in rows {
            let value = row.get(at);
            let value = value.ok_or_else(|| Error::internal("wrong number of values"))?;
            builder.append(value)?;
        }
        arrays.push(builder.finish());
    }
    Ok(arrays)
}

fn readers(arrays: &[ArrayRef], shapes: &[Shape]) -> Result<Vec<ColumnReader>> {
    let columns = arrays.iter().zip(shapes);
    columns
        .map(|(array, shape)| ColumnReader::new(array, shape))
        .collect()
}

fn values(readers: &[ColumnReader], row: usize) -> Result<Vec<Value>> {
    readers.iter().map(|reader| reader.value(row)).collect()
}
