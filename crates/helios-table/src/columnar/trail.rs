//! Many keys of a segment, looked for in ascending order.
//!
//! Numbers, dates and times are compared as they lie in the columns of a chunk, which scans keep decoded; of
//! other keys 1,024 at a time are encoded as bytes. The next key is looked for as far on as the last one was from the one before; from there
//! the steps double, so that near ones are found quickly, and far ones are not looked for one by one.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
    UInt32Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Int16Array, Int32Array, Int64Array,
    Time64MicrosecondArray, TimestampMicrosecondArray, UInt32Array,
};
use helios_base::{DataType, Result};

use super::descriptor::KeyForm;
use super::rows::SegmentRows;

/// Keys that were so near each other are found from where the last one was.
const NEAR: usize = 4;

/// What stands before the bytes of a key column that is not `NULL`.
const PRESENT: u8 = 1;

/// Where somebody is who looks for keys.
#[derive(Default)]
pub(super) struct Trail {
    chunk: Option<Chunk>,
    /// The key that was looked for last, as numbers.
    wanted: Vec<i64>,
}

/// A chunk of the segment, or a part of one.
struct Chunk {
    number: usize,
    rows: Range<usize>,
    keys: Keys,
    /// The first row that the key looked for last does not follow.
    at: usize,
    /// How far that was from the one before.
    step: usize,
}

enum Keys {
    Numbers(Vec<Numbers>),
    Bytes(Arc<BinaryArray>),
}

/// A column of keys.
enum Numbers {
    Int2(Int16Array),
    Int4(Int32Array),
    Int8(Int64Array),
    Oid(UInt32Array),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Timestamp(TimestampMicrosecondArray),
    /// Row numbers, whose keys are their bytes.
    Hidden(Int64Array),
}

impl SegmentRows {
    /// The place of a key.
    pub(super) fn trail_place(&self, pk: &[u8], trail: &mut Trail) -> Result<Option<u64>> {
        let is_in = |chunk: &Chunk| match &chunk.keys {
            Keys::Numbers(_) => self.part_end(chunk.number).is_some_and(|end| pk <= end),
            Keys::Bytes(keys) => keys.len() > 0 && pk <= keys.value(keys.len() - 1),
        };
        if !trail.chunk.as_ref().is_some_and(is_in) {
            trail.chunk = self.keys_from(pk)?;
        }
        let Some(chunk) = &mut trail.chunk else {
            return self.near_place(pk);
        };
        let count = chunk.rows.len();
        let is_it = match &chunk.keys {
            Keys::Numbers(columns) => {
                if !numbers_of(pk, columns, &mut trail.wanted) {
                    return self.near_place(pk);
                }
                let wanted = trail.wanted.as_slice();
                let below = |row: usize| order(columns, row, wanted).is_lt();
                (chunk.at, chunk.step) = leap(chunk.at, chunk.step, count, below);
                chunk.at < count && order(columns, chunk.at, wanted).is_eq()
            }
            Keys::Bytes(keys) => {
                let below = |row: usize| keys.value(row) < pk;
                (chunk.at, chunk.step) = leap(chunk.at, chunk.step, count, below);
                chunk.at < count && keys.value(chunk.at) == pk
            }
        };
        Ok(is_it.then(|| self.place_of(chunk.number, chunk.rows.start + chunk.at)))
    }

    /// The last key of a chunk, or of a page of the key order.
    fn part_end(&self, part: usize) -> Option<&[u8]> {
        if self.is_clustered() {
            let page = self.segment().order().get(part)?;
            return Some(&page.last);
        }
        self.key_end(part)
    }

    /// The last key of a chunk.
    fn key_end(&self, chunk: usize) -> Option<&[u8]> {
        let keys = self.segment().chunks().get(chunk)?.keys.as_ref()?;
        Some(&keys.max)
    }

    /// The keys among which one is if it is there; `None` where it is better looked for alone.
    fn keys_from(&self, pk: &[u8]) -> Result<Option<Chunk>> {
        let is_clustered = self.is_clustered();
        if !self.segment().is_ordered() && !is_clustered {
            return Ok(None);
        }
        let count = match is_clustered {
            true => self.segment().order().len(),
            false => self.segment().chunks().len(),
        };
        let before = |number: usize| self.part_end(number).is_some_and(|end| end < pk);
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            match before(middle) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        if low == count {
            return Ok(None);
        }
        let rows = self.keys_in(low);
        if let Some(columns) = self.numbers(low)? {
            return Ok(Some(Chunk {
                number: low,
                rows: 0..rows,
                keys: Keys::Numbers(columns),
                at: 0,
                step: 0,
            }));
        }
        self.group_from(pk)
    }

    fn group_from(&self, pk: &[u8]) -> Result<Option<Chunk>> {
        let keys = self.keys_near(pk)?;
        Ok(keys.map(|(number, rows, keys)| Chunk {
            number,
            rows,
            keys: Keys::Bytes(keys),
            at: 0,
            step: 0,
        }))
    }

    /// Which of these rows of a chunk has the key, looked up in columns that are kept decoded; `None` if they are not, or
    /// hold other keys than numbers.
    pub(super) fn row_at_hand(
        &self,
        chunk: usize,
        rows: &Range<usize>,
        pk: &[u8],
    ) -> Result<Option<Option<usize>>> {
        let places = self.key_places();
        let is_at_hand = |place: &usize| self.segment().has_column(chunk, *place);
        if self.is_clustered() || !places.iter().all(is_at_hand) {
            return Ok(None);
        }
        let Some(columns) = self.numbers(chunk)? else {
            return Ok(None);
        };
        let mut wanted = Vec::with_capacity(columns.len());
        if !numbers_of(pk, &columns, &mut wanted) {
            return Ok(None);
        }
        let (mut low, mut high) = (rows.start, rows.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match order(&columns, middle, &wanted) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return Ok(Some(Some(middle))),
                Ordering::Greater => high = middle,
            }
        }
        Ok(Some(None))
    }

    /// The columns of a chunk's keys, or of a page's, if these are numbers.
    fn numbers(&self, chunk: usize) -> Result<Option<Vec<Numbers>>> {
        let is_hidden = match &self.descriptor().key {
            KeyForm::Columns(positions) => {
                let columns = &self.descriptor().columns;
                let ty = |at: &usize| columns.get(*at).map(|(_, form)| &form.ty);
                if !positions.iter().all(|at| ty(at).is_some_and(is_number)) {
                    return Ok(None);
                }
                false
            }
            KeyForm::Number => true,
            KeyForm::Bytes => return Ok(None),
        };
        let columns = self.key_places().into_iter().map(|place| {
            let array = match self.is_clustered() {
                true => self.segment().order_column(chunk, place),
                false => self.segment().column(chunk, place),
            };
            let array = array.map_err(|error| self.placed(error))?;
            Ok(Numbers::of(&array, is_hidden))
        });
        columns.collect()
    }
}

/// How the key of a row compares with another.
#[inline]
fn order(columns: &[Numbers], row: usize, wanted: &[i64]) -> Ordering {
    for (column, wanted) in columns.iter().zip(wanted) {
        let order = column.value(row).cmp(wanted);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

/// Whether values of the type are numbers in columns, which those of [`Numbers`] hold.
fn is_number(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::Int2
            | DataType::Int4
            | DataType::Int8
            | DataType::Oid
            | DataType::Date
            | DataType::Time(_)
            | DataType::Timestamp(_)
            | DataType::TimestampTz(_)
    )
}

impl Numbers {
    /// `None` if it holds others.
    fn of(array: &ArrayRef, is_hidden: bool) -> Option<Self> {
        if array.null_count() > 0 {
            return None;
        }
        let int2 = || {
            array
                .as_primitive_opt::<Int16Type>()
                .cloned()
                .map(Self::Int2)
        };
        let int4 = || {
            array
                .as_primitive_opt::<Int32Type>()
                .cloned()
                .map(Self::Int4)
        };
        let int8 = || {
            let long = array.as_primitive_opt::<Int64Type>().cloned();
            long.map(if is_hidden { Self::Hidden } else { Self::Int8 })
        };
        let oid = || {
            array
                .as_primitive_opt::<UInt32Type>()
                .cloned()
                .map(Self::Oid)
        };
        let date = || {
            array
                .as_primitive_opt::<Date32Type>()
                .cloned()
                .map(Self::Date)
        };
        let time = || {
            array
                .as_primitive_opt::<Time64MicrosecondType>()
                .cloned()
                .map(Self::Time)
        };
        let timestamp = || {
            let moment = array.as_primitive_opt::<TimestampMicrosecondType>();
            moment.cloned().map(Self::Timestamp)
        };
        int4()
            .or_else(int8)
            .or_else(int2)
            .or_else(oid)
            .or_else(date)
            .or_else(time)
            .or_else(timestamp)
    }

    /// The value in a row, as a number in the order of the keys; rows beyond the last have the least.
    #[inline]
    fn value(&self, row: usize) -> i64 {
        let value = match self {
            Self::Int2(values) => values.values().get(row).map(|value| i64::from(*value)),
            Self::Int4(values) => values.values().get(row).map(|value| i64::from(*value)),
            Self::Date(values) => values.values().get(row).map(|value| i64::from(*value)),
            Self::Oid(values) => values.values().get(row).map(|value| i64::from(*value)),
            Self::Int8(values) => values.values().get(row).copied(),
            Self::Time(values) => values.values().get(row).copied(),
            Self::Timestamp(values) => values.values().get(row).copied(),
            Self::Hidden(values) => values.values().get(row).map(|value| *value ^ i64::MIN),
        };
        value.unwrap_or(i64::MIN)
    }

    /// Takes the column's part off a key, as a number in the order of the keys.
    #[inline]
    fn take(&self, key: &mut &[u8]) -> Option<i64> {
        if !matches!(self, Self::Hidden(_)) {
            *key = key.strip_prefix(&[PRESENT])?;
        }
        match self {
            Self::Int2(_) => array(key).map(|b| i64::from(i16::from_be_bytes(b) ^ i16::MIN)),
            Self::Int4(_) | Self::Date(_) => {
                array(key).map(|b| i64::from(i32::from_be_bytes(b) ^ i32::MIN))
            }
            Self::Int8(_) | Self::Time(_) | Self::Timestamp(_) | Self::Hidden(_) => {
                array(key).map(|b| i64::from_be_bytes(b) ^ i64::MIN)
            }
            Self::Oid(_) => array(key).map(|b| i64::from(u32::from_be_bytes(b))),
        }
    }
}

fn array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// The parts of a key; false if it is none of these columns.
#[inline]
fn numbers_of(mut pk: &[u8], columns: &[Numbers], out: &mut Vec<i64>) -> bool {
    out.clear();
    for column in columns {
        match column.take(&mut pk) {
            Some(number) => out.push(number),
            None => return false,
        }
    }
    pk.is_empty()
}

/// The first row from `from` on of which `below` does not hold, or `rows`.
#[inline]
fn gallop(from: usize, rows: usize, below: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (from, 1);
    while low + step <= rows && below(low + step - 1) {
        low += step;
        step *= 2;
    }
    between(low, (low + step - 1).min(rows), below)
}

/// As [`gallop`], beginning `step` rows on; and how far it is from `from`.
#[inline]
fn leap(from: usize, step: usize, rows: usize, below: impl Fn(usize) -> bool) -> (usize, usize) {
    let guess = from.saturating_add(step);
    let found = if step < NEAR || guess >= rows {
        gallop(from, rows, below)
    } else if below(guess) {
        gallop(guess + 1, rows, below)
    } else {
        let (mut high, mut back) = (guess, 1);
        loop {
            if high - from <= back {
                break between(from, high, below);
            }
            if below(high - back) {
                break between(high - back + 1, high, below);
            }
            high -= back;
            back *= 2;
        }
    };
    (found, found - from)
}

/// The first row from `low` on of which `below` does not hold, or `high`.
#[inline]
fn between(mut low: usize, mut high: usize, below: impl Fn(usize) -> bool) -> usize {
    while low < high {
        let middle = low + (high - low) / 2;
        match below(middle) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_end_where_they_should() {
        for rows in 0..40 {
            for from in 0..=rows {
                for end in from..=rows {
                    let below = |row: usize| {
                        assert!(row < rows);
                        row < end
                    };
                    assert_eq!(gallop(from, rows, below), end, "{from} {rows}");
                    for step in 0..=rows + 1 {
                        let found = leap(from, step, rows, below);
                        assert_eq!(found, (end, end - from), "{from} {step} {rows}");
                    }
                }
            }
        }
    }
}
