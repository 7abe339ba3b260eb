//! `CREATE POLICY`, `ALTER POLICY`, `DROP POLICY`.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use helios_table::catalog::{PolicyCommand, PolicyExpr, TableDef};
use helios_table::ddl::missing_policy;

use crate::bind::Binder;
use crate::parse::ast::{self, PolicyAction as Tree, TextExpr};
use crate::plan::{PolicyAction, PolicyStatement};

impl Binder<'_> {
    pub(in crate::bind) fn policy_statement(
        &mut self,
        policy: &ast::PolicyStatement,
    ) -> Result<PolicyStatement> {
        let table = self.table(&policy.table)?;
        let name = &policy.name.name;
        let action = match &policy.action {
            Tree::Create {
                permissive,
                command,
                roles,
                using,
                check,
            } => {
                fits_command(*command, using.is_some(), check.is_some())?;
                PolicyAction::Create {
                    permissive: *permissive,
                    command: *command,
                    roles: roles.clone(),
                    using: self.condition_of(using.as_ref(), &table)?,
                    check: self.condition_of(check.as_ref(), &table)?,
                }
            }
            Tree::Alter {
                roles,
                using,
                check,
            } => {
                let known = table.row_security.policy(name);
                let known = known.ok_or_else(|| missing_policy(&table.name, name))?;
                if check.is_some()
                    && matches!(known.command, PolicyCommand::Select | PolicyCommand::Delete)
                {
                    return Err(Error::new(
                        SqlState::SYNTAX_ERROR,
                        "only USING expression allowed for SELECT, DELETE",
                    ));
                }
                fits_command(known.command, using.is_some(), false)?;
                PolicyAction::Alter {
                    roles: roles.clone(),
                    using: self.condition_of(using.as_ref(), &table)?,
                    check: self.condition_of(check.as_ref(), &table)?,
                }
            }
            Tree::Rename(to) => PolicyAction::Rename(to.name.clone()),
            Tree::Drop { if_exists } => PolicyAction::Drop {
                if_exists: *if_exists,
            },
        };
        Ok(PolicyStatement {
            name: name.clone(),
            table: policy.table.clone().into(),
            action,
        })
    }

    fn condition_of(
        &mut self,
        text: Option<&TextExpr>,
        table: &Arc<TableDef>,
    ) -> Result<Option<PolicyExpr>> {
        text.map(|text| self.policy_expr(text, table)).transpose()
    }
}

/// Refuses a condition that would never be asked.
fn fits_command(command: PolicyCommand, using: bool, check: bool) -> Result<()> {
    let wrong = |message| Err(Error::new(SqlState::SYNTAX_ERROR, message));
    match command {
        PolicyCommand::Select | PolicyCommand::Delete if check => {
            wrong("WITH CHECK cannot be applied to SELECT or DELETE")
        }
        PolicyCommand::Insert if using => wrong("only WITH CHECK expression allowed for INSERT"),
        _ => Ok(()),
    }
}
