//! Where each column of one schema version stands in a row.

use crate::{ColumnId, DataType, Error, Result, Value};

/// The columns of one schema version, in storage order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    version: u32,
    columns: Vec<(ColumnId, DataType)>,
}

impl Layout {
    /// A layout of these columns, in this order. Modifiers of types do not matter.
    #[must_use]
    pub fn new(version: u32, columns: impl IntoIterator<Item = (ColumnId, DataType)>) -> Self {
        Self {
            version,
            columns: columns.into_iter().collect(),
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

    /// The position of a column; `None` if this version does not have it.
    #[must_use]
    pub fn position(&self, column: ColumnId) -> Option<usize> {
        self.columns.iter().position(|(id, _)| *id == column)
    }

    /// Appends a row of `values`, one per column in storage order, to `out`.
    ///
    /// # Errors
    /// Internal if the number or a type of the values is wrong; `54000` for rows beyond 4 GiB.
    pub fn encode(&self, values: &[Value], out: &mut Vec<u8>) -> Result<()> {
        let _ = (values, out);
        Err(Error::unsupported("rows"))
    }
}
