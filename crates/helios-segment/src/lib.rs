//! Immutable columnar segments: the cold side of a table, as files.
//!
//! A segment holds rows as encoded columns, in chunks of up to 65,536 rows:
//!
//! - [`SegmentWriter`] streams rows into a [`Sink`], choosing a codec per column and chunk
//!   (`choose.rs`), and keeps zone maps, begin SCNs, key ranges, filters and a sparse key index.
//! - [`Segment`] opens one from a [`ReadAt`] by its footer alone; reads columns of chunks as Arrow
//!   arrays, finds rows by key, tells which rows had begun at an SCN, and reports what compression
//!   did.
//! - [`Codec`] and its registry: Vortex encodings, and our own for what those lack.
//!
//! A segment is written once and never changed, so its bytes can be shared by branches, cached
//! anywhere and kept in an object store. The format is in `format/mod.rs`.
//!
//! # What it never knows
//! Tables, SQL types, transactions, branches, paths. Columns are ids with Arrow types; keys are bytes
//! that a [`KeyEncoder`] of the caller makes; an SCN is a number that grows; which segments a snapshot
//! consists of, and which of their rows have ended since, is the caller's affair.
//!
//! # Damage
//! Every block has a checksum and every error names the segment, chunk, column and offset. A bad
//! block fails the reads that need it, and no others.

mod cache;
mod choose;
mod codec;
mod coded;
mod columns;
mod error;
mod format;
mod key;
mod narrow;
mod parallel;
mod read;
mod schema;
mod source;
mod stats;
mod write;

pub use cache::{Cache, CacheStats};
pub use choose::{ColumnOptions, Compression, Evidence, Reason};
pub use codec::{
    Block, Codec, Effort, Encoded, Known, Opened, Refusal, codec, codec_for_setting, codecs,
};
pub use columns::{ColumnCache, ReadyColumn};
pub use error::{Error, ErrorKind, Place, Result};
pub use format::meta::{Begins, BlockAt, Chunk, ColumnChunk, EncodedAt, Keys, OrderPage};
pub use key::KeyEncoder;
pub use narrow::{wide_type, widen};
pub use parallel::in_parallel;
pub use read::{BlockCache, ColumnReport, OpenBlock, Segment};
pub use schema::{Column, SegmentSchema};
pub use source::{FileSink, FileSource, MemorySource, ReadAt, Sink};
pub use stats::{Bound, Sketch, Zone, ZoneValue};
pub use write::{Begin, SegmentWriter, WriterOptions, Written};

/// The most rows a chunk has.
pub const CHUNK_ROWS: usize = 1 << 16;

/// A chunk is closed when its columns exceed so many bytes in memory.
const CHUNK_BYTES: usize = 128 << 20;
