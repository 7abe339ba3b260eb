//! What a segment's footer tells of a column: how many `NULL`s, which ends, how many different values.

use helios_arrow::{DECIMAL_NAN, Shape, array_of};
use helios_base::{DataType, Numeric, Result, Value};
use helios_segment::{Bound, Sketch, ZoneValue};

use super::rows::SegmentRows;
use crate::catalog::ColumnDef;

impl SegmentRows {
    /// How many rows of a chunk are `NULL` in a column.
    pub(crate) fn nulls_of(&self, column: &ColumnDef, chunk: usize) -> u32 {
        let Some(meta) = self.segment().chunks().get(chunk) else {
            return 0;
        };
        match self.place_of_column(column.id) {
            Some((place, _)) => meta
                .columns
                .get(place)
                .map_or(0, |column| column.zone.nulls),
            None if missing(column).is_null() => meta.rows,
            None => 0,
        }
    }

    /// The least and the greatest value of a column in a chunk, if these are known to be values of rows.
    pub(crate) fn ends_of(&self, column: &ColumnDef, chunk: usize) -> Option<[Value; 2]> {
        let Some((place, form)) = self.place_of_column(column.id) else {
            let missing = missing(column);
            return (!missing.is_null()).then(|| [missing.clone(), missing.clone()]);
        };
        if !form.is_plain(&column.ty) {
            return None;
        }
        let zone = &self.segment().chunks().get(chunk)?.columns.get(place)?.zone;
        let end = |bound: &Option<Bound>| match bound {
            Some(bound) if bound.exact => value_of(&bound.value, &column.ty),
            _ => None,
        };
        Some([end(&zone.min)?, end(&zone.max)?])
    }

    /// The different values of a column over all rows of the file, dead ones too; `None` where equal values may lie
    /// there in different forms.
    ///
    /// # Errors
    /// `Io`, `Corrupt`.
    pub(crate) fn sketch_of(&self, column: &ColumnDef) -> Result<Option<Sketch>> {
        let Some((place, form)) = self.place_of_column(column.id) else {
            return sketch_of([missing(column)], &column.ty).map(Some);
        };
        if !form.is_plain(&column.ty) {
            return Ok(None);
        }
        let sketch = self.segment().sketch(place);
        sketch.map(Some).map_err(|error| self.placed(error))
    }
}

/// The different ones of some values of a column, as [`SegmentRows::sketch_of`] has them.
///
/// # Errors
/// Internal if a value is not of the type.
pub(crate) fn sketch_of<'v>(
    values: impl IntoIterator<Item = &'v Value>,
    ty: &DataType,
) -> Result<Sketch> {
    Ok(Sketch::of(&array_of(values, &Shape::of(ty))?))
}

/// What the column is in rows that were written before it was added.
fn missing(column: &ColumnDef) -> &Value {
    column.missing.as_ref().unwrap_or(&Value::Null)
}

/// The value of a zone's end, of a column of type `ty`.
fn value_of(end: &ZoneValue, ty: &DataType) -> Option<Value> {
    let ty = ty.base();
    Some(match (end, ty.as_ref()) {
        (ZoneValue::Bool(value), DataType::Bool) => Value::Bool(*value),
        (ZoneValue::Int(value), DataType::Int2) => Value::Int2(i16::try_from(*value).ok()?),
        (ZoneValue::Int(value), DataType::Int4) => Value::Int4(i32::try_from(*value).ok()?),
        (ZoneValue::Int(value), DataType::Int8) => Value::Int8(*value),
        (ZoneValue::Int(value), DataType::Date) => Value::Date(i32::try_from(*value).ok()?),
        (ZoneValue::Int(value), DataType::Time(_)) => Value::Time(*value),
        (ZoneValue::Int(value), DataType::Timestamp(_)) => Value::Timestamp(*value),
        (ZoneValue::Int(value), DataType::TimestampTz(_)) => Value::TimestampTz(*value),
        (ZoneValue::Float(value), DataType::Float8) => Value::Float8(*value),
        (ZoneValue::Float(value), DataType::Float4) => Value::Float4(*value as f32),
        (ZoneValue::Decimal(value), DataType::Numeric(_)) => {
            let (_, scale) = Shape::of(&ty).as_decimal()?;
            let digits = value.to_i128().filter(|digits| *digits != DECIMAL_NAN)?;
            Value::Numeric(Numeric::from_i128(digits, scale))
        }
        (ZoneValue::Bytes(bytes), DataType::Text | DataType::Varchar(_) | DataType::Name) => {
            Value::from(std::str::from_utf8(bytes).ok()?)
        }
        (ZoneValue::Bytes(bytes), DataType::Bytea) => Value::from(bytes.as_slice()),
        _ => return None,
    })
}
