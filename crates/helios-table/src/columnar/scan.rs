//! Columns of segments as they are scanned: arrays, in the shapes of the table's columns.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::BinaryViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use helios_arrow::{ColumnBuilder, ColumnReader, Shape};
use helios_base::row;
use helios_base::{ColumnId, DataType, Error, Result, Scn, Value};
use helios_segment::{ZoneValue, wide_type};

use super::descriptor::KeyForm;
use super::form::{Cells, Form};
use super::rows::SegmentRows;
use super::widen;
use crate::catalog::TableDef;

/// One end of what a chunk's column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneEnd {
    /// Booleans as 0 and 1, whole numbers, dates and times.
    Int(i64),
    /// The digits of a decimal.
    Decimal(i128),
    /// Strings and bytes.
    Bytes(Vec<u8>),
}

/// What a chunk's column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnZone {
    /// Rows of the chunk.
    pub rows: u32,
    /// Those that are `NULL`.
    pub nulls: u32,
    /// At most the least value.
    pub min: Option<ZoneEnd>,
    /// At least the greatest value.
    pub max: Option<ZoneEnd>,
}

/// Rows of a chunk.
#[derive(Clone, Debug)]
pub enum ChunkRows<'a> {
    /// Those that follow each other.
    Range(Range<usize>),
    /// Those that follow each other; all of the chunk are decoded, and kept if there is room.
    Kept(Range<usize>),
    /// Few among many, ascending.
    These(&'a [u32]),
    /// As those, for who does not come again.
    Once(&'a [u32]),
}

impl ChunkRows<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Range(rows) | Self::Kept(rows) => rows.len(),
            Self::These(rows) | Self::Once(rows) => rows.len(),
        }
    }
}

impl SegmentRows {
    /// The chunk of the first of these places, and those of its rows that are among them.
    #[must_use]
    pub fn piece(&self, places: &Range<u64>) -> Option<(usize, Range<usize>)> {
        let (chunk, first) = self.chunk_of(places.start);
        let rows = self.segment().chunks().get(chunk)?.rows as usize;
        let wanted = usize::try_from(places.end.saturating_sub(places.start)).unwrap_or(rows);
        let end = first.saturating_add(wanted).min(rows);
        (first < end).then_some((chunk, first..end))
    }

    /// The places of the rows of a chunk as they lie; `None` behind the last.
    #[must_use]
    pub fn chunk_places(&self, chunk: usize) -> Option<Range<u64>> {
        let chunks = self.segment().chunks();
        let rows = u64::from(chunks.get(chunk)?.rows);
        let before = chunks.iter().take(chunk).map(|chunk| u64::from(chunk.rows));
        let start: u64 = before.sum();
        Some(start..start + rows)
    }

    /// How many rows a chunk has.
    #[must_use]
    pub fn rows_of(&self, chunk: usize) -> usize {
        let chunk = self.segment().chunks().get(chunk);
        chunk.map_or(0, |chunk| chunk.rows as usize)
    }

    /// Which of the rows had begun at `scn`; `None`: all of them.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn begun(
        &self,
        chunk: usize,
        rows: Range<usize>,
        scn: Scn,
    ) -> Result<Option<BooleanArray>> {
        if let Some(begin) = self.begin() {
            let none = || std::iter::repeat_n(Some(false), rows.len()).collect();
            return Ok((begin > scn).then(none));
        }
        let meta = self.segment().chunks().get(chunk);
        if meta.is_some_and(|meta| meta.begins.max <= scn.0) {
            return Ok(None);
        }
        let begins = self.segment().begins_of(chunk, rows);
        let begins = begins.map_err(|error| self.placed(error))?;
        let begun = begins.values().iter().map(|begin| Some(*begin <= scn.0));
        Ok(Some(begun.collect()))
    }

    /// A column of the table, by its position there, in the shape of its type; it may come in fewer bits, of which
    /// [`widen`] makes that shape: decimals in 64, strings in a dictionary.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn column(
        &self,
        table: &TableDef,
        position: usize,
        chunk: usize,
        rows: &ChunkRows<'_>,
    ) -> Result<ArrayRef> {
        let Some(column) = table.columns.get(position) else {
            return Err(Error::internal("a scan of a column that is gone"));
        };
        let shape = Shape::of(&column.ty);
        let Some((place, form)) = self.place_of_column(column.id) else {
            let missing = column.missing.as_ref().unwrap_or(&Value::Null);
            return helios_arrow::array_of(std::iter::repeat_n(missing, rows.len()), &shape);
        };
        let first = |batch: RecordBatch| batch.columns().first().cloned();
        let array = match rows {
            ChunkRows::Range(rows) => {
                let batch = self.segment().read_rows(chunk, rows.clone(), &[place]);
                batch.map(first)
            }
            ChunkRows::These(rows) => self.segment().take(chunk, rows, &[place]).map(first),
            ChunkRows::Once(rows) => self.segment().take_once(chunk, rows, &[place]).map(first),
            ChunkRows::Kept(rows) => {
                let array = self.segment().column(chunk, place);
                array.map(|array| Some(slice(&array, rows)))
            }
        };
        let Some(array) = &array.map_err(|error| self.placed(error))? else {
            return Err(Error::internal("a segment gave no column"));
        };
        if form.is_plain(&column.ty) && wide_type(array.data_type()) == shape.arrow {
            return Ok(Arc::clone(array));
        }
        let array = &widen(array)?;
        if column.ty.is_enum()
            && let Some(places) = array.as_primitive_opt::<Int64Type>()
        {
            return Ok(Arc::new(places.unary::<_, UInt64Type>(i64::cast_unsigned)));
        }
        converted(array, form, &column.ty, &shape)
    }

    /// Whether a column of a chunk is at hand, decoded.
    #[must_use]
    pub fn has_column(&self, table: &TableDef, position: usize, chunk: usize) -> bool {
        let column = table.columns.get(position);
        let place = column.and_then(|column| self.place_of_column(column.id));
        place.is_none_or(|(place, _)| self.segment().has_column(chunk, place))
    }

    /// The stored keys of rows, as bytes.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub fn keys(&self, chunk: usize, rows: Range<usize>) -> Result<ArrayRef> {
        let places = self.key_places();
        let batch = self.segment().read_rows(chunk, rows.clone(), &places);
        let batch = batch.map_err(|error| self.placed(error))?;
        let cells = self.key_cells(batch.columns())?;
        let cells: Vec<&Cells> = cells.iter().collect();
        let mut builder = BinaryViewBuilder::with_capacity(rows.len());
        let mut key = Vec::new();
        for at in 0..rows.len() {
            key.clear();
            self.push_key(&cells, at, &mut key)?;
            builder.append_value(&key);
        }
        Ok(Arc::new(builder.finish()))
    }

    /// What a chunk holds of a column; `None` if that is not known.
    #[must_use]
    pub fn zone(&self, column: ColumnId, ty: &DataType, chunk: usize) -> Option<ColumnZone> {
        let (place, form) = self.place_of_column(column)?;
        if !form.is_plain(ty) {
            return None;
        }
        let meta = self.segment().chunks().get(chunk)?;
        let zone = &meta.columns.get(place)?.zone;
        let end = |bound: &Option<helios_segment::Bound>| {
            Some(match &bound.as_ref()?.value {
                ZoneValue::Bool(value) => ZoneEnd::Int(i64::from(*value)),
                ZoneValue::Int(value) => ZoneEnd::Int(*value),
                ZoneValue::UInt(value) => ZoneEnd::Int(i64::try_from(*value).ok()?),
                ZoneValue::Decimal(value) => ZoneEnd::Decimal(value.to_i128()?),
                ZoneValue::Bytes(value) => ZoneEnd::Bytes(value.clone()),
                ZoneValue::Float(_) => return None,
            })
        };
        Some(ColumnZone {
            rows: meta.rows,
            nulls: zone.nulls,
            min: end(&zone.min),
            max: end(&zone.max),
        })
    }

    /// Where a column is in the file, and its form there.
    pub(super) fn place_of_column(&self, id: ColumnId) -> Option<(usize, &Form)> {
        let columns = &self.descriptor().columns;
        let at = columns.iter().position(|(column, _)| *column == id.0)?;
        let hidden = usize::from(!matches!(self.descriptor().key, KeyForm::Columns(_)));
        Some((at + hidden, &columns.get(at)?.1))
    }
}

fn slice(array: &ArrayRef, rows: &Range<usize>) -> ArrayRef {
    if *rows == (0..array.len()) {
        return Arc::clone(array);
    }
    array.slice(rows.start, rows.len())
}

/// A column whose values lie there as the bytes that they have in rows, or under another modifier.
fn converted(array: &ArrayRef, form: &Form, ty: &DataType, shape: &Shape) -> Result<ArrayRef> {
    let cells = ColumnReader::new(array, &form.shape())?;
    let mut builder = ColumnBuilder::new(shape, array.len());
    let mut bytes = Vec::new();
    for at in 0..array.len() {
        match cells.value(at)? {
            Value::Null => builder.append_null(),
            value => {
                bytes.clear();
                row::put_value(&value, &form.ty, &mut bytes)?;
                builder.append(&row::value(&bytes, ty)?)?;
            }
        }
    }
    Ok(builder.finish())
}
