//! Reading segments.

mod find;
mod opens;
mod order;
mod report;
mod segment;

pub use opens::{BlockCache, OpenBlock};
pub use report::ColumnReport;
pub use segment::Segment;
