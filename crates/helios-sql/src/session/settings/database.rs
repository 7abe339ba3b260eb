//! Settings that all sessions share. They are kept as options of the branch `main`.

use helios_base::BranchId;
use helios_version::Store;
use parking_lot::RwLock;

use super::registry::Change;
use super::{SETTINGS, find};

/// What was set of them; those that were not have their defaults.
#[derive(Debug, Default)]
pub(crate) struct DatabaseSettings(RwLock<Vec<(String, String)>>);

impl DatabaseSettings {
    /// Takes over what the store has.
    pub(crate) fn read(&self, store: &Store) {
        let main = store.branch_by_id(BranchId::MAIN);
        *self.0.write() = main.map(|main| main.options).unwrap_or_default();
    }

    /// What was set.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let set = self.0.read();
        let found = set.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }
}

/// Whether all sessions share the setting `name`.
pub(crate) fn is_of_database(name: &str) -> bool {
    let def = find(name).ok().and_then(|index| SETTINGS.get(index));
    def.is_some_and(|def| def.change == Change::Database)
}
