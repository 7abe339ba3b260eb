//! Sessions: the life of a statement from text to rows.
//!
//! An [`Engine`] is an open database; a [`Session`] is one conversation with it: a current branch,
//! settings, prepared statements, cursors and at most one transaction. A statement is parsed, bound
//! to a plan, compiled for one of the two executors, and run; plans are cached, so that a prepared
//! statement meets neither parser nor binder again.

mod acl_functions;
mod activity;
mod advisory;
mod alike;
mod append;
mod as_of;
mod audit;
mod backup;
mod batch;
mod bisect;
mod branch;
mod branch_options;
mod by_key;
mod catalog_functions;
mod chosen;
pub(crate) mod clock;
mod conflicts;
mod copy;
mod costs;
mod cursor;
mod cursor_place;
mod database_setting;
mod ddl;
mod definitions;
mod drop_branch;
mod engine;
mod expiry;
mod explain;
mod extension;
mod facts;
mod figures;
mod history_functions;
mod indexing;
mod interrupt;
mod locks;
mod lookup;
mod merge;
mod merge_functions;
mod merge_report;
mod merge_rules;
mod notice;
mod notify;
mod object_functions;
mod outcome;
mod past;
mod pipeline;
mod planned;
mod prepared;
mod recent;
mod resolutions;
mod results;
mod retention;
mod roles;
mod routine;
mod row_json;
mod run;
mod scram;
mod script;
mod settings;
mod signal;
mod sizes;
mod snapshots;
mod state;
mod statement;
mod status;
mod stream;
mod tag;
mod temporary;
mod tending;
mod trace;
mod transaction;
mod utility;
mod versions;
mod watchdog;

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;

use helios_base::{BranchId, Error, Result, SqlState, Value};
use helios_table::Catalog;
use helios_table::catalog::RoleId;
use helios_version::Read as _;
use parking_lot::Mutex;

pub(crate) use activity::Activity;
pub use append::Appender;
pub use backup::restore;
use chosen::Chosen;
use cursor::OpenCursor;
pub use engine::{Engine, EngineOptions};
pub use figures::Figures;
pub use interrupt::{CancelHandle, Interrupt, Progress};
pub use notice::{Notice, Severity};
pub use notify::Notification;
pub(crate) use outcome::RowSource;
pub use outcome::{Columns, Completion, Outcome, ResultColumn, RowStream};
pub(crate) use past::{branch_named, pin_named};
pub use pipeline::{CopyPeer, CopyShape};
pub(crate) use planned::{Code, Planned};
pub use prepared::Prepared;
pub use scram::prepared_password;
pub use script::Script;
pub(crate) use settings::check_function_setting;
pub use settings::{SETTINGS, SettingDef};
use state::State;
pub(crate) use state::split_name;
pub use status::{SessionStatus, TransactionStatus};
pub(crate) use temporary::refuse_foreign;
use transaction::Current;

/// How to start a session.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SessionOptions {
    /// The role that logged in. Empty: nobody did, the session may do everything, and its user is
    /// called `heliosdb`.
    pub user: String,
    /// The name by which the database was asked for, which `current_database()` and the catalogs tell;
    /// `heliosdb` if empty.
    pub database: String,
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
    state: Arc<State>,
    activity: Arc<Activity>,
    branch: BranchId,
    /// The branch that it began on.
    first_branch: BranchId,
    current: Option<Current>,
    idle: transaction::Idle,
    prepared: HashMap<String, Arc<Prepared>>,
    cursors: HashMap<String, OpenCursor>,
    /// How many cursors were ever declared.
    cursors_declared: u64,
    interrupt: Interrupt,
    notices: Vec<Notice>,
    copy_input: Option<Box<dyn Read + Send>>,
    copy_output: Option<Box<dyn Write + Send>>,
    copy_peer: Option<Box<dyn CopyPeer>>,
    /// Start of the running statement, in microseconds since 1970 UTC.
    statement_start: i64,
    /// The points of the past that it reads at.
    held: as_of::Held,
    /// Where all statements read while it is set, whatever the settings say.
    fixed: Option<helios_version::Snapshot>,
    /// What the settings say to every statement.
    chosen: Chosen,
    /// Scratch for keys.
    key: Vec<u8>,
    /// The statement that last ran in a short way, with its plan.
    last_plan: Option<(Arc<Prepared>, Arc<Planned>)>,
    /// Set while `EXPLAIN ANALYZE` runs its statement.
    measures: Option<Arc<crate::row::measure::Measures>>,
    /// How many routines run inside each other.
    routine_depth: usize,
    recent: recent::Recent,
    alike: alike::Alike,
    /// What the audit log takes of this session beside that of all.
    audit_more: audit::Classes,
    /// What has arrived from other sessions.
    inbox: Arc<notify::Inbox>,
    spans: trace::Spans,
}

impl Session {
    pub(crate) fn start(engine: Engine, options: SessionOptions, number: u64) -> Result<Self> {
        let embedded = options.user.is_empty();
        let user = match options.user {
            // Who opens the database as a library is its first superuser.
            user if user.is_empty() => {
                let catalog = engine.shared.tables.newest_catalog(BranchId::MAIN)?;
                catalog.roles().name(RoleId::BOOTSTRAP)
            }
            user => user,
        };
        let interrupt = Interrupt::default();
        let activity = Arc::new(Activity {
            number,
            user: user.clone(),
            since: clock::now(),
            now: Mutex::default(),
            tally: figures::Tally::default(),
            interrupt: interrupt.clone(),
            waker: Mutex::default(),
        });
        let state = State::new(
            &engine.shared,
            user,
            options.database,
            embedded,
            number,
            interrupt.clone(),
        );
        let mut session = Self {
            state,
            activity: activity.clone(),
            branch: BranchId::MAIN,
            first_branch: BranchId::MAIN,
            current: None,
            idle: transaction::Idle::default(),
            prepared: HashMap::new(),
            cursors: HashMap::new(),
            cursors_declared: 0,
            interrupt,
            notices: Vec::new(),
            copy_input: None,
            copy_output: None,
            copy_peer: None,
            statement_start: 0,
            held: as_of::Held::default(),
            fixed: None,
            chosen: Chosen::default(),
            key: Vec::new(),
            last_plan: None,
            measures: None,
            routine_depth: 0,
            recent: recent::Recent::default(),
            alike: alike::Alike::default(),
            audit_more: audit::Classes::default(),
            inbox: Arc::default(),
            spans: trace::Spans::default(),
            engine,
        };
        if !embedded {
            let mut settings = session.state.settings.lock();
            settings.start_with("pg_stat_statements.track", "top")?;
        }
        if !embedded {
            session.start_with_role_settings()?;
        }
        for (name, value) in &options.settings {
            if roles::is_identity(name) {
                session.check_identity(name, value)?;
            }
            session.state.check_limit(name)?;
            session.state.settings.lock().start_with(name, value)?;
        }
        match options.branch.as_str() {
            // Whatever the root is called by now.
            "" => {
                session.go_to_first();
                session.state.check_branch_use(session.branch)?;
            }
            name => session.use_branch(name)?,
        }
        session.first_branch = session.branch;
        let as_of = session
            .state
            .settings
            .lock()
            .text(settings::Id::AsOf)
            .to_owned();
        if !as_of.is_empty() {
            let fixed = session.fixed_point(&as_of)?;
            session
                .state
                .settings
                .lock()
                .start_with(as_of::NAME, &fixed)?;
        }
        let shared = &session.engine.shared;
        shared.activity.lock().insert(number, activity);
        Ok(session)
    }

    /// Runs the statements of `sql` one after another, as PostgreSQL's simple query does: without
    /// explicit transaction commands they are one transaction together.
    ///
    /// The script runs as it is read: each item runs one statement. The first error ends it and
    /// undoes the implicit transaction; dropping it early does the same.
    pub fn execute<'s>(&'s mut self, sql: &str) -> Script<'s> {
        Script::new(self, sql)
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
        last.ok_or_else(|| Error::new(SqlState::SYNTAX_ERROR, "no statement given"))
    }

    /// Parses and plans one statement with parameters `$1`, `$2`, …
    ///
    /// # Errors
    /// Syntax and name errors with their position; `42601` for more than one statement.
    pub fn prepare(&mut self, sql: &str) -> Result<Arc<Prepared>> {
        self.prepare_for(sql, &[])
    }

    /// As [`Session::prepare`], for a run with these values: where one of them is a moment to read
    /// at, names mean what they meant then.
    ///
    /// # Errors
    /// As there.
    pub fn prepare_for(&mut self, sql: &str, parameters: &[Value]) -> Result<Arc<Prepared>> {
        let result = self.prepare_statement(sql, Vec::new(), Some(parameters));
        if result.is_err() {
            self.fail();
        }
        result
    }

    /// Runs a prepared statement. `parameters` are cast to the statement's parameter types where
    /// they are not of these already.
    ///
    /// # Errors
    /// `08P01` for a wrong number of parameters; whatever the statement meets.
    pub fn run(&mut self, prepared: &Arc<Prepared>, parameters: &[Value]) -> Result<Outcome> {
        let begun = self.begin_measure();
        let mut result = match self.run_short(prepared, parameters) {
            Some(mut done) => {
                self.count(&done);
                if let Some(parsed) = &prepared.parsed {
                    self.audit(&parsed.statement, &prepared.text, &mut done);
                }
                done
            }
            None => self.run_long(prepared, parameters, &prepared.text),
        };
        if let (Some(begun), Ok(outcome)) = (begun, &mut result) {
            let (text, known) = (&prepared.text, Some(&prepared.normal));
            self.end_measure(begun, text, known, outcome);
        }
        result
    }

    /// Runs a prepared statement whichever it is; `text` is what the client sent.
    fn run_long(
        &mut self,
        prepared: &Arc<Prepared>,
        parameters: &[Value],
        text: &Arc<str>,
    ) -> Result<Outcome> {
        let result = self.run_prepared_as(prepared, parameters, text);
        let result = result.and_then(|outcome| {
            self.finish_implicit()?;
            Ok(outcome)
        });
        if result.is_err() {
            self.fail();
        }
        self.go_idle();
        result
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
            transaction: self.transaction_status(),
            branch: self.state.branch_name().to_string(),
            as_of: self.held_back().map(|snapshot| snapshot.scn().0),
            user: self.state.user.clone(),
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
        self.state.settings.lock().show(name)
    }

    /// The settings that the text forms of values depend on, as they are now.
    #[must_use]
    pub fn text_context(&self) -> helios_base::TextContext {
        self.state.text(clock::now())
    }

    /// Names that a shell may offer where `context` says what is wanted, with this prefix, in order.
    #[must_use]
    pub fn complete_names(&self, context: NameContext, prefix: &str) -> Vec<String> {
        self.names(&context, prefix)
    }

    /// What exists on the session's branch: as its open transaction sees it, else the newest.
    ///
    /// # Errors
    /// When stored objects cannot be read.
    pub fn catalog(&self) -> Result<Arc<Catalog>> {
        if let Some(snapshot) = self.held_back() {
            return self.engine.shared.tables.catalog(&snapshot);
        }
        match &self.current {
            Some(current) if !current.failed => current.txn.catalog(),
            _ => self.engine.shared.tables.newest_catalog(self.branch),
        }
    }

    /// The schemas that unqualified names are looked up in.
    pub fn search_path(&self) -> Vec<String> {
        self.state.search_path()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.settle_notes(true);
        self.roll_back();
        self.unlisten_all();
        self.end_temporary();
        advisory::end(&self.state);
        let shared = &self.engine.shared;
        let mut all = shared.activity.lock();
        all.remove(&self.activity.number);
        shared.end_tally(&self.activity.tally);
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
    /// Named snapshots.
    Snapshot,
    /// Prepared statements of the session.
    Statement,
}
