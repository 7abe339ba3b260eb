//! When each table last changed on each branch, for remembered gaps between keys.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use helios_base::{BranchId, Scn, TableId};
use parking_lot::RwLock;

/// The last change of one table on one branch.
pub(crate) type Stamp = Arc<AtomicU64>;

/// Per table and branch the newest commit, since the store was opened, that changed it. A change is
/// noted after it was applied and before it is published.
#[derive(Default)]
pub(crate) struct Stamps {
    map: RwLock<HashMap<(TableId, BranchId), Stamp>>,
}

impl Stamps {
    /// The stamp of a table, to look at again and again.
    pub(crate) fn of(&self, table: TableId, branch: BranchId) -> Stamp {
        if let Some(stamp) = self.map.read().get(&(table, branch)) {
            return Arc::clone(stamp);
        }
        Arc::clone(self.map.write().entry((table, branch)).or_default())
    }

    /// Notes a change, if anybody ever asked.
    pub(crate) fn touch(&self, table: TableId, branch: BranchId, scn: Scn) {
        if let Some(stamp) = self.map.read().get(&(table, branch)) {
            stamp.store(scn.0, Ordering::Release);
        }
    }
}
