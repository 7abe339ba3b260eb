//! `CREATE FUNCTION`, `CREATE PROCEDURE` and what changes them.

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::{
    ArgMode, FunctionArg, FunctionBody, FunctionDef, FunctionId, FunctionOptions, ReturnShape,
    Returns, SchemaId,
};

use super::body::{Body, inner_type};
use super::scalar::query_of;
use super::{is_row, is_void, mismatch, run};
use crate::bind::Binder;
use crate::parse::ast::{self, FunctionOption, FunctionReturns, Pos, TypeName};
use crate::plan::{
    AlterFunction, CommentFunction, CreateFunction, DropFunction, FunctionChange, FunctionName,
    GrantTarget, OptionChanges, PlanColumn, RoleCommand, Routines, Statement,
};

/// Types that stand for any other, and those that only the system's functions have.
const PSEUDO: [&str; 18] = [
    "any",
    "anyelement",
    "anyarray",
    "anynonarray",
    "anyenum",
    "anyrange",
    "anymultirange",
    "anycompatible",
    "anycompatiblearray",
    "anycompatiblenonarray",
    "anycompatiblerange",
    "anycompatiblemultirange",
    "cstring",
    "internal",
    "language_handler",
    "fdw_handler",
    "event_trigger",
    "trigger",
];

impl Binder<'_> {
    pub(in crate::bind) fn create_function(
        &mut self,
        create: &ast::CreateFunction,
    ) -> Result<CreateFunction> {
        let pos = create.name.pos();
        let (options, language) = self.function_options(&create.options)?;
        let Some(body) = &create.body else {
            return Err(invalid("no function body specified"));
        };
        self.only_sql(language.as_deref(), body, pos)?;
        let mut args = self.function_args(create)?;
        let returns = self.function_returns(create, &mut args)?;
        let body = match body {
            ast::FunctionBody::Text(text, _) => FunctionBody::Text(text.clone()),
            ast::FunctionBody::Return(text) => FunctionBody::Return(self.text_of(text)),
            ast::FunctionBody::Atomic(statements) => FunctionBody::Atomic(
                statements
                    .iter()
                    .map(|(_, span)| span.of(self.source.unwrap_or_default()).to_owned())
                    .collect(),
            ),
        };
        let bound_now = !matches!(body, FunctionBody::Text(_));
        let own_path = options.search_path.clone().flatten();
        let mut kept = FunctionOptions::default();
        options.apply(&mut kept);
        if kept.rows.is_some() && !returns.set {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "ROWS is not applicable when function does not return a set",
            ));
        }
        let schema = match &create.name.schema {
            Some(schema) => schema.name.clone(),
            None => self.search_path.first().cloned().unwrap_or_default(),
        };
        let def = FunctionDef {
            id: FunctionId(0),
            schema: SchemaId(0),
            schema_name: schema,
            name: create.name.name.name.clone(),
            procedure: create.procedure,
            args,
            returns,
            body,
            // What is bound now means the same whoever calls.
            search_path: own_path.or_else(|| bound_now.then(|| self.search_path.clone())),
            options: kept,
            depends: Vec::new(),
            comment: None,
        };
        // A dump is read without, so that functions may come before what they read.
        let checked = bound_now
            || self
                .context
                .session
                .setting("check_function_bodies")
                .as_deref()
                != Some("off");
        let reads = if checked {
            self.check_body(&def)?
        } else {
            Vec::new()
        };
        Ok(CreateFunction {
            name: create.name.clone().into(),
            or_replace: create.or_replace,
            procedure: def.procedure,
            args: def.args,
            returns: def.returns,
            body: def.body,
            search_path: def.search_path,
            options: def.options,
            depends: if bound_now { reads } else { Vec::new() },
        })
    }

    fn only_sql(&self, language: Option<&str>, body: &ast::FunctionBody, pos: Pos) -> Result<()> {
        match language {
            Some("sql") => Ok(()),
            None if !matches!(body, ast::FunctionBody::Text(..)) => Ok(()),
            None => Err(invalid("no language specified")),
            Some(name @ ("plpgsql" | "c" | "internal")) => Err(self.at(
                Error::unsupported(format!("language \"{name}\" is not supported")).with_hint(
                    "Write the function in SQL: LANGUAGE sql. Conditions are CASE, loops are \
                     queries, variables are WITH.",
                ),
                pos,
            )),
            Some(name) => Err(self.fail(
                SqlState::UNDEFINED_OBJECT,
                format!("language \"{name}\" does not exist"),
                pos,
            )),
        }
    }

    fn function_options(
        &self,
        options: &[(FunctionOption, Pos)],
    ) -> Result<(OptionChanges, Option<String>)> {
        let mut changes = OptionChanges::default();
        let mut language = None;
        for (option, pos) in options {
            let twice = match option {
                FunctionOption::Language(name) => language.replace(name.clone()).is_some(),
                FunctionOption::Volatility(v) => changes.volatility.replace(*v).is_some(),
                FunctionOption::Strict(strict) => changes.strict.replace(*strict).is_some(),
                FunctionOption::Security(s) => changes.security_definer.replace(*s).is_some(),
                FunctionOption::Leakproof(l) => changes.leakproof.replace(*l).is_some(),
                FunctionOption::Parallel(word) => {
                    let letter = match word.as_str() {
                        "safe" => 's',
                        "restricted" => 'r',
                        "unsafe" => 'u',
                        _ => {
                            return Err(self.fail(
                                SqlState::SYNTAX_ERROR,
                                "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE",
                                *pos,
                            ));
                        }
                    };
                    changes.parallel.replace(letter).is_some()
                }
                FunctionOption::Cost(cost) => changes.cost.replace(*cost).is_some(),
                FunctionOption::Rows(rows) => changes.rows.replace(*rows).is_some(),
                FunctionOption::SearchPath(path) => {
                    changes.search_path.replace(path.clone()).is_some()
                }
                FunctionOption::Setting(name, value) => {
                    let value = self.function_setting(name, value.as_ref(), *pos)?;
                    changes.settings.push((name.clone(), value));
                    false
                }
                FunctionOption::ResetAll => {
                    changes.search_path = Some(None);
                    changes.settings.clear();
                    changes.reset_all = true;
                    false
                }
            };
            if twice {
                let message = "conflicting or redundant options";
                return Err(self.fail(SqlState::SYNTAX_ERROR, message, *pos));
            }
        }
        Ok((changes, language))
    }

    /// The value of a function's own setting. Those that mean something for the statements of a
    /// function are refused, as these may become part of the statement that calls it.
    fn function_setting(
        &self,
        name: &str,
        value: Option<&ast::FunctionSetting>,
        pos: Pos,
    ) -> Result<Option<String>> {
        let value = match value {
            None => None,
            Some(ast::FunctionSetting::To(values)) => Some(values.join(", ")),
            Some(ast::FunctionSetting::Current) => self.context.session.setting(name),
        };
        match crate::session::check_function_setting(name, value.as_deref()) {
            Ok(true) => Ok(value),
            Ok(false) => Err(self.unsupported(format!("SET {name} of a function"), pos)),
            Err(error) => Err(error),
        }
    }

    fn function_args(&mut self, create: &ast::CreateFunction) -> Result<Vec<FunctionArg>> {
        let mut args: Vec<FunctionArg> = Vec::with_capacity(create.args.len());
        let mut defaults = false;
        let mut gathered = false;
        for arg in &create.args {
            let ty = self.argument_type(&arg.ty)?;
            let name = arg.name.as_ref().map_or("", |name| &name.name).to_owned();
            if gathered && arg.mode.is_input() {
                let message = "VARIADIC parameter must be the last input parameter";
                return Err(invalid(message));
            }
            if arg.mode == ArgMode::Variadic {
                gathered = true;
                if !matches!(ty, DataType::Array(_)) {
                    return Err(invalid("VARIADIC parameter must be an array"));
                }
            }
            // One that is given and one that is got back may have the same name only as INOUT.
            if !name.is_empty() && args.iter().any(|known| known.name == name) {
                return Err(invalid(format!(
                    "parameter name \"{name}\" used more than once"
                )));
            }
            let default = match &arg.default {
                Some(_) if !arg.mode.is_input() => {
                    return Err(invalid("only input parameters can have default values"));
                }
                Some(text) => {
                    self.default_expr(&text.expr, &inner_type(&ty), &name)?;
                    defaults = true;
                    Some(self.text_of(text))
                }
                None if defaults && arg.mode.is_input() => {
                    return Err(invalid(
                        "input parameters after one with a default value must also have defaults",
                    ));
                }
                None => None,
            };
            args.push(FunctionArg {
                name,
                mode: arg.mode,
                ty,
                default,
            });
        }
        Ok(args)
    }

    fn argument_type(&self, ty: &TypeName) -> Result<DataType> {
        let found = self.result_type(ty)?;
        if matches!(found, DataType::Unknown | DataType::Record | DataType::Void) {
            return Err(invalid(format!(
                "SQL functions cannot have arguments of type {found}"
            )));
        }
        Ok(found)
    }

    fn result_type(&self, ty: &TypeName) -> Result<DataType> {
        if ty.schema.is_none() && PSEUDO.contains(&ty.name.as_str()) {
            if ty.name == "trigger" || ty.name == "event_trigger" {
                return Err(invalid(format!(
                    "SQL functions cannot return type {}",
                    ty.name
                )));
            }
            return Err(self.unsupported(format!("type {} of an SQL function", ty.name), ty.pos));
        }
        self.data_type(ty).map(|ty| ty.bare())
    }

    fn function_returns(
        &self,
        create: &ast::CreateFunction,
        args: &mut Vec<FunctionArg>,
    ) -> Result<Returns> {
        if let Some(FunctionReturns::Table(columns)) = &create.returns {
            if args.iter().any(|arg| arg.mode.is_output()) {
                return Err(self.fail(
                    SqlState::SYNTAX_ERROR,
                    "OUT and INOUT arguments aren't allowed in TABLE functions",
                    create.name.pos(),
                ));
            }
            for (name, ty) in columns {
                if args.iter().any(|known| known.name == name.name) {
                    return Err(invalid(format!(
                        "parameter name \"{}\" used more than once",
                        name.name
                    )));
                }
                args.push(FunctionArg {
                    name: name.name.clone(),
                    mode: ArgMode::Table,
                    ty: self.result_type(ty)?,
                    default: None,
                });
            }
        }
        let outputs: Vec<&DataType> = args
            .iter()
            .filter(|arg| arg.mode.is_output())
            .map(|arg| &arg.ty)
            .collect();
        let (set, written) = match &create.returns {
            None => (false, None),
            Some(FunctionReturns::Table(_)) => (true, None),
            Some(FunctionReturns::Type { set, ty }) => (*set, Some(ty)),
        };
        let shape = match (outputs.as_slice(), written) {
            ([], None) if create.procedure => ReturnShape::Value(DataType::Void),
            (_, None) if create.procedure => ReturnShape::Columns,
            ([], None) => return Err(invalid("function result type must be specified")),
            ([], Some(ty)) => match self.result_type(ty)? {
                DataType::Record => ReturnShape::Record,
                DataType::Unknown => {
                    return Err(invalid("SQL functions cannot return type unknown"));
                }
                found => ReturnShape::Value(found),
            },
            ([only], None) => ReturnShape::Value((*only).clone()),
            (_, None) => ReturnShape::Columns,
            (outputs, Some(ty)) => {
                let (wanted, shape) = match outputs {
                    [only] => ((*only).clone(), ReturnShape::Value((*only).clone())),
                    _ => (DataType::Record, ReturnShape::Columns),
                };
                if !self.result_type(ty)?.same(&wanted) {
                    return Err(invalid(format!(
                        "function result type must be {wanted} because of OUT parameters"
                    )));
                }
                shape
            }
        };
        Ok(Returns { set, shape })
    }

    /// Binds the body as a call would, to find what is wrong with it and what it reads.
    fn check_body(&mut self, def: &FunctionDef) -> Result<Vec<crate::plan::TableRef>> {
        let params: Vec<Expr> = def
            .inputs()
            .enumerate()
            .map(|(index, input)| Expr::Param {
                index,
                ty: inner_type(&input.ty),
            })
            .collect();
        let body = Body::of(def).map_err(without_position)?;
        let subplans = self.subplans.len();
        let reads = self.with_body(def, params, |binder| {
            match body {
                Body::Expr(expr) => {
                    let plan = binder.query(&query_of(expr), None, true)?;
                    binder.check_result(def, Some(plan.columns()))?;
                }
                Body::Query(query) => {
                    let plan = binder.query(&query, None, true)?;
                    binder.check_result(def, Some(plan.columns()))?;
                }
                Body::Statements(statements) => {
                    let mut last = None;
                    for (_, parsed) in &statements {
                        run::allowed(def, &parsed.statement)?;
                        let bound = binder.statement(&parsed.statement)?;
                        last = match &bound {
                            Statement::Routine(routine) => routine.columns.clone(),
                            bound => bound.columns().map(<[PlanColumn]>::to_vec),
                        };
                    }
                    binder.check_result(def, last.as_deref())?;
                }
            }
            Ok(std::mem::take(&mut binder.depends))
        });
        self.subplans.truncate(subplans);
        reads
    }

    /// Whether the last statement's rows fit what was declared.
    fn check_result(&self, def: &FunctionDef, found: Option<&[PlanColumn]>) -> Result<()> {
        if is_void(def) || def.procedure && def.outputs().next().is_none() {
            return Ok(());
        }
        let Some(found) = found else {
            return Err(mismatch(
                def,
                "Function's final statement must be SELECT or INSERT/UPDATE/DELETE RETURNING.",
            ));
        };
        let columns = self.result_columns(def)?;
        let plan = crate::plan::Plan::Empty(found.to_vec());
        if is_row(def, columns.as_ref()) {
            self.fields(def, plan, columns.as_ref())?;
            return Ok(());
        }
        match (found, &def.returns.shape) {
            ([only], ReturnShape::Value(wanted)) => {
                self.returned(def, Expr::column(0, only.ty.clone()), wanted)?;
                Ok(())
            }
            _ => Err(mismatch(
                def,
                "Final statement must return exactly one column.",
            )),
        }
    }

    fn function_name(
        &self,
        kind: ast::RoutineKind,
        function: &ast::FunctionName,
    ) -> Result<FunctionName> {
        let args = function.args.as_ref().map(|args| {
            args.iter()
                .filter(|(mode, _)| mode.is_input())
                .map(|(_, ty)| self.data_type(ty))
                .collect::<Result<Vec<_>>>()
        });
        Ok(FunctionName {
            kind,
            name: function.name.clone().into(),
            args: args.transpose()?,
        })
    }

    /// The types in the names of functions that a statement about privileges or owners has.
    pub(in crate::bind) fn role_command(&self, command: &RoleCommand) -> Result<RoleCommand> {
        let mut command = command.clone();
        let routines = match &mut command {
            RoleCommand::OwnRoutine { routine, .. } => routine,
            RoleCommand::Grant(grant) => match &mut grant.on {
                GrantTarget::Routines(routines) => routines,
                _ => return Ok(command),
            },
            _ => return Ok(command),
        };
        if let Routines::Written(kind, names) = routines {
            let names = names.iter().map(|name| self.function_name(*kind, name));
            *routines = Routines::Bound(names.collect::<Result<_>>()?);
        }
        Ok(command)
    }

    pub(in crate::bind) fn drop_function(&self, drop: &ast::DropFunction) -> Result<DropFunction> {
        let functions = drop.functions.iter();
        Ok(DropFunction {
            functions: functions
                .map(|function| self.function_name(drop.kind, function))
                .collect::<Result<_>>()?,
            if_exists: drop.if_exists,
            cascade: drop.cascade,
        })
    }

    pub(in crate::bind) fn alter_function(
        &self,
        alter: &ast::AlterFunction,
    ) -> Result<AlterFunction> {
        let change = match &alter.change {
            ast::FunctionChange::Rename(to) => FunctionChange::Rename(to.name.clone()),
            ast::FunctionChange::SetSchema(to) => FunctionChange::SetSchema(to.name.clone()),
            ast::FunctionChange::Options(options) => {
                FunctionChange::Options(self.function_options(options)?.0)
            }
        };
        Ok(AlterFunction {
            function: self.function_name(alter.kind, &alter.function)?,
            change,
        })
    }

    pub(in crate::bind) fn comment_function(
        &self,
        comment: &ast::CommentFunction,
    ) -> Result<CommentFunction> {
        Ok(CommentFunction {
            function: self.function_name(comment.kind, &comment.function)?,
            text: comment.text.clone(),
        })
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, message)
}

fn without_position(error: Error) -> Error {
    Error::new(error.sqlstate(), error.message().to_owned())
}
