//! Results, row by row or as Arrow batches.

use std::fmt;

use helios_base::{Error, Result, SqlState, Value};
use helios_sql::{Columns, ResultColumn, RowStream};

use crate::{FromSql, RecordBatch};

/// The rows of one query, in order, read once.
///
/// They belong to the query's own snapshot and stay the same while the connection goes on.
/// Dropping them ends the query.
#[derive(Debug)]
pub struct Rows {
    stream: RowStream,
}

impl Rows {
    pub(crate) fn new(stream: RowStream) -> Self {
        Self { stream }
    }

    /// Names and types, in order.
    #[must_use]
    pub fn columns(&self) -> &[ResultColumn] {
        self.stream.columns()
    }

    /// The rows not yet read, as Arrow record batches.
    pub fn batches(self) -> impl Iterator<Item = Result<RecordBatch>> {
        let mut stream = self.stream;
        std::iter::from_fn(move || stream.next_batch().transpose())
    }
}

impl Iterator for Rows {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        let row = self.stream.next_row().transpose()?;
        Some(row.map(|values| Row {
            columns: self.stream.columns().clone(),
            values,
        }))
    }
}

/// One row of a result.
#[derive(Clone)]
pub struct Row {
    columns: Columns,
    values: Vec<Value>,
}

impl Row {
    /// Names and types, in order.
    #[must_use]
    pub fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    /// The values, in column order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Reads a column, by its place from 0 or by its name (the first of that name).
    ///
    /// # Errors
    /// `Invalid`: no such column (42703), or its value is no `T` (22000).
    pub fn get<T: FromSql>(&self, column: impl ColumnRef) -> Result<T> {
        let index = column.find(&self.columns)?;
        T::from_sql(&self.values[index])
            .map_err(|error| error.with_column(&self.columns[index].name))
    }

    /// The values, owned.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.columns.iter().map(|column| &column.name);
        f.debug_map().entries(names.zip(&self.values)).finish()
    }
}

/// A column's place or name.
pub trait ColumnRef {
    /// The place among `columns`.
    ///
    /// # Errors
    /// `Invalid` (42703) when there is no such column.
    fn find(&self, columns: &[ResultColumn]) -> Result<usize>;
}

impl ColumnRef for usize {
    fn find(&self, columns: &[ResultColumn]) -> Result<usize> {
        if *self < columns.len() {
            return Ok(*self);
        }
        Err(Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!(
                "the result has {} columns; there is no column {self}",
                columns.len()
            ),
        ))
    }
}

impl ColumnRef for &str {
    fn find(&self, columns: &[ResultColumn]) -> Result<usize> {
        columns
            .iter()
            .position(|column| column.name == *self)
            .ok_or_else(|| {
                Error::new(
                    SqlState::UNDEFINED_COLUMN,
                    format!("the result has no column \"{self}\""),
                )
            })
    }
}
