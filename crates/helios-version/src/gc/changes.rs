//! Collecting lists of changes.
//!
//! A diff reads the lists in `(p, q]`, where *p* is a point that somebody may still read, or 0 on a
//! branch that is not the root. Between two neighbouring such points it makes no difference when a
//! key was written: the lists there become one, numbered like the newest of them, without doubles.
//! Lists of the root up to the oldest point serve nobody.

use std::ops::Bound;

use helios_base::{BranchId, Result, Scn, TableId};
use helios_kv::{Batch, Keyspace};

use super::Phase;
use crate::changes::{self, KeySet, ListWriter};
use crate::core::Core;
use crate::registry::Plan;

/// Bytes of keys that are joined at a time.
const JOIN_BYTES: usize = 8 << 20;

/// Lists read and not yet decided about.
#[derive(Default)]
struct Joining {
    place: Option<(TableId, BranchId, Scn)>,
    keys: KeySet,
    /// Stored keys of the parts, in order.
    parts: Vec<Vec<u8>>,
    newest: Scn,
}

impl Joining {
    /// Replaces the parts if that makes them fewer.
    fn end(&mut self, batch: &mut Batch) {
        let mut joining = std::mem::take(self);
        let Some((table, branch, _)) = joining.place else {
            return;
        };
        if joining.parts.len() < 2 {
            return;
        }
        joining.keys.sort();
        let mut joined = Batch::new();
        let mut writer = ListWriter::default();
        writer.open(table, branch, joining.newest, &mut joined);
        for n in 0..joining.keys.len() {
            writer.add(joining.keys.get(n).unwrap_or_default(), &mut joined);
        }
        writer.end(&mut joined);
        if joined.len() >= joining.parts.len() {
            return;
        }
        for part in &joining.parts {
            batch.delete(Keyspace::Changes, part);
        }
        let mut writer = ListWriter::default();
        writer.open(table, branch, joining.newest, batch);
        for n in 0..joining.keys.len() {
            writer.add(joining.keys.get(n).unwrap_or_default(), batch);
        }
        writer.end(batch);
    }
}

impl Core {
    pub(super) fn collect_changes(
        &self,
        plan: &Plan,
        after: Vec<u8>,
        budget: usize,
    ) -> Result<Option<Phase>> {
        let kv = self.kv.snapshot();
        let mut batch = Batch::new();
        let mut joining = Joining::default();
        let mut last = after.clone();
        let mut ended = true;
        let mut seen = 0;
        let from = Bound::Excluded(after.as_slice());
        let mut cursor = kv.scan(Keyspace::Changes, (from, Bound::Unbounded), false)?;
        while let Some((key, value)) = cursor.next()? {
            let (table, branch, scn) = changes::split_key(key)?;
            // The first needed point at or after the list names its interval.
            let floor = plan.floors.of(branch, table);
            let (point, is_first) = plan.interval(branch, floor, scn);
            let place = point.map(|point| (table, branch, point));
            // A list is never cut: its two halves would get the same stored keys.
            let full = joining.keys.bytes() >= JOIN_BYTES && joining.newest != scn;
            if joining.place != place || full {
                joining.end(&mut batch);
                // Only here: what is read must be decided about, or it would be joined in halves.
                if seen >= budget {
                    ended = false;
                    break;
                }
            }
            seen += 1;
            last.clear();
            last.extend_from_slice(key);
            if place.is_none() {
                // After the floor every number is a point: go on with the next table or branch.
                continue;
            }
            if is_first && branch == BranchId::MAIN {
                batch.delete(Keyspace::Changes, key);
                continue;
            }
            joining.place = place;
            joining.newest = scn;
            joining.keys.add_part(value)?;
            joining.parts.push(key.to_vec());
        }
        drop(cursor);
        joining.end(&mut batch);
        if !batch.is_empty() {
            self.between_commits(|_| self.kv.apply(batch))?;
        }
        Ok(Some(if ended {
            Phase::Commits
        } else {
            Phase::Changes(last)
        }))
    }
}
