//! One stored row, decoded on demand.

pub use helios_base::row::Field;
use helios_base::row::RowReader;
use helios_base::{Result, Scn, Value};
use helios_version::RowRef;

use super::shape::{RowLayout, Shape, Source};

/// One stored row of a table; columns are decoded when asked for.
#[derive(Clone, Copy, Debug)]
pub struct StoredRow<'a> {
    pk: &'a [u8],
    begin: Scn,
    layout: &'a RowLayout,
    reader: RowReader<'a>,
}

impl<'a> StoredRow<'a> {
    /// Looks at a stored row.
    ///
    /// # Errors
    /// `Corrupt` if it is not a row of the table.
    #[inline]
    pub fn new(shape: &'a Shape, pk: &'a [u8], begin: Scn, row: &'a [u8]) -> Result<Self> {
        let (reader, layout) = RowReader::find(row, |version| {
            let layout = shape.layout(version)?;
            Ok((&layout.layout, layout))
        })?;
        Ok(Self {
            pk,
            begin,
            layout,
            reader,
        })
    }

    /// Looks at a row under a cursor.
    ///
    /// # Errors
    /// As [`StoredRow::new`].
    #[inline]
    pub fn from_ref(shape: &'a Shape, row: RowRef<'a>) -> Result<Self> {
        Self::new(shape, row.pk, row.begin, row.row)
    }

    /// The stored key, by which the row can be locked, updated and deleted.
    #[must_use]
    pub const fn key(&self) -> &'a [u8] {
        self.pk
    }

    /// The commit that wrote the row; [`Scn::MAX`] for the reader's own uncommitted write.
    #[must_use]
    pub const fn begin(&self) -> Scn {
        self.begin
    }

    /// The value of the column at `position` of the table.
    ///
    /// # Errors
    /// `Corrupt` if the stored bytes are wrong; internal beyond the last column.
    #[inline]
    pub fn value(&self, position: usize) -> Result<Value> {
        match self.layout.sources.get(position) {
            Some(Source::Stored(stored)) => self.reader.get(*stored),
            Some(Source::Missing(value)) => Ok(value.clone()),
            None => Err(helios_base::Error::internal("no such column in the row")),
        }
    }

    /// The column at `position` of the table, not decoded.
    ///
    /// # Errors
    /// As [`StoredRow::value`].
    #[inline]
    pub fn field(&self, position: usize) -> Result<Field<'a>> {
        match self.layout.sources.get(position) {
            Some(Source::Stored(stored)) => Ok(match self.reader.bytes(*stored)? {
                Some((ty, bytes)) => Field::Bytes(ty, bytes),
                None => Field::Null,
            }),
            Some(Source::Missing(Value::Null)) => Ok(Field::Null),
            Some(Source::Missing(value)) => Ok(Field::Missing(value)),
            None => Err(helios_base::Error::internal("no such column in the row")),
        }
    }

    /// Whether the column at `position` is NULL.
    #[inline]
    #[must_use]
    pub fn is_null(&self, position: usize) -> bool {
        match self.layout.sources.get(position) {
            Some(Source::Stored(stored)) => self.reader.is_null(*stored),
            Some(Source::Missing(value)) => value.is_null(),
            None => true,
        }
    }

    /// Appends the columns at `positions` to `out`.
    ///
    /// # Errors
    /// As [`StoredRow::value`].
    #[inline]
    pub fn project(&self, positions: &[usize], out: &mut Vec<Value>) -> Result<()> {
        out.reserve(positions.len());
        for position in positions {
            out.push(self.value(*position)?);
        }
        Ok(())
    }

    /// All columns.
    ///
    /// # Errors
    /// As [`StoredRow::value`].
    pub fn values(&self) -> Result<Vec<Value>> {
        let count = self.layout.sources.len();
        let mut values = Vec::with_capacity(count);
        for position in 0..count {
            values.push(self.value(position)?);
        }
        Ok(values)
    }

    /// Puts the columns at `positions` where they belong into `row`, which has one place for every
    /// column of the table.
    ///
    /// # Errors
    /// As [`StoredRow::value`].
    #[inline]
    pub fn fill(&self, positions: &[usize], row: &mut [Value]) -> Result<()> {
        for position in positions {
            let value = self.value(*position)?;
            if let Some(place) = row.get_mut(*position) {
                *place = value;
            }
        }
        Ok(())
    }
}
