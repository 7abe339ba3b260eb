//! Reading segments whose rows lie in another order than that of their keys.
//!
//! Places are those of keys all the same: what the store knows of a segment does not depend on how its rows lie. The key
//! order of the segment tells in which chunk the row of a place is.

use std::ops::Range;

use arrow_array::builder::BinaryBuilder;
use arrow_array::{BinaryArray, RecordBatch, UInt64Array};
use helios_base::{Error, Result};

use super::cluster::key_of;
use super::form::Cells;
use super::rows::SegmentRows;

/// Of so many rows of a chunk or more the begins of all are read.
const MANY: usize = 16;

/// Rows from several chunks.
pub(super) struct Gathered {
    /// Of each chunk, what was read, and when these rows began, if they have not begun together.
    pub(super) parts: Vec<(RecordBatch, Option<UInt64Array>)>,
    /// For each wanted row its part, and which of that it is.
    pub(super) rows: Vec<(u32, u32)>,
}

impl SegmentRows {
    /// Whether rows lie in another order than that of their keys.
    #[must_use]
    pub fn is_clustered(&self) -> bool {
        !self.segment().order().is_empty()
    }

    /// Where the rows of these keys of a page lie: chunk, and row of that.
    pub(super) fn lying_at(&self, page: usize, keys: Range<usize>) -> Result<Vec<(usize, usize)>> {
        let places = self.segment().order_page(page);
        let places = places.map_err(|error| self.placed(error))?;
        let places = places.values().get(keys).unwrap_or_default().iter();
        Ok(places
            .map(|place| self.chunk_of(u64::from(*place)))
            .collect())
    }

    /// The rows of these keys of a page, with these columns.
    pub(super) fn gather(
        &self,
        page: usize,
        keys: Range<usize>,
        columns: &[usize],
        with_begins: bool,
    ) -> Result<Gathered> {
        let places = self.lying_at(page, keys)?;
        let mut wanted: Vec<Vec<u32>> = vec![Vec::new(); self.segment().chunks().len()];
        let mut rows = Vec::with_capacity(places.len());
        for (chunk, row) in places {
            let of_chunk = wanted.get_mut(chunk);
            let of_chunk = of_chunk.ok_or_else(|| Error::internal("a chunk that is not there"))?;
            rows.push((chunk as u32, of_chunk.len() as u32));
            of_chunk.push(row as u32);
        }
        let mut parts = Vec::new();
        let mut part_of = vec![0; wanted.len()];
        for (chunk, wanted) in wanted.iter().enumerate() {
            if wanted.is_empty() {
                continue;
            }
            let batch = self.segment().take(chunk, wanted, columns);
            let batch = batch.map_err(|error| self.placed(error))?;
            let begins = match with_begins {
                true => self.begins_at(chunk, wanted)?,
                false => None,
            };
            if let Some(part) = part_of.get_mut(chunk) {
                *part = parts.len() as u32;
            }
            parts.push((batch, begins));
        }
        for (part, _) in &mut rows {
            *part = part_of.get(*part as usize).copied().unwrap_or(0);
        }
        Ok(Gathered { parts, rows })
    }

    fn begins_at(&self, chunk: usize, rows: &[u32]) -> Result<Option<UInt64Array>> {
        if rows.len() >= MANY {
            let all = self.begins(chunk, 0..self.rows_of(chunk))?;
            return Ok(all.map(|all| {
                let begins = rows.iter().map(|row| all.values().get(*row as usize));
                UInt64Array::from_iter_values(begins.map(|begin| begin.copied().unwrap_or(0)))
            }));
        }
        let mut begins = Vec::with_capacity(rows.len());
        for row in rows {
            let row = *row as usize;
            match self.begins(chunk, row..row + 1)? {
                Some(begin) => begins.extend_from_slice(begin.values()),
                None => return Ok(None),
            }
        }
        Ok(Some(UInt64Array::from(begins)))
    }

    /// These keys of a page.
    pub(super) fn gather_keys(&self, page: usize, keys: Range<usize>) -> Result<BinaryArray> {
        let mut columns = Vec::new();
        for place in self.key_places() {
            let column = self.segment().order_column(page, place);
            let column = column.map_err(|error| self.placed(error))?;
            columns.push(column.slice(keys.start, keys.len()));
        }
        let cells = self.key_cells(&columns)?;
        let cells: Vec<&Cells> = cells.iter().collect();
        let mut found = BinaryBuilder::with_capacity(keys.len(), 0);
        let mut key = Vec::new();
        for row in 0..keys.len() {
            key.clear();
            self.push_key(&cells, row, &mut key)?;
            found.append_value(&key);
        }
        Ok(found.finish())
    }

    /// What a scan in the order of the file reads of these places, of which only those count that have a bit in
    /// `kept`, if there is any: rows, and which of them count.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    ///
    /// # Cost
    /// Nothing where rows lie in the order of their keys or all of them count; otherwise the key order is read.
    pub fn lying(
        &self,
        places: Range<u64>,
        kept: Option<Vec<u64>>,
    ) -> Result<(Range<u64>, Option<Vec<u64>>)> {
        let all = 0..self.segment().rows();
        if !self.is_clustered() || (kept.is_none() && places == all) {
            return Ok((places, kept));
        }
        let words = usize::try_from(all.end.div_ceil(64)).unwrap_or(0);
        // Whole segments have few rows that do not count, narrow ranges few that do.
        let is_whole = places == all;
        let mut bits = vec![if is_whole { u64::MAX } else { 0 }; words];
        let counts = |place: u64| {
            let Some(at) = place.checked_sub(places.start) else {
                return false;
            };
            place < places.end
                && kept.as_ref().is_none_or(|kept| {
                    let word = usize::try_from(at / 64).ok().and_then(|at| kept.get(at));
                    word.is_some_and(|word| word & (1 << (at % 64)) != 0)
                })
        };
        let mut first = 0;
        for (page, at) in self.segment().order().iter().enumerate() {
            let end = first + u64::from(at.rows);
            let (mut place, upto) = (first.max(places.start), end.min(places.end));
            if place < upto {
                let rows = self.segment().order_page(page);
                let rows = rows.map_err(|error| self.placed(error))?;
                while place < upto {
                    let word = usize::try_from((place - places.start) / 64).ok();
                    let all_count =
                        || word.and_then(|word| kept.as_ref()?.get(word)) == Some(&u64::MAX);
                    if is_whole && place.is_multiple_of(64) && place + 64 <= upto && all_count() {
                        place += 64;
                        continue;
                    }
                    let row = rows.values().get((place - first) as usize);
                    if let Some(row) = row
                        && let Some(word) = bits.get_mut(*row as usize / 64)
                        && counts(place) != is_whole
                    {
                        *word ^= 1 << (row % 64);
                    }
                    place += 1;
                }
            }
            first = end;
        }
        Ok((all, Some(bits)))
    }

    /// What is wrong with the order in which rows lie.
    pub(super) fn check_clusters(&self) -> Result<Vec<String>> {
        let columns = self.descriptor().cluster_columns();
        let mut faults = Vec::new();
        if !self.is_clustered() {
            return Ok(faults);
        }
        if columns.is_empty() {
            faults.push("it is clustered by nothing".to_owned());
            return Ok(faults);
        }
        let hidden = usize::from(self.descriptor().key_form().is_some());
        let places: Vec<usize> = columns.iter().map(|(at, _)| at + hidden).collect();
        // The place of each row's key.
        let mut keys = vec![0; usize::try_from(self.segment().rows()).unwrap_or(0)];
        let mut next = 0u64;
        for page in 0..self.segment().order().len() {
            let rows = self.segment().order_page(page);
            for row in rows.map_err(|error| self.placed(error))?.values() {
                if let Some(key) = keys.get_mut(*row as usize) {
                    *key = next;
                }
                next += 1;
            }
        }
        let (mut greatest, mut at) = (None, 0u64);
        let (mut last, mut key) = (Vec::new(), Vec::new());
        for chunk in 0..self.segment().chunks().len() {
            let batch = self.segment().read(chunk, &places);
            let batch = batch.map_err(|error| self.placed(error))?;
            let cells = batch.columns().iter().zip(&columns);
            let cells = cells
                .map(|(array, (_, form))| Ok((Cells::new(form, array)?, form.clone())))
                .collect::<Result<Vec<_>>>()?;
            for row in 0..batch.num_rows() {
                key_of(&cells, row, &mut key)?;
                // Where all keys before come first a window may begin.
                let begins = greatest.is_none_or(|greatest: u64| greatest + 1 == at);
                if !begins && key < last {
                    faults.push(format!("row {row} of chunk {chunk} lies out of its order"));
                    return Ok(faults);
                }
                std::mem::swap(&mut last, &mut key);
                let place = keys.get(usize::try_from(at).unwrap_or(usize::MAX));
                greatest = greatest.max(place.copied());
                at += 1;
            }
        }
        Ok(faults)
    }
}
