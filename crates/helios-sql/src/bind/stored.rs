//! Expressions that the catalog keeps as text: defaults, checks, generated columns, index keys and
//! predicates.

use helios_base::{DataType, Error, Result, SqlState, TextContext};
use helios_expr::{Expr, NoSession, ParamTypes, Volatility};
use helios_table::catalog::{ColumnDef, FunctionDef, TableDef, TypeId, ViewDef};
use helios_table::row::Renaming;
use helios_table::{Catalog, TableExprs};

use super::relation::table_columns;
use super::scope::{Clause, Scope};
use super::{BindContext, Binder};
use crate::parse::ast::{self, ExprKind};
use crate::parse::lexer::{Kind, tokenize};
use crate::parse::{parse_expression, quote_ident};
use crate::plan::PlanColumn;

/// Compiles stored expressions for the table crate.
///
/// Literals in them are read with the default settings, so that they mean the same in every
/// session.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoredExprs;

impl TableExprs for StoredExprs {
    fn compile(
        &self,
        catalog: &Catalog,
        table: &TableDef,
        sql: &str,
        wanted: Option<&DataType>,
    ) -> Result<Expr> {
        let text = TextContext::default();
        let path = path_from(catalog, &table.schema_name);
        let context = BindContext {
            catalog,
            search_path: &path,
            text: &text,
            past: &super::NoPast,
            runs_as: None,
            roles: None,
            session: &NoSession,
        };
        compile(sql, &table.name, &table_columns(table), wanted, &context)
    }

    fn calls(&self, catalog: &Catalog, schema: &str, sql: &str, function: &FunctionDef) -> bool {
        calls(catalog, schema, sql, function)
    }

    fn rename_in_view(
        &self,
        catalog: &Catalog,
        view: &ViewDef,
        renaming: &Renaming<'_>,
    ) -> Option<String> {
        crate::deparse::view_renamed(view, catalog, renaming)
    }

    fn view_fits(&self, catalog: &Catalog, view: &ViewDef) -> bool {
        crate::deparse::view_fits(view, catalog)
    }

    fn rename_column(&self, table: &TableDef, sql: &str, from: &str, to: &str) -> Result<String> {
        rename_column(sql, &table.name, from, to)
    }
}

/// Whether an expression calls a function: names it, with as many arguments as it may have. What
/// cannot be read may.
fn calls(catalog: &Catalog, schema: &str, sql: &str, function: &FunctionDef) -> bool {
    if !sql.to_lowercase().contains(&function.name.to_lowercase()) {
        return false;
    }
    let Ok(tree) = parse_expression(sql) else {
        return true;
    };
    let path = path_from(catalog, schema);
    find(&tree, &|expr| {
        let ExprKind::Call(call) = &expr.kind else {
            return false;
        };
        let schema = call.name.schema.as_ref().map(|schema| &*schema.name);
        let (least, most) = (
            function
                .inputs()
                .filter(|arg| arg.default.is_none())
                .count(),
            function.inputs().count(),
        );
        let count = call.args.len();
        call.name.name.name == function.name
            && (count >= least && count <= most || function.variadic().is_some())
            && catalog
                .resolve_functions(schema, &function.name, &path)
                .iter()
                .any(|found| found.id == function.id)
    })
    .is_some()
}

/// Where names in stored texts are looked up: first in the schema of what they belong to, then in
/// all others, as the text does not say what the path was when it was written.
pub(crate) fn path_from(catalog: &Catalog, first: &str) -> Vec<String> {
    let mut path = vec![first.to_owned()];
    if first != "public" {
        path.push("public".to_owned());
    }
    let others = catalog.schemas().map(|schema| &schema.name);
    path.extend(
        others
            .filter(|name| *name != first && *name != "public")
            .cloned(),
    );
    path
}

/// The condition of a domain over its value, which is column 0.
pub(crate) type DomainExpr = Expr;

/// Compiles a condition of a domain in `schema` over `VALUE`, of type `base`.
///
/// # Errors
/// What is wrong with the expression.
pub(crate) fn domain_check(
    catalog: &Catalog,
    schema: &str,
    sql: &str,
    base: &DataType,
) -> Result<DomainExpr> {
    let text = TextContext::default();
    let path = path_from(catalog, schema);
    let context = BindContext {
        catalog,
        search_path: &path,
        text: &text,
        session: &NoSession,
        past: &super::NoPast,
        runs_as: None,
        roles: None,
    };
    let value = PlanColumn::new("value", base.clone());
    compile(sql, "", &[value], Some(&DataType::Bool), &context)
}

/// Compiles `sql`, an expression over a row of `columns`; converted to `wanted` by assignment if
/// that is given.
///
/// # Errors
/// What is wrong with the expression, without position: the text is not the user's statement.
pub fn compile(
    sql: &str,
    table: &str,
    columns: &[PlanColumn],
    wanted: Option<&DataType>,
    context: &BindContext<'_>,
) -> Result<Expr> {
    let tree = parse_expression(sql).map_err(without_position)?;
    let types = ParamTypes::default();
    let mut binder = Binder::new(context, None, &types);
    let mut expr = binder.over_columns(&tree, table, columns, "stored expressions")?;
    expr = match wanted {
        Some(DataType::Bool) => binder.builder.condition(expr, "stored expression")?,
        Some(ty) => binder.builder.assign(expr, ty, "?column?")?,
        None => binder.builder.settle(expr)?,
    };
    super::rewrite::fold(&mut expr, context);
    Ok(expr)
}

fn without_position(error: Error) -> Error {
    Error::new(error.sqlstate(), error.message().to_owned())
}

/// The stored text after column `from` was renamed to `to`: names are tokens, so strings and
/// comments stay as they are.
///
/// # Errors
/// 42601 if the text cannot be read.
pub fn rename_column(sql: &str, table: &str, from: &str, to: &str) -> Result<String> {
    let tokens = tokenize(sql)?;
    let name_of = |kind: &Kind| match kind {
        Kind::Word(name) | Kind::Quoted(name) => Some(name.clone()),
        _ => None,
    };
    let is_dot = |index: usize| {
        tokens
            .get(index)
            .is_some_and(|token| sql.get(token.start..token.end) == Some("."))
    };
    let is_call = |index: usize| {
        tokens
            .get(index)
            .is_some_and(|token| sql.get(token.start..token.end) == Some("("))
    };
    let mut out = String::with_capacity(sql.len());
    let mut done = 0;
    for (index, token) in tokens.iter().enumerate() {
        let Some(name) = name_of(&token.kind).filter(|name| name == from) else {
            continue;
        };
        let qualified = index >= 2 && is_dot(index - 1);
        let ours = qualified
            && tokens
                .get(index - 2)
                .and_then(|token| name_of(&token.kind))
                .is_some_and(|name| name == table);
        let keyword = matches!(&token.kind, Kind::Word(word) if quote_ident(word) != *word);
        if keyword || is_dot(index + 1) || is_call(index + 1) || (qualified && !ours) {
            continue;
        }
        let _ = name;
        out.push_str(sql.get(done..token.start).unwrap_or_default());
        out.push_str(&quote_ident(to));
        done = token.end;
    }
    out.push_str(sql.get(done..).unwrap_or_default());
    Ok(out)
}

impl Binder<'_> {
    /// An expression over a row of `columns` of one table; `clause` names its place in errors.
    pub(super) fn over_columns(
        &mut self,
        expr: &ast::Expr,
        table: &str,
        columns: &[PlanColumn],
        clause: &'static str,
    ) -> Result<Expr> {
        if let Some(pos) = subquery_in(expr) {
            return Err(self.at(
                Error::unsupported(format!("cannot use subquery in {}", singular(clause))),
                pos,
            ));
        }
        self.push_level(Scope::kept(table.into(), columns), None);
        self.set_clause(Clause::Plain(clause));
        let bound = self.expr(expr);
        self.pop_level();
        if let Ok(value) = &bound
            && value.any(&mut |part| matches!(part, Expr::Subplan { .. }))
        {
            let error = Error::unsupported(format!(
                "cannot use a function that reads tables in {}",
                singular(clause)
            ));
            return Err(self.at(error, expr.pos));
        }
        bound
    }

    /// A default: an expression without columns, of the column's type.
    pub(super) fn default_expr(
        &mut self,
        expr: &ast::Expr,
        ty: &DataType,
        column: &str,
    ) -> Result<Expr> {
        if let Some(pos) = column_in(expr) {
            return Err(self.at(
                Error::unsupported("cannot use column reference in DEFAULT expression"),
                pos,
            ));
        }
        let value = self.over_columns(expr, "", &[], "DEFAULT expressions")?;
        let from = helios_expr::resolve::type_name(value.ty());
        let assigned = self.builder.assign(value, ty, column).map_err(|error| {
            if error.sqlstate() != SqlState::DATATYPE_MISMATCH {
                return error;
            }
            Error::new(
                SqlState::DATATYPE_MISMATCH,
                format!(
                    "column \"{column}\" is of type {} but default expression is of type {from}",
                    helios_expr::resolve::type_name(ty)
                ),
            )
            .with_hint("You will need to rewrite or cast the expression.")
        });
        self.place_literal(assigned, expr.pos, &[expr])
    }

    /// The value of a column that is not given: its default, the next number of its identity, or
    /// nothing.
    pub(super) fn column_default(&self, column: &ColumnDef) -> Result<Option<Expr>> {
        let sql = match (&column.default, &column.identity) {
            (Some(sql), _) => sql.clone(),
            (None, Some(identity)) => self
                .context
                .catalog
                .sequence_by_id(identity.sequence)
                .ok_or_else(|| {
                    Error::internal(format!(
                        "the identity of \"{}\" has no sequence",
                        column.name
                    ))
                })?
                .nextval_sql(),
            (None, None) => return self.domain_default(column),
        };
        let schema = self.search_path.first().map_or("public", String::as_str);
        self.stored_default(&sql, schema, &column.ty).map(Some)
    }

    pub(super) fn stored_default(&self, sql: &str, schema: &str, ty: &DataType) -> Result<Expr> {
        let mut path = self.search_path.clone();
        path.extend(path_from(self.context.catalog, schema));
        let context = BindContext {
            search_path: &path,
            ..*self.context
        };
        compile(sql, "", &[], Some(ty), &context)
    }

    /// The default of a column's domain, or of the domain's; a domain with conditions judges even
    /// the `NULL` of a column without one.
    fn domain_default(&self, column: &ColumnDef) -> Result<Option<Expr>> {
        let mut ty = &column.ty;
        let mut judged = false;
        while let DataType::User(user) = ty
            && let Some(domain) = user.as_domain()
        {
            judged |= domain.not_null || domain.checked;
            let found = self.context.catalog.type_by_id(TypeId(user.oid));
            let default = found.and_then(|def| Some((def, def.as_domain()?.default.as_ref()?)));
            if let Some((def, sql)) = default {
                return self
                    .stored_default(sql, &def.schema_name, &column.ty)
                    .map(Some);
            }
            ty = &domain.base;
        }
        if !judged {
            return Ok(None);
        }
        let null = self.builder.assign(Expr::NULL, &column.ty, &column.name)?;
        Ok(Some(null))
    }

    /// Refuses an expression that is not the same at all times.
    pub(super) fn immutable(
        &self,
        expr: &Expr,
        message: &'static str,
        pos: crate::parse::Pos,
    ) -> Result<()> {
        if expr.volatility() == Volatility::Immutable {
            return Ok(());
        }
        Err(self.fail(SqlState::INVALID_OBJECT_DEFINITION, message, pos))
    }
}

fn singular(clause: &str) -> &str {
    match clause {
        "check constraints" => "check constraint",
        "index expressions" => "index expression",
        "index predicates" => "index predicate",
        "column generation expressions" => "column generation expression",
        "DEFAULT expressions" => "DEFAULT expression",
        "transform expressions" => "transform expression",
        other => other,
    }
}

/// Where the first subquery of an expression stands.
pub(super) fn subquery_in(expr: &ast::Expr) -> Option<crate::parse::Pos> {
    find(expr, &|expr| {
        matches!(
            expr.kind,
            ExprKind::Subquery(_)
                | ExprKind::Exists(_)
                | ExprKind::ArrayQuery(_)
                | ExprKind::InQuery { .. }
                | ExprKind::Quantified {
                    right: ast::Quantity::Query(_),
                    ..
                }
        )
    })
}

/// Where the first column of an expression stands.
pub(super) fn column_in(expr: &ast::Expr) -> Option<crate::parse::Pos> {
    find(expr, &|expr| matches!(expr.kind, ExprKind::Column(_)))
}

fn find(expr: &ast::Expr, wanted: &dyn Fn(&ast::Expr) -> bool) -> Option<crate::parse::Pos> {
    if wanted(expr) {
        return Some(expr.pos);
    }
    let mut found = None;
    expr.for_each_child(&mut |child| found = found.or_else(|| find(child, wanted)));
    found
}
