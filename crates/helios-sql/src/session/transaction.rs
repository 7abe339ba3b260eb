//! The transaction of a session, and what each statement may do in it.

mod modes;

use std::sync::Arc;

use helios_base::{BranchId, Error, Result, SqlState};
use helios_table::catalog::Privileges;
use helios_table::{ConstraintTarget, Savepoint, Transaction};
use helios_version::{Branch, Isolation, TxnOptions};
use parking_lot::Mutex;

use super::settings::{Id, SettingValue};
use super::watchdog::Alarm;
use super::{Notice, Session, TransactionStatus};
use crate::plan::{self, TransactionCommand, TransactionModes};
use modes::{level_name, level_named};

/// A transaction that a session is in.
pub(crate) struct Current {
    pub(crate) txn: Arc<Transaction>,
    /// Start in microseconds since 1970 UTC.
    pub(crate) started: i64,
    /// Not begun by `BEGIN`: ends with the script.
    pub(crate) implicit: bool,
    /// A statement failed; only the end or an earlier savepoint helps.
    pub(crate) failed: bool,
    /// Whether a statement has run, after which the modes are fixed.
    pub(crate) used: bool,
    pub(crate) read_only: bool,
    /// Its isolation level as it was asked for.
    level: plan::Isolation,
    /// Nothing waits for it: whoever only reads never fails to be serializable here.
    deferrable: bool,
    /// The point that all its statements read at.
    as_of: Option<Arc<str>>,
    /// The branch that the session returns to afterwards, if the transaction is on another.
    home: Option<BranchId>,
    savepoints: Vec<NamedSavepoint>,
}

struct NamedSavepoint {
    name: String,
    savepoint: Savepoint,
    settings: usize,
    notes: super::notify::Mark,
    /// How many advisory locks the transaction had.
    advisory: usize,
    /// How many cursors the session had declared.
    cursors: u64,
    /// Whether the transaction was read-only.
    read_only: bool,
}

/// An idle transaction and the alarm that ends it.
#[derive(Default)]
pub(super) struct Idle {
    state: Arc<Mutex<IdleState>>,
    alarm: Option<Alarm>,
    /// The alarm that ends a session without transaction.
    session: Option<Alarm>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum IdleState {
    #[default]
    Busy,
    Idle,
    /// The alarm rang and rolled the transaction back.
    Expired,
}

impl Session {
    /// Starts the clock of `idle_in_transaction_session_timeout`. It rolls the transaction back; where
    /// somebody waits for a client, it ends the session as well.
    pub(super) fn start_idle_clock(&mut self) {
        if self.current.is_none() {
            self.start_session_clock();
            return;
        }
        let (Some(limit), Some(current)) = (self.chosen.idle_timeout, &self.current) else {
            return;
        };
        *self.idle.state.lock() = IdleState::Idle;
        let (state, txn) = (self.idle.state.clone(), current.txn.clone());
        let activity = Arc::downgrade(&self.activity);
        self.idle.alarm = self.engine.shared.watchdog.after(limit, move || {
            let mut state = state.lock();
            if *state != IdleState::Idle {
                return;
            }
            txn.rollback();
            *state = IdleState::Expired;
            if let Some(activity) = activity.upgrade()
                && let Some(wake) = &*activity.waker.lock()
            {
                activity.interrupt.expire_in_transaction();
                wake();
            }
        });
    }

    /// Starts the clock of `idle_session_timeout`, where somebody waits for a client.
    fn start_session_clock(&mut self) {
        let Some(limit) = self.chosen.idle_session else {
            return;
        };
        if self.activity.waker.lock().is_none() {
            return;
        }
        let activity = Arc::downgrade(&self.activity);
        self.idle.session = self.engine.shared.watchdog.after(limit, move || {
            if let Some(activity) = activity.upgrade() {
                activity.interrupt.expire();
                if let Some(wake) = &*activity.waker.lock() {
                    wake();
                }
            }
        });
    }

    /// Whether one of these clocks runs.
    pub(super) fn is_timed(&self) -> bool {
        self.idle.alarm.is_some() || self.idle.session.is_some()
    }

    /// Stops that clock before a statement.
    pub(super) fn leave_idle(&mut self) -> Result<()> {
        self.idle.session = None;
        self.check_alive()?;
        if self.idle.alarm.take().is_none() {
            return Ok(());
        }
        let before = std::mem::take(&mut *self.idle.state.lock());
        if before == IdleState::Expired {
            self.roll_back();
            return Err(Error::new(
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                "the transaction was rolled back due to idle-in-transaction timeout",
            ));
        }
        Ok(())
    }

    /// Rolls back the implicit transaction, if there is one.
    pub(super) fn roll_back_implicit(&mut self) {
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.implicit)
        {
            self.roll_back();
        }
    }

    /// Where the transaction block stands.
    pub(super) fn transaction_status(&self) -> TransactionStatus {
        match &self.current {
            Some(current) if current.implicit => TransactionStatus::Idle,
            Some(current) if current.failed => TransactionStatus::Failed,
            Some(_) => TransactionStatus::Active,
            None => TransactionStatus::Idle,
        }
    }

    /// The transaction for a statement: the open one, or a new implicit one.
    pub(super) fn transaction(&mut self) -> Result<Arc<Transaction>> {
        if self.current.is_none() {
            self.begin(TransactionModes::default(), true)?;
        }
        match &mut self.current {
            Some(current) => {
                current.used = true;
                Ok(current.txn.clone())
            }
            None => Err(Error::internal("no transaction after its start")),
        }
    }

    /// Begins a transaction for the work of one utility statement, which commits it itself.
    pub(super) fn begin_own(&mut self) -> Result<()> {
        if self.current.is_some() {
            return Ok(());
        }
        let modes = TransactionModes {
            isolation: Some(plan::Isolation::ReadCommitted),
            ..TransactionModes::default()
        };
        self.begin(modes, false)
    }

    /// Commits the transaction of [`Session::begin_own`]. Returns its change number.
    pub(super) fn commit_own(&mut self) -> Result<helios_base::Scn> {
        self.commit()?;
        Ok(self.engine.shared.tables.store().scn())
    }

    fn begin(&mut self, modes: TransactionModes, implicit: bool) -> Result<()> {
        let as_of = match &modes.as_of {
            Some(_) if modes.read_only == Some(false) => {
                return Err(Error::new(
                    SqlState::READ_ONLY_SQL_TRANSACTION,
                    "a transaction that reads the past cannot be READ WRITE",
                ));
            }
            Some(point) => Some(self.fixed_point(point)?),
            None => None,
        };
        let mut settings = self.state.settings.lock();
        let level = modes
            .isolation
            .unwrap_or_else(|| level_named(settings.text(Id::DefaultIsolation)));
        let isolation = match level {
            plan::Isolation::ReadUncommitted | plan::Isolation::ReadCommitted => {
                Isolation::ReadCommitted
            }
            plan::Isolation::RepeatableRead => Isolation::RepeatableRead,
            plan::Isolation::Serializable => Isolation::Serializable,
        };
        let deferrable = modes
            .deferrable
            .unwrap_or_else(|| settings.bool(Id::DefaultDeferrable));
        let read_only = as_of.is_some()
            || modes
                .read_only
                .unwrap_or_else(|| settings.bool(Id::DefaultReadOnly))
            || self
                .engine
                .shared
                .tables
                .store()
                .branch_by_id(self.branch)
                .is_some_and(|branch| is_read_only(&branch));
        let txn = self.engine.shared.tables.begin(TxnOptions {
            branch: self.branch,
            isolation,
            read_only,
            asynchronous: settings.text(Id::SynchronousCommit) == "off",
            lock_timeout: settings.timeout(Id::LockTimeout),
            cancel: self.interrupt.cancel(),
            author: self.state.user.clone(),
        });
        let txn = txn.map_err(|error| self.because_gone(error))?;
        settings.begin();
        settings.force(Id::Isolation, SettingValue::Text(level_name(level).into()));
        settings.force(Id::ReadOnly, SettingValue::Bool(read_only));
        settings.force(Id::Deferrable, SettingValue::Bool(deferrable));
        if let Some(point) = &as_of {
            settings.set(super::as_of::NAME, Some(point), true)?;
        }
        drop(settings);
        self.current = Some(Current {
            txn: Arc::new(txn),
            started: super::clock::now(),
            implicit,
            failed: false,
            used: false,
            read_only,
            level,
            deferrable,
            as_of: as_of.map(Arc::from),
            home: None,
            savepoints: Vec::new(),
        });
        Ok(())
    }

    /// Refuses every statement but those that end a failed transaction.
    pub(super) fn check_not_failed(&self) -> Result<()> {
        match &self.current {
            Some(current) if current.failed => Err(Error::new(
                SqlState::IN_FAILED_SQL_TRANSACTION,
                "current transaction is aborted, commands ignored until end of transaction block",
            )),
            _ => Ok(()),
        }
    }

    /// Refuses a statement that writes in a transaction that must not.
    pub(super) fn check_writable(&self, command: &str) -> Result<()> {
        self.check_not_looking_back(command)?;
        let read_only = match &self.current {
            Some(current) => current.read_only,
            None => self.state.settings.lock().bool(Id::DefaultReadOnly),
        };
        if read_only {
            let error = Error::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {command} in a read-only transaction"),
            );
            let branch = self.engine.shared.tables.store().branch_by_id(self.branch);
            return Err(match branch.filter(is_read_only) {
                Some(branch) => super::merge::because_read_only(error, &branch.name),
                None => error,
            });
        }
        Ok(())
    }

    /// Refuses a statement that cannot be undone inside a transaction block.
    pub(super) fn check_no_block(&self, command: &str) -> Result<()> {
        match &self.current {
            Some(current) if !current.implicit || current.used => Err(Error::new(
                SqlState::ACTIVE_SQL_TRANSACTION,
                format!("{command} cannot run inside a transaction block"),
            )),
            _ => Ok(()),
        }
    }

    /// What a failed statement does to its transaction.
    pub(super) fn fail(&mut self) {
        match &mut self.current {
            Some(current) if current.implicit => self.roll_back(),
            Some(current) => {
                current.failed = true;
                // Without a savepoint to return to, nothing needs the locks any more.
                if current.savepoints.is_empty() {
                    current.txn.rollback();
                }
                self.close_cursors(false);
            }
            None => {}
        }
    }

    /// Commits the implicit transaction, if there is one.
    pub(super) fn finish_implicit(&mut self) -> Result<()> {
        match &self.current {
            Some(current) if current.implicit => self.commit(),
            _ => Ok(()),
        }
    }

    /// Commits the transaction, if there is one.
    pub(super) fn commit(&mut self) -> Result<()> {
        if let Err(error) = self.temporary_on_commit() {
            self.roll_back();
            return Err(error);
        }
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        if let Err(error) = self.hold_cursors() {
            self.return_home(current.home);
            return Err(error);
        }
        self.close_cursors(false);
        self.describe_commit(&current.txn);
        let result = match self.check_still_writable(&current) {
            Ok(()) => self.commit_in_span(&current.txn),
            Err(error) => {
                current.txn.rollback();
                Err(error)
            }
        };
        if let Err(error) = &result {
            self.audit_failed_commit(current.txn.txn().id().0, error);
        }
        self.settle_notes(result.is_ok());
        self.return_home(current.home);
        let mut settings = self.state.settings.lock();
        match &result {
            Ok(_) => settings.commit(),
            Err(_) => settings.rollback(),
        }
        result.map(drop)
    }

    /// Refuses to commit what was written before the branch was made read-only.
    fn check_still_writable(&self, current: &Current) -> Result<()> {
        if current.read_only || !current.txn.has_writes() {
            return Ok(());
        }
        let branch = self.engine.shared.tables.store();
        let branch = branch.branch_by_id(self.branch).filter(is_read_only);
        branch.map_or(Ok(()), |branch| Err(super::merge::read_only(&branch.name)))
    }

    /// Puts author and message of the session's settings on a commit.
    fn describe_commit(&self, txn: &Transaction) {
        let settings = self.state.settings.lock();
        let (author, message) = (
            settings.text(Id::CommitAuthor),
            settings.text(Id::CommitMessage),
        );
        if !author.is_empty() || !message.is_empty() {
            txn.txn().describe(author, message);
        }
    }

    /// Rolls the transaction back, if there is one.
    pub(super) fn roll_back(&mut self) {
        self.close_cursors(false);
        if let Some(current) = self.current.take() {
            current.txn.rollback();
            self.count_rollback();
            self.settle_notes(false);
            self.state.settings.lock().rollback();
            self.return_home(current.home);
        }
    }

    /// Puts the session back on the branch that it was on before its transaction went to another;
    /// on that other one if the branch is gone.
    fn return_home(&mut self, home: Option<BranchId>) {
        let store = self.engine.shared.tables.store();
        if let Some(branch) = home.and_then(|home| store.branch_by_id(home)) {
            self.go_to(&branch);
        }
    }

    /// `USE BRANCH … FOR TRANSACTION`: the running transaction, which has done nothing yet, goes on
    /// on another branch.
    ///
    /// # Errors
    /// `25P01` outside of a block, `25001` after its first query, `42704` for an unknown branch.
    pub(super) fn use_branch_in_transaction(&mut self, name: &str) -> Result<()> {
        let home = self.branch;
        let current = self.block("USE BRANCH FOR TRANSACTION")?;
        if current.used {
            return Err(Error::new(
                SqlState::ACTIVE_SQL_TRANSACTION,
                "USE BRANCH FOR TRANSACTION must be called before any query",
            ));
        }
        let home = current.home.unwrap_or(home);
        let mut modes = current.modes();
        let branch = super::branch_named(self.engine.shared.tables.store(), name)?;
        self.state.check_branch(&branch, Privileges::USAGE)?;
        let here = self.engine.shared.tables.store().branch_by_id(self.branch);
        if here.is_some_and(|here| is_read_only(&here)) {
            // That was this branch's doing; the other says for itself.
            modes.read_only = None;
        }
        self.begin_on(&branch, home, modes)
    }

    /// Begins a block on another branch than the session's, in place of the running one.
    fn begin_on(&mut self, branch: &Branch, home: BranchId, modes: TransactionModes) -> Result<()> {
        self.roll_back();
        self.go_to(branch);
        let begun = self.begin(modes, false);
        match &mut self.current {
            Some(current) if begun.is_ok() => current.home = Some(home),
            _ => self.return_home(Some(home)),
        }
        begun
    }

    /// Runs a transaction command. Returns its tag.
    pub(super) fn transaction_command(
        &mut self,
        command: &TransactionCommand,
    ) -> Result<&'static str> {
        match command {
            TransactionCommand::Begin(modes) => self.begin_block(modes.clone()),
            TransactionCommand::Start(modes) => {
                self.begin_block(modes.clone()).map(|_| "START TRANSACTION")
            }
            TransactionCommand::Commit { chain } => self.end_block(true, *chain),
            TransactionCommand::Rollback { chain } => self.end_block(false, *chain),
            TransactionCommand::Prepare => self.prepare_transaction(),
            TransactionCommand::EndPrepared { commit, name } => {
                let command = match commit {
                    true => "COMMIT PREPARED",
                    false => "ROLLBACK PREPARED",
                };
                self.check_not_failed()?;
                self.check_no_block(command)?;
                Err(Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("prepared transaction with identifier \"{name}\" does not exist"),
                ))
            }
            TransactionCommand::Savepoint(name) => self.savepoint(name),
            TransactionCommand::Release(name) => self.release(name),
            TransactionCommand::RollbackTo(name) => self.rollback_to(name),
            TransactionCommand::SetTransaction(modes) => self.set_transaction(modes.clone()),
            TransactionCommand::SetCharacteristics(modes) => self.set_characteristics(modes),
            TransactionCommand::SetConstraints { names, deferred } => {
                self.check_not_failed()?;
                let path = self.search_path();
                let txn = self.transaction()?;
                let names: Vec<_> = names
                    .iter()
                    .map(|name| (name.schema.clone(), name.name.clone()))
                    .collect();
                let target = if names.is_empty() {
                    ConstraintTarget::All
                } else {
                    ConstraintTarget::Named(&names)
                };
                txn.set_constraints(&target, *deferred, &path)?;
                Ok("SET CONSTRAINTS")
            }
        }
    }

    fn begin_block(&mut self, modes: TransactionModes) -> Result<&'static str> {
        self.check_not_failed()?;
        match &mut self.current {
            Some(current) if !current.implicit => {
                self.notices.push(Notice::warning(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "there is already a transaction in progress",
                ));
                if modes != TransactionModes::default() {
                    self.set_transaction(modes)?;
                }
            }
            // Statements before BEGIN in the same script join the block, as in PostgreSQL.
            Some(current) if current.used => {
                current.implicit = false;
                if modes != TransactionModes::default() {
                    self.set_transaction(modes)?;
                }
            }
            _ => {
                self.roll_back();
                self.begin(modes, false)?;
            }
        }
        Ok("BEGIN")
    }

    fn end_block(&mut self, commit: bool, chain: bool) -> Result<&'static str> {
        let Some(current) = &self.current else {
            return self.end_nothing(commit, chain);
        };
        if current.implicit {
            let tag = self.end_nothing(commit, chain)?;
            if commit {
                self.commit()?;
            } else {
                self.roll_back();
            }
            return Ok(tag);
        }
        let modes = current.modes();
        let (branch, home) = (self.branch, current.home);
        let tag = if commit && !current.failed {
            self.commit()?;
            "COMMIT"
        } else {
            self.roll_back();
            "ROLLBACK"
        };
        if chain {
            let store = self.engine.shared.tables.store();
            match home.and_then(|home| Some((home, store.branch_by_id(branch)?))) {
                Some((home, branch)) => self.begin_on(&branch, home, modes)?,
                None => self.begin(modes, false)?,
            }
        }
        Ok(tag)
    }

    /// `PREPARE TRANSACTION`: there are none, as where `max_prepared_transactions` is 0. The
    /// transaction is over nevertheless.
    fn prepare_transaction(&mut self) -> Result<&'static str> {
        match &self.current {
            Some(current) if !current.implicit && !current.failed => {
                self.roll_back();
                Err(Error::new(
                    SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "prepared transactions are disabled",
                )
                .with_hint("Set max_prepared_transactions to a nonzero value."))
            }
            _ => self.end_block(false, false),
        }
    }

    fn end_nothing(&mut self, commit: bool, chain: bool) -> Result<&'static str> {
        if chain {
            let command = if commit { "COMMIT" } else { "ROLLBACK" };
            return Err(no_block(&format!("{command} AND CHAIN")));
        }
        self.notices.push(Notice::warning(
            SqlState::NO_ACTIVE_SQL_TRANSACTION,
            "there is no transaction in progress",
        ));
        Ok(if commit { "COMMIT" } else { "ROLLBACK" })
    }

    fn block(&mut self, command: &str) -> Result<&mut Current> {
        match &mut self.current {
            Some(current) if !current.implicit => Ok(current),
            _ => Err(no_block(command)),
        }
    }

    fn savepoint(&mut self, name: &str) -> Result<&'static str> {
        self.check_not_failed()?;
        let settings = self.state.settings.lock().mark();
        let notes = self.mark_notes();
        let advisory = self.state.advisory_mark();
        let cursors = self.cursors_declared;
        let current = self.block("SAVEPOINT")?;
        current.used = true;
        let savepoint = NamedSavepoint {
            cursors,
            read_only: current.read_only,
            name: name.to_owned(),
            savepoint: current.txn.savepoint(),
            settings,
            notes,
            advisory,
        };
        current.savepoints.push(savepoint);
        Ok("SAVEPOINT")
    }

    fn release(&mut self, name: &str) -> Result<&'static str> {
        self.check_not_failed()?;
        let current = self.block("RELEASE SAVEPOINT")?;
        let at = current.find(name)?;
        let before = current.savepoints.get(at).map(|there| there.read_only);
        current.savepoints.truncate(at);
        self.restore_read_only(before);
        Ok("RELEASE")
    }

    fn rollback_to(&mut self, name: &str) -> Result<&'static str> {
        let current = self.block("ROLLBACK TO SAVEPOINT")?;
        let at = current.find(name)?;
        let cursors = current.savepoints.get(at).map_or(0, |there| there.cursors);
        // What is rolled back was there when older cursors were declared, or came after.
        self.keep_cursors(cursors);
        let current = self.block("ROLLBACK TO SAVEPOINT")?;
        current.savepoints.truncate(at + 1);
        let (mut settings, mut advisory) = (0, 0);
        let mut notes = super::notify::Mark::default();
        let mut read_only = None;
        if let Some(savepoint) = current.savepoints.last() {
            read_only = Some(savepoint.read_only);
            current.txn.rollback_to(&savepoint.savepoint)?;
            settings = savepoint.settings;
            notes = savepoint.notes;
            advisory = savepoint.advisory;
        }
        current.failed = false;
        self.state.end_advisory(advisory);
        self.state.settings.lock().rollback_to(settings);
        self.restore_read_only(read_only);
        self.return_notes(notes);
        Ok("ROLLBACK")
    }

    /// `SET TRANSACTION READ ONLY` holds until the end of its savepoint.
    fn restore_read_only(&mut self, before: Option<bool>) {
        if let (Some(current), Some(before)) = (&mut self.current, before)
            && current.read_only != before
        {
            current.read_only = before;
            let mut settings = self.state.settings.lock();
            settings.force(Id::ReadOnly, SettingValue::Bool(before));
        }
    }
}

impl Current {
    /// What a transaction like this one begins with.
    fn modes(&self) -> TransactionModes {
        TransactionModes {
            isolation: Some(self.level),
            // Who looks back is read-only without saying so.
            read_only: self.as_of.is_none().then_some(self.read_only),
            deferrable: Some(self.deferrable),
            as_of: self.as_of.clone(),
        }
    }

    fn find(&self, name: &str) -> Result<usize> {
        self.savepoints
            .iter()
            .rposition(|savepoint| savepoint.name == name)
            .ok_or_else(|| {
                Error::new(
                    SqlState::INVALID_SAVEPOINT_SPECIFICATION,
                    format!("savepoint \"{name}\" does not exist"),
                )
            })
    }
}

fn no_block(command: &str) -> Error {
    Error::new(
        SqlState::NO_ACTIVE_SQL_TRANSACTION,
        format!("{command} can only be used in transaction blocks"),
    )
}

/// Whether a branch refuses writes.
pub(super) fn is_read_only(branch: &Branch) -> bool {
    let mut options = branch.options.iter();
    options.any(|(name, value)| name == "read_only" && value == "true")
}
