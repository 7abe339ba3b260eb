//! Named snapshots: points of history that stay readable.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState};

use super::Session;
use super::run::Sight;
use crate::plan::AsOf;

impl Session {
    pub(super) fn create_snapshot(
        &mut self,
        sight: &Sight,
        name: &str,
        if_not_exists: bool,
        of: &AsOf,
    ) -> Result<()> {
        let store = self.engine.shared.tables.store().clone();
        let taken = store.pins().iter().any(|(pin, ..)| pin == name);
        if taken && if_not_exists {
            self.notice(format!("snapshot \"{name}\" already exists, skipping"));
            return Ok(());
        }
        if taken {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("snapshot \"{name}\" already exists"),
            ));
        }
        let branch = match &of.branch {
            Some(branch) => super::past::branch_named(&store, branch)?.id,
            None => self.branch,
        };
        let scn = match &of.point {
            Some(point) => {
                let exec = self.exec(sight, &Arc::default(), Vec::new());
                exec.in_root(|cx| crate::row::scn_of(point, cx))?
            }
            None => store.scn(),
        };
        self.roll_back_implicit();
        store.pin(name, branch, scn)
    }

    pub(super) fn drop_snapshot(&mut self, name: &str, if_exists: bool) -> Result<()> {
        let store = self.engine.shared.tables.store().clone();
        if !store.pins().iter().any(|(pin, ..)| pin == name) {
            if if_exists {
                self.notice(format!("snapshot \"{name}\" does not exist, skipping"));
                return Ok(());
            }
            return Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("snapshot \"{name}\" does not exist"),
            ));
        }
        self.roll_back_implicit();
        store.unpin(name)
    }
}
