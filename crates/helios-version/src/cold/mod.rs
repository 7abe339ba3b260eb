//! The cold level: immutable sets of rows below `Current` and `History` of a branch.
//!
//! A *segment* holds rows of one table on one branch in key order, each with the number of the commit that
//! wrote it. What `Current` and `History` of a branch say of a key counts before what its segments say, as what a child
//! says counts before what its parent says: an update or a deletion of a cold row is written beside it and
//! shadows it, and a reader from before finds it where it was. So segments are never changed, need no list of
//! dead rows, and are shared by child branches through the link to the parent.
//!
//! Freezing ([`Freeze`](crate::Freeze)) copies rows without history into a segment and then takes them
//! out of `Current`, a few at a time. Each step is one batch, between commits, in the state store and
//! nowhere else: freezing changes nothing that anybody can see, so a crash that loses steps loses
//! nothing. Only the first rows of a segment, as many as its manifest says, are *adopted*: they count; the others are
//! still in `Current`.
//!
//! Thawing ([`Thaw`](crate::Thaw)) is the reverse, in steps of the same kind. Promotion ([`Promoter`](crate::Promoter)) copies
//! rows that are read often back and leaves the segment as it is.
//!
//! A commit of many rows may bring them along as segments ([`Txn::load`](crate::Txn::load)): then all begin with
//! it, which the file does not know and the manifest does.
//!
//! **Invariants:**
//! - A key is in at most one segment of a table on a branch.
//! - A tombstone in `Current` goes only when no segment of the branch has the key.
//! - On a branch that has segments of a table, or is freezing, tombstones do enter its `History`, also
//!   without a parent: a gap says nothing of what is below.
//! - Applying a commit never fails for a segment's sake: a damaged one hurts those who read it, and nobody
//!   else. At most a deletion looks for its key, and leaves a tombstone where it cannot; recovery, which
//!   opens no segment, always does.

mod ages;
mod compact;
mod freeze;
mod level;
mod load;
mod lookup;
mod manifest;
mod promote;
mod retire;
mod thaw;

use std::path::PathBuf;
use std::sync::Arc;

use helios_base::{Error, Result, Scn};

use crate::row::ShowRow;

pub(crate) use ages::Ages;
pub use compact::Compaction;
pub use freeze::{Adoption, Freeze, Frozen};
pub(crate) use level::{ColdLevel, Level, Part};
pub use manifest::SegmentInfo;
pub use promote::{Promoter, Promotion};
pub use thaw::Thaw;

/// Opens segments: the layer above knows their format and where they are.
pub trait Cold: Send + Sync {
    /// Opens a segment, for any number of readers.
    ///
    /// # Errors
    /// `Io` when it is not there, `Corrupt` when it is damaged; naming it.
    fn open(&self, segment: &SegmentInfo) -> Result<Arc<dyn ColdRows>>;

    /// Where the segment's file is, if it has one.
    fn file(&self, segment: &SegmentInfo) -> Option<PathBuf>;

    /// Nothing refers to the segment any more, nor will after a crash.
    fn remove(&self, segment: &SegmentInfo);
}

/// Where somebody is who looks for keys of a segment, as the segment sees it.
pub type Trail = Option<Box<dyn std::any::Any + Send>>;

/// Where somebody is among the segments of a table who looks for many keys in ascending order, one table at a time.
#[derive(Default)]
pub struct KeyTrail {
    segment: u64,
    trail: Trail,
}

impl KeyTrail {
    /// The place of a key in a segment.
    fn find(&mut self, segment: u64, rows: &dyn ColdRows, pk: &[u8]) -> Result<Option<u64>> {
        if self.segment != segment {
            (self.segment, self.trail) = (segment, None);
        }
        rows.find_next(pk, &mut self.trail)
    }
}

/// The rows of one segment. A row's *place* is how many keys are before its own.
pub trait ColdRows: Send + Sync {
    /// Whether rows are stored in the order of their places. Of others a scan in that order takes no
    /// stretches, and many are better read at a time.
    fn is_in_order(&self) -> bool {
        true
    }

    /// The place of a key, if it is there.
    ///
    /// # Errors
    /// `Io`, `Corrupt`, naming the segment.
    fn find(&self, pk: &[u8]) -> Result<Option<u64>>;

    /// The place of the first key at or after `pk`; the number of rows if there is none.
    ///
    /// # Errors
    /// As [`ColdRows::find`].
    fn seek(&self, pk: &[u8]) -> Result<u64>;

    /// The place of a key, as [`ColdRows::find`], for who looks for many in ascending order: `trail` is empty at first,
    /// belongs to this segment from then on, and tells where the key before was.
    ///
    /// # Errors
    /// As [`ColdRows::find`].
    fn find_next(&self, pk: &[u8], trail: &mut Trail) -> Result<Option<u64>> {
        let _ = trail;
        self.find(pk)
    }

    /// Appends up to `count` rows from place `from` on; fewer at the end, or where it suits the format, but at
    /// least one if there is one.
    ///
    /// # Errors
    /// As [`ColdRows::find`].
    fn read(&self, from: u64, count: usize, rows: &mut ColdBlock) -> Result<()>;

    /// As [`ColdRows::read`], but what belongs to a key may be left out.
    ///
    /// # Errors
    /// As [`ColdRows::find`].
    fn heads(&self, from: u64, count: usize, rows: &mut ColdBlock) -> Result<()> {
        self.read(from, count, rows)
    }

    /// Shows the row with a key if its place is before `upto`; false if there is none.
    ///
    /// # Errors
    /// As [`ColdRows::find`], and those of `visit`.
    fn show(&self, pk: &[u8], upto: u64, visit: &mut ShowRow<'_>) -> Result<bool> {
        let Some(place) = self.find(pk)?.filter(|place| *place < upto) else {
            return Ok(false);
        };
        let mut block = ColdBlock::default();
        self.read(place, 1, &mut block)?;
        match block.row(0) {
            Some(row) if row.pk == pk => visit(row).map(|()| true),
            _ => Err(Error::corrupt(
                "a segment does not have the row that its index names",
            )),
        }
    }

    /// Keys at which what is read together begins, ascending: where a scan is best cut; with `fine` some between
    /// them as well. There may be none.
    ///
    /// # Errors
    /// As [`ColdRows::find`].
    fn cuts(&self, fine: bool) -> Result<Vec<Vec<u8>>> {
        let _ = fine;
        Ok(Vec::new())
    }

    /// Everything that is wrong with the stored bytes, one line each; empty if nothing.
    fn verify(&self) -> Vec<String>;

    /// As what it is, for the layer above.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Consecutive rows of a segment, decoded.
#[derive(Clone, Debug, Default)]
pub struct ColdBlock {
    bytes: Vec<u8>,
    /// Where each key and each row end.
    ends: Vec<(usize, usize)>,
    begins: Vec<Scn>,
}

impl ColdBlock {
    /// Adds a row: `write` appends its key, then its stored form, and tells where the key ended.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn push(
        &mut self,
        begin: Scn,
        write: impl FnOnce(&mut Vec<u8>) -> Result<usize>,
    ) -> Result<()> {
        let key = write(&mut self.bytes)?;
        self.ends.push((key, self.bytes.len()));
        self.begins.push(begin);
        Ok(())
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.begins.clear();
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.begins.len()
    }

    /// What it takes in memory.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
            + self.ends.capacity() * size_of::<(usize, usize)>()
            + self.begins.capacity() * size_of::<Scn>()
    }

    /// Gives back memory that no row takes.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.begins.shrink_to_fit();
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.begins.is_empty()
    }

    /// Key, begin and stored form of row `at`.
    #[inline]
    #[must_use]
    pub fn row(&self, at: usize) -> Option<crate::RowRef<'_>> {
        let start = match at.checked_sub(1) {
            Some(before) => self.ends.get(before)?.1,
            None => 0,
        };
        let (key, end) = *self.ends.get(at)?;
        Some(crate::RowRef {
            pk: self.bytes.get(start..key)?,
            begin: *self.begins.get(at)?,
            row: self.bytes.get(key..end)?,
        })
    }
}
