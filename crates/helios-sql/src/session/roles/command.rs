//! `CREATE`, `ALTER` and `DROP ROLE`, and memberships.

use helios_base::{Error, Result, SqlState, Value};
use helios_table::Transaction;
use helios_table::catalog::{Membership, RoleDef, RoleId, Roles, Who};

use super::password;
use crate::plan::{RoleCommand, RoleOption, RoleSpec};
use crate::session::{Notice, Session, clock, scram};

impl Session {
    /// Runs a statement about roles; gives its tag.
    pub(in crate::session) fn role_command(
        &mut self,
        command: &RoleCommand,
    ) -> Result<&'static str> {
        if !command.is_about_branches() {
            return self.role_command_here(command);
        }
        let mut tag = "";
        self.branch_privileges(crate::session::tag::of_role(command), |session| {
            tag = session.role_command_here(command)?;
            Ok(())
        })?;
        Ok(tag)
    }

    fn role_command_here(&mut self, command: &RoleCommand) -> Result<&'static str> {
        let txn = self.transaction()?;
        let (who, roles) = self.who()?;
        let acting = Acting {
            session: self,
            txn: &txn,
            who: &who,
            roles: &roles,
        };
        match command {
            RoleCommand::Create { name, options } => {
                acting.create(name, options)?;
                Ok("CREATE ROLE")
            }
            RoleCommand::Alter { role, options } => {
                acting.alter(role, options)?;
                Ok("ALTER ROLE")
            }
            RoleCommand::Set { role, name, value } => {
                acting.set(role, name.as_deref(), value.as_ref())?;
                Ok("ALTER ROLE")
            }
            RoleCommand::Rename { from, to } => {
                acting.rename(from, to)?;
                Ok("ALTER ROLE")
            }
            RoleCommand::Drop { roles, if_exists } => {
                let missing = acting.drop(roles, *if_exists)?;
                for name in missing {
                    self.notice_state(
                        SqlState::UNDEFINED_OBJECT,
                        format!("role \"{name}\" does not exist, skipping"),
                    );
                }
                Ok("DROP ROLE")
            }
            RoleCommand::Member {
                revoke,
                roles,
                members,
                admin,
            } => {
                let mut notices = acting.member(*revoke, roles, members, *admin)?;
                self.notices.append(&mut notices);
                Ok(if *revoke { "REVOKE ROLE" } else { "GRANT ROLE" })
            }
            RoleCommand::Owner {
                kind,
                name,
                to,
                if_exists,
                tag,
            } => {
                self.change_owner(*kind, name, to, *if_exists)?;
                Ok(tag)
            }
            RoleCommand::Grant(grant) => self.grant(grant),
            RoleCommand::OwnRoutine { routine, to, tag } => {
                self.own_routine(routine, to)?;
                Ok(tag)
            }
            RoleCommand::Default {
                roles,
                schemas,
                grant,
            } => {
                self.grant_by_default(roles, schemas, grant)?;
                Ok("ALTER DEFAULT PRIVILEGES")
            }
            RoleCommand::Reassign { roles, to } => {
                self.reassign_owned(roles, to)?;
                Ok("REASSIGN OWNED")
            }
            RoleCommand::DropOwned { roles, cascade } => {
                self.drop_owned(roles, *cascade)?;
                Ok("DROP OWNED")
            }
        }
    }

    /// The role that a statement names.
    pub(in crate::session) fn role_of(&self, spec: &RoleSpec, roles: &Roles) -> Result<RoleId> {
        match spec {
            RoleSpec::Named(name) => require(roles, name),
            RoleSpec::Current => Ok(self.state.who(roles).role),
            RoleSpec::Session => Ok(self.state.session_role(roles)),
            RoleSpec::Public => Ok(RoleId::PUBLIC),
        }
    }

    /// The roles that a statement names; everybody is none.
    pub(super) fn roles_of(&self, specs: &[RoleSpec], roles: &Roles) -> Result<Vec<RoleId>> {
        let of = |spec: &RoleSpec| match spec {
            RoleSpec::Public => require(roles, "public"),
            other => self.role_of(other, roles),
        };
        specs.iter().map(of).collect()
    }
}

pub(super) fn require(roles: &Roles, name: &str) -> Result<RoleId> {
    let found = roles.by_name(name).map(|role| role.id);
    found.ok_or_else(|| {
        Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("role \"{name}\" does not exist"),
        )
    })
}

pub(super) fn refused(message: impl Into<String>) -> Error {
    Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message)
}

pub(super) struct Acting<'s> {
    pub(super) session: &'s Session,
    pub(super) txn: &'s Transaction,
    pub(super) who: &'s Who,
    pub(super) roles: &'s Roles,
}

impl Acting<'_> {
    /// Whether the acting role may make and change roles.
    fn creates_roles(&self) -> bool {
        let role = self.roles.by_id(self.who.role);
        self.who.superuser || role.is_some_and(|role| role.attributes.create_role)
    }

    fn create(&self, name: &str, options: &[RoleOption]) -> Result<()> {
        if !self.creates_roles() {
            return Err(refused("permission denied to create role"));
        }
        let mut role = RoleDef::new(RoleId::PUBLIC, name);
        self.apply(&mut role, options)?;
        let id = self.txn.put_role(role)?;
        for option in options {
            match option {
                RoleOption::InRole(of) => {
                    for role in of {
                        let role = self.session.role_of(role, self.roles)?;
                        self.may_enroll(role)?;
                        self.join(id, role, false)?;
                    }
                }
                RoleOption::Members(members, admin) => {
                    for member in members {
                        let member = self.session.role_of(member, self.roles)?;
                        self.join(member, id, *admin)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn join(&self, member: RoleId, role: RoleId, admin: bool) -> Result<()> {
        if member == RoleId::PUBLIC || role == RoleId::PUBLIC {
            return Err(Error::new(
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
                "role \"public\" does not exist",
            ));
        }
        self.txn.put_membership(
            member,
            Membership {
                role,
                admin,
                grantor: self.who.role,
            },
        )
    }

    /// The role, if the acting one may change it.
    pub(super) fn changeable(&self, id: RoleId) -> Result<RoleDef> {
        let role = self.roles.by_id(id).map(|role| RoleDef::clone(role));
        let role = role.ok_or_else(|| refused("permission denied"))?;
        if id.is_predefined() {
            return Err(refused(format!("role \"{}\" is reserved", role.name)));
        }
        if !self.who.superuser && self.may_become_superuser(id) {
            return Err(refused(
                "must be superuser to alter superuser roles or change superuser attribute",
            ));
        }
        if !self.creates_roles() {
            return Err(refused("permission denied"));
        }
        Ok(role)
    }

    fn alter(&self, spec: &RoleSpec, options: &[RoleOption]) -> Result<()> {
        let id = self.session.role_of(spec, self.roles)?;
        // Everybody may change its own password.
        let own = id == self.who.role
            && options
                .iter()
                .all(|option| matches!(option, RoleOption::Password(_)));
        let mut role = match self.roles.by_id(id) {
            Some(role) if own => RoleDef::clone(role),
            _ => self.changeable(id)?,
        };
        if id == RoleId::BOOTSTRAP && options.contains(&RoleOption::Superuser(false)) {
            return Err(refused(format!(
                "the first superuser \"{}\" stays one",
                role.name
            )));
        }
        self.apply(&mut role, options)?;
        self.txn.put_role(role).map(drop)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let id = require(self.roles, from)?;
        let mut role = self.changeable(id)?;
        if id == self.session.state.session_role(self.roles) || id == self.who.role {
            return Err(Error::unsupported("session user cannot be renamed"));
        }
        to.clone_into(&mut role.name);
        self.txn.put_role(role).map(drop)
    }

    fn drop(&self, specs: &[RoleSpec], if_exists: bool) -> Result<Vec<String>> {
        let mut missing = Vec::new();
        if !self.creates_roles() {
            return Err(refused("permission denied to drop role"));
        }
        for spec in specs {
            let RoleSpec::Named(name) = spec else {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "cannot use special role specifier in DROP ROLE",
                ));
            };
            let Some(role) = self.roles.by_name(name) else {
                if if_exists {
                    missing.push(name.clone());
                    continue;
                }
                return Err(require(self.roles, name)
                    .err()
                    .unwrap_or_else(|| Error::internal("a role that is there and is not")));
            };
            let in_use =
                role.id == self.who.role || role.id == self.session.state.session_role(self.roles);
            if in_use || role.id == RoleId::BOOTSTRAP {
                return Err(Error::new(
                    SqlState::OBJECT_IN_USE,
                    "current user cannot be dropped",
                ));
            }
            if !self.who.superuser && self.may_become_superuser(role.id) {
                return Err(refused("must be superuser to drop superusers"));
            }
            self.changeable(role.id)?;
            self.txn.drop_role(role.id)?;
        }
        Ok(missing)
    }

    fn member(
        &self,
        revoke: bool,
        roles: &[String],
        members: &[RoleSpec],
        admin: bool,
    ) -> Result<Vec<Notice>> {
        let mut notices = Vec::new();
        for name in roles {
            let role = require(self.roles, name)?;
            self.may_enroll(role)?;
            for member in members {
                let member = self.session.role_of(member, self.roles)?;
                let known = self.roles.by_id(member);
                let known = known.and_then(|def| def.memberships.iter().find(|m| m.role == role));
                let told = || self.roles.name(member);
                match known {
                    None if revoke => notices.push(Notice::warning(
                        SqlState::WARNING,
                        format!("role \"{}\" is not a member of role \"{name}\"", told()),
                    )),
                    Some(known) if !revoke && (known.admin || !admin) => {
                        notices.push(Notice::new(format!(
                            "role \"{}\" is already a member of role \"{name}\"",
                            told()
                        )));
                    }
                    _ if revoke => {
                        self.txn.drop_membership(member, role, admin)?;
                    }
                    _ => self.join(member, role, admin)?,
                }
            }
        }
        Ok(notices)
    }

    /// Refuses to change who is a member of a role unless the acting one may.
    fn may_enroll(&self, role: RoleId) -> Result<()> {
        if self.who.superuser {
            return Ok(());
        }
        let name = self.roles.name(role);
        if self.may_become_superuser(role) {
            return Err(refused("must be superuser to alter superusers"));
        }
        // Making roles is no way to what the predefined ones may do.
        let closure = self.roles.closure(role, false);
        let made = self.creates_roles() && !closure.iter().any(|id| id.is_predefined());
        if made || self.roles.is_admin(self.who.role, role) {
            return Ok(());
        }
        Err(refused(format!(
            "must have admin option on role \"{name}\""
        )))
    }

    /// Whether a role is a superuser or can `SET ROLE` to one.
    fn may_become_superuser(&self, role: RoleId) -> bool {
        let superuser = |id| {
            let role = self.roles.by_id(id);
            role.is_some_and(|role| role.attributes.superuser)
        };
        self.roles.closure(role, false).into_iter().any(superuser)
    }

    fn apply(&self, role: &mut RoleDef, options: &[RoleOption]) -> Result<()> {
        let new = role.id == RoleId::PUBLIC;
        for option in options {
            let attributes = &mut role.attributes;
            match option {
                RoleOption::Superuser(yes) => {
                    let message = match new {
                        true => "must be superuser to create superusers",
                        false => {
                            "must be superuser to alter superuser roles or change superuser attribute"
                        }
                    };
                    self.superuser_only(*yes || attributes.superuser, message)?;
                    attributes.superuser = *yes;
                }
                RoleOption::Replication(yes) => {
                    let message = match new {
                        true => "must be superuser to create replication users",
                        false => {
                            "must be superuser to alter replication roles or change replication attribute"
                        }
                    };
                    self.superuser_only(*yes || attributes.replication, message)?;
                    attributes.replication = *yes;
                }
                RoleOption::BypassRls(yes) => {
                    let message = match new {
                        true => "must be superuser to create bypassrls users",
                        false => "must be superuser to change bypassrls attribute",
                    };
                    self.superuser_only(*yes || attributes.bypass_rls, message)?;
                    attributes.bypass_rls = *yes;
                }
                RoleOption::CreateDb(yes) => attributes.create_db = *yes,
                RoleOption::CreateRole(yes) => attributes.create_role = *yes,
                RoleOption::Inherit(yes) => attributes.inherit = *yes,
                RoleOption::Login(yes) => attributes.login = *yes,
                RoleOption::ConnectionLimit(limit) => role.connection_limit = *limit,
                RoleOption::Password(None) => role.password = None,
                RoleOption::Password(Some(text)) => {
                    let state = &self.session.state;
                    password::check(state, &role.name, text, self.who.superuser)?;
                    role.password = Some(scram::kept(text)?);
                    let said = |option: &RoleOption| matches!(option, RoleOption::ValidUntil(_));
                    if let Some(until) = password::valid_until(state, clock::now())
                        && !options.iter().any(said)
                    {
                        role.valid_until = Some(until);
                    }
                }
                RoleOption::ValidUntil(text) => {
                    let context = self.session.state.text(clock::now());
                    let ty = helios_base::DataType::TimestampTz(None);
                    role.valid_until = match Value::parse(text, &ty, &context)? {
                        Value::TimestampTz(micros) => Some(micros),
                        _ => None,
                    };
                }
                RoleOption::InRole(_) | RoleOption::Members(..) => {}
            }
        }
        Ok(())
    }

    fn superuser_only(&self, matters: bool, message: &str) -> Result<()> {
        match matters && !self.who.superuser {
            true => Err(refused(message)),
            false => Ok(()),
        }
    }
}
