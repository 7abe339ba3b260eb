//! Segments that are no longer needed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use helios_base::{BranchId, TableId};
use helios_kv::{Batch, Keyspace};

use super::{ColdLevel, Part};
use crate::core::Core;

/// While it lives no file of a segment is deleted that was in use when it was made.
pub(crate) struct Hold<'c>(&'c ColdLevel);

impl ColdLevel {
    /// Keeps the files of segments.
    pub(crate) fn hold(&self) -> Hold<'_> {
        // Counted with the list locked: whoever deletes has it, too.
        let _retired = self.retired.lock();
        self.holders.fetch_add(1, Ordering::Relaxed);
        Hold(self)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        // The next checkpoint deletes what was kept.
        let _retired = self.0.retired.lock();
        self.0.holders.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Core {
    /// Lets go of the segments that `gone` picks, in the same batch as what makes them superfluous. Called with
    /// the apply mutex held.
    pub(crate) fn retire(&self, gone: impl Fn(TableId, BranchId) -> bool, batch: &mut Batch) {
        if !self.cold.in_use() {
            return;
        }
        let parts = self.cold.all();
        for part in parts
            .iter()
            .filter(|part| gone(part.info.table, part.info.branch))
        {
            batch.delete(Keyspace::Meta, &part.info.key());
            self.cold
                .change(part.info.table, part.info.branch, |level| {
                    level.parts.retain(|other| other.info.id != part.info.id);
                });
            self.note_retired(part);
        }
        self.cold.forget_promotions(&gone, batch);
        for (table, branch) in self.cold.being_made() {
            if gone(table, branch) {
                self.cold
                    .change(table, branch, |level| level.is_gone = true);
            }
        }
    }

    pub(super) fn note_retired(&self, part: &Arc<Part>) {
        // A checkpoint that runs does not have it yet.
        let running = u64::from(self.checkpoint.lock().is_running());
        let after = self.kv.stats().checkpoints + 1 + running;
        self.cold.retired.lock().push((part.info.clone(), after));
    }

    /// Deletes the files of segments that are gone for good.
    pub(crate) fn remove_retired(&self) {
        if !self.cold.in_use() {
            return;
        }
        let Some(opener) = self.cold.opener() else {
            return;
        };
        let done = self.kv.stats().checkpoints;
        let in_memory = self.directory.is_none();
        let mut retired = self.cold.retired.lock();
        if self.cold.holders.load(Ordering::Relaxed) > 0 {
            return;
        }
        retired.retain(|(info, after)| {
            let gone = in_memory || *after <= done;
            if gone {
                opener.remove(info);
            }
            !gone
        });
    }

    /// Whether segments changed since the last checkpoint began.
    pub(crate) fn cold_unsaved(&self) -> bool {
        self.cold.unsaved.load(Ordering::Acquire)
    }
}
