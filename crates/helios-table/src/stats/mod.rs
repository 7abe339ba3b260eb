//! How many rows tables have and how their values are spread.

mod analyze;
mod counts;
mod inside;
mod sample;
mod spread;
mod stored;

pub use analyze::{ColumnStats, TableStats};
pub(crate) use counts::Counts;
