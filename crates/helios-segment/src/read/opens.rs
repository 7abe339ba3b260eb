//! Blocks of which a few rows were read, kept ready for the next ones.

use std::fmt;
use std::sync::Arc;

use arrow_schema::DataType;

use crate::cache::Cache;
use crate::codec::Opened;

/// Blocks of many segments, by segment, chunk and part.
pub type BlockCache = Cache<(u64, u32, u32), Arc<dyn Opened>>;

/// Where a segment keeps its blocks.
#[derive(Debug)]
pub(super) struct Opens {
    pub(super) cache: Arc<BlockCache>,
    /// The segment, as the cache knows it.
    pub(super) id: u64,
}

/// A part of a chunk that has a block.
pub(super) enum Part {
    /// The column at a position, with its number and type.
    Column(usize, u32, DataType),
    /// When rows began.
    Begins,
}

impl Part {
    pub(super) fn ty(&self) -> DataType {
        match self {
            Self::Column(_, _, ty) => ty.clone(),
            Self::Begins => DataType::UInt64,
        }
    }

    /// Tells it from the others of its chunk.
    pub(super) fn number(&self) -> u32 {
        match self {
            Self::Column(position, ..) => *position as u32,
            Self::Begins => u32::MAX,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(_, id, _) => write!(f, "column {id}"),
            Self::Begins => f.write_str("begin SCNs"),
        }
    }
}
