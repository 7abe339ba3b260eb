//! Settings that all sessions share. They are kept as options of the branch `main`.

use std::sync::OnceLock;
use std::time::Duration;

use helios_base::BranchId;
use helios_version::{Store, parse_period};
use parking_lot::RwLock;

use super::super::retention;
use super::registry::Change;
use super::{SETTINGS, find};

/// How long replaced rows stay readable where neither their table nor their branch says so. What the program
/// that opened the database asked for holds while this is not set.
pub(crate) const DEFAULT_RETENTION: &str = "default_retention_period";

/// What was set of them; those that were not have their defaults.
#[derive(Debug, Default)]
pub(crate) struct DatabaseSettings {
    set: RwLock<Vec<(String, String)>>,
    /// The retention with which the database was opened.
    opened: OnceLock<Duration>,
}

impl DatabaseSettings {
    /// Takes over what the store has, and tells it how long to keep things.
    pub(crate) fn read(&self, store: &Store) {
        let main = store.branch_by_id(BranchId::MAIN);
        *self.set.write() = main.map(|main| main.options).unwrap_or_default();
        let opened = *self.opened.get_or_init(|| store.retention());
        let said = self.said(DEFAULT_RETENTION);
        store.set_retention(said.and_then(|said| parse_period(&said)).unwrap_or(opened));
    }

    /// What was set, or holds without.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        self.said(name).or_else(|| {
            let opened = self.opened.get().filter(|_| name == DEFAULT_RETENTION)?;
            let micros = i64::try_from(opened.as_micros()).unwrap_or(i64::MAX);
            Some(retention::shown(micros))
        })
    }

    fn said(&self, name: &str) -> Option<String> {
        let set = self.set.read();
        let found = set.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }
}

/// Whether only superusers may change the setting `name`, for sessions as for roles.
pub(crate) fn is_limit(name: &str) -> bool {
    let def = find(name).ok().and_then(|index| SETTINGS.get(index));
    def.is_some_and(|def| def.change == Change::Superuser)
}

/// Whether all sessions share the setting `name`.
pub(crate) fn is_of_database(name: &str) -> bool {
    let def = find(name).ok().and_then(|index| SETTINGS.get(index));
    def.is_some_and(|def| def.change == Change::Database)
}
