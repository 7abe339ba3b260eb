//! Changing a column of an encoded row in place.

use super::layout::Place;
use super::reader::take_head;
use super::{HEAD_BITMAP, Layout, datum};
use crate::{Result, Value};

impl Layout {
    /// Puts `value` in the place of the column at `position` of `row`, which was written with some
    /// layout. False, and nothing changed, unless that was this layout, the column has a fixed
    /// width, and neither `value` nor any column of the row is `NULL`: then the row must be written
    /// anew.
    ///
    /// # Errors
    /// Corrupt if `row` does not begin like a row; internal if the value is not of the column's
    /// type.
    pub fn patch(&self, row: &mut [u8], position: usize, value: &Value) -> Result<bool> {
        let Some((ty, Place::Fixed(at, width))) = self.place(position) else {
            return Ok(false);
        };
        let mut rest: &[u8] = row;
        let (head, version) = take_head(&mut rest)?;
        if version != self.version() || head & HEAD_BITMAP != 0 || value.is_null() {
            return Ok(false);
        }
        let at = row.len() - rest.len() + at;
        let mut bytes = Vec::with_capacity(width);
        datum::put(value, ty, &mut bytes)?;
        match row.get_mut(at..at + width) {
            Some(place) if bytes.len() == width => {
                place.copy_from_slice(&bytes);
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::row::Layout;
    use crate::{ColumnId, DataType, Result, Value};

    fn layout(version: u32) -> Layout {
        let types = [
            DataType::Text,
            DataType::Int4,
            DataType::Bool,
            DataType::Int8,
        ];
        let columns = types.into_iter().enumerate();
        Layout::new(version, columns.map(|(at, ty)| (ColumnId(at as u32), ty)))
    }

    // A patched row must be, byte for byte, the row written anew: rows are compared by their bytes.
    #[test]
    fn patching_is_writing_anew() -> Result<()> {
        let layout = layout(300);
        let old = [
            Value::text("abc"),
            Value::Int4(1),
            Value::Bool(false),
            Value::Int8(2),
        ];
        for (position, value) in [
            (1, Value::Int4(-7)),
            (2, Value::Bool(true)),
            (3, Value::Int8(i64::MIN)),
        ] {
            let mut row = Vec::new();
            layout.encode(&old, &mut row)?;
            assert!(layout.patch(&mut row, position, &value)?);
            let mut new = old.clone();
            new[position] = value;
            let mut anew = Vec::new();
            layout.encode(&new, &mut anew)?;
            assert_eq!(row, anew);
        }
        Ok(())
    }

    #[test]
    fn what_cannot_be_patched_stays() -> Result<()> {
        let [old, new] = [layout(1), layout(2)];
        let values = [
            Value::text("abc"),
            Value::Int4(1),
            Value::Bool(false),
            Value::Int8(2),
        ];
        let mut row = Vec::new();
        old.encode(&values, &mut row)?;
        let before = row.clone();
        assert!(!new.patch(&mut row, 1, &Value::Int4(5))?);
        assert!(!old.patch(&mut row, 0, &Value::text("d"))?);
        assert!(!old.patch(&mut row, 1, &Value::Null)?);
        assert!(!old.patch(&mut row, 9, &Value::Int4(5))?);
        assert!(old.patch(&mut row, 1, &Value::Int8(5)).is_err());
        assert_eq!(row, before);
        row.clear();
        let [text, .., last] = values;
        old.encode(&[text, Value::Null, Value::Null, last], &mut row)?;
        assert!(!old.patch(&mut row, 3, &Value::Int8(5))?);
        Ok(())
    }
}
