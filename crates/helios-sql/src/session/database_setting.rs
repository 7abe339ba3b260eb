//! `SET` of what concerns all sessions: options of the branch `main`.

use helios_base::{BranchId, Error, Result, SqlState};
use helios_table::columnar::HybridStorage;

use super::settings::DEFAULT_RETENTION;
use super::{Session, retention};
use crate::plan::SetScope;

impl Session {
    /// Sets what all sessions share; `None` takes it back.
    ///
    /// # Errors
    /// 0A000 for `SET LOCAL`, 25001 inside a transaction, 42501 for others than superusers, 22023 for bad
    /// values.
    pub(super) fn set_for_database(
        &mut self,
        name: &str,
        value: Option<&str>,
        scope: SetScope,
    ) -> Result<()> {
        if scope == SetScope::Local {
            return Err(
                Error::unsupported(format!("parameter \"{name}\" cannot be set locally"))
                    .with_detail("It concerns the whole database."),
            );
        }
        let name = super::settings::in_full(name).to_ascii_lowercase();
        self.check_no_block(&format!("SET {name}"))?;
        let (who, _) = self.who()?;
        if !who.superuser {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied to set parameter \"{name}\""),
            ));
        }
        let mut kept = value.map(str::to_ascii_lowercase);
        match value {
            Some(value) if name == super::results::NAME => {
                let bytes = super::results::parse(value)?;
                kept = Some(super::results::shown(bytes));
            }
            Some(value) if name == DEFAULT_RETENTION => {
                retention::check(&name, value)?;
            }
            Some(value) if name == super::audit::NAME => {
                super::audit::Classes::parse(value)?;
            }
            Some(value) if name == super::tending::BUDGET => {
                super::tending::parse_budget(value)?;
            }
            Some(value) if super::roles::password::check_setting(&name, value)? => {}
            Some(value) => {
                HybridStorage::default().set(&name, value)?;
            }
            None => {}
        }
        self.roll_back_implicit();
        let store = self.engine.shared.tables.store();
        let Some(main) = store.branch_by_id(BranchId::MAIN) else {
            return Err(Error::internal("there is no main branch"));
        };
        let mut options = main.options;
        options.retain(|(known, _)| *known != name);
        options.extend(kept.map(|value| (name, value)));
        options.sort();
        store.alter_branch(main.id, &main.name, options)?;
        self.engine.shared.read_settings();
        Ok(())
    }
}
