//! Bodies of functions: their statements, and the names that they see.

use helios_base::{DataType, Error, Result, SqlState};
use helios_expr::Expr;
use helios_table::catalog::{FunctionBody, FunctionDef};

use super::is_void;
use crate::bind::Binder;
use crate::bind::scope::{Scope, ScopeColumn, ScopeTable};
use crate::parse::ast::{self, Statement};
use crate::parse::{Parsed, Script, parse_expression};

/// How deeply calls of functions may nest while they are bound.
const DEPTH_MAX: usize = 32;

/// Columns from here on stand for arguments of functions that are being put in.
const PLACEHOLDERS: usize = 6 << 40;

/// What a function's body is.
pub(super) enum Body {
    /// One expression: `SELECT expression` or `RETURN expression`.
    Expr(ast::Expr),
    /// One query.
    Query(Box<ast::Query>),
    /// What must run statement by statement.
    Statements(Vec<(std::sync::Arc<str>, Parsed)>),
}

impl Body {
    /// Reads the body of `def` as statements, whatever they are.
    ///
    /// # Errors
    /// 42601 and its kin, without position.
    pub(super) fn statements(def: &FunctionDef) -> Result<Vec<(std::sync::Arc<str>, Parsed)>> {
        let texts = match &def.body {
            FunctionBody::Return(sql) => vec![format!("SELECT {sql}")],
            FunctionBody::Text(sql) => vec![sql.clone()],
            FunctionBody::Atomic(texts) => texts.clone(),
        };
        let mut all = Vec::new();
        for sql in texts {
            let source: std::sync::Arc<str> = sql.as_str().into();
            let parsed = Script::parse(&sql)?.into_iter();
            all.extend(parsed.map(|parsed| (source.clone(), parsed)));
        }
        Ok(all)
    }

    /// Reads the body of `def`.
    ///
    /// # Errors
    /// 42601 and its kin, without position.
    pub(super) fn of(def: &FunctionDef) -> Result<Self> {
        if let FunctionBody::Return(sql) = &def.body {
            return parse_expression(sql).map(Self::Expr);
        }
        let mut statements = Self::statements(def)?;
        if let ([(_, only)], false, false) = (statements.as_slice(), def.procedure, is_void(def))
            && let Statement::Query(query) = &only.statement
            && !changes_rows(query)
        {
            if let Some(Parsed {
                statement: Statement::Query(query),
                ..
            }) = statements.pop().map(|(_, parsed)| parsed)
            {
                return Ok(match lone_expression(&query) {
                    Some(expr) if !def.returns.set => Self::Expr(expr.clone()),
                    _ => Self::Query(query),
                });
            }
            return Err(Error::internal("a statement is gone"));
        }
        Ok(Self::Statements(statements))
    }
}

/// Whether a query's `WITH` changes rows, or it makes a table.
fn changes_rows(query: &ast::Query) -> bool {
    let with = query.with.as_ref().is_some_and(|with| {
        let mut ctes = with.ctes.iter();
        ctes.any(|cte| !matches!(cte.body, ast::CteBody::Query(_)))
    });
    let into = matches!(&query.body, ast::QueryBody::Select(select) if select.into.is_some());
    with || into || !query.locks.is_empty()
}

/// The expression of a query that is nothing but `SELECT expression`.
fn lone_expression(query: &ast::Query) -> Option<&ast::Expr> {
    let select = query.as_plain()?;
    match select.items.as_slice() {
        [item] if select.from.is_empty() && !matches!(item.expr.kind, ast::ExprKind::Star(_)) => {
            Some(&item.expr)
        }
        _ => None,
    }
}

impl Binder<'_> {
    /// Numbers for `count` placeholders that no others have.
    pub(super) fn placeholders(&mut self, count: usize) -> usize {
        let first = PLACEHOLDERS + self.next_placeholder;
        self.next_placeholder += count;
        first
    }

    /// Binds something of a function's body: with its arguments, in its own surroundings. What is
    /// bound around it is out of sight.
    pub(in crate::bind) fn with_body<T>(
        &mut self,
        def: &FunctionDef,
        args: Vec<Expr>,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if self.body_depth >= DEPTH_MAX {
            return Err(Error::new(
                SqlState::new(b"54001"),
                format!("calls of function {def} nest too deeply"),
            )
            .with_hint("Functions that call themselves are not supported; use WITH RECURSIVE."));
        }
        let path = def.search_path.clone();
        let path = path.unwrap_or_else(|| self.search_path.clone());
        self.body_depth += 1;
        let result = self.as_runner(def, |binder| {
            binder.elsewhere(path, |binder| {
                let level = binder.push_level(argument_scope(def, args), None);
                binder.arguments = Some(level);
                work(binder)
            })
        });
        self.body_depth -= 1;
        result
    }

    /// `$1` in the body of a function.
    pub(in crate::bind) fn body_param(&mut self, number: u32, level: usize) -> Result<Expr> {
        let table = self
            .levels
            .get(level)
            .and_then(|level| level.scope.tables.first());
        let column = usize::try_from(number)
            .ok()
            .and_then(|number| table?.columns.get(number.checked_sub(1)?))
            .cloned();
        match column {
            Some(column) => self.reach(level, column.expr),
            None => Err(Error::new(
                SqlState::UNDEFINED_PARAMETER,
                format!("there is no parameter ${number}"),
            )),
        }
    }
}

/// The arguments as columns of a table that is called as the function.
fn argument_scope(def: &FunctionDef, args: Vec<Expr>) -> Scope {
    let columns: Vec<ScopeColumn> = def
        .inputs()
        .zip(args)
        .map(|(input, expr)| ScopeColumn {
            counts: None,
            fields: None,
            name: input.name.as_str().into(),
            expr,
            nullable: true,
            source: None,
            origin: None,
        })
        .collect();
    Scope {
        tables: vec![ScopeTable {
            name: def.name.as_str().into(),
            schema: None,
            any_schema: false,
            relation: None,
            base: None,
            rows: None,
            scalar: false,
            absent: None,
            columns: columns.clone(),
            pseudo: Vec::new(),
        }],
        columns,
        pseudo: Vec::new(),
        hidden: Vec::new(),
    }
}

/// Whether an argument may stand anywhere in the body as often as it is named: no row decides it,
/// and it is the same throughout.
pub(in crate::bind) fn stands_anywhere(arg: &Expr) -> bool {
    let moves = arg.any(&mut |part| {
        matches!(
            part,
            Expr::Column { .. } | Expr::Outer { .. } | Expr::CaseOperand { .. }
        )
    });
    !moves && arg.volatility() < helios_expr::Volatility::Volatile
}

/// Whether the value is a column, a constant or a parameter, perhaps converted.
pub(super) fn is_trivial(arg: &Expr) -> bool {
    match arg {
        Expr::Literal(..) | Expr::Column { .. } | Expr::Outer { .. } | Expr::Param { .. } => true,
        Expr::Cast(cast) => is_trivial(&cast.expr),
        Expr::Row(fields) => fields.iter().all(is_trivial),
        _ => false,
    }
}

/// The type of an argument inside the body: values of domains are values of their bases.
pub(super) fn inner_type(ty: &DataType) -> DataType {
    ty.base().into_owned()
}
