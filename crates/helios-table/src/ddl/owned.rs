//! What a role owns and was given: `REASSIGN OWNED`, `DROP OWNED`.

use std::sync::Arc;

use helios_base::Result;

use super::ObjectRef;
use crate::catalog::{AccessDef, AclItem, Catalog, Change, Privileges, Relation, RoleId};
use crate::transaction::Transaction;

impl Catalog {
    /// The numbers of the objects that a role owns.
    pub fn owned_by(&self, role: RoleId) -> impl Iterator<Item = u32> {
        let owned = self.accesses().filter(move |access| access.owner == role);
        owned.map(|access| access.object)
    }

    /// How `DROP` names an object of this number. Indexes are their table's; what is no object is none.
    #[must_use]
    pub fn droppable(&self, object: u32) -> Option<ObjectRef> {
        if let Some(relation) = self.relation_by_oid(object) {
            return match relation {
                Relation::Table(table) => Some(ObjectRef::Table(table.id)),
                Relation::View(view) => Some(ObjectRef::View(view.id)),
                Relation::Sequence(sequence) => Some(ObjectRef::Sequence(sequence.id)),
                Relation::Index(..) => None,
            };
        }
        let schema = self.schemas().find(|schema| schema.id.0 == object);
        let function = self.functions().find(|function| function.id.0 == object);
        let ty = self.types().find(|ty| ty.id.0 == object);
        schema
            .map(|schema| ObjectRef::Schema(schema.id))
            .or_else(|| function.map(|function| ObjectRef::Function(function.id)))
            .or_else(|| ty.map(|ty| ObjectRef::Type(ty.id)))
    }
}

impl Transaction {
    /// Takes every privilege from a role that others gave it, and all that it handed on of them; it is in no policy any more.
    ///
    /// # Errors
    /// When the transaction is over.
    pub fn revoke_all_from(&self, role: RoleId) -> Result<()> {
        let catalog = self.latest_catalog()?;
        let stays = |item: &AclItem| item.grantee != role && item.grantor != role;
        for access in catalog.accesses() {
            // What is the owner's own is no gift.
            if access.owner == role {
                continue;
            }
            let mut changed = AccessDef::clone(access);
            let owner = access.owner;
            for items in changed.acl.iter_mut().chain(changed.columns.values_mut()) {
                items.retain(stays);
                prune(items, owner);
            }
            changed.columns.retain(|_, items| !items.is_empty());
            if changed != **access {
                self.lock_object(access.object)?;
                self.change(Change::Access(access.object, Some(Arc::new(changed))))?;
            }
        }
        let of_others = |def: &crate::catalog::RoleDef| {
            let mut items = def
                .default_privileges
                .iter()
                .flat_map(|wanted| &wanted.items);
            def.id == role && !def.default_privileges.is_empty() || items.any(|item| !stays(item))
        };
        let roles = Arc::clone(catalog.roles());
        for def in roles.iter().filter(|def| of_others(def)) {
            self.edit_role(def.id, |def| {
                if def.id == role {
                    def.default_privileges.clear();
                }
                for wanted in &mut def.default_privileges {
                    wanted.items.retain(stays);
                }
            })?;
        }
        Ok(())
    }
}

/// Takes away what was given by roles that may not give it any more.
fn prune(items: &mut Vec<AclItem>, owner: RoleId) {
    loop {
        let before = items.clone();
        for item in items.iter_mut().filter(|item| item.grantor != owner) {
            let of = before.iter().filter(|other| other.grantee == item.grantor);
            let may = of.fold(Privileges::NONE, |all, other| all.with(other.grantable));
            item.privileges = item.privileges.and(may);
            item.grantable = item.grantable.and(may);
        }
        items.retain(|item| !item.privileges.is_none());
        if *items == before {
            return;
        }
    }
}
