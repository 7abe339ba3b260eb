//! Where the columns of a table are in its stored rows and keys.

use helios_base::key::{self, KeyOrder};
use helios_base::row::Layout;
use helios_base::{DataType, Error, Result, Value};

use crate::catalog::TableDef;

/// Where the columns of a table are in its stored rows, of every schema version, and in its keys.
#[derive(Debug)]
pub struct Shape {
    /// Ascending by version.
    layouts: Vec<RowLayout>,
    key: Vec<(usize, DataType)>,
    columns: usize,
}

/// One schema version.
#[derive(Debug)]
pub(super) struct RowLayout {
    pub(super) layout: Layout,
    /// For each column of the table as it is defined now.
    pub(super) sources: Vec<Source>,
}

/// Where a column's value comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// This position of the stored row.
    Stored(usize),
    /// Rows of this version do not have the column.
    Missing(Value),
}

impl Shape {
    /// The shape of `table`.
    fn new(table: &TableDef) -> Self {
        let layouts = table
            .layouts
            .iter()
            .map(|def| {
                let layout = Layout::new(def.version, def.columns.iter().cloned());
                let sources = table
                    .columns
                    .iter()
                    .map(|column| match layout.position(column.id) {
                        Some(position) => Source::Stored(position),
                        None => Source::Missing(column.missing.clone().unwrap_or(Value::Null)),
                    })
                    .collect();
                RowLayout { layout, sources }
            })
            .collect();
        let key = table
            .key
            .iter()
            .filter_map(|id| {
                let (position, column) = table.column_by_id(*id)?;
                Some((position, column.ty.clone()))
            })
            .collect();
        Self {
            layouts,
            key,
            columns: table.columns.len(),
        }
    }

    /// The layout of the rows of a schema version.
    #[inline]
    pub(super) fn layout(&self, version: u32) -> Result<&RowLayout> {
        match self.layouts.last() {
            Some(last) if last.layout.version() == version => Ok(last),
            _ => self
                .layouts
                .iter()
                .find(|l| l.layout.version() == version)
                .ok_or_else(|| Error::corrupt(format!("row of unknown schema version {version}"))),
        }
    }

    /// How many columns a row has.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// The positions of the columns that identify a row, with their types; empty if rows are
    /// identified by a hidden number.
    #[must_use]
    pub fn key_columns(&self) -> &[(usize, DataType)] {
        &self.key
    }

    /// Appends the stored form of `row`, one value per column of the table.
    ///
    /// # Errors
    /// Internal if a value does not fit its column.
    pub fn encode_row(&self, row: &[Value], out: &mut Vec<u8>) -> Result<()> {
        match self.layouts.last() {
            Some(current) => current.layout.encode(row, out),
            None => Err(Error::internal("a table without layout")),
        }
    }

    /// Puts `value` into the column at `position` of a stored row, if that can be done in place;
    /// see [`Layout::patch`].
    ///
    /// # Errors
    /// `Corrupt` if it is not a row; internal if the value does not fit its column.
    pub fn patch_row(&self, row: &mut [u8], position: usize, value: &Value) -> Result<bool> {
        let Some(current) = self.layouts.last() else {
            return Ok(false);
        };
        match current.sources.get(position) {
            Some(Source::Stored(stored)) => current.layout.patch(row, *stored, value),
            _ => Ok(false),
        }
    }

    /// Appends the stored key of `row`. Nothing for tables with hidden row numbers.
    ///
    /// # Errors
    /// Internal if a value does not fit its column.
    pub fn encode_key_of(&self, row: &[Value], out: &mut Vec<u8>) -> Result<()> {
        for (position, ty) in &self.key {
            let value = row.get(*position).unwrap_or(&Value::Null);
            key::encode(value, ty, KeyOrder::ASC, out)?;
        }
        Ok(())
    }

    /// Appends the stored key made of `values`, one per key column in key order.
    ///
    /// # Errors
    /// Internal if a value does not fit its column.
    #[inline]
    pub fn encode_key(&self, values: &[Value], out: &mut Vec<u8>) -> Result<()> {
        if values.len() != self.key.len() {
            return Err(Error::internal("wrong number of key values"));
        }
        for (value, (_, ty)) in values.iter().zip(&self.key) {
            key::encode(value, ty, KeyOrder::ASC, out)?;
        }
        Ok(())
    }
}

impl TableDef {
    /// Where the columns are in stored rows.
    #[inline]
    #[must_use]
    pub fn shape(&self) -> &Shape {
        self.derived.shape.get_or_init(|| Shape::new(self))
    }
}
