//! Rows from the bytes of their columns, as they stand in other rows.

use super::layout::Place;
use super::{HEAD_BITMAP, Layout};
use crate::{Error, Result, SqlState};

/// Appends the row whose columns, in storage order, have these bytes ([`super::RowReader::bytes`] gives them);
/// `None` is `NULL`. It is byte for byte the row that [`Layout::encode`] makes of the same values.
///
/// # Errors
/// Internal if the number or a width of the columns is wrong; `54000` for rows beyond 4 GiB. `out` is as
/// before on error.
pub fn assemble(layout: &Layout, columns: &[Option<&[u8]>], out: &mut Vec<u8>) -> Result<()> {
    if columns.len() != layout.columns().len() {
        return Err(Error::internal("a row of another number of columns"));
    }
    let start = out.len();
    let result = put(layout, columns, out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn put(layout: &Layout, columns: &[Option<&[u8]>], out: &mut Vec<u8>) -> Result<()> {
    let places =
        || (0..columns.len()).map(|position| layout.place(position).map(|(_, place)| place));
    let mut length = 0;
    for (column, place) in columns.iter().zip(places()) {
        if let (Some(bytes), Some(Place::Variable(_))) = (column, place) {
            length += bytes.len();
        }
    }
    let (code, width) = match length {
        _ if layout.variable_count() == 0 => (0, 0),
        0..=0xFF => (1, 1),
        0x100..=0xFFFF => (2, 2),
        _ if u32::try_from(length).is_ok() => (3, 4),
        _ => {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                "row is longer than 4 GB",
            ));
        }
    };
    let nulls = columns.iter().any(Option::is_none);
    out.push(code | if nulls { HEAD_BITMAP } else { 0 });
    crate::codec::put_varint(u64::from(layout.version()), out);
    if nulls {
        for eight in columns.chunks(8) {
            let bits = eight.iter().enumerate();
            out.push(bits.fold(0, |byte, (bit, c)| byte | u8::from(c.is_none()) << bit));
        }
    }
    for (column, place) in columns.iter().zip(places()) {
        if let Some(Place::Fixed(_, width)) = place {
            match column {
                None => out.extend(std::iter::repeat_n(0, width)),
                Some(bytes) if bytes.len() == width => out.extend_from_slice(bytes),
                Some(_) => return Err(Error::internal("a column of another width")),
            }
        }
    }
    let mut end = 0u32;
    for (column, place) in columns.iter().zip(places()) {
        if let Some(Place::Variable(_)) = place {
            end += column.map_or(0, <[u8]>::len) as u32;
            out.extend(end.to_le_bytes().iter().take(width));
        }
    }
    for (column, place) in columns.iter().zip(places()) {
        if let (Some(bytes), Some(Place::Variable(_))) = (column, place) {
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::RowReader;
    use crate::{ColumnId, DataType, Value};

    // Guards against a row that comes back from a segment otherwise than it went in.
    #[test]
    fn assembled_rows_are_the_encoded_ones() {
        let types = [
            DataType::Int4,
            DataType::Text,
            DataType::Bool,
            DataType::Numeric(None),
            DataType::Bytea,
        ];
        let columns = types.iter().enumerate();
        let layout = Layout::new(300, columns.map(|(n, ty)| (ColumnId(n as u32), ty.clone())));
        for size in [0, 1, 254, 300, 70_000] {
            for nulls in 0..32u8 {
                let values = [
                    Value::Int4(-7),
                    Value::from("x".repeat(size).as_str()),
                    Value::Bool(true),
                    Value::Numeric(crate::Numeric::from_i128(-12_345, 2)),
                    Value::from(&b"ab"[..]),
                ];
                let values: Vec<Value> = (values.into_iter().enumerate())
                    .map(|(n, value)| {
                        if nulls >> n & 1 == 1 {
                            Value::Null
                        } else {
                            value
                        }
                    })
                    .collect();
                let mut encoded = Vec::new();
                layout.encode(&values, &mut encoded).unwrap();
                let reader = RowReader::new(&encoded, &layout).unwrap();
                let bytes: Vec<Option<&[u8]>> = (0..types.len())
                    .map(|at| reader.bytes(at).unwrap().map(|(_, bytes)| bytes))
                    .collect();
                let mut assembled = Vec::new();
                assemble(&layout, &bytes, &mut assembled).unwrap();
                assert_eq!(assembled, encoded);
            }
        }
    }
}
