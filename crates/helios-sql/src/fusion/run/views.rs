//! Groups of rows, told apart by the views of strings, numbers and dates.
//!
//! A value of up to twelve bytes is all in its view, and equal strings of a decoded dictionary have one view, so that a
//! row's group is mostly found by comparing numbers, in a table of the keys that were met last. What is not there is
//! looked for by what is in its columns.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewBuilder, Date32Array, Int16Array, Int32Array, Int64Array,
    StringViewBuilder,
};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{DataType as ArrowType, Date32Type, Int16Type, Int32Type, Int64Type};
use datafusion::common::hash_utils::RandomState;
use datafusion::common::{Result as DfResult, internal_datafusion_err, internal_err};

/// Columns of a group, at most.
pub(super) const COLUMNS: usize = 3;

/// Keys that are remembered at first, and at most; powers of two.
const RECENT: usize = 1 << 12;
const RECENT_MOST: usize = 1 << 16;

/// So many groups are few, however often there are new ones.
const FEW: usize = 1024;

/// Groups, and bytes of their columns, at most.
const MOST: usize = 1 << 18;
const MOST_BYTES: usize = 16 << 20;

/// Bytes of strings that lie together.
const BLOCK: u32 = 1 << 20;

/// After so many rows each time it counts how often a key was not remembered.
const PROVEN: usize = 1 << 15;

/// Groups that were met.
pub(super) struct Groups {
    recent: Recent,
    known: Known,
    /// The types of the columns.
    types: Vec<ArrowType>,
    /// Rows of late, and those whose keys were not remembered.
    rows: usize,
    strange: usize,
    /// What is in the columns of a row.
    bytes: Vec<u8>,
}

impl Groups {
    /// By columns of these types.
    pub(super) fn new(types: Vec<ArrowType>) -> Self {
        Self {
            recent: Recent::new(types.len()),
            known: Known::default(),
            types,
            rows: 0,
            strange: 0,
            bytes: Vec::new(),
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.known.hashes.len()
    }

    /// Bytes that are held, about.
    pub(super) fn bytes(&self) -> usize {
        self.recent.slots.len() * size_of::<u128>() + self.known.bytes.len() + 32 * self.count()
    }

    /// The group of each row; false, and there are no groups of its rows, if another way would be quicker from here on.
    pub(super) fn find(&mut self, columns: &[ArrayRef], of: &mut Vec<usize>) -> DfResult<bool> {
        of.clear();
        let before = self.count();
        let found = match columns.len() {
            1 => self.rows::<1>(columns, of)?,
            2 => self.rows::<2>(columns, of)?,
            COLUMNS => self.rows::<COLUMNS>(columns, of)?,
            _ => return internal_err!("groups of another number of columns"),
        };
        if !found {
            self.known.truncate(before);
            return Ok(false);
        }
        self.recent.grow(self.count());
        Ok(true)
    }

    fn rows<const N: usize>(
        &mut self,
        columns: &[ArrayRef],
        of: &mut Vec<usize>,
    ) -> DfResult<bool> {
        self.recent.renew(columns);
        let rows = columns.first().map_or(0, |column| column.len());
        let columns: Option<Vec<Column<'_>>> = columns.iter().map(Column::of).collect();
        let Some(columns) = columns.and_then(|columns| <[Column<'_>; N]>::try_from(columns).ok())
        else {
            return internal_err!("groups of another type");
        };
        of.reserve(rows);
        let mut last: Option<([u128; N], u32)> = None;
        for row in 0..rows {
            let key: [u128; N] = std::array::from_fn(|at| match columns.get(at) {
                Some(column) => column.part(row),
                None => NULL,
            });
            if let Some((before, group)) = &last
                && is_same(before, &key)
            {
                of.push(*group as usize);
                continue;
            }
            let slot = self.recent.slot(&key);
            if let Some(group) = self.recent.get(slot, &key) {
                last = Some((key, group));
                of.push(group as usize);
                continue;
            }
            self.strange += 1;
            self.bytes.clear();
            for column in &columns {
                column.put(row, &mut self.bytes);
            }
            let group = self.known.find(&self.bytes);
            if self.count() > MOST || self.known.bytes.len() > MOST_BYTES {
                return Ok(false);
            }
            self.recent.set(slot, &key, group);
            of.push(group as usize);
        }
        self.rows += rows;
        if self.rows < PROVEN {
            return Ok(true);
        }
        let is_worth = self.count() <= FEW || self.strange * 2 < self.rows;
        (self.rows, self.strange) = (0, 0);
        Ok(is_worth)
    }

    /// The group of the values at these places of the columns.
    pub(super) fn find_one(&mut self, columns: &[ArrayRef], places: &[usize]) -> Option<usize> {
        self.bytes.clear();
        for (column, place) in columns.iter().zip(places) {
            Column::of(column)?.put(*place, &mut self.bytes);
        }
        Some(self.known.find(&self.bytes) as usize)
    }

    /// The values of all groups, by column.
    pub(super) fn values(&self) -> DfResult<Vec<ArrayRef>> {
        let count = self.count();
        let mut parts: Vec<&[u8]> = (0..count).map(|group| self.known.get(group)).collect();
        let columns = self.types.iter().map(|ty| column(ty, &mut parts));
        columns.collect()
    }
}

/// The next column of groups, each of which loses it.
fn column(ty: &ArrowType, groups: &mut [&[u8]]) -> DfResult<ArrayRef> {
    let number = |group: &mut &[u8]| -> Option<i64> {
        let (tag, rest) = group.split_first()?;
        *group = rest;
        let (part, rest) = rest.split_first_chunk::<16>().filter(|_| *tag > 0)?;
        *group = rest;
        Some(u128::from_le_bytes(*part) as i64)
    };
    let groups = groups.iter_mut();
    Ok(match ty {
        ArrowType::Utf8View => {
            let mut strings =
                StringViewBuilder::with_capacity(groups.len()).with_fixed_block_size(BLOCK);
            for group in groups {
                let text = bytes(group)?.map(std::str::from_utf8).transpose();
                strings.append_option(text.map_err(|error| internal_datafusion_err!("{error}"))?);
            }
            Arc::new(strings.finish())
        }
        ArrowType::BinaryView => {
            let mut all =
                BinaryViewBuilder::with_capacity(groups.len()).with_fixed_block_size(BLOCK);
            for group in groups {
                all.append_option(bytes(group)?);
            }
            Arc::new(all.finish())
        }
        ArrowType::Int16 => Arc::new(
            groups
                .map(|group| number(group).map(|n| n as i16))
                .collect::<Int16Array>(),
        ),
        ArrowType::Int32 => Arc::new(
            groups
                .map(|group| number(group).map(|n| n as i32))
                .collect::<Int32Array>(),
        ),
        ArrowType::Int64 => Arc::new(groups.map(number).collect::<Int64Array>()),
        ArrowType::Date32 => Arc::new(
            groups
                .map(|group| number(group).map(|n| n as i32))
                .collect::<Date32Array>(),
        ),
        other => return internal_err!("groups of {other}"),
    })
}

/// The next column of a group, a string or bytes, which it loses.
fn bytes<'a>(group: &mut &'a [u8]) -> DfResult<Option<&'a [u8]>> {
    let Some((tag, rest)) = group.split_first() else {
        return internal_err!("a group without a column");
    };
    *group = rest;
    if *tag == 0 {
        return Ok(None);
    }
    let Some((length, rest)) = rest.split_first_chunk::<8>() else {
        return internal_err!("a group without a length");
    };
    let Some((text, rest)) = rest.split_at_checked(u64::from_le_bytes(*length) as usize) else {
        return internal_err!("a group without a string");
    };
    *group = rest;
    Ok(Some(text))
}

/// Keys that were met last and their groups, each where its hash says.
struct Recent {
    columns: usize,
    /// Keys, each with its group behind it: in one place, which the processor fetches at once.
    slots: Vec<u128>,
    /// What views in the keys refer to, by column. It is kept so that no other strings come to lie there.
    buffers: Vec<Vec<Buffer>>,
}

impl Recent {
    fn new(columns: usize) -> Self {
        Self {
            columns,
            slots: vec![NULL; RECENT * (columns + 1)],
            buffers: vec![Vec::new(); columns],
        }
    }

    /// Forgets all keys if views of these columns refer to something else.
    fn renew(&mut self, columns: &[ArrayRef]) {
        let mut is_same = true;
        for (known, column) in self.buffers.iter_mut().zip(columns) {
            let now = buffers(column);
            let same = known.len() == now.len() && known.iter().zip(now).all(|(a, b)| a.ptr_eq(b));
            if !same {
                is_same = false;
                *known = now.to_vec();
            }
        }
        if !is_same {
            self.slots.fill(NULL);
        }
    }

    fn len(&self) -> usize {
        self.slots.len() / (self.columns + 1)
    }

    /// Makes room for the keys of so many groups.
    fn grow(&mut self, groups: usize) {
        let now = self.len();
        if groups * 2 > now && now < RECENT_MOST {
            let room = (groups * 4).next_power_of_two().min(RECENT_MOST);
            self.slots = vec![NULL; room * (self.columns + 1)];
        }
    }

    /// Where a key belongs.
    #[inline]
    fn slot<const N: usize>(&self, key: &[u128; N]) -> usize {
        let mix = |hash: u64, part: &u128| {
            let part = *part as u64 ^ ((*part >> 64) as u64).rotate_left(31);
            (hash ^ part)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
        };
        let hash = key.iter().fold(0, mix).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let mask = self.slots.len() / (N + 1) - 1;
        ((hash >> 32) as usize & mask) * (N + 1)
    }

    #[inline]
    fn get<const N: usize>(&self, slot: usize, key: &[u128; N]) -> Option<u32> {
        let (known, group) = self
            .slots
            .get(slot..slot + N + 1)?
            .split_first_chunk::<N>()?;
        let group = group.first()?;
        (is_same(known, key) && *group != NULL).then_some(*group as u32)
    }

    fn set<const N: usize>(&mut self, slot: usize, key: &[u128; N], group: u32) {
        if let Some(known) = self.slots.get_mut(slot..slot + N + 1)
            && let Some((known, known_group)) = known.split_first_chunk_mut::<N>()
            && let Some(known_group) = known_group.first_mut()
        {
            *known = *key;
            *known_group = u128::from(group);
        }
    }
}

/// What views of a column refer to.
fn buffers(column: &ArrayRef) -> &[Buffer] {
    let strings = column.as_string_view_opt();
    let strings = strings.map(|strings| strings.data_buffers());
    let bytes = column.as_binary_view_opt();
    let bytes = bytes.map(|bytes| bytes.data_buffers());
    strings.or(bytes).unwrap_or_default()
}

/// Compared part by part: as a whole they would be compared by a call.
#[inline]
fn is_same<const N: usize>(a: &[u128; N], b: &[u128; N]) -> bool {
    a.iter().zip(b).fold(true, |same, (a, b)| same & (a == b))
}

/// No group.
const NONE: u32 = u32::MAX;

/// All groups by what is in their columns, with open addressing.
#[derive(Default)]
struct Known {
    hasher: RandomState,
    /// What is in the columns of each group, one after the other, and where it ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
    hashes: Vec<u64>,
    slots: Vec<u32>,
}

impl Known {
    /// The group of these columns, perhaps a new one.
    fn find(&mut self, bytes: &[u8]) -> u32 {
        if (self.hashes.len() + 1) * 2 > self.slots.len() {
            self.grow();
        }
        let hash = self.hasher.hash_one(bytes);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        while let Some(slot) = self.slots.get(at).filter(|slot| **slot != NONE) {
            let group = *slot as usize;
            if self.hashes.get(group) == Some(&hash) && self.get(group) == bytes {
                return *slot;
            }
            at = (at + 1) & mask;
        }
        let group = self.hashes.len() as u32;
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = group;
        }
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
        self.hashes.push(hash);
        group
    }

    fn get(&self, group: usize) -> &[u8] {
        let end = |group: usize| self.ends.get(group).copied().unwrap_or_default();
        let start = group.checked_sub(1).map_or(0, end);
        self.bytes.get(start..end(group)).unwrap_or_default()
    }

    fn grow(&mut self) {
        let room = (self.slots.len() * 4).max(1024);
        let mask = room - 1;
        self.slots.clear();
        self.slots.resize(room, NONE);
        for (group, hash) in self.hashes.iter().enumerate() {
            let mut at = *hash as usize & mask;
            while self.slots.get(at).is_some_and(|slot| *slot != NONE) {
                at = (at + 1) & mask;
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = group as u32;
            }
        }
    }

    /// Leaves the first groups, of which nothing is looked for afterwards.
    fn truncate(&mut self, groups: usize) {
        self.hashes.truncate(groups);
        self.slots.fill(NONE);
    }
}

/// In the place of `NULL`: no view is that, for its string would be too long, and no number.
const NULL: u128 = u128::MAX;

/// A column that groups are told apart by.
struct Column<'a> {
    array: &'a ArrayRef,
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

enum Values<'a> {
    Views(&'a [u128]),
    Short(&'a [i16]),
    Middle(&'a [i32]),
    Long(&'a [i64]),
}

impl<'a> Column<'a> {
    fn of(array: &'a ArrayRef) -> Option<Self> {
        let values = match array.data_type() {
            ArrowType::Utf8View => Values::Views(array.as_string_view_opt()?.views()),
            ArrowType::BinaryView => Values::Views(array.as_binary_view_opt()?.views()),
            ArrowType::Int16 => Values::Short(array.as_primitive_opt::<Int16Type>()?.values()),
            ArrowType::Int32 => Values::Middle(array.as_primitive_opt::<Int32Type>()?.values()),
            ArrowType::Int64 => Values::Long(array.as_primitive_opt::<Int64Type>()?.values()),
            ArrowType::Date32 => Values::Middle(array.as_primitive_opt::<Date32Type>()?.values()),
            _ => return None,
        };
        Some(Self {
            array,
            values,
            nulls: array.nulls().filter(|nulls| nulls.null_count() > 0),
        })
    }

    #[inline]
    fn part(&self, row: usize) -> u128 {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return NULL;
        }
        let number = |value: i64| u128::from(value as u64);
        match self.values {
            Values::Views(views) => views.get(row).copied().unwrap_or(NULL),
            Values::Short(values) => values
                .get(row)
                .map_or(NULL, |value| number((*value).into())),
            Values::Middle(values) => values
                .get(row)
                .map_or(NULL, |value| number((*value).into())),
            Values::Long(values) => values.get(row).map_or(NULL, |value| number(*value)),
        }
    }

    /// Adds the value to bytes that equal values have equal.
    fn put(&self, row: usize, out: &mut Vec<u8>) {
        let part = self.part(row);
        if part == NULL {
            out.push(0);
            return;
        }
        out.push(1);
        let strings = self.array.as_string_view_opt();
        let strings = strings.map(|strings| strings.value(row).as_bytes());
        let bytes = self.array.as_binary_view_opt();
        match strings.or_else(|| bytes.map(|bytes| bytes.value(row))) {
            Some(bytes) => {
                out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                out.extend_from_slice(bytes);
            }
            None => out.extend_from_slice(&part.to_le_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::array::{StringViewArray, UInt32Array};
    use arrow::compute::take;

    use super::*;

    /// A batch of a text and a number per row. Equal texts have one view if they are of a dictionary.
    fn batch(seed: usize, rows: usize, texts: usize, is_coded: bool) -> Vec<ArrayRef> {
        let text = |number: usize| match number % texts {
            0 => None,
            1 => Some(String::new()),
            number if number % 2 == 0 => Some(format!("{number}")),
            number => Some(format!("a text of more than twelve bytes: {number}")),
        };
        let numbers = (0..rows).map(|row| (row * 7919 + seed) % texts);
        let strings: ArrayRef = if is_coded {
            let all: StringViewArray = (0..texts).map(text).collect();
            let places: UInt32Array = numbers.clone().map(|number| Some(number as u32)).collect();
            take(&all, &places, None).unwrap()
        } else {
            Arc::new(numbers.clone().map(text).collect::<StringViewArray>())
        };
        let column = numbers.map(|number| (number % 3 > 0).then_some(number as i64 / 5));
        vec![strings, Arc::new(column.collect::<Int64Array>())]
    }

    type Row = (Option<String>, Option<i64>);

    fn row(columns: &[ArrayRef], row: usize) -> Row {
        let (texts, numbers) = (columns[0].as_string_view(), &columns[1]);
        let numbers = numbers.as_primitive::<Int64Type>();
        let text = texts.is_valid(row).then(|| texts.value(row).to_owned());
        (text, numbers.is_valid(row).then(|| numbers.value(row)))
    }

    #[test]
    fn equal_rows_have_one_group_in_batches_of_any_kind() {
        for texts in [5, 300, 6000] {
            let mut groups = Groups::new(vec![ArrowType::Utf8View, ArrowType::Int64]);
            let mut known: HashMap<Row, usize> = HashMap::new();
            let mut of = Vec::new();
            for seed in 0..40 {
                let columns = batch(seed, 4096, texts, seed % 4 > 0);
                let whole: Vec<ArrayRef> = match seed % 3 {
                    0 => columns,
                    _ => columns.iter().map(|c| c.slice(1000, 2000)).collect(),
                };
                if !groups.find(&whole, &mut of).unwrap() {
                    assert!(texts > 300 && seed > 3, "{texts}");
                    break;
                }
                assert_eq!(of.len(), whole[0].len());
                for (at, group) in of.iter().enumerate() {
                    assert_eq!(*known.entry(row(&whole, at)).or_insert(*group), *group);
                }
                assert_eq!(known.len(), groups.count());
            }
            let values = groups.values().unwrap();
            for (wanted, group) in &known {
                if *group < values[0].len() {
                    assert_eq!(row(&values, *group), *wanted);
                }
            }
        }
    }

    #[test]
    fn where_rows_are_groups_of_their_own_it_ends() {
        let mut groups = Groups::new(vec![ArrowType::Utf8View, ArrowType::Int64]);
        let mut of = Vec::new();
        assert!(groups.find(&batch(1, 3000, 100, false), &mut of).unwrap());
        let mut seed = 0;
        let before = loop {
            let count = groups.count();
            let all_new = batch(seed, 8192, 7919 * 8192, false);
            if !groups.find(&all_new, &mut of).unwrap() {
                break count;
            }
            seed += 1;
            assert!(seed < 8);
        };
        assert_eq!(groups.count(), before);
        assert_eq!(groups.values().unwrap()[0].len(), before);
    }

    #[test]
    fn without_rows_there_are_no_groups() {
        let mut groups = Groups::new(vec![ArrowType::Utf8View, ArrowType::Int64]);
        assert!(
            groups
                .find(&batch(0, 0, 5, false), &mut Vec::new())
                .unwrap()
        );
        assert_eq!(groups.count(), 0);
    }
}
