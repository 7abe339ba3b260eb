//! A segment that a thread of its own writes while its rows come.
//!
//! Compressing takes about as long as reading a file of rows and judging them.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use arrow_array::ArrayRef;
use helios_base::{Error, Result};
use helios_version::Frozen;

use super::shelf::Draft;
use super::writer::RowsWriter;

/// Batches that wait for the thread, of 8,192 rows mostly: while it compresses a chunk those of the next one come.
const WAITING: usize = 8;

/// A segment being written. Dropping it gives it up.
pub(super) struct Writing {
    rows: u64,
    batches: SyncSender<Batch>,
    worker: JoinHandle<Result<Option<(Frozen, Draft)>>>,
}

enum Batch {
    /// The first and the last key, and the columns.
    Rows((Vec<u8>, Vec<u8>), Vec<ArrayRef>),
    End,
}

impl Writing {
    /// # Errors
    /// `Io` if there is no thread to be had.
    pub(super) fn begin(writer: RowsWriter<Draft>) -> Result<Self> {
        let (batches, inbox) = sync_channel(WAITING);
        let worker = Builder::new()
            .name("heliosdb-load".into())
            .spawn(move || write(writer, &inbox))
            .map_err(|error| Error::io("start a thread that writes a segment", error))?;
        Ok(Self {
            rows: 0,
            batches,
            worker,
        })
    }

    /// How many rows there are.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds rows, as [`RowsWriter::push_columns`]. False if the thread has failed: [`Writing::finish`] tells why.
    pub(super) fn push(&mut self, keys: (Vec<u8>, Vec<u8>), columns: Vec<ArrayRef>) -> bool {
        self.rows += columns.first().map_or(0, |column| column.len()) as u64;
        self.batches.send(Batch::Rows(keys, columns)).is_ok()
    }

    /// Says that there are no more rows: the thread goes on to the end.
    pub(super) fn end(&self) {
        // A thread that has failed says so when it is asked.
        let _ = self.batches.send(Batch::End);
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// `Io`, from here or from before.
    pub(super) fn finish(self) -> Result<(Frozen, Draft)> {
        drop(self.batches);
        let written = match self.worker.join() {
            Ok(written) => written?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        written.ok_or_else(|| Error::internal("a segment was given up"))
    }
}

fn write(
    mut writer: RowsWriter<Draft>,
    inbox: &Receiver<Batch>,
) -> Result<Option<(Frozen, Draft)>> {
    loop {
        match inbox.recv() {
            Ok(Batch::Rows(keys, columns)) => writer.push_columns(keys, &columns)?,
            Ok(Batch::End) => {
                let (frozen, _, draft) = writer.finish()?;
                return Ok(Some((frozen, draft)));
            }
            Err(_) => return Ok(None),
        }
    }
}
