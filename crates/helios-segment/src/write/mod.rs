//! Writing segments.

mod chunk;
mod writer;

pub use writer::{Begin, SegmentWriter, WriterOptions, Written};
