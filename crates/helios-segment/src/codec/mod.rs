//! Codecs: arrays to bytes and back.
//!
//! Most codecs are Vortex with a choice of encodings: [`cascade`] with all of them, `fsst`, `alp`,
//! `dictionary` and `rle` with few, `zstd` with one. `delta` and `chimp` are our own. `lz4`, `snappy`
//! and `cascade+zstd` compress the bytes of another codec. What each is for, and which of them
//! `auto` considers, is in `choose.rs`.
//!
//! A block does not say how it was made: the footer holds the codec's name, the type, the number of
//! rows and the names of the Vortex encodings used. Only encodings of a frozen Vortex *edition* are
//! written, which later Vortex versions promise to read for ever.
//!
//! # Hostile bytes
//! Decoders are reached only after the block's checksum has matched, which rules out accidents. A
//! checksum is no signature: somebody who can write the file can also forge it. Our own decoders
//! check every bound. Vortex checks most, but an inconsistent array may still make it panic; every
//! call into it runs under `vortex::guard`, which turns a panic into [`ErrorKind::Damaged`], so that
//! one bad block fails one read and not the process; and what it made is looked over (`check.rs`)
//! before anybody touches it. Vortex also contains unsafe code that believes its metadata, and text is
//! not validated again: files of untrusted origin are not a use case.
//!
//! [`ErrorKind::Damaged`]: crate::ErrorKind::Damaged

mod bits;
mod cascade;
mod check;
mod chimp;
mod datetime;
mod delta;
mod fragments;
mod opened;
mod packed;
mod ready;
mod registry;
mod short;
mod storage;
mod validity;
mod vortex;
mod zstd;

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_schema::DataType;
use bytes::Bytes;

use crate::coded::Coded;
use crate::error::Result;
use crate::narrow::narrow;

pub(crate) use fragments::Fragments;
pub use opened::Opened;
pub(crate) use opened::open;
pub use registry::{Refusal, codec, codec_for_setting, codecs};

/// How hard to compress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effort {
    /// Data that is read often.
    #[default]
    Warm,
    /// Data that is hardly read: smaller, at the cost of slower writing.
    Cold,
}

/// What a codec made of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The block.
    pub bytes: Vec<u8>,
    /// The Vortex encodings in it; their order matters.
    pub encodings: Vec<String>,
}

/// What is known of an array before it is compressed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The encodings that an array like this got: no others are tried.
    pub(crate) encodings: Option<&'a [String]>,
    /// Its strings, if few are different.
    pub(crate) coded: Option<&'a Coded>,
    /// The table of fragments of arrays like this.
    pub(crate) fragments: Option<&'a Fragments>,
}

/// A block and what the footer says about it.
#[derive(Clone, Debug)]
pub struct Block {
    /// The bytes, checksum verified.
    pub bytes: Bytes,
    /// As [`Encoded::encodings`].
    pub encodings: Arc<[String]>,
    /// The type of the array.
    pub ty: DataType,
    /// Its length.
    pub rows: usize,
    /// Whether it has nulls.
    pub nullable: bool,
}

/// One way to compress arrays.
pub trait Codec: Send + Sync + Debug {
    /// The name, as files and settings know it.
    fn name(&self) -> &'static str;

    /// Whether arrays of `ty` can be compressed.
    fn fits(&self, ty: &DataType) -> bool;

    /// Compresses `array`, of a type that fits.
    ///
    /// # Errors
    /// Unsupported for types that do not fit.
    fn compress(&self, array: &ArrayRef, effort: Effort) -> Result<Encoded>;

    /// As [`compress`](Codec::compress), making use of what is known of the array.
    ///
    /// # Errors
    /// As [`compress`](Codec::compress).
    fn compress_known(
        &self,
        array: &ArrayRef,
        effort: Effort,
        known: &Known<'_>,
    ) -> Result<Encoded> {
        let _ = known;
        self.compress(array, effort)
    }

    /// The array that `block` was made of.
    ///
    /// # Errors
    /// Damaged if the bytes are not a block of this codec.
    fn decompress(&self, block: &Block) -> Result<ArrayRef>;

    /// As [`decompress`](Codec::decompress), in fewer bits where that is possible; [`widen`](crate::widen) makes the array's own
    /// type of it.
    ///
    /// # Errors
    /// As [`decompress`](Codec::decompress).
    fn decompress_narrow(&self, block: &Block) -> Result<ArrayRef> {
        self.decompress(block).map(narrow)
    }

    /// Some consecutive rows, without decoding the others where the encoding allows.
    ///
    /// # Errors
    /// As [`decompress`](Codec::decompress); `rows` lies within the block.
    fn slice(&self, block: &Block, rows: Range<usize>) -> Result<ArrayRef> {
        let array = self.decompress(block)?;
        Ok(array.slice(rows.start, rows.len()))
    }

    /// Rows that are decoded together, whatever is asked of them.
    fn frame(&self) -> usize {
        usize::MAX
    }

    /// The block, made ready for reading a few rows again and again; `None` where decoding frames once is
    /// the best there is.
    ///
    /// # Errors
    /// As [`decompress`](Codec::decompress).
    fn open(&self, block: &Block) -> Result<Option<Arc<dyn Opened>>> {
        let _ = block;
        Ok(None)
    }

    /// Some rows in the order given, without decoding the others where the encoding allows.
    ///
    /// # Errors
    /// As [`decompress`](Codec::decompress); every row lies within the block.
    fn take(&self, block: &Block, rows: &UInt32Array) -> Result<ArrayRef> {
        if (1..=FEW).contains(&rows.len()) {
            let places = rows.values().iter().map(|row| *row as usize);
            let one = |row: usize| self.slice(block, row..row + 1);
            let arrays = places.map(one).collect::<Result<Vec<_>>>()?;
            let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
            return Ok(arrow_select::concat::concat(&arrays)?);
        }
        let array = self.decompress(block)?;
        Ok(arrow_select::take::take(&array, rows, None)?)
    }
}

/// The bytes of an array as they are in memory, which ratios refer to: of a slice, only what it
/// shows; of views, what the same strings take with offsets.
pub(crate) fn raw_bytes(array: &dyn Array) -> usize {
    use arrow_array::cast::AsArray;
    match array.data_type() {
        DataType::Utf8View => array
            .as_string_view()
            .lengths()
            .map(|length| length as usize + 4)
            .sum(),
        DataType::BinaryView => array
            .as_binary_view()
            .lengths()
            .map(|length| length as usize + 4)
            .sum(),
        // Arrow counts all items of a list, whatever slice of it is asked for.
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            let bounds = offsets.first().zip(offsets.last());
            let items = bounds.map_or(0, |(first, last)| {
                let (first, last) = (first.unsigned_abs(), last.unsigned_abs());
                let items = list.values().slice(first as usize, (last - first) as usize);
                raw_bytes(items.as_ref())
            });
            items + array.len() * 4
        }
        DataType::FixedSizeList(..) => raw_bytes(array.as_fixed_size_list().values().as_ref()),
        DataType::Struct(_) => {
            let columns = array.as_struct().columns();
            columns
                .iter()
                .map(|column| raw_bytes(column.as_ref()))
                .sum()
        }
        _ => array.to_data().get_slice_memory_size().unwrap_or_default(),
    }
}

/// So few rows are decoded one by one.
const FEW: usize = 4;
