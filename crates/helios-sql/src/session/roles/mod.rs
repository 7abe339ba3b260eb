//! As whom a session's statements run, and the statements about roles.

mod authorize;
mod branch;
mod command;
mod functions;
mod grant;
mod new_objects;
mod owned;
pub(super) mod password;
mod setting;

use std::sync::Arc;

use helios_base::{BranchId, Error, Result, Scn, SqlState};
use helios_table::catalog::{
    Catalog, FunctionDef, Privileges, RoleId, Roles, Securable, SequenceDef, Who,
};

use super::Session;
use super::settings::{Id, Settings};
use super::state::State;
use crate::bind::access::{RunsAs, denied, may_look_into};

pub(super) use branch::forget_branches;
pub(super) use functions::call;

/// `role` when none was set.
pub(super) const NO_ROLE: &str = "none";
/// `session_authorization` when none was set.
pub(super) const OWN: &str = "default";

/// Whether a setting says as whom statements run; such can only be set by the statements made for it.
pub(super) fn is_identity(setting: &str) -> bool {
    setting.eq_ignore_ascii_case("role") || setting.eq_ignore_ascii_case("session_authorization")
}

impl State {
    /// Refuses to change a limit unless the role may.
    pub(super) fn check_limit(&self, setting: &str) -> Result<()> {
        if !super::settings::is_limit(setting) || self.who_now()?.0.superuser {
            return Ok(());
        }
        Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("permission denied to set parameter \"{setting}\""),
        ))
    }
}

impl Settings {
    /// The name of the session's user, which a superuser may have changed.
    pub(super) fn session_user<'s>(&'s self, user: &'s str) -> &'s str {
        match self.text(Id::SessionAuthorization) {
            OWN => user,
            other => other,
        }
    }

    /// The name of the role that statements run as.
    pub(super) fn current_user<'s>(&'s self, user: &'s str) -> &'s str {
        match self.text(Id::Role) {
            NO_ROLE => self.session_user(user),
            role => role,
        }
    }
}

impl State {
    /// All roles: those of the main branch, with the changes of an own transaction there.
    pub(super) fn roles(&self) -> Result<Arc<Roles>> {
        self.home_catalog().map(|home| Arc::clone(home.roles()))
    }

    /// The catalog of what is of the whole database, roles and privileges on branches: that of the main branch, with the changes of an
    /// own transaction there.
    pub(super) fn home_catalog(&self) -> Result<Arc<Catalog>> {
        match self.transaction() {
            Some(txn) if txn.branch() == BranchId::MAIN => txn.latest_catalog(),
            _ => self.tables.newest_catalog(BranchId::MAIN),
        }
    }

    /// The role that logged in.
    fn authenticated(&self, roles: &Roles) -> RoleId {
        if self.embedded {
            return RoleId::BOOTSTRAP;
        }
        roles.by_name(&self.user).map_or(RoleId::NOBODY, |r| r.id)
    }

    /// The role of the session. A name that may not be taken is nobody's.
    pub(super) fn session_role(&self, roles: &Roles) -> RoleId {
        let own = self.authenticated(roles);
        let settings = self.settings.lock();
        match settings.text(Id::SessionAuthorization) {
            OWN => own,
            name if Who::of(roles, own).superuser => {
                roles.by_name(name).map_or(RoleId::NOBODY, |role| role.id)
            }
            _ => RoleId::NOBODY,
        }
    }

    /// As whom statements run. A name that may not be taken is nobody's.
    pub(super) fn who(&self, roles: &Roles) -> Who {
        if let Some(definer) = &*self.definer.lock() {
            return Who::clone(definer);
        }
        let session = self.session_role(roles);
        let name = self.settings.lock().text(Id::Role).to_owned();
        if name == NO_ROLE {
            return Who::of(roles, session);
        }
        let taken = roles.by_name(&name).map(|role| role.id).filter(|role| {
            Who::of(roles, session).superuser || roles.closure(session, false).contains(role)
        });
        Who::of(roles, taken.unwrap_or(RoleId::NOBODY))
    }
}

impl State {
    /// As whom statements run, and all roles.
    pub(super) fn who_now(&self) -> Result<(Arc<Who>, Arc<Roles>)> {
        let (generation, roles) = (self.generation(), self.roles()?);
        if let Some(definer) = &*self.definer.lock() {
            return Ok((Arc::clone(definer), roles));
        }
        let mut known = self.known_who.lock();
        if let Some((then, known_roles, who)) = &*known
            && *then == generation
            && Arc::ptr_eq(known_roles, &roles)
        {
            return Ok((Arc::clone(who), roles));
        }
        let who = Arc::new(self.who(&roles));
        *known = Some((generation, Arc::clone(&roles), Arc::clone(&who)));
        Ok((who, roles))
    }

    /// Refuses a sequence on which the role has none of `wanted`.
    pub(super) fn check_sequence(
        &self,
        sequence: &SequenceDef,
        wanted: &[Privileges],
    ) -> Result<()> {
        let (who, _) = self.who_now()?;
        if who.superuser {
            return Ok(());
        }
        let catalog = self.catalog();
        let has = |wanted: &Privileges| {
            let has = who.has(&catalog, Securable::Sequence, sequence.id.0, *wanted);
            has.has(*wanted)
        };
        // The numbers of an identity column belong to whoever may insert.
        let inserts = sequence.identity
            && sequence.owned_by.is_some_and(|(table, _)| {
                let wanted = Privileges::INSERT;
                who.has(&catalog, Securable::Table, table.0, wanted)
                    .has(wanted)
                    || who.has_on_any_column(&catalog, table.0, wanted).has(wanted)
            });
        match inserts
            || wanted.iter().any(has)
            || helios_table::is_temporary_schema(&sequence.schema_name)
        {
            true => Ok(()),
            false => Err(denied("sequence", &sequence.name)),
        }
    }
}

/// As whom statements are bound, and where their names are looked up.
pub(super) struct Identity {
    who: Arc<Who>,
    pub(super) roles: Arc<Roles>,
    /// What there is now.
    now: Arc<Catalog>,
    /// The newest moment, if the session looks at the past.
    newest: Option<Scn>,
    row_security: bool,
    pub(super) path: Vec<String>,
}

impl Identity {
    /// Whether it is no superuser's.
    pub(super) fn is_limited(&self) -> bool {
        !self.who.superuser
    }

    /// What the binder has to look at: of a superuser only what others own, views and functions that act for them.
    pub(super) fn runs_as(&self) -> Option<RunsAs<'_>> {
        Some(RunsAs {
            who: &self.who,
            roles: &self.roles,
            now: &self.now,
            newest: self.newest,
            row_security: self.row_security,
        })
    }
}

impl Session {
    /// As whom statements are bound now.
    pub(super) fn identity(&self) -> Result<Identity> {
        let (who, roles) = self.who()?;
        let mut path = self.state.search_path();
        let now = self.catalog_now()?;
        if !who.superuser {
            // Schemas that it may not use are no part of its path.
            path.retain(|name| match now.schema(name) {
                Some(schema) => may_look_into(&who, &now, schema.id.0),
                None => true,
            });
        }
        let looks_back = self.chosen.looks_back || self.fixed.is_some();
        Ok(Identity {
            who,
            roles,
            now,
            newest: looks_back.then(|| self.engine.store().scn()),
            row_security: self.state.settings.lock().bool(Id::RowSecurity),
            path,
        })
    }

    /// As whom statements run, and all roles.
    pub(super) fn who(&self) -> Result<(Arc<Who>, Arc<Roles>)> {
        self.state.who_now()
    }

    /// What there is now on the branch, also when the session looks at the past.
    pub(super) fn catalog_now(&self) -> Result<Arc<Catalog>> {
        match &self.current {
            Some(current) if !current.failed => current.txn.latest_catalog(),
            _ => self.newest_catalog(),
        }
    }

    /// The newest catalog of the branch; that of the root if the branch was dropped, for statements that
    /// lead out of it.
    fn newest_catalog(&self) -> Result<Arc<Catalog>> {
        let tables = &self.engine.shared.tables;
        let branch = tables.store().branch_by_id(self.branch);
        tables.newest_catalog(branch.map_or(BranchId::MAIN, |branch| branch.id))
    }

    /// Looks whether the session may run as the role that `SET ROLE` or
    /// `SET SESSION AUTHORIZATION` names.
    pub(super) fn check_identity(&self, setting: &str, name: &str) -> Result<()> {
        let roles = self.state.roles()?;
        let is_role = setting.eq_ignore_ascii_case("role");
        if (is_role && name == NO_ROLE) || (!is_role && name == OWN) {
            return Ok(());
        }
        let role = roles.by_name(name).ok_or_else(|| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("role \"{name}\" does not exist"),
            )
        })?;
        let (allowed, what) = if is_role {
            let session = self.state.session_role(&roles);
            let member = Who::of(&roles, session).superuser
                || roles.closure(session, false).contains(&role.id);
            (member, "role")
        } else {
            let own = self.state.authenticated(&roles);
            let allowed = role.id == own || Who::of(&roles, own).superuser;
            (allowed, "session authorization")
        };
        if allowed {
            return Ok(());
        }
        Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("permission denied to set {what} \"{name}\""),
        ))
    }
}

/// The refusal of what is not one's own.
pub(super) fn not_owner(kind: &str, name: &str) -> Error {
    Error::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("must be owner of {kind} {name}"),
    )
}

impl Session {
    /// Runs something as the owner of a `SECURITY DEFINER` function.
    pub(super) fn as_definer<T>(
        &mut self,
        def: &FunctionDef,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if !def.options.security_definer {
            return work(self);
        }
        let (_, roles) = self.who()?;
        let owner = self.catalog_now()?.owner(def.id.0);
        let owner = Arc::new(Who::of(&roles, owner));
        let outer = self.state.definer.lock().replace(owner);
        let done = work(self);
        *self.state.definer.lock() = outer;
        done
    }
}
