//! What columns a segment holds.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::{Error, Result};

/// One column.
///
/// Columns are known by id: names change, columns are dropped and added, and a segment written
/// before stays readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The caller's id; unique in a segment.
    pub id: u32,
    /// The Arrow type of its arrays, on both sides of the file.
    pub ty: DataType,
}

/// The columns of a segment, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentSchema {
    version: u64,
    columns: Vec<Column>,
    key: Vec<usize>,
    arrow: SchemaRef,
}

impl SegmentSchema {
    /// Columns under the caller's schema `version`; `key` are the positions of the columns that the
    /// lookup key is made of, in key order (empty: rows cannot be looked up).
    ///
    /// # Errors
    /// Invalid if an id occurs twice or a key position does not exist.
    pub fn new(version: u64, columns: Vec<Column>, key: Vec<usize>) -> Result<Self> {
        let mut ids: Vec<u32> = columns.iter().map(|column| column.id).collect();
        ids.sort_unstable();
        if let Some([twice, _]) = ids.array_windows().find(|[a, b]| a == b) {
            return Err(Error::invalid(format!("column id {twice} occurs twice")));
        }
        if let Some(beyond) = key.iter().find(|place| **place >= columns.len()) {
            return Err(Error::invalid(format!(
                "key column at position {beyond}, of {} columns",
                columns.len()
            )));
        }
        let arrow = arrow_of(&columns);
        Ok(Self {
            version,
            columns,
            key,
            arrow,
        })
    }

    /// The caller's schema version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Positions of the key columns.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// Where the column `id` is.
    pub fn position(&self, id: u32) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }

    /// The Arrow schema of whole batches: every field nullable, named by its id.
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// The Arrow schema of some columns.
    ///
    /// # Errors
    /// Invalid if a position does not exist.
    pub fn project(&self, positions: &[usize]) -> Result<SchemaRef> {
        let columns = positions
            .iter()
            .map(|place| self.column(*place).cloned())
            .collect::<Result<Vec<_>>>()?;
        Ok(arrow_of(&columns))
    }

    pub(crate) fn column(&self, place: usize) -> Result<&Column> {
        self.columns.get(place).ok_or_else(|| {
            Error::invalid(format!(
                "column at position {place}, of {}",
                self.columns.len()
            ))
        })
    }
}

fn arrow_of(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| Field::new(column.id.to_string(), column.ty.clone(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}
