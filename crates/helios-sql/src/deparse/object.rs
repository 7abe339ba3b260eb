//! Objects that hold expressions: how their definitions show them.

use helios_base::{DataType, RegKind};
use helios_table::catalog::{
    Catalog, ColumnDef, ConstraintDef, DefinitionStyle, IndexDef, TableDef, TypeDef, ViewDef,
};

use super::{Subject, expression, expression_or_text};
use crate::parse::{ast::ExprKind, parse_expression, quote_ident};
use crate::system::Names;

/// Definitions as PostgreSQL shows them to one session.
#[derive(Clone, Copy)]
pub struct Definitions<'a> {
    names: Names<'a>,
    pretty: bool,
}

impl std::fmt::Debug for Definitions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Definitions")
            .field("pretty", &self.pretty)
            .finish_non_exhaustive()
    }
}

impl<'a> Definitions<'a> {
    /// Without superfluous parentheses; names as short as `path` allows.
    #[must_use]
    pub fn pretty(catalog: &'a Catalog, path: &'a [String]) -> Self {
        let names = Names {
            catalog,
            path,
            user: "",
            roles: None,
        };
        Self {
            names,
            pretty: true,
        }
    }

    /// The query of a view, with a semicolon.
    #[must_use]
    pub fn view(&self, view: &ViewDef) -> String {
        super::view_or_text(view, self.names, self.pretty)
    }

    /// What a column has of itself: its default, or what generates it.
    #[must_use]
    pub fn column_value(&self, table: &TableDef, column: &ColumnDef) -> Option<String> {
        column_value(table, column, self.names, self.pretty)
    }

    fn shown(&self, table: &TableDef, sql: &str) -> String {
        let wanted = Some(&DataType::Bool);
        expression_or_text(sql, Subject::Table(table), wanted, self.names, self.pretty)
    }

    /// A table's name, with its schema unless the path finds it.
    fn by_path(&self, table: &TableDef) -> String {
        let name = self.names.name_of(RegKind::Class, table.id.0);
        name.unwrap_or_else(|| quote_ident(&table.name).to_string())
    }
}

impl DefinitionStyle for Definitions<'_> {
    fn name(&self, name: &str) -> String {
        quote_ident(name).to_string()
    }

    fn indexed_table(&self, table: &TableDef) -> String {
        if self.pretty {
            return self.by_path(table);
        }
        let schema = quote_ident(&table.schema_name);
        format!("{schema}.{}", quote_ident(&table.name))
    }

    fn referenced_table(&self, table: &TableDef) -> String {
        self.by_path(table)
    }

    fn key(&self, table: &TableDef, sql: &str) -> String {
        let subject = Subject::Table(table);
        match expression(sql, subject, None, self.names, self.pretty) {
            Some(shown) if shown.call => shown.text,
            Some(shown) => format!("({})", shown.text),
            None => format!("({sql})"),
        }
    }

    fn predicate(&self, table: &TableDef, sql: &str) -> String {
        self.shown(table, sql)
    }

    fn condition(&self, table: &TableDef, sql: &str) -> String {
        self.shown(table, sql)
    }
}

/// `pg_get_indexdef`
pub(crate) fn index(table: &TableDef, index: &IndexDef, names: Names<'_>, pretty: bool) -> String {
    index.definition(table, &Definitions { names, pretty })
}

/// One key of an index, counted from 0: an expression, or a column of it.
pub(crate) fn index_key(
    table: &TableDef,
    index: &IndexDef,
    at: usize,
    names: Names<'_>,
    pretty: bool,
) -> Option<String> {
    if let Some(key) = index.keys.get(at) {
        return Some(key.source_definition(table, &Definitions { names, pretty }));
    }
    let column = index.include.get(at.checked_sub(index.keys.len())?)?;
    Some(quote_ident(&table.column_by_id(*column)?.1.name).to_string())
}

/// `pg_get_constraintdef` of a table's constraint.
pub(crate) fn constraint(
    constraint: &ConstraintDef,
    catalog: &Catalog,
    table: &TableDef,
    names: Names<'_>,
    pretty: bool,
) -> String {
    constraint.definition(catalog, table, &Definitions { names, pretty })
}

/// A condition of a domain.
pub(crate) fn domain_check(def: &TypeDef, sql: &str, names: Names<'_>, pretty: bool) -> String {
    let Some(domain) = def.as_domain() else {
        return sql.to_owned();
    };
    let base = domain.base.base();
    let subject = Subject::Domain(&def.schema_name, &base);
    expression_or_text(sql, subject, Some(&DataType::Bool), names, pretty)
}

/// The default of a domain.
pub(crate) fn domain_default(def: &TypeDef, sql: &str, names: Names<'_>, pretty: bool) -> String {
    let base = def
        .as_domain()
        .map(|domain| domain.base.base().into_owned());
    let subject = Subject::Alone(&def.schema_name);
    expression_or_text(sql, subject, base.as_ref(), names, pretty)
}

/// What a column has of itself: its default, or what generates it.
pub(crate) fn column_value(
    table: &TableDef,
    column: &ColumnDef,
    names: Names<'_>,
    pretty: bool,
) -> Option<String> {
    let (sql, subject) = match (&column.default, &column.generated) {
        (Some(_), _) if !shows_default(column) => return None,
        (Some(sql), _) => (sql, Subject::Alone(table.schema_name.as_str())),
        (None, Some(generated)) => (&generated.sql, Subject::Table(table)),
        (None, None) => return None,
    };
    let wanted = column.ty.base();
    Some(expression_or_text(
        sql,
        subject,
        Some(&wanted),
        names,
        pretty,
    ))
}

/// Whether a column has a default that is shown: `NULL` is what it would be anyway.
pub(crate) fn shows_default(column: &ColumnDef) -> bool {
    let default = column.default.as_deref();
    default.is_some_and(|sql| !sql.trim().eq_ignore_ascii_case("null"))
}

/// What marks the text of a column's default in `pg_attrdef`.
const COLUMN_MARK: &str = " -- column ";

/// The text in `pg_attrdef.adbin`: what was written, and for which column.
pub(crate) fn stored_default(sql: &str, column: &ColumnDef) -> String {
    format!("{sql}{COLUMN_MARK}{}", column.id)
}

/// `pg_get_expr`: what `pg_attrdef`, `pg_constraint`, `pg_index`, `pg_policy` and `pg_type` hold.
pub(crate) fn stored(sql: &str, relation: u32, names: Names<'_>, pretty: bool) -> String {
    let found = names.catalog.relation_by_oid(relation);
    let Some(helios_table::catalog::Relation::Table(table)) = found else {
        return expression_or_text(sql, Subject::Alone("public"), None, names, pretty);
    };
    if let Some((text, column)) = sql.rsplit_once(COLUMN_MARK) {
        let mut columns = table.columns.iter();
        let column = columns.find(|known| known.id.to_string() == column);
        let value = column.and_then(|column| column_value(&table, column, names, pretty));
        return value.unwrap_or_else(|| text.to_owned());
    }
    let subject = Subject::Table(&table);
    // The expressions of an index, as one row.
    if let Ok(tree) = parse_expression(sql)
        && let ExprKind::Row(_) = &tree.kind
        && let Some(keys) = index_expressions(&table, sql)
    {
        let shown = keys.iter();
        let shown = shown.map(|key| expression_or_text(key, subject, None, names, pretty));
        let mut text = String::new();
        for key in shown {
            if !text.is_empty() {
                text.push_str(if key.starts_with('\n') { "," } else { ", " });
            }
            text.push_str(&key);
        }
        return text;
    }
    expression_or_text(sql, subject, None, names, pretty)
}

/// The text in `pg_index.indexprs`.
pub(crate) fn stored_keys(index: &IndexDef) -> Option<String> {
    let keys: Vec<&str> = expressions(index).collect();
    (!keys.is_empty()).then(|| format!("ROW({})", keys.join(", ")))
}

fn expressions(index: &IndexDef) -> impl Iterator<Item = &str> {
    index.keys.iter().filter_map(|key| match &key.source {
        helios_table::catalog::KeySource::Expression { expr, .. } => Some(expr.sql.as_str()),
        helios_table::catalog::KeySource::Column(_) => None,
    })
}

fn index_expressions(table: &TableDef, sql: &str) -> Option<Vec<String>> {
    let index = table
        .indexes
        .iter()
        .find(|index| stored_keys(index).as_deref() == Some(sql))?;
    Some(expressions(index).map(str::to_owned).collect())
}
