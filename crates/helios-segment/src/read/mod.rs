//! Reading segments.

mod find;
mod narrow;
mod opens;
mod order;
mod report;
mod segment;

pub use narrow::{wide_type, widen};
pub use opens::{BlockCache, OpenBlock};
pub use report::ColumnReport;
pub use segment::Segment;
