//! Promotion: rows of segments that are read often are in `Current` as well.
//!
//! What is promoted are copies: the segment keeps its rows, and a row with the same begin in both places is one row to every reader,
//! as while segments [thaw](crate::Thaw). A copy is written over like any other row. It does not freeze, for a segment has
//! its key; compaction keeps the row below it, which nothing ended. Taking a copy away again
//! ([`Promoter::demote`]) is what [adoption](crate::Adoption) does.
//!
//! Which ranges of keys were promoted, and when, stands in `Meta`, in the same batch as the copies. The key is the
//! tag, table u32, branch u32, first key; the value:
//!
//! | bytes | field | rule |
//! |---|---|---|
//! | varint | when, in µs since 1970-01-01 UTC | |
//! | varint | rows | |
//! | | last key | to the end, not before the first |
//!
//! Ranges may overlap, and may say of rows what is not true any more: that they were changed, deleted, or are in no
//! segment. So a record is where to look for copies, and whether a row is one is seen in the segments.

use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helios_base::{BranchId, Error, Result, Scn, TableId, failpoint};
use helios_kv::{Batch, Keyspace};

use super::freeze::Marked;
use super::{ColdBlock, ColdLevel, Level};
use crate::cache::{Newest, Probe};
use crate::codec::{Reader, put_varint};
use crate::core::Core;
use crate::keys::{self, ObjectRange, PREFIX, Stored};
use crate::read::newest_in;

/// Rows moved in one batch at most, and bytes of them, more or less: while it is applied, commits wait.
const TOGETHER: usize = 1024;
const BYTES: usize = 4 << 20;
/// Rows read of a segment at a time.
const READ: usize = 64;

/// A range of keys whose rows were promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// The table.
    pub table: TableId,
    /// The branch whose rows they are.
    pub branch: BranchId,
    /// The first key.
    pub first: Vec<u8>,
    /// The last key.
    pub last: Vec<u8>,
    /// How many rows were copied.
    pub rows: u64,
    /// When, in µs since 1970-01-01 UTC.
    pub since: i64,
}

/// Promotions by table, branch and first key.
pub(super) type Promotions = BTreeMap<(TableId, BranchId, Vec<u8>), Promotion>;

impl Promotion {
    /// Its key in `Meta`.
    fn key(&self) -> Vec<u8> {
        let mut key = keys::meta_key(
            keys::META_PROMOTION,
            &keys::prefix(self.table.0, self.branch),
        );
        key.extend_from_slice(&self.first);
        key
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, u64::try_from(self.since).unwrap_or(0));
        put_varint(&mut out, self.rows);
        out.extend_from_slice(&self.last);
        out
    }

    /// Reads a record; `key` without the tag.
    pub(crate) fn decode(key: &[u8], value: &[u8]) -> Result<Self> {
        let (table, branch, first) = keys::split(key)?;
        let mut reader = Reader::new(value, "record of a promotion");
        let since = reader.varint()?;
        let promotion = Self {
            table: TableId(table),
            branch,
            first: first.to_vec(),
            since: i64::try_from(since).unwrap_or(i64::MAX),
            rows: reader.varint()?,
            last: reader.rest().to_vec(),
        };
        if promotion.first > promotion.last {
            return Err(reader.corrupt("it contradicts itself"));
        }
        Ok(promotion)
    }

    fn place(&self) -> (TableId, BranchId, Vec<u8>) {
        (self.table, self.branch, self.first.clone())
    }
}

impl ColdLevel {
    /// What was promoted when the store was closed.
    pub(crate) fn set_promotions(&self, promotions: Vec<Promotion>) {
        let of = |promotion: Promotion| (promotion.place(), promotion);
        *self.promotions.lock() = promotions.into_iter().map(of).collect();
    }

    /// How many rows were promoted of each table on each branch.
    pub(crate) fn promoted(&self) -> BTreeMap<(TableId, BranchId), u64> {
        let mut rows = BTreeMap::new();
        for promotion in self.promotions.lock().values() {
            let place = (promotion.table, promotion.branch);
            *rows.entry(place).or_default() += promotion.rows;
        }
        rows
    }

    /// What was promoted of a table on a branch at this time or before.
    pub(crate) fn promotions(
        &self,
        table: TableId,
        branch: BranchId,
        until: i64,
    ) -> Vec<Promotion> {
        let promotions = self.promotions.lock();
        let own = promotions.range((table, branch, Vec::new())..);
        let own = own.take_while(|((of, on, _), _)| (*of, *on) == (table, branch));
        let own = own.map(|(_, promotion)| promotion);
        own.filter(|promotion| promotion.since <= until)
            .cloned()
            .collect()
    }

    /// Lets go of the records of rows that are gone for good. Called with the apply mutex held.
    pub(super) fn forget_promotions(
        &self,
        gone: impl Fn(TableId, BranchId) -> bool,
        batch: &mut Batch,
    ) {
        self.promotions.lock().retain(|(table, branch, _), record| {
            let is_gone = gone(*table, *branch);
            if is_gone {
                batch.delete(Keyspace::Meta, &record.key());
            }
            !is_gone
        });
    }
}

/// Promotes rows of the segments of a table on a branch, and takes promoted ones away again, a few at a time. While it lives
/// nobody freezes, compacts or thaws there.
pub struct Promoter {
    marked: Marked,
}

impl Promoter {
    pub(crate) fn begin(core: &Arc<Core>, table: TableId, branch: BranchId) -> Result<Self> {
        let (marked, _) = Marked::begin(core, table, branch)?;
        Ok(Self { marked })
    }

    /// Copies the rows at these places of a segment; `now` is the time in µs since 1970-01-01 UTC. Returns how many rows were copied: none of those that were changed
    /// or promoted before, none if the segment is not there any more or not wholly adopted.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; 42704 when the branch was dropped meanwhile, 42P01 when the table is gone for good.
    pub fn promote(&mut self, segment: u64, places: Range<u64>, now: i64) -> Result<u64> {
        let marked = &self.marked;
        let core = &marked.core;
        let level = core.cold.level(marked.table, marked.branch);
        let mut parts = level.iter().flat_map(|level| level.parts.iter());
        let part = parts.find(|part| part.info.id == segment);
        let Some(part) = part.filter(|part| part.info.adopted == part.info.rows) else {
            return Ok(0);
        };
        let rows = core.cold.rows(part)?;
        let end = places.end.min(part.info.rows);
        let (mut from, mut copied) = (places.start, 0);
        while from < end {
            let mut block = ColdBlock::default();
            while from < end && block.len() < TOGETHER && block.memory() < BYTES {
                let before = block.len();
                let left = usize::try_from(end - from).unwrap_or(READ);
                rows.read(from, left.min(READ), &mut block)?;
                if block.len() == before {
                    return Err(Error::corrupt(format!(
                        "segment {segment} of table {} has fewer rows than it should",
                        marked.table
                    )));
                }
                from += (block.len() - before) as u64;
            }
            copied += core.between_commits(|_| {
                marked.still()?;
                self.copy(&block, now)
            })?;
            failpoint::hit("cold.promoted")?;
        }
        Ok(copied)
    }

    /// Copies those of the rows of which nothing is outside of segments.
    fn copy(&self, block: &ColdBlock, now: i64) -> Result<u64> {
        let (core, table, branch) = (&self.marked.core, self.marked.table, self.marked.branch);
        let kv = core.kv.snapshot();
        let mut batch = Batch::new();
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut promotion: Option<Promotion> = None;
        for row in (0..block.len()).filter_map(|at| block.row(at)) {
            if newest_in(&*kv, table, branch, row.pk)? != Newest::Absent {
                continue;
            }
            keys::object_key(&mut key, table.0, branch, row.pk);
            value.clear();
            let stored = Stored {
                scn: row.begin,
                row: Some(row.row),
            };
            stored.encode(&mut value);
            batch.put(Keyspace::Current, &key, &value);
            let promotion = promotion.get_or_insert_with(|| Promotion {
                table,
                branch,
                first: row.pk.to_vec(),
                last: Vec::new(),
                rows: 0,
                since: now,
            });
            promotion.last = row.pk.to_vec();
            promotion.rows += 1;
        }
        drop(kv);
        let Some(mut promotion) = promotion else {
            return Ok(0);
        };
        let copied = promotion.rows;
        let mut promotions = core.cold.promotions.lock();
        if let Some(before) = promotions.get(&promotion.place()) {
            // What that says of rows behind these must not be lost.
            promotion.rows += before.rows;
            promotion.last = promotion.last.max(before.last.clone());
        }
        batch.put(Keyspace::Meta, &promotion.key(), &promotion.encode());
        core.kv.apply(batch)?;
        promotions.insert(promotion.place(), promotion);
        drop(promotions);
        core.cold.unsaved.store(true, Ordering::Release);
        // What the cache says of them is right for readers; the next write must see where they are.
        for row in (0..block.len()).filter_map(|at| block.row(at)) {
            core.cache.forget(&Probe::new(table, branch, row.pk));
        }
        Ok(copied)
    }

    /// Takes the copies of a promotion away that were not changed, and its record. Returns how many copies there were.
    ///
    /// # Errors
    /// As [`Promoter::promote`].
    pub fn demote(&mut self, promotion: &Promotion) -> Result<u64> {
        let marked = &self.marked;
        let core = &marked.core;
        let mut demoted = 0;
        let mut from = Bound::Included(promotion.first.clone());
        loop {
            let (copies, last) = self.copies((from, &promotion.last))?;
            core.between_commits(|_| {
                marked.still()?;
                let record = last.is_none().then_some(promotion);
                self.remove(&copies, record)
            })?;
            failpoint::hit("cold.demoted")?;
            demoted += copies.len() as u64;
            match last {
                Some(last) => from = Bound::Excluded(last),
                None => break,
            }
        }
        Ok(demoted)
    }

    /// The copies among the next keys, and the last of these keys if there may be more.
    #[allow(clippy::type_complexity, reason = "used once")]
    fn copies(
        &self,
        (from, upto): (Bound<Vec<u8>>, &[u8]),
    ) -> Result<(Vec<(Vec<u8>, Scn)>, Option<Vec<u8>>)> {
        let (core, table, branch) = (&self.marked.core, self.marked.table, self.marked.branch);
        let level = core.cold.level(table, branch);
        let kv = core.kv.snapshot();
        let keys = (from.as_ref().map(Vec::as_slice), Bound::Included(upto));
        let range = ObjectRange::new(table.0, branch, keys);
        let mut current = kv.scan(Keyspace::Current, range.bounds(), false)?;
        let mut copies = Vec::new();
        let mut last = None;
        for looked in 0..=TOGETHER {
            let Some((key, value)) = current.next()? else {
                return Ok((copies, None));
            };
            if looked == TOGETHER {
                break;
            }
            let pk = key.get(PREFIX..).unwrap_or_default().to_vec();
            let stored = Stored::decode(value)?;
            let (begin, is_row) = (stored.scn, stored.row.is_some());
            if is_row && self.is_in_segment(level.as_deref(), &pk, begin)? {
                copies.push((pk.clone(), begin));
            }
            last = Some(pk);
        }
        Ok((copies, last))
    }

    /// Whether a segment has this version of the key, and counts.
    fn is_in_segment(&self, level: Option<&Level>, pk: &[u8], begin: Scn) -> Result<bool> {
        for part in level.iter().flat_map(|level| level.covering(pk)) {
            let rows = self.marked.core.cold.rows(part)?;
            let place = rows.find(pk)?;
            let Some(place) = place.filter(|place| *place < part.info.adopted) else {
                continue;
            };
            let mut head = ColdBlock::default();
            rows.heads(place, 1, &mut head)?;
            if head.row(0).is_some_and(|row| row.begin == begin) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes those copies away that are still as they were. Segments do not change meanwhile but for those that go with
    /// their table.
    fn remove(&self, copies: &[(Vec<u8>, Scn)], record: Option<&Promotion>) -> Result<()> {
        let (core, table, branch) = (&self.marked.core, self.marked.table, self.marked.branch);
        let kv = core.kv.snapshot();
        let mut batch = Batch::new();
        let mut key = Vec::new();
        for (pk, begin) in copies {
            if matches!(newest_in(&*kv, table, branch, pk)?, Newest::Row(at, _) if at == *begin) {
                keys::object_key(&mut key, table.0, branch, pk);
                batch.delete(Keyspace::Current, &key);
            }
        }
        drop(kv);
        if let Some(record) = record {
            batch.delete(Keyspace::Meta, &record.key());
        }
        core.kv.apply(batch)?;
        if let Some(record) = record {
            core.cold.promotions.lock().remove(&record.place());
        }
        core.cold.unsaved.store(true, Ordering::Release);
        for (pk, _) in copies {
            core.cache.forget(&Probe::new(table, branch, pk));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards the stored bytes: databases written by this version must stay readable.
    #[test]
    fn golden_bytes() {
        let promotion = Promotion {
            table: TableId(1000),
            branch: BranchId(2),
            first: b"a".to_vec(),
            last: b"az".to_vec(),
            rows: 64,
            since: 300,
        };
        assert_eq!(promotion.key(), b"\x0f\0\0\x03\xe8\0\0\0\x02a");
        let value = promotion.encode();
        assert_eq!(value, b"\xac\x02\x40az");
        let read = Promotion::decode(&promotion.key()[1..], &value).unwrap();
        assert_eq!(read, promotion);
        for cut in 0..=3 {
            assert!(Promotion::decode(&promotion.key()[1..], &value[..cut]).is_err());
        }
    }
}
