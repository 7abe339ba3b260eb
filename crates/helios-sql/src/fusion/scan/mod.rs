//! Stored tables as DataFusion sees them.

mod batches;
mod bits;
mod chunks;
mod exec;
mod file_rows;
mod files;
mod filter;
mod late;
mod members;
mod morsels;
mod names;
mod probe;
mod provider;
mod range;
mod ready;
mod select;
mod sieve;
mod snapshot;

pub(crate) use batches::Batches;
pub(crate) use exec::StoredScan;
pub(crate) use files::FileTable;
pub(crate) use names::Tag;
pub(crate) use provider::StoredTable;
pub(crate) use ready::Ready;
pub(crate) use snapshot::{NoTables, Snapshots};

use std::sync::Arc;

use datafusion::common::{Result as DfResult, internal_err};
use datafusion::physical_plan::ExecutionPlan;

/// A scan whose inputs were replaced: itself, since it has none.
fn childless(
    scan: Arc<dyn ExecutionPlan>,
    children: &[Arc<dyn ExecutionPlan>],
) -> DfResult<Arc<dyn ExecutionPlan>> {
    match children {
        [] => Ok(scan),
        _ => internal_err!("a scan has no inputs"),
    }
}
