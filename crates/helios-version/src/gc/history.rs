//! Versions in `History` that nobody needs, with what they leave behind; and the bundling of the others.

use std::collections::BTreeSet;
use std::ops::Bound;

use helios_base::{BranchId, Result, Scn, TableId};
use helios_kv::{Batch, Keyspace, KvSnapshot};

use super::Phase;
use crate::cache::Newest;
use crate::core::Core;
use crate::history::{self, Packer, Replaced};
use crate::keys;
use crate::read::{newest_in, newest_of};
use crate::registry::Plan;
use crate::row::{IndexEntry, Indexer};

/// The versions of one key, seen in part.
pub(super) struct Group {
    /// Its key in `Current`.
    key: Vec<u8>,
    /// From where on all its versions are needed.
    floor: Scn,
    /// Begin of the newest version when the first was seen.
    newest: Scn,
    keeps_versions: bool,
    /// Not all versions that remain are known.
    keeps_entries: bool,
    /// Entries of versions that remain.
    kept: BTreeSet<IndexEntry>,
    /// Entries of versions that went.
    suspects: BTreeSet<IndexEntry>,
    /// Versions that become a bundle.
    packer: Packer,
}

impl Core {
    /// Goes on behind `after`. Also returns how many versions were passed and stay.
    pub(super) fn collect_history(
        &self,
        plan: &Plan,
        mut after: Vec<u8>,
        mut group: Option<Group>,
        budget: usize,
    ) -> Result<(Option<Phase>, u64)> {
        let indexer = self.indexer.load();
        let indexer: Option<&dyn Indexer> = indexer.as_ref().map(|indexer| &***indexer);
        let kv = self.kv.snapshot();
        let mut batch = Batch::new();
        let mut finished = Vec::new();
        let mut ended = true;
        let mut left = 0;
        {
            let from = Bound::Excluded(after.as_slice());
            let mut cursor = kv.scan(Keyspace::History, (from, Bound::Unbounded), false)?;
            let mut seen = 0;
            let mut last = Vec::new();
            while let Some((key, value)) = cursor.next()? {
                let (row_key, begin) = keys::split_history(key)?;
                if group.as_ref().is_none_or(|group| group.key != row_key) {
                    finished.extend(group.take());
                    let (table, branch, _) = keys::split(row_key)?;
                    let floor = plan.floors.of(branch, TableId(table));
                    group = Some(self.open_group(&*kv, row_key, floor, indexer)?);
                }
                if let Some(group) = &mut group {
                    let taken = group.take(plan, indexer, row_key, begin, value, &mut batch)?;
                    seen += taken.0;
                    left += taken.1;
                }
                last.clear();
                last.extend_from_slice(key);
                if seen >= budget {
                    ended = false;
                    break;
                }
            }
            after = last;
        }
        if ended {
            finished.extend(group.take());
        }
        if !batch.is_empty() || !finished.is_empty() {
            self.between_commits(|_| {
                let kv = self.kv.snapshot();
                for group in &mut finished {
                    self.finish_group(&*kv, group, indexer, &mut batch)?;
                }
                if batch.is_empty() {
                    return Ok(());
                }
                self.kv.apply(batch)
            })?;
        }
        let next = if ended {
            Phase::Dropped
        } else {
            Phase::History(after, group)
        };
        Ok((Some(next), left))
    }

    fn open_group(
        &self,
        kv: &dyn KvSnapshot,
        row_key: &[u8],
        floor: Scn,
        indexer: Option<&dyn Indexer>,
    ) -> Result<Group> {
        let mut group = Group {
            key: row_key.to_vec(),
            floor,
            newest: Scn::ZERO,
            keeps_versions: false,
            keeps_entries: false,
            kept: BTreeSet::new(),
            suspects: BTreeSet::new(),
            packer: Packer::default(),
        };
        let (table, branch, pk) = keys::split(row_key)?;
        let newest = newest_in(kv, TableId(table), branch, pk)?;
        group.newest = newest.begin();
        if let (Some(indexer), Newest::Row(_, row)) = (indexer, &newest) {
            group.add(indexer, branch, TableId(table), pk, row, true);
        }
        if let Some(indexer) = indexer
            && self.cold_covers(TableId(table), branch, pk)
        {
            // What a segment has is still read, by those from before.
            match self.cold_row(TableId(table), branch, pk) {
                Ok(Some((_, row))) => group.add(indexer, branch, TableId(table), pk, &row, true),
                Ok(None) => {}
                Err(_) => group.keeps_entries = true,
            }
        }
        Ok(group)
    }

    /// With nothing being applied meanwhile: bundles what remains, removes the tombstone and the index entries
    /// that the versions that went leave behind.
    fn finish_group(
        &self,
        kv: &dyn KvSnapshot,
        group: &mut Group,
        indexer: Option<&dyn Indexer>,
        batch: &mut Batch,
    ) -> Result<()> {
        let (table, branch, pk) = keys::split(&group.key)?;
        let table = TableId(table);
        group.packer.finish(&group.key, batch);
        let newest = match kv.get(Keyspace::Current, &group.key)? {
            Some(value) => newest_of(value)?,
            None => Newest::Absent,
        };
        if newest.begin() == group.newest {
            if let Newest::Tombstone(begin) = newest
                && !group.keeps_versions
                && begin <= group.floor
                && !self.cold_has(table, branch, pk)
            {
                let tree = self.tree.load();
                let ancestors = tree.any(branch).map(|node| node.ancestors());
                if !self.inherits(ancestors.unwrap_or_default(), table, pk)? {
                    batch.delete(Keyspace::Current, &group.key);
                }
            }
        } else if !group.suspects.is_empty()
            && let Some(indexer) = indexer
        {
            // Versions written since the group was opened may have the entries again.
            let mut from = group.key.clone();
            from.extend_from_slice(&0u64.to_be_bytes());
            let mut upto = group.key.clone();
            upto.extend_from_slice(&(!group.newest.0).to_be_bytes());
            let range = (
                Bound::Included(from.as_slice()),
                Bound::Included(upto.as_slice()),
            );
            let mut newer = BTreeSet::new();
            let mut note = |row: &[u8]| {
                let mut entries = Vec::new();
                indexer.entries(branch, table, pk, row, &mut entries);
                newer.extend(entries);
            };
            if let Newest::Row(_, row) = &newest {
                note(row);
            }
            let mut cursor = kv.scan(Keyspace::History, range, false)?;
            while let Some((key, value)) = cursor.next()? {
                let (_, oldest) = keys::split_history(key)?;
                history::each(oldest, value, &mut |version| {
                    version.row.into_iter().for_each(&mut note);
                    Ok(())
                })?;
            }
            group.kept.extend(newer);
        }
        if group.keeps_entries {
            return Ok(());
        }
        let mut key = Vec::new();
        for entry in group.suspects.difference(&group.kept) {
            keys::object_key(&mut key, entry.index.0, branch, &entry.key);
            batch.delete(Keyspace::Index, &key);
        }
        Ok(())
    }
}

impl Group {
    /// Takes the next older entry of the row. Returns how many versions it has and how many of them stay.
    fn take(
        &mut self,
        plan: &Plan,
        indexer: Option<&dyn Indexer>,
        row_key: &[u8],
        oldest: Scn,
        value: &[u8],
        batch: &mut Batch,
    ) -> Result<(usize, u64)> {
        let (table, branch, pk) = keys::split(row_key)?;
        let table = TableId(table);
        let mut packer = std::mem::take(&mut self.packer);
        let (mut count, mut left) = (0, 0);
        let mut needs = |version: Replaced<'_>| {
            let needed = plan.needs(branch, self.floor, version.begin, version.end);
            count += 1;
            left += u64::from(needed);
            self.keeps_versions |= needed;
            if let (Some(indexer), Some(row)) = (indexer, version.row) {
                self.add(indexer, branch, table, pk, row, needed);
            }
            needed
        };
        packer.add(row_key, oldest, value, &mut needs, batch)?;
        self.packer = packer;
        Ok((count, left))
    }

    fn add(
        &mut self,
        indexer: &dyn Indexer,
        branch: BranchId,
        table: TableId,
        pk: &[u8],
        row: &[u8],
        keep: bool,
    ) {
        let mut entries = Vec::new();
        indexer.entries(branch, table, pk, row, &mut entries);
        for entry in entries {
            if keep {
                self.kept.insert(entry);
            } else if !self.kept.contains(&entry) {
                self.suspects.insert(entry);
            }
        }
    }
}
