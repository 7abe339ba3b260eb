//! The transactions that run, for system views and for those who must wait for them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use helios_base::{BranchId, Error, Result, Scn, SqlState, TxId};
use parking_lot::Mutex;

use super::{Isolation, TxnInfo, TxnOptions};
use crate::branch::BranchTree;
use crate::core::now;
use crate::lock::manager::LockManager;

/// Not set.
const NONE: u64 = u64::MAX;

/// What others may know of a running transaction.
pub(crate) struct Running {
    pub(crate) number: u64,
    branch: BranchId,
    isolation: Isolation,
    started_at: i64,
    id: AtomicU64,
    snapshot: AtomicU64,
    serializable: AtomicU64,
}

impl Running {
    pub(super) fn set_id(&self, id: TxId) {
        self.id.store(id.0, Ordering::Relaxed);
    }

    pub(super) fn set_snapshot(&self, scn: Scn) {
        self.snapshot.store(scn.0, Ordering::Relaxed);
    }

    pub(super) fn note_serializable(&self, scn: Scn) {
        self.serializable.store(scn.0, Ordering::Relaxed);
    }

    /// The snapshot that the pipeline keeps commits for; once.
    pub(super) fn serializable(&self) -> Option<Scn> {
        let scn = self.serializable.swap(NONE, Ordering::Relaxed);
        (scn != NONE).then_some(Scn(scn))
    }
}

/// The transactions that run.
#[derive(Default)]
pub(crate) struct Transactions {
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<u64, Arc<Running>>,
    /// Branches being dropped.
    closing: BTreeSet<BranchId>,
}

impl Transactions {
    pub(super) fn begin(
        &self,
        tree: &ArcSwap<BranchTree>,
        options: &TxnOptions,
    ) -> Result<Arc<Running>> {
        let running = Arc::new(Running {
            number: self.next.fetch_add(1, Ordering::Relaxed) + 1,
            branch: options.branch,
            isolation: options.isolation,
            started_at: now(),
            id: AtomicU64::new(NONE),
            snapshot: AtomicU64::new(NONE),
            serializable: AtomicU64::new(NONE),
        });
        let mut state = self.state.lock();
        let tree = tree.load();
        let node = tree.living(options.branch)?;
        if state.closing.contains(&options.branch) {
            return Err(Error::new(
                SqlState::OBJECT_IN_USE,
                format!("branch \"{}\" is being dropped", node.branch.name),
            ));
        }
        state.running.insert(running.number, Arc::clone(&running));
        Ok(running)
    }

    pub(super) fn end(&self, number: u64) {
        self.state.lock().running.remove(&number);
    }

    /// Lets no transaction begin on these branches until [`Transactions::open`].
    pub(crate) fn close(&self, branches: &[(BranchId, &str)]) -> Result<()> {
        let mut state = self.state.lock();
        for (branch, name) in branches {
            let running = state.running.values();
            let count = running.filter(|running| running.branch == *branch).count();
            if count > 0 {
                return Err(Error::new(
                    SqlState::OBJECT_IN_USE,
                    format!("branch \"{name}\" is used by running transactions"),
                )
                .with_detail(format!("Transactions on it: {count}.")));
            }
        }
        state
            .closing
            .extend(branches.iter().map(|(branch, _)| *branch));
        Ok(())
    }

    pub(crate) fn open(&self, branches: &[BranchId]) {
        let closing = &mut self.state.lock().closing;
        closing.retain(|branch| !branches.contains(branch));
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().running.len()
    }

    pub(crate) fn list(&self, locks: &LockManager) -> Vec<TxnInfo> {
        let running: Vec<_> = self.state.lock().running.values().cloned().collect();
        let known = |number: &AtomicU64| {
            let number = number.load(Ordering::Relaxed);
            (number != NONE).then_some(number)
        };
        running
            .iter()
            .map(|running| TxnInfo {
                number: running.number,
                id: known(&running.id).map(TxId),
                branch: running.branch,
                isolation: running.isolation,
                started_at: running.started_at,
                snapshot: known(&running.snapshot).map(Scn),
                waiting: locks.is_waiting(running.number),
            })
            .collect()
    }
}
