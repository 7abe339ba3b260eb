//! `ALTER ROLE … SET`: what the sessions of a role start with.

use std::sync::Arc;

use helios_base::{BranchId, Error, Result, SqlState};
use helios_table::catalog::RoleDef;

use super::command::{Acting, refused};
use crate::plan::{RoleSpec, SetValue};
use crate::session::settings::{Settings, is_limit, is_of_database};
use crate::session::utility::setting_text;
use crate::session::{Notice, Session, audit};

impl Acting<'_> {
    /// Sets `name`, or takes it away; all of them without a name.
    pub(super) fn set(
        &self,
        spec: &RoleSpec,
        name: Option<&str>,
        value: Option<&SetValue>,
    ) -> Result<()> {
        let id = self.session.role_of(spec, self.roles)?;
        // Everybody may choose what the own sessions start with.
        let mut role = match self.roles.by_id(id) {
            Some(role) if id == self.who.role => RoleDef::clone(role),
            _ => self.changeable(id)?,
        };
        let watched = |name: &str| name.eq_ignore_ascii_case(audit::NAME);
        let of_audit = match name {
            Some(name) => watched(name),
            None => role.settings.iter().any(|(name, _)| watched(name)),
        };
        let limit = match name {
            Some(name) => is_limit(name).then_some(name),
            None => {
                let mut names = role.settings.iter().map(|(name, _)| name.as_str());
                names.find(|name| is_limit(name))
            }
        };
        if let (Some(limit), false) = (limit, self.who.superuser) {
            return Err(refused(format!(
                "permission denied to set parameter \"{limit}\""
            )));
        }
        if of_audit && !self.who.superuser {
            return Err(refused("permission denied to set parameter \"audit\""));
        }
        match name {
            None => role.settings.clear(),
            Some(name) => {
                let name = name.to_ascii_lowercase();
                role.settings.retain(|(known, _)| *known != name);
                if let Some(text) = value.and_then(|value| setting_text(&name, value)) {
                    check(&name, &text)?;
                    role.settings.push((name, text));
                    role.settings.sort();
                }
            }
        }
        self.txn.put_role(role).map(drop)
    }
}

/// Refuses what a session could not start with.
fn check(name: &str, text: &str) -> Result<()> {
    if name == audit::NAME {
        return audit::Classes::parse(text).map(drop);
    }
    let alone = if super::is_identity(name) {
        "It says as whom statements run."
    } else if is_of_database(name) {
        "It concerns the whole database."
    } else {
        return Settings::new(Arc::default()).set(name, Some(text), false);
    };
    Err(Error::new(
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("parameter \"{name}\" cannot be set for a role"),
    )
    .with_detail(alone))
}

impl Session {
    /// Takes over what is set for the role that logged in. What cannot be taken any more is a warning.
    pub(in crate::session) fn start_with_role_settings(&mut self) -> Result<()> {
        let catalog = self.engine.shared.tables.newest_catalog(BranchId::MAIN)?;
        let Some(role) = catalog.roles().by_name(&self.state.user) else {
            return Ok(());
        };
        for (name, value) in &role.settings {
            let taken = match name.as_str() {
                audit::NAME => audit::Classes::parse(value).map(|classes| self.audit_also(classes)),
                _ => self.state.settings.lock().start_with(name, value),
            };
            if let Err(error) = taken {
                let notice = Notice::warning(error.sqlstate(), error.message());
                self.notices.push(notice);
            }
        }
        Ok(())
    }
}
