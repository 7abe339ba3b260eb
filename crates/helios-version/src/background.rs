//! The background thread: checkpoints, garbage collection, the flush of asynchronous commits.
//!
//! It does nothing that a caller could not do step by step with
//! [`Store::checkpoint_step`](crate::Store::checkpoint_step) and
//! [`Store::gc_step`](crate::Store::gc_step), and between two steps it looks whether to stop.

use std::sync::Arc;
use std::sync::Weak;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use helios_base::{Error, Result};
use parking_lot::{Condvar, Mutex};

use crate::core::Core;
use crate::store::Step;

/// How long an asynchronous commit may stay only in memory.
const FLUSH_DELAY: Duration = Duration::from_millis(20);
/// How often to look whether there is something to do.
const TICK: Duration = Duration::from_millis(200);
/// Keys of a checkpoint per step.
const CHECKPOINT_BUDGET: usize = 4096;
/// Versions looked at by garbage collection per step.
const GC_BUDGET: usize = 1024;
/// Until the first round of garbage collection.
const GC_FIRST: Duration = Duration::from_secs(1);
/// Garbage collection rests this many times as long as it worked.
const GC_REST: u32 = 4;

/// Wakes the background thread.
#[derive(Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    flush: bool,
    stop: bool,
}

impl Signal {
    /// An asynchronous commit waits for the disk.
    pub(crate) fn flush_soon(&self) {
        let mut state = self.state.lock();
        if !state.flush {
            state.flush = true;
            self.wake.notify_all();
        }
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stop = true;
        self.wake.notify_all();
    }

    fn stopped(&self) -> bool {
        self.state.lock().stop
    }

    /// Sleeps until there may be work. True if a flush is due, `None` to stop.
    fn sleep(&self) -> Option<bool> {
        let mut state = self.state.lock();
        if !state.stop && !state.flush {
            self.wake.wait_for(&mut state, TICK);
        }
        if state.flush && !state.stop {
            // Let more commits gather.
            self.wake.wait_for(&mut state, FLUSH_DELAY);
        }
        let flush = std::mem::take(&mut state.flush);
        (!state.stop).then_some(flush)
    }
}

/// Starts the thread.
pub(crate) fn start(core: &Arc<Core>) -> Result<JoinHandle<()>> {
    let weak = Arc::downgrade(core);
    std::thread::Builder::new()
        .name("heliosdb-background".into())
        .spawn(move || run(&weak))
        .map_err(|error| Error::io("start the background thread", error))
}

fn run(weak: &Weak<Core>) {
    let mut next_gc = Instant::now() + GC_FIRST;
    loop {
        let Some(core) = weak.upgrade() else { return };
        let Some(flush) = core.signal.sleep() else {
            return;
        };
        // A failed step leaves the database as it was; the next commit or step meets the cause.
        let _ = work(&core, flush, &mut next_gc);
    }
}

fn work(core: &Core, flush: bool, next_gc: &mut Instant) -> Result<()> {
    if flush {
        core.log.sync(core.log.end())?;
    }
    if core.wants_checkpoint() {
        checkpoint(core)?;
    }
    if Instant::now() >= *next_gc {
        let started = Instant::now();
        while core.gc_step(GC_BUDGET)? == Step::More && !core.signal.stopped() {
            if core.wants_checkpoint() {
                checkpoint(core)?;
            }
        }
        let pause = core.gc_pause();
        *next_gc = Instant::now() + (started.elapsed() * GC_REST).max(pause);
    }
    Ok(())
}

/// Makes a whole checkpoint, unless the thread is to stop.
fn checkpoint(core: &Core) -> Result<()> {
    let span = tracing::debug_span!(
        target: "heliosdb::span",
        "checkpoint",
        helios.scn = core.published().0,
        "error.type" = tracing::field::Empty,
    );
    let done = span.in_scope(|| {
        while core.checkpoint_step(CHECKPOINT_BUDGET)? == Step::More && !core.signal.stopped() {}
        Ok(())
    });
    if let Err(error) = &done {
        let error: &Error = error;
        span.record("error.type", tracing::field::display(error.sqlstate()));
    }
    done
}
