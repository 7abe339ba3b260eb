//! Work spread over as many threads as the caller grants.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// How much of the machine a call may use, and who wants to know how far it is.
#[derive(Clone, Copy)]
pub struct Work<'a> {
    threads: NonZeroUsize,
    watch: Option<&'a (dyn Fn(usize) -> bool + Sync)>,
}

impl Default for Work<'_> {
    fn default() -> Self {
        Self::threads(NonZeroUsize::MIN)
    }
}

impl std::fmt::Debug for Work<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Work")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl<'a> Work<'a> {
    /// So many threads, the caller's among them.
    #[must_use]
    pub fn threads(threads: NonZeroUsize) -> Self {
        Self {
            threads,
            watch: None,
        }
    }

    /// Calls `watch` now and then with the number of vectors done; once it returns false, the work
    /// stops with [`Error::Cancelled`].
    #[must_use]
    pub fn watched(mut self, watch: &'a (dyn Fn(usize) -> bool + Sync)) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Tells the watcher of so many vectors done.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the work is no longer wanted.
    pub fn go_on(&self, done: usize) -> Result<()> {
        match self.watch {
            Some(watch) if !watch(done) => Err(Error::Cancelled),
            _ => Ok(()),
        }
    }

    /// Calls `part` with pieces of `0..total` of at most `size`, in any order and on any thread.
    pub(crate) fn each<F>(&self, total: usize, size: usize, part: F) -> Result<()>
    where
        F: Fn(Range<usize>) -> Result<()> + Sync,
    {
        self.fold(total, size, || (), |(), range| part(range))
            .map(drop)
    }

    /// As [`Work::each`], with a state of each thread's own; returns the states.
    pub(crate) fn fold<S, F>(
        &self,
        total: usize,
        size: usize,
        state: impl Fn() -> S + Sync,
        part: F,
    ) -> Result<Vec<S>>
    where
        S: Send,
        F: Fn(&mut S, Range<usize>) -> Result<()> + Sync,
    {
        let size = size.max(1);
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let run = || -> Result<S> {
            let mut state = state();
            loop {
                let start = next.fetch_add(size, Ordering::Relaxed);
                if start >= total || stop.load(Ordering::Relaxed) {
                    return Ok(state);
                }
                let end = total.min(start + size);
                let outcome = part(&mut state, start..end);
                let so_far = done.fetch_add(end - start, Ordering::Relaxed) + end - start;
                let outcome = outcome.and_then(|()| match self.watch {
                    Some(watch) if !watch(so_far) => Err(Error::Cancelled),
                    _ => Ok(()),
                });
                if let Err(error) = outcome {
                    stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        };
        let helpers = self.threads.get().min(total.div_ceil(size)).max(1) - 1;
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..helpers).map(|_| scope.spawn(run)).collect();
            let mut states = vec![run()];
            for handle in handles {
                match handle.join() {
                    Ok(state) => states.push(state),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            states.into_iter().collect()
        })
    }
}
