//! Bulk loading.

use helios_base::{Result, Value};
use helios_table::catalog::quoted;

use crate::{Connection, Statement};

/// Appends many rows to one table. The rows belong to the transaction the appender was made in,
/// or to one of their own each without.
#[derive(Debug)]
pub struct Appender<'c> {
    connection: &'c mut Connection,
    insert: Statement,
    rows: u64,
}

impl<'c> Appender<'c> {
    pub(crate) fn new(
        connection: &'c mut Connection,
        table: &str,
        columns: &[&str],
    ) -> Result<Self> {
        let names: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
        let values: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
        let insert = connection.prepare(&format!(
            "INSERT INTO {} ({}) VALUES ({})",
            quoted(table),
            names.join(", "),
            values.join(", ")
        ))?;
        Ok(Self {
            connection,
            insert,
            rows: 0,
        })
    }

    /// Appends a row: a value per column named, in that order.
    ///
    /// # Errors
    /// Whatever `INSERT` of the row would meet.
    pub fn append(&mut self, row: Vec<Value>) -> Result<()> {
        self.connection.execute(&self.insert, row)?;
        self.rows += 1;
        Ok(())
    }

    /// Writes what is still held back; returns how many rows were appended.
    ///
    /// # Errors
    /// As [`Appender::append`].
    pub fn finish(self) -> Result<u64> {
        Ok(self.rows)
    }
}
