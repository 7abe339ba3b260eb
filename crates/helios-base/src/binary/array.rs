//! Arrays and rows.
//!
//! An array is: dimensions, whether there are `NULL`s, the element type; per dimension its length
//! and lower bound; the elements. A row is: its number of fields; per field its type and the value.
//! All numbers are four bytes wide.

use std::sync::Arc;

use super::{Reader, malformed, read_from, write_field};
use crate::{ArrayValue, DataType, Error, Result, SqlState, Value};

/// PostgreSQL's limit.
const DIMENSIONS_MAX: u32 = 6;

pub(super) fn write(array: &ArrayValue, ty: &DataType, out: &mut Vec<u8>) -> Result<()> {
    let natural;
    let element = match ty {
        DataType::Array(element) => &**element,
        _ => {
            natural = array
                .elements
                .iter()
                .find(|element| !element.is_null())
                .map_or(DataType::Text, Value::natural_type);
            &natural
        }
    };
    let nulls = array.elements.iter().any(Value::is_null);
    out.extend((array.dims.len() as u32).to_be_bytes());
    out.extend(u32::from(nulls).to_be_bytes());
    out.extend(element.oid().to_be_bytes());
    for (length, lower) in &array.dims {
        out.extend(length.to_be_bytes());
        out.extend(lower.to_be_bytes());
    }
    for value in &array.elements {
        write_field(value, element, out)?;
    }
    Ok(())
}

pub(super) fn read(reader: &mut Reader<'_>, element: &DataType) -> Result<ArrayValue> {
    let dimensions = reader.u32()?;
    if dimensions > DIMENSIONS_MAX {
        return Err(Error::new(
            SqlState::PROGRAM_LIMIT_EXCEEDED,
            format!(
                "number of array dimensions ({dimensions}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
            ),
        ));
    }
    if reader.u32()? > 1 {
        return Err(malformed("invalid array flags"));
    }
    let oid = reader.u32()?;
    if oid != element.oid() {
        return Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "binary data has array element type {oid} instead of expected {} ({element})",
                element.oid()
            ),
        ));
    }
    let mut dims = Vec::new();
    let mut count = u64::from(dimensions > 0);
    for _ in 0..dimensions {
        let (length, lower) = (reader.u32()?, reader.i32()?);
        // Four bytes of length at least stand for each element.
        count = count
            .checked_mul(u64::from(length))
            .filter(|count| *count <= reader.left() as u64 / 4)
            .ok_or_else(|| malformed("insufficient data left in message"))?;
        dims.push((length, lower));
    }
    if count == 0 {
        return Ok(ArrayValue::default());
    }
    let elements = (0..count)
        .map(|_| read_field(reader, element))
        .collect::<Result<Vec<_>>>()?;
    ArrayValue::new(dims, elements).ok_or_else(|| malformed("invalid array dimensions"))
}

pub(super) fn read_field(reader: &mut Reader<'_>, ty: &DataType) -> Result<Value> {
    let length = reader.i32()?;
    if length == -1 {
        return Ok(Value::Null);
    }
    let length = usize::try_from(length).map_err(|_| malformed("invalid length of a value"))?;
    let mut field = Reader::new(reader.take(length)?);
    let value = read_from(&mut field, ty)?;
    field.end(ty)?;
    Ok(value)
}

pub(super) fn write_record(fields: &[Value], out: &mut Vec<u8>) -> Result<()> {
    out.extend((fields.len() as u32).to_be_bytes());
    for value in fields {
        // NULL is `unknown`, as PostgreSQL leaves one in a row that nothing has given a type.
        let ty = value.natural_type();
        out.extend(ty.oid().to_be_bytes());
        write_field(value, &ty, out)?;
    }
    Ok(())
}

/// The fields of a composite type.
pub(super) fn write_fields(
    values: &[Value],
    fields: &[(Arc<str>, DataType)],
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend((values.len() as u32).to_be_bytes());
    for (value, (_, ty)) in values.iter().zip(fields) {
        out.extend(ty.oid().to_be_bytes());
        write_field(value, ty, out)?;
    }
    Ok(())
}

/// As [`write_fields`] wrote them.
pub(super) fn read_fields(
    reader: &mut Reader<'_>,
    fields: &[(Arc<str>, DataType)],
) -> Result<Value> {
    let count = reader.u32()?;
    if usize::try_from(count) != Ok(fields.len()) {
        return Err(Error::new(
            SqlState::DATATYPE_MISMATCH,
            format!(
                "wrong number of columns: {count}, expected {}",
                fields.len()
            ),
        ));
    }
    let mut values = Vec::with_capacity(fields.len());
    for (number, (_, ty)) in fields.iter().enumerate() {
        let oid = reader.u32()?;
        if oid != ty.oid() {
            return Err(Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "binary data has type {oid} instead of expected {} ({ty}) in record column {}",
                    ty.oid(),
                    number + 1
                ),
            ));
        }
        values.push(read_field(reader, ty)?);
    }
    Ok(Value::Record(values.into()))
}
