//! Transactions as guards.

use std::ops::{Deref, DerefMut};

use helios_base::Result;

use crate::Connection;

/// An open transaction, or a savepoint inside one. Rolls back when dropped without a commit.
///
/// ```
/// # fn main() -> heliosdb::Result<()> {
/// # let database = heliosdb::Database::open_in_memory()?;
/// # let mut connection = database.connect()?;
/// connection.execute("CREATE TABLE t (n integer)", ())?;
/// let mut transaction = connection.transaction()?;
/// transaction.execute("INSERT INTO t VALUES ($1)", (1,))?;
/// {
///     let mut inner = transaction.savepoint()?;
///     inner.execute("DELETE FROM t", ())?;
/// } // dropped: the deletion is undone
/// transaction.commit()?;
/// assert_eq!(connection.query_row("SELECT count(*) FROM t", ())?.get::<i64>(0)?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Transaction<'c> {
    connection: &'c mut Connection,
    depth: usize,
    open: bool,
}

impl<'c> Transaction<'c> {
    pub(crate) fn begin(connection: &'c mut Connection) -> Result<Self> {
        connection.command("BEGIN")?;
        Ok(Self {
            connection,
            depth: 0,
            open: true,
        })
    }

    /// Sets a savepoint; work after it can be undone alone.
    ///
    /// # Errors
    /// `Invalid` (25P02) when the transaction failed before.
    pub fn savepoint(&mut self) -> Result<Transaction<'_>> {
        let depth = self.depth + 1;
        self.connection
            .command(&format!("SAVEPOINT helios_guard_{depth}"))?;
        Ok(Transaction {
            connection: self.connection,
            depth,
            open: true,
        })
    }

    /// Commits, or keeps the work since the savepoint.
    ///
    /// # Errors
    /// `Conflict` (40001) and deferred constraints; nothing of the transaction remains then.
    pub fn commit(mut self) -> Result<()> {
        self.open = false;
        match self.depth {
            0 => self.connection.command("COMMIT"),
            depth => self
                .connection
                .command(&format!("RELEASE SAVEPOINT helios_guard_{depth}")),
        }
    }

    /// Undoes the work, as dropping does, but tells of errors.
    ///
    /// # Errors
    /// When the database cannot go on.
    pub fn rollback(mut self) -> Result<()> {
        self.open = false;
        self.undo()
    }

    fn undo(&mut self) -> Result<()> {
        match self.depth {
            0 => self.connection.command("ROLLBACK"),
            depth => self.connection.command(&format!(
                "ROLLBACK TO SAVEPOINT helios_guard_{depth}; RELEASE SAVEPOINT helios_guard_{depth}"
            )),
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // A failed rollback leaves nothing to do here: the next statement reports the state.
            let _ = self.undo();
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.connection
    }
}
