//! `ALTER DEFAULT PRIVILEGES`, `REASSIGN OWNED`, `DROP OWNED`.

use helios_base::{BranchId, Error, Result, SqlState};
use helios_table::catalog::{Privileges, RoleId, Securable, branch_of_object};
use helios_table::ddl::{Grant, ObjectRef, PolicyChange};

use super::command::refused;
use super::grant::invalid_privilege;
use crate::plan::{Cascade, GrantCommand, GrantTarget, RoleSpec};
use crate::session::Session;

impl Session {
    /// `ALTER DEFAULT PRIVILEGES`
    pub(super) fn grant_by_default(
        &mut self,
        makers: &[RoleSpec],
        schemas: &[String],
        grant: &GrantCommand,
    ) -> Result<()> {
        let txn = self.transaction()?;
        let (who, roles) = self.who()?;
        let catalog = txn.latest_catalog()?;
        let GrantTarget::Future(kind) = grant.on else {
            return Err(Error::internal("default privileges on what is there"));
        };
        let makers = match makers {
            [] => vec![who.role],
            some => self.roles_of(some, &roles)?,
        };
        for maker in &makers {
            if !who.superuser && !roles.closure(who.role, false).contains(maker) {
                let name = roles.name(*maker);
                return Err(refused(format!("must be member of role \"{name}\"")));
            }
        }
        if kind == Securable::Schema && !schemas.is_empty() {
            return Err(Error::new(
                SqlState::new(b"0LP01"),
                "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS",
            ));
        }
        let grantees = self.grantees(grant, &roles)?;
        let mut privileges = Privileges::NONE;
        for (wanted, _) in &grant.privileges {
            let wanted = wanted.unwrap_or(kind.all());
            if !kind.all().has(wanted) {
                let noun = match kind {
                    Securable::Table => "relation",
                    kind => kind.noun(),
                };
                return Err(invalid_privilege(wanted, noun));
            }
            privileges = privileges.with(wanted);
        }
        let mut places = Vec::with_capacity(schemas.len().max(1));
        for name in schemas {
            places.push(Some(catalog.require_schema(name)?.id));
        }
        if places.is_empty() {
            places.push(None);
        }
        for maker in makers {
            let grant = Grant {
                revoke: grant.revoke,
                option_only: grant.option_only,
                privileges,
                grantees: grantees.clone(),
                grantable: grant.grantable,
                grantor: maker,
                cascade: grant.cascade,
            };
            for schema in &places {
                txn.grant_by_default(maker, *schema, kind, &grant)?;
            }
        }
        Ok(())
    }

    /// `REASSIGN OWNED`
    pub(super) fn reassign_owned(&mut self, from: &[RoleSpec], to: &RoleSpec) -> Result<()> {
        let txn = self.transaction()?;
        let (_, roles) = self.who()?;
        let from = self.disposable(from, "reassign")?;
        let to = self.roles_of(std::slice::from_ref(to), &roles)?;
        for new in to {
            let (who, _) = self.who()?;
            if !who.has_role(new) {
                return Err(refused("permission denied to reassign objects"));
            }
            let catalog = txn.latest_catalog()?;
            // Whose branches are is said on the main branch; others have a copy that nobody looks at.
            let here = |object: &u32| {
                branch_of_object(*object).is_none() || txn.branch() == BranchId::MAIN
            };
            let owned = from
                .iter()
                .flat_map(|role| catalog.owned_by(*role))
                .filter(here);
            for object in owned.collect::<Vec<_>>() {
                txn.set_owner(object, new)?;
            }
        }
        Ok(())
    }

    /// `DROP OWNED`
    pub(super) fn drop_owned(&mut self, of: &[RoleSpec], cascade: Cascade) -> Result<()> {
        let txn = self.transaction()?;
        let of = self.disposable(of, "drop")?;
        for role in &of {
            txn.revoke_all_from(*role)?;
            let catalog = txn.latest_catalog()?;
            for table in catalog.tables() {
                for policy in &table.row_security.policies {
                    if !policy.roles.contains(role) {
                        continue;
                    }
                    let mut rest = policy.roles.clone();
                    rest.retain(|known| known != role);
                    if rest.is_empty() {
                        txn.drop_objects(&[ObjectRef::Policy(table.id, policy.id)], false)?;
                        continue;
                    }
                    let change = PolicyChange {
                        roles: Some(rest),
                        ..PolicyChange::default()
                    };
                    txn.alter_policy(table.id, &policy.name, change)?;
                }
            }
        }
        let catalog = txn.latest_catalog()?;
        let owned = of.iter().flat_map(|role| catalog.owned_by(*role));
        let objects: Vec<_> = owned
            .filter_map(|object| catalog.droppable(object))
            .collect();
        if objects.is_empty() {
            return Ok(());
        }
        self.drop_objects(&objects, cascade)
    }

    /// The roles of whose objects the acting role may dispose.
    fn disposable(&self, specs: &[RoleSpec], what: &str) -> Result<Vec<RoleId>> {
        let (who, roles) = self.who()?;
        let found = self.roles_of(specs, &roles)?;
        for role in &found {
            if *role == RoleId::BOOTSTRAP {
                let message = format!(
                    "cannot {what} objects owned by role {} because they are required by the database system",
                    roles.name(*role)
                );
                return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, message));
            }
            if !who.has_role(*role) {
                return Err(refused(format!("permission denied to {what} objects")));
            }
        }
        Ok(found)
    }
}
