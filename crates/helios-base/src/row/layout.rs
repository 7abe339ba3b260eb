//! Where each column of one schema version stands in a row, and writing rows.

use super::{HEAD_BITMAP, datum};
use crate::codec::put_varint;
use crate::{ColumnId, DataType, Error, Result, SqlState, Value};

/// The columns of one schema version, in storage order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    version: u32,
    columns: Vec<(ColumnId, DataType)>,
    places: Vec<Place>,
    /// Positions by column, for lookups.
    sorted: Vec<(ColumnId, usize)>,
    fixed_size: usize,
    variable_count: usize,
}

/// Where a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this offset of the fixed part, this wide.
    Fixed(usize, usize),
    /// The how-manieth variable-width column.
    Variable(usize),
}

impl Layout {
    /// A layout of these columns, in this order. Modifiers of types do not matter.
    #[must_use]
    pub fn new(version: u32, columns: impl IntoIterator<Item = (ColumnId, DataType)>) -> Self {
        let columns: Vec<_> = columns.into_iter().collect();
        let (mut fixed_size, mut variable_count) = (0, 0);
        let places = columns
            .iter()
            .map(|(_, ty)| match datum::fixed_width(ty) {
                Some(width) => {
                    fixed_size += width;
                    Place::Fixed(fixed_size - width, width)
                }
                None => {
                    variable_count += 1;
                    Place::Variable(variable_count - 1)
                }
            })
            .collect();
        let mut sorted: Vec<_> = columns
            .iter()
            .enumerate()
            .map(|(position, (id, _))| (*id, position))
            .collect();
        sorted.sort_unstable();
        Self {
            version,
            columns,
            places,
            sorted,
            fixed_size,
            variable_count,
        }
    }

    /// The schema version that rows of this layout carry.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The columns in storage order.
    #[must_use]
    pub fn columns(&self) -> &[(ColumnId, DataType)] {
        &self.columns
    }

    /// The position of a column; `None` if this version does not have it. O(log n).
    #[must_use]
    pub fn position(&self, column: ColumnId) -> Option<usize> {
        let found = self
            .sorted
            .binary_search_by_key(&column, |(id, _)| *id)
            .ok()?;
        self.sorted.get(found).map(|(_, position)| *position)
    }

    #[inline]
    pub(super) fn place(&self, position: usize) -> Option<(&DataType, Place)> {
        Some((&self.columns.get(position)?.1, *self.places.get(position)?))
    }

    pub(super) fn fixed_size(&self) -> usize {
        self.fixed_size
    }

    pub(super) fn variable_count(&self) -> usize {
        self.variable_count
    }

    /// Appends a row of `values`, one per column in storage order, to `out`.
    ///
    /// # Errors
    /// Internal if the number or a type of the values is wrong; `54000` for rows beyond 4 GiB;
    /// `0A000` for row values. `out` is as before on error.
    pub fn encode(&self, values: &[Value], out: &mut Vec<u8>) -> Result<()> {
        if values.len() != self.columns.len() {
            return Err(Error::internal(format!(
                "row of {} values for {} columns",
                values.len(),
                self.columns.len()
            )));
        }
        let start = out.len();
        let result = match self.put_in_order(values, out) {
            Ok(false) => {
                out.truncate(start);
                self.put(values, out)
            }
            other => other.map(drop),
        };
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Writes the row from its first byte to its last, which needs to know how long the variable
    /// part will be. False if that turns out otherwise than the values seem to say.
    fn put_in_order(&self, values: &[Value], out: &mut Vec<u8>) -> Result<bool> {
        let mut nulls = false;
        let mut length = 0;
        for (value, place) in values.iter().zip(&self.places) {
            match value {
                Value::Null => nulls = true,
                Value::Text(text) => length += text.len(),
                Value::Bytea(bytes) => length += bytes.len(),
                // Of other types the length shows when they are written; most are short.
                _ if matches!(place, Place::Variable(_)) => length += 8,
                _ => {}
            }
        }
        let (code, width) = match length {
            _ if self.variable_count == 0 => (0, 0),
            0..=0xFF => (1, 1),
            0x100..=0xFFFF => (2, 2),
            _ => return Ok(false),
        };
        let offsets = self.variable_count * width;
        out.reserve(8 + values.len() / 8 + self.fixed_size + offsets + length);
        out.push(code | if nulls { HEAD_BITMAP } else { 0 });
        put_varint(u64::from(self.version), out);
        if nulls {
            datum::put_bitmap(values, out);
        }
        self.put_fixed(values, out)?;
        let mut at = out.len();
        out.resize(at + offsets, 0);
        let begin = out.len();
        for ((value, (_, ty)), place) in values.iter().zip(&self.columns).zip(&self.places) {
            if let Place::Variable(_) = place {
                if !value.is_null() {
                    datum::put(value, ty, out)?;
                }
                let end = ((out.len() - begin) as u32).to_le_bytes();
                for (byte, place) in end.iter().take(width).zip(out.iter_mut().skip(at)) {
                    *place = *byte;
                }
                at += width;
            }
        }
        let right = match out.len() - begin {
            0..=0xFF => width <= 1,
            0x100..=0xFFFF => width == 2,
            _ => false,
        };
        Ok(right)
    }

    fn put_fixed(&self, values: &[Value], out: &mut Vec<u8>) -> Result<()> {
        for ((value, (_, ty)), place) in values.iter().zip(&self.columns).zip(&self.places) {
            if let Place::Fixed(_, width) = *place {
                if value.is_null() {
                    out.extend(std::iter::repeat_n(0, width));
                } else {
                    datum::put(value, ty, out)?;
                }
            }
        }
        Ok(())
    }

    fn put(&self, values: &[Value], out: &mut Vec<u8>) -> Result<()> {
        // The variable part first: its length decides the width of the offsets.
        let mut variable = Vec::new();
        let mut ends = Vec::with_capacity(self.variable_count);
        let mut nulls = false;
        for ((value, (_, ty)), place) in values.iter().zip(&self.columns).zip(&self.places) {
            nulls |= value.is_null();
            if let Place::Variable(_) = place {
                if !value.is_null() {
                    datum::put(value, ty, &mut variable)?;
                }
                ends.push(variable.len());
            }
        }
        let (code, width) = match variable.len() {
            _ if ends.is_empty() => (0, 0),
            0..=0xFF => (1, 1),
            0x100..=0xFFFF => (2, 2),
            _ if u32::try_from(variable.len()).is_ok() => (3, 4),
            _ => {
                return Err(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    "row is longer than 4 GB",
                ));
            }
        };
        out.push(code | if nulls { HEAD_BITMAP } else { 0 });
        put_varint(u64::from(self.version), out);
        if nulls {
            datum::put_bitmap(values, out);
        }
        self.put_fixed(values, out)?;
        for end in ends {
            out.extend((end as u32).to_le_bytes().iter().take(width));
        }
        out.extend_from_slice(&variable);
        Ok(())
    }
}
