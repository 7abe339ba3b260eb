//! `ALTER DEFAULT PRIVILEGES`: who may do what with objects that are yet to be made.

use helios_base::Result;

use super::Grant;
use super::role::{change_items, merged};
use crate::catalog::{
    AclItem, DefaultPrivileges, RoleDef, RoleId, Roles, SchemaId, Securable, default_items,
};
use crate::transaction::Transaction;

impl Transaction {
    /// Changes what `role` wants of the objects of a kind that it makes, in one schema or everywhere.
    ///
    /// # Errors
    /// 2BP01 when what is taken was handed on, without `CASCADE`; 0A000 on another branch than main.
    pub fn grant_by_default(
        &self,
        role: RoleId,
        schema: Option<SchemaId>,
        kind: Securable,
        grant: &Grant,
    ) -> Result<()> {
        let mut done = Ok(());
        self.edit_role(role, |def| {
            let place = def.default_privileges.iter();
            let place = place
                .clone()
                .position(|known| known.schema == schema && known.kind == kind);
            let usual = match schema {
                Some(_) => Vec::new(),
                None => default_items(role, kind),
            };
            let known = place.map(|place| def.default_privileges.remove(place).items);
            let mut items = known.unwrap_or_else(|| usual.clone());
            done = change_items(&mut items, grant);
            sort(&mut items);
            if items != sorted(usual) {
                let changed = DefaultPrivileges {
                    schema,
                    kind,
                    items,
                };
                def.default_privileges.push(changed);
                def.default_privileges
                    .sort_by_key(|known| (known.schema, known.kind));
            }
        })?;
        done
    }
}

impl Roles {
    /// Who may do what with an object that `owner` makes now; `None` for what the system says.
    #[must_use]
    pub fn items_of_new(
        &self,
        owner: RoleId,
        schema: Option<SchemaId>,
        kind: Securable,
    ) -> Option<Vec<AclItem>> {
        let wanted = &self.by_id(owner)?.default_privileges;
        let of = |schema: Option<SchemaId>| {
            let mut wanted = wanted.iter();
            wanted.find(|known| known.kind == kind && known.schema == schema)
        };
        let usual = default_items(owner, kind);
        let mut items = of(None).map_or_else(|| usual.clone(), |known| known.items.clone());
        if schema.is_some()
            && let Some(more) = of(schema)
        {
            items.extend_from_slice(&more.items);
            items = merged(&items);
        }
        sort(&mut items);
        (items != sorted(usual)).then_some(items)
    }
}

/// As PostgreSQL keeps them, so that the same rights are the same list.
fn sort(items: &mut [AclItem]) {
    items.sort_by_key(|item| (item.grantee, item.grantor));
}

fn sorted(mut items: Vec<AclItem>) -> Vec<AclItem> {
    sort(&mut items);
    items
}

/// The default privileges that are of a role or name it, in words.
pub(super) fn that_concern(roles: &Roles, id: RoleId) -> Vec<String> {
    let names = |wanted: &DefaultPrivileges| {
        let mut items = wanted.items.iter();
        items.any(|item| item.grantee == id || item.grantor == id)
    };
    let of = |role: &RoleDef| {
        let concern = |wanted: &&DefaultPrivileges| role.id == id || names(wanted);
        let name = role.name.clone();
        let all: Vec<String> = role
            .default_privileges
            .iter()
            .filter(concern)
            .map(|wanted| {
                format!(
                    "default privileges on new {}s belonging to role {name}",
                    wanted.kind.noun()
                )
            })
            .collect();
        all
    };
    roles.iter().flat_map(|role| of(role)).collect()
}
