//! Statements that were given as text a short while ago, so that the same text is not parsed again.

use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{Result, Value};

use super::planned::Code;
use super::{Prepared, Session};

/// How many texts are kept.
const TEXTS_MAX: usize = 256;
/// Longer texts are not kept: they are loads, not repeated statements.
const TEXT_LEN_MAX: usize = 4 * 1024;

/// The texts that a session ran.
#[derive(Default)]
pub(super) struct Recent(HashMap<Arc<str>, Arc<Prepared>>);

impl Session {
    /// Prepares a statement that is run once now, with these values; it is remembered for the next
    /// time that the same text comes.
    ///
    /// # Errors
    /// As [`Session::prepare`].
    pub fn prepare_once(&mut self, sql: &str, parameters: &[Value]) -> Result<Arc<Prepared>> {
        if let Some(known) = self.recent.0.get(sql).cloned()
            && self.still_holds(&known)
        {
            return Ok(known);
        }
        let result = self.prepare_statement(sql, Vec::new(), Some(parameters));
        match result {
            Ok(mut prepared) => {
                if let Some(new) = Arc::get_mut(&mut prepared) {
                    new.loose = true;
                }
                self.remember(&prepared);
                Ok(prepared)
            }
            Err(error) => {
                self.fail();
                Err(error)
            }
        }
    }

    /// Whether the statement would be prepared the same way now.
    pub(super) fn still_holds(&mut self, known: &Prepared) -> bool {
        self.heed_settings();
        let catalog = match &self.current {
            _ if self.chosen.looks_back => None,
            Some(current) if current.failed => None,
            Some(current) => {
                let view = current.txn.view().ok();
                view.and_then(|view| current.txn.catalog_version(&view))
            }
            None => {
                let newest = self.engine.shared.tables.newest_catalog(self.branch);
                newest.ok().map(|catalog| catalog.version())
            }
        };
        let Some(catalog) = catalog else { return false };
        let key = self.plan_key_at(catalog);
        let plan = known.plan.lock();
        plan.as_ref().is_some_and(|planned| planned.key == key)
    }

    fn remember(&mut self, prepared: &Arc<Prepared>) {
        let worth = prepared.plan.lock().as_ref().is_some_and(|planned| {
            planned.bound.cacheable
                && planned.bound.moments.is_empty()
                && !matches!(planned.code, Code::Other)
        });
        if !worth || prepared.text.len() > TEXT_LEN_MAX {
            return;
        }
        if self.recent.0.len() >= TEXTS_MAX {
            self.recent.0.clear();
        }
        self.recent
            .0
            .insert(prepared.text.clone(), prepared.clone());
    }

    /// Forgets them: `DISCARD`.
    pub(super) fn forget_recent(&mut self) {
        self.recent.0.clear();
        self.alike.clear();
    }
}
