//! Roles and privileges.

use std::collections::BTreeMap;
use std::sync::Arc;

use helios_base::{BranchId, ColumnId, Error, Result, SqlState};
use helios_version::{LockMode, Wait};

use super::default_privilege;
use crate::catalog::{
    AccessDef, AclItem, Change, FunctionId, Membership, Privileges, RoleDef, RoleId, Securable,
    branch_object, branch_of_object,
};
use crate::system;
use crate::transaction::Transaction;

/// What changes of the privileges on an object or a column of it.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Take away instead of give.
    pub revoke: bool,
    /// Only the right to hand on; with `revoke`.
    pub option_only: bool,
    /// Which.
    pub privileges: Privileges,
    /// To whom, from whom.
    pub grantees: Vec<RoleId>,
    /// `WITH GRANT OPTION`
    pub grantable: bool,
    /// In whose name.
    pub grantor: RoleId,
    /// `CASCADE`: also what was handed on.
    pub cascade: bool,
}

impl Transaction {
    /// Makes or changes a role.
    ///
    /// # Errors
    /// 42710 the name is taken, 42939 it is reserved; 0A000 on another branch than main.
    pub fn put_role(&self, mut role: RoleDef) -> Result<RoleId> {
        self.on_main()?;
        if role.name.starts_with("pg_")
            || matches!(
                role.name.as_str(),
                "public" | "none" | "default" | "heliosdb"
            )
        {
            return Err(Error::new(
                SqlState::new(b"42939"),
                format!("role name \"{}\" is reserved", role.name),
            ));
        }
        self.lock_role_name(&role.name)?;
        let roles = Arc::clone(self.latest_catalog()?.roles());
        if roles
            .by_name(&role.name)
            .is_some_and(|known| known.id != role.id)
        {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("role \"{}\" already exists", role.name),
            ));
        }
        if role.id == RoleId::PUBLIC {
            role.id = RoleId(self.tables().next_id()?);
        } else {
            self.lock_object(role.id.0)?;
        }
        let id = role.id;
        self.change(Change::Role(id, Some(Arc::new(role))))?;
        Ok(id)
    }

    /// Changes the memberships of a role.
    ///
    /// # Errors
    /// 0LP01 for a circle; 0A000 on another branch than main.
    pub fn put_membership(&self, member: RoleId, membership: Membership) -> Result<()> {
        self.edit_role(member, |role| {
            role.memberships.retain(|m| m.role != membership.role);
            role.memberships.push(membership.clone());
        })?;
        let catalog = self.latest_catalog()?;
        let closure = catalog.roles().closure(membership.role, false);
        if closure.contains(&member) {
            let (role, member) = (
                catalog.roles().name(membership.role),
                catalog.roles().name(member),
            );
            return Err(Error::new(
                SqlState::new(b"0LP01"),
                format!("role \"{role}\" is a member of role \"{member}\""),
            ));
        }
        Ok(())
    }

    /// Ends a membership, or only the right to make others members. `false` if there was none.
    ///
    /// # Errors
    /// 0A000 on another branch than main.
    pub fn drop_membership(&self, member: RoleId, of: RoleId, admin_only: bool) -> Result<bool> {
        let mut found = false;
        self.edit_role(member, |role| {
            for membership in role.memberships.iter_mut().filter(|m| m.role == of) {
                found = true;
                membership.admin = false;
            }
            if !admin_only {
                role.memberships.retain(|m| m.role != of);
            }
        })?;
        Ok(found)
    }

    pub(super) fn edit_role(&self, id: RoleId, change: impl FnOnce(&mut RoleDef)) -> Result<()> {
        self.on_main()?;
        self.lock_object(id.0)?;
        let catalog = self.latest_catalog()?;
        let role = catalog.roles().by_id(id).ok_or_else(|| no_role(id))?;
        let mut role = RoleDef::clone(role);
        change(&mut role);
        self.change(Change::Role(id, Some(Arc::new(role))))
    }

    /// `DROP ROLE`
    ///
    /// # Errors
    /// 2BP01 if it owns something or has privileges on something on this branch; 0A000 on another
    /// branch than main.
    pub fn drop_role(&self, id: RoleId) -> Result<()> {
        self.on_main()?;
        self.lock_object(id.0)?;
        let catalog = self.latest_catalog()?;
        let role = catalog
            .roles()
            .by_id(id)
            .ok_or_else(|| no_role(id))?
            .clone();
        let concerns = |access: &AccessDef| {
            let named = |items: &[AclItem]| {
                items
                    .iter()
                    .any(|item| item.grantee == id || item.grantor == id)
            };
            access.owner == id
                || access.acl.as_deref().is_some_and(named)
                || access.columns.values().any(|items| named(items))
        };
        let used: Vec<u32> = catalog
            .accesses()
            .filter(|access| concerns(access))
            .map(|access| access.object)
            .collect();
        let policies: Vec<String> = catalog
            .tables()
            .flat_map(|table| {
                let policies = table.row_security.policies.iter();
                let named = policies.filter(|policy| policy.roles.contains(&id));
                named.map(|p| format!("target of policy {} on table {}", p.name, table.name))
            })
            .collect();
        let defaults = default_privilege::that_concern(catalog.roles(), id);
        if !used.is_empty() || !policies.is_empty() || !defaults.is_empty() {
            let names = used
                .iter()
                .map(|object| match catalog.relation_by_oid(*object) {
                    Some(relation) => format!("{} {}", relation.kind(), relation.name()),
                    None => match catalog.function_by_id(FunctionId(*object)) {
                        Some(function) => format!("{} {function}", function.kind()),
                        None => match catalog.schemas().find(|schema| schema.id.0 == *object) {
                            Some(schema) => format!("schema {}", schema.name),
                            None => self.branch_of(*object).map_or_else(
                                || format!("object {object}"),
                                |branch| format!("branch {branch}"),
                            ),
                        },
                    },
                });
            let lines: Vec<String> = names
                .zip(&used)
                .map(|(name, object)| match catalog.owner(*object) == id {
                    true => format!("owner of {name}"),
                    false => format!("privileges for {name}"),
                })
                .chain(policies)
                .chain(defaults)
                .collect();
            return Err(Error::new(
                SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
                format!(
                    "role \"{}\" cannot be dropped because some objects depend on it",
                    role.name
                ),
            )
            .with_detail(lines.join("\n")));
        }
        let members: Vec<RoleId> = catalog
            .roles()
            .iter()
            .filter(|other| other.memberships.iter().any(|m| m.role == id))
            .map(|other| other.id)
            .collect();
        for member in members {
            self.drop_membership(member, id, false)?;
        }
        self.change(Change::Role(id, None))
    }

    /// The name of the branch whose privileges are kept by this number.
    fn branch_of(&self, object: u32) -> Option<String> {
        let branch = branch_of_object(object)?;
        let branch = self.tables().store().branch_by_id(branch)?;
        Some(branch.name)
    }

    /// Forgets who owned a branch that was dropped, and who might do what with it.
    ///
    /// # Errors
    /// 0A000 on another branch than main.
    pub fn forget_branch(&self, branch: BranchId) -> Result<()> {
        self.on_main()?;
        self.forget_access(branch_object(branch))
    }

    /// Makes `owner` the owner of an object that is new or changes hands; of a branch on the main branch only.
    ///
    /// # Errors
    /// When the transaction is over; 0A000 for branches on another branch than main.
    pub fn set_owner(&self, object: u32, owner: RoleId) -> Result<()> {
        if branch_of_object(object).is_some() {
            self.on_main()?;
        }
        let catalog = self.latest_catalog()?;
        let old = catalog.owner(object);
        if old == owner {
            return Ok(());
        }
        self.lock_object(object)?;
        let mut access = catalog.access(object).map_or_else(
            || AccessDef::of(object, owner),
            |access| AccessDef::clone(access),
        );
        access.owner = owner;
        // What the old owner had, or gave, the new one has and gives.
        let columns = access.columns.values_mut();
        for items in access.acl.iter_mut().chain(columns) {
            for item in items.iter_mut() {
                for role in [&mut item.grantee, &mut item.grantor] {
                    if *role == old {
                        *role = owner;
                    }
                }
            }
            *items = merged(items);
        }
        self.change(Change::Access(object, Some(Arc::new(access))))
    }

    /// `GRANT` and `REVOKE` on an object, or on one of its columns.
    ///
    /// # Errors
    /// 2BP01 when what is taken was handed on, without `CASCADE`.
    pub fn grant(
        &self,
        kind: Securable,
        object: u32,
        column: Option<ColumnId>,
        grant: &Grant,
    ) -> Result<()> {
        if kind == Securable::Branch {
            self.on_main()?;
        }
        self.lock_object(object)?;
        let catalog = self.latest_catalog()?;
        let mut access = catalog.access(object).map_or_else(
            || AccessDef::of(object, RoleId::BOOTSTRAP),
            |access| AccessDef::clone(access),
        );
        let mut items = match column {
            None => access.items(kind),
            Some(column) => access.columns.get(&column).cloned().unwrap_or_default(),
        };
        change_items(&mut items, grant)?;
        match column {
            None => access.acl = Some(items),
            Some(column) if items.is_empty() => {
                access.columns.remove(&column);
            }
            Some(column) => {
                access.columns.insert(column, items);
            }
        }
        // Taking a privilege on the table takes it on its columns, as in PostgreSQL.
        if column.is_none() && grant.revoke && kind == Securable::Table {
            let mut columns: BTreeMap<ColumnId, Vec<AclItem>> = BTreeMap::new();
            for (column, mut items) in std::mem::take(&mut access.columns) {
                for grantee in &grant.grantees {
                    revoke(&mut items, *grantee, grant)?;
                }
                if !items.is_empty() {
                    columns.insert(column, items);
                }
            }
            access.columns = columns;
        }
        self.change(Change::Access(object, Some(Arc::new(access))))
    }

    /// Says anew who may do what with an object.
    ///
    /// # Errors
    /// When the transaction is over.
    pub fn set_items(&self, object: u32, items: Vec<AclItem>) -> Result<()> {
        let catalog = self.latest_catalog()?;
        let mut access = catalog.access(object).map_or_else(
            || AccessDef::of(object, RoleId::BOOTSTRAP),
            |access| AccessDef::clone(access),
        );
        access.acl = Some(items);
        self.change(Change::Access(object, Some(Arc::new(access))))
    }

    /// Forgets who may do what with an object that is dropped.
    ///
    /// # Errors
    /// When the transaction is over.
    pub(crate) fn forget_access(&self, object: u32) -> Result<()> {
        if self.latest_catalog()?.access(object).is_some() {
            self.change(Change::Access(object, None))?;
        }
        Ok(())
    }

    /// Roles are of the whole database, and their home is the main branch.
    fn on_main(&self) -> Result<()> {
        if self.branch() == BranchId::MAIN {
            return Ok(());
        }
        Err(
            Error::unsupported("roles are changed on the main branch only")
                .with_hint("USE BRANCH main; roles are the same on all branches."),
        )
    }

    fn lock_role_name(&self, name: &str) -> Result<()> {
        // Schemas' names begin with number 0, roles' with the largest.
        let mut key = u32::MAX.to_be_bytes().to_vec();
        key.extend_from_slice(name.as_bytes());
        self.txn()
            .lock_key(system::NAME_LOCKS, &key, LockMode::Update, Wait::Block)?;
        Ok(())
    }
}

fn no_role(id: RoleId) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("role with OID {id} does not exist"),
    )
}

/// `GRANT` and `REVOKE` on a list of who may do what.
pub(super) fn change_items(items: &mut Vec<AclItem>, grant: &Grant) -> Result<()> {
    for grantee in &grant.grantees {
        if grant.revoke {
            revoke(items, *grantee, grant)?;
            continue;
        }
        items.push(AclItem {
            grantee: *grantee,
            grantor: grant.grantor,
            privileges: grant.privileges,
            grantable: match grant.grantable {
                true => grant.privileges,
                false => Privileges::NONE,
            },
        });
        *items = merged(items);
    }
    Ok(())
}

/// One item for each grantee and grantor; items that say nothing vanish.
pub(super) fn merged(items: &[AclItem]) -> Vec<AclItem> {
    let mut all: Vec<AclItem> = Vec::with_capacity(items.len());
    for item in items {
        let known = all
            .iter_mut()
            .find(|known| known.grantee == item.grantee && known.grantor == item.grantor);
        match known {
            Some(known) => {
                known.privileges = known.privileges.with(item.privileges);
                known.grantable = known.grantable.with(item.grantable);
            }
            None => all.push(*item),
        }
    }
    all.retain(|item| !item.privileges.is_none());
    all
}

/// Takes privileges from `grantee` that the grantor gave, and what it handed on of them.
fn revoke(items: &mut Vec<AclItem>, grantee: RoleId, grant: &Grant) -> Result<()> {
    let mut lost = Privileges::NONE;
    for item in items
        .iter_mut()
        .filter(|item| item.grantee == grantee && item.grantor == grant.grantor)
    {
        lost = lost.with(item.grantable.and(grant.privileges));
        item.grantable = item.grantable.without(grant.privileges);
        if !grant.option_only {
            item.privileges = item.privileges.without(grant.privileges);
        }
    }
    items.retain(|item| !item.privileges.is_none());
    // Another grantor may still allow handing it on.
    for other in items.iter().filter(|item| item.grantee == grantee) {
        lost = lost.without(other.grantable);
    }
    if lost.is_none() || grantee == RoleId::PUBLIC {
        return Ok(());
    }
    let mut dependent: Vec<RoleId> = items
        .iter()
        .filter(|item| item.grantor == grantee && !item.privileges.and(lost).is_none())
        .map(|item| item.grantee)
        .filter(|other| *other != grantee)
        .collect();
    dependent.sort_unstable();
    dependent.dedup();
    if !dependent.is_empty() && !grant.cascade {
        return Err(Error::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            "dependent privileges exist",
        )
        .with_hint("Use CASCADE to revoke them too."));
    }
    for other in dependent {
        let next = Grant {
            privileges: lost,
            grantor: grantee,
            option_only: false,
            ..grant.clone()
        };
        revoke(items, other, &next)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(grantee: u32, grantor: u32, grantable: bool) -> AclItem {
        AclItem {
            grantee: RoleId(grantee),
            grantor: RoleId(grantor),
            privileges: Privileges::SELECT,
            grantable: if grantable {
                Privileges::SELECT
            } else {
                Privileges::NONE
            },
        }
    }

    fn taking(cascade: bool) -> Grant {
        Grant {
            revoke: true,
            option_only: false,
            privileges: Privileges::SELECT,
            grantees: Vec::new(),
            grantable: false,
            grantor: RoleId(1),
            cascade,
        }
    }

    // Guards against privileges that outlive the right they were given by.
    #[test]
    fn what_was_handed_on_goes_too() {
        let start = [item(2, 1, true), item(3, 2, true), item(4, 3, false)];
        let mut items = start.to_vec();
        let error = revoke(&mut items, RoleId(2), &taking(false));
        assert!(error.is_err_and(|e| e.sqlstate().as_str() == "2BP01"));
        let mut items = start.to_vec();
        assert!(revoke(&mut items, RoleId(2), &taking(true)).is_ok());
        assert_eq!(items, []);
        // Unless another gave it as well.
        let mut items = start.to_vec();
        items.push(item(2, 9, true));
        assert!(revoke(&mut items, RoleId(2), &taking(false)).is_ok());
        assert_eq!(items.len(), 3);
    }

    #[test]
    fn circles_of_grants_end() {
        let mut items = vec![item(2, 1, true), item(3, 2, true), item(2, 3, true)];
        assert!(revoke(&mut items, RoleId(2), &taking(true)).is_ok());
        assert!(items.iter().all(|item| item.grantor != RoleId(1)));
    }
}
