//! Names and types of the columns of PostgreSQL's system relations, as `columns.txt` lists them:
//! a line per relation, then a line `name type` for each of its columns.

use std::collections::HashMap;
use std::sync::LazyLock;

use helios_base::{ArrayValue, DataType, RegKind, Value};

/// A column.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) ty: DataType,
}

/// A relation with its columns.
pub(super) struct Declared {
    pub(super) schema: &'static str,
    pub(super) name: &'static str,
    pub(super) columns: Vec<Column>,
}

struct List {
    relations: Vec<Declared>,
    /// Positions; few names are in both schemas.
    by_name: HashMap<&'static str, Vec<usize>>,
}

static LIST: LazyLock<List> = LazyLock::new(|| {
    let mut relations: Vec<Declared> = Vec::new();
    for line in include_str!("columns.txt").lines() {
        if let Some((name, ty)) = line.trim().split_once(' ') {
            if let Some(relation) = relations.last_mut() {
                let ty = data_type(ty);
                relation.columns.push(Column { name, ty });
            }
        } else if let Some((schema, name)) = line.split_once('.') {
            relations.push(Declared {
                schema,
                name,
                columns: Vec::new(),
            });
        }
    }
    let mut by_name: HashMap<&'static str, Vec<usize>> = HashMap::new();
    for (at, relation) in relations.iter().enumerate() {
        by_name.entry(relation.name).or_default().push(at);
    }
    List { relations, by_name }
});

/// Every relation of the list.
pub(super) fn all() -> &'static [Declared] {
    &LIST.relations
}

/// The columns that PostgreSQL's relation of this name has.
pub(super) fn of(schema: &str, name: &str) -> Option<&'static Declared> {
    let at = LIST.by_name.get(name)?.iter().copied();
    at.filter_map(|at| LIST.relations.get(at))
        .find(|relation| relation.schema == schema)
}

fn data_type(name: &str) -> DataType {
    if let Some(element) = name.strip_prefix('_') {
        return DataType::Array(Box::new(data_type(element)));
    }
    match name {
        "bool" => DataType::Bool,
        "int2" => DataType::Int2,
        "int4" => DataType::Int4,
        "int8" => DataType::Int8,
        "float4" => DataType::Float4,
        "float8" => DataType::Float8,
        "numeric" => DataType::Numeric(None),
        "oid" => DataType::Oid,
        "xid" => DataType::Xid,
        "name" => DataType::Name,
        "char" => DataType::CharByte,
        "varchar" => DataType::Varchar(None),
        "timestamptz" => DataType::TimestampTz(None),
        "interval" => DataType::Interval(None),
        "inet" => DataType::Inet,
        "int2vector" => DataType::Int2Vector,
        "oidvector" => DataType::OidVector,
        "regproc" => DataType::Reg(RegKind::Proc),
        "regtype" => DataType::Reg(RegKind::Type),
        "bytea" => DataType::Bytea,
        _ => DataType::Text,
    }
}

/// What a column holds that its relation has nothing to say about.
pub(super) fn nothing(ty: &DataType) -> Value {
    match ty {
        DataType::Bool => Value::Bool(false),
        DataType::Int2 => Value::Int2(0),
        DataType::Int4 => Value::Int4(0),
        DataType::Int8 => Value::Int8(0),
        DataType::Float4 => Value::Float4(0.0),
        DataType::Float8 => Value::Float8(0.0),
        DataType::Oid | DataType::Xid | DataType::Reg(_) => Value::Oid(0),
        DataType::CharByte => Value::text(""),
        DataType::Int2Vector | DataType::OidVector => Value::from(ArrayValue::default()),
        _ => Value::Null,
    }
}
