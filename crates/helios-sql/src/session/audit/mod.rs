//! The audit log: who ran what, from where, on which branch, and what came of it.
//!
//! The setting `audit` says which [classes](class) of statements are written down, for all sessions; `ALTER ROLE … SET
//! audit` adds to that for one role. A statement is written when it has run or failed, also if its transaction is rolled back
//! later: the log is beside the store, not in it. A query is written when it has begun to give rows; if it fails while they
//! are read, a second line says so. While nothing is to be written a statement costs one load.

mod class;
mod log;
mod record;
mod redact;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use helios_base::{Error, Result};

use super::outcome::Outcome;
use super::{Engine, Session, clock};
use crate::parse::ast::Statement;
use crate::plan::RoleCommand;
pub(super) use class::Classes;
use class::{Class, class_of};
pub(crate) use log::AuditLog;
use record::Record;
pub(super) use redact::without_passwords;
pub(super) use view::rows;

/// The setting.
pub(super) const NAME: &str = "audit";

/// What is written of a long statement.
const STATEMENT_MAX: usize = 16 << 10;

impl Session {
    /// What is to be written of this session.
    #[inline]
    fn audited(&self) -> Classes {
        self.engine.shared.audit.classes().and(self.audit_more)
    }

    /// Adds what is to be written of the role that logged in.
    pub(super) fn audit_also(&mut self, classes: Classes) {
        self.audit_more = classes;
    }

    /// Writes down a statement that has run, or failed. One whose rows are still to come is written down once more if
    /// that fails.
    #[inline]
    pub(super) fn audit(&self, statement: &Statement, text: &str, result: &mut Result<Outcome>) {
        let wanted = self.audited();
        if !wanted.is_empty() || chooses(statement) {
            let outcome = match &*result {
                Ok(Outcome::Done(done)) => Ok(done.rows),
                Ok(Outcome::Rows(_)) => Ok(None),
                Err(error) => Err(error),
            };
            let record = self.audit_as(wanted, statement, text, outcome);
            if let (Some(record), Ok(Outcome::Rows(rows))) = (record, result) {
                rows.audit(Written {
                    engine: self.engine.clone(),
                    record,
                });
            }
        }
    }

    /// Writes down a statement that cannot run.
    pub(super) fn audit_refused(&self, statement: &Statement, text: &str, error: &Error) {
        let wanted = self.audited();
        if !wanted.is_empty() || chooses(statement) {
            self.audit_as(wanted, statement, text, Err(error));
        }
    }

    #[cold]
    fn audit_as(
        &self,
        wanted: Classes,
        statement: &Statement,
        text: &str,
        outcome: std::result::Result<Option<u64>, &Error>,
    ) -> Option<Record> {
        let prepared = match statement {
            Statement::Execute { name, .. } => self.prepared.get(&name.name),
            _ => None,
        };
        let run = prepared.and_then(|prepared| prepared.parsed.as_ref());
        let class = class_of(run.map_or(statement, |parsed| &parsed.statement));
        (wanted.has(class) || chooses(statement)).then(|| {
            let record = self.record(class, text, outcome);
            self.engine.shared.audit.write(&record);
            record
        })
    }

    /// Writes down a commit that failed: what its statements did is undone.
    pub(super) fn audit_failed_commit(&self, transaction: u64, error: &Error) {
        let wanted = self.audited();
        if !wanted.is_empty() {
            let mut record = self.record(Class::Transaction, "COMMIT", Err(error));
            record.transaction = Some(transaction);
            self.engine.shared.audit.write(&record);
        }
    }

    fn record(
        &self,
        class: Class,
        text: &str,
        outcome: std::result::Result<Option<u64>, &Error>,
    ) -> Record {
        let (application, client) = {
            let now = self.activity.now.lock();
            (now.application.clone(), now.client)
        };
        let role = self
            .state
            .settings
            .lock()
            .current_user(&self.state.user)
            .to_owned();
        let transaction = self
            .current
            .as_ref()
            .map(|current| current.txn.txn().id().0);
        Record {
            at: clock::now(),
            session: Some(self.activity.number),
            user: self.state.user.clone(),
            role,
            client,
            application,
            class,
            branch: self.state.branch_name().to_string(),
            scn: self.engine.store().scn().0,
            transaction,
            outcome: match outcome {
                Ok(_) => Arc::from("ok"),
                Err(error) => Arc::from(error.sqlstate().to_string()),
            },
            rows: outcome.ok().flatten(),
            statement: shortened(without_passwords(text)),
        }
    }
}

/// Whether a statement changes what is written down, which is written down whatever that is.
#[inline]
fn chooses(statement: &Statement) -> bool {
    let name = match statement {
        Statement::Set { name, .. } | Statement::Reset(Some(name)) => name,
        Statement::Role(command) => match &**command {
            RoleCommand::Set {
                name: Some(name), ..
            } => name,
            RoleCommand::Set { name: None, .. } => return true,
            _ => return false,
        },
        _ => return false,
    };
    name.eq_ignore_ascii_case(NAME)
}

/// The line of a query whose rows are being read.
pub(super) struct Written {
    engine: Engine,
    record: Record,
}

impl Written {
    /// Writes down that reading them has failed.
    pub(super) fn failed(mut self, error: &Error) {
        self.record.at = clock::now();
        self.record.outcome = Arc::from(error.sqlstate().to_string());
        self.engine.shared.audit.write(&self.record);
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > STATEMENT_MAX {
        let end = text.floor_char_boundary(STATEMENT_MAX);
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Engine {
    /// Writes down that somebody logged in, or why not, if logins are.
    pub fn audit_login(&self, user: &str, client: Option<SocketAddr>, refused: Option<&Error>) {
        let audit = &self.shared.audit;
        if !audit.classes().has(Class::Login) {
            return;
        }
        audit.write(&Record {
            at: clock::now(),
            session: None,
            user: user.to_owned(),
            role: user.to_owned(),
            client,
            application: String::new(),
            class: Class::Login,
            branch: String::new(),
            scn: self.store().scn().0,
            transaction: None,
            outcome: refused.map_or(Arc::from("ok"), |error| {
                Arc::from(error.sqlstate().to_string())
            }),
            rows: None,
            statement: String::new(),
        });
    }
}
