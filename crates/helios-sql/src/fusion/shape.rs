//! How values of a SQL type lie in Arrow arrays: as `helios-arrow` says, for segments and queries alike.

pub(crate) use helios_arrow::{DECIMAL_DIGITS, DECIMAL_NAN, Shape};
