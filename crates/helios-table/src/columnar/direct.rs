//! Rows that go into segments while a statement runs, without having been private writes.
//!
//! Nobody can meet such a row before the transaction commits but the transaction itself: the rows have hidden numbers and
//! no index and no foreign key concerns their table, or the transaction has the table to itself and nobody has their
//! keys (`access/keyed.rs`). So they wait in finished segments; the commit brings those along
//! ([`helios_version::Txn::bring`]), and a transaction that runs another statement first takes
//! the rows back as private writes ([`Transaction::take_back`]).

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use helios_arrow::{ColumnBuilder, ColumnReader, Shape};
use helios_base::row::{self, Layout};
use helios_base::{DataType, Error, Result, Scn, TableId, Value};
use helios_version::{BroughtKeys, ColdBlock, ColdRows, Frozen, KeyList};
use parking_lot::Mutex;

use super::descriptor::Descriptor;
use super::form::{Cells, Form};
use super::load::{Loads, MOST_ROWS};
use super::shelf::Unfinished;
use super::writer::RowsWriter;
use super::writing::Writing;
use crate::catalog::{LayoutDef, TableDef};
use crate::transaction::Transaction;

/// Rows taken back at a time.
const BLOCK: usize = 1024;

/// Writes a table's rows, in columns, into segments.
///
/// It is made for one transaction, which every call names, so that it may wait while the transaction does something else.
pub(crate) struct DirectWriter {
    table: Arc<TableDef>,
    layout: LayoutDef,
    descriptor: Descriptor,
    /// The row layout of the forms.
    rows_layout: Layout,
    /// For each column of the file, the place of the table's column.
    places: Vec<usize>,
    threads: usize,
    open: Option<(u64, Unfinished, Writing)>,
    /// One that has all its rows.
    ending: Option<(u64, Unfinished, Writing)>,
    direct: Direct,
}

/// Finished segments with rows that only their transaction knows of. Dropping it deletes the files.
pub(crate) struct Direct {
    storage: TableId,
    descriptor: Descriptor,
    segments: Vec<(u64, Frozen)>,
    files: Mutex<Vec<Unfinished>>,
    /// The rows' numbers, ascending, if they have such.
    numbers: Vec<Range<i64>>,
    /// Their keys, if not.
    keys: Option<Arc<KeyList>>,
}

/// Keys of rows that go into a segment together.
#[derive(Default)]
pub(crate) struct KeyBatch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl KeyBatch {
    pub(crate) fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn get(&self, at: usize) -> &[u8] {
        let end = |at: usize| self.ends.get(at).copied();
        let start = at.checked_sub(1).and_then(end).unwrap_or(0);
        self.bytes
            .get(start..end(at).unwrap_or(start))
            .unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

impl DirectWriter {
    /// For rows of `table` as it is now; `None` if they have columns that the table does not show.
    pub(crate) fn new(table: &Arc<TableDef>) -> Option<Self> {
        let layout = table.layouts.last()?.clone();
        let place = |id| table.columns.iter().position(|column| column.id == id);
        let places: Option<Vec<usize>> = layout.columns.iter().map(|(id, _)| place(*id)).collect();
        let descriptor = Descriptor::new(table, &layout).loaded();
        Some(Self {
            places: places?,
            rows_layout: descriptor.layout(),
            // Who loads waits for it.
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            open: None,
            ending: None,
            direct: Direct {
                storage: table.storage,
                descriptor: descriptor.clone(),
                segments: Vec::new(),
                files: Mutex::default(),
                numbers: Vec::new(),
                keys: None,
            },
            descriptor,
            layout,
            table: Arc::clone(table),
        })
    }

    /// The columns of rows, one array per column of the table, as they lie in segments.
    ///
    /// # Errors
    /// Internal if an array is not of its shape.
    pub(crate) fn formed(&self, arrays: &[ArrayRef], shapes: &[Shape]) -> Result<Vec<ArrayRef>> {
        let mut columns = Vec::with_capacity(self.places.len());
        for (place, (_, form)) in self.places.iter().zip(&self.descriptor.columns) {
            let column = arrays.get(*place).zip(shapes.get(*place));
            let column = column.zip(self.table.columns.get(*place));
            let ((array, shape), column) =
                column.ok_or_else(|| Error::internal("a row of another number of columns"))?;
            columns.push(formed(array, shape, form, &column.ty)?);
        }
        Ok(columns)
    }

    /// Writes rows, in columns as [`DirectWriter::formed`] gives them, under new hidden numbers.
    ///
    /// # Errors
    /// `Io`; the writer is of no use then.
    pub(crate) fn push(&mut self, columns: &[ArrayRef], transaction: &Transaction) -> Result<()> {
        let (tables, storage) = (transaction.tables(), self.table.storage);
        self.push_parts(columns, transaction, |rows, direct| {
            let numbers = tables.next_row_ids(storage, rows.len())?;
            let key = |number: Option<i64>| number.unwrap_or_default().to_be_bytes().to_vec();
            let first = key(numbers.first().map(|range| range.start));
            let last = key(numbers.last().map(|range| range.end - 1));
            let hidden = Int64Array::from_iter_values(numbers.iter().cloned().flatten());
            add_all(&mut direct.numbers, numbers);
            Ok((first, last, Some(Arc::new(hidden) as ArrayRef)))
        })
    }

    /// Writes rows, in columns as [`DirectWriter::formed`] gives them, of these keys, which are after those before.
    ///
    /// # Errors
    /// `Io`; the writer is of no use then.
    pub(crate) fn push_keyed(
        &mut self,
        columns: &[ArrayRef],
        keys: &KeyBatch,
        transaction: &Transaction,
    ) -> Result<()> {
        let form = self.descriptor.key_form();
        self.push_parts(columns, transaction, |rows, _| {
            let hidden = form.as_ref().map(|form| {
                let mut builder = ColumnBuilder::new(&form.shape(), rows.len());
                (rows.clone()).try_for_each(|at| builder.append(&Value::from(keys.get(at))))?;
                Ok::<_, Error>(builder.finish())
            });
            let last = rows.end.saturating_sub(1);
            let (first, last) = (keys.get(rows.start).to_vec(), keys.get(last).to_vec());
            Ok((first, last, hidden.transpose()?))
        })
    }

    /// Writes rows, as many at a time as a segment has room for; `keys` tells the first and the last key of them, and
    /// gives the hidden column if there is one.
    fn push_parts(
        &mut self,
        columns: &[ArrayRef],
        transaction: &Transaction,
        mut keys: impl FnMut(Range<usize>, &mut Direct) -> Result<(Vec<u8>, Vec<u8>, Option<ArrayRef>)>,
    ) -> Result<()> {
        let rows = columns.first().map_or(0, |column| column.len());
        let mut from = 0;
        while from < rows {
            let (.., writer) = match &mut self.open {
                Some(open) => open,
                empty => {
                    let id = transaction.txn().next_segment();
                    let (file, sink) = Unfinished::create(transaction.tables().shelf(), id)?;
                    let descriptor = Descriptor::new(&self.table, &self.layout).loaded();
                    let (table, branch) = (&self.table, transaction.branch());
                    let is_auto = (transaction.tables().hybrid(table, branch)).auto_compression;
                    let writer = RowsWriter::new(table, descriptor, sink, self.threads, is_auto)?;
                    empty.insert((id, file, Writing::begin(writer)?))
                }
            };
            let room = usize::try_from(MOST_ROWS - writer.rows()).unwrap_or(usize::MAX);
            let length = room.min(rows - from);
            let (first, last, hidden) = keys(from..from + length, &mut self.direct)?;
            let part = columns.iter().map(|column| column.slice(from, length));
            let part: Vec<ArrayRef> = hidden.into_iter().chain(part).collect();
            let is_written = writer.push((first, last), part);
            from += length;
            if !is_written || writer.rows() >= MOST_ROWS {
                self.end()?;
            }
            if !is_written {
                self.seal()?;
            }
        }
        Ok(())
    }

    /// Ends the segment at hand, which another may follow meanwhile.
    fn end(&mut self) -> Result<()> {
        self.seal()?;
        if let Some((.., writing)) = &self.open {
            writing.end();
        }
        self.ending = self.open.take();
        Ok(())
    }

    /// Makes the segment durable that was ended.
    fn seal(&mut self) -> Result<()> {
        if let Some((id, file, writing)) = self.ending.take() {
            let (frozen, draft) = writing.finish()?;
            file.seal(draft)?;
            self.direct.segments.push((id, frozen));
            self.direct.files.lock().push(file);
        }
        Ok(())
    }

    /// Puts rows, in columns as [`DirectWriter::formed`] gives them, into the transaction as rows.
    ///
    /// # Errors
    /// As [`helios_version::Txn::put`].
    pub(crate) fn put(&self, columns: &[ArrayRef], transaction: &Transaction) -> Result<()> {
        let forms = self.descriptor.columns.iter();
        let cells = forms.zip(columns);
        let cells = cells.map(|((_, form), array)| Cells::new(form, array));
        let cells: Vec<Cells> = cells.collect::<Result<_>>()?;
        let rows = columns.first().map_or(0, |column| column.len());
        let tables = transaction.tables();
        let (mut bytes, mut ends, mut row) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..rows {
            bytes.clear();
            ends.clear();
            for column in &cells {
                let start = bytes.len();
                ends.push(column.push(at, &mut bytes)?.then_some(start..bytes.len()));
            }
            let parts: Vec<Option<&[u8]>> = (ends.iter())
                .map(|end| end.clone().map(|end| bytes.get(end).unwrap_or_default()))
                .collect();
            row.clear();
            row::assemble(&self.rows_layout, &parts, &mut row)?;
            let key = tables.next_row_id(self.table.storage)?;
            (transaction.txn()).put(self.table.storage, &key, &row, &[])?;
        }
        Ok(())
    }

    /// Ends the segments, makes them durable and leaves them with the transaction. `keys` are those of the rows, if they
    /// have no hidden numbers.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn finish(mut self, keys: Option<KeyList>, transaction: &Transaction) -> Result<()> {
        self.end()?;
        self.seal()?;
        self.direct.keys = keys.map(Arc::new);
        if !self.direct.segments.is_empty() {
            transaction.leave(self.direct);
        }
        Ok(())
    }
}

/// An array of `shape`, for a column of type `ty`, as it lies in segments.
fn formed(array: &ArrayRef, shape: &Shape, form: &Form, ty: &DataType) -> Result<ArrayRef> {
    let wanted = form.shape();
    if *shape == wanted && form.is_plain(ty) && *array.data_type() == wanted.arrow {
        return Ok(Arc::clone(array));
    }
    let reader = ColumnReader::new(array, shape)?;
    let mut builder = ColumnBuilder::new(&wanted, reader.len());
    let mut bytes = Vec::new();
    for at in 0..reader.len() {
        match reader.value(at)? {
            Value::Null => form.append(None, &mut builder)?,
            value => {
                bytes.clear();
                row::put_value(&value, ty, &mut bytes)?;
                form.append(Some(&bytes), &mut builder)?;
            }
        }
    }
    Ok(builder.finish())
}

/// Adds ranges behind those before.
fn add_all(all: &mut Vec<Range<i64>>, more: Vec<Range<i64>>) {
    for range in more {
        match all.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => all.push(range),
        }
    }
}

impl Direct {
    fn keys(&self) -> BroughtKeys {
        if let Some(keys) = &self.keys {
            return BroughtKeys::Vacant(Arc::clone(keys));
        }
        let numbers = self.numbers.clone();
        BroughtKeys::Unheard(Arc::new(move |visit| {
            let mut numbers = numbers.iter().cloned().flatten();
            numbers.try_for_each(|number| visit(&number.to_be_bytes()))
        }))
    }

    /// Puts the rows into the transaction.
    fn put_back(&self, transaction: &Transaction) -> Result<()> {
        let shelf = transaction.tables().shelf();
        let mut block = ColdBlock::default();
        for (id, frozen) in &self.segments {
            let rows = shelf.read(*id, self.descriptor.clone(), Scn::ZERO)?;
            let mut from = 0;
            while from < frozen.rows {
                block.clear();
                rows.read(from, BLOCK, &mut block)?;
                if block.is_empty() {
                    return Err(Error::internal("a segment is shorter than it was written"));
                }
                for row in (0..block.len()).filter_map(|at| block.row(at)) {
                    (transaction.txn()).put(self.storage, row.pk, row.row, &[])?;
                }
                from += block.len() as u64;
            }
        }
        Ok(())
    }
}

impl Transaction {
    /// Whether rows of one of these storages wait in segments.
    pub(crate) fn waits(&self, mut storages: impl Iterator<Item = TableId>) -> bool {
        self.with_direct(|all| {
            !all.is_empty()
                && storages.any(|storage| all.iter().any(|direct| direct.storage == storage))
        })
    }

    /// Keeps segments for the commit.
    fn leave(&self, direct: Direct) {
        self.with_direct(|all| all.push(Arc::new(direct)));
    }

    /// Makes private writes of the rows that wait in segments, for whoever reads or writes next.
    ///
    /// # Errors
    /// `Io`, `Corrupt`: the transaction is over.
    #[cold]
    pub(crate) fn take_back(&self) -> Result<()> {
        let waiting = self.with_direct(std::mem::take);
        let done = (waiting.iter()).try_for_each(|direct| direct.put_back(self));
        done.inspect_err(|_| self.txn().rollback())
    }

    /// Hands the rows that wait in segments to the commit that follows.
    pub(super) fn bring(&self, loads: &mut Loads) -> Result<()> {
        for direct in self.with_direct(std::mem::take) {
            let segments = direct.segments.clone();
            self.txn().bring(direct.storage, segments, direct.keys())?;
            loads.add(std::mem::take(&mut *direct.files.lock()));
        }
        Ok(())
    }
}
