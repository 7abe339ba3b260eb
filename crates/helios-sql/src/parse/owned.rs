//! `ALTER DEFAULT PRIVILEGES`, `REASSIGN OWNED`, `DROP OWNED`.

use helios_base::Result;
use helios_table::catalog::Securable;

use super::ast::Statement;
use super::cursor::Parser;
use crate::plan::{GrantTarget, RoleCommand, RoleSpec};

impl Parser<'_> {
    /// After `ALTER DEFAULT PRIVILEGES`.
    pub(super) fn default_privileges(&mut self) -> Result<Statement> {
        let (mut roles, mut schemas) = (Vec::new(), Vec::new());
        loop {
            if self.eat_words("for role") || self.eat_words("for user") {
                roles.append(&mut self.comma_list(Self::role_spec)?);
            } else if self.eat_words("in schema") {
                let names = self.comma_list(Self::ident)?;
                schemas.extend(names.into_iter().map(|name| name.name));
            } else {
                break;
            }
        }
        let revoke = self.is_word("revoke");
        if !revoke && !self.is_word("grant") {
            return Err(self.unexpected());
        }
        self.advance();
        let option_only = revoke && self.eat_words("grant option for");
        let pos = self.pos();
        let names = self.privilege_names()?;
        if names.iter().any(|(_, columns)| !columns.is_empty()) {
            return Err(self.syntax("default privileges cannot be set for columns", pos));
        }
        let privileges = self.known_privileges(names, pos)?;
        self.expect("on")?;
        let kinds = [
            ("tables", Securable::Table),
            ("sequences", Securable::Sequence),
            ("functions", Securable::Function),
            ("routines", Securable::Function),
            ("types", Securable::Type),
            ("schemas", Securable::Schema),
        ];
        let found = kinds.into_iter().find(|(word, _)| self.eat(word));
        let Some((_, kind)) = found else {
            return Err(self.unexpected());
        };
        let on = GrantTarget::Future(kind);
        let grant = Box::new(self.grant_rest(revoke, option_only, privileges, on)?);
        Ok(Statement::Role(Box::new(RoleCommand::Default {
            roles,
            schemas,
            grant,
        })))
    }

    /// After `REASSIGN`.
    pub(super) fn reassign_owned(&mut self) -> Result<Statement> {
        let roles = self.owned_by_roles()?;
        self.expect("to")?;
        let to = self.role_spec()?;
        Ok(Statement::Role(Box::new(RoleCommand::Reassign {
            roles,
            to,
        })))
    }

    /// After `DROP`, at `OWNED`.
    pub(super) fn drop_owned(&mut self) -> Result<Statement> {
        let roles = self.owned_by_roles()?;
        let cascade = self.cascade();
        Ok(Statement::Role(Box::new(RoleCommand::DropOwned {
            roles,
            cascade,
        })))
    }

    fn owned_by_roles(&mut self) -> Result<Vec<RoleSpec>> {
        self.expect_words("owned by")?;
        self.comma_list(Self::role_spec)
    }
}
