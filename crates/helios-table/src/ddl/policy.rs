//! Policies of row-level security.

use helios_base::{Error, Result, SqlState, TableId};
use helios_version::TableLock;

use crate::catalog::{PolicyDef, PolicyExpr, PolicyId, RoleId, RowSecurity, TableDef};
use crate::transaction::Transaction;

/// What `ALTER TABLE` says of row-level security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowSecurityChange {
    /// `ENABLE ROW LEVEL SECURITY`
    Enable,
    /// `DISABLE ROW LEVEL SECURITY`
    Disable,
    /// `FORCE ROW LEVEL SECURITY`
    Force,
    /// `NO FORCE ROW LEVEL SECURITY`
    NoForce,
}

/// What `ALTER POLICY` says; the rest stays.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    /// `TO`
    pub roles: Option<Vec<RoleId>>,
    /// `USING`
    pub using: Option<PolicyExpr>,
    /// `WITH CHECK`
    pub check: Option<PolicyExpr>,
}

impl Transaction {
    /// `ALTER TABLE … ROW LEVEL SECURITY`
    ///
    /// # Errors
    /// 42P01 the table is gone.
    pub fn set_row_security(&self, id: TableId, change: RowSecurityChange) -> Result<()> {
        self.edit_security(id, |security, _| {
            match change {
                RowSecurityChange::Enable => security.enabled = true,
                RowSecurityChange::Disable => security.enabled = false,
                RowSecurityChange::Force => security.forced = true,
                RowSecurityChange::NoForce => security.forced = false,
            }
            Ok(())
        })
    }

    /// `CREATE POLICY`; the number is given here.
    ///
    /// # Errors
    /// 42710 the table has a policy of this name.
    pub fn create_policy(&self, id: TableId, mut policy: PolicyDef) -> Result<()> {
        policy.id = PolicyId(self.tables().next_id()?);
        self.edit_security(id, |security, table| {
            free(security, table, &policy.name)?;
            security.policies.push(policy);
            Ok(())
        })
    }

    /// `ALTER POLICY`
    ///
    /// # Errors
    /// 42704 there is no such policy; 42601 it has no use for the condition.
    pub fn alter_policy(&self, id: TableId, name: &str, change: PolicyChange) -> Result<()> {
        self.edit_security(id, |security, table| {
            let policy = find(security, table, name)?;
            if let Some(roles) = change.roles {
                policy.roles = roles;
            }
            if let Some(using) = change.using {
                policy.using = Some(using);
            }
            if let Some(check) = change.check {
                policy.check = Some(check);
            }
            Ok(())
        })
    }

    /// `ALTER POLICY … RENAME TO`
    ///
    /// # Errors
    /// 42704 there is no such policy, 42710 there is one of the new name.
    pub fn rename_policy(&self, id: TableId, name: &str, to: &str) -> Result<()> {
        self.edit_security(id, |security, table| {
            free(security, table, to)?;
            to.clone_into(&mut find(security, table, name)?.name);
            Ok(())
        })
    }

    fn edit_security(
        &self,
        id: TableId,
        edit: impl FnOnce(&mut RowSecurity, &str) -> Result<()>,
    ) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::AccessExclusive)?;
        let mut table = TableDef::clone(&old);
        edit(&mut table.row_security, &old.name)?;
        self.change_table(table)?;
        Ok(())
    }
}

fn find<'s>(security: &'s mut RowSecurity, table: &str, name: &str) -> Result<&'s mut PolicyDef> {
    let mut policies = security.policies.iter_mut();
    policies
        .find(|policy| policy.name == name)
        .ok_or_else(|| missing(table, name))
}

fn free(security: &RowSecurity, table: &str, name: &str) -> Result<()> {
    match security.policy(name) {
        None => Ok(()),
        Some(_) => Err(Error::new(
            SqlState::DUPLICATE_OBJECT,
            format!("policy \"{name}\" for table \"{table}\" already exists"),
        )),
    }
}

/// `42704`
#[must_use]
pub fn missing(table: &str, name: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("policy \"{name}\" for table \"{table}\" does not exist"),
    )
}
