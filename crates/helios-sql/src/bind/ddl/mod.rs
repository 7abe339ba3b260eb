//! Statements that change the schema.

mod alter;
mod column;
mod index;
mod policy;
mod table;
mod types;
mod view;

use helios_base::{DataType, Result, SqlState};

use super::Binder;
use crate::parse::ast::{self, Ident, SequenceOption, Statement as Tree};
use crate::plan::{
    CreateSchema, CreateSequence, Drop, Rename, SequenceOptions, Statement, Truncate,
};

impl Binder<'_> {
    pub(super) fn ddl(&mut self, statement: &Tree) -> Result<Statement> {
        Ok(match statement {
            Tree::CreateTable(create) => {
                Statement::CreateTable(Box::new(self.create_table(create)?))
            }
            Tree::AlterTable(alter) => Statement::AlterTable(Box::new(self.alter_table(alter)?)),
            Tree::CreateIndex(create) => {
                Statement::CreateIndex(Box::new(self.create_index(create)?))
            }
            Tree::CreateView(create) => Statement::CreateView(Box::new(self.create_view(create)?)),
            Tree::CreateSequence(create) => Statement::CreateSequence(Box::new(CreateSequence {
                name: create.name.clone().into(),
                if_not_exists: create.conditional,
                temporary: create.temporary,
                options: self.own_sequence_options(&create.options)?,
            })),
            Tree::AlterSequence(alter) => Statement::AlterSequence {
                name: alter.name.clone().into(),
                if_exists: alter.conditional,
                options: Box::new(self.own_sequence_options(&alter.options)?),
            },
            Tree::CreateSchema {
                name,
                owner,
                if_not_exists,
                elements,
            } => {
                if let Some(name) = name {
                    self.plain_schema_name(name)?;
                }
                Statement::CreateSchema(CreateSchema {
                    name: name.as_ref().map(|name| name.name.clone()),
                    owner: owner.clone(),
                    if_not_exists: *if_not_exists,
                    elements: self.schema_elements(name.as_ref(), owner.is_some(), elements)?,
                })
            }
            Tree::RenameSchema(from, to) => {
                self.plain_schema_name(to)?;
                Statement::RenameSchema(rename(from, to))
            }
            Tree::RenameIndex {
                name,
                if_exists,
                to,
            } => Statement::RenameIndex {
                name: name.clone().into(),
                if_exists: *if_exists,
                to: to.name.clone(),
            },
            Tree::CreateType(create) => Statement::CreateType(Box::new(self.create_type(create)?)),
            Tree::AlterType(alter) => Statement::AlterType(Box::new(self.alter_type(alter)?)),
            Tree::Drop(drop) => Statement::Drop(Drop {
                target: drop.target,
                names: drop.names.iter().cloned().map(Into::into).collect(),
                if_exists: drop.if_exists,
                cascade: drop.cascade,
            }),
            Tree::Truncate(truncate) => Statement::Truncate(Truncate {
                tables: self.tables(&truncate.tables)?,
                restart_identity: truncate.restart_identity,
                cascade: truncate.cascade,
            }),
            Tree::Comment { target, text } => Statement::Comment(crate::plan::Comment {
                target: target.clone(),
                text: text.clone(),
            }),
            _ => return Err(helios_base::Error::internal("a statement that is no DDL")),
        })
    }

    /// The texts of what is created with a schema.
    fn schema_elements(
        &self,
        name: Option<&Ident>,
        owned: bool,
        elements: &[ast::SchemaElement],
    ) -> Result<Vec<String>> {
        let (Some(first), Some(source)) = (elements.first(), self.source) else {
            return Ok(Vec::new());
        };
        let (Some(name), false) = (name, owned) else {
            let pos = ast::Pos::new(first.span.start);
            return Err(self
                .unsupported("CREATE SCHEMA … AUTHORIZATION with its elements", pos)
                .with_hint("Create the schema, then what is in it."));
        };
        let text = |element: &ast::SchemaElement| {
            if let Some(other) = element.schema.as_ref().filter(|s| s.name != name.name) {
                return Err(self.fail(
                    SqlState::new(b"42P15"),
                    format!(
                        "CREATE specifies a schema ({}) different from the one being created ({})",
                        other.name, name.name
                    ),
                    other.pos,
                ));
            }
            let (start, end) = (element.span.start, element.span.end);
            let before = source.get(..start).unwrap_or_default().chars().count();
            let text = source.get(start..end).unwrap_or_default();
            Ok(" ".repeat(before) + text)
        };
        elements.iter().map(text).collect()
    }

    fn plain_schema_name(&self, name: &Ident) -> Result<()> {
        if name.name.starts_with("pg_") {
            return Err(self
                .fail(
                    SqlState::new(b"42939"),
                    format!("unacceptable schema name \"{}\"", name.name),
                    name.pos,
                )
                .with_detail("The prefix \"pg_\" is reserved for system schemas."));
        }
        Ok(())
    }

    /// Options of a sequence that is no column's identity.
    fn own_sequence_options(&self, options: &[SequenceOption]) -> Result<SequenceOptions> {
        if let Some(SequenceOption::Named(name)) = options
            .iter()
            .find(|option| matches!(option, SequenceOption::Named(_)))
        {
            let message = "invalid sequence option SEQUENCE NAME";
            return Err(self.fail(SqlState::SYNTAX_ERROR, message, name.pos()));
        }
        self.sequence_options(options)
    }

    /// Options of a sequence, each at most once.
    fn sequence_options(&self, options: &[SequenceOption]) -> Result<SequenceOptions> {
        let mut bound = SequenceOptions::default();
        let twice =
            || helios_base::Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options");
        for option in options {
            let before = match option {
                SequenceOption::Type(written) => {
                    let ty = self.data_type(written)?;
                    if !matches!(ty, DataType::Int2 | DataType::Int4 | DataType::Int8) {
                        return Err(self.fail(
                            SqlState::INVALID_PARAMETER_VALUE,
                            "sequence type must be smallint, integer, or bigint",
                            written.pos,
                        ));
                    }
                    bound.ty.replace(ty).is_some()
                }
                SequenceOption::Start(value) => bound.start.replace(*value).is_some(),
                SequenceOption::Increment(value) => {
                    if *value == 0 {
                        return Err(helios_base::Error::new(
                            SqlState::INVALID_PARAMETER_VALUE,
                            "INCREMENT must not be zero",
                        ));
                    }
                    bound.increment.replace(*value).is_some()
                }
                SequenceOption::Min(value) => bound.min.replace(*value).is_some(),
                SequenceOption::Max(value) => bound.max.replace(*value).is_some(),
                SequenceOption::Cache(value) => {
                    if *value < 1 {
                        return Err(helios_base::Error::new(
                            SqlState::INVALID_PARAMETER_VALUE,
                            format!("CACHE ({value}) must be greater than zero"),
                        ));
                    }
                    bound.cache.replace(*value).is_some()
                }
                SequenceOption::Cycle(value) => bound.cycle.replace(*value).is_some(),
                SequenceOption::Restart(value) => bound.restart.replace(*value).is_some(),
                SequenceOption::OwnedBy(owner) => {
                    let owner = owner
                        .clone()
                        .map(|(table, column)| (table.into(), column.name));
                    bound.owned_by.replace(owner).is_some()
                }
                SequenceOption::Named(name) => bound.name.replace(name.clone().into()).is_some(),
            };
            if before {
                return Err(twice());
            }
        }
        Ok(bound)
    }
}

fn rename(from: &Ident, to: &Ident) -> Rename {
    Rename {
        from: from.name.clone(),
        to: to.name.clone(),
    }
}

/// `(name, value)` of storage options.
fn storage(options: &[ast::StorageOption]) -> Vec<(String, String)> {
    options
        .iter()
        .map(|option| (option.name.clone(), option.value.clone()))
        .collect()
}
