//! What the parts of a scan share: numbered pieces of work.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::chunks::SharedSegment;

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
pub(super) struct Taker {
    next: Arc<AtomicUsize>,
    shared: Arc<Mutex<HashMap<usize, Segments>>>,
}

/// Segments of which several parts read.
pub(super) type Segments = Arc<[Arc<SharedSegment>]>;

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
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The segments of a piece that are shared out, if any part has got so far.
    pub(super) fn shared(&self, piece: usize) -> Option<Segments> {
        self.shared.lock().get(&piece).map(Arc::clone)
    }

    /// Shares the segments of a piece out: these, or those of a part that got as far before.
    pub(super) fn share(&self, piece: usize, segments: Vec<SharedSegment>) -> Segments {
        let mut shared = self.shared.lock();
        let segments = || segments.into_iter().map(Arc::new).collect();
        Arc::clone(shared.entry(piece).or_insert_with(segments))
    }
}
