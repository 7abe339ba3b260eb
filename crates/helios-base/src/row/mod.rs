//! Rows as bytes, by schema version.
//!
//! A table keeps one [`Layout`] for each version of its columns. A row names the version it was
//! written with, so that adding or dropping a column rewrites nothing: a reader looks columns up by
//! [`crate::ColumnId`] in the row's own layout and supplies the default of columns that are not
//! there.
//!
//! | offset | bytes      | field          | rule                                                  |
//! |-------:|-----------:|----------------|-------------------------------------------------------|
//! |      0 | 1          | head           | bits 0–1: width `w` of offsets, 0 → none, 1 → 1, 2 → 2, 3 → 4 bytes; bit 2: bitmap present; others 0 |
//! |      1 | 1–5        | schema version | LEB128, the layout's                                  |
//! |      … | 0 or ⌈n/8⌉ | null bitmap    | bit `i mod 8` of byte `i / 8` set: column `i` is `NULL` |
//! |      … | f          | fixed part     | every fixed-width column in storage order; zeros if `NULL` |
//! |      … | v · w      | offsets        | u32, u16 or u8 LE: the end of each variable-width column in the variable part |
//! |      … | …          | variable part  | the variable-width columns in storage order; nothing if `NULL` |
//!
//! `n`, `f` and `v` (columns, fixed bytes, variable-width columns) come from the layout; `w` is the
//! smallest that holds the last end, and 0 exactly if `v` is 0. A row ends where its last column
//! does.
//!
//! | type                                          | width | bytes                                |
//! |-----------------------------------------------|------:|--------------------------------------|
//! | `boolean`                                     |     1 | `0` or `1`                           |
//! | `smallint`                                    |     2 | LE                                   |
//! | `integer`, `date`, `oid`, `real`              |     4 | LE                                   |
//! | `bigint`, `time`, `timestamp[tz]`, `double precision` | 8 | LE                               |
//! | `interval`                                    |    16 | µs (8), days (4), months (4), LE     |
//! | `uuid`                                        |    16 | as they are                          |
//! | strings, `json`, `bytea`                      |     – | as they are                          |
//! | `numeric`                                     |     – | LEB128: 0 `NaN`, 1 `Infinity`, 2 `-Infinity`, else 3 + scale; then the coefficient in two's complement, LE, as short as possible, empty for 0 |
//! | `jsonb`                                       |     – | a tag (0 null, 1 false, 2 true, 3 number, 4 string, 5 array, 6 object); numbers and strings with LEB128 length; containers with LEB128 count, members as key (with length) and value |
//! | arrays                                        |     – | LEB128 number of dimensions; each one's length (LEB128) and lower bound (zigzag LEB128); null bitmap as above; the elements that are not `NULL`, variable-width ones with LEB128 length |
//! | ranges                                        |     – | flags (see `range/bytes.rs`); each end that is not open as an element of an array |
//! | multiranges                                   |     – | LEB128 number of ranges; each as above |
//!
//! Example: `(1::int, NULL::text, 'ab'::text)` under version 7 is `05 07 02 01000000 00 02 6162`.

mod assemble;
mod datum;
mod layout;
mod patch;
mod reader;

pub use assemble::assemble;
pub use layout::Layout;
pub use reader::{RowReader, schema_version};

/// A column of a stored row before it is decoded.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// `NULL`.
    Null,
    /// Its bytes, as above, of this type.
    Bytes(&'a crate::DataType, &'a [u8]),
    /// The row is older than the column: the value that such rows have.
    Missing(&'a crate::Value),
}

/// The value that `bytes`, which [`RowReader::bytes`] gave, are of type `ty`.
///
/// # Errors
/// Corrupt if they are not a value of that type.
pub fn value(bytes: &[u8], ty: &crate::DataType) -> crate::Result<crate::Value> {
    datum::get(bytes, ty)
}

/// Coefficient and scale of the bytes of a stored `numeric` that is finite and fits into 64 bits; `None` for others,
/// which [`value`] decodes.
#[inline]
#[must_use]
pub fn short_numeric(bytes: &[u8]) -> Option<(i64, u16)> {
    datum::short_numeric(bytes)
}

/// How many bytes values of type `ty` take in a row; `None` if that depends on the value.
#[must_use]
pub fn fixed_width(ty: &crate::DataType) -> Option<usize> {
    datum::fixed_width(ty)
}

/// Appends the bytes of `value`, which is not `NULL`, of type `ty`.
///
/// # Errors
/// Internal if it is not of that type; `0A000` for row values.
pub fn put_value(
    value: &crate::Value,
    ty: &crate::DataType,
    out: &mut Vec<u8>,
) -> crate::Result<()> {
    datum::put(value, ty, out)
}

/// Bit of the head that says whether there is a null bitmap.
const HEAD_BITMAP: u8 = 0b100;
/// Bits of the head that hold the offset width.
const HEAD_WIDTH: u8 = 0b011;
