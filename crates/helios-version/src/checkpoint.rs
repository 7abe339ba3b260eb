//! Checkpoints: bringing the state file up to a point in the log.

use helios_base::{Result, failpoint};

use crate::core::Core;
use crate::store::Step;

impl Core {
    /// Whether enough has gathered in memory.
    pub(crate) fn wants_checkpoint(&self) -> bool {
        let stats = self.kv.stats();
        stats.frozen_bytes > 0 || stats.overlay_bytes >= self.options.checkpoint_bytes
    }

    /// Does a bounded piece of the running checkpoint, or begins one.
    pub(crate) fn checkpoint_step(&self, budget: usize) -> Result<Step> {
        let mut state = self.checkpoint.lock();
        let mark = match state.running {
            Some(mark) => mark,
            None => {
                // The mark is what the state file will hold, so no commit may be half in.
                let mark = self.between_commits(|end| {
                    if end == self.kv.applied() && self.kv.stats().overlay_entries == 0 {
                        return Ok(None);
                    }
                    Ok(self.kv.freeze(end)?.then_some(end))
                })?;
                let Some(mark) = mark else {
                    return Ok(Step::Done);
                };
                state.running = Some(mark);
                mark
            }
        };
        failpoint::hit("version.checkpoint")?;
        // Asynchronous commits may be applied and not durable yet.
        self.log.sync(mark)?;
        if self.kv.checkpoint_step(budget)? {
            return Ok(Step::More);
        }
        state.running = None;
        drop(state);
        self.let_log_go()?;
        Ok(Step::Done)
    }

    /// A whole checkpoint.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        while self.checkpoint_step(usize::MAX)? == Step::More {}
        Ok(())
    }
}

/// The running checkpoint.
#[derive(Default)]
pub(crate) struct Checkpoint {
    /// Its mark, once frozen.
    running: Option<u64>,
}
