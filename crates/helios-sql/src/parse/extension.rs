//! `CREATE EXTENSION`, `DROP EXTENSION`.

use helios_base::Result;

use super::ast::Statement;
use super::cursor::Parser;
use crate::plan::ExtensionCommand;

impl Parser<'_> {
    /// After `EXTENSION`.
    pub(super) fn extension(&mut self, drop: bool) -> Result<Statement> {
        let conditional = if drop {
            self.eat_if_exists()?
        } else {
            self.eat_if_not_exists()?
        };
        let name = self.ident()?.name;
        if drop {
            self.cascade();
        } else {
            self.eat("with");
            loop {
                if self.eat("schema") {
                    self.ident()?;
                } else if self.eat("version") {
                    if self.string().is_err() {
                        self.ident()?;
                    }
                } else if !self.eat("cascade") {
                    break;
                }
            }
        }
        Ok(Statement::Extension(ExtensionCommand {
            name,
            drop,
            conditional,
        }))
    }
}
