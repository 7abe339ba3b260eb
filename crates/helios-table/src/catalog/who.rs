//! What a role may do with an object.

use std::collections::BTreeSet;
use std::sync::Arc;

use helios_base::ColumnId;

use super::Catalog;
use super::ids::RoleId;
use super::privilege::{AccessDef, AclItem, Privileges, Securable};
use super::role::Roles;

/// A role with all that its memberships give it.
#[derive(Clone, Debug)]
pub struct Who {
    /// The role.
    pub role: RoleId,
    /// Whether it may do everything.
    pub superuser: bool,
    /// Whether policies of row-level security are not for it.
    pub bypass_rls: bool,
    /// The roles whose privileges it has, itself among them.
    inherited: BTreeSet<RoleId>,
}

impl Who {
    /// The role with this number.
    #[must_use]
    pub fn of(roles: &Roles, role: RoleId) -> Self {
        let known = roles.by_id(role);
        Self {
            role,
            superuser: known.is_some_and(|role| role.attributes.superuser),
            bypass_rls: known
                .is_some_and(|role| role.attributes.superuser || role.attributes.bypass_rls),
            inherited: roles.closure(role, true),
        }
    }

    /// The superuser that every database starts with.
    #[must_use]
    pub fn bootstrap() -> Self {
        Self {
            role: RoleId::BOOTSTRAP,
            superuser: true,
            bypass_rls: true,
            inherited: BTreeSet::from([RoleId::BOOTSTRAP]),
        }
    }

    /// Whether it has the privileges of `role`.
    #[must_use]
    pub fn has_role(&self, role: RoleId) -> bool {
        self.superuser || self.inherited.contains(&role)
    }

    fn is(&self, grantee: RoleId) -> bool {
        grantee == RoleId::PUBLIC || self.inherited.contains(&grantee)
    }

    /// Whether it may do as the owner may.
    #[must_use]
    pub fn owns(&self, catalog: &Catalog, object: u32) -> bool {
        self.has_role(catalog.owner(object))
    }

    /// Which of `wanted` it has on a whole object.
    #[must_use]
    pub fn has(
        &self,
        catalog: &Catalog,
        kind: Securable,
        object: u32,
        wanted: Privileges,
    ) -> Privileges {
        self.has_in(
            catalog.access(object).map(Arc::as_ref),
            kind,
            object,
            wanted,
        )
    }

    /// As [`Who::has`], where the access to the object is at hand.
    #[must_use]
    pub fn has_in(
        &self,
        access: Option<&AccessDef>,
        kind: Securable,
        object: u32,
        wanted: Privileges,
    ) -> Privileges {
        if self.superuser {
            return wanted;
        }
        let mut found = self.by_roles(kind);
        let own;
        let access = match access {
            Some(access) => access,
            None => {
                own = AccessDef::of(object, RoleId::BOOTSTRAP);
                &own
            }
        };
        // What an owner took from itself it can give back, but it has it no more.
        for item in &access.items(kind) {
            if self.is(item.grantee) {
                found = found.with(item.privileges);
            }
        }
        found.and(wanted)
    }

    /// Which of `wanted` it has on one column alone.
    #[must_use]
    pub fn has_on_column(
        &self,
        catalog: &Catalog,
        object: u32,
        column: ColumnId,
        wanted: Privileges,
    ) -> Privileges {
        self.has_on_column_in(catalog.access(object).map(Arc::as_ref), column, wanted)
    }

    /// As [`Who::has_on_column`], where the access to the object is at hand.
    #[must_use]
    pub fn has_on_column_in(
        &self,
        access: Option<&AccessDef>,
        column: ColumnId,
        wanted: Privileges,
    ) -> Privileges {
        if self.superuser {
            return wanted;
        }
        let items = access.and_then(|access| access.columns.get(&column));
        let items: &[AclItem] = items.map_or(&[], Vec::as_slice);
        let given = items.iter().filter(|item| self.is(item.grantee));
        given
            .fold(Privileges::NONE, |all, item| all.with(item.privileges))
            .and(wanted)
    }

    /// Which of `wanted` it has on any column.
    #[must_use]
    pub fn has_on_any_column(
        &self,
        catalog: &Catalog,
        object: u32,
        wanted: Privileges,
    ) -> Privileges {
        self.has_on_any_column_in(catalog.access(object).map(Arc::as_ref), wanted)
    }

    /// As [`Who::has_on_any_column`], where the access to the object is at hand.
    #[must_use]
    pub fn has_on_any_column_in(
        &self,
        access: Option<&AccessDef>,
        wanted: Privileges,
    ) -> Privileges {
        if self.superuser {
            return wanted;
        }
        let columns = access
            .into_iter()
            .flat_map(|access| access.columns.values());
        let given = columns.flatten().filter(|item| self.is(item.grantee));
        given
            .fold(Privileges::NONE, |all, item| all.with(item.privileges))
            .and(wanted)
    }

    /// Which of `wanted` it may hand on, on an object or one of its columns.
    #[must_use]
    pub fn may_grant(
        &self,
        catalog: &Catalog,
        kind: Securable,
        object: u32,
        column: Option<ColumnId>,
        wanted: Privileges,
    ) -> Privileges {
        if self.owns(catalog, object) {
            return wanted;
        }
        let each = self.inherited.iter();
        each.fold(Privileges::NONE, |all, role| {
            all.with(may_hand_on(catalog, kind, object, column, *role))
        })
        .and(wanted)
    }

    /// In whose name it hands `wanted` on, and what of it: in the owner's, if it may act for the owner; otherwise in that of the role among
    /// its own that may hand on most, so that what was given ends with what it was given by.
    #[must_use]
    pub fn grantor(
        &self,
        catalog: &Catalog,
        kind: Securable,
        object: u32,
        column: Option<ColumnId>,
        wanted: Privileges,
    ) -> (RoleId, Privileges) {
        let owner = catalog.owner(object);
        if self.has_role(owner) {
            return (owner, wanted);
        }
        let mut best = (self.role, Privileges::NONE);
        let others = self.inherited.iter().filter(|role| **role != self.role);
        for role in std::iter::once(&self.role).chain(others) {
            let may = may_hand_on(catalog, kind, object, column, *role).and(wanted);
            if may.count() > best.1.count() {
                best = (*role, may);
            }
        }
        best
    }

    /// What predefined roles give on every object of a kind.
    fn by_roles(&self, kind: Securable) -> Privileges {
        let mut found = Privileges::NONE;
        let reads = self.inherited.contains(&RoleId::READ_ALL_DATA);
        let writes = self.inherited.contains(&RoleId::WRITE_ALL_DATA);
        match kind {
            Securable::Table => {
                if reads {
                    found = found.with(Privileges::SELECT);
                }
                if writes {
                    found = found
                        .with(Privileges::INSERT)
                        .with(Privileges::UPDATE)
                        .with(Privileges::DELETE);
                }
            }
            Securable::Sequence => {
                if reads {
                    found = found.with(Privileges::SELECT);
                }
                if writes {
                    found = found.with(Privileges::UPDATE).with(Privileges::USAGE);
                }
            }
            Securable::Schema if reads || writes => found = Privileges::USAGE,
            Securable::Schema
            | Securable::Database
            | Securable::Type
            | Securable::Function
            | Securable::Branch => {}
        }
        found
    }
}

/// What one role itself, without its memberships, may hand on.
fn may_hand_on(
    catalog: &Catalog,
    kind: Securable,
    object: u32,
    column: Option<ColumnId>,
    role: RoleId,
) -> Privileges {
    let Some(access) = catalog.access(object) else {
        return Privileges::NONE;
    };
    let mut items = access.items(kind);
    if let Some(column) = column {
        items.extend(access.columns.get(&column).into_iter().flatten());
    }
    let given = items.iter().filter(|item| item.grantee == role);
    given.fold(Privileges::NONE, |all, item| all.with(item.grantable))
}
