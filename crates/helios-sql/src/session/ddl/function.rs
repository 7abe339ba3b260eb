//! Functions and procedures.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState};
use helios_table::catalog::{Catalog, Dependency, FunctionDef};
use helios_table::ddl::{CommentTarget, FunctionChange as Change, NewFunction, ObjectRef};

use super::Ddl;
use crate::parse::ast::RoutineKind;
use crate::plan::{
    AlterFunction, CommentFunction, CreateFunction, DropFunction, FunctionChange, FunctionName,
};
use crate::session::roles::not_owner;

impl Ddl<'_> {
    pub(super) fn create_function(&mut self, create: &CreateFunction) -> Result<()> {
        let schema = self.schema_for(&create.name, false)?;
        let depends = create.depends.iter();
        let new = NewFunction {
            schema,
            name: create.name.name.clone(),
            procedure: create.procedure,
            args: create.args.clone(),
            returns: create.returns.clone(),
            body: create.body.clone(),
            search_path: create.search_path.clone(),
            options: create.options.clone(),
            depends: depends
                .map(|relation| Dependency {
                    relation: relation.id.0,
                    columns: Vec::new(),
                })
                .collect(),
        };
        let types: Vec<&DataType> = create
            .args
            .iter()
            .filter(|arg| arg.mode.is_input())
            .map(|arg| &arg.ty)
            .collect();
        let mut known = self.catalog.functions_in(schema, &create.name.name);
        if let Some(old) = known.find(|def| def.same_inputs(types.iter().copied())) {
            let (who, _) = self.session.who()?;
            if create.or_replace && !who.owns(&self.catalog, old.id.0) {
                return Err(not_owner(old.kind(), &old.name));
            }
        }
        self.txn.create_function(new, create.or_replace)?;
        Ok(())
    }

    pub(super) fn alter_function(&mut self, alter: &AlterFunction) -> Result<()> {
        let def = self.require_function(&alter.function)?;
        let change = match &alter.change {
            FunctionChange::Rename(to) => Change::Rename(to.clone()),
            FunctionChange::SetSchema(to) => Change::SetSchema(self.catalog.require_schema(to)?.id),
            FunctionChange::Options(changes) => {
                let mut options = def.options.clone();
                changes.apply(&mut options);
                if let Some(path) = &changes.search_path {
                    let change = Change::SearchPath(path.clone());
                    self.txn.alter_function(def.id, change)?;
                }
                Change::Options(options)
            }
        };
        self.txn.alter_function(def.id, change)
    }

    pub(super) fn drop_function(&mut self, drop: &DropFunction) -> Result<()> {
        let mut objects = Vec::new();
        for name in &drop.functions {
            match self.require_function(name) {
                Ok(def) => objects.push(ObjectRef::Function(def.id)),
                Err(error) if drop.if_exists && super::drop::is_missing(&error) => {
                    let message = format!("{}, skipping", error.message());
                    self.session.notice(message);
                }
                Err(error) => return Err(error),
            }
        }
        if objects.is_empty() {
            return Ok(());
        }
        self.drop_all(&objects, drop.cascade)
    }

    pub(super) fn comment_function(&mut self, comment: &CommentFunction) -> Result<()> {
        let def = self.require_function(&comment.function)?;
        self.txn
            .comment(CommentTarget::Function(def.id), comment.text.as_deref())
    }

    fn require_function(&self, function: &FunctionName) -> Result<Arc<FunctionDef>> {
        require_function(&self.catalog, &self.path, function)
    }
}

/// The function of this name and, if written, these arguments.
pub(in crate::session) fn require_function(
    catalog: &Catalog,
    path: &[String],
    function: &FunctionName,
) -> Result<Arc<FunctionDef>> {
    let (kind, procedure) = match function.kind {
        RoutineKind::Function => ("function", Some(false)),
        RoutineKind::Procedure => ("procedure", Some(true)),
        RoutineKind::Routine => ("routine", None),
    };
    let name = &function.name;
    if let Some(schema) = &name.schema {
        catalog.require_schema(schema)?;
    }
    let schema = name.schema.as_deref();
    let mut found = catalog.resolve_functions(schema, &name.name, path);
    if let Some(args) = &function.args {
        found.retain(|def| def.same_inputs(args));
    }
    let wrong = found.first().cloned();
    found.retain(|def| procedure.is_none_or(|procedure| def.procedure == procedure));
    let shown = match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    };
    match (found.pop(), found.is_empty(), wrong) {
        (Some(only), true, _) => Ok(only),
        (Some(_), false, _) => Err(Error::new(
            SqlState::AMBIGUOUS_FUNCTION,
            format!("{kind} name \"{shown}\" is not unique"),
        )
        .with_hint(format!(
            "Specify the argument list to select the {kind} unambiguously."
        ))),
        (None, _, Some(wrong)) => Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("{wrong} is not a {kind}"),
        )),
        (None, _, None) => Err(Error::new(
            SqlState::UNDEFINED_FUNCTION,
            match &function.args {
                Some(args) => {
                    let types: Vec<String> = args.iter().map(DataType::to_string).collect();
                    format!("{kind} {shown}({}) does not exist", types.join(","))
                }
                None => format!("could not find a {kind} named \"{shown}\""),
            },
        )),
    }
}
