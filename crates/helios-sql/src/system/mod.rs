//! The system's relations: `pg_catalog` and `information_schema`.
//!
//! Their rows are computed when a statement is bound, from the catalog it is bound against (and,
//! for a few, from the sessions), and stand in its plan as values.

pub(crate) mod functions;
mod information_schema;
mod objects;
mod relation;
mod runtime;
mod tables;
mod types;

use helios_base::{DataType, Row, Value};
use helios_expr::{Expr, SessionHooks};
use helios_table::Catalog;

use crate::plan::{Plan, PlanColumn, Values};
use relation::Relation;

/// The schemas that the system's relations are in.
pub(crate) const SCHEMAS: [&str; 2] = ["pg_catalog", "information_schema"];

/// The object identifiers of these schemas.
const PG_CATALOG: u32 = 11;
const INFORMATION_SCHEMA: u32 = 13_000;
/// The identifier of the only role.
const OWNER: u32 = 10;

/// What the rows are computed from.
pub(crate) struct Source<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) session: &'a dyn SessionHooks,
}

/// A system relation with its rows.
pub(crate) struct SystemRelation {
    /// The rows as a plan.
    pub(crate) plan: Plan,
    /// The schema it is in.
    pub(crate) schema: &'static str,
    /// Whether the rows follow from the catalog alone, so that the plan may be kept.
    pub(crate) steady: bool,
}

/// The system relation of this name; without schema, of `pg_catalog`.
pub(crate) fn relation(
    schema: Option<&str>,
    name: &str,
    source: &Source<'_>,
) -> Option<SystemRelation> {
    let wanted = schema.unwrap_or("pg_catalog");
    let found = all().find(|r| r.schema == wanted && r.name == name)?;
    let columns: Vec<PlanColumn> = found
        .columns
        .iter()
        .map(|(name, ty)| PlanColumn::new(*name, ty.data_type()))
        .collect();
    let rows = (found.rows)(source)
        .into_iter()
        .map(|row| literals(row, &columns))
        .collect();
    Some(SystemRelation {
        plan: Plan::Values(Box::new(Values { rows, columns })),
        schema: found.schema,
        steady: found.steady,
    })
}

/// Names of the system's relations, for completion and suggestions.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    all().map(|relation| (relation.schema, relation.name))
}

fn all() -> impl Iterator<Item = &'static Relation> {
    [
        objects::RELATIONS,
        tables::RELATIONS,
        types::RELATIONS,
        runtime::RELATIONS,
        information_schema::RELATIONS,
    ]
    .into_iter()
    .flatten()
}

fn literals(row: Row, columns: &[PlanColumn]) -> Vec<Expr> {
    debug_assert_eq!(row.len(), columns.len(), "columns of a system relation");
    row.into_iter()
        .zip(columns)
        .map(|(value, column)| Expr::Literal(value, column.ty.clone()))
        .collect()
}

fn text(text: impl Into<std::sync::Arc<str>>) -> Value {
    Value::text(text)
}

fn yes_no(truth: bool) -> Value {
    text(if truth { "YES" } else { "NO" })
}

/// A list of column numbers, as `indkey` and `conkey` hold them.
fn numbers(list: impl IntoIterator<Item = i16>) -> Value {
    let elements = list.into_iter().map(Value::Int2).collect();
    Value::from(helios_base::ArrayValue::one_dimensional(elements))
}

/// The types of the columns of system relations.
#[derive(Clone, Copy, Debug)]
enum Ty {
    Bool,
    Char,
    Int2,
    Int4,
    Int8,
    Float4,
    Oid,
    Name,
    Text,
    Float8,
    Jsonb,
    Time,
    Int2s,
    Texts,
}

impl Ty {
    fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Bool,
            // PostgreSQL's one-byte "char" reads as text everywhere that matters.
            Self::Char | Self::Text => DataType::Text,
            Self::Int2 => DataType::Int2,
            Self::Int4 => DataType::Int4,
            Self::Int8 => DataType::Int8,
            Self::Float4 => DataType::Float4,
            Self::Oid => DataType::Oid,
            Self::Name => DataType::Name,
            Self::Float8 => DataType::Float8,
            Self::Jsonb => DataType::Jsonb,
            Self::Time => DataType::TimestampTz,
            Self::Texts => DataType::Array(Box::new(DataType::Text)),
            Self::Int2s => DataType::Array(Box::new(DataType::Int2)),
        }
    }
}
