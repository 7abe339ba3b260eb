//! Reading a file ahead of who adds its rows: a second thread splits records and reads their values.
//!
//! Only what needs nothing of the session is read there: fields of other columns, markers of defaults and whatever is
//! wrong come as they stand in the file, so errors are raised where they would be without the thread, behind the rows
//! before them.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use helios_base::{DataType, Error, Result, Row, TextContext, Value};

use super::plain_field;
use crate::row::copy::{Field, Fields, RecordReader, shown};

/// Smaller files are not worth a thread, in bytes.
pub(super) const LARGE: u64 = 1 << 20;

/// Records handed over together, at most.
const RECORDS: usize = 1024;

/// Bytes of records handed over together, at most, unless it is one.
const BYTES: usize = 1 << 20;

/// Batches that wait, at most.
const WAITING: usize = 3;

/// What a record was read as.
pub(super) enum Parsed {
    /// Its values, one for each column.
    Row(Row),
    /// Its fields: something needs the session, or is wrong.
    Fields(Fields),
}

/// Records in the order of the file.
#[derive(Default)]
struct Batch {
    parsed: Vec<Parsed>,
    /// For each the line where it begins, and where it ends in `bytes`.
    places: Vec<(u64, usize)>,
    /// The records as they stand in the file.
    bytes: Vec<u8>,
    /// What came behind the last one.
    failure: Option<Error>,
    is_last: bool,
}

/// The records of a file, read by a thread of their own.
pub(super) struct Ahead {
    batches: Option<Receiver<Batch>>,
    thread: Option<JoinHandle<()>>,
    parsed: std::vec::IntoIter<Parsed>,
    /// The rest of the batch that `parsed` is of.
    batch: Batch,
    /// How many of the batch were asked for.
    taken: usize,
}

impl Ahead {
    /// Begins to read; the reader comes back if there is no thread for it.
    pub(super) fn start<R: Read + Send + 'static>(
        reader: Box<RecordReader<R>>,
        types: Vec<DataType>,
        text: TextContext,
    ) -> std::result::Result<Self, Box<RecordReader<R>>> {
        if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
            return Err(reader);
        }
        // A thread that cannot be started takes nothing along.
        let (hand, take) = sync_channel(1);
        let (send, batches) = sync_channel(WAITING);
        let thread = std::thread::Builder::new()
            .name("heliosdb-copy".into())
            .spawn(move || {
                if let Ok(reader) = take.recv() {
                    run(reader, &types, &text, &send);
                }
            });
        let Ok(thread) = thread else {
            return Err(reader);
        };
        if let Err(back) = hand.send(reader) {
            return Err(back.0);
        }
        Ok(Self {
            batches: Some(batches),
            thread: Some(thread),
            parsed: Vec::new().into_iter(),
            batch: Batch::default(),
            taken: 0,
        })
    }

    /// The next record, `None` at the end.
    ///
    /// # Errors
    /// As [`RecordReader::next_fields`].
    pub(super) fn next(&mut self) -> Result<Option<Parsed>> {
        loop {
            if let Some(parsed) = self.parsed.next() {
                self.taken += 1;
                return Ok(Some(parsed));
            }
            if let Some(failure) = self.batch.failure.take() {
                self.taken += 1;
                return Err(failure);
            }
            if self.batch.is_last {
                return Ok(None);
            }
            let next = self.batches.as_ref().and_then(|b| b.recv().ok());
            let mut next =
                next.ok_or_else(|| Error::internal("the reader of a file ended early"))?;
            self.parsed = std::mem::take(&mut next.parsed).into_iter();
            self.batch = next;
            self.taken = 0;
        }
    }

    /// The number of the line where the last record began, from 1.
    pub(super) fn line(&self) -> u64 {
        self.place().map_or(0, |(line, _)| line)
    }

    /// The beginning of the last record as it stands in the file.
    pub(super) fn shown(&self) -> Option<String> {
        let (_, end) = self.place()?;
        let before = self.taken.checked_sub(2);
        let start = before.and_then(|at| self.batch.places.get(at));
        let start = start.map_or(0, |(_, end)| *end);
        self.batch.bytes.get(start..end).map(shown)
    }

    fn place(&self) -> Option<(u64, usize)> {
        let at = self.taken.checked_sub(1)?;
        self.batch.places.get(at).copied()
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        // The thread stops at the next batch that nobody takes.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads all records and hands them over, until nobody takes them.
fn run<R: Read>(
    mut reader: Box<RecordReader<R>>,
    types: &[DataType],
    text: &TextContext,
    send: &SyncSender<Batch>,
) {
    loop {
        let batch = batch(&mut reader, types, text);
        let is_last = batch.is_last || batch.failure.is_some();
        if send.send(batch).is_err() || is_last {
            return;
        }
    }
}

fn batch<R: Read>(reader: &mut RecordReader<R>, types: &[DataType], text: &TextContext) -> Batch {
    let mut batch = Batch::default();
    while batch.parsed.len() < RECORDS && batch.bytes.len() < BYTES {
        let fields = reader.next_fields();
        match fields {
            Ok(None) => {
                batch.is_last = true;
                return batch;
            }
            Ok(Some(fields)) => batch.parsed.push(match row(&fields, types, text) {
                Some(row) => Parsed::Row(row),
                None => Parsed::Fields(fields),
            }),
            Err(error) => batch.failure = Some(error),
        }
        batch.bytes.extend_from_slice(reader.record());
        batch.places.push((reader.line(), batch.bytes.len()));
        if batch.failure.is_some() {
            break;
        }
    }
    batch
}

/// The values of a record, if they need nothing but its text and nothing is wrong.
fn row(fields: &[Field], types: &[DataType], text: &TextContext) -> Option<Row> {
    if fields.len() != types.len() {
        return None;
    }
    let values = fields.iter().zip(types).map(|(field, ty)| match field {
        Field::Null => Some(Value::Null),
        Field::Text(field) if is_plain(ty) => plain_field(field, ty, text).ok(),
        Field::Default | Field::Text(_) => None,
    });
    values.collect()
}

/// Whether text of the type is read without asking the session.
fn is_plain(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::Bool
            | DataType::Int2
            | DataType::Int4
            | DataType::Int8
            | DataType::Float4
            | DataType::Float8
            | DataType::Numeric(_)
            | DataType::Text
            | DataType::Varchar(_)
            | DataType::Char(_)
            | DataType::Bytea
            | DataType::Date
            | DataType::Time(_)
            | DataType::Timestamp(_)
            | DataType::TimestampTz(_)
            | DataType::Uuid
    )
}
