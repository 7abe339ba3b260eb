//! Stored tables as DataFusion sees them.

mod batches;
mod exec;
mod filter;
mod morsels;
mod names;
mod probe;
mod provider;
mod range;
mod snapshot;

pub(crate) use names::Tag;
pub(crate) use provider::StoredTable;
pub(crate) use snapshot::{NoTables, Snapshots};
