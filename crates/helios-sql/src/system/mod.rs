//! The system's relations: `pg_catalog` and `information_schema`.
//!
//! Their rows are computed when a statement is bound, from the catalog it is bound against (and,
//! for a few, from the sessions), and stand in its plan as values.

pub(crate) mod acl;
mod cluster;
mod columns;
mod depend;
mod extensions;
pub(crate) mod functions;
mod information_schema;
mod information_types;
mod io_functions;
mod names;
mod objects;
mod opclasses;
mod policies;
mod privileges;
mod proc_list;
mod procs;
mod relation;
mod roles;
pub(crate) mod routines;
mod runtime;
mod tables;
mod types;

use helios_base::{DataType, Result, Value};
use helios_expr::{Expr, SessionHooks};
use helios_table::Catalog;

use crate::plan::{ColumnOrigin, Plan, PlanColumn, Values};
pub(crate) use acl::show as acl_item;
pub(crate) use extensions::EXTENSIONS;
pub(crate) use names::Names;
pub(crate) use objects::number as attnum;
use relation::Relation;

/// The schemas that the system's relations are in.
pub(crate) const SCHEMAS: [&str; 2] = ["pg_catalog", "information_schema"];

/// The object identifiers of these schemas.
const PG_CATALOG: u32 = 11;
const INFORMATION_SCHEMA: u32 = 13_000;
/// The identifier of the only role.
const OWNER: u32 = 10;
/// The number of the one database.
pub(crate) const DATABASE_OID: u32 = 1;

/// The number of a schema of the system.
pub(crate) fn schema_oid(name: &str) -> Option<u32> {
    match name {
        "pg_catalog" => Some(PG_CATALOG),
        "information_schema" => Some(INFORMATION_SCHEMA),
        _ => None,
    }
}

/// Refuses a schema that is neither the system's nor in the catalog.
///
/// # Errors
/// 3F000
pub(crate) fn require_schema(catalog: &Catalog, schema: Option<&str>) -> Result<()> {
    match schema {
        Some(schema) if !SCHEMAS.contains(&schema) => catalog.require_schema(schema).map(drop),
        _ => Ok(()),
    }
}

/// What the rows are computed from.
pub(crate) struct Source<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) session: &'a dyn SessionHooks,
    /// Where names are looked up.
    pub(crate) path: &'a [String],
    /// All roles; the catalog's if not given.
    pub(crate) roles: Option<&'a helios_table::catalog::Roles>,
}

impl Source<'_> {
    /// The names that definitions are shown with.
    fn names(&self) -> Names<'_> {
        Names {
            catalog: self.catalog,
            path: self.path,
            user: "",
            roles: self.roles,
        }
    }

    /// The name of an object's owner.
    fn owner_name(&self, object: u32) -> String {
        self.role_name(self.catalog.owner(object))
    }

    /// The name of a role.
    fn role_name(&self, role: helios_table::catalog::RoleId) -> String {
        match self.roles {
            Some(roles) => roles.name(role),
            None => self.catalog.roles().name(role),
        }
    }
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
    let own = all().find(|r| r.schema == wanted && r.name == name);
    let declared = columns::of(wanted, name);
    let schema = own.map(|own| own.schema).or(declared.map(|d| d.schema))?;
    // PostgreSQL's columns in its order, then those that only we have.
    let mut shape: Vec<(PlanColumn, Option<usize>)> = Vec::new();
    let place = |name: &str| own?.columns.iter().position(|(own, _)| *own == name);
    for column in declared.map_or(&[][..], |declared| &declared.columns) {
        let planned = PlanColumn::new(column.name, column.ty.clone());
        shape.push((planned, place(column.name)));
    }
    for (at, (name, ty)) in own.map_or(&[][..], |own| own.columns).iter().enumerate() {
        if !shape.iter().any(|(_, place)| *place == Some(at)) {
            shape.push((PlanColumn::new(*name, ty.data_type()), Some(at)));
        }
    }
    let oid = relation_oid(Some(schema), name).unwrap_or(0);
    for ((column, _), number) in shape.iter_mut().zip(1..) {
        column.origin = Some(ColumnOrigin {
            relation: oid,
            number,
        });
    }
    let rows = own.map_or_else(Vec::new, |own| (own.rows)(source));
    let rows = rows.into_iter().map(|row| literals(&row, &shape)).collect();
    Some(SystemRelation {
        plan: Plan::Values(Box::new(Values {
            rows,
            columns: shape.into_iter().map(|(column, _)| column).collect(),
        })),
        schema,
        steady: own.is_none_or(|own| own.steady),
    })
}

/// What `pg_get_function_arguments` and `pg_get_function_result` say of a function.
pub(crate) fn function_text(oid: u32, result: bool) -> Option<String> {
    let Some(function) = proc_list::by_oid(oid) else {
        let function = io_functions::by_oid(oid)?;
        return Some(match result {
            true => function.result_text(),
            false => function.arguments(", "),
        });
    };
    Some(if result {
        function.result_text()
    } else {
        function.arguments(", ")
    })
}

/// The name of a polymorphic pseudo-type.
pub(crate) fn pseudo_type(oid: u32) -> Option<&'static str> {
    let mut all = types::PSEUDO.iter();
    all.find(|(number, _)| *number == oid)
        .map(|(_, name)| *name)
}

/// Names of the system's relations, for completion and suggestions.
pub(crate) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let known = |schema, name| columns::of(schema, name).is_some();
    let own = all().filter(move |relation| !known(relation.schema, relation.name));
    let declared = columns::all().iter();
    declared
        .map(|relation| (relation.schema, relation.name))
        .chain(own.map(|relation| (relation.schema, relation.name)))
}

/// The columns of a relation of the system with their places, counted from 1.
fn column_names(schema: &str, name: &str) -> Vec<(helios_base::ColumnId, String)> {
    let declared = columns::of(schema, name).map_or(&[][..], |declared| &declared.columns);
    let own = all().find(|r| r.schema == schema && r.name == name);
    let own = own.map_or(&[][..], |own| own.columns);
    let known = |name: &str| declared.iter().any(|column| column.name == name);
    let more = own
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !known(name));
    let names = declared.iter().map(|column| column.name).chain(more);
    names
        .zip(1..)
        .map(|(name, at)| (helios_base::ColumnId(at), name.to_owned()))
        .collect()
}

/// The object identifiers of `pg_catalog`'s tables are PostgreSQL's, as tools know them by heart;
/// views are numbered after [`FIRST_VIEW`].
const OIDS: [(&str, u32); 61] = [
    ("pg_type", 1247),
    ("pg_attribute", 1249),
    ("pg_proc", 1255),
    ("pg_class", 1259),
    ("pg_authid", 1260),
    ("pg_auth_members", 1261),
    ("pg_database", 1262),
    ("pg_tablespace", 1213),
    ("pg_shdepend", 1214),
    ("pg_shdescription", 2396),
    ("pg_foreign_server", 1417),
    ("pg_user_mapping", 1418),
    ("pg_sequence", 2224),
    ("pg_foreign_data_wrapper", 2328),
    ("pg_aggregate", 2600),
    ("pg_am", 2601),
    ("pg_amop", 2602),
    ("pg_amproc", 2603),
    ("pg_attrdef", 2604),
    ("pg_cast", 2605),
    ("pg_constraint", 2606),
    ("pg_conversion", 2607),
    ("pg_depend", 2608),
    ("pg_description", 2609),
    ("pg_index", 2610),
    ("pg_inherits", 2611),
    ("pg_language", 2612),
    ("pg_namespace", 2615),
    ("pg_opclass", 2616),
    ("pg_operator", 2617),
    ("pg_rewrite", 2618),
    ("pg_statistic", 2619),
    ("pg_trigger", 2620),
    ("pg_opfamily", 2753),
    ("pg_default_acl", 826),
    ("pg_db_role_setting", 2964),
    ("pg_largeobject_metadata", 2995),
    ("pg_extension", 3079),
    ("pg_foreign_table", 3118),
    ("pg_policy", 3256),
    ("pg_partitioned_table", 3350),
    ("pg_statistic_ext", 3381),
    ("pg_init_privs", 3394),
    ("pg_statistic_ext_data", 3429),
    ("pg_collation", 3456),
    ("pg_event_trigger", 3466),
    ("pg_enum", 3501),
    ("pg_range", 3541),
    ("pg_transform", 3576),
    ("pg_shseclabel", 3592),
    ("pg_seclabel", 3596),
    ("pg_ts_dict", 3600),
    ("pg_ts_parser", 3601),
    ("pg_ts_config", 3602),
    ("pg_ts_config_map", 3603),
    ("pg_ts_template", 3764),
    ("pg_subscription", 6100),
    ("pg_publication", 6104),
    ("pg_publication_rel", 6106),
    ("pg_publication_namespace", 6237),
    ("pg_parameter_acl", 6243),
];

/// The number of the first relation that has none of PostgreSQL's.
const FIRST_VIEW: u32 = 13_100;

/// The object identifier of a system relation; without schema, of `pg_catalog`.
pub(crate) fn relation_oid(schema: Option<&str>, name: &str) -> Option<u32> {
    let wanted = schema.unwrap_or("pg_catalog");
    let (number, _) = (FIRST_VIEW..)
        .zip(names())
        .find(|(_, relation)| *relation == (wanted, name))?;
    let known = OIDS.iter().find(|(known, _)| *known == name);
    Some(known.map_or(number, |(_, oid)| *oid))
}

/// Schema and name of the system relation of this number.
pub(crate) fn relation_name(oid: u32) -> Option<(&'static str, &'static str)> {
    numbered()
        .find(|(number, _)| *number == oid)
        .map(|(_, relation)| relation)
}

/// Whether a relation of `pg_catalog` is a table in PostgreSQL.
fn is_table(name: &str) -> bool {
    OIDS.iter().any(|(known, _)| *known == name)
}

fn numbered() -> impl Iterator<Item = (u32, (&'static str, &'static str))> {
    (FIRST_VIEW..).zip(names()).map(|(number, relation)| {
        let known = OIDS.iter().find(|(name, _)| *name == relation.1);
        (known.map_or(number, |(_, oid)| *oid), relation)
    })
}

fn all() -> impl Iterator<Item = &'static Relation> {
    [
        objects::RELATIONS,
        opclasses::RELATIONS,
        tables::RELATIONS,
        types::RELATIONS,
        runtime::RELATIONS,
        procs::RELATIONS,
        routines::RELATIONS,
        depend::RELATIONS,
        cluster::RELATIONS,
        extensions::RELATIONS,
        roles::RELATIONS,
        acl::RELATIONS,
        policies::RELATIONS,
        privileges::RELATIONS,
        information_schema::RELATIONS,
        information_types::RELATIONS,
    ]
    .into_iter()
    .flatten()
}

/// A row in the shape of its relation.
fn literals(row: &[Value], shape: &[(PlanColumn, Option<usize>)]) -> Vec<Expr> {
    shape
        .iter()
        .map(|(column, place)| {
            let value = match place {
                Some(at) => row.get(*at).cloned().unwrap_or(Value::Null),
                None => columns::nothing(&column.ty),
            };
            Expr::Literal(value, column.ty.clone())
        })
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
    Oids,
    Texts,
    Regtypes,
}

impl Ty {
    fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Bool,
            Self::Char => DataType::CharByte,
            Self::Text => DataType::Text,
            Self::Int2 => DataType::Int2,
            Self::Int4 => DataType::Int4,
            Self::Int8 => DataType::Int8,
            Self::Float4 => DataType::Float4,
            Self::Oid => DataType::Oid,
            Self::Name => DataType::Name,
            Self::Float8 => DataType::Float8,
            Self::Jsonb => DataType::Jsonb,
            Self::Time => DataType::TimestampTz(None),
            Self::Texts => DataType::Array(Box::new(DataType::Text)),
            Self::Int2s => DataType::Array(Box::new(DataType::Int2)),
            Self::Oids => DataType::OidVector,
            Self::Regtypes => DataType::Array(Box::new(DataType::Reg(helios_base::RegKind::Type))),
        }
    }
}
