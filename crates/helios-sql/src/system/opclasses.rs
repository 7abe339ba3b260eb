//! `pg_opclass` and `pg_opfamily`: how B-trees sort the values of a type. Ours sort so, and tools ask by these names and numbers, which are
//! PostgreSQL's.

use helios_base::{ArrayValue, DataType, Row, UserKind, Value};
use helios_table::catalog::{IndexDef, TableDef};

use super::Ty::{Bool, Name, Oid};
use super::relation::{Relation, pg};
use super::{OWNER, PG_CATALOG, text};

/// Number and name of a class, number and name of its family, its type, whether it is the type's default.
type Class = (u32, &'static str, u32, &'static str, u32, bool);

/// The number of the access method.
const BTREE: u32 = 403;
const ARRAY_OPS: u32 = 10_000;
const RECORD_OPS: u32 = 10_034;
const ENUM_OPS: u32 = 10_069;
const RANGE_OPS: u32 = 10_076;
const TEXT_OPS: u32 = 3126;
const MULTIRANGE_OPS: u32 = 10_080;

static CLASSES: &[Class] = &[
    (1978, "int4_ops", 1976, "integer_ops", 23, true),
    (1979, "int2_ops", 1976, "integer_ops", 21, true),
    (1981, "oid_ops", 1989, "oid_ops", 26, true),
    (3122, "date_ops", 434, "datetime_ops", 1082, true),
    (3123, "float8_ops", 1970, "float_ops", 701, true),
    (3124, "int8_ops", 1976, "integer_ops", 20, true),
    (3125, "numeric_ops", 1988, "numeric_ops", 1700, true),
    (3126, "text_ops", 1994, "text_ops", 25, true),
    (3127, "timestamptz_ops", 434, "datetime_ops", 1184, true),
    (3128, "timestamp_ops", 434, "datetime_ops", 1114, true),
    (
        4217,
        "text_pattern_ops",
        2095,
        "text_pattern_ops",
        25,
        false,
    ),
    (
        4218,
        "varchar_pattern_ops",
        2095,
        "text_pattern_ops",
        25,
        false,
    ),
    (
        4219,
        "bpchar_pattern_ops",
        2097,
        "bpchar_pattern_ops",
        1042,
        false,
    ),
    (10000, "array_ops", 397, "array_ops", 2277, true),
    (10002, "bit_ops", 423, "bit_ops", 1560, true),
    (10003, "bool_ops", 424, "bool_ops", 16, true),
    (10004, "bpchar_ops", 426, "bpchar_ops", 1042, true),
    (10006, "bytea_ops", 428, "bytea_ops", 17, true),
    (10007, "char_ops", 429, "char_ops", 18, true),
    (10009, "cidr_ops", 1974, "network_ops", 869, false),
    (10012, "float4_ops", 1970, "float_ops", 700, true),
    (10015, "inet_ops", 1974, "network_ops", 869, true),
    (10022, "interval_ops", 1982, "interval_ops", 1186, true),
    (10024, "macaddr_ops", 1984, "macaddr_ops", 829, true),
    (10028, "name_ops", 1994, "text_ops", 19, true),
    (10032, "oidvector_ops", 1991, "oidvector_ops", 30, true),
    (10034, "record_ops", 2994, "record_ops", 2249, true),
    (
        10036,
        "record_image_ops",
        3194,
        "record_image_ops",
        2249,
        false,
    ),
    (10038, "time_ops", 1996, "time_ops", 1083, true),
    (10041, "timetz_ops", 2000, "timetz_ops", 1266, true),
    (10043, "varbit_ops", 2002, "varbit_ops", 1562, true),
    (10044, "varchar_ops", 1994, "text_ops", 25, false),
    (10065, "uuid_ops", 2968, "uuid_ops", 2950, true),
    (10067, "pg_lsn_ops", 3253, "pg_lsn_ops", 3220, true),
    (10069, "enum_ops", 3522, "enum_ops", 3500, true),
    (10076, "range_ops", 3901, "range_ops", 3831, true),
    (10080, "multirange_ops", 4199, "multirange_ops", 4537, true),
    (10088, "jsonb_ops", 4033, "jsonb_ops", 3802, true),
];

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_opclass",
        &[
            ("oid", Oid),
            ("opcmethod", Oid),
            ("opcname", Name),
            ("opcnamespace", Oid),
            ("opcowner", Oid),
            ("opcfamily", Oid),
            ("opcintype", Oid),
            ("opcdefault", Bool),
            ("opckeytype", Oid),
        ],
        |_| CLASSES.iter().map(class).collect(),
    ),
    pg(
        "pg_opfamily",
        &[
            ("oid", Oid),
            ("opfmethod", Oid),
            ("opfname", Name),
            ("opfnamespace", Oid),
            ("opfowner", Oid),
        ],
        |_| families(),
    ),
];

fn class(class: &Class) -> Row {
    let (oid, name, family, _, ty, default) = *class;
    vec![
        Value::Oid(oid),
        Value::Oid(BTREE),
        text(name),
        Value::Oid(PG_CATALOG),
        Value::Oid(OWNER),
        Value::Oid(family),
        Value::Oid(ty),
        Value::Bool(default),
        Value::Oid(0),
    ]
}

fn families() -> Vec<Row> {
    let mut known: Vec<(u32, &str)> = Vec::new();
    for (_, _, family, name, _, _) in CLASSES {
        if !known.iter().any(|(known, _)| known == family) {
            known.push((*family, name));
        }
    }
    let row = |(family, name): (u32, &str)| {
        vec![
            Value::Oid(family),
            Value::Oid(BTREE),
            text(name),
            Value::Oid(PG_CATALOG),
            Value::Oid(OWNER),
        ]
    };
    known.into_iter().map(row).collect()
}

/// The class by which an index sorts values of a type; 0 if there is none.
fn of_type(ty: &DataType) -> u32 {
    let ty = ty.base();
    match &*ty {
        DataType::User(user) => {
            return match user.kind {
                UserKind::Enum(_) => ENUM_OPS,
                _ => RECORD_OPS,
            };
        }
        DataType::Array(_) => return ARRAY_OPS,
        DataType::Range(_) => return RANGE_OPS,
        DataType::Multirange(_) => return MULTIRANGE_OPS,
        DataType::Varchar(_) => return TEXT_OPS,
        _ => {}
    }
    let oid = ty.oid();
    let mut classes = CLASSES.iter();
    let found = classes.find(|(_, _, _, _, of, default)| *default && *of == oid);
    found.map_or(0, |(class, ..)| *class)
}

/// The classes of an index's keys, as `indclass` holds them.
pub(super) fn of_index(table: &TableDef, index: &IndexDef) -> Value {
    let classes = index.keys.iter().map(|key| match key.ty(table) {
        Some(ty) if index.nearest.is_none() => Value::Oid(of_type(ty)),
        _ => Value::Oid(0),
    });
    let classes: Vec<Value> = classes.collect();
    let length = u32::try_from(classes.len()).unwrap_or(0);
    ArrayValue::new(vec![(length, 0)], classes).map_or(Value::Null, Value::from)
}
