//! Named snapshots: points of history that stay readable.

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
        if super::conflicts::is_pin(name) {
            return Err(Error::new(
                SqlState::INVALID_NAME,
                format!("unacceptable snapshot name \"{name}\""),
            )
            .with_detail("Such names are those of merges that wait."));
        }
        if store.branch(name).is_some() {
            return Err(name_taken("branch", name));
        }
        let (branch, scn) = self.point_of(sight, of)?;
        if let Some(branch) = store.branch_by_id(branch) {
            self.state.check_owns_branch(&branch)?;
        }
        let scn = scn.unwrap_or_else(|| store.scn());
        self.roll_back_implicit();
        store.pin(name, branch, scn)
    }

    pub(super) fn drop_snapshot(&mut self, name: &str, if_exists: bool) -> Result<()> {
        let store = self.engine.shared.tables.store().clone();
        match super::pin_named(&store, name) {
            Ok((branch, _)) => {
                if let Some(branch) = store.branch_by_id(branch) {
                    self.state.check_owns_branch(&branch)?;
                }
            }
            Err(_) if if_exists => {
                self.notice(format!("snapshot \"{name}\" does not exist, skipping"));
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.roll_back_implicit();
        store.unpin(name)
    }
}

/// Branches and snapshots are named where a point is, so none has the name of another.
pub(super) fn name_taken(kind: &str, name: &str) -> Error {
    Error::new(
        SqlState::DUPLICATE_OBJECT,
        format!("{kind} \"{name}\" already exists"),
    )
    .with_detail("A branch and a snapshot cannot have the same name.")
}
