//! Reading and writing the rows of a table.

mod by_key;
mod conflict;
mod failure;
mod keyed;
mod load;
mod merging;
mod reader;
mod replaced;
mod scan;
mod unique;
mod versions;
mod writer;

pub use by_key::Sought;
pub use conflict::Conflict;
pub use failure::failing_row;
pub(crate) use failure::{cannot_be_unique, describe_key, of_table};
pub use load::{PausedLoad, TableLoad};
pub use reader::TableReader;
pub use scan::TableScan;
pub use versions::{HistoricRow, Operation, TableVersions, VersionSpan};
pub use writer::{Lock, LockedRow, TableWriter};
