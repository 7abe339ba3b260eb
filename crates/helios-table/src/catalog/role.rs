//! Roles: who may log in, and who is a member of whom.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{RoleId, SchemaId};
use super::privilege::{AclItem, Securable};

/// A role. Roles are of the whole database: they are kept on the main branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleDef {
    /// Its number.
    pub id: RoleId,
    /// Its name.
    pub name: String,
    /// What it may do everywhere.
    pub attributes: RoleAttributes,
    /// How many connections it may have at once; -1 for any number.
    pub connection_limit: i32,
    /// What is kept of its password: PostgreSQL's text of a SCRAM-SHA-256 verifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// When the password ends, in microseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<i64>,
    /// The settings that its sessions start with, as name and text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(String, String)>,
    /// The roles that it is a member of.
    #[serde(default)]
    pub memberships: Vec<Membership>,
    /// Who may do what with the objects that it makes: `ALTER DEFAULT PRIVILEGES`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_privileges: Vec<DefaultPrivileges>,
}

/// Who may do what with the objects of one kind that a role makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultPrivileges {
    /// In this schema, beside what is said of all; `None`: everywhere, in place of what the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaId>,
    /// Of which kind.
    pub kind: Securable,
    /// Who may do what.
    pub items: Vec<AclItem>,
}

/// What a role may do everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are PostgreSQL's")]
pub struct RoleAttributes {
    /// Everything.
    pub superuser: bool,
    /// Use the privileges of the roles that it is a member of without `SET ROLE`.
    pub inherit: bool,
    /// Make, change and drop roles that are no superusers.
    pub create_role: bool,
    /// Make and drop databases; here, branches.
    pub create_db: bool,
    /// Log in.
    pub login: bool,
    /// Replicate.
    pub replication: bool,
    /// Pass by row-level security.
    pub bypass_rls: bool,
}

impl Default for RoleAttributes {
    fn default() -> Self {
        Self {
            superuser: false,
            inherit: true,
            create_role: false,
            create_db: false,
            login: false,
            replication: false,
            bypass_rls: false,
        }
    }
}

/// A role's membership in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// In which.
    pub role: RoleId,
    /// Whether it may make others members.
    pub admin: bool,
    /// Who made it one.
    pub grantor: RoleId,
}

/// The superuser that every database starts with.
const BOOTSTRAP_NAME: &str = "helios";

/// Roles that are always there, with PostgreSQL's numbers. They cannot log in, be changed or be
/// dropped.
const PREDEFINED: &[(u32, &str)] = &[
    (3373, "pg_monitor"),
    (3374, "pg_read_all_settings"),
    (3375, "pg_read_all_stats"),
    (3377, "pg_stat_scan_tables"),
    (4200, "pg_signal_backend"),
    (4544, "pg_checkpoint"),
    (4569, "pg_read_server_files"),
    (4570, "pg_write_server_files"),
    (4571, "pg_execute_server_program"),
    (6171, "pg_database_owner"),
    (6181, "pg_read_all_data"),
    (6182, "pg_write_all_data"),
];

impl RoleId {
    /// Everybody, as the grantee of privileges.
    pub const PUBLIC: Self = Self(0);
    /// The superuser that every database starts with.
    pub const BOOTSTRAP: Self = Self(10);
    /// Nobody: has no privileges but those of everybody.
    pub const NOBODY: Self = Self(u32::MAX);
    /// May read every table and view.
    pub const READ_ALL_DATA: Self = Self(6181);
    /// May write every table.
    pub const WRITE_ALL_DATA: Self = Self(6182);
    /// May read files of the server.
    pub const READ_SERVER_FILES: Self = Self(4569);
    /// May write files of the server.
    pub const WRITE_SERVER_FILES: Self = Self(4570);
    /// May cancel and end other sessions.
    pub const SIGNAL_BACKEND: Self = Self(4200);
    /// May see what others do.
    pub const READ_ALL_STATS: Self = Self(3375);

    /// Whether it is always there and never changes.
    #[must_use]
    pub fn is_predefined(self) -> bool {
        PREDEFINED.iter().any(|(id, _)| *id == self.0)
    }
}

impl RoleDef {
    /// A role with no attributes but inheritance.
    #[must_use]
    pub fn new(id: RoleId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            attributes: RoleAttributes::default(),
            connection_limit: -1,
            password: None,
            valid_until: None,
            settings: Vec::new(),
            memberships: Vec::new(),
            default_privileges: Vec::new(),
        }
    }

    fn bootstrap() -> Self {
        let mut role = Self::new(RoleId::BOOTSTRAP, BOOTSTRAP_NAME);
        role.attributes = RoleAttributes {
            superuser: true,
            inherit: true,
            create_role: true,
            create_db: true,
            login: true,
            replication: true,
            bypass_rls: true,
        };
        role
    }
}

/// All roles.
#[derive(Clone, Debug)]
pub struct Roles {
    version: u64,
    all: BTreeMap<RoleId, Arc<RoleDef>>,
}

impl Default for Roles {
    fn default() -> Self {
        let mut all = BTreeMap::new();
        for (id, name) in PREDEFINED {
            all.insert(RoleId(*id), Arc::new(RoleDef::new(RoleId(*id), *name)));
        }
        all.insert(RoleId::BOOTSTRAP, Arc::new(RoleDef::bootstrap()));
        Self { version: 0, all }
    }
}

impl Roles {
    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<RoleDef>> {
        self.all.values()
    }

    /// The role with this number.
    #[must_use]
    pub fn by_id(&self, id: RoleId) -> Option<&Arc<RoleDef>> {
        self.all.get(&id)
    }

    /// The role of this name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Arc<RoleDef>> {
        self.all.values().find(|role| role.name == name)
    }

    /// A role's name; a number in its place if it is gone, as PostgreSQL shows it.
    #[must_use]
    pub fn name(&self, id: RoleId) -> String {
        match self.by_id(id) {
            Some(role) => role.name.clone(),
            None => format!("unknown (OID={id})"),
        }
    }

    /// A number that goes up with every change: part of the key of plan caches on branches, where
    /// the catalog's own version does not show changes of roles.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn put(&mut self, id: RoleId, role: Option<Arc<RoleDef>>) {
        self.version = super::next_version();
        match role {
            Some(role) => {
                self.all.insert(id, role);
            }
            None => {
                self.all.remove(&id);
            }
        }
    }

    /// The roles that `role` is a member of, directly or through others, with itself. With
    /// `inherited` only those whose privileges it has without `SET ROLE`.
    #[must_use]
    pub fn closure(&self, role: RoleId, inherited: bool) -> BTreeSet<RoleId> {
        let mut found = BTreeSet::from([role]);
        let mut next = vec![role];
        while let Some(id) = next.pop() {
            let Some(role) = self.by_id(id) else {
                continue;
            };
            if inherited && !role.attributes.inherit {
                continue;
            }
            for membership in &role.memberships {
                if found.insert(membership.role) {
                    next.push(membership.role);
                }
            }
        }
        found
    }

    /// Whether `member` may make others members of `role`, itself or by what it is a member of.
    #[must_use]
    pub fn is_admin(&self, member: RoleId, role: RoleId) -> bool {
        self.closure(member, false).iter().any(|id| {
            self.by_id(*id)
                .is_some_and(|def| def.memberships.iter().any(|m| m.role == role && m.admin))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(id: u32, inherit: bool, of: &[u32]) -> Arc<RoleDef> {
        let mut role = RoleDef::new(RoleId(id), format!("r{id}"));
        role.attributes.inherit = inherit;
        let member = |id: &u32| Membership {
            role: RoleId(*id),
            admin: false,
            grantor: RoleId::BOOTSTRAP,
        };
        role.memberships = of.iter().map(member).collect();
        Arc::new(role)
    }

    #[test]
    fn membership_goes_through_roles_that_inherit() {
        let mut roles = Roles::default();
        for (id, inherit, of) in [
            (101, true, &[102][..]),
            (102, false, &[103]),
            (103, true, &[101]),
        ] {
            roles.put(RoleId(id), Some(role(id, inherit, of)));
        }
        let ids = |set: BTreeSet<RoleId>| set.into_iter().map(|id| id.0).collect::<Vec<_>>();
        assert_eq!(ids(roles.closure(RoleId(101), true)), [101, 102]);
        assert_eq!(ids(roles.closure(RoleId(101), false)), [101, 102, 103]);
    }
}
