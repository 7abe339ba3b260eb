//! Segments: they can be read, hold what their manifests say, and no key is twice or nowhere.

use std::sync::Arc;

use helios_base::Result;
use helios_kv::Keyspace;

use super::Checker;
use crate::cold::{ColdBlock, Level, Part};
use crate::keys;
use crate::row::RowRef;

/// Rows looked at together.
const BLOCK: usize = 4096;

impl Checker<'_> {
    pub(super) fn segments(&mut self) -> Result<()> {
        for part in self.core.cold.all() {
            let info = &part.info;
            let place = format!(
                "segment {} of table {} branch {}",
                info.id, info.table, info.branch
            );
            if self.tree.any(info.branch).is_none() {
                self.fault(format!("{place}: the branch does not exist"));
            }
            let Some(level) = self.core.cold.level(info.table, info.branch) else {
                continue;
            };
            let Some(rows) = self.sound(self.core.cold.rows(&part), || place.clone()) else {
                continue;
            };
            for fault in rows.verify() {
                self.fault(format!("{place}: {fault}"));
            }
            if let Err(error) = self.segment(&part, &level, &place) {
                self.fault(format!("{place}: {error}"));
            }
        }
        Ok(())
    }

    fn segment(&mut self, part: &Arc<Part>, level: &Level, place: &str) -> Result<()> {
        let info = &part.info;
        let rows = self.core.cold.rows(part)?;
        let mut block = ColdBlock::default();
        let mut last: Option<Vec<u8>> = None;
        let mut at = 0;
        while at < info.rows {
            block.clear();
            rows.read(at, BLOCK, &mut block)?;
            if block.is_empty() {
                break;
            }
            for row in (0..block.len()).filter_map(|n| block.row(n)) {
                let first = last.is_none() && row.pk != info.least;
                if first || last.as_deref().is_some_and(|last| last >= row.pk) {
                    self.fault(format!("{place}: row {at} is out of order"));
                }
                self.cold_row(part, level, row, at, place)?;
                last = Some(row.pk.to_vec());
                at += 1;
            }
        }
        if at != info.rows || last.as_ref() != Some(&info.greatest) {
            self.fault(format!(
                "{place}: has {at} rows and should have {}",
                info.rows
            ));
        }
        Ok(())
    }

    fn cold_row(
        &mut self,
        part: &Arc<Part>,
        level: &Level,
        row: RowRef<'_>,
        at: u64,
        place: &str,
    ) -> Result<()> {
        let info = &part.info;
        if row.begin > self.newest || row.begin > info.newest {
            self.fault(format!("{place}: row {at} begins at {}", row.begin));
        }
        for other in level.covering(row.pk) {
            if other.info.id > info.id && self.core.cold.rows(other)?.find(row.pk)?.is_some() {
                self.fault(format!(
                    "{place}: segment {} has the key of row {at}, too",
                    other.info.id
                ));
            }
        }
        let mut key = Vec::new();
        keys::object_key(&mut key, info.table.0, info.branch, row.pk);
        let is_shadowed = self.kv.get(Keyspace::Current, &key)?.is_some();
        if at >= info.adopted && !is_shadowed {
            self.fault(format!("{place}: row {at} is neither adopted nor current"));
        }
        if at >= info.adopted || is_shadowed {
            return Ok(());
        }
        let Some(indexer) = self.core.indexer.load_full() else {
            return Ok(());
        };
        let mut entries = Vec::new();
        indexer.entries(info.branch, info.table, row.pk, row.row, &mut entries);
        for entry in &entries {
            if !self.has_entry(entry, info.branch)? {
                self.fault(format!(
                    "{place}: row {at} has no entry in index {}",
                    entry.index
                ));
            }
        }
        Ok(())
    }
}
