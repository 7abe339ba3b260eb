//! What the footer says about chunks and blocks.

use std::sync::Arc;

use crate::choose::{Evidence, Reason};
use crate::stats::Zone;

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockAt {
    /// Its first byte.
    pub offset: u64,
    /// Its length.
    pub length: u32,
    /// The CRC-32C of its bytes.
    pub checksum: u32,
}

/// An encoded array.
#[derive(Clone, Debug, PartialEq)]
pub struct EncodedAt {
    /// Where.
    pub block: BlockAt,
    /// The codec's name.
    pub codec: Arc<str>,
    /// The Vortex encodings in it, outermost first.
    pub encodings: Arc<[String]>,
    /// Whether the array has nulls.
    pub nullable: bool,
}

/// A column of a chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnChunk {
    /// Its encoded array.
    pub data: EncodedAt,
    /// Bytes of the array in memory.
    pub raw: u64,
    /// Why it has its codec.
    pub reason: Reason,
    /// What other codecs made of it.
    pub evidence: Vec<Evidence>,
    /// What it contains.
    pub zone: Zone,
}

/// The begin SCNs of a chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Begins {
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
    /// One per row, `UInt64`; none if all are the same.
    pub data: Option<EncodedAt>,
}

/// The keys of a chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Keys {
    /// The least.
    pub min: Vec<u8>,
    /// The greatest.
    pub max: Vec<u8>,
    /// The sparse index, if rows are in key order.
    pub index: Option<BlockAt>,
    /// The Bloom filter.
    pub bloom: BlockAt,
}

/// Where the rows of keys that follow each other are, in a segment whose rows lie in another order.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderPage {
    /// How many keys.
    pub rows: u32,
    /// The last one.
    pub last: Vec<u8>,
    /// For each key the number of its row in the segment, `UInt32`.
    pub places: EncodedAt,
    /// The sparse index of the keys.
    pub index: BlockAt,
}

/// A chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// How many rows.
    pub rows: u32,
    /// In schema order.
    pub columns: Vec<ColumnChunk>,
    /// When its rows began.
    pub begins: Begins,
    /// Its keys, if the schema has a key.
    pub keys: Option<Keys>,
}
