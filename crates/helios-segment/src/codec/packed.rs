//! General-purpose compressors over the bytes of another codec.
//!
//! A block is the packed bytes followed by their unpacked length (4 bytes). Rows cannot be had
//! without unpacking all of it, so these are for cold data and for those who ask for them by name.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, UInt32Array};
use arrow_schema::DataType;

use super::cascade::{CASCADE, Cascade, PLAIN};
use super::{Block, Codec, Effort, Encoded, Known, Opened, zstd};
use crate::error::{Error, Result};

/// No block may claim to unpack to more: far above any chunk of ordinary rows, far below what would
/// exhaust memory.
const LIMIT: usize = 1 << 31;

/// The compressor of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packer {
    Zstd,
    Lz4,
    Snappy,
}

/// A codec and a compressor over its bytes.
#[derive(Debug)]
pub(super) struct Packed {
    name: &'static str,
    inner: &'static Cascade,
    packer: Packer,
}

/// All encodings, and Zstandard over the result: smallest, for data that is hardly read.
pub(super) static COLD: Packed = Packed {
    name: "cascade+zstd",
    inner: &CASCADE,
    packer: Packer::Zstd,
};

/// LZ4 over plain arrays.
pub(super) static LZ4: Packed = Packed::plain("lz4", Packer::Lz4);

/// Snappy over plain arrays.
pub(super) static SNAPPY: Packed = Packed::plain("snappy", Packer::Snappy);

impl Packed {
    /// Over arrays as they are.
    pub const fn plain(name: &'static str, packer: Packer) -> Self {
        Self {
            name,
            inner: &PLAIN,
            packer,
        }
    }

    fn unpack(&self, block: &Block) -> Result<Block> {
        let (packed, length) = block
            .bytes
            .split_last_chunk::<4>()
            .ok_or_else(|| Error::damaged("packed block without length"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let bytes = self.packer.unpack(packed, length)?;
        Ok(Block {
            bytes: bytes.into(),
            ..block.clone()
        })
    }
}

impl Packer {
    fn pack(self, bytes: &[u8], effort: Effort) -> Result<Vec<u8>> {
        match self {
            Self::Zstd => Ok(::zstd::bulk::compress(bytes, zstd::level(effort))?),
            Self::Lz4 => Ok(lz4_flex::block::compress(bytes)),
            Self::Snappy => snap::raw::Encoder::new()
                .compress_vec(bytes)
                .map_err(|error| Error::unsupported(error.to_string())),
        }
    }

    fn unpack(self, packed: &[u8], length: usize) -> Result<Vec<u8>> {
        if length > LIMIT {
            return Err(Error::damaged(format!(
                "block claims to unpack to {length} bytes"
            )));
        }
        let bytes = match self {
            Self::Zstd => ::zstd::bulk::decompress(packed, length)
                .map_err(|error| Error::damaged(error.to_string()))?,
            Self::Lz4 => lz4_flex::block::decompress(packed, length)
                .map_err(|error| Error::damaged(error.to_string()))?,
            Self::Snappy => {
                let claimed = snap::raw::decompress_len(packed);
                if claimed.ok() != Some(length) {
                    return Err(Error::damaged("unpacked length differs"));
                }
                snap::raw::Decoder::new()
                    .decompress_vec(packed)
                    .map_err(|error| Error::damaged(error.to_string()))?
            }
        };
        if bytes.len() == length {
            Ok(bytes)
        } else {
            Err(Error::damaged("unpacked length differs"))
        }
    }
}

impl Codec for Packed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fits(&self, ty: &DataType) -> bool {
        self.inner.fits(ty)
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
        let Encoded { bytes, encodings } = self.inner.compress_known(array, effort, known)?;
        let length = u32::try_from(bytes.len())
            .ok()
            .filter(|length| *length as usize <= LIMIT)
            .ok_or_else(|| Error::unsupported(format!("block of {} bytes", bytes.len())))?;
        let mut packed = self.packer.pack(&bytes, effort)?;
        packed.extend_from_slice(&length.to_le_bytes());
        Ok(Encoded {
            bytes: packed,
            encodings,
        })
    }

    fn decompress(&self, block: &Block) -> Result<ArrayRef> {
        self.inner.decompress(&self.unpack(block)?)
    }

    fn decompress_narrow(&self, block: &Block) -> Result<ArrayRef> {
        self.inner.decompress_narrow(&self.unpack(block)?)
    }

    fn slice(&self, block: &Block, rows: Range<usize>) -> Result<ArrayRef> {
        self.inner.slice(&self.unpack(block)?, rows)
    }

    fn open(&self, block: &Block) -> Result<Option<Arc<dyn Opened>>> {
        self.inner.open(&self.unpack(block)?)
    }

    fn take(&self, block: &Block, rows: &UInt32Array) -> Result<ArrayRef> {
        self.inner.take(&self.unpack(block)?, rows)
    }
}
