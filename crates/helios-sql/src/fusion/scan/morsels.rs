//! What the parts of a scan share: numbered pieces of work.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Pieces numbered in key order, taken one by one by whichever part is free. What one part takes
/// ascends.
#[derive(Default)]
pub(super) struct Morsels(Mutex<Run>);

/// One execution of the plan.
#[derive(Default)]
struct Run {
    next: Taker,
    started: HashSet<usize>,
}

/// One part's way through the pieces.
#[derive(Clone, Default)]
pub(super) struct Taker(Arc<AtomicUsize>);

impl Morsels {
    /// Begins a part. A part that begins again begins a new execution: recursive queries run their
    /// plan many times.
    pub(super) fn start(&self, part: usize) -> Taker {
        let mut run = self.0.lock();
        if !run.started.insert(part) {
            run.next = Taker::default();
            run.started = HashSet::from([part]);
        }
        run.next.clone()
    }
}

impl Taker {
    /// The next piece that nobody has taken; the pieces end where the taker finds none.
    pub(super) fn take(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
