//! Rows as bytes, by schema version.
//!
//! A table keeps one [`Layout`] for each version of its columns. A row names the version it was
//! written with, so that adding or dropping a column rewrites nothing: a reader looks columns up by
//! [`ColumnId`] in the row's own layout and supplies the default of columns that are not there.

mod layout;
mod reader;

pub use layout::Layout;
pub use reader::{RowReader, schema_version};
