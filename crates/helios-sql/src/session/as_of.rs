//! Whole sessions and transactions that read the past: `SET helios.as_of`, `BEGIN … AS OF`.
//!
//! The setting holds a fixed point in the form `SCN n` or `BRANCH b AT SCN n`: whatever was written
//! is resolved when it is set. While it is set, statements read there and none writes.

use std::sync::Arc;

use helios_base::{BranchId, Error, Result, SqlState};
use helios_version::{Read, Snapshot};

use super::settings::Id;
use super::{Session, clock};
use crate::bind;
use crate::parse;
use crate::parse::quote_ident;

/// The setting's name.
pub(super) const NAME: &str = "helios.as_of";

/// How many points a session keeps readable: those that its transaction may return to.
const HELD_MAX: usize = 4;

/// The words that begin a point, as after `AS OF`.
const POINTS: [&str; 9] = [
    "timestamp",
    "transaction",
    "scn",
    "lsn",
    "branch",
    "now",
    "snapshot",
    "system_time",
    "as",
];

/// The points that a session reads at, kept from garbage collection.
#[derive(Default)]
pub(super) struct Held(Vec<(Arc<str>, BranchId, Snapshot)>);

impl Held {
    fn find(&self, text: &str, branch: BranchId) -> Option<&Snapshot> {
        let mut held = self.0.iter();
        held.find(|(known, on, _)| **known == *text && *on == branch)
            .map(|(.., snapshot)| snapshot)
    }
}

impl Session {
    /// What statements read if the session or its transaction looks back.
    pub(super) fn looking_back(&mut self) -> Result<Option<Snapshot>> {
        self.heed_settings();
        if let Some(snapshot) = &self.fixed {
            return Ok(Some(snapshot.clone()));
        }
        if !self.chosen.looks_back {
            if self.current.is_none() && !self.held.0.is_empty() {
                self.held.0.clear();
            }
            return Ok(None);
        }
        let text: Arc<str> = self.state.settings.lock().text(Id::AsOf).into();
        if let Some(snapshot) = self.held.find(&text, self.branch) {
            return Ok(Some(snapshot.clone()));
        }
        let snapshot = self.snapshot_at(&text)?;
        if self.held.0.len() >= HELD_MAX {
            self.held.0.remove(0);
        }
        self.held.0.push((text, self.branch, snapshot.clone()));
        Ok(Some(snapshot))
    }

    /// The snapshot that statements read, as far as it is held already.
    pub(super) fn held_back(&self) -> Option<Snapshot> {
        let settings = self.state.settings.lock();
        match settings.text(Id::AsOf) {
            "" => None,
            text => self.held.find(text, self.branch).cloned(),
        }
    }

    /// A value of the setting as it is kept; empty for none.
    pub(super) fn fixed_point(&mut self, text: &str) -> Result<String> {
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.eq_ignore_ascii_case("off") {
            return Ok(String::new());
        }
        let clause = clause(trimmed);
        let (at, snapshot) = self.resolve(&clause)?;
        let scn = snapshot.scn();
        let store = self.engine.shared.tables.store();
        // A named snapshot says which branch.
        let branch = match &at.branch {
            Some(branch) => Some(branch.to_string()),
            None if snapshot.branch() == self.branch => None,
            None => store.branch_by_id(snapshot.branch()).map(|b| b.name),
        };
        let fixed = match branch {
            Some(branch) => format!("BRANCH {} AT SCN {scn}", quote_ident(&branch)),
            None => format!("SCN {scn}"),
        };
        // From here on it stays readable.
        let held = (Arc::from(fixed.as_str()), self.branch, snapshot);
        if self.held.0.len() >= HELD_MAX {
            self.held.0.remove(0);
        }
        self.held.0.push(held);
        Ok(fixed)
    }

    fn snapshot_at(&self, text: &str) -> Result<Snapshot> {
        self.resolve(&clause(text)).map(|(_, snapshot)| snapshot)
    }

    fn resolve(&self, clause: &str) -> Result<(crate::plan::AsOf, Snapshot)> {
        let invalid = |error: Error| {
            Error::new(error.sqlstate(), error.message().to_owned())
                .with_detail(format!("The point was given as {clause}."))
                .with_hint("Give SCN n, TIMESTAMP '…', TRANSACTION n, BRANCH b [AT …], or an interval such as '-1 hour'.")
        };
        let tree = parse::parse_as_of(clause).map_err(invalid)?;
        let sight = self.outside()?;
        let text = self.state.text(clock::now());
        let path = self.state.search_path();
        let looking = self.looking(&sight, None);
        let context = bind::BindContext {
            catalog: &sight.catalog,
            search_path: &path,
            text: &text,
            past: &looking,
            runs_as: None,
            roles: None,
            session: &*self.state,
        };
        let at = bind::as_of(&tree, &context).map_err(invalid)?;
        let snapshot = looking.snapshot(&at)?;
        Ok((at, snapshot))
    }

    /// Refuses what changes anything while the session looks back.
    pub(super) fn check_not_looking_back(&self, command: &str) -> Result<()> {
        if self.fixed.is_some() {
            return Err(Error::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {command} while BISECT reads the past"),
            ));
        }
        let settings = self.state.settings.lock();
        match settings.text(Id::AsOf) {
            "" => Ok(()),
            point => Err(Error::new(
                SqlState::READ_ONLY_SQL_TRANSACTION,
                format!("cannot execute {command} in a read-only transaction"),
            )
            .with_detail(format!("Statements read as of {point} ({NAME})."))
            .with_hint(format!(
                "RESET {NAME}, or end the transaction, to read and write the newest state."
            ))),
        }
    }
}

/// The `AS OF` clause that a value of the setting stands for.
fn clause(text: &str) -> String {
    let word: String = text
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
        .collect();
    let quoted = || text.replace('\'', "''");
    if POINTS.contains(&word.to_ascii_lowercase().as_str()) {
        let bare = word.eq_ignore_ascii_case("as");
        return if bare {
            text.to_owned()
        } else {
            format!("AS OF {text}")
        };
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!("AS OF SCN {text}");
    }
    if text.starts_with('-') {
        return format!("AS OF TIMESTAMP now() + interval '{}'", quoted());
    }
    if text.contains('/') && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'/') {
        return format!("AS OF LSN '{text}'");
    }
    format!("AS OF TIMESTAMP '{}'", quoted())
}
