//! Index entries of own rows that were replaced before anybody could see them.

use helios_base::{Result, Value};
use helios_version::IndexEntry;

use super::writer::{LockedRow, TableWriter};

impl TableWriter<'_> {
    /// Takes back the entries that `old` had and `new`, stored under `key`, has not, if the
    /// transaction wrote `old` itself: no snapshot will ever ask for them, and nothing else would
    /// remove them. Entries that others committed stay.
    pub(crate) fn cancel_replaced(
        &self,
        old: &LockedRow,
        key: &[u8],
        new: Option<&[Value]>,
    ) -> Result<()> {
        if !old.is_own() {
            return Ok(());
        }
        let mut cancelled = Vec::new();
        for index in &self.rules().indexes {
            let mut before = Vec::new();
            if index.def.clustered || !index.encode_keys(old.values(), &mut before)? {
                continue;
            }
            before.extend_from_slice(old.key());
            if let Some(new) = new {
                let mut now = Vec::with_capacity(before.len());
                let there = index.encode_keys(new, &mut now)?;
                now.extend_from_slice(key);
                if there && now == before {
                    continue;
                }
            }
            cancelled.push(IndexEntry {
                index: index.storage(),
                key: before,
            });
        }
        if cancelled.is_empty() {
            return Ok(());
        }
        self.txn().cancel_entries(&cancelled)
    }
}
