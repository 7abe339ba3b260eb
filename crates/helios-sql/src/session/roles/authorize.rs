//! What a role that is no superuser may do besides queries and changes of rows, which the binder
//! looks at. Whatever is not allowed here is refused.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use helios_table::catalog::{Catalog, Privileges, Relation, RoleId, Securable, TableDef, Who};
use helios_table::is_temporary_schema;

use super::not_owner;
use crate::bind::access::denied;
use crate::plan::{
    AlterAction, Cascade, CommentTarget, CopyTarget, DropTarget, ForeignKeySpec, FunctionChange,
    FunctionName, PolicyAction, QualifiedName, Statement, TableRef, TypeChange,
};
use crate::session::Session;
use crate::session::ddl::function::require_function;
use crate::session::tag;
use crate::system::DATABASE_OID;

impl Session {
    /// Refuses a statement that the current role may not run.
    pub(in crate::session) fn authorize(&self, statement: &Statement) -> Result<()> {
        match statement {
            // What these run has been looked at when it was bound, or will be.
            Statement::Query(_)
            | Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_)
            | Statement::Transaction(_)
            | Statement::Set { .. }
            | Statement::Show(_)
            | Statement::Reset(_)
            | Statement::Prepare(_)
            | Statement::Execute { .. }
            | Statement::Deallocate(_)
            | Statement::Declare(_)
            | Statement::Fetch(_)
            | Statement::Close(_)
            | Statement::Routine(_)
            | Statement::Listen(_)
            | Statement::Extension(_)
            | Statement::Discard(_) => return Ok(()),
            // These look by themselves.
            Statement::Role(_) => return Ok(()),
            Statement::Explain(explain) => return self.authorize(&explain.statement),
            _ => {}
        }
        let (who, _) = self.who()?;
        if who.superuser {
            return Ok(());
        }
        let catalog = self.catalog_now()?;
        Judge {
            session: self,
            who: &who,
            catalog: &catalog,
            path: self.search_path(),
        }
        .judge(statement)
    }
}

struct Judge<'s> {
    session: &'s Session,
    who: &'s Who,
    catalog: &'s Arc<Catalog>,
    path: Vec<String>,
}

impl Judge<'_> {
    fn judge(&self, statement: &Statement) -> Result<()> {
        match statement {
            Statement::Copy(copy) => match (&copy.target, copy.from) {
                (CopyTarget::Client, _) => Ok(()),
                (CopyTarget::File(_), true) => {
                    self.role(RoleId::READ_SERVER_FILES, "COPY from a file")
                }
                (CopyTarget::File(_), false) => {
                    self.role(RoleId::WRITE_SERVER_FILES, "COPY to a file")
                }
            },
            Statement::CreateTable(create) => {
                self.create_in(&create.name, create.temporary)?;
                self.references(&create.foreign_keys)
            }
            Statement::CreateView(create) => {
                self.create_in(&create.name, create.temporary)?;
                if create.or_replace
                    && let Some(old) = self.find(&create.name)
                {
                    self.owns(&old)?;
                }
                Ok(())
            }
            Statement::CreateSequence(create) => {
                self.create_in(&create.name, create.temporary)?;
                self.owned_by(&create.options)
            }
            Statement::CreateType(create) => self.create_in(&create.name, false),
            Statement::CreateFunction(create) => {
                self.create_in(&create.name, false)?;
                self.trusts(create.options.leakproof)?;
                // Whether it replaces another's is looked at when it does.
                Ok(())
            }
            Statement::AlterFunction(alter) => {
                let owns = self.owns_routine(&alter.function, false);
                // Where it goes PostgreSQL names it alone.
                if let (FunctionChange::Rename(_) | FunctionChange::SetSchema(_), Err(_)) =
                    (&alter.change, &owns)
                {
                    return Err(not_owner("function", &alter.function.name.name));
                }
                owns?;
                match &alter.change {
                    FunctionChange::Options(options) => {
                        self.trusts(options.leakproof == Some(true))
                    }
                    FunctionChange::SetSchema(schema) => self.create_in_schema(schema),
                    FunctionChange::Rename(_) => Ok(()),
                }
            }
            Statement::CommentFunction(comment) => self.owns_routine(&comment.function, false),
            Statement::DropFunction(drop) => {
                let mut functions = drop.functions.iter();
                functions.try_for_each(|function| self.owns_routine(function, true))
            }
            Statement::CreateSchema(_) => self.create_schema(),
            Statement::RenameSchema(rename) => {
                self.owns_schema(&rename.from)?;
                self.create_schema()
            }
            Statement::CreateIndex(create) => self.owns_table(&create.table),
            Statement::Reindex(indexes) => {
                let mut tables = indexes.iter().map(|(table, _)| table);
                tables.try_for_each(|table| self.owns_table(table))
            }
            Statement::Policy(policy) => match self.find(&policy.table) {
                // PostgreSQL's words differ.
                Some(relation) if matches!(policy.action, PolicyAction::Drop { .. }) => self
                    .owns(&relation)
                    .map_err(|_| not_owner("relation", relation.name())),
                Some(relation) => self.owns(&relation),
                None => Ok(()),
            },
            Statement::AlterTable(alter) => {
                match self.find(&alter.name) {
                    Some(relation) => self.owns(&relation)?,
                    None => return Ok(()),
                }
                for action in &alter.actions {
                    match action {
                        AlterAction::AddForeignKey(key) => {
                            self.references(std::slice::from_ref(key))?;
                        }
                        AlterAction::SetSchema { schema, .. } => self.create_in_schema(schema)?,
                        _ => {}
                    }
                }
                Ok(())
            }
            Statement::AlterSequence { name, options, .. } => {
                if let Some(relation) = self.find(name) {
                    self.owns(&relation)?;
                }
                self.owned_by(options)
            }
            Statement::RenameIndex { name, .. } => match self.find(name) {
                Some(relation) => self.owns(&relation),
                None => Ok(()),
            },
            Statement::Drop(drop) => drop.names.iter().try_for_each(|name| match drop.target {
                DropTarget::Schema => match self.catalog.schema(&name.name) {
                    Some(_) => self.owns_schema(&name.name),
                    None => Ok(()),
                },
                DropTarget::Type | DropTarget::Domain => {
                    let schema = name.schema.as_deref();
                    match self.catalog.resolve_type(schema, &name.name, &self.path) {
                        Some(ty) if !self.has_or_owns_schema(ty.id.0, ty.schema.0) => {
                            Err(not_owner("type", &ty.name))
                        }
                        _ => Ok(()),
                    }
                }
                _ => match self.find(name) {
                    Some(relation) => self.owns(&relation),
                    None => Ok(()),
                },
            }),
            Statement::AlterType(alter) => {
                self.owns_type(&alter.name)?;
                match &alter.change {
                    TypeChange::SetSchema(schema) => self.create_in_schema(schema),
                    _ => Ok(()),
                }
            }
            Statement::Comment(comment) => self.comments_on(&comment.target),
            Statement::Truncate(truncate) => {
                let mut all: Vec<_> = truncate.tables.iter().map(|table| table.id).collect();
                let mut next = 0;
                // CASCADE empties what refers to them as well.
                while let Some(table) = all.get(next).copied() {
                    next += 1;
                    for (child, _, _) in self.catalog.referencing(table) {
                        if truncate.cascade == Cascade::Cascade && !all.contains(&child.id) {
                            all.push(child.id);
                        }
                    }
                }
                all.into_iter().try_for_each(|table| {
                    let wanted = Privileges::TRUNCATE;
                    let has = self
                        .who
                        .has(self.catalog, Securable::Table, table.0, wanted);
                    let name = self.catalog.table_by_id(table);
                    match has.has(wanted) {
                        true => Ok(()),
                        false => Err(denied("table", name.map_or("", |table| &table.name))),
                    }
                })
            }
            Statement::Lock { tables, .. } => tables.iter().try_for_each(|table| {
                let any = [Privileges::UPDATE, Privileges::DELETE, Privileges::TRUNCATE];
                let has = |wanted| self.has_on_table(table, wanted).is_ok();
                match any.into_iter().any(has) {
                    true => Ok(()),
                    false => Err(denied("table", &table.name)),
                }
            }),
            Statement::Analyze(tables) if !tables.is_empty() => {
                tables.iter().try_for_each(|table| self.owns_table(table))
            }
            Statement::Branch(command) => self.session.authorize_branch(self.who, command),
            other => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("must be superuser to run {}", tag::of(other)),
            )),
        }
    }

    /// Whether the role owns what a comment is about.
    fn comments_on(&self, target: &CommentTarget) -> Result<()> {
        match target {
            CommentTarget::Table(name)
            | CommentTarget::View(name)
            | CommentTarget::Index(name)
            | CommentTarget::Sequence(name)
            | CommentTarget::Column(name, _)
            | CommentTarget::Constraint(name, _) => match self.find(name) {
                Some(relation) => self.owns(&relation),
                None => Ok(()),
            },
            CommentTarget::Schema(name) => match self.catalog.schema(name) {
                Some(_) => self.owns_schema(name),
                None => Ok(()),
            },
            CommentTarget::Type(name) => self.owns_type(name),
        }
    }

    fn owns_type(&self, name: &QualifiedName) -> Result<()> {
        let schema = name.schema.as_deref();
        match self.catalog.resolve_type(schema, &name.name, &self.path) {
            Some(ty) if !self.who.owns(self.catalog, ty.id.0) => Err(not_owner("type", &ty.name)),
            _ => Ok(()),
        }
    }

    fn find(&self, name: &QualifiedName) -> Option<Relation> {
        let own = helios_expr::SessionHooks::temporary_schema(&*self.session.state);
        let schema = match name.schema.as_deref() {
            Some("pg_temp") => own.as_deref(),
            schema => schema,
        };
        self.catalog.resolve(schema, &name.name, &self.path)
    }

    /// Whether the role owns a function, or for `DROP` the schema that it is in.
    fn owns_routine(&self, name: &FunctionName, or_schema: bool) -> Result<()> {
        // What is not there is told when it is looked for in earnest.
        let Ok(def) = require_function(self.catalog, &self.path, name) else {
            return Ok(());
        };
        if self.who.owns(self.catalog, def.id.0)
            || or_schema && self.who.owns(self.catalog, def.schema.0)
        {
            return Ok(());
        }
        let shown = match &name.name.schema {
            Some(schema) => format!("{schema}.{}", name.name.name),
            None => name.name.name.clone(),
        };
        Err(not_owner(def.kind(), &shown))
    }

    /// Only a superuser says that a function gives nothing away.
    fn trusts(&self, leakproof: bool) -> Result<()> {
        match leakproof {
            true => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                "only superuser can define a leakproof function",
            )),
            false => Ok(()),
        }
    }

    fn role(&self, role: RoleId, what: &str) -> Result<()> {
        if self.who.has_role(role) {
            return Ok(());
        }
        let mut error = Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("permission denied to {what}"),
        );
        if let Ok(roles) = self.session.state.roles() {
            error = error.with_detail(format!(
                "Only roles with privileges of the \"{}\" role may do that.",
                roles.name(role)
            ));
        }
        Err(error)
    }

    /// Whether an object of this name may be made.
    fn create_in(&self, name: &QualifiedName, temporary: bool) -> Result<()> {
        let temporary = temporary || name.schema.as_deref().is_some_and(|s| s == "pg_temp");
        if temporary {
            let wanted = Privileges::TEMPORARY;
            let has = self
                .who
                .has(self.catalog, Securable::Database, DATABASE_OID, wanted);
            return match has.has(wanted) {
                true => Ok(()),
                false => Err(Error::new(
                    SqlState::INSUFFICIENT_PRIVILEGE,
                    "permission denied to create temporary tables in the database",
                )),
            };
        }
        match &name.schema {
            Some(schema) => self.create_in_schema(schema),
            None => {
                let mut path = self
                    .path
                    .iter()
                    .filter(|schema| !is_temporary_schema(schema));
                match path.find(|schema| self.catalog.schema(schema).is_some()) {
                    Some(schema) => self.create_in_schema(schema),
                    None => Ok(()),
                }
            }
        }
    }

    fn create_in_schema(&self, name: &str) -> Result<()> {
        let Some(schema) = self.catalog.schema(name) else {
            return Ok(());
        };
        let wanted = Privileges::CREATE;
        let has = self
            .who
            .has(self.catalog, Securable::Schema, schema.id.0, wanted);
        match has.has(wanted) || is_temporary_schema(name) {
            true => Ok(()),
            false => Err(denied("schema", name)),
        }
    }

    fn create_schema(&self) -> Result<()> {
        let wanted = Privileges::CREATE;
        let has = self
            .who
            .has(self.catalog, Securable::Database, DATABASE_OID, wanted);
        match has.has(wanted) {
            true => Ok(()),
            false => Err(denied("database", &self.session.state.database)),
        }
    }

    fn has_or_owns_schema(&self, object: u32, schema: u32) -> bool {
        self.who.owns(self.catalog, object) || self.who.owns(self.catalog, schema)
    }

    fn owns_schema(&self, name: &str) -> Result<()> {
        match self.catalog.schema(name) {
            Some(schema) if !self.who.owns(self.catalog, schema.id.0) => {
                Err(not_owner("schema", name))
            }
            _ => Ok(()),
        }
    }

    /// Whether the role owns a relation, an index its table; as PostgreSQL, what is in a schema of
    /// its own may be dropped too, which is judged here for all that owners may do.
    fn owns(&self, relation: &Relation) -> Result<()> {
        let (object, kind) = match relation {
            Relation::Index(table, _) => (table.id.0, "index"),
            other => (other.oid(), other.kind()),
        };
        let temporary = is_temporary_schema(relation.schema_name());
        if temporary || self.who.owns(self.catalog, object) {
            return Ok(());
        }
        Err(not_owner(kind, relation.name()))
    }

    fn table(&self, table: &TableRef) -> Option<&Arc<TableDef>> {
        self.catalog.table_by_id(table.id)
    }

    fn owns_table(&self, table: &TableRef) -> Result<()> {
        match self.table(table) {
            Some(table) => self.owns(&Relation::Table(Arc::clone(table))),
            None => Ok(()),
        }
    }

    fn has_on_table(&self, table: &TableRef, wanted: Privileges) -> Result<()> {
        let has = self
            .who
            .has(self.catalog, Securable::Table, table.id.0, wanted);
        match has.has(wanted) {
            true => Ok(()),
            false => Err(denied("table", &table.name)),
        }
    }

    fn references(&self, keys: &[ForeignKeySpec]) -> Result<()> {
        for key in keys {
            let Some(Relation::Table(parent)) = self.find(&key.table) else {
                continue;
            };
            let wanted = Privileges::REFERENCES;
            let whole = self
                .who
                .has(self.catalog, Securable::Table, parent.id.0, wanted);
            let referred = key.referred.iter().filter_map(|name| parent.column(name));
            let mut columns = referred.peekable();
            let each = columns.peek().is_some()
                && columns.all(|(_, column)| {
                    let who = self.who;
                    who.has_on_column(self.catalog, parent.id.0, column.id, wanted)
                        .has(wanted)
                });
            if !whole.has(wanted) && !each {
                return Err(denied("table", &parent.name));
            }
        }
        Ok(())
    }

    fn owned_by(&self, options: &crate::plan::SequenceOptions) -> Result<()> {
        match &options.owned_by {
            Some(Some((table, _))) => match self.find(table) {
                Some(relation) => self.owns(&relation),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}
