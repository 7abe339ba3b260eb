//! `CREATE POLICY`, `ALTER POLICY`, `DROP POLICY`.

use helios_base::{Result, SqlState};
use helios_table::catalog::{PolicyDef, PolicyId, RoleId};
use helios_table::ddl::{ObjectRef, PolicyChange, missing_policy};

use super::Ddl;
use crate::plan::{Cascade, PolicyAction, PolicyStatement, RoleSpec};
use crate::session::Notice;

impl Ddl<'_> {
    pub(super) fn policy(&mut self, statement: &PolicyStatement) -> Result<()> {
        let table = self.require_table(&statement.table)?;
        let (id, name) = (table.id, &statement.name);
        match &statement.action {
            PolicyAction::Create {
                permissive,
                command,
                roles,
                using,
                check,
            } => {
                let policy = PolicyDef {
                    id: PolicyId::default(),
                    name: name.clone(),
                    permissive: *permissive,
                    command: *command,
                    roles: self.policy_roles(roles)?,
                    using: using.clone(),
                    check: check.clone(),
                };
                self.txn.create_policy(id, policy)
            }
            PolicyAction::Alter {
                roles,
                using,
                check,
            } => {
                let roles = match roles {
                    Some(roles) => Some(self.policy_roles(roles)?),
                    None => None,
                };
                let change = PolicyChange {
                    roles,
                    using: using.clone(),
                    check: check.clone(),
                };
                self.txn.alter_policy(id, name, change)
            }
            PolicyAction::Rename(to) => self.txn.rename_policy(id, name, to),
            PolicyAction::Drop { if_exists } => match table.row_security.policy(name) {
                Some(policy) => self.drop_part(ObjectRef::Policy(id, policy.id), Cascade::Restrict),
                None if *if_exists => {
                    self.session.notice(format!(
                        "policy \"{name}\" for relation \"{}\" does not exist, skipping",
                        table.name
                    ));
                    Ok(())
                }
                None => Err(missing_policy(&table.name, name)),
            },
        }
    }

    /// For whom a policy is.
    fn policy_roles(&mut self, roles: &[RoleSpec]) -> Result<Vec<RoleId>> {
        if roles.is_empty() {
            return Ok(vec![RoleId::PUBLIC]);
        }
        let (_, known) = self.session.who()?;
        let mut all = Vec::with_capacity(roles.len());
        for role in roles {
            all.push(self.session.role_of(role, &known)?);
        }
        if all.len() > 1 && all.contains(&RoleId::PUBLIC) {
            self.session.notices.push(Notice {
                hint: Some("All roles are members of the PUBLIC role.".to_owned()),
                ..Notice::warning(
                    SqlState::INVALID_PARAMETER_VALUE,
                    "ignoring specified roles other than PUBLIC",
                )
            });
            all = vec![RoleId::PUBLIC];
        }
        Ok(all)
    }
}
