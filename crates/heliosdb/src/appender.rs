//! Bulk loading.

use helios_base::{Error, Result, Value};

/// Appends many rows to one table, far quicker than `INSERT` statements. Belongs to the
/// transaction it was made in; the rows are there once [`Appender::finish`] returned and the
/// transaction committed.
#[derive(Debug)]
pub struct Appender<'c> {
    _connection: &'c mut crate::Connection,
}

impl Appender<'_> {
    /// Appends a row: a value per column named, in that order.
    ///
    /// # Errors
    /// Whatever `INSERT` of the row would meet.
    pub fn append(&mut self, row: Vec<Value>) -> Result<()> {
        let _ = row;
        Err(Error::unsupported("appending"))
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// As [`Appender::append`].
    pub fn finish(self) -> Result<u64> {
        Err(Error::unsupported("appending"))
    }
}

impl<'c> Appender<'c> {
    pub(crate) fn new(connection: &'c mut crate::Connection) -> Self {
        Self {
            _connection: connection,
        }
    }
}
