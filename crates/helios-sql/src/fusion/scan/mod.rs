//! Stored tables as DataFusion sees them.

mod batches;
mod exec;
mod file_rows;
mod files;
mod filter;
mod morsels;
mod names;
mod probe;
mod provider;
mod range;
mod snapshot;

pub(crate) use files::FileTable;
pub(crate) use names::Tag;
pub(crate) use provider::StoredTable;
pub(crate) use snapshot::{NoTables, Snapshots};
