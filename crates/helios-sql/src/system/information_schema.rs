//! `information_schema`.

use helios_base::{DataType, Row, Value};
use helios_table::catalog::{CheckOption, ConstraintKind, FkAction, TableDef, ViewDef};
use helios_table::is_temporary_schema;

use crate::bind::updatable;
use crate::deparse;

use super::Ty::{Int4, Name, Text};
use super::objects::constrained;
use super::relation::{Relation, pg};
use super::{Source, text, yes_no};

pub(super) const HERE: &str = "information_schema";

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "schemata",
        &[
            ("catalog_name", Name),
            ("schema_name", Name),
            ("schema_owner", Name),
        ],
        |source| {
            let row = |name: &str| {
                vec![
                    text(source.session.current_database()),
                    text(name),
                    text(source.session.session_user()),
                ]
            };
            let own = source.catalog.schemas().map(|schema| row(&schema.name));
            super::SCHEMAS
                .iter()
                .map(|name| row(name))
                .chain(own)
                .collect()
        },
    )
    .within(HERE),
    pg(
        "tables",
        &[
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("table_type", Text),
            ("is_insertable_into", Text),
            ("is_typed", Text),
        ],
        tables,
    )
    .within(HERE),
    pg(
        "columns",
        &[
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("column_name", Name),
            ("ordinal_position", Int4),
            ("column_default", Text),
            ("is_nullable", Text),
            ("data_type", Text),
            ("character_maximum_length", Int4),
            ("character_octet_length", Int4),
            ("numeric_precision", Int4),
            ("numeric_precision_radix", Int4),
            ("numeric_scale", Int4),
            ("datetime_precision", Int4),
            ("udt_name", Name),
            ("is_identity", Text),
            ("identity_generation", Text),
            ("is_generated", Text),
            ("generation_expression", Text),
            ("is_updatable", Text),
            ("udt_catalog", Name),
            ("udt_schema", Name),
            ("domain_catalog", Name),
            ("domain_schema", Name),
            ("domain_name", Name),
            ("dtd_identifier", Text),
            ("is_self_referencing", Text),
            ("identity_cycle", Text),
            ("identity_start", Text),
            ("identity_increment", Text),
            ("identity_maximum", Text),
            ("identity_minimum", Text),
        ],
        columns,
    )
    .within(HERE),
    pg(
        "views",
        &[
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("view_definition", Text),
            ("check_option", Text),
            ("is_updatable", Text),
        ],
        |source| {
            let views = source.catalog.views();
            views
                .map(|view| {
                    vec![
                        text(source.session.current_database()),
                        text(view.schema_name.as_str()),
                        text(view.name.as_str()),
                        text(deparse::view_or_text(view, source.names(), false)),
                        text(match view.check_option {
                            None => "NONE",
                            Some(CheckOption::Local) => "LOCAL",
                            Some(CheckOption::Cascaded) => "CASCADED",
                        }),
                        yes_no(is_updatable(source, view)),
                    ]
                })
                .collect()
        },
    )
    .within(HERE),
    pg(
        "sequences",
        &[
            ("sequence_catalog", Name),
            ("sequence_schema", Name),
            ("sequence_name", Name),
            ("data_type", Text),
            ("start_value", Text),
            ("minimum_value", Text),
            ("maximum_value", Text),
            ("increment", Text),
            ("cycle_option", Text),
        ],
        sequences,
    )
    .within(HERE),
    pg(
        "table_constraints",
        &[
            ("constraint_catalog", Name),
            ("constraint_schema", Name),
            ("constraint_name", Name),
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("constraint_type", Text),
            ("is_deferrable", Text),
            ("initially_deferred", Text),
            ("enforced", Text),
        ],
        table_constraints,
    )
    .within(HERE),
    pg(
        "key_column_usage",
        &[
            ("constraint_catalog", Name),
            ("constraint_schema", Name),
            ("constraint_name", Name),
            ("table_catalog", Name),
            ("table_schema", Name),
            ("table_name", Name),
            ("column_name", Name),
            ("ordinal_position", Int4),
            ("position_in_unique_constraint", Int4),
        ],
        key_column_usage,
    )
    .within(HERE),
    pg(
        "referential_constraints",
        &[
            ("constraint_catalog", Name),
            ("constraint_schema", Name),
            ("constraint_name", Name),
            ("unique_constraint_catalog", Name),
            ("unique_constraint_schema", Name),
            ("unique_constraint_name", Name),
            ("match_option", Text),
            ("update_rule", Text),
            ("delete_rule", Text),
        ],
        referential_constraints,
    )
    .within(HERE),
    pg(
        "check_constraints",
        &[
            ("constraint_catalog", Name),
            ("constraint_schema", Name),
            ("constraint_name", Name),
            ("check_clause", Text),
        ],
        |source| {
            let mut rows = Vec::new();
            let names = source.names();
            let database = || text(source.session.current_database());
            for table in source.catalog.tables() {
                for constraint in &table.constraints {
                    if !matches!(constraint.kind, ConstraintKind::Check { .. }) {
                        continue;
                    }
                    let shown = deparse::object::constraint(
                        constraint,
                        source.catalog,
                        table,
                        names,
                        false,
                    );
                    rows.push(vec![
                        database(),
                        text(table.schema_name.as_str()),
                        text(constraint.name.as_str()),
                        text(shown.strip_prefix("CHECK ").unwrap_or(&shown)),
                    ]);
                }
            }
            for def in source.catalog.types() {
                for check in def
                    .as_domain()
                    .into_iter()
                    .flat_map(|domain| &domain.checks)
                {
                    let shown = deparse::object::domain_check(def, &check.sql, names, false);
                    rows.push(vec![
                        database(),
                        text(def.schema_name.as_str()),
                        text(check.name.as_str()),
                        text(format!("({shown})")),
                    ]);
                }
            }
            rows
        },
    )
    .within(HERE),
];

/// Whether rows can be changed through a view.
fn is_updatable(source: &Source<'_>, view: &ViewDef) -> bool {
    updatable::columns(source.catalog, view).is_some_and(|columns| columns.contains(&true))
}

fn tables(source: &Source<'_>) -> Vec<Row> {
    let row = |schema: &str, name: &str, kind: &str, insertable: bool| {
        vec![
            text(source.session.current_database()),
            text(schema),
            text(name),
            text(kind),
            yes_no(insertable),
            yes_no(false),
        ]
    };
    let own = source.session.temporary_schema();
    let seen = |schema: &str| !is_temporary_schema(schema) || own.as_deref() == Some(schema);
    let tables = source.catalog.tables().filter(|t| seen(&t.schema_name));
    let tables = tables.map(|t| {
        let kind = if t.is_temporary() {
            "LOCAL TEMPORARY"
        } else {
            "BASE TABLE"
        };
        row(&t.schema_name, &t.name, kind, true)
    });
    let views = source.catalog.views().filter(|v| seen(&v.schema_name));
    let views = views.map(|v| row(&v.schema_name, &v.name, "VIEW", is_updatable(source, v)));
    let system = super::names().map(|(schema, name)| row(schema, name, "VIEW", false));
    tables.chain(views).chain(system).collect()
}

/// The type without modifier, as `data_type` shows it.
pub(super) fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Array(_) => "ARRAY".to_owned(),
        DataType::User(user) => match user.as_domain() {
            Some(domain) => type_name(&domain.base),
            None => "USER-DEFINED".to_owned(),
        },
        DataType::Char(_) => "character".to_owned(),
        DataType::Bit(_) => "bit".to_owned(),
        other => other.bare().to_string(),
    }
}

/// Precision, radix and scale of a number.
fn numeric(ty: &DataType) -> [Option<i32>; 3] {
    match ty {
        DataType::Int2 => [Some(16), Some(2), Some(0)],
        DataType::Int4 => [Some(32), Some(2), Some(0)],
        DataType::Int8 => [Some(64), Some(2), Some(0)],
        DataType::Float4 => [Some(24), Some(2), None],
        DataType::Float8 => [Some(53), Some(2), None],
        DataType::Numeric(Some((precision, scale))) => [
            Some(i32::from(*precision)),
            Some(10),
            Some(i32::from(*scale)),
        ],
        DataType::Numeric(None) => [None, Some(10), None],
        _ => [None, None, None],
    }
}

fn columns(source: &Source<'_>) -> Vec<Row> {
    let number = |n: Option<i32>| n.map_or(Value::Null, Value::Int4);
    let row = |schema: &str, table: &str, name: &str, at: i32, ty: &DataType, nullable: bool| {
        let declared = ty;
        let domain = match ty {
            DataType::User(user) if user.as_domain().is_some() => Some(user),
            _ => None,
        };
        let base = ty.base();
        let ty = &*base;
        let length = match ty {
            DataType::Varchar(Some(n))
            | DataType::Char(Some(n))
            | DataType::Bit(Some(n))
            | DataType::VarBit(Some(n)) => i32::try_from(*n).ok(),
            _ => None,
        };
        let octets = length
            .filter(|_| ty.is_string())
            .map(|n| n.saturating_mul(4))
            .or(ty.is_string().then_some(1 << 30));
        let [precision, radix, scale] = numeric(ty);
        let moment = match ty {
            DataType::Date => Some(0),
            DataType::Time(digits)
            | DataType::TimeTz(digits)
            | DataType::Timestamp(digits)
            | DataType::TimestampTz(digits) => Some(digits.map_or(6, i32::from)),
            DataType::Interval(modifier) => {
                let digits = modifier.and_then(|modifier| modifier.precision());
                Some(digits.map_or(6, i32::from))
            }
            _ => None,
        };
        vec![
            text(source.session.current_database()),
            text(schema),
            text(table),
            text(name),
            Value::Int4(at),
            Value::Null,
            yes_no(nullable),
            text(type_name(declared)),
            number(length),
            number(octets),
            number(precision),
            number(radix),
            number(scale),
            number(moment),
            text(super::types::short_name(ty)),
            yes_no(false),
            Value::Null,
            text("NEVER"),
            Value::Null,
            yes_no(false),
            text(source.session.current_database()),
            text(ty.user_type().map_or("pg_catalog", |user| &user.schema)),
            domain.map_or(Value::Null, |_| text(source.session.current_database())),
            domain.map_or(Value::Null, |user| text(user.schema.to_string())),
            domain.map_or(Value::Null, |user| text(user.name.to_string())),
            text(at.to_string()),
            yes_no(false),
            yes_no(false),
            Value::Null,
            Value::Null,
            Value::Null,
            Value::Null,
        ]
    };
    /// Positions in the row of what only tables have.
    const DEFAULT: usize = 5;
    const IDENTITY: usize = 15;
    const CYCLE: usize = 27;
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        for (column, at) in table.columns.iter().zip(1..) {
            let mut row = row(
                &table.schema_name,
                &table.name,
                &column.name,
                at,
                &column.ty,
                !column.not_null,
            );
            let value = deparse::object::column_value(table, column, source.names(), false);
            if column.default.is_some() {
                row[DEFAULT] = value.clone().map_or(Value::Null, text);
            }
            if let Some(identity) = &column.identity {
                row[IDENTITY] = yes_no(true);
                row[IDENTITY + 1] = text(if identity.always {
                    "ALWAYS"
                } else {
                    "BY DEFAULT"
                });
                if let Some(sequence) = source.catalog.sequence_by_id(identity.sequence) {
                    row[CYCLE] = yes_no(sequence.cycle);
                    let parts = [
                        sequence.start,
                        sequence.increment,
                        sequence.max,
                        sequence.min,
                    ];
                    for (place, part) in (CYCLE + 1..).zip(parts) {
                        row[place] = text(part.to_string());
                    }
                }
            }
            if column.generated.is_some() {
                row[IDENTITY + 2] = text("ALWAYS");
                row[IDENTITY + 3] = value.map_or(Value::Null, text);
            }
            row[IDENTITY + 4] = yes_no(true);
            rows.push(row);
        }
    }
    for view in source.catalog.views() {
        for (column, at) in view.columns.iter().zip(1..) {
            rows.push(row(
                &view.schema_name,
                &view.name,
                &column.name,
                at,
                &column.ty,
                true,
            ));
        }
    }
    rows
}

fn sequences(source: &Source<'_>) -> Vec<Row> {
    let sequences = source.catalog.sequences().filter(|s| !s.identity);
    sequences
        .map(|s| {
            vec![
                text(source.session.current_database()),
                text(s.schema_name.as_str()),
                text(s.name.as_str()),
                text(s.ty.to_string()),
                text(s.start.to_string()),
                text(s.min.to_string()),
                text(s.max.to_string()),
                text(s.increment.to_string()),
                yes_no(s.cycle),
            ]
        })
        .collect()
}

/// Database, schema and name of a constraint, then of its table.
fn place(source: &Source<'_>, table: &TableDef, constraint: &str) -> Row {
    let database = || text(source.session.current_database());
    vec![
        database(),
        text(table.schema_name.as_str()),
        text(constraint),
        database(),
        text(table.schema_name.as_str()),
        text(table.name.as_str()),
    ]
}

fn table_constraints(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        for constraint in &table.constraints {
            let kind = match constraint.kind {
                ConstraintKind::Check { .. } => "CHECK",
                ConstraintKind::PrimaryKey { .. } => "PRIMARY KEY",
                ConstraintKind::Unique { .. } => "UNIQUE",
                ConstraintKind::ForeignKey(_) => "FOREIGN KEY",
            };
            let mut row = place(source, table, &constraint.name);
            row.extend([
                text(kind),
                yes_no(constraint.deferrable),
                yes_no(constraint.initially_deferred),
                yes_no(true),
            ]);
            rows.push(row);
        }
    }
    rows
}

fn key_column_usage(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        for constraint in &table.constraints {
            if matches!(constraint.kind, ConstraintKind::Check { .. }) {
                continue;
            }
            let columns = constrained(table, &constraint.kind);
            let foreign = constraint.as_foreign_key().is_some();
            for (id, at) in columns.iter().zip(1..) {
                let name = table
                    .column_by_id(*id)
                    .map_or("", |(_, column)| &column.name);
                let mut row = place(source, table, &constraint.name);
                row.extend([
                    text(name),
                    Value::Int4(at),
                    if foreign {
                        Value::Int4(at)
                    } else {
                        Value::Null
                    },
                ]);
                rows.push(row);
            }
        }
    }
    rows
}

fn rule(action: FkAction) -> &'static str {
    match action {
        FkAction::NoAction => "NO ACTION",
        FkAction::Restrict => "RESTRICT",
        FkAction::Cascade => "CASCADE",
        FkAction::SetNull => "SET NULL",
        FkAction::SetDefault => "SET DEFAULT",
    }
}

fn referential_constraints(source: &Source<'_>) -> Vec<Row> {
    let database = || text(source.session.current_database());
    let mut rows = Vec::new();
    for table in source.catalog.tables() {
        for (constraint, fk) in table.foreign_keys() {
            let Some(parent) = source.catalog.table_by_id(fk.parent) else {
                continue;
            };
            let unique = parent
                .constraints
                .iter()
                .find(|c| c.index() == Some(fk.parent_index));
            rows.push(vec![
                database(),
                text(table.schema_name.as_str()),
                text(constraint.name.as_str()),
                database(),
                text(parent.schema_name.as_str()),
                unique.map_or(Value::Null, |c| text(c.name.as_str())),
                text(if fk.match_full { "FULL" } else { "NONE" }),
                text(rule(fk.on_update)),
                text(rule(fk.on_delete)),
            ]);
        }
    }
    rows
}
