//! Blocks of which rows are read again and again: made ready once, then a few rows at a time.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use parking_lot::Mutex;

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

/// Decoded frames that are kept of a block.
const FRAMES: usize = 2;

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
        frames: Mutex::default(),
        bytes: (raw / count.max(1) * count.min(FRAMES)).saturating_add(block.bytes.len()),
        block,
    }))
}

/// A block that is decoded frame by frame, of which the last few are kept.
struct Framed {
    codec: &'static dyn Codec,
    block: Block,
    /// Rows of a frame.
    frame: usize,
    /// Their numbers first, the newest last.
    frames: Mutex<VecDeque<(usize, ArrayRef)>>,
    /// With as many frames as are kept.
    bytes: usize,
}

impl Framed {
    fn frame(&self, number: usize) -> Result<ArrayRef> {
        let kept = |frames: &VecDeque<(usize, ArrayRef)>| {
            let mut frames = frames.iter().rev();
            let found = frames.find(|(known, _)| *known == number);
            found.map(|(_, array)| array.clone())
        };
        if let Some(array) = kept(&self.frames.lock()) {
            return Ok(array);
        }
        let start = number * self.frame;
        let rows = start..(start + self.frame).min(self.block.rows);
        // Two threads may both decode it; one result is kept.
        let array = self.codec.slice(&self.block, rows)?;
        let mut frames = self.frames.lock();
        if let Some(array) = kept(&frames) {
            return Ok(array);
        }
        if frames.len() >= FRAMES {
            frames.pop_front();
        }
        frames.push_back((number, array.clone()));
        Ok(array)
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
