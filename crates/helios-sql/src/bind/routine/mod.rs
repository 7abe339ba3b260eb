//! Users' functions: SQL functions are bound where they are called, as part of the calling
//! statement, so that both executors, indexes and the optimizer see through them.
//!
//! A function whose body is one expression becomes that expression ([`scalar`]); one whose body is
//! one query becomes a subplan, or in `FROM` a plan ([`table`]). What changes rows, or has several
//! statements, runs statement by statement when its call stands alone ([`run`]).
//!
//! While a body is bound, its arguments are the columns of a level of their own
//! (`Binder::arguments`), which names reach last: a column hides an argument of the same name.

mod body;
mod choose;
mod create;
mod run;
mod scalar;
mod table;

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::{FunctionDef, ReturnShape};

use super::Binder;
use crate::parse::ast::{Call, Pos};

/// A call of a user's function: which, and one value for each argument that it takes.
pub(super) struct UsersCall {
    pub(super) def: Arc<FunctionDef>,
    pub(super) args: Vec<Expr>,
}

/// The columns of a result: names and types.
type Columns = Vec<(String, DataType)>;

pub(super) use body::stands_anywhere;
pub(super) use scalar::field_of;

impl Binder<'_> {
    /// The user's function that a call means, with its arguments bound; `None` if only the system
    /// has functions of this name.
    pub(super) fn users_call(&mut self, call: &Call, pos: Pos) -> Result<Option<UsersCall>> {
        let candidates = self.users_functions(call);
        if candidates.is_empty() {
            return Ok(None);
        }
        let chosen = self.choose(call, &candidates, pos)?;
        self.only_plain_calls(call, pos)?;
        if chosen.def.procedure {
            return Err(self
                .fail(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("{} is a procedure", chosen.def),
                    pos,
                )
                .with_hint("To call a procedure, use CALL."));
        }
        self.note_arguments(pos, &chosen.args);
        Ok(Some(chosen))
    }

    /// The user's functions that a call may mean. The system's functions of the same number of
    /// arguments come first, as `pg_catalog` is searched first.
    pub(super) fn users_functions(&self, call: &Call) -> Vec<Arc<FunctionDef>> {
        if call.label.is_some() {
            return Vec::new();
        }
        let schema = call.name.schema.as_ref().map(|schema| &*schema.name);
        let name = call.name.name.name.as_str();
        let found = self
            .context
            .catalog
            .resolve_functions(schema, name, &self.search_path);
        if found.is_empty() || schema.is_none() && choose::is_systems(name, call.args.len()) {
            return Vec::new();
        }
        found
    }

    /// Refuses what only aggregates and window functions have.
    fn only_plain_calls(&self, call: &Call, pos: Pos) -> Result<()> {
        let name = &call.name.name.name;
        let message = match call.aggregate_option() {
            Some(option) => format!("{option} specified, but {name} is not an aggregate function"),
            None if call.over.is_some() => format!(
                "OVER specified, but {name} is neither a window function nor an aggregate function"
            ),
            None => return Ok(()),
        };
        Err(self.fail(SqlState::WRONG_OBJECT_TYPE, message, pos))
    }

    /// The columns of a function's rows; `None` for `record`, whose columns the call describes.
    pub(super) fn result_columns(&self, def: &FunctionDef) -> Result<Option<Columns>> {
        Ok(match &def.returns.shape {
            ReturnShape::Value(ty) => match ty.user_type() {
                Some(user) if user.is_composite() && matches!(ty, DataType::User(_)) => Some(
                    user.fields()
                        .iter()
                        .map(|(name, ty)| (name.to_string(), ty.clone()))
                        .collect(),
                ),
                _ => {
                    let name = def.outputs().next().map(|arg| arg.name.clone());
                    Some(vec![(name.unwrap_or_default(), ty.clone())])
                }
            },
            ReturnShape::Columns => Some(
                def.outputs()
                    .zip(1..)
                    .map(|(arg, number)| {
                        let name = match arg.name.as_str() {
                            "" => format!("column{number}"),
                            name => name.to_owned(),
                        };
                        (name, arg.ty.clone())
                    })
                    .collect(),
            ),
            ReturnShape::Relation(relation) => {
                let found = self.context.catalog.relation_by_oid(*relation);
                Some(match found {
                    Some(helios_table::catalog::Relation::Table(table)) => table
                        .columns
                        .iter()
                        .map(|column| (column.name.clone(), column.ty.clone()))
                        .collect(),
                    Some(helios_table::catalog::Relation::View(view)) => view
                        .columns
                        .iter()
                        .map(|column| (column.name.clone(), column.ty.clone()))
                        .collect(),
                    _ => {
                        return Err(Error::new(
                            SqlState::UNDEFINED_TABLE,
                            format!("the relation whose rows function {def} returns is gone"),
                        ));
                    }
                })
            }
            ReturnShape::Record => None,
        })
    }

    /// Notes that what is being bound depends on the function.
    fn depend_on(&mut self, def: &FunctionDef) {
        let reference = crate::plan::TableRef {
            id: helios_base::TableId(def.id.0),
            schema: def.schema_name.as_str().into(),
            name: def.name.as_str().into(),
        };
        if !self.depends.contains(&reference) {
            self.depends.push(reference);
        }
    }
}

/// Whether a value is no single column but a row of several.
fn is_row(def: &FunctionDef, columns: Option<&Columns>) -> bool {
    match &def.returns.shape {
        ReturnShape::Value(DataType::User(user)) => user.is_composite(),
        ReturnShape::Value(_) => false,
        ReturnShape::Columns | ReturnShape::Relation(_) => columns.is_some(),
        ReturnShape::Record => true,
    }
}

/// Whether the function gives nothing back.
fn is_void(def: &FunctionDef) -> bool {
    matches!(def.returns.shape, ReturnShape::Value(DataType::Void))
}

/// `return type mismatch in function declared to return …`
fn mismatch(def: &FunctionDef, detail: impl Into<String>) -> Error {
    Error::new(
        SqlState::INVALID_FUNCTION_DEFINITION,
        format!(
            "return type mismatch in function declared to return {}",
            declared(def)
        ),
    )
    .with_detail(detail)
}

fn declared(def: &FunctionDef) -> String {
    match &def.returns.shape {
        ReturnShape::Value(ty) => ty.bare().to_string(),
        _ => "record".to_owned(),
    }
}
