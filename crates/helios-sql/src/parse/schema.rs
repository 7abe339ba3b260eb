//! `CREATE SCHEMA`, with what is created in it.

use helios_base::{Error, Result, SqlState};

use super::ast::{Name, SchemaElement, Statement};
use super::cursor::Parser;
use crate::plan::RoleCommand;

impl Parser<'_> {
    pub(super) fn create_schema(&mut self) -> Result<Statement> {
        let if_not_exists = self.eat_if_not_exists()?;
        let name = match self.is_word("authorization") {
            true => None,
            false => Some(self.ident()?),
        };
        let owner = match self.eat("authorization") {
            true => Some(self.role_spec()?),
            false => None,
        };
        let mut elements = Vec::new();
        while self.is_word("create") || self.is_word("grant") {
            if if_not_exists {
                let error = "CREATE SCHEMA IF NOT EXISTS cannot include schema elements";
                return Err(self.at_pos(Error::unsupported(error), self.pos()));
            }
            elements.push(self.schema_element()?);
        }
        // Whatever their order, one may need those of an earlier kind.
        elements.sort_by_key(|element| element.turn);
        Ok(Statement::CreateSchema {
            name,
            owner,
            if_not_exists,
            elements,
        })
    }

    fn schema_element(&mut self) -> Result<SchemaElement> {
        let (mark, pos) = (self.mark(), self.pos());
        let (turn, name): (u8, Option<Name>) = match self.statement()? {
            Statement::CreateSequence(create) => (0, Some(create.name)),
            Statement::CreateTable(create) if create.query.is_none() => (1, Some(create.name)),
            Statement::CreateView(create) => (2, Some(create.name)),
            Statement::CreateIndex(_) => (3, None),
            Statement::Role(role) if matches!(*role, RoleCommand::Grant(_)) => (4, None),
            _ => {
                let error = Error::new(
                    SqlState::SYNTAX_ERROR,
                    "only tables, views, indexes, sequences and grants are created with a schema",
                );
                return Err(self.at_pos(error, pos));
            }
        };
        Ok(SchemaElement {
            turn,
            schema: name.and_then(|name| name.schema),
            span: self.span_since(mark),
        })
    }
}
