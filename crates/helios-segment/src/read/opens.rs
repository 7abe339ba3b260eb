//! Blocks of which a few rows were read, kept ready for the next ones.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::cache::Cache;
use crate::codec::Opened;
use crate::columns::ColumnCache;
use crate::error::{Error, Result};

/// Blocks of many segments, by segment, chunk and part.
pub type BlockCache = Cache<(u64, u32, u32), Arc<OpenBlock>>;

/// A block that was read so often is decoded as a whole, which by then would have cost less.
const WORN: u32 = 64;

/// A block that is kept.
#[derive(Debug)]
pub struct OpenBlock {
    form: Form,
    reads: AtomicU32,
}

enum Form {
    /// A few rows are decoded each time.
    Opened(Arc<dyn Opened>),
    Decoded(ArrayRef),
}

impl OpenBlock {
    pub(super) fn opened(opened: Arc<dyn Opened>) -> Self {
        Self {
            form: Form::Opened(opened),
            reads: AtomicU32::new(0),
        }
    }

    pub(super) fn decoded(array: ArrayRef) -> Self {
        Self {
            form: Form::Decoded(array),
            reads: AtomicU32::new(0),
        }
    }

    /// What it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        match &self.form {
            Form::Opened(opened) => opened.bytes(),
            Form::Decoded(array) => array.get_array_memory_size(),
        }
    }

    /// Counts a read; true of the one from which on it is better decoded as a whole.
    pub(super) fn is_worn(&self) -> bool {
        matches!(self.form, Form::Opened(_)) && self.reads.fetch_add(1, Ordering::Relaxed) == WORN
    }

    pub(super) fn rows(&self, rows: Range<usize>) -> Result<ArrayRef> {
        match &self.form {
            Form::Decoded(array) if rows.end <= array.len() => {
                Ok(array.slice(rows.start, rows.len()))
            }
            Form::Decoded(_) => Err(Error::damaged("a block has too few rows")),
            Form::Opened(opened) if rows.len() == 1 => opened.row(rows.start),
            Form::Opened(opened) => opened.slice(rows),
        }
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opened(_) => "Opened",
            Self::Decoded(_) => "Decoded",
        })
    }
}

/// Where a segment keeps its blocks, and decoded columns.
#[derive(Debug)]
pub(super) struct Opens {
    pub(super) cache: Arc<BlockCache>,
    pub(super) columns: Arc<ColumnCache>,
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
