//! Where a running statement reads.

use std::sync::Arc;

use helios_base::{Error, Result};
use helios_table::catalog::TableDef;
use helios_table::row::Rules;
use helios_version::Read;

use crate::plan::At;

/// Gives a running statement what it reads from. The session implements it.
pub(crate) trait Snapshots: Send + Sync {
    /// The statement's snapshot with the transaction's own writes, or the one `at` names, and the
    /// table as it is there.
    ///
    /// # Errors
    /// If the table is not there.
    fn read(
        &self,
        table: &Arc<TableDef>,
        at: Option<&At>,
    ) -> Result<(Arc<dyn Read>, Arc<TableDef>)>;

    /// The rules of a table of the statement's own snapshot, for its indexes.
    fn rules(&self, _table: &TableDef) -> Option<Arc<Rules>> {
        None
    }

    /// About how many rows the table has, if that is known cheaply.
    fn rows(&self, _read: &dyn Read, _table: &TableDef) -> Option<u64> {
        None
    }
}

/// A statement without tables.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoTables;

impl Snapshots for NoTables {
    fn read(&self, _: &Arc<TableDef>, _: Option<&At>) -> Result<(Arc<dyn Read>, Arc<TableDef>)> {
        Err(Error::internal(
            "a statement without a snapshot reads a table",
        ))
    }
}
