//! Reading columns of an encoded row.

use super::layout::Place;
use super::{HEAD_BITMAP, HEAD_WIDTH, Layout, datum};
use crate::codec::{take, take_array, take_varint};
use crate::{ColumnId, DataType, Error, Result, Value};

/// The schema version of an encoded row.
///
/// # Errors
/// Corrupt if `row` does not begin like a row.
pub fn schema_version(row: &[u8]) -> Result<u32> {
    let mut rest = row;
    take_head(&mut rest).map(|(_, version)| version)
}

#[inline]
pub(super) fn take_head(rest: &mut &[u8]) -> Result<(u8, u32)> {
    let [head] = take_array(rest)?;
    if head & !(HEAD_BITMAP | HEAD_WIDTH) != 0 {
        return Err(Error::corrupt(format!("row starts with {head:#04x}")));
    }
    let version = u32::try_from(take_varint(rest)?)
        .map_err(|_| Error::corrupt("row has a schema version beyond 32 bits"))?;
    Ok((head, version))
}

/// A view of one encoded row; reading a column decodes only that column and finds it in constant
/// time.
#[derive(Clone, Copy, Debug)]
pub struct RowReader<'a> {
    layout: &'a Layout,
    /// Empty if no column is `NULL`.
    bitmap: &'a [u8],
    fixed: &'a [u8],
    offsets: &'a [u8],
    width: usize,
    variable: &'a [u8],
}

impl<'a> RowReader<'a> {
    /// Looks at `row`, which must carry the version of `layout`.
    ///
    /// # Errors
    /// Corrupt if the row is not one of that version.
    #[inline]
    pub fn new(row: &'a [u8], layout: &'a Layout) -> Result<Self> {
        Self::find(row, |version| match version == layout.version() {
            true => Ok((layout, ())),
            false => Err(Error::corrupt(format!(
                "row has schema version {version} where {} is expected",
                layout.version()
            ))),
        })
        .map(|(reader, ())| reader)
    }

    /// Looks at `row` by the layout that `find` gives for its version, with what else it gives.
    ///
    /// # Errors
    /// What `find` returns; corrupt if the row is not one of that layout.
    #[inline]
    pub fn find<T>(
        row: &'a [u8],
        find: impl FnOnce(u32) -> Result<(&'a Layout, T)>,
    ) -> Result<(Self, T)> {
        let mut rest = row;
        let (head, version) = take_head(&mut rest)?;
        let (layout, found) = find(version)?;
        let bitmap = if head & HEAD_BITMAP == 0 {
            &[]
        } else {
            take(&mut rest, layout.columns().len().div_ceil(8))?
        };
        let fixed = take(&mut rest, layout.fixed_size())?;
        let width = match head & HEAD_WIDTH {
            3 => 4,
            width => usize::from(width),
        };
        if (width == 0) != (layout.variable_count() == 0) {
            return Err(Error::corrupt("row has a wrong offset width"));
        }
        let offsets = take(&mut rest, layout.variable_count() * width)?;
        let reader = Self {
            layout,
            bitmap,
            fixed,
            offsets,
            width,
            variable: rest,
        };
        if reader.end(layout.variable_count())? != rest.len() {
            return Err(Error::corrupt("row has a wrong length"));
        }
        Ok((reader, found))
    }

    /// The layout that the row was written with.
    #[must_use]
    pub fn layout(&self) -> &'a Layout {
        self.layout
    }

    /// Where the variable-width column before the `index`th ends.
    #[inline]
    fn end(&self, index: usize) -> Result<usize> {
        let Some(before) = index.checked_sub(1) else {
            return Ok(0);
        };
        let at = before * self.width;
        let stored = self
            .offsets
            .get(at..at + self.width)
            .ok_or_else(|| Error::internal("row has no such column"))?;
        Ok(match *stored {
            [a] => usize::from(a),
            [a, b] => usize::from(u16::from_le_bytes([a, b])),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]) as usize,
            _ => 0,
        })
    }

    #[inline]
    fn fixed_at<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.fixed.get(at..)?.first_chunk().copied()
    }

    /// Whether the column at `position` is `NULL`.
    #[inline]
    #[must_use]
    pub fn is_null(&self, position: usize) -> bool {
        self.bitmap
            .get(position / 8)
            .is_some_and(|byte| byte >> (position % 8) & 1 == 1)
    }

    /// The type and stored bytes of the column at `position` of the layout; `None` if it is `NULL`.
    ///
    /// # Errors
    /// Corrupt if its offsets are wrong; internal beyond the last column.
    #[inline]
    pub fn bytes(&self, position: usize) -> Result<Option<(&'a DataType, &'a [u8])>> {
        let (ty, place) = self
            .layout
            .place(position)
            .ok_or_else(|| Error::internal(format!("row has no column at {position}")))?;
        if self.is_null(position) {
            return Ok(None);
        }
        let bytes = match place {
            Place::Fixed(at, width) => self.fixed.get(at..at + width),
            Place::Variable(index) => self.variable.get(self.end(index)?..self.end(index + 1)?),
        };
        let bytes = bytes.ok_or_else(|| Error::corrupt("row has wrong offsets"))?;
        Ok(Some((ty, bytes)))
    }

    /// The value of the column at `position` of the layout.
    ///
    /// # Errors
    /// Corrupt if its bytes are not a value of its type; internal beyond the last column.
    #[inline]
    pub fn get(&self, position: usize) -> Result<Value> {
        // Most columns are one of these.
        if let Some((ty, place)) = self.layout.place(position)
            && !self.is_null(position)
        {
            match (ty, place) {
                (DataType::Int8, Place::Fixed(at, _)) => {
                    if let Some(bytes) = self.fixed_at(at) {
                        return Ok(Value::Int8(i64::from_le_bytes(bytes)));
                    }
                }
                (DataType::Int4, Place::Fixed(at, _)) => {
                    if let Some(bytes) = self.fixed_at(at) {
                        return Ok(Value::Int4(i32::from_le_bytes(bytes)));
                    }
                }
                (DataType::Text | DataType::Varchar(_), Place::Variable(index)) => {
                    let range = self.end(index)?..self.end(index + 1)?;
                    if let Some(bytes) = self.variable.get(range) {
                        return datum::text_value(bytes);
                    }
                }
                _ => {}
            }
        }
        match self.bytes(position)? {
            Some((ty, bytes)) => datum::get(bytes, ty),
            None => Ok(Value::Null),
        }
    }

    /// The value of a column; `None` if the row's version does not have it.
    ///
    /// # Errors
    /// As [`RowReader::get`].
    pub fn column(&self, column: ColumnId) -> Result<Option<Value>> {
        self.layout
            .position(column)
            .map(|position| self.get(position))
            .transpose()
    }

    /// Appends the values of all columns in storage order to `out`.
    ///
    /// # Errors
    /// As [`RowReader::get`].
    pub fn decode(&self, out: &mut Vec<Value>) -> Result<()> {
        out.reserve(self.layout.columns().len());
        for position in 0..self.layout.columns().len() {
            out.push(self.get(position)?);
        }
        Ok(())
    }
}
