//! Checkpoints: bringing the state file up to a point in the log.

use std::sync::atomic::Ordering;

use helios_base::{Result, Scn, failpoint};

use crate::core::Core;
use crate::store::Step;

/// Bytes of log and changed keys that the next open applies again as fast as this close would save
/// them.
const LITTLE: (u64, u64) = (64 << 10, 1000);
/// Bytes of log that the next open may read for that little, which can be the end of a long segment.
const REPLAY: u64 = 512 << 10;

impl Core {
    /// Whether a clean end can leave what was not saved yet to the log.
    pub(crate) fn little_to_save(&self) -> bool {
        let stats = self.kv.stats();
        let saved = self.kv.applied();
        let logged = self.log.end().saturating_sub(saved);
        !self.checkpoint.lock().is_running()
            && !self.cold_unsaved()
            && logged <= LITTLE.0
            && self.log.replay_bytes(saved) <= REPLAY
            && stats.overlay_entries <= LITTLE.1
    }

    /// Whether enough has gathered in memory.
    pub(crate) fn wants_checkpoint(&self) -> bool {
        let stats = self.kv.stats();
        stats.frozen_bytes > 0 || stats.overlay_bytes >= self.options.checkpoint_bytes
    }

    /// Does a bounded piece of the running checkpoint, or begins one.
    pub(crate) fn checkpoint_step(&self, budget: usize) -> Result<Step> {
        let is_running = self.checkpoint.lock().is_running();
        if !is_running && !self.begin_checkpoint()? {
            return Ok(Step::Done);
        }
        // Between these two locks another thread may end the checkpoint: then there is one less.
        let step = self.continue_checkpoint(&mut self.checkpoint.lock(), budget)?;
        if step == Step::Done {
            self.let_log_go()?;
        }
        Ok(step)
    }

    /// Freezes what is applied; false if there is nothing new.
    fn begin_checkpoint(&self) -> Result<bool> {
        // The mark is what the state file will hold, so no commit may be half in.
        self.between_commits(|end| {
            let mut state = self.checkpoint.lock();
            if state.is_running() {
                return Ok(true);
            }
            if end == self.kv.applied() && self.kv.stats().overlay_entries == 0 {
                state.saved = self.published();
                return Ok(false);
            }
            if self.kv.freeze(end)? {
                state.running = Some(end);
                state.saving = self.published();
                self.cold.unsaved.store(false, Ordering::Release);
            }
            Ok(state.is_running())
        })
    }

    fn continue_checkpoint(&self, state: &mut Checkpoint, budget: usize) -> Result<Step> {
        let Some(mark) = state.running else {
            return Ok(Step::Done);
        };
        failpoint::hit("version.checkpoint")?;
        // Asynchronous commits may be applied and not durable yet.
        self.log.sync(mark)?;
        if self.kv.checkpoint_step(budget)? {
            return Ok(Step::More);
        }
        state.running = None;
        state.saved = state.saving;
        self.remove_retired();
        Ok(Step::Done)
    }

    /// In the middle of applying a commit that is too large for memory, with the apply mutex held:
    /// brings what there is of it to the state file under the mark `before` the commit. If the
    /// process dies, the commit is applied again from the log, which must be durable up to `end`.
    pub(crate) fn checkpoint_midway(&self, before: u64, end: u64) -> Result<()> {
        if self.kv.stats().overlay_bytes < self.options.checkpoint_bytes.saturating_mul(4) {
            return Ok(());
        }
        self.log.sync(end)?;
        let mut state = self.checkpoint.lock();
        while self.continue_checkpoint(&mut state, usize::MAX)? == Step::More {}
        if self.kv.freeze(before)? {
            state.running = Some(before);
            // The commits before may not be visible yet.
            state.saving = state.saved;
            while self.continue_checkpoint(&mut state, usize::MAX)? == Step::More {}
        }
        Ok(())
    }

    /// Brings the state file beyond everything that is visible now, so that recovery will not apply it again.
    pub(crate) fn save_visible(&self) -> Result<()> {
        let wanted = self.published();
        // In memory nothing is recovered. The first round may end a checkpoint that began too early.
        while self.directory.is_some() && self.checkpoint.lock().saved < wanted {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// A whole checkpoint.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        while self.checkpoint_step(usize::MAX)? == Step::More {}
        Ok(())
    }
}

/// The running checkpoint. Its mutex comes after the apply mutex.
#[derive(Default)]
pub(crate) struct Checkpoint {
    /// Its mark, once frozen.
    running: Option<u64>,
    /// A commit that was visible when it began.
    saving: Scn,
    /// Every commit up to here is before the mark of the state file.
    saved: Scn,
}

impl Checkpoint {
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }
}
