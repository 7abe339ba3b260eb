//! What each operator of a run did, for `EXPLAIN ANALYZE`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use helios_base::{Result, Row};
use parking_lot::Mutex;

use super::exec::Cx;
use super::node::Node;
use super::op::{BoxOperator, Operator};
use super::scan::ScanNode;

/// The work of one run by the nodes of its plan.
#[derive(Debug, Default)]
pub(crate) struct Measures {
    nodes: Mutex<HashMap<usize, Arc<Done>>>,
    /// What searches by nearness did, by the scan.
    sought: Mutex<HashMap<usize, Sought>>,
}

/// What the searches of one scan by nearness did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sought {
    /// Candidates that indexes found.
    pub(crate) candidates: u64,
    /// Of these, those whose rows had the vector still and were put in order by it.
    pub(crate) rescored: u64,
    /// Of candidates, those that are as the index has them, so that nobody looked at their vectors.
    pub(crate) known: u64,
    /// Of candidates, those that the conditions left out.
    pub(crate) removed: u64,
    /// Rows that were not as the index knows them.
    pub(crate) changed: u64,
    /// Searches that read the rows otherwise.
    pub(crate) otherwise: u64,
}

/// What the operators of one node did.
#[derive(Debug, Default)]
struct Done {
    loops: AtomicU64,
    rows: AtomicU64,
    nanos: AtomicU64,
}

/// What the operators of one node did, in all loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actual {
    /// How often it was started; 0 if that is not counted.
    pub(crate) loops: u64,
    /// Rows that came out.
    pub(crate) rows: u64,
    /// Time with that of its inputs; without it in vectors.
    pub(crate) time: Duration,
}

impl Measures {
    /// What the operators of `node` did.
    pub(crate) fn actual(&self, node: &Node) -> Option<Actual> {
        let done = self.nodes.lock().get(&node.address()?).cloned()?;
        Some(Actual {
            loops: done.loops.load(Relaxed),
            rows: done.rows.load(Relaxed),
            time: Duration::from_nanos(done.nanos.load(Relaxed)),
        })
    }

    /// Takes in what a search by nearness did.
    pub(crate) fn seek(&self, node: &Arc<ScanNode>, done: Sought) {
        let mut sought = self.sought.lock();
        let all = sought.entry(Arc::as_ptr(node) as usize).or_default();
        all.candidates += done.candidates;
        all.rescored += done.rescored;
        all.known += done.known;
        all.removed += done.removed;
        all.changed += done.changed;
        all.otherwise += done.otherwise;
    }

    /// What searches of a scan by nearness did.
    pub(crate) fn sought(&self, node: &Arc<ScanNode>) -> Option<Sought> {
        let sought = self.sought.lock();
        sought.get(&(Arc::as_ptr(node) as usize)).copied()
    }

    /// Starts the operator of `node` by `open` and watches it.
    pub(crate) fn watch(
        &self,
        node: &Node,
        open: impl FnOnce() -> Result<BoxOperator>,
    ) -> Result<BoxOperator> {
        let Some(address) = node.address() else {
            return open();
        };
        let done = Arc::clone(self.nodes.lock().entry(address).or_default());
        done.loops.fetch_add(1, Relaxed);
        let started = Instant::now();
        let inner = open()?;
        done.took(started);
        Ok(Box::new(Watched { inner, done }))
    }
}

impl Done {
    fn took(&self, started: Instant) {
        let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Relaxed);
    }
}

struct Watched {
    inner: BoxOperator,
    done: Arc<Done>,
}

impl Operator for Watched {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        let started = Instant::now();
        let row = self.inner.next(cx);
        self.done.took(started);
        if let Ok(Some(_)) = &row {
            self.done.rows.fetch_add(1, Relaxed);
        }
        row
    }
}

impl Node {
    /// What tells the node from others of the same plan; `None` for those that are not worth it.
    fn address(&self) -> Option<usize> {
        fn at<T>(node: &Arc<T>) -> Option<usize> {
            Some(Arc::as_ptr(node) as usize)
        }
        match self {
            Self::Scan(node) => at(node),
            Self::FileScan(node) => at(node),
            Self::Values(node) => at(node),
            Self::Filter(node) => at(node),
            Self::ProjectSet(node) => at(node),
            Self::NestedLoop(node) => at(node),
            Self::HashJoin(node) => at(node),
            Self::Aggregate(node) => at(node),
            Self::Window(node) => at(node),
            Self::Sort(node) => at(node),
            Self::Limit(node) => at(node),
            Self::Distinct(node) => at(node),
            Self::SetOp(node) => at(node),
            Self::With(node) => at(node),
            Self::Recursive(node) => at(node),
            Self::TableFunction(node) => at(node),
            Self::LockRows(node) => at(node),
            Self::Project(_)
            | Self::Empty
            | Self::OneRow
            | Self::CteRef(_)
            | Self::WorkTable(_)
            | Self::Change(_) => None,
        }
    }
}
