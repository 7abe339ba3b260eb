//! What a wire protocol needs beyond statements: pipelines of them, and announced COPY data.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use helios_base::{DataType, Result, SharedEncoding, Value};

use super::{Columns, Outcome, Prepared, Session};

/// The far side of `COPY … FROM STDIN` and `COPY … TO STDOUT`, for protocols that announce the data
/// before it flows.
pub trait CopyPeer: Send {
    /// Asks the peer for data; the reader ends where the peer's data ends.
    ///
    /// # Errors
    /// When the peer is gone.
    fn start_input(&mut self, shape: CopyShape) -> Result<Box<dyn Read + Send>>;

    /// Tells the peer that data follows.
    ///
    /// # Errors
    /// When the peer is gone.
    fn start_output(&mut self, shape: CopyShape) -> Result<Box<dyn Write + Send>>;
}

/// What COPY data looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyShape {
    /// Columns of each row.
    pub columns: usize,
    /// Whether the data is in PostgreSQL's binary format; text otherwise.
    pub binary: bool,
}

impl Session {
    /// As [`Session::prepare`], with the types of the first parameters; `Unknown` for those that are
    /// to be deduced.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    pub fn prepare_typed(&mut self, sql: &str, declared: Vec<DataType>) -> Result<Arc<Prepared>> {
        let span = self.statement_span(sql);
        let result = span.in_scope(|| self.prepare_statement(sql, declared, None));
        self.parsed_span(span, &result, sql);
        if result.is_err() {
            self.fail();
        }
        result
    }

    /// The type of this object identifier: one of the system's, one that a user has made, the rows of
    /// a relation, or arrays of any of them. Protocols declare parameters so.
    ///
    /// # Errors
    /// When stored objects cannot be read.
    pub fn type_numbered(&self, oid: u32) -> Result<Option<DataType>> {
        match DataType::from_oid(oid) {
            Some(ty) => Ok(Some(ty)),
            None => Ok(self.catalog()?.type_numbered(oid)),
        }
    }

    /// As [`Session::run`], except that what the statement did outside of a block is not yet
    /// committed: statements up to the next [`Session::sync`] are one transaction.
    ///
    /// # Errors
    /// As [`Session::run`]; the pipeline's work is undone then.
    pub fn run_in_pipeline(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[Value],
    ) -> Result<Outcome> {
        let begun = self.begin_measure();
        let span = self.run_span(prepared);
        let mut result = span.in_scope(|| self.run_prepared(prepared, parameters));
        if let (Some(begun), Ok(outcome)) = (begun, &mut result) {
            let (text, known) = (&prepared.text, Some(&prepared.normal));
            self.end_measure(begun, text, known, outcome);
        }
        Self::end_span(span, &mut result);
        if result.is_err() {
            self.fail();
        }
        result
    }

    /// The columns that a prepared statement has with these parameters; `None` if it returns no rows. They
    /// are other ones than those of [`Prepared::columns`] where it reads a moment that a parameter gives
    /// and another schema held there.
    ///
    /// # Errors
    /// As [`Session::run`]; the pipeline's work is undone then.
    pub fn columns_for(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[Value],
    ) -> Result<Option<Columns>> {
        if prepared.parameters.is_empty() {
            return Ok(prepared.columns.clone());
        }
        let result = self.columns_with(prepared, parameters);
        if result.is_err() {
            self.fail();
        }
        result
    }

    /// Ends a pipeline: commits what it did outside of a block.
    ///
    /// # Errors
    /// When the commit fails; nothing of the pipeline remains then.
    pub fn sync(&mut self) -> Result<()> {
        // The commit is a step of the last statement, which is let go here.
        let span = self.last_span();
        let result = span.in_scope(|| self.finish_implicit());
        self.forget_spans();
        if result.is_err() {
            self.fail();
        }
        self.go_idle();
        result
    }

    /// Marks the open transaction as failed, as a failed statement would: for errors that a protocol
    /// meets outside of statements.
    pub fn fail_transaction(&mut self) {
        self.fail();
    }

    /// Keeps a prepared statement under a name, as PREPARE does; an earlier one of that name goes.
    pub fn keep_prepared(&mut self, name: &str, prepared: Arc<Prepared>) {
        self.keep_prepared_of(name, prepared, false);
    }

    pub(super) fn keep_prepared_of(&mut self, name: &str, prepared: Arc<Prepared>, from_sql: bool) {
        let kept = super::prepared::Kept {
            statement: Arc::clone(&prepared),
            since: super::clock::now(),
            from_sql,
        };
        self.state.prepared.lock().insert(name.to_owned(), kept);
        self.prepared.insert(name.to_owned(), prepared);
    }

    /// The prepared statement of a name, from PREPARE or from [`Session::keep_prepared`].
    #[must_use]
    pub fn kept_prepared(&self, name: &str) -> Option<Arc<Prepared>> {
        self.prepared.get(name).cloned()
    }

    /// Forgets the prepared statement of a name, if there is one.
    pub fn forget_prepared(&mut self, name: &str) {
        self.state.prepared.lock().remove(name);
        self.prepared.remove(name);
    }

    /// Forgets all of them.
    pub(super) fn forget_all_prepared(&mut self) {
        self.state.prepared.lock().clear();
        self.prepared.clear();
    }

    /// The columns of a cursor that DECLARE opened: protocols know cursors as portals.
    #[must_use]
    pub fn columns_of_cursor(&self, name: &str) -> Option<Columns> {
        self.cursor_columns(name)
    }

    /// Closes the cursor that DECLARE opened under this name, if there is one.
    pub fn close_cursor(&mut self, name: &str) {
        self.cursors.remove(name);
    }

    /// Refuses to go on with what a failed transaction began.
    ///
    /// # Errors
    /// `25P02` in a failed transaction.
    pub fn check_transaction(&self) -> Result<()> {
        self.check_not_failed()
    }

    /// How the client writes text: what `client_encoding` says at the time.
    #[must_use]
    pub fn client_encoding(&self) -> SharedEncoding {
        self.state.settings.lock().encoding().clone()
    }

    /// Sets who gives and takes the data of COPY where no stream was set for it.
    pub fn set_copy_peer(&mut self, peer: Option<Box<dyn CopyPeer>>) {
        self.copy_peer = peer;
    }

    /// The session's number, unique while the engine is open; what `pg_backend_pid()` shows.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.activity.number
    }

    /// Changes with every change of a setting.
    #[must_use]
    pub fn settings_generation(&self) -> u64 {
        self.state.settings.lock().generation().load(Relaxed)
    }
}
