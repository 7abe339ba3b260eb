//! Rows waiting to become a chunk.

use arrow_array::builder::UInt64Builder;
use arrow_array::{Array, ArrayRef, UInt64Array};

use super::writer::Begin;
use crate::CHUNK_ROWS;
use crate::codec::raw_bytes;
use crate::error::Result;
use crate::schema::Column;

/// Slices of appended arrays; nothing is copied before the chunk is written.
pub(super) struct Buffered {
    pieces: Vec<Vec<ArrayRef>>,
    begins: UInt64Builder,
    rows: usize,
    bytes: usize,
    full: bool,
}

/// Rows that are measured at once when the size of a chunk is what limits it.
const STEP: usize = 1024;

impl Buffered {
    pub fn new(columns: usize) -> Self {
        Self {
            pieces: vec![Vec::new(); columns],
            begins: UInt64Builder::new(),
            rows: 0,
            bytes: 0,
            full: false,
        }
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Takes up to `length` rows from row `from`, fewer if they exceed `limit` bytes; at least one
    /// step. How many it took.
    pub fn push(
        &mut self,
        columns: &[ArrayRef],
        begin: Begin<'_>,
        from: usize,
        length: usize,
        limit: usize,
    ) -> usize {
        let size = |length: usize| -> usize {
            let one = |array: &ArrayRef| raw_bytes(array.slice(from, length).as_ref());
            columns.iter().map(one).sum()
        };
        let mut taken = length;
        let mut bytes = size(length);
        if self.bytes + bytes > limit {
            taken = length.min(STEP);
            bytes = size(taken);
        }
        for (pieces, array) in self.pieces.iter_mut().zip(columns) {
            pieces.push(array.slice(from, taken));
        }
        match begin {
            Begin::At(scn) => self.begins.append_value_n(scn, taken),
            Begin::Each(scns) => {
                let values = scns.values().get(from..from + taken);
                self.begins.append_slice(values.unwrap_or_default());
            }
        }
        self.rows += taken;
        self.bytes += bytes;
        self.full = self.rows >= CHUNK_ROWS || self.bytes >= limit;
        taken
    }

    /// The rows, leaving none.
    pub fn take(&mut self, columns: &[Column]) -> Result<Option<(Vec<ArrayRef>, UInt64Array)>> {
        if self.rows == 0 {
            return Ok(None);
        }
        let mut arrays = Vec::with_capacity(columns.len());
        for pieces in &mut self.pieces {
            let pieces = std::mem::take(pieces);
            let array = match pieces.as_slice() {
                [only] => ArrayRef::clone(only),
                _ => {
                    let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
                    arrow_select::concat::concat(&pieces)?
                }
            };
            arrays.push(array);
        }
        self.rows = 0;
        self.bytes = 0;
        self.full = false;
        Ok(Some((arrays, self.begins.finish())))
    }
}
