//! One conversation with a database.

use std::borrow::Borrow;
use std::io::{Read, Write};
use std::sync::Arc;

use helios_base::text::TextContext;
use helios_base::{Error, Result, SqlState};
pub use helios_sql::{Appender, Script};
use helios_sql::{
    CancelHandle, Completion, NameContext, Notice, Notification, Outcome, Session, SessionStatus,
};
use helios_table::Catalog;
use helios_table::catalog::quoted;

use crate::{IntoStatement, Params, Row, Rows, Statement, Transaction};

/// One conversation with a [`crate::Database`]: a branch, settings, and at most one transaction.
///
/// Runs one statement at a time; may move between threads. Dropping it rolls back an open
/// transaction.
pub struct Connection {
    session: Session,
}

impl Connection {
    pub(crate) fn new(session: Session) -> Self {
        Self { session }
    }

    /// Runs one statement and returns how many rows it changed (or returned).
    ///
    /// # Errors
    /// Whatever the statement meets; the transaction, if one is open, then only rolls back.
    pub fn execute(&mut self, statement: impl IntoStatement, params: impl Params) -> Result<u64> {
        let outcome = self.run(statement, params)?;
        Ok(outcome.finish()?.rows.unwrap_or(0))
    }

    /// Runs the statements of a script, dropping any rows. Without transaction commands of its
    /// own the whole script is one transaction.
    ///
    /// # Errors
    /// The first error; nothing of an implicit transaction remains.
    pub fn execute_batch(&mut self, script: &str) -> Result<()> {
        for outcome in self.session.execute(script) {
            outcome?.finish()?;
        }
        Ok(())
    }

    /// Runs one query.
    ///
    /// # Errors
    /// Whatever the statement meets; `Invalid` (02000) when it returns no rows by its nature.
    pub fn query(&mut self, statement: impl IntoStatement, params: impl Params) -> Result<Rows> {
        match self.run(statement, params)? {
            Outcome::Rows(stream) => Ok(Rows::new(stream)),
            Outcome::Done(Completion { tag, .. }) => Err(Error::new(
                SqlState::NO_DATA,
                format!("{tag} returns no rows"),
            )
            .with_hint("Use execute, or add RETURNING.")),
            _ => Err(Error::internal("an outcome of an unknown kind")),
        }
    }

    /// Runs a query that gives exactly one row.
    ///
    /// # Errors
    /// As [`Connection::query`]; `Invalid` when it gave no row (02000) or several (21000).
    pub fn query_row(&mut self, statement: impl IntoStatement, params: impl Params) -> Result<Row> {
        let mut rows = self.query(statement, params)?;
        let row = rows
            .next()
            .unwrap_or_else(|| Err(Error::new(SqlState::NO_DATA, "the query returned no row")))?;
        match rows.next() {
            None => Ok(row),
            Some(Err(error)) => Err(error),
            Some(Ok(_)) => Err(Error::new(
                SqlState::CARDINALITY_VIOLATION,
                "the query returned more than one row",
            )),
        }
    }

    /// What has arrived on the channels that `LISTEN` named; nothing while a transaction is open.
    pub fn notifications(&mut self) -> Vec<Notification> {
        self.session.take_notifications()
    }

    /// Waits until something arrives on the channels that `LISTEN` named, or the time is over.
    pub fn wait_notifications(&mut self, limit: std::time::Duration) -> Vec<Notification> {
        self.session.wait_notifications(limit)
    }

    /// Prepares a statement with parameters `$1`, `$2`, …
    ///
    /// # Errors
    /// Syntax and name errors, with their position.
    pub fn prepare(&mut self, sql: &str) -> Result<Statement> {
        Ok(Statement {
            prepared: self.session.prepare(sql)?,
        })
    }

    /// Begins a transaction; it rolls back when the guard is dropped without a commit.
    ///
    /// # Errors
    /// `Invalid` (25001) inside a transaction that SQL began.
    pub fn transaction(&mut self) -> Result<Transaction<'_>> {
        Transaction::begin(self)
    }

    /// Runs a script statement by statement and gives each outcome as it comes, rows included.
    pub fn script<'c>(&'c mut self, sql: &str) -> Script<'c> {
        self.session.execute(sql)
    }

    /// Appends rows to `table`, a value for each of `columns`.
    ///
    /// # Errors
    /// `Invalid` when there is no such table (42P01) or column (42703).
    pub fn appender(&mut self, table: &str, columns: &[&str]) -> Result<Appender<'_>> {
        self.session.appender(&quoted(table), columns)
    }

    /// Whether a table or view of this name is there, on the search path.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn has_table(&self, table: &str) -> Result<bool> {
        let catalog = self.session.catalog()?;
        Ok(catalog
            .resolve(None, table, &self.session.search_path())
            .is_some())
    }

    /// What exists on the current branch, as the current transaction sees it.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn catalog(&self) -> Result<Arc<Catalog>> {
        self.session.catalog()
    }

    /// The settings that the text form of values depends on.
    #[must_use]
    pub fn text_context(&self) -> TextContext {
        self.session.text_context()
    }

    /// The schemas in which unqualified names are looked up.
    #[must_use]
    pub fn search_path(&self) -> Vec<String> {
        self.session.search_path()
    }

    /// Runs one statement and gives its outcome, rows or not.
    ///
    /// # Errors
    /// Whatever the statement meets.
    pub fn run(&mut self, statement: impl IntoStatement, params: impl Params) -> Result<Outcome> {
        params.with_values(|params| {
            let prepared = statement.into_prepared(&mut self.session, params)?;
            self.session.run(prepared.borrow(), params)
        })
    }

    /// Cancels this connection's statements from another thread, and watches their progress.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        self.session.cancel_handle()
    }

    /// Branch, user and transaction state.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        self.session.status()
    }

    /// Takes the notices and warnings since the last call, oldest first.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.session.take_notices()
    }

    /// Where `COPY … FROM STDIN` reads.
    pub fn set_copy_input(&mut self, input: Option<Box<dyn Read + Send>>) {
        self.session.set_copy_input(input);
    }

    /// Where `COPY … TO STDOUT` writes.
    pub fn set_copy_output(&mut self, output: Option<Box<dyn Write + Send>>) {
        self.session.set_copy_output(output);
    }

    /// A setting's value, as `SHOW` prints it.
    ///
    /// # Errors
    /// `Invalid` (42704), with a suggestion, when there is no such setting.
    pub fn setting(&self, name: &str) -> Result<String> {
        self.session.setting(name)
    }

    /// Names that complete `prefix` where `context` says what is wanted.
    #[must_use]
    pub fn complete_names(&self, context: NameContext, prefix: &str) -> Vec<String> {
        self.session.complete_names(context, prefix)
    }

    pub(crate) fn command(&mut self, sql: &str) -> Result<()> {
        self.session.run_script(sql)?.finish().map(drop)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
