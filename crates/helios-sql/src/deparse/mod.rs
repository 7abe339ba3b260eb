//! Definitions as PostgreSQL shows them: views, constraints, defaults, index keys, policies.
//!
//! The catalog keeps what was written. To be shown, a text is parsed and bound once more with
//! [`notes`](crate::bind::notes) taken, and the syntax tree is written out as PostgreSQL's analysis
//! would have left it: columns with their tables, literals and operands with their types, `IN` and
//! `BETWEEN` as what they stand for. [`Node`](node::Node) is an expression in that shape; writing it
//! knows about parentheses and lines only.
//!
//! What cannot be shown so (constructs that PostgreSQL lacks, texts that no longer bind) is `None`,
//! and is shown as it was written.

mod call;
mod constant;
mod from;
mod node;
pub(crate) mod object;
mod print;
mod query;
mod search;
mod shape;

use helios_base::{DataType, TextContext};
use helios_expr::NoSession;
use helios_table::catalog::{Catalog, FunctionDef, TableDef, ViewDef};
use helios_table::row::Renaming;

use self::query::Output;
use crate::bind::notes::{Notes, noted_body, noted_expr, noted_query, query_types};
use crate::bind::stored::path_from;
use crate::bind::{BindContext, NoPast, relation_columns};
use crate::parse::{ast, parse_expression, parse_query};
use crate::plan::PlanColumn;
use crate::system::Names;

/// An expression that is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Its text.
    pub(crate) text: String,
    /// Whether it is one call, which needs no parentheses as a key of an index.
    pub(crate) call: bool,
}

/// The tables of one query: their names in the text, and what they are shown as.
#[derive(Clone, Debug, Default)]
struct Level {
    names: Vec<(String, String)>,
}

/// Writes one definition.
struct Writer<'a> {
    notes: &'a Notes,
    names: Names<'a>,
    /// Where names in the text are looked up.
    path: &'a [String],
    text: &'a TextContext,
    /// Parentheses only where they are needed.
    pretty: bool,
    /// Columns with their tables.
    qualify: bool,
    levels: Vec<Level>,
    indent: i32,
    out: String,
}

impl Writer<'_> {
    fn named_type(&self, ty: &ast::TypeName) -> Option<DataType> {
        crate::bind::named_type(ty, self.names.catalog, self.path).ok()
    }
}

fn context<'c>(names: &Names<'c>, path: &'c [String], text: &'c TextContext) -> BindContext<'c> {
    BindContext {
        catalog: names.catalog,
        search_path: path,
        text,
        past: &NoPast,
        runs_as: None,
        roles: None,
        session: &NoSession,
    }
}

/// The query of a view, with a semicolon.
pub(crate) fn view(view: &ViewDef, names: Names<'_>, pretty: bool) -> Option<String> {
    written_view(view, names, pretty, None)
}

/// The query of a view, as it has to be written once something it reads is called otherwise.
pub(crate) fn view_renamed(
    def: &ViewDef,
    catalog: &Catalog,
    renaming: &Renaming<'_>,
) -> Option<String> {
    let names = Names {
        catalog,
        path: &def.search_path,
        user: "",
        roles: None,
    };
    let text = written_view(def, names, true, Some(renaming))?;
    Some(text.trim().trim_end_matches(';').to_owned())
}

/// Whether the query of a view has the columns that the view has.
pub(crate) fn view_fits(def: &ViewDef, catalog: &Catalog) -> bool {
    let names = Names {
        catalog,
        path: &def.search_path,
        user: "",
        roles: None,
    };
    let text = TextContext::default();
    let context = context(&names, &def.search_path, &text);
    let types = parse_query(&def.sql).and_then(|query| query_types(&query, &def.sql, &context));
    types.is_ok_and(|types| {
        let wanted = def.columns.iter().map(|column| column.ty.base());
        types.iter().map(DataType::base).eq(wanted)
    })
}

fn written_view(
    view: &ViewDef,
    names: Names<'_>,
    pretty: bool,
    renaming: Option<&Renaming<'_>>,
) -> Option<String> {
    let text = TextContext::default();
    let query = parse_query(&view.sql).ok()?;
    let context = context(&names, &view.search_path, &text);
    let mut notes = noted_query(&query, &view.sql, &context).ok()?;
    if let Some(renaming) = renaming {
        notes.rename(renaming);
    }
    let mut writer = Writer {
        notes: &notes,
        names,
        path: &view.search_path,
        text: &text,
        pretty,
        qualify: true,
        levels: Vec::new(),
        indent: 0,
        out: String::new(),
    };
    let columns: Vec<String> = view
        .columns
        .iter()
        .map(|column| column.name.clone())
        .collect();
    let output = Output {
        names: Some(&columns),
        ..Output::default()
    };
    writer.query(&query, output)?;
    Some(writer.out + ";")
}

/// As [`view`]; a view that cannot be shown so as it was written.
pub(crate) fn view_or_text(def: &ViewDef, names: Names<'_>, pretty: bool) -> String {
    view(def, names, pretty).unwrap_or_else(|| def.sql.clone())
}

/// A query in the body of a function, indented as PostgreSQL does there.
pub(crate) fn body_query(sql: &str, def: &FunctionDef, names: Names<'_>) -> Option<String> {
    let text = TextContext::default();
    let query = parse_query(sql).ok()?;
    let path = path_from(names.catalog, &def.schema_name);
    let context = context(&names, &path, &text);
    let columns = arguments_of(def);
    let notes = noted_body(&query, sql, &def.name, &columns, &context).ok()?;
    // Arguments stand alone where there is no table whose columns they could be.
    let reads = !matches!(&query.body, ast::QueryBody::Select(select) if select.from.is_empty());
    let mut writer = Writer {
        notes: &notes,
        names,
        path: &path,
        text: &text,
        pretty: false,
        qualify: reads,
        levels: vec![Level {
            names: vec![(def.name.clone(), def.name.clone())],
        }],
        indent: 1,
        out: String::new(),
    };
    let output = Output {
        hidden: true,
        ..Output::default()
    };
    writer.query(&query, output)?;
    Some(writer.out)
}

fn arguments_of(def: &FunctionDef) -> Vec<PlanColumn> {
    let columns = def.inputs();
    columns
        .map(|arg| PlanColumn::new(arg.name.as_str(), arg.ty.base().into_owned()))
        .collect()
}

/// Where a stored expression stands.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'s> {
    /// It belongs to a table, over its columns.
    Table(&'s TableDef),
    /// It is about the value of a domain of this base, in this schema.
    Domain(&'s str, &'s DataType),
    /// It is what a function returns.
    Function(&'s FunctionDef),
    /// It stands by itself, in this schema.
    Alone(&'s str),
}

/// A stored expression; assigned to something of type `wanted`, if that is given.
pub(crate) fn expression(
    sql: &str,
    subject: Subject<'_>,
    wanted: Option<&DataType>,
    names: Names<'_>,
    pretty: bool,
) -> Option<Shown> {
    let text = TextContext::default();
    let tree = parse_expression(sql).ok()?;
    let (schema, table, columns) = match subject {
        Subject::Table(table) => (
            table.schema_name.as_str(),
            table.name.as_str(),
            relation_columns(table),
        ),
        Subject::Domain(schema, base) => (schema, "", vec![PlanColumn::new("value", base.clone())]),
        Subject::Function(def) => (
            def.schema_name.as_str(),
            def.name.as_str(),
            arguments_of(def),
        ),
        Subject::Alone(schema) => (schema, "", Vec::new()),
    };
    let path = path_from(names.catalog, schema);
    let context = context(&names, &path, &text);
    let (notes, bound) = noted_expr(&tree, sql, table, &columns, wanted, &context).ok()?;
    let mut writer = Writer {
        notes: &notes,
        names,
        path: &path,
        text: &text,
        pretty,
        qualify: false,
        levels: vec![Level {
            names: vec![(table.to_owned(), table.to_owned())],
        }],
        indent: 0,
        out: String::new(),
    };
    let to = wanted.is_some().then(|| bound.ty());
    let node = writer.value(&tree, to)?;
    writer.node(&node, false)?;
    Some(Shown {
        text: writer.out,
        call: node.looks_like_call(),
    })
}

/// As [`expression`]; one that cannot be shown so as it was written.
pub(crate) fn expression_or_text(
    sql: &str,
    subject: Subject<'_>,
    wanted: Option<&DataType>,
    names: Names<'_>,
    pretty: bool,
) -> String {
    expression(sql, subject, wanted, names, pretty).map_or_else(|| sql.to_owned(), |s| s.text)
}
