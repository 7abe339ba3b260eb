//! Calls that stand alone and run their statements one by one.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::{FunctionDef, ReturnShape};

use super::body::Body;
use super::{UsersCall, is_row, is_void};
use crate::bind::Binder;
use crate::bind::scope::{Clause, Scope, plan_column};
use crate::parse::Parsed;
use crate::parse::ast::{self, Call, ExprKind, Pos, Statement as Tree, TableItem};
use crate::plan::{Plan, PlanColumn, Routine, RoutineStatement, Values};

/// A query that is nothing but one call.
struct Lone<'q> {
    call: &'q Call,
    pos: Pos,
    /// `SELECT f(…)`, not `SELECT * FROM f(…)`.
    value: bool,
    label: Option<String>,
}

impl Binder<'_> {
    /// The query as a call to run, if it is one and its function cannot be bound into it.
    pub(in crate::bind) fn lone_call(&mut self, query: &ast::Query) -> Result<Option<Routine>> {
        let Some(lone) = alone(query) else {
            return Ok(None);
        };
        let candidates = self.users_functions(lone.call);
        // Only if one of them must run are the arguments worth a look.
        let mut runs = false;
        for def in &candidates {
            // So that what it calls sees whom it runs as.
            runs |= def.options.security_definer;
            runs |= matches!(self.place(Body::of(def), lone.pos)?, Body::Statements(_));
        }
        if !runs {
            return Ok(None);
        }
        self.push_level(Scope::default(), None);
        let found = self.users_call(lone.call, lone.pos);
        self.pop_level();
        let Some(found) = found? else {
            return Ok(None);
        };
        let definer =
            found.def.options.security_definer && self.result_columns(&found.def)?.is_some();
        let statements = match self.place(Body::of(&found.def), lone.pos)? {
            Body::Statements(statements) => statements,
            _ if definer => self.place(Body::statements(&found.def), lone.pos)?,
            _ => return Ok(None),
        };
        let def = &found.def;
        let columns = self.place(self.result_columns(def), lone.pos)?;
        let Some(columns) = columns else {
            return Err(self.no_definitions(lone.pos));
        };
        let row = is_row(def, Some(&columns));
        let label = lone.label.unwrap_or_else(|| def.name.clone());
        let shown = if lone.value && row {
            let ty = match &def.returns.shape {
                ReturnShape::Value(ty) => ty.clone(),
                _ => DataType::Record,
            };
            vec![PlanColumn::new(label.as_str(), ty)]
        } else if row || !lone.value && def.outputs().next().is_some() {
            let columns = columns.iter();
            columns
                .map(|(name, ty)| PlanColumn::new(name.as_str(), ty.clone()))
                .collect()
        } else {
            let types = columns.iter().map(|(_, ty)| ty);
            types
                .map(|ty| PlanColumn::new(label.as_str(), ty.clone()))
                .collect()
        };
        let results = if is_void(def) {
            Vec::new()
        } else {
            columns.into_iter().map(|(_, ty)| ty).collect()
        };
        self.routine(found, statements, results, lone.value && row, Some(shown))
            .map(Some)
    }

    /// `CALL procedure(…)`
    pub(in crate::bind) fn call_procedure(&mut self, call: &ast::CallProcedure) -> Result<Routine> {
        let pos = call.pos;
        let candidates = self.users_functions(&call.call);
        let (procedures, functions): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|def| def.procedure);
        if procedures.is_empty() {
            return Err(match functions.first() {
                Some(def) => self
                    .fail(
                        SqlState::WRONG_OBJECT_TYPE,
                        format!("{def} is not a procedure"),
                        pos,
                    )
                    .with_hint("To call a function, use SELECT."),
                None => self.no_procedure(&call.call, pos)?,
            });
        }
        self.push_level(Scope::default(), None);
        self.set_clause(Clause::Plain("CALL arguments"));
        let found = self.choose(&call.call, &procedures, pos);
        self.pop_level();
        let found = found.map_err(|error| match error.sqlstate() {
            SqlState::UNDEFINED_FUNCTION => {
                let message = error.message().replacen("function", "procedure", 1);
                self.fail(SqlState::UNDEFINED_FUNCTION, message, pos).with_hint(
                    "No procedure matches the given name and argument types. You might need to add \
                     explicit type casts.",
                )
            }
            _ => error,
        })?;
        let Body::Statements(statements) = self.place(Body::of(&found.def), pos)? else {
            return Err(Error::internal("a procedure that is a query"));
        };
        let outputs: Vec<PlanColumn> = found
            .def
            .outputs()
            .map(|arg| PlanColumn::new(arg.name.as_str(), arg.ty.clone()))
            .collect();
        let results = outputs.iter().map(|column| column.ty.clone()).collect();
        let columns = (!outputs.is_empty()).then_some(outputs);
        self.routine(found, statements, results, false, columns)
    }

    fn no_procedure(&mut self, call: &Call, pos: Pos) -> Result<Error> {
        self.push_level(Scope::default(), None);
        let args = call.args.iter().map(|arg| self.expr(&arg.value));
        let args = args.collect::<Result<Vec<Expr>>>();
        self.pop_level();
        let types: Vec<String> = args?
            .iter()
            .map(|arg| helios_expr::resolve::type_name(arg.ty()))
            .collect();
        let message = format!(
            "procedure {}({}) does not exist",
            call.name,
            types.join(", ")
        );
        Ok(self
            .fail(SqlState::UNDEFINED_FUNCTION, message, pos)
            .with_hint(
                "No procedure matches the given name and argument types. You might need to add \
             explicit type casts.",
            ))
    }

    fn routine(
        &mut self,
        call: UsersCall,
        statements: Vec<(Arc<str>, Parsed)>,
        results: Vec<DataType>,
        as_record: bool,
        columns: Option<Vec<PlanColumn>>,
    ) -> Result<Routine> {
        let UsersCall { def, args } = call;
        let writes = statements
            .iter()
            .any(|(_, parsed)| !matches!(parsed.statement, Tree::Query(_)));
        let statements = statements
            .into_iter()
            .enumerate()
            .map(|(number, (source, parsed))| {
                let text = parsed.span.of(&source);
                // No statement of a client begins with a zero byte.
                let key = format!("\0{} {number}\0{text}", def.id);
                RoutineStatement {
                    key: key.into(),
                    parsed,
                    source,
                }
            })
            .collect();
        let args = Plan::Values(Box::new(Values {
            columns: args
                .iter()
                .map(|arg| plan_column("argument", arg))
                .collect(),
            rows: vec![args],
        }));
        Ok(Routine {
            def,
            args,
            statements,
            results,
            as_record,
            columns,
            writes,
        })
    }
}

/// The call that a query consists of.
fn alone(query: &ast::Query) -> Option<Lone<'_>> {
    let select = query.as_plain()?;
    let [item] = select.items.as_slice() else {
        return None;
    };
    match (select.from.as_slice(), &item.expr.kind) {
        ([], ExprKind::Call(call)) => Some(Lone {
            call,
            pos: item.expr.pos,
            value: true,
            label: item.alias.as_ref().map(|alias| alias.name.clone()),
        }),
        (
            [
                TableItem::Functions {
                    calls,
                    ordinality: false,
                    alias,
                    ..
                },
            ],
            ExprKind::Star(parts),
        ) if parts.is_empty() => match calls.as_slice() {
            [only] if only.columns.is_empty() => {
                let ExprKind::Call(call) = &only.call.kind else {
                    return None;
                };
                if alias
                    .as_ref()
                    .is_some_and(|alias| !alias.columns.is_empty())
                {
                    return None;
                }
                let label = alias.as_ref().and_then(|alias| alias.name.as_ref());
                Some(Lone {
                    call,
                    pos: only.call.pos,
                    value: false,
                    label: label.map(|label| label.name.clone()),
                })
            }
            _ => None,
        },
        _ => None,
    }
}

/// What may stand in the body of a function.
pub(super) fn allowed(def: &FunctionDef, statement: &Tree) -> Result<()> {
    match statement {
        Tree::Query(_)
        | Tree::Insert(_)
        | Tree::Update(_)
        | Tree::Delete(_)
        | Tree::Merge(_)
        | Tree::Truncate(_)
        | Tree::Call(_)
        | Tree::CreateTable(_)
        | Tree::AlterTable(_)
        | Tree::CreateIndex(_)
        | Tree::CreateView(_)
        | Tree::CreateSequence(_)
        | Tree::AlterSequence(_)
        | Tree::Drop(_)
        | Tree::Comment { .. } => Ok(()),
        Tree::Transaction(_) => Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            "transaction commands are not allowed in an SQL function",
        )),
        _ => Err(Error::unsupported(format!(
            "a statement of this kind is not supported in the body of {} {def}",
            def.kind()
        ))),
    }
}
