//! Validity bitmaps of our own codecs: one bit per row at the end of the block, if it has nulls.

use arrow_array::Array;
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};

use super::Block;
use crate::error::{Error, Result};

/// Appends the bitmap of `array`, if it has nulls.
pub(super) fn append(bytes: &mut Vec<u8>, array: &dyn Array) {
    if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
        let packed: BooleanBuffer = nulls.iter().collect();
        let length = array.len().div_ceil(8);
        bytes.extend_from_slice(packed.values().get(..length).unwrap_or_default());
    }
}

/// The bytes before the bitmap, and the bitmap.
pub(super) fn split(block: &Block) -> Result<(&[u8], Option<NullBuffer>)> {
    if !block.nullable {
        return Ok((&block.bytes, None));
    }
    let length = block.rows.div_ceil(8);
    let middle = block
        .bytes
        .len()
        .checked_sub(length)
        .ok_or_else(|| Error::damaged("block is shorter than its validity"))?;
    let (before, bitmap) = block.bytes.split_at(middle);
    let bits = BooleanBuffer::new(Buffer::from(bitmap), 0, block.rows);
    Ok((before, Some(NullBuffer::new(bits))))
}
