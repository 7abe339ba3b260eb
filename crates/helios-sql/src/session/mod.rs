//! Sessions: the life of a statement from text to rows.
//!
//! An [`Engine`] is an open database; a [`Session`] is one conversation with it: a current branch,
//! settings, prepared statements, cursors and at most one transaction. A statement is parsed, bound
//! to a plan, compiled for one of the two executors, and run; plans are cached, so that a prepared
//! statement meets neither parser nor binder again.

mod batch;
mod engine;
mod interrupt;
mod notice;
mod outcome;
mod prepared;
mod status;

use std::io::{Read, Write};
use std::sync::Arc;

use helios_base::{Error, Result, Value};

pub use engine::{Engine, EngineOptions};
pub use interrupt::{CancelHandle, Interrupt, Progress};
pub use notice::{Notice, Severity};
pub(crate) use outcome::RowSource;
pub use outcome::{Columns, Completion, Outcome, ResultColumn, RowStream};
pub use prepared::Prepared;
pub use status::{SessionStatus, TransactionStatus};

/// How to start a session.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SessionOptions {
    /// The user's name; `heliosdb` if empty.
    pub user: String,
    /// The branch to start on; `main` if empty.
    pub branch: String,
    /// Settings to start with, as name and text.
    pub settings: Vec<(String, String)>,
}

/// One conversation with an [`Engine`]. Runs one statement at a time; may move between threads.
///
/// Dropping it rolls back an open transaction.
pub struct Session {
    engine: Engine,
    user: String,
    branch: String,
    interrupt: Interrupt,
    notices: Vec<Notice>,
    copy_input: Option<Box<dyn Read + Send>>,
    copy_output: Option<Box<dyn Write + Send>>,
}

impl Session {
    pub(crate) fn start(engine: Engine, options: SessionOptions) -> Result<Self> {
        let or = |text: String, default: &str| match text.as_str() {
            "" => default.to_owned(),
            _ => text,
        };
        Ok(Self {
            engine,
            user: or(options.user, "heliosdb"),
            branch: or(options.branch, "main"),
            interrupt: Interrupt::default(),
            notices: Vec::new(),
            copy_input: None,
            copy_output: None,
        })
    }

    /// Runs the statements of `sql` one after another, as PostgreSQL's simple query does: without
    /// explicit transaction commands they are one transaction together.
    ///
    /// The script runs as it is read: each item runs one statement. The first error ends it and
    /// undoes the implicit transaction; dropping it early does the same.
    pub fn execute<'s>(&'s mut self, sql: &str) -> Script<'s> {
        let _ = (sql, &self.engine);
        Script {
            _session: self,
            failed: Some(Error::unsupported("statements")),
        }
    }

    /// Runs `sql` and gives the last statement's outcome; earlier rows are read and dropped.
    ///
    /// # Errors
    /// The first error of any statement; `42601` if there is no statement at all.
    pub fn run_script(&mut self, sql: &str) -> Result<Outcome> {
        let mut last = None;
        for outcome in self.execute(sql) {
            if let Some(Outcome::Rows(rows)) = last.replace(outcome?) {
                Outcome::Rows(rows).finish()?;
            }
        }
        last.ok_or_else(|| Error::new(helios_base::SqlState::SYNTAX_ERROR, "no statement given"))
    }

    /// Parses and plans one statement with parameters `$1`, `$2`, …
    ///
    /// # Errors
    /// Syntax and name errors with their position; `42601` for more than one statement.
    pub fn prepare(&mut self, sql: &str) -> Result<Arc<Prepared>> {
        let _ = sql;
        Err(Error::unsupported("prepared statements"))
    }

    /// Runs a prepared statement. `parameters` are cast to the statement's parameter types where
    /// they are not of these already.
    ///
    /// # Errors
    /// `08P01` for a wrong number of parameters; whatever the statement meets.
    pub fn run(&mut self, prepared: &Arc<Prepared>, parameters: &[Value]) -> Result<Outcome> {
        let _ = (prepared, parameters);
        Err(Error::unsupported("prepared statements"))
    }

    /// A handle that cancels this session's statements from another thread.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle(self.interrupt.clone())
    }

    /// Where the session stands.
    #[must_use]
    pub fn status(&self) -> SessionStatus {
        SessionStatus {
            transaction: TransactionStatus::Idle,
            branch: self.branch.clone(),
            user: self.user.clone(),
        }
    }

    /// Takes the notices and warnings of the statements since the last call, oldest first.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Sets where `COPY … FROM STDIN` reads; it reads until the reader ends.
    pub fn set_copy_input(&mut self, input: Option<Box<dyn Read + Send>>) {
        self.copy_input = input;
    }

    /// Sets where `COPY … TO STDOUT` writes.
    pub fn set_copy_output(&mut self, output: Option<Box<dyn Write + Send>>) {
        self.copy_output = output;
    }

    /// The effective value of a setting as `SHOW` prints it.
    ///
    /// # Errors
    /// `42704` with a suggestion if there is no such setting.
    pub fn setting(&self, name: &str) -> Result<String> {
        let _ = name;
        Err(Error::unsupported("settings"))
    }

    /// Names that a shell may offer where `context` says what is wanted, with this prefix, in order.
    #[must_use]
    pub fn complete_names(&self, context: NameContext, prefix: &str) -> Vec<String> {
        let _ = (context, prefix);
        Vec::new()
    }
}

/// What kind of name a shell wants to complete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameContext {
    /// Tables and views.
    Relation,
    /// Columns of one relation, or of all where the relation is not known.
    Column(Option<String>),
    /// Schemas.
    Schema,
    /// Indexes.
    Index,
    /// Sequences.
    Sequence,
    /// Functions.
    Function,
    /// Settings.
    Setting,
    /// Branches.
    Branch,
    /// Prepared statements of the session.
    Statement,
}

/// The statements of one text, run as they are read; an iterator over their outcomes.
pub struct Script<'s> {
    _session: &'s mut Session,
    failed: Option<Error>,
}

impl Script<'_> {
    /// Takes the notices of the statements run so far, oldest first.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self._session.take_notices()
    }
}

impl Iterator for Script<'_> {
    type Item = Result<Outcome>;

    fn next(&mut self) -> Option<Result<Outcome>> {
        self.failed.take().map(Err)
    }
}
