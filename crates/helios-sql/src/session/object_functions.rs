//! Functions that describe objects of the catalog by their numbers.

use helios_base::datetime::IntervalModifier;
use helios_base::{ColumnId, DataType, Error, RegKind, Result, SqlState, Value};
use helios_table::catalog::{Relation, TypeDef};

use super::state::State;
use crate::parse::quote_ident;
use crate::system::{self, Names};

/// Calls the function `name`, if it is one of these.
pub(super) fn call(state: &State, name: &str, args: &[&Value]) -> Option<Result<Value>> {
    let or_null = |text: Option<String>| Ok(text.map_or(Value::Null, Value::text));
    Some(match (name, args) {
        ("format_type", [Value::Oid(oid), modifier]) => {
            let modifier = match modifier {
                Value::Int4(n) => *n,
                _ => -1,
            };
            or_null(Some(format_type(state, *oid, modifier)))
        }
        (
            "to_regclass" | "to_regtype" | "to_regproc" | "to_regprocedure" | "to_regnamespace"
            | "to_regrole" | "to_regcollation",
            [Value::Text(text)],
        ) => to_reg(state, name, text),
        ("pg_get_serial_sequence", [Value::Text(table), Value::Text(column)]) => {
            serial_sequence(state, table, column)
        }
        (
            "pg_get_function_arguments"
            | "pg_get_function_identity_arguments"
            | "pg_get_function_result"
            | "pg_get_functiondef"
            | "pg_get_function_sqlbody",
            [Value::Oid(oid)],
        ) => or_null(function_text(state, name, *oid)),
        (
            "pg_get_viewdef" | "pg_get_indexdef" | "pg_get_constraintdef" | "pg_get_expr",
            [about, rest @ ..],
        ) => super::definitions::call(state, name, about, rest),
        ("pg_type_is_visible", [Value::Oid(oid)]) => Ok(type_is_visible(state, *oid)),
        ("obj_description" | "shobj_description", [Value::Oid(oid), ..]) => {
            or_null(description(state, *oid))
        }
        ("col_description", [Value::Oid(oid), Value::Int4(number)]) => {
            or_null(column_description(state, *oid, *number))
        }
        ("pg_describe_object", [Value::Oid(_), Value::Oid(oid), Value::Int4(_)]) => {
            or_null(state.names().name_of(RegKind::Class, *oid))
        }
        ("pg_tablespace_location", _) => Ok(Value::text("")),
        // There are no such objects.
        (
            "pg_get_ruledef"
            | "pg_get_triggerdef"
            | "pg_get_partkeydef"
            | "pg_get_statisticsobjdef_columns",
            _,
        ) => Ok(Value::Null),
        ("pg_relation_is_publishable" | "pg_is_other_temp_schema", _) => Ok(Value::Bool(false)),
        ("pg_relation_is_updatable", [Value::Oid(oid), _]) => {
            let table = matches!(
                state.catalog().relation_by_oid(*oid),
                Some(Relation::Table(_))
            );
            // INSERT, UPDATE and DELETE as bits.
            Ok(Value::Int4(if table { 28 } else { 0 }))
        }
        ("pg_column_is_updatable", [Value::Oid(oid), ..]) => Ok(Value::Bool(matches!(
            state.catalog().relation_by_oid(*oid),
            Some(Relation::Table(_))
        ))),
        ("pg_my_temp_schema", []) => Ok(Value::Oid(0)),
        ("pg_encoding_to_char", [Value::Int4(number)]) => Ok(Value::text(match number {
            0 => "SQL_ASCII",
            6 => "UTF8",
            _ => "",
        })),
        ("getdatabaseencoding", []) => Ok(Value::text("UTF8")),
        ("pg_client_encoding", []) => {
            let settings = state.settings.lock();
            Ok(Value::text(settings.encoding().get().name()))
        }
        ("pg_char_to_encoding", [Value::Text(name)]) => {
            let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let number = match plain.to_ascii_lowercase().as_str() {
                "utf8" | "unicode" => 6,
                "sqlascii" => 0,
                _ => -1,
            };
            Ok(Value::Int4(number))
        }
        (name, _) if name.ends_with("_is_visible") && name != "pg_table_is_visible" => {
            Ok(Value::Bool(true))
        }
        (name, _) => return super::roles::call(state, name, args),
    })
}

/// What the functions about functions say of one.
fn function_text(state: &State, what: &str, oid: u32) -> Option<String> {
    let catalog = state.catalog();
    let Some(def) = system::routines::by_oid(&catalog, oid) else {
        return match what {
            "pg_get_function_result" => system::function_text(oid, true),
            "pg_get_functiondef" | "pg_get_function_sqlbody" => None,
            _ => system::function_text(oid, false),
        };
    };
    let path = state.search_path();
    let roles = state.roles().ok();
    let names = Names {
        catalog: &catalog,
        path: &path,
        user: &state.user,
        roles: roles.as_deref(),
    };
    match what {
        "pg_get_function_result" => system::routines::result(def, &names),
        "pg_get_functiondef" => Some(system::routines::definition(def, &names)),
        "pg_get_function_sqlbody" => system::routines::sql_body(def, &names),
        "pg_get_function_arguments" => Some(system::routines::arguments(def, &names, true)),
        _ => Some(system::routines::arguments(def, &names, false)),
    }
}

/// A type with its modifier, as PostgreSQL packs it into a number.
fn format_type(state: &State, oid: u32, modifier: i32) -> String {
    if oid == 0 {
        return "-".to_owned();
    }
    state.with_names(|names| show_type(names, oid, modifier))
}

fn show_type(names: Names<'_>, oid: u32, modifier: i32) -> String {
    let Some(ty) = names.type_of(oid) else {
        return system::pseudo_type(oid).map_or_else(|| "???".to_owned(), str::to_owned);
    };
    if let Some(shown) = with_small_modifier(&ty, modifier) {
        return shown;
    }
    if modifier < 4 {
        return match &ty {
            // A length of one is what `character` alone means; none is this type's own name.
            DataType::Char(_) if modifier == -1 => "character".to_owned(),
            ty => names.show_type(ty),
        };
    }
    let bits = modifier - 4;
    let with_modifier = |ty: &DataType| match ty {
        DataType::Varchar(_) => DataType::Varchar(u32::try_from(bits).ok()),
        DataType::Char(_) => DataType::Char(u32::try_from(bits).ok()),
        DataType::Numeric(_) => {
            let precision = u16::try_from(bits >> 16).unwrap_or(0);
            // Eleven bits, the highest of them the sign.
            let scale = i16::try_from(((bits & 0x7ff) ^ 1024) - 1024).unwrap_or(0);
            DataType::Numeric(Some((precision, scale)))
        }
        other => other.clone(),
    };
    match &ty {
        DataType::Array(element) => match &**element {
            DataType::User(_) => names.show_type(&ty),
            element => format!("{}[]", with_modifier(element)),
        },
        DataType::User(_) => names.show_type(&ty),
        ty => with_modifier(ty).to_string(),
    }
}

/// A type whose modifier is packed without a header: digits of the second, bits.
fn with_small_modifier(ty: &DataType, modifier: i32) -> Option<String> {
    let digits = u8::try_from(modifier).ok();
    let length = u32::try_from(modifier).ok().filter(|length| *length > 0);
    let shown = match ty {
        DataType::Array(element) => {
            return with_small_modifier(element, modifier).map(|shown| format!("{shown}[]"));
        }
        DataType::Time(_) => DataType::Time(digits),
        DataType::TimeTz(_) => DataType::TimeTz(digits),
        DataType::Timestamp(_) => DataType::Timestamp(digits),
        DataType::TimestampTz(_) => DataType::TimestampTz(digits),
        DataType::Interval(_) => DataType::Interval(IntervalModifier::unpacked(modifier)),
        // Without a length it is this type's own name, which `bit` alone is not.
        DataType::Bit(_) if length.is_none() && modifier == -1 => {
            return Some(DataType::Bit(None).to_string());
        }
        DataType::Bit(_) => DataType::Bit(length),
        DataType::VarBit(_) => DataType::VarBit(length),
        DataType::Vector(kind, _) => DataType::Vector(*kind, length),
        _ => return None,
    };
    Some(shown.to_string())
}

/// `to_regclass` and its kin: `NULL` for what is not there.
fn to_reg(state: &State, function: &str, text: &str) -> Result<Value> {
    let kind = RegKind::ALL
        .into_iter()
        .find(|kind| function.strip_prefix("to_") == Some(kind.name()));
    let Some(kind) = kind else {
        return Err(Error::internal("a function that finds no kind of object"));
    };
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Value::Null);
    }
    match state.names().find(kind, text) {
        Ok(oid) => Ok(Value::Oid(oid)),
        Err(error) => {
            let state = error.sqlstate();
            let absent = [
                SqlState::UNDEFINED_TABLE,
                SqlState::UNDEFINED_OBJECT,
                SqlState::UNDEFINED_FUNCTION,
                SqlState::INVALID_SCHEMA_NAME,
                SqlState::AMBIGUOUS_FUNCTION,
            ];
            if absent.contains(&state) {
                Ok(Value::Null)
            } else {
                Err(error)
            }
        }
    }
}

/// The sequence that a serial or identity column draws from.
fn serial_sequence(state: &State, table: &str, column: &str) -> Result<Value> {
    let catalog = state.catalog();
    let (schema, name) = super::split_name(table)?;
    system::require_schema(&catalog, schema.as_deref())?;
    let relation = catalog.require(schema.as_deref(), &name, &state.search_path())?;
    let missing = || {
        Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!(
                "column \"{column}\" of relation \"{}\" does not exist",
                relation.name()
            ),
        )
    };
    let table = match &relation {
        Relation::Table(table) => table,
        // Columns of views have none.
        Relation::View(view) if view.columns.iter().any(|known| known.name == column) => {
            return Ok(Value::Null);
        }
        _ => return Err(missing()),
    };
    let (_, column) = table.column(column).ok_or_else(missing)?;
    let mut sequences = catalog.sequences();
    let owned = sequences.find(|s| s.owned_by == Some((table.id, column.id)));
    Ok(owned.map_or(Value::Null, |sequence| {
        Value::text(format!(
            "{}.{}",
            quote_ident(&sequence.schema_name),
            quote_ident(&sequence.name)
        ))
    }))
}

pub(super) fn type_is_visible(state: &State, oid: u32) -> Value {
    if DataType::from_oid(oid).is_some() || system::pseudo_type(oid).is_some() {
        return Value::Bool(true);
    }
    let (catalog, path) = (state.catalog(), state.search_path());
    let made = catalog
        .types()
        .find(|def| def.id.0 == oid || def.array == oid);
    let found = match made {
        Some(def) => Some(def.data_type()),
        None => catalog.row_type_numbered(oid),
    };
    let user = found.as_ref().and_then(DataType::user_type);
    user.map_or(Value::Null, |user| {
        let seen = catalog.resolve_named_type(None, &user.name, &path);
        Value::Bool(seen.is_some_and(|seen| seen.oid() == user.oid))
    })
}

fn description(state: &State, oid: u32) -> Option<String> {
    let catalog = state.catalog();
    match catalog.relation_by_oid(oid) {
        Some(Relation::Table(table)) => table.comment.clone(),
        Some(Relation::View(view)) => view.comment.clone(),
        Some(Relation::Index(_, index)) => index.comment.clone(),
        Some(Relation::Sequence(sequence)) => sequence.comment.clone(),
        None => {
            let schema = catalog.schemas().find(|schema| schema.id.0 == oid);
            let ty = catalog.types().find(|def| def.id.0 == oid);
            let of_type = |def: &TypeDef| def.comment.clone();
            let constraints = catalog.tables().flat_map(|table| &table.constraints);
            schema
                .and_then(|schema| schema.comment.clone())
                .or_else(|| ty.and_then(|def| of_type(def)))
                .or_else(|| system::routines::by_oid(&catalog, oid)?.comment.clone())
                .or_else(|| {
                    let mut constraints = constraints;
                    constraints.find(|c| c.id.0 == oid)?.comment.clone()
                })
        }
    }
}

fn column_description(state: &State, oid: u32, number: i32) -> Option<String> {
    match state.catalog().relation_by_oid(oid)? {
        Relation::Table(table) => {
            let id = ColumnId(u32::try_from(number).ok()?);
            table.column_by_id(id)?.1.comment.clone()
        }
        Relation::View(view) => {
            let at = usize::try_from(number).ok()?.checked_sub(1)?;
            view.columns.get(at)?.comment.clone()
        }
        _ => None,
    }
}
