//! The modes of a transaction: `SET TRANSACTION`, `SET SESSION CHARACTERISTICS`, and the settings that
//! show them.

use helios_base::{Error, Result, SqlState};

use crate::plan::{self, TransactionModes};
use crate::session::settings::{Id, SettingValue};
use crate::session::{Notice, Session};

impl Session {
    pub(super) fn set_transaction(&mut self, modes: TransactionModes) -> Result<&'static str> {
        self.check_not_failed()?;
        let Some(current) = &mut self.current else {
            self.notices.push(Notice::warning(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                "SET TRANSACTION can only be used in transaction blocks",
            ));
            return Ok("SET");
        };
        let implicit = current.implicit;
        let same = modes.isolation.is_none_or(|level| level == current.level);
        if current.used {
            if modes.as_of.is_some() {
                return Err(Error::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "SET TRANSACTION AS OF must be called before any query",
                ));
            }
            if !same {
                return Err(Error::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    "SET TRANSACTION ISOLATION LEVEL must be called before any query",
                ));
            }
            if modes.deferrable.is_some() {
                return Err(Error::new(
                    SqlState::ACTIVE_SQL_TRANSACTION,
                    match current.savepoints.is_empty() {
                        true => "SET TRANSACTION [NOT] DEFERRABLE must be called before any query",
                        false => {
                            "SET TRANSACTION [NOT] DEFERRABLE cannot be called within a subtransaction"
                        }
                    },
                ));
            }
            match modes.read_only {
                Some(false) if current.read_only => {
                    return Err(Error::new(
                        SqlState::ACTIVE_SQL_TRANSACTION,
                        "transaction read-write mode must be set before any query",
                    ));
                }
                Some(true) => {
                    current.read_only = true;
                    let mut settings = self.state.settings.lock();
                    settings.force(Id::ReadOnly, SettingValue::Bool(true));
                }
                _ => {}
            }
            return Ok("SET");
        }
        // Nothing has happened yet, so a new transaction with the other modes does.
        let as_of = modes.as_of.or_else(|| current.as_of.clone());
        let read_only = modes
            .read_only
            .unwrap_or(current.read_only && as_of.is_none());
        let level = modes.isolation.unwrap_or(current.level);
        let deferrable = modes.deferrable.unwrap_or(current.deferrable);
        let home = current.home;
        current.txn.rollback();
        self.current = None;
        let begun = self.begin(
            TransactionModes {
                isolation: Some(level),
                read_only: (as_of.is_none() || modes.read_only.is_some()).then_some(read_only),
                deferrable: Some(deferrable),
                as_of,
            },
            implicit,
        );
        match &mut self.current {
            Some(current) if begun.is_ok() => current.home = home,
            _ => self.return_home(home),
        }
        begun.map(|()| "SET")
    }

    /// `SET name = text` of a setting that is the transaction's own; `None` for its default. Outside of
    /// a block there is no transaction that it could concern.
    ///
    /// # Errors
    /// 22023 it is no such value; 25001 it comes too late.
    pub(in crate::session) fn set_of_transaction(
        &mut self,
        id: Id,
        text: Option<&str>,
    ) -> Result<()> {
        let value = crate::session::settings::checked(id, text.unwrap_or(default_of(id)))?;
        if self.current.as_ref().is_none_or(|current| current.implicit) {
            if text.is_none() {
                self.notices.push(Notice::warning(
                    SqlState::NO_ACTIVE_SQL_TRANSACTION,
                    "RESET TRANSACTION can only be used in transaction blocks",
                ));
            }
            return Ok(());
        }
        let mut modes = TransactionModes::default();
        match (id, value) {
            (Id::Isolation, SettingValue::Text(name)) => modes.isolation = Some(level_named(&name)),
            (Id::ReadOnly, SettingValue::Bool(on)) => modes.read_only = Some(on),
            (Id::Deferrable, SettingValue::Bool(on)) => modes.deferrable = Some(on),
            _ => return Err(Error::internal("a setting of transactions of another kind")),
        }
        self.set_transaction(modes).map(drop)
    }

    pub(super) fn set_characteristics(&mut self, modes: &TransactionModes) -> Result<&'static str> {
        self.check_not_failed()?;
        if modes.as_of.is_some() {
            return Err(Error::unsupported(
                "AS OF is not supported for the transactions of a session",
            )
            .with_hint(format!("SET {} instead.", crate::session::as_of::NAME)));
        }
        let mut settings = self.state.settings.lock();
        if let Some(level) = modes.isolation {
            let name = level_name(level);
            settings.set("default_transaction_isolation", Some(name), false)?;
        }
        if let Some(read_only) = modes.read_only {
            let word = if read_only { "on" } else { "off" };
            settings.set("default_transaction_read_only", Some(word), false)?;
        }
        if let Some(deferrable) = modes.deferrable {
            let word = if deferrable { "on" } else { "off" };
            settings.set("default_transaction_deferrable", Some(word), false)?;
        }
        Ok("SET")
    }
}

/// What a setting of transactions is reset to.
fn default_of(id: Id) -> &'static str {
    match id {
        Id::Isolation => "read committed",
        _ => "off",
    }
}

/// The level of this name, as settings have it.
pub(super) fn level_named(name: &str) -> plan::Isolation {
    match name {
        "read uncommitted" => plan::Isolation::ReadUncommitted,
        "repeatable read" => plan::Isolation::RepeatableRead,
        "serializable" => plan::Isolation::Serializable,
        _ => plan::Isolation::ReadCommitted,
    }
}

/// The name that settings show.
pub(super) fn level_name(level: plan::Isolation) -> &'static str {
    match level {
        plan::Isolation::ReadUncommitted => "read uncommitted",
        plan::Isolation::ReadCommitted => "read committed",
        plan::Isolation::RepeatableRead => "repeatable read",
        plan::Isolation::Serializable => "serializable",
    }
}
