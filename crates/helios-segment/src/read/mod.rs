//! Reading segments.

mod find;
mod opens;
mod report;
mod segment;

pub use opens::BlockCache;
pub use report::ColumnReport;
pub use segment::Segment;
