//! Stored tables as DataFusion sees them.

mod exec;
mod provider;
mod range;
mod snapshot;

pub(crate) use provider::StoredTable;
pub(crate) use snapshot::{NoTables, Snapshots};
