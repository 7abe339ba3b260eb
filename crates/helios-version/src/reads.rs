//! What a serializable transaction has read, to be validated at commit.
//!
//! Every commit after the snapshot must have left alone each key that was read and each range that
//! was scanned. An index range is kept as a range of entries: a commit that brings a row into it
//! writes an entry there; one that takes a row out changes a row that was read by key, for the row
//! is the judge of every entry.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;

use helios_base::{IndexId, Result, TableId};

use crate::row::Bounds;
use crate::writes::{BroughtKeys, WriteSet};

/// Keys of one table that are remembered one by one; above it the whole table counts as read.
const POINTS_MAX: usize = 100_000;
/// Ranges of one table or index that are remembered one by one.
const RANGES_MAX: usize = 10_000;

type Range = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// What was read of one table or index.
#[derive(Default)]
struct Object {
    points: HashSet<Box<[u8]>>,
    ranges: Vec<Range>,
    all: bool,
}

impl Object {
    fn add_point(&mut self, key: &[u8]) {
        if self.all || self.points.contains(key) {
            return;
        }
        if self.points.len() >= POINTS_MAX {
            self.take_all();
        } else {
            self.points.insert(key.into());
        }
    }

    fn add_range(&mut self, range: Bounds<'_>) {
        if self.all {
            return;
        }
        let whole = matches!(range, (Bound::Unbounded, Bound::Unbounded));
        if whole || self.ranges.len() >= RANGES_MAX {
            self.take_all();
        } else {
            self.ranges
                .push((range.0.map(<[u8]>::to_vec), range.1.map(<[u8]>::to_vec)));
        }
    }

    /// Whether rows of these keys change what was read.
    fn meets(&self, keys: &BroughtKeys) -> Result<bool> {
        if self.all {
            return Ok(true);
        }
        let BroughtKeys::Vacant(list) = keys else {
            return Ok(!self.ranges.is_empty());
        };
        for range in &self.ranges {
            if list.touches(as_bounds(range))? {
                return Ok(true);
            }
        }
        for point in &self.points {
            if list.contains(point)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn take_all(&mut self) {
        self.all = true;
        self.points = HashSet::new();
        self.ranges = Vec::new();
    }
}

/// What a transaction has read.
#[derive(Default)]
pub(crate) struct ReadSet {
    tables: HashMap<TableId, Object>,
    indexes: BTreeMap<IndexId, Object>,
}

impl ReadSet {
    pub(crate) fn add_row(&mut self, table: TableId, pk: &[u8]) {
        self.tables.entry(table).or_default().add_point(pk);
    }

    pub(crate) fn add_rows(&mut self, table: TableId, range: Bounds<'_>) {
        self.tables.entry(table).or_default().add_range(range);
    }

    pub(crate) fn add_entries(&mut self, index: IndexId, range: Bounds<'_>) {
        self.indexes.entry(index).or_default().add_range(range);
    }

    /// Whether these writes change what was read.
    pub(crate) fn conflicts_with(&self, writes: &WriteSet) -> Result<bool> {
        for (&table, object) in &self.tables {
            for keys in writes.brought(table) {
                if object.meets(keys)? {
                    return Ok(true);
                }
            }
            if !writes.has_rows(table) {
                continue;
            }
            if object.all {
                return Ok(true);
            }
            for range in &object.ranges {
                if writes.touches_rows(table, as_bounds(range))? {
                    return Ok(true);
                }
            }
            for point in &object.points {
                if writes.wrote_row(table, point)? {
                    return Ok(true);
                }
            }
        }
        for (&index, object) in &self.indexes {
            if !writes.has_entries(index) {
                continue;
            }
            if object.all {
                return Ok(true);
            }
            for range in &object.ranges {
                if writes.touches_entries(index, as_bounds(range))? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

fn as_bounds(range: &Range) -> Bounds<'_> {
    (
        range.0.as_ref().map(Vec::as_slice),
        range.1.as_ref().map(Vec::as_slice),
    )
}
