//! The file.
//!
//! All numbers are little-endian; `varint` is LEB128, `bytes` a varint length and the bytes.
//!
//! | at            | bytes | what                                                              |
//! |---------------|------:|-------------------------------------------------------------------|
//! | 0             |     8 | magic `HELIOSEG`                                                   |
//! | 8             |     2 | format version: 2 with a key order, otherwise 1                    |
//! | 10            |     6 | zero                                                               |
//! | 64            |       | blocks, each at a multiple of 64, zeros between                    |
//! | *f*           |   *n* | footer (`footer.rs`)                                               |
//! | *f + n*       |    32 | trailer: the end of the file                                       |
//! | trailer + 0   |     8 | *f*                                                                |
//! | trailer + 8   |     4 | *n*                                                                |
//! | trailer + 12  |     4 | CRC-32C of the footer                                              |
//! | trailer + 16  |     2 | format version, as at 8                                            |
//! | trailer + 18  |     2 | zero                                                               |
//! | trailer + 20  |     4 | CRC-32C of the trailer's first 20 bytes                            |
//! | trailer + 24  |     8 | magic `HELIOSEG`                                                   |
//!
//! Per chunk the blocks are: one per column in schema order, the begin SCNs (unless all are equal),
//! the sparse key index and the Bloom filter (if the schema has a key; the index only while rows
//! come in key order). After the last chunk: the distinct sketches, 2,048 bytes per column. Every
//! block has its length and CRC-32C in the footer, so that a damaged one is found before it is
//! decoded and leaves the others readable.
//!
//! Rows that lie in another order than that of their keys may be had in that one, too, from format version 2 on: pages of up to
//! 65,536 keys that follow each other, each with two blocks, an array of the rows' numbers and a sparse index.
//!
//! A chunk has at most 65,536 rows: a column of it, decoded,
//! fits a core's second-level cache while being long enough for dictionaries and symbol tables to pay
//! off; and it is a whole number of batches of 8,192 rows and of packed units of 1,024. It is closed
//! earlier when its raw bytes exceed a limit, so that a writer's memory is bounded for wide rows too.
//! A row is addressed as chunk × 65,536 + row in the chunk.

pub(crate) mod bytes;
pub(crate) mod footer;
pub(crate) mod meta;
pub(crate) mod types;

use crate::error::{Error, Result};
use bytes::{In, Out};

/// At both ends of the file.
const MAGIC: [u8; 8] = *b"HELIOSEG";
/// The version of segments whose rows lie in the order of their keys, or have none.
pub(crate) const PLAIN: u16 = 1;
/// The version of segments with a key order of its own: the latest that this build reads.
pub(crate) const VERSION: u16 = 2;
/// Bytes before the first block.
pub(crate) const HEADER: usize = 16;
/// Blocks begin at multiples of this.
pub(crate) const ALIGN: u64 = 64;
/// Bytes of the trailer.
pub(crate) const TRAILER: usize = 32;

/// The first bytes of a file of this version.
pub(crate) fn header(version: u16) -> Vec<u8> {
    let mut out = Out::default();
    out.0.extend_from_slice(&MAGIC);
    out.u16(version);
    out.0.resize(HEADER, 0);
    out.0
}

/// Where the footer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trailer {
    pub offset: u64,
    pub length: u32,
    pub checksum: u32,
    pub version: u16,
}

impl Trailer {
    pub fn to_bytes(self) -> Vec<u8> {
        let mut out = Out::default();
        out.u64(self.offset);
        out.u32(self.length);
        out.u32(self.checksum);
        out.u16(self.version);
        out.u16(0);
        let checksum = crc32c::crc32c(&out.0);
        out.u32(checksum);
        out.0.extend_from_slice(&MAGIC);
        out.0
    }

    /// # Errors
    /// Damaged, or too new.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut input = In::new(bytes);
        let checked = input.take(20)?;
        let checksum = input.u32()?;
        if input.take(8)? != MAGIC {
            return Err(Error::damaged(
                "does not end as a segment does: not a segment, or cut off",
            ));
        }
        if crc32c::crc32c(checked) != checksum {
            return Err(Error::damaged("checksum of the trailer differs"));
        }
        let mut input = In::new(checked);
        let trailer = Self {
            offset: input.u64()?,
            length: input.u32()?,
            checksum: input.u32()?,
            version: input.u16()?,
        };
        let version = trailer.version;
        if version == 0 || version > VERSION {
            return Err(Error::too_new(format!(
                "format version {version}, this build reads up to {VERSION}"
            )));
        }
        Ok(trailer)
    }
}
