//! Single rows of a segment, and what is kept so that the next ones near them are had quickly.
//!
//! A key is looked for among those of the 1,024 rows that the segment's sparse index leaves; these keys are
//! kept. The row is then read alone, each column's value by itself. When a second row of the same [`LEAF`] is
//! asked for, all rows of that are decoded and kept in the form that they have in the row store: who reads rows near
//! each other pays for decoding once, and who reads rows far from each other does not pay for their neighbours. Columns of
//! a chunk of which many rows were read, or that were scanned, are kept decoded as wholes (`helios_segment`).

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, BinaryArray};
use helios_base::{Error, Result};
use helios_segment::{BlockCache, Cache, ColumnCache};
use helios_version::{ColdBlock, ColdRows, RowRef};

use super::rows::SegmentRows;

/// Rows decoded together when one of them was read before.
pub(super) const LEAF: usize = 64;

/// Rows whose keys are read together: the segment's index knows the first of each.
const GROUP: usize = 1024;

/// Blocks are large: of few shards each takes one that is decoded.
const BLOCK_SHARDS: usize = 4;

/// Bytes at most for what is kept of single rows; the rest is for columns that were scanned.
const POINTS_MAX: usize = 64 << 20;

/// What is kept of all segments of a database, bounded in bytes.
pub(crate) struct Near {
    /// Columns that were scanned.
    pub(super) columns: Arc<ColumnCache>,
    /// Blocks of columns, ready for reading a few rows.
    pub(super) blocks: Arc<BlockCache>,
    kept: Cache<(u64, Place), Kept>,
}

impl Near {
    /// Forgets the columns of a segment that nobody reads any more. What is kept of single rows is little, and pushed out by others.
    pub(crate) fn forget(&self, segment: u64) {
        self.columns.forget(segment);
    }
}

/// The first row of what is kept, by its number in the segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Keys(u64),
    Rows(u64),
}

/// Chunk, rows in it, and their keys.
type Located = (usize, Range<usize>, Arc<BinaryArray>);

#[derive(Clone)]
enum Kept {
    Keys(Arc<BinaryArray>),
    Rows(Arc<ColdBlock>),
}

impl Near {
    /// In so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let points = (bytes / 2).min(POINTS_MAX);
        Self {
            columns: Arc::new(ColumnCache::new(bytes - points)),
            blocks: Arc::new(Cache::with_shards(points / 2, BLOCK_SHARDS)),
            kept: Cache::new(points / 2),
        }
    }
}

impl SegmentRows {
    /// The place of a key.
    pub(super) fn near_place(&self, pk: &[u8]) -> Result<Option<u64>> {
        let Some((chunk, rows)) = self.located(pk)? else {
            return Ok(None);
        };
        let kept = self.kept_keys(chunk, &rows);
        // Of columns that are at hand no keys need to be made.
        if kept.is_none()
            && let Some(row) = self.row_at_hand(chunk, &rows, pk)?
        {
            return Ok(row.map(|row| self.place_of(chunk, row)));
        }
        let Some(keys) = self.keys_of(pk, chunk, &rows, kept)? else {
            return Ok(None);
        };
        let row = partition(&keys, |key| key < pk);
        let is_it = row < keys.len() && keys.value(row) == pk;
        Ok(is_it.then(|| self.place_of(chunk, rows.start + row)))
    }

    /// The rows of a chunk among which `pk` is, if it is there.
    fn located(&self, pk: &[u8]) -> Result<Option<(usize, Range<usize>)>> {
        let located = match self.is_clustered() {
            true => self.segment().order_locate(pk),
            false => self.segment().locate(pk),
        };
        located.map_err(|error| self.placed(error))
    }

    /// The keys among which `pk` is, if it may be there, with their chunk and rows.
    pub(super) fn keys_near(&self, pk: &[u8]) -> Result<Option<Located>> {
        let Some((chunk, rows)) = self.located(pk)? else {
            return Ok(None);
        };
        let kept = self.kept_keys(chunk, &rows);
        let keys = self.keys_of(pk, chunk, &rows, kept)?;
        Ok(keys.map(|keys| (chunk, rows, keys)))
    }

    /// The keys of these rows, unless `pk` is certainly not among them.
    fn keys_of(
        &self,
        pk: &[u8],
        chunk: usize,
        rows: &Range<usize>,
        kept: Option<Arc<BinaryArray>>,
    ) -> Result<Option<Arc<BinaryArray>>> {
        if kept.is_some() {
            return Ok(kept);
        }
        // Decoding keys is worth a look whether it may be there.
        let may_have = match self.is_clustered() {
            true => self.segment().may_be_anywhere(pk),
            false => self.segment().may_have(chunk, pk),
        };
        if !may_have.map_err(|error| self.placed(error))? {
            return Ok(None);
        }
        self.read_keys(chunk, rows).map(Some)
    }

    /// The place of the first key at or after `pk`.
    pub(super) fn near_bound(&self, pk: &[u8]) -> Result<u64> {
        let located = match self.is_clustered() {
            true => self.segment().order_bound(pk),
            false => self.segment().locate_bound(pk),
        };
        let Some((chunk, rows)) = located.map_err(|error| self.placed(error))? else {
            return Ok(self.segment().rows());
        };
        if rows.is_empty() {
            return Ok(self.place_of(chunk, rows.start));
        }
        let keys = match self.kept_keys(chunk, &rows) {
            Some(keys) => keys,
            None => self.read_keys(chunk, &rows)?,
        };
        let row = partition(&keys, |key| key < pk);
        Ok(self.place_of(chunk, rows.start + row))
    }

    /// The keys of the group of 1,024 rows that these rows are in, and the first of that group, where there are
    /// such groups and all are in one.
    pub(super) fn keys_around(
        &self,
        chunk: usize,
        rows: &Range<usize>,
    ) -> Result<Option<(Arc<BinaryArray>, usize)>> {
        let first = rows.start - rows.start % GROUP;
        let end = (first + GROUP).min(self.keys_in(chunk));
        let has_groups = self.segment().is_ordered() || self.is_clustered();
        if !has_groups || rows.end > end {
            return Ok(None);
        }
        let group = first..end;
        let keys = match self.kept_keys(chunk, &group) {
            Some(keys) => keys,
            None => self.read_keys(chunk, &group)?,
        };
        Ok((keys.len() == group.len()).then_some((keys, first)))
    }

    /// The keys of these rows, if they are kept.
    fn kept_keys(&self, chunk: usize, rows: &Range<usize>) -> Option<Arc<BinaryArray>> {
        let at = (self.id(), Place::Keys(self.place_of(chunk, rows.start)));
        match self.near().kept.get(&at) {
            Some(Kept::Keys(keys)) => Some(keys),
            _ => None,
        }
    }

    /// The keys of these rows, kept from now on.
    fn read_keys(&self, chunk: usize, rows: &Range<usize>) -> Result<Arc<BinaryArray>> {
        let at = (self.id(), Place::Keys(self.place_of(chunk, rows.start)));
        let keys = match self.is_clustered() {
            true => self.gather_keys(chunk, rows.clone())?,
            false => {
                let keys = self.segment();
                let keys = keys.encoded_keys(chunk, rows.clone(), self.encoder());
                keys.map_err(|error| self.placed(error))?
            }
        };
        let keys = Arc::new(keys);
        let bytes = keys.value_data().len() + keys.len() * size_of::<i32>();
        let kept = Kept::Keys(Arc::clone(&keys));
        self.near().kept.put(at, kept, bytes);
        Ok(keys)
    }

    /// Shows the row at a place whose key is known.
    pub(super) fn show_near(
        &self,
        place: u64,
        pk: &[u8],
        visit: &mut dyn FnMut(RowRef<'_>) -> Result<()>,
    ) -> Result<()> {
        let (chunk, row) = self.place_in(place);
        self.heat().note(chunk, row);
        // Rows whose keys follow each other may lie far apart.
        let leaf_rows = if self.is_clustered() { 1 } else { LEAF };
        let first = row - row % leaf_rows;
        let at = (self.id(), Place::Rows(self.place_of(chunk, first)));
        let leaf = match self.near().kept.get(&at) {
            Some(Kept::Rows(leaf)) => leaf,
            // Nothing needs to be decoded of columns that are at hand.
            _ if self.show_ready(place, pk, visit)? => return Ok(()),
            _ if self.near().kept.again(&at) => {
                let mut leaf = ColdBlock::default();
                self.read(self.place_of(chunk, first), leaf_rows, &mut leaf)?;
                leaf.shrink();
                let leaf = Arc::new(leaf);
                let kept = Kept::Rows(Arc::clone(&leaf));
                self.near().kept.put(at, kept, leaf.memory());
                leaf
            }
            _ => {
                let mut one = ColdBlock::default();
                self.read(place, 1, &mut one)?;
                return visit(self.row_of(&one, 0, pk)?);
            }
        };
        visit(self.row_of(&leaf, row - first, pk)?)
    }

    fn row_of<'b>(&self, block: &'b ColdBlock, at: usize, pk: &[u8]) -> Result<RowRef<'b>> {
        let row = block.row(at).filter(|row| row.pk == pk);
        row.ok_or_else(|| {
            Error::corrupt(format!(
                "segment \"{}\" does not have the row that its index names",
                self.segment().label()
            ))
            .with_table(&self.descriptor().table)
        })
    }
}

/// How many keys come first for which `below` holds.
fn partition(keys: &BinaryArray, below: impl Fn(&[u8]) -> bool) -> usize {
    let (mut low, mut high) = (0, keys.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if below(keys.value(middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
