//! Reading segments.

mod find;
mod report;
mod segment;

pub use report::ColumnReport;
pub use segment::Segment;
