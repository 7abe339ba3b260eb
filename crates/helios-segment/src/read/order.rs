//! Rows in the order of their keys, where they lie in another.
//!
//! A page tells of up to 65,536 keys that follow each other where their rows are, and has an index as chunks in key
//! order have theirs.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_schema::DataType;

use super::opens::Opens;
use super::segment::Segment;
use crate::codec::{Block, codec};
use crate::error::{Error, Result};
use crate::format::meta::{BlockAt, OrderPage};
use crate::key::sparse::{STRIDE, SparseIndex};
use crate::narrow::widen;

/// The part of a page, for the cache of columns; other parts are columns and begins.
const PART: u32 = u32::MAX - 1;

impl Segment {
    /// The pages of the order of keys; none if rows lie in it.
    pub fn order(&self) -> &[OrderPage] {
        &self.footer().order
    }

    /// Where the rows of a page's keys are, as numbers of rows in the segment; kept if there is room.
    ///
    /// # Errors
    /// Damaged, naming the page; an invalid page; the source's.
    pub fn order_page(&self, page: usize) -> Result<UInt32Array> {
        let at = self.page(page)?;
        let decode = || {
            let inner = || -> Result<ArrayRef> {
                let name = &at.places.codec;
                let codec = codec(name)
                    .ok_or_else(|| Error::too_new(format!("codec \"{name}\" is not known")))?;
                let array = codec.decompress(&Block {
                    bytes: self.bytes(&at.places.block)?,
                    encodings: Arc::clone(&at.places.encodings),
                    ty: DataType::UInt32,
                    rows: at.rows as usize,
                    nullable: false,
                })?;
                let rows = u32::try_from(self.rows()).unwrap_or(u32::MAX);
                let places = array.as_primitive_opt::<UInt32Type>();
                match places {
                    Some(places)
                        if places.len() == at.rows as usize
                            && places.null_count() == 0
                            && places.values().iter().all(|place| *place < rows) =>
                    {
                        Ok(array)
                    }
                    _ => Err(Error::damaged("not a row of the segment for each key")),
                }
            };
            inner().map_err(|error| self.of_page(page, "key order", &at.places.block, error))
        };
        let array = match self.opened() {
            Some(Opens { columns, id, .. }) => columns.get_or((*id, page as u32, PART), decode)?,
            None => decode()?,
        };
        let places = array.as_primitive_opt::<UInt32Type>().cloned();
        places.ok_or_else(|| Error::damaged("another array than that of a key order"))
    }

    /// A column in the order of the keys of a page; kept if there is room.
    ///
    /// # Errors
    /// As [`order_page`](Segment::order_page); damaged, naming the column.
    pub fn order_column(&self, page: usize, column: usize) -> Result<ArrayRef> {
        let gather = || {
            let places = self.order_page(page)?;
            let mut starts = Vec::with_capacity(self.chunks().len());
            let mut arrays = Vec::with_capacity(self.chunks().len());
            let mut rows = 0;
            for (number, chunk) in self.chunks().iter().enumerate() {
                starts.push(rows);
                rows += chunk.rows;
                arrays.push(widen(&self.column(number, column)?)?);
            }
            let at = places.values().iter().map(|place| {
                let chunk = starts.partition_point(|start| start <= place);
                let chunk = chunk.saturating_sub(1);
                let start = starts.get(chunk).copied().unwrap_or(0);
                (chunk, (place - start) as usize)
            });
            let at: Vec<(usize, usize)> = at.collect();
            let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
            Ok(arrow_select::interleave::interleave(&arrays, &at)?)
        };
        match self.opened() {
            Some(Opens { columns, id, .. }) => {
                // The parts before are taken.
                let part = PART - 1 - column as u32;
                match columns.get(&(*id, page as u32, part)) {
                    Some(known) => Ok(known),
                    // Without a turn: it takes those of the columns that it is made of.
                    None => columns.keep((*id, page as u32, part), gather()?),
                }
            }
            None => gather(),
        }
    }

    /// Page and keys of it among which `key` is, if it is there at all. `None` if it is not; whether it
    /// [may be there](Segment::may_be_anywhere) is not asked.
    ///
    /// # Errors
    /// Damaged; the source's.
    pub fn order_locate(&self, key: &[u8]) -> Result<Option<(usize, Range<usize>)>> {
        let located = self.order_bound(key)?;
        Ok(located.filter(|(_, keys)| !keys.is_empty()))
    }

    /// Page and keys of it of which the last one's successor at the latest is the first that is not before `key`; `None` if
    /// there is none.
    ///
    /// # Errors
    /// Damaged; the source's.
    pub fn order_bound(&self, key: &[u8]) -> Result<Option<(usize, Range<usize>)>> {
        let pages = self.order();
        let page = pages.partition_point(|page| page.last.as_slice() < key);
        let Some(at) = pages.get(page) else {
            return Ok(None);
        };
        let groups = self.order_index(page)?.groups(key);
        let Some(group) = groups.end.checked_sub(1) else {
            return Ok(Some((page, 0..0)));
        };
        let end = ((group + 1) * STRIDE).min(at.rows as usize);
        Ok(Some((page, group * STRIDE..end)))
    }

    /// Whether some chunk may have `key`; of most others it is told.
    ///
    /// # Errors
    /// As [`find`](Segment::find).
    pub fn may_be_anywhere(&self, key: &[u8]) -> Result<bool> {
        for (number, chunk) in self.chunks().iter().enumerate() {
            let Some(keys) = &chunk.keys else {
                return Ok(true);
            };
            if keys.min.as_slice() <= key
                && key <= keys.max.as_slice()
                && self.may_have(number, key)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn page(&self, page: usize) -> Result<&OrderPage> {
        let pages = self.order();
        let found = pages.get(page);
        found.ok_or_else(|| Error::invalid(format!("page {page} of {}", pages.len())))
    }

    fn order_index(&self, page: usize) -> Result<&SparseIndex> {
        let slot = self.pages.get(page);
        let slot = slot.ok_or_else(|| Error::invalid(format!("page {page}")))?;
        if let Some(index) = slot.get() {
            return Ok(index);
        }
        let at = self.page(page)?;
        let read = || {
            let index = SparseIndex::from_bytes(&self.bytes(&at.index)?)?;
            match index.len() == (at.rows as usize).div_ceil(STRIDE) {
                true => Ok(index),
                false => Err(Error::damaged(format!(
                    "{} entries for {} keys",
                    index.len(),
                    at.rows
                ))),
            }
        };
        // Two threads may both read it; one result is kept.
        let index = read().map_err(|error| self.of_page(page, "key index", &at.index, error))?;
        Ok(slot.get_or_init(|| index))
    }

    fn of_page(&self, page: usize, what: &str, at: &BlockAt, error: Error) -> Error {
        let mut place = self.place(0, Some(&format!("{what}, page {page}")), Some(at));
        place.chunk = None;
        error.at(&place)
    }

    /// Whether the pages have each row once, and their indexes are sound.
    pub(super) fn check_order(&self) -> Vec<Error> {
        let mut faults = Vec::new();
        if self.order().is_empty() {
            return faults;
        }
        let mut found = vec![false; usize::try_from(self.rows()).unwrap_or(0)];
        let mut is_whole = true;
        for (page, at) in self.order().iter().enumerate() {
            faults.extend(self.order_index(page).err());
            let places = match self.order_page(page) {
                Ok(places) => places,
                Err(error) => {
                    faults.push(error);
                    is_whole = false;
                    continue;
                }
            };
            for place in places.values() {
                let twice = (found.get_mut(*place as usize))
                    .is_none_or(|found| std::mem::replace(found, true));
                if twice {
                    let error = Error::damaged(format!("row {place} is there twice"));
                    faults.push(self.of_page(page, "key order", &at.places.block, error));
                    is_whole = false;
                    break;
                }
            }
        }
        if is_whole && found.contains(&false) {
            faults.push(Error::damaged("the key order lacks rows"));
        }
        faults
    }
}
