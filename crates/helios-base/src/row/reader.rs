//! Reading columns of an encoded row.

use super::Layout;
use crate::{Error, Result, Value};

/// The schema version of an encoded row.
///
/// # Errors
/// Corrupt if `row` does not begin like a row.
pub fn schema_version(row: &[u8]) -> Result<u32> {
    let _ = row;
    Err(Error::unsupported("rows"))
}

/// A view of one encoded row; reading a column decodes only that column, in constant time to find
/// it.
#[derive(Clone, Copy, Debug)]
pub struct RowReader<'a> {
    layout: &'a Layout,
    bytes: &'a [u8],
}

impl<'a> RowReader<'a> {
    /// Looks at `row`, which must carry the version of `layout`.
    ///
    /// # Errors
    /// Corrupt if the row is not one of that version.
    pub fn new(row: &'a [u8], layout: &'a Layout) -> Result<Self> {
        Ok(Self { layout, bytes: row })
    }

    /// Whether the column at `position` is `NULL`; true beyond the last one.
    #[must_use]
    pub fn is_null(&self, position: usize) -> bool {
        let _ = (position, self.bytes);
        false
    }

    /// The value of the column at `position` of the layout.
    ///
    /// # Errors
    /// Corrupt if its bytes are not a value of its type; internal beyond the last column.
    pub fn get(&self, position: usize) -> Result<Value> {
        let _ = position;
        Err(Error::unsupported("rows"))
    }

    /// Appends the values of all columns in storage order to `out`.
    ///
    /// # Errors
    /// As [`RowReader::get`].
    pub fn decode(&self, out: &mut Vec<Value>) -> Result<()> {
        for position in 0..self.layout.columns().len() {
            out.push(self.get(position)?);
        }
        Ok(())
    }
}
