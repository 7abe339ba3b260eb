//! Differences of consecutive integers: keys, timestamps, counters.
//!
//! | part        | bytes                                                             |
//! |-------------|-------------------------------------------------------------------|
//! | differences | the rows' differences to their predecessors, wrapping, as `Int64` block of [`CASCADE`]; 0 for nulls and first rows of frames |
//! | starts      | 8 per frame of 1,024 rows, little-endian: the value of its first row |
//! | validity    | one bit per row, if the block has nulls                           |
//!
//! Frames let a lookup sum up 1,024 differences instead of the whole chunk.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_buffer::NullBuffer;
use arrow_cast::CastOptions;
use arrow_schema::DataType;
use bytes::Bytes;

use super::cascade::CASCADE;
use super::ready::Ready;
use super::storage::{from_storage, retype, storage_type, to_storage};
use super::{Block, Codec, Effort, Encoded, Known, Opened, validity};
use crate::error::{Error, Result};

/// Rows per frame.
const FRAME: usize = 1024;

/// The codec.
#[derive(Debug)]
pub(super) struct Delta;

impl Codec for Delta {
    fn name(&self) -> &'static str {
        "delta"
    }

    fn fits(&self, ty: &DataType) -> bool {
        storage_type(ty).is_some_and(|ty| ty.is_integer())
    }

    fn compress(&self, array: &ArrayRef, effort: Effort) -> Result<Encoded> {
        self.compress_known(array, effort, &Known::default())
    }

    fn compress_known(
        &self,
        array: &ArrayRef,
        effort: Effort,
        known: &Known<'_>,
    ) -> Result<Encoded> {
        let wide = widen(array)?;
        let values = wide.as_primitive::<Int64Type>();
        let mut starts = Vec::with_capacity(array.len().div_ceil(FRAME));
        let mut differences = Vec::with_capacity(array.len());
        let mut previous = 0i64;
        for (row, value) in values.iter().enumerate() {
            let value = value.unwrap_or(previous);
            if row % FRAME == 0 {
                starts.push(value);
                differences.push(0);
            } else {
                differences.push(value.wrapping_sub(previous));
            }
            previous = value;
        }
        let differences: ArrayRef = Arc::new(Int64Array::from(differences));
        let mut encoded = CASCADE.compress_known(&differences, effort, known)?;
        for start in starts {
            encoded.bytes.extend_from_slice(&start.to_le_bytes());
        }
        validity::append(&mut encoded.bytes, array);
        Ok(encoded)
    }

    fn decompress(&self, block: &Block) -> Result<ArrayRef> {
        self.slice(block, 0..block.rows)
    }

    fn slice(&self, block: &Block, rows: Range<usize>) -> Result<ArrayRef> {
        let parts = Parts::of(block)?;
        let first = rows.start - rows.start % FRAME;
        let differences = CASCADE.slice(&parts.differences, first..rows.end)?;
        parts.sum(&differences, rows, &block.ty)
    }

    fn open(&self, block: &Block) -> Result<Option<Arc<dyn Opened>>> {
        let parts = Parts::of(block)?;
        Ok(Some(Arc::new(Sums {
            differences: Ready::of(&parts.differences)?,
            ty: block.ty.clone(),
            parts,
        })))
    }
}

/// What a block is made of.
struct Parts {
    differences: Block,
    starts: Bytes,
    nulls: Option<NullBuffer>,
}

impl Parts {
    fn of(block: &Block) -> Result<Self> {
        let (before, nulls) = validity::split(block)?;
        let frames = block.rows.div_ceil(FRAME);
        let before = before.len();
        let middle = before
            .checked_sub(frames * 8)
            .ok_or_else(|| Error::damaged("block is shorter than its starts"))?;
        Ok(Self {
            starts: block.bytes.slice(middle..before),
            differences: Block {
                bytes: block.bytes.slice(..middle),
                encodings: Arc::clone(&block.encodings),
                ty: DataType::Int64,
                rows: block.rows,
                nullable: false,
            },
            nulls,
        })
    }

    /// The values of `rows`, given the differences from the beginning of their frame on.
    fn sum(&self, differences: &ArrayRef, rows: Range<usize>, ty: &DataType) -> Result<ArrayRef> {
        let first = rows.start - rows.start % FRAME;
        let differences = differences.as_primitive::<Int64Type>().values();
        let starts = self.starts.get(first / FRAME * 8..).unwrap_or_default();
        let mut values = Vec::with_capacity(differences.len());
        for (frame, start) in differences.chunks(FRAME).zip(starts.as_chunks::<8>().0) {
            let mut value = i64::from_le_bytes(*start);
            for difference in frame {
                value = value.wrapping_add(*difference);
                values.push(value);
            }
        }
        let wide: ArrayRef = Arc::new(Int64Array::from(values));
        let wide = wide.slice(rows.start - first, rows.len());
        let narrow = narrow(&wide, ty)?;
        let nulls = self.nulls.as_ref();
        let nulls = nulls.map(|nulls| nulls.slice(rows.start, rows.len()));
        with_nulls(&narrow, nulls)
    }
}

/// A block that is ready for reading a few rows: a frame is summed up each time.
struct Sums {
    differences: Ready,
    parts: Parts,
    ty: DataType,
}

impl Opened for Sums {
    fn slice(&self, rows: Range<usize>) -> Result<ArrayRef> {
        let first = rows.start - rows.start % FRAME;
        let differences = self.differences.slice(first..rows.end)?;
        self.parts.sum(&differences, rows, &self.ty)
    }

    fn bytes(&self) -> usize {
        self.differences.bytes() + self.parts.starts.len()
    }
}

/// As `Int64`; unsigned 64-bit numbers keep their bits.
fn widen(array: &ArrayRef) -> Result<ArrayRef> {
    let stored = to_storage(array)?;
    match stored.data_type() {
        DataType::Int64 => Ok(stored),
        DataType::UInt64 => retype(&stored, DataType::Int64),
        _ => Ok(arrow_cast::cast(&stored, &DataType::Int64)?),
    }
}

fn narrow(wide: &ArrayRef, ty: &DataType) -> Result<ArrayRef> {
    let stored = storage_type(ty).unwrap_or(DataType::Int64);
    let narrow = match stored {
        DataType::Int64 => Arc::clone(wide),
        DataType::UInt64 => retype(wide, DataType::UInt64)?,
        other => {
            let strict = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            arrow_cast::cast_with_options(wide, &other, &strict)
                .map_err(|error| Error::damaged(error.to_string()))?
        }
    };
    from_storage(narrow, ty)
}

/// The array with another validity.
pub(super) fn with_nulls(array: &ArrayRef, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    match nulls {
        None => Ok(Arc::clone(array)),
        Some(_) => {
            let data = array.to_data().into_builder().nulls(nulls).build()?;
            Ok(arrow_array::make_array(data))
        }
    }
}
