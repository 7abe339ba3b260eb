//! Writing segments.

mod chunk;
mod column;
mod writer;

pub use writer::{Begin, SegmentWriter, WriterOptions, Written};
