//! Statements that change the schema: from the plan's words to the catalog's.
//!
//! Each runs in the session's transaction against the newest catalog; the table layer takes the
//! locks and keeps dependencies.

mod alter;
mod convert;
mod create;
mod drop;
mod elements;
pub(in crate::session) mod function;
mod nearest;
mod options;
mod policy;
mod types;

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_expr::SessionHooks;
use helios_table::Transaction;
use helios_table::catalog::{Catalog, Relation, SchemaId, TableDef};
use helios_table::is_temporary_schema;

use super::planned::Planned;
use super::run::Sight;
use super::temporary::not_temporary;
use super::{Completion, Outcome, Session};
use crate::plan::{QualifiedName, Statement};

/// What a schema change needs to know.
struct Ddl<'s> {
    session: &'s mut Session,
    sight: &'s Sight,
    txn: Arc<Transaction>,
    catalog: Arc<Catalog>,
    path: Vec<String>,
}

impl Session {
    /// Runs a schema change.
    pub(super) fn run_ddl(
        &mut self,
        sight: &Sight,
        planned: &Arc<Planned>,
        params: Vec<Value>,
    ) -> Result<Outcome> {
        let txn = self.transaction()?;
        let mut ddl = Ddl {
            catalog: txn.latest_catalog()?,
            path: self.search_path(),
            session: self,
            sight,
            txn,
        };
        let before = Arc::clone(&ddl.catalog);
        let done = ddl.run(planned, params)?;
        self.own_new_objects(&before)?;
        if let Statement::CreateSchema(create) = &planned.bound.statement {
            self.create_elements(create)?;
        }
        Ok(done)
    }
}

impl Ddl<'_> {
    fn run(&mut self, planned: &Planned, params: Vec<Value>) -> Result<Outcome> {
        let ddl = self;
        let bound = &planned.bound;
        match &bound.statement {
            Statement::CreateTable(create) => {
                let filled = ddl.create_table(create, bound, params)?;
                if create.query.is_some() && filled.is_none() {
                    return Ok(Outcome::Done(Completion::tag("CREATE TABLE AS")));
                }
                if let Some(rows) = filled {
                    return Ok(Outcome::Done(Completion::counted("SELECT", rows)));
                }
            }
            Statement::AlterTable(alter) => ddl.alter_table(alter)?,
            Statement::Policy(policy) => ddl.policy(policy)?,
            Statement::CreateIndex(create) => ddl.create_index(create)?,
            Statement::Reindex(indexes) => ddl.reindex(indexes)?,
            Statement::CreateView(create) => ddl.create_view(create)?,
            Statement::CreateSequence(create) => ddl.create_sequence(create)?,
            Statement::AlterSequence {
                name,
                if_exists,
                options,
            } => ddl.alter_sequence(name, *if_exists, options)?,
            Statement::CreateSchema(create) => ddl.create_schema(create)?,
            Statement::RenameSchema(rename) => {
                let schema = ddl.catalog.require_schema(&rename.from)?.id;
                ddl.txn.rename_schema(schema, &rename.to)?;
            }
            Statement::RenameIndex {
                name,
                if_exists,
                to,
            } => ddl.rename_index(name, *if_exists, to)?,
            Statement::CreateFunction(create) => ddl.create_function(create)?,
            Statement::AlterFunction(alter) => ddl.alter_function(alter)?,
            Statement::DropFunction(drop) => ddl.drop_function(drop)?,
            Statement::CommentFunction(comment) => ddl.comment_function(comment)?,
            Statement::CreateType(create) => ddl.create_type(create)?,
            Statement::AlterType(alter) => ddl.alter_type(alter)?,
            Statement::Drop(drop) => ddl.drop(drop)?,
            Statement::Truncate(truncate) => ddl.truncate(truncate)?,
            Statement::Comment(comment) => ddl.comment(comment)?,
            _ => {
                return Err(Error::unsupported(format!(
                    "{} is not supported",
                    planned.tag
                )));
            }
        }
        Ok(Outcome::Done(Completion::tag(planned.tag)))
    }
}

impl Ddl<'_> {
    /// The schema in which an object of this name is created.
    fn schema_for(&mut self, name: &QualifiedName, temporary: bool) -> Result<SchemaId> {
        let own = self.session.state.temporary_schema();
        match &name.schema {
            Some(schema) if schema == "pg_temp" || own.as_ref() == Some(schema) => {
                self.session.make_temporary_schema()
            }
            Some(_) if temporary => Err(not_temporary()),
            None if temporary => self.session.make_temporary_schema(),
            Some(schema) if is_temporary_schema(schema) => {
                self.catalog.require_schema(schema)?;
                Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    "cannot create relations in temporary schemas of other sessions",
                ))
            }
            Some(schema) => self.catalog.require_schema(schema).map(|schema| schema.id),
            None => self
                .path
                .iter()
                .filter(|schema| !is_temporary_schema(schema))
                .find_map(|schema| self.catalog.schema(schema))
                .map(|schema| schema.id)
                .ok_or_else(|| {
                    Error::new(
                        SqlState::INVALID_SCHEMA_NAME,
                        "no schema has been selected to create in",
                    )
                }),
        }
    }

    /// The schema that was written, `pg_temp` being the session's own.
    fn written_schema(&self, name: &QualifiedName) -> Option<String> {
        match name.schema.as_deref() {
            Some("pg_temp") => self.session.state.temporary_schema(),
            _ => None,
        }
        .or_else(|| name.schema.clone())
    }

    /// The relation of this name, if there is one.
    fn find(&self, name: &QualifiedName) -> Option<Relation> {
        let schema = self.written_schema(name);
        self.catalog
            .resolve(schema.as_deref(), &name.name, &self.path)
    }

    /// The relation of this name; its absence names `kind`.
    fn require(&self, kind: &str, name: &QualifiedName) -> Result<Relation> {
        self.find(name).ok_or_else(|| {
            self.catalog
                .no_relation(kind, name.schema.as_deref(), &name.name, &self.path)
        })
    }

    fn require_table(&self, name: &QualifiedName) -> Result<Arc<TableDef>> {
        match self.require("relation", name)? {
            Relation::Table(table) => Ok(table),
            other => Err(wrong_kind(other.name(), "table")),
        }
    }

    /// Whether a relation of this name is there already; then, with `IF NOT EXISTS`, says so.
    fn skip_existing(
        &mut self,
        name: &QualifiedName,
        temporary: bool,
        if_not_exists: bool,
    ) -> Result<bool> {
        if !if_not_exists {
            return Ok(false);
        }
        let schema = self.schema_for(name, temporary)?;
        let there = self.catalog.relation_in(schema, &name.name).is_some();
        if there {
            let message = format!("relation \"{}\" already exists, skipping", name.name);
            self.session
                .notice_state(SqlState::DUPLICATE_TABLE, message);
        }
        Ok(there)
    }
}

fn wrong_kind(name: &str, kind: &str) -> Error {
    Error::new(
        SqlState::WRONG_OBJECT_TYPE,
        format!("\"{name}\" is not {} {kind}", article(kind)),
    )
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        "an"
    } else {
        "a"
    }
}

/// `character varying` and its kin become `text` where a query decides a column's type.
fn settled(ty: &DataType) -> DataType {
    match ty {
        DataType::Unknown => DataType::Text,
        other => other.clone(),
    }
}
