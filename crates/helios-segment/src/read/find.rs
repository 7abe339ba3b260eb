//! Point lookups: range, then filter, then sparse index, then the key columns of 1,024 rows.

use std::ops::Range;

use arrow_array::{Array, BinaryArray};

use super::segment::Segment;
use crate::CHUNK_ROWS;
use crate::error::{Error, Result};
use crate::format::meta::{BlockAt, Keys};
use crate::key::KeyEncoder;
use crate::key::bloom::{self, Bloom};
use crate::key::sparse::{STRIDE, SparseIndex};

/// What lookups in a chunk need; kept once read, about 1.5 bytes per row and 64 keys.
#[derive(Debug)]
pub(super) struct Lookup {
    bloom: Bloom,
    index: Option<SparseIndex>,
}

impl Segment {
    /// The rows of `key`, ascending, as chunk × 65,536 + row: several if the segment holds several
    /// versions of a row. SCNs are not looked at.
    ///
    /// # Errors
    /// Invalid if the schema has no key; damaged; the encoder's; the source's.
    pub fn find(&self, key: &[u8], encoder: &dyn KeyEncoder) -> Result<Vec<u64>> {
        if self.schema().key().is_empty() {
            return Err(Error::invalid("the segment has no key to look up by"));
        }
        let chunks = self.chunks();
        // Chunks in key order are searched, others looked through.
        let from = if self.is_ordered() {
            chunks.partition_point(|chunk| {
                chunk
                    .keys
                    .as_ref()
                    .is_some_and(|keys| keys.max.as_slice() < key)
            })
        } else {
            0
        };
        let hash = bloom::hash(key);
        let mut found = Vec::new();
        for (number, chunk) in chunks.iter().enumerate().skip(from) {
            let Some(keys) = &chunk.keys else {
                continue;
            };
            if key < keys.min.as_slice() {
                if self.is_ordered() {
                    break;
                }
                continue;
            }
            if key <= keys.max.as_slice() {
                self.find_in(number, keys, key, hash, encoder, &mut found)?;
            }
        }
        Ok(found)
    }

    /// Chunk and row of the first row whose key is not before `key`; one chunk beyond the last if there is
    /// none. Of a segment in key order.
    ///
    /// # Errors
    /// As [`find`](Segment::find); invalid if rows are not in key order.
    pub fn lower_bound(&self, key: &[u8], encoder: &dyn KeyEncoder) -> Result<(usize, usize)> {
        let Some((number, keys)) = self.chunk_with(key)? else {
            return Ok((self.chunks().len(), 0));
        };
        if key <= keys.min.as_slice() {
            return Ok((number, 0));
        }
        let total = self.chunk(number)?.rows as usize;
        let rows = match &self.lookup(number, keys)?.index {
            Some(index) => {
                let groups = index.groups(key);
                groups.start * STRIDE..(groups.end * STRIDE).min(total)
            }
            None => 0..total,
        };
        let start = rows.start;
        let keys = self.encoded_keys(number, rows, encoder)?;
        let row = start + partition(keys.len(), |row| keys.value(row) < key);
        // The last key is not before: it is in this chunk.
        Ok((number, row.min(total.saturating_sub(1))))
    }

    /// Chunk and rows among which `key` is, if it is there at all: for who keeps the keys of such rows. `None` if it
    /// is not; whether it [may be there](Segment::may_have) is not asked. Of a segment in key order, each key once.
    ///
    /// # Errors
    /// As [`lower_bound`](Segment::lower_bound).
    pub fn locate(&self, key: &[u8]) -> Result<Option<(usize, Range<usize>)>> {
        let Some((number, keys)) = self.chunk_with(key)? else {
            return Ok(None);
        };
        if key < keys.min.as_slice() {
            return Ok(None);
        }
        let lookup = self.lookup(number, keys)?;
        Ok(Some((number, self.group(number, lookup, key)?)))
    }

    /// Whether a chunk may have `key`; most others it tells.
    ///
    /// # Errors
    /// As [`find`](Segment::find).
    pub fn may_have(&self, chunk: usize, key: &[u8]) -> Result<bool> {
        match &self.chunk(chunk)?.keys {
            Some(keys) => {
                let lookup = self.lookup(chunk, keys)?;
                Ok(lookup.bloom.may_contain(bloom::hash(key)))
            }
            None => Ok(true),
        }
    }

    /// Chunk and rows of which the last one's successor at the latest is the first row whose key is not before
    /// `key`; `None` if there is none. Of a segment in key order, each key once.
    ///
    /// # Errors
    /// As [`lower_bound`](Segment::lower_bound).
    pub fn locate_bound(&self, key: &[u8]) -> Result<Option<(usize, Range<usize>)>> {
        let Some((number, keys)) = self.chunk_with(key)? else {
            return Ok(None);
        };
        if key <= keys.min.as_slice() {
            return Ok(Some((number, 0..0)));
        }
        let lookup = self.lookup(number, keys)?;
        Ok(Some((number, self.group(number, lookup, key)?)))
    }

    /// The first key of every `rows` rows of each chunk, ascending, or of each chunk where that is not known.
    /// `rows` is a multiple of 1,024. Of a segment in key order.
    ///
    /// # Errors
    /// As [`lower_bound`](Segment::lower_bound).
    pub fn keys_of_every(&self, rows: usize) -> Result<Vec<Vec<u8>>> {
        if !self.is_ordered() {
            return Err(Error::invalid("the segment is not in the order of its key"));
        }
        let mut found = Vec::new();
        for (number, chunk) in self.chunks().iter().enumerate() {
            let Some(keys) = &chunk.keys else { continue };
            found.push(keys.min.clone());
            let total = chunk.rows as usize;
            if rows >= total {
                continue;
            }
            if let Some(index) = &self.lookup(number, keys)?.index {
                let inner = (rows..total).step_by(rows.max(STRIDE));
                let first = inner.filter_map(|row| index.first_of(row / STRIDE));
                found.extend(first.map(<[u8]>::to_vec));
            }
        }
        Ok(found)
    }

    /// The first chunk whose keys do not all come before `key`.
    fn chunk_with(&self, key: &[u8]) -> Result<Option<(usize, &Keys)>> {
        if !self.is_ordered() {
            return Err(Error::invalid("the segment is not in the order of its key"));
        }
        let before =
            |keys: &Option<Keys>| keys.as_ref().is_some_and(|keys| keys.max.as_slice() < key);
        let number = self.chunks().partition_point(|chunk| before(&chunk.keys));
        let Some(chunk) = self.chunks().get(number) else {
            return Ok(None);
        };
        let keys = chunk.keys.as_ref();
        let keys = keys.ok_or_else(|| Error::damaged("a chunk in key order without keys"))?;
        Ok(Some((number, keys)))
    }

    /// The rows from the last indexed key on that is not after `key`.
    fn group(&self, chunk: usize, lookup: &Lookup, key: &[u8]) -> Result<Range<usize>> {
        let total = self.chunk(chunk)?.rows as usize;
        Ok(match &lookup.index {
            Some(index) => {
                let group = index.groups(key).end.saturating_sub(1);
                group * STRIDE..((group + 1) * STRIDE).min(total)
            }
            None => 0..total,
        })
    }

    fn find_in(
        &self,
        chunk: usize,
        keys: &Keys,
        key: &[u8],
        hash: u64,
        encoder: &dyn KeyEncoder,
        found: &mut Vec<u64>,
    ) -> Result<()> {
        let lookup = self.lookup(chunk, keys)?;
        if !lookup.bloom.may_contain(hash) {
            return Ok(());
        }
        let total = self.chunk(chunk)?.rows as usize;
        let rows = match &lookup.index {
            Some(index) => {
                let groups = index.groups(key);
                groups.start * STRIDE..(groups.end * STRIDE).min(total)
            }
            None => 0..total,
        };
        if rows.is_empty() {
            return Ok(());
        }
        let base = chunk as u64 * CHUNK_ROWS as u64 + rows.start as u64;
        let keys = self.encoded_keys(chunk, rows, encoder)?;
        if lookup.index.is_some() {
            let end = partition(keys.len(), |row| keys.value(row) <= key);
            let start = partition(end, |row| keys.value(row) < key);
            found.extend((start..end).map(|row| base + row as u64));
        } else {
            let equal = (0..keys.len()).filter(|row| keys.value(*row) == key);
            found.extend(equal.map(|row| base + row as u64));
        }
        Ok(())
    }

    /// The keys of some rows of a chunk.
    ///
    /// # Errors
    /// As [`find`](Segment::find).
    pub fn encoded_keys(
        &self,
        chunk: usize,
        rows: Range<usize>,
        encoder: &dyn KeyEncoder,
    ) -> Result<BinaryArray> {
        let columns = self
            .schema()
            .key()
            .iter()
            .map(|column| self.column_rows(chunk, *column, rows.clone()))
            .collect::<Result<Vec<_>>>()?;
        let keys = encoder.keys(&columns)?;
        if keys.len() == rows.len() {
            Ok(keys)
        } else {
            Err(Error::invalid("not one key per row"))
        }
    }

    fn lookup(&self, chunk: usize, keys: &Keys) -> Result<&Lookup> {
        let slot = self
            .lookups
            .get(chunk)
            .ok_or_else(|| Error::invalid(format!("chunk {chunk}")))?;
        if let Some(lookup) = slot.get() {
            return Ok(lookup);
        }
        // Two threads may both read it; one result is kept.
        let lookup = self.read_lookup(chunk, keys)?;
        Ok(slot.get_or_init(|| lookup))
    }

    fn read_lookup(&self, chunk: usize, keys: &Keys) -> Result<Lookup> {
        let placed = |part: &str, at: &BlockAt, error: Error| {
            error.at(&self.place(chunk, Some(part), Some(at)))
        };
        let bloom = self
            .bytes(&keys.bloom)
            .and_then(|bytes| Bloom::from_bytes(&bytes))
            .map_err(|error| placed("key filter", &keys.bloom, error))?;
        let rows = self.chunk(chunk)?.rows as usize;
        let read = |at: &BlockAt| {
            let index = SparseIndex::from_bytes(&self.bytes(at)?)?;
            if index.len() == rows.div_ceil(STRIDE) {
                Ok(index)
            } else {
                Err(Error::damaged(format!(
                    "{} entries for {rows} rows",
                    index.len()
                )))
            }
        };
        let index = match &keys.index {
            Some(at) => Some(read(at).map_err(|error| placed("key index", at, error))?),
            None => None,
        };
        Ok(Lookup { bloom, index })
    }

    /// Whether the lookup structures of a chunk are sound.
    pub(super) fn check_keys(&self, chunk: usize) -> Result<()> {
        match &self.chunk(chunk)?.keys {
            Some(keys) => self.read_lookup(chunk, keys).map(drop),
            None => Ok(()),
        }
    }
}

/// The first of `rows` rows of which `below` does not hold, or `rows`.
fn partition(rows: usize, below: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, rows);
    while low < high {
        let middle = low + (high - low) / 2;
        if below(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}
