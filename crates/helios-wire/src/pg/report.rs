//! Settings that clients follow.

use helios_sql::Session;

use super::Backend;

/// Settings whose values are told at the start and whenever they change.
const REPORTED: &[&str] = &[
    "application_name",
    "client_encoding",
    "DateStyle",
    "default_transaction_read_only",
    "integer_datetimes",
    "IntervalStyle",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
    "standard_conforming_strings",
    "TimeZone",
];

/// What a client was told last.
#[derive(Debug, Default)]
pub(super) struct Reported {
    generation: Option<u64>,
    values: Vec<Option<String>>,
}

impl Reported {
    /// Tells the client what has changed since the last time; everything the first time.
    pub(super) fn tell(&mut self, session: &Session, backend: &mut Backend<'_>) {
        let generation = session.settings_generation();
        if self.generation == Some(generation) {
            return;
        }
        self.generation = Some(generation);
        self.values.resize(REPORTED.len(), None);
        for (name, told) in REPORTED.iter().zip(&mut self.values) {
            let Ok(value) = session.setting(name) else {
                continue;
            };
            if told.as_ref() != Some(&value) {
                backend.parameter_status(name, &value);
                *told = Some(value);
            }
        }
    }
}
