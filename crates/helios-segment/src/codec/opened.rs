//! Blocks of which rows are read again and again: made ready once, then a few rows at a time.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow_array::{Array, ArrayRef};

use super::{Block, Codec};
use crate::error::{Error, Result};

/// A block that is ready for reading a few of its rows.
pub trait Opened: Send + Sync {
    /// One row, as an array of it.
    ///
    /// # Errors
    /// As [`Codec::decompress`]; `row` lies within the block.
    fn row(&self, row: usize) -> Result<ArrayRef> {
        self.slice(row..row + 1)
    }

    /// Some consecutive rows.
    ///
    /// # Errors
    /// As [`Codec::decompress`]; `rows` lies within the block.
    fn slice(&self, rows: Range<usize>) -> Result<ArrayRef>;

    /// The most bytes that it takes in memory, about.
    fn bytes(&self) -> usize;
}

/// Opens a block of `codec`, whose values take `raw` bytes.
pub(crate) fn open(codec: &'static dyn Codec, block: Block, raw: u64) -> Result<Arc<dyn Opened>> {
    if let Some(opened) = codec.open(&block)? {
        return Ok(opened);
    }
    let frame = codec.frame().clamp(1, block.rows.max(1));
    let count = block.rows.div_ceil(frame);
    let raw = usize::try_from(raw).unwrap_or(usize::MAX);
    Ok(Arc::new(Framed {
        codec,
        frame,
        frames: std::iter::repeat_with(OnceLock::new).take(count).collect(),
        bytes: raw.saturating_add(block.bytes.len()),
        block,
    }))
}

/// A block that is decoded frame by frame, each once.
struct Framed {
    codec: &'static dyn Codec,
    block: Block,
    /// Rows of a frame.
    frame: usize,
    frames: Box<[OnceLock<ArrayRef>]>,
    /// With all frames.
    bytes: usize,
}

impl Framed {
    fn frame(&self, number: usize) -> Result<&ArrayRef> {
        let slot = (self.frames.get(number))
            .ok_or_else(|| Error::invalid(format!("frame {number} of a block")))?;
        if let Some(array) = slot.get() {
            return Ok(array);
        }
        let start = number * self.frame;
        let rows = start..(start + self.frame).min(self.block.rows);
        // Two threads may both decode it; one result is kept.
        let array = self.codec.slice(&self.block, rows)?;
        Ok(slot.get_or_init(|| array))
    }
}

impl Opened for Framed {
    fn slice(&self, rows: Range<usize>) -> Result<ArrayRef> {
        let first = rows.start / self.frame;
        if rows.is_empty() || (rows.end - 1) / self.frame != first {
            return self.codec.slice(&self.block, rows);
        }
        let array = self.frame(first)?;
        let start = rows.start - first * self.frame;
        if start + rows.len() > array.len() {
            return Err(Error::damaged("a frame has too few rows"));
        }
        Ok(array.slice(start, rows.len()))
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}
