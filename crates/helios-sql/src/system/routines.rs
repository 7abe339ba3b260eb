//! Users' functions and procedures in `pg_proc` and `information_schema`, and as the SQL that would
//! make them.

use std::fmt::Write;

use helios_base::{ArrayValue, DataType, Row, Value};
use helios_table::Catalog;
use helios_table::catalog::{
    ArgMode, FunctionBody, FunctionDef, FunctionId, FunctionVolatility, ReturnShape,
};

use crate::deparse;

use super::Ty::{Name, Text};
use super::relation::{Relation, pg};
use super::{Names, Source, acl, text, yes_no};
use crate::parse::quote_ident;

/// What a function costs, and how many rows it gives, unless it says so: as in PostgreSQL.
const COST: f64 = 100.0;
const ROWS: f64 = 1000.0;

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "routines",
        &[
            ("specific_catalog", Name),
            ("specific_schema", Name),
            ("specific_name", Name),
            ("routine_catalog", Name),
            ("routine_schema", Name),
            ("routine_name", Name),
            ("routine_type", Text),
            ("data_type", Text),
            ("type_udt_catalog", Name),
            ("type_udt_schema", Name),
            ("type_udt_name", Name),
            ("routine_body", Text),
            ("routine_definition", Text),
            ("external_language", Text),
            ("parameter_style", Text),
            ("is_deterministic", Text),
            ("sql_data_access", Text),
            ("is_null_call", Text),
            ("schema_level_routine", Text),
            ("max_dynamic_result_sets", super::Ty::Int4),
            ("security_type", Text),
        ],
        routines,
    )
    .within("information_schema"),
    pg(
        "parameters",
        &[
            ("specific_catalog", Name),
            ("specific_schema", Name),
            ("specific_name", Name),
            ("ordinal_position", super::Ty::Int4),
            ("parameter_mode", Text),
            ("is_result", Text),
            ("as_locator", Text),
            ("parameter_name", Name),
            ("data_type", Text),
            ("udt_catalog", Name),
            ("udt_schema", Name),
            ("udt_name", Name),
            ("parameter_default", Text),
        ],
        parameters,
    )
    .within("information_schema"),
];

/// The rows of `pg_proc`.
pub(super) fn procs(source: &Source<'_>) -> impl Iterator<Item = Row> {
    source.catalog.functions().map(|def| proc(source, def))
}

fn array(values: Vec<Value>) -> Value {
    ArrayValue::one_dimensional(values).into()
}

fn proc(source_: &Source<'_>, def: &FunctionDef) -> Row {
    let inputs: Vec<Value> = def.inputs().map(|arg| Value::Oid(arg.ty.oid())).collect();
    let only_inputs = def.args.iter().all(|arg| arg.mode == ArgMode::In);
    let unless_plain = |values: Vec<Value>| {
        if only_inputs {
            Value::Null
        } else {
            array(values)
        }
    };
    let named = def.args.iter().any(|arg| !arg.name.is_empty());
    let names = def.args.iter().map(|arg| text(arg.name.as_str())).collect();
    let defaults = def.inputs().filter(|arg| arg.default.is_some()).count();
    let variadic = def.variadic().map_or(0, |arg| match &arg.ty {
        DataType::Array(element) => element.oid(),
        other => other.oid(),
    });
    let number = |count: usize| Value::Int2(i16::try_from(count).unwrap_or(i16::MAX));
    let count = u32::try_from(inputs.len()).unwrap_or(0);
    let dims = if count == 0 {
        Vec::new()
    } else {
        vec![(count, 0)]
    };
    let argtypes = ArrayValue::new(dims, inputs.clone()).map_or(Value::Null, Value::from);
    let rows = if def.returns.set {
        def.options.rows.unwrap_or(ROWS)
    } else {
        0.0
    };
    vec![
        Value::Oid(def.id.0),
        text(def.name.as_str()),
        Value::Oid(def.schema.0),
        Value::Oid(source_.catalog.owner(def.id.0).0),
        Value::Oid(SQL),
        Value::Float4(def.options.cost.unwrap_or(COST) as f32),
        Value::Float4(rows as f32),
        Value::Oid(variadic),
        text(if def.procedure { "p" } else { "f" }),
        Value::Bool(def.options.strict),
        Value::Bool(def.returns.set),
        text(match def.options.volatility {
            FunctionVolatility::Immutable => "i",
            FunctionVolatility::Stable => "s",
            FunctionVolatility::Volatile => "v",
        }),
        text(def.options.parallel.to_string()),
        number(inputs.len()),
        Value::Oid(result_oid(def)),
        argtypes,
        if named { array(names) } else { Value::Null },
        text(source(def)),
        Value::Bool(def.options.security_definer),
        Value::Bool(def.options.leakproof),
        number(defaults),
        unless_plain(
            def.args
                .iter()
                .map(|arg| Value::Oid(arg.ty.oid()))
                .collect(),
        ),
        unless_plain(def.args.iter().map(|arg| text(mode(arg.mode).0)).collect()),
        acl::of(source_, def.id.0),
        settings(def),
    ]
}

/// `proconfig`
fn settings(def: &FunctionDef) -> Value {
    let mut settings = Vec::new();
    if let (FunctionBody::Text(_), Some(path)) = (&def.body, &def.search_path) {
        let path: Vec<String> = path
            .iter()
            .map(|name| quote_ident(name).to_string())
            .collect();
        settings.push(text(format!("search_path={}", path.join(", "))));
    }
    let others = def.options.settings.iter();
    settings.extend(others.map(|(name, value)| text(format!("{name}={value}"))));
    match settings.is_empty() {
        true => Value::Null,
        false => array(settings),
    }
}

/// The language `sql` in `pg_language`.
pub(super) const SQL: u32 = 14;

const RECORD: u32 = 2249;

fn result_oid(def: &FunctionDef) -> u32 {
    match &def.returns.shape {
        ReturnShape::Value(ty) => ty.oid(),
        ReturnShape::Columns | ReturnShape::Record => RECORD,
        ReturnShape::Relation(relation) => *relation,
    }
}

fn mode(mode: ArgMode) -> (&'static str, &'static str) {
    match mode {
        ArgMode::In => ("i", "IN"),
        ArgMode::Out => ("o", "OUT"),
        ArgMode::InOut => ("b", "INOUT"),
        ArgMode::Variadic => ("v", "VARIADIC"),
        ArgMode::Table => ("t", "TABLE"),
    }
}

/// The text of the body; empty for one that is not text.
fn source(def: &FunctionDef) -> &str {
    match &def.body {
        FunctionBody::Text(text) => text,
        FunctionBody::Return(_) | FunctionBody::Atomic(_) => "",
    }
}

/// The body that is not text, as SQL.
pub(crate) fn sql_body(def: &FunctionDef, names: &Names<'_>) -> Option<String> {
    match &def.body {
        FunctionBody::Text(_) => None,
        FunctionBody::Return(sql) => {
            let subject = deparse::Subject::Function(def);
            let shown = deparse::expression_or_text(sql, subject, None, *names, false);
            Some(format!("RETURN {shown}"))
        }
        FunctionBody::Atomic(statements) => {
            let mut body = "BEGIN ATOMIC\n".to_owned();
            for statement in statements {
                match deparse::body_query(statement, def, *names) {
                    Some(query) => body += &query,
                    None => {
                        body.push(' ');
                        body += statement;
                    }
                }
                body += ";\n";
            }
            body += "END";
            Some(body)
        }
    }
}

/// The arguments as they would be written; without defaults for the function's identity.
pub(crate) fn arguments(def: &FunctionDef, names: &Names<'_>, defaults: bool) -> String {
    let mut shown = Vec::new();
    for arg in def.args.iter().filter(|arg| arg.mode != ArgMode::Table) {
        let mut one = String::new();
        if arg.mode != ArgMode::In || def.procedure {
            one += mode(arg.mode).1;
            one.push(' ');
        }
        if !arg.name.is_empty() {
            one += &quote_ident(&arg.name);
            one.push(' ');
        }
        one += &names.show_type(&arg.ty);
        if let (true, Some(default)) = (defaults, &arg.default) {
            let subject = deparse::Subject::Alone(&def.schema_name);
            let base = arg.ty.base();
            let shown = deparse::expression_or_text(default, subject, Some(&base), *names, false);
            one += &format!(" DEFAULT {shown}");
        }
        shown.push(one);
    }
    shown.join(", ")
}

/// What follows `RETURNS`; `None` for a procedure.
pub(crate) fn result(def: &FunctionDef, names: &Names<'_>) -> Option<String> {
    if def.procedure {
        return None;
    }
    let columns: Vec<String> = def
        .args
        .iter()
        .filter(|arg| arg.mode == ArgMode::Table)
        .map(|arg| format!("{} {}", quote_ident(&arg.name), names.show_type(&arg.ty)))
        .collect();
    if !columns.is_empty() {
        return Some(format!("TABLE({})", columns.join(", ")));
    }
    let one = match &def.returns.shape {
        ReturnShape::Value(ty) => names.show_type(ty),
        ReturnShape::Columns | ReturnShape::Record => "record".to_owned(),
        ReturnShape::Relation(oid) => names
            .name_of(helios_base::RegKind::Class, *oid)
            .unwrap_or_else(|| "record".to_owned()),
    };
    Some(if def.returns.set {
        format!("SETOF {one}")
    } else {
        one
    })
}

/// `pg_get_functiondef`
pub(crate) fn definition(def: &FunctionDef, names: &Names<'_>) -> String {
    let kind = def.kind().to_uppercase();
    let mut text = format!(
        "CREATE OR REPLACE {kind} {}.{}({})\n",
        quote_ident(&def.schema_name),
        quote_ident(&def.name),
        arguments(def, names, true)
    );
    if let Some(result) = result(def, names) {
        text += &format!(" RETURNS {result}\n");
    }
    text += " LANGUAGE sql\n";
    let options = &def.options;
    let mut line = String::new();
    line += match options.volatility {
        FunctionVolatility::Immutable => " IMMUTABLE",
        FunctionVolatility::Stable => " STABLE",
        FunctionVolatility::Volatile => "",
    };
    line += match options.parallel {
        's' => " PARALLEL SAFE",
        'r' => " PARALLEL RESTRICTED",
        _ => "",
    };
    for (said, word) in [
        (options.strict, " STRICT"),
        (options.security_definer, " SECURITY DEFINER"),
        (options.leakproof, " LEAKPROOF"),
    ] {
        if said {
            line += word;
        }
    }
    if let Some(cost) = options.cost.filter(|cost| *cost != COST) {
        let _ = write!(line, " COST {cost}");
    }
    if let Some(rows) = options.rows.filter(|rows| *rows != ROWS) {
        let _ = write!(line, " ROWS {rows}");
    }
    if !line.is_empty() {
        text += &line;
        text.push('\n');
    }
    for (name, value) in &options.settings {
        let value = value.replace('\'', "''");
        let _ = writeln!(text, " SET {name} TO '{value}'");
    }
    match (&def.body, sql_body(def, names)) {
        (FunctionBody::Text(body), _) => {
            if let Some(path) = &def.search_path {
                let path: Vec<String> = path.iter().map(|name| format!("'{name}'")).collect();
                text += &format!(" SET search_path TO {}\n", path.join(", "));
            }
            // A tag that the body does not have.
            let mut tag = format!("${}$", def.kind());
            while body.contains(&tag) {
                tag.insert(1, 'x');
            }
            text += &format!("AS {tag}{body}{tag}");
        }
        (_, body) => text += &body.unwrap_or_default(),
    }
    text.push('\n');
    text
}

/// The function of this number.
pub(crate) fn by_oid(catalog: &Catalog, oid: u32) -> Option<&FunctionDef> {
    catalog.function_by_id(FunctionId(oid)).map(|def| &**def)
}

fn specific_name(def: &FunctionDef) -> Value {
    text(format!("{}_{}", def.name, def.id))
}

fn udt(ty: &DataType) -> (Value, Value) {
    match ty {
        DataType::User(user) => (text(&*user.schema), text(&*user.name)),
        other => (text("pg_catalog"), text(super::types::short_name(other))),
    }
}

fn data_type(ty: &DataType) -> Value {
    text(match ty {
        DataType::Array(_) => "ARRAY".to_owned(),
        DataType::User(_) => "USER-DEFINED".to_owned(),
        plain => plain.bare().to_string(),
    })
}

fn routines(source_: &Source<'_>) -> Vec<Row> {
    let database = || text(source_.session.current_database());
    source_
        .catalog
        .functions()
        .map(|def| {
            let (shown, (schema, name)) = match &def.returns.shape {
                _ if def.procedure => (Value::Null, (Value::Null, Value::Null)),
                ReturnShape::Value(ty) => (data_type(ty), udt(ty)),
                _ => (text("record"), (text("pg_catalog"), text("record"))),
            };
            let catalog = if schema.is_null() {
                Value::Null
            } else {
                database()
            };
            let body = match &def.body {
                FunctionBody::Text(body) => text(body.as_str()),
                _ => sql_body(def, &source_.names()).map_or(Value::Null, text),
            };
            vec![
                database(),
                text(def.schema_name.as_str()),
                specific_name(def),
                database(),
                text(def.schema_name.as_str()),
                text(def.name.as_str()),
                text(def.kind().to_uppercase()),
                shown,
                catalog,
                schema,
                name,
                text("SQL"),
                body,
                text("SQL"),
                text("SQL"),
                yes_no(def.options.volatility == FunctionVolatility::Immutable),
                text("MODIFIES"),
                if def.procedure {
                    Value::Null
                } else {
                    yes_no(def.options.strict)
                },
                text("YES"),
                Value::Int4(0),
                text(if def.options.security_definer {
                    "DEFINER"
                } else {
                    "INVOKER"
                }),
            ]
        })
        .collect()
}

fn parameters(source_: &Source<'_>) -> Vec<Row> {
    let database = || text(source_.session.current_database());
    let mut rows = Vec::new();
    for def in source_.catalog.functions() {
        for (arg, number) in def.args.iter().zip(1..) {
            let (schema, name) = udt(&arg.ty);
            rows.push(vec![
                database(),
                text(def.schema_name.as_str()),
                specific_name(def),
                Value::Int4(number),
                text(match arg.mode {
                    ArgMode::In | ArgMode::Variadic => "IN",
                    ArgMode::Out | ArgMode::Table => "OUT",
                    ArgMode::InOut => "INOUT",
                }),
                text("NO"),
                text("NO"),
                if arg.name.is_empty() {
                    Value::Null
                } else {
                    text(arg.name.as_str())
                },
                data_type(&arg.ty),
                database(),
                schema,
                name,
                arg.default.as_deref().map_or(Value::Null, text),
            ]);
        }
    }
    rows
}
