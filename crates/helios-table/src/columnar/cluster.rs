//! Tables that are clustered by other columns than their keys: `CLUSTER BY (…)`.
//!
//! Rows lie in a segment in the order of these columns, so that the least and greatest values of its chunks are near each
//! other and conditions on them leave few chunks to read. Segments themselves are cut by keys as ever. Rows
//! are put in order a *window* at a time, of which a segment usually has one.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, UInt32Array, UInt64Array};
use arrow_schema::DataType as ArrowType;
use helios_base::key::{self, KeyOrder};
use helios_base::row::{self, RowReader};
use helios_base::{DataType, Error, Result, SqlState};
use helios_segment::{Begin, CHUNK_ROWS, SegmentWriter, Sink};

use super::descriptor::Descriptor;
use super::form::{Cells, Form};
use super::from_segment;
use crate::catalog::TableDef;

/// The option of a table that names the columns.
pub const CLUSTER_BY: &str = "cluster_by";

/// Keys of a page of the segment's key order, and of an entry of its index.
const STRIDE: usize = 1024;

/// Rows of a window.
const WINDOW_ROWS: usize = 1 << 20;
/// Bytes of a window in memory.
const WINDOW_BYTES: usize = 256 << 20;

/// The names of columns, as the option has them.
///
/// # Errors
/// 42602 if it is no list of names.
pub(super) fn cluster_columns(value: &str) -> Result<Vec<String>> {
    let invalid = || {
        Error::new(
            SqlState::INVALID_NAME,
            format!("invalid list of columns: \"{value}\""),
        )
    };
    let mut names = Vec::new();
    let mut chars = value.chars().peekable();
    let skip = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
    };
    loop {
        let mut name = String::new();
        skip(&mut chars);
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next().ok_or_else(invalid)? {
                    '"' if chars.next_if_eq(&'"').is_some() => name.push('"'),
                    '"' => break,
                    c => name.push(c),
                }
            }
        } else {
            let part_of = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '$');
            while let Some(c) = chars.next_if(part_of) {
                name.extend(c.to_lowercase());
            }
        }
        if name.is_empty() || names.contains(&name) {
            return Err(invalid());
        }
        names.push(name);
        skip(&mut chars);
        match chars.next() {
            None => return Ok(names),
            Some(',') => {}
            Some(_) => return Err(invalid()),
        }
    }
}

/// These names as the option has them.
#[must_use]
pub fn cluster_option<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let plain = |name: &str| {
        let mut chars = name.chars();
        chars
            .next()
            .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
            && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let names = names.map(|name| match plain(name) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// Looks at the option for a table with these columns.
///
/// # Errors
/// 42602 if it is no list of names, 42703 for unknown columns, 0A000 for types whose values segments hold as opaque bytes.
pub fn check_cluster(value: &str, table: &str, columns: &[(&str, &DataType)]) -> Result<()> {
    for name in cluster_columns(value)? {
        let Some((_, ty)) = columns.iter().find(|(column, _)| *column == name) else {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{name}\" of relation \"{table}\" does not exist"),
            ));
        };
        if !has_order(&Form::of(ty), ty) {
            return Err(Error::unsupported(format!(
                "cannot cluster by column \"{name}\" of type {ty}"
            ))
            .with_hint(
                "Use columns of numbers, numeric(p,s), strings, dates, times or the like.",
            ));
        }
    }
    Ok(())
}

/// Takes into the options of a table that a column has another name, or is gone.
pub(crate) fn change_cluster(
    options: &mut BTreeMap<String, String>,
    column: &str,
    name: Option<&str>,
) {
    let Some(names) = options.get(CLUSTER_BY) else {
        return;
    };
    let names = cluster_columns(names).unwrap_or_default();
    let names = names.iter().filter_map(|known| match known == column {
        true => name,
        false => Some(known.as_str()),
    });
    let changed = cluster_option(names);
    match changed.is_empty() {
        true => options.remove(CLUSTER_BY),
        false => options.insert(CLUSTER_BY.to_owned(), changed),
    };
}

/// Whether what segments hold of the type has an order that means something.
fn has_order(form: &Form, ty: &DataType) -> bool {
    let is_opaque = form.ty == DataType::Bytea && *ty != DataType::Bytea;
    !is_opaque && !matches!(ty, DataType::Json)
}

/// The columns that a segment of the table with these columns is to be clustered by, by their numbers: those of the
/// option that rows of its age have.
pub(super) fn wanted(table: &TableDef, columns: &[(u32, Form)]) -> Vec<u32> {
    let Some(names) = table.options.get(CLUSTER_BY) else {
        return Vec::new();
    };
    // It was looked at before it was stored.
    let names = cluster_columns(names).unwrap_or_default();
    let found = names.iter().filter_map(|name| {
        let column = table.columns.iter().find(|column| column.name == *name)?;
        let (id, form) = columns.iter().find(|(id, _)| *id == column.id.0)?;
        has_order(form, &form.ty).then_some(*id)
    });
    found.collect()
}

/// Rows that wait to be put in order.
pub(super) struct Window {
    /// The columns to order by: positions and forms.
    columns: Vec<(usize, Form)>,
    pieces: Vec<Vec<ArrayRef>>,
    begins: Vec<u64>,
    /// What rows are ordered by: the first bytes, and where all end.
    prefixes: Vec<u64>,
    keys: Vec<u8>,
    ends: Vec<usize>,
    /// The key of every 1,024th row, and of the last one of each page.
    firsts: Vec<Vec<u8>>,
    lasts: Vec<Vec<u8>>,
    bytes: usize,
    /// Rows of the windows before.
    before: usize,
    /// The rows being written, by their places in the order, and how many of them were.
    order: Option<(Vec<u32>, usize)>,
}

impl Window {
    /// For segments so described; `None` if they are not clustered.
    pub(super) fn of(descriptor: &Descriptor) -> Option<Self> {
        let columns = descriptor.cluster_columns();
        (!columns.is_empty()).then(|| Self::new(columns, 0))
    }

    /// Behind so many rows.
    const fn new(columns: Vec<(usize, Form)>, before: usize) -> Self {
        Self {
            columns,
            pieces: Vec::new(),
            begins: Vec::new(),
            prefixes: Vec::new(),
            keys: Vec::new(),
            ends: Vec::new(),
            firsts: Vec::new(),
            lasts: Vec::new(),
            bytes: 0,
            before,
            order: None,
        }
    }

    /// Takes in what the next row is ordered by.
    pub(super) fn note(&mut self, pk: &[u8], reader: &RowReader<'_>) -> Result<()> {
        let rows = self.ends.len();
        if rows.is_multiple_of(STRIDE) {
            self.firsts.push(pk.to_vec());
        }
        if rows.is_multiple_of(CHUNK_ROWS) {
            self.lasts.push(Vec::new());
        }
        if let Some(last) = self.lasts.last_mut() {
            last.clear();
            last.extend_from_slice(pk);
        }
        let start = self.keys.len();
        for (position, form) in &self.columns {
            let value = match reader.bytes(*position)? {
                Some((_, bytes)) => row::value(bytes, &form.ty)?,
                None => helios_base::Value::Null,
            };
            key::encode(&value, &form.ty, KeyOrder::ASC, &mut self.keys)?;
        }
        let key = self.keys.get(start..).unwrap_or_default();
        self.prefixes.push(prefix(key));
        self.ends.push(self.keys.len());
        Ok(())
    }

    /// Takes in the rows that were noted since the last time.
    pub(super) fn keep(&mut self, columns: Vec<ArrayRef>, begins: &[u64]) {
        self.begins.extend_from_slice(begins);
        let bytes = columns.iter().map(|array| array.get_array_memory_size());
        self.bytes += bytes.sum::<usize>();
        self.pieces.resize_with(columns.len(), Vec::new);
        for (pieces, array) in self.pieces.iter_mut().zip(columns) {
            pieces.push(array);
        }
    }

    /// Whether it takes no more rows before it was written.
    pub(super) fn is_full(&self) -> bool {
        self.ends.len() >= WINDOW_ROWS || self.bytes + self.keys.len() >= WINDOW_BYTES
    }

    /// Whether there are rows.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether it is being written.
    pub(super) const fn is_closed(&self) -> bool {
        self.order.is_some()
    }

    /// Writes about a chunk of the rows, which have all been kept; true once there are no more.
    pub(super) fn write<S: Sink>(&mut self, segment: &mut SegmentWriter<S>) -> Result<bool> {
        let (order, done) = match self.order.take() {
            Some(order) => order,
            None => (self.close(segment)?, 0),
        };
        let next = order.get(done..).unwrap_or_default();
        let next = UInt32Array::from(next.get(..CHUNK_ROWS).unwrap_or(next).to_vec());
        if next.is_empty() {
            let columns = std::mem::take(&mut self.columns);
            *self = Self::new(columns, self.before + order.len());
            return Ok(true);
        }
        let mut columns = Vec::with_capacity(self.pieces.len());
        for column in self.pieces.iter().filter_map(|pieces| pieces.first()) {
            let taken = arrow_select::take::take(column, &next, None).map_err(from_arrow)?;
            // Not with all strings of the window behind it.
            columns.push(match taken.data_type() {
                ArrowType::Utf8View => Arc::new(taken.as_string_view().gc()) as ArrayRef,
                ArrowType::BinaryView => Arc::new(taken.as_binary_view().gc()),
                _ => taken,
            });
        }
        let begins = next.values().iter();
        let begins = begins.map(|row| self.begins.get(*row as usize).copied().unwrap_or(0));
        let begins = UInt64Array::from_iter_values(begins);
        segment
            .append(&columns, Begin::Each(&begins))
            .map_err(from_segment)?;
        self.order = Some((order, done + next.len()));
        Ok(false)
    }

    /// Puts the rows in order, and writes where each will be.
    fn close<S: Sink>(&mut self, segment: &mut SegmentWriter<S>) -> Result<Vec<u32>> {
        for pieces in &mut self.pieces {
            let all: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
            let whole = arrow_select::concat::concat(&all).map_err(from_arrow)?;
            *pieces = vec![whole];
        }
        let rows = self.ends.len();
        let key = |row: u32| {
            let row = row as usize;
            let start = row.checked_sub(1).and_then(|row| self.ends.get(row));
            let end = self.ends.get(row).copied().unwrap_or(0);
            self.keys
                .get(start.copied().unwrap_or(0)..end)
                .unwrap_or_default()
        };
        let mut order: Vec<(u64, u32)> = (self.prefixes.iter().copied().zip(0..)).collect();
        order.sort_unstable_by(|a, b| {
            let by_prefix = a.0.cmp(&b.0);
            by_prefix
                .then_with(|| key(a.1).cmp(key(b.1)))
                .then(a.1.cmp(&b.1))
        });
        let order: Vec<u32> = order.into_iter().map(|(_, row)| row).collect();
        let mut places = vec![0; rows];
        for (at, row) in order.iter().enumerate() {
            if let Some(place) = places.get_mut(*row as usize) {
                *place = u32::try_from(self.before + at).map_err(|_| {
                    Error::unsupported("a clustered segment of more than 4294967295 rows")
                })?;
            }
        }
        let firsts = self.firsts.chunks(CHUNK_ROWS / STRIDE);
        for ((page, firsts), last) in places.chunks(CHUNK_ROWS).zip(firsts).zip(&self.lasts) {
            segment.order(page, firsts, last).map_err(from_segment)?;
        }
        (self.keys, self.prefixes) = (Vec::new(), Vec::new());
        Ok(order)
    }
}

/// The first bytes of a key, as a number that orders as they do.
fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(bytes)
}

/// What rows of these columns are ordered by, one after the other; false for the first that is before the one
/// it follows.
pub(super) fn key_of(cells: &[(Cells, Form)], at: usize, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    for (cells, form) in cells {
        key::encode(&cells.value(at)?, &form.ty, KeyOrder::ASC, out)?;
    }
    Ok(())
}

fn from_arrow(error: arrow_schema::ArrowError) -> Error {
    Error::internal("rows of a segment cannot be put in order").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for names in [
            &["a"][..],
            &["a", "b_1"],
            &["Mixed", "with \"quotes\", and more", "ü"],
        ] {
            let option = cluster_option(names.iter().copied());
            assert_eq!(cluster_columns(&option).unwrap(), names, "{option}");
        }
        assert_eq!(cluster_columns(" A ,\"B\"").unwrap(), ["a", "B"]);
        for bad in ["", "a,", "a b", "a, a", "\"a", "a.b", "\"\""] {
            assert!(cluster_columns(bad).is_err(), "{bad}");
        }
    }
}
