//! `pg_type` and what else is always the same: `pg_am`, `pg_database`.

use helios_base::user_type::LABEL_STEP;
use helios_base::{DataType, RangeKind, Row, Value};
use helios_table::catalog::{DomainDef, TypeDef, TypeKind};

use super::Ty::{Bool, Char, Float4, Int2, Int4, Name, Oid, Text, Texts};
use super::relation::{Relation, pg};
use super::{OWNER, PG_CATALOG, Source, acl, io_functions, text};

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_type",
        &[
            ("oid", Oid),
            ("typname", Name),
            ("typnamespace", Oid),
            ("typowner", Oid),
            ("typlen", Int2),
            ("typbyval", Bool),
            ("typtype", Char),
            ("typcategory", Char),
            ("typispreferred", Bool),
            ("typisdefined", Bool),
            ("typdelim", Char),
            ("typrelid", Oid),
            ("typelem", Oid),
            ("typarray", Oid),
            ("typnotnull", Bool),
            ("typbasetype", Oid),
            ("typtypmod", Int4),
            ("typndims", Int4),
            ("typcollation", Oid),
            ("typdefault", Text),
            ("typalign", Char),
            ("typstorage", Char),
            ("typacl", Texts),
            ("typinput", Oid),
            ("typoutput", Oid),
            ("typreceive", Oid),
            ("typsend", Oid),
            ("typmodin", Oid),
            ("typmodout", Oid),
            ("typanalyze", Oid),
            ("typsubscript", Oid),
        ],
        types,
    ),
    pg(
        "pg_enum",
        &[
            ("oid", Oid),
            ("enumtypid", Oid),
            ("enumsortorder", Float4),
            ("enumlabel", Name),
        ],
        enums,
    ),
    pg(
        "pg_range",
        &[
            ("rngtypid", Oid),
            ("rngsubtype", Oid),
            ("rngmultitypid", Oid),
            ("rngcollation", Oid),
            ("rngsubopc", Oid),
        ],
        |_| {
            RangeKind::ALL
                .into_iter()
                .map(|kind| {
                    vec![
                        Value::Oid(kind.oids().0),
                        Value::Oid(kind.element().oid()),
                        Value::Oid(kind.multi_oids().0),
                        Value::Oid(0),
                        Value::Oid(0),
                    ]
                })
                .collect()
        },
    ),
    pg(
        "pg_am",
        &[("oid", Oid), ("amname", Name), ("amtype", Char)],
        |_| {
            vec![
                vec![Value::Oid(2), text("heap"), text("t")],
                vec![Value::Oid(403), text("btree"), text("i")],
                vec![Value::Oid(super::objects::HNSW), text("hnsw"), text("i")],
                vec![Value::Oid(super::objects::IVF), text("ivfflat"), text("i")],
                vec![Value::Oid(super::objects::LSH), text("lsh"), text("i")],
            ]
        },
    ),
    pg(
        "pg_database",
        &[
            ("oid", Oid),
            ("datname", Name),
            ("datdba", Oid),
            ("encoding", Int4),
            ("datcollate", Name),
            ("datctype", Name),
            ("datistemplate", Bool),
            ("datallowconn", Bool),
            ("datconnlimit", Int4),
            ("datacl", Texts),
            ("datlocprovider", Char),
            ("dattablespace", Oid),
        ],
        |source| {
            vec![vec![
                Value::Oid(super::DATABASE_OID),
                text(source.session.current_database()),
                Value::Oid(OWNER),
                Value::Int4(6),
                text("C"),
                text("C.UTF-8"),
                Value::Bool(false),
                Value::Bool(true),
                Value::Int4(-1),
                acl::of(source, super::DATABASE_OID),
                text("c"),
                Value::Oid(1663),
            ]]
        },
    ),
];

/// The categories of the system's types.
pub(super) fn category(ty: &DataType) -> &'static str {
    use helios_expr::resolve::category::{Category, category};
    match (ty, category(ty)) {
        (DataType::Record | DataType::Void, _) => "P",
        (_, Category::Array) => "A",
        (_, Category::Range) => "R",
        (_, Category::Network) => "I",
        (_, Category::Bits) => "V",
        (_, Category::Boolean) => "B",
        (_, Category::Composite) => "C",
        (_, Category::DateTime) => "D",
        (_, Category::Enum) => "E",
        (_, Category::Numeric) => "N",
        (_, Category::String) => "S",
        (_, Category::Timespan) => "T",
        (_, Category::User) => "U",
        (_, Category::Pseudo) => "P",
        (_, Category::Internal) => "Z",
        (_, Category::Unknown) => "X",
    }
}

/// PostgreSQL's internal name of a system type.
pub(super) fn short_name(ty: &DataType) -> String {
    match ty {
        DataType::Array(element) => format!("_{}", short_name(element)),
        DataType::User(user) => user.name.to_string(),
        DataType::Bool => "bool".to_owned(),
        DataType::Int2 => "int2".to_owned(),
        DataType::Int4 => "int4".to_owned(),
        DataType::Int8 => "int8".to_owned(),
        DataType::Float4 => "float4".to_owned(),
        DataType::Float8 => "float8".to_owned(),
        DataType::Char(_) => "bpchar".to_owned(),
        DataType::Varchar(_) => "varchar".to_owned(),
        DataType::Time(_) => "time".to_owned(),
        DataType::TimeTz(_) => "timetz".to_owned(),
        DataType::Bit(_) => "bit".to_owned(),
        DataType::VarBit(_) => "varbit".to_owned(),
        DataType::Timestamp(_) => "timestamp".to_owned(),
        DataType::TimestampTz(_) => "timestamptz".to_owned(),
        DataType::CharByte => "char".to_owned(),
        other => other.bare().to_string(),
    }
}

/// How a type is aligned and stored: `typalign` and `typstorage`.
pub(super) fn layout(ty: &DataType) -> (&'static str, &'static str) {
    let base = ty.base();
    let align = match base.width() {
        1 | 64 | -2 => "c",
        2 => "s",
        8 => "d",
        16 if matches!(*base, DataType::Uuid) => "c",
        16 => "d",
        _ => "i",
    };
    let storage = match &*base {
        DataType::Numeric(_) => "m",
        ty if ty.width() == -1 && !matches!(ty, DataType::Int2Vector | DataType::OidVector) => "x",
        _ => "p",
    };
    (align, storage)
}

/// One row of `pg_type`.
struct TypeRow<'a> {
    ty: &'a DataType,
    name: String,
    schema: u32,
    kind: &'static str,
    relation: u32,
    element: u32,
    array: u32,
    domain: Option<&'a DomainDef>,
}

impl TypeRow<'_> {
    fn row(&self) -> Row {
        let length = self.ty.width();
        let (align, storage) = layout(self.ty);
        let category = if self.kind == "p" && !matches!(self.ty, DataType::Unknown) {
            "P"
        } else {
            category(self.ty)
        };
        let base = self.domain.map(|domain| &domain.base);
        let functions = io_functions::of_type(self.ty, &self.name, self.kind);
        let row = vec![
            Value::Oid(self.ty.oid()),
            text(self.name.as_str()),
            Value::Oid(self.schema),
            Value::Oid(OWNER),
            Value::Int2(length),
            Value::Bool((1..=8).contains(&length)),
            text(self.kind),
            text(category),
            Value::Bool(helios_expr::resolve::category::is_preferred(self.ty)),
            Value::Bool(true),
            text(","),
            Value::Oid(self.relation),
            Value::Oid(self.element),
            Value::Oid(self.array),
            Value::Bool(self.domain.is_some_and(|domain| domain.not_null)),
            Value::Oid(base.map_or(0, DataType::oid)),
            Value::Int4(base.map_or(-1, DataType::modifier)),
            Value::Int4(0),
            Value::Oid(if self.ty.base().is_string() { 100 } else { 0 }),
            self.domain
                .and_then(|domain| domain.default.as_ref())
                .map_or(Value::Null, |sql| text(sql.as_str())),
            text(align),
            text(storage),
            Value::Null,
        ];
        let functions = functions.into_iter().map(Value::Oid);
        row.into_iter().chain(functions).collect()
    }

    /// The row of a user's type, with its owner and who may use it.
    fn row_of(&self, source: &Source<'_>, def: &TypeDef) -> Row {
        let mut row = self.row();
        if let Some(owner) = row.get_mut(3) {
            *owner = Value::Oid(source.catalog.owner(def.id.0).0);
        }
        if let Some(who) = row.get_mut(22) {
            *who = acl::of(source, def.id.0);
        }
        row
    }
}

/// The pseudo-types of polymorphic functions and of those behind types.
pub(super) const PSEUDO: [(u32, &str); 14] = [
    (2275, "cstring"),
    (2276, "\"any\""),
    (2277, "anyarray"),
    (2281, "internal"),
    (2283, "anyelement"),
    (2776, "anynonarray"),
    (3500, "anyenum"),
    (3831, "anyrange"),
    (4537, "anymultirange"),
    (4538, "anycompatiblemultirange"),
    (5077, "anycompatible"),
    (5078, "anycompatiblearray"),
    (5079, "anycompatiblenonarray"),
    (5080, "anycompatiblerange"),
];

/// The row of a type of the system.
fn plain(ty: &DataType, name: String, kind: &'static str, element: u32, array: u32) -> Row {
    let row = TypeRow {
        ty,
        name,
        schema: PG_CATALOG,
        kind,
        relation: 0,
        element,
        array,
        domain: None,
    };
    row.row()
}

fn types(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for ty in DataType::builtins() {
        let array = DataType::Array(Box::new(ty.clone()));
        let pseudo = matches!(ty, DataType::Unknown | DataType::Record | DataType::Void);
        let kind = match &ty {
            DataType::Range(_) => "r",
            DataType::Multirange(_) => "m",
            _ if pseudo => "p",
            _ => "b",
        };
        let element = match &ty {
            DataType::Int2Vector => DataType::Int2.oid(),
            DataType::OidVector => DataType::Oid.oid(),
            DataType::Name => DataType::CharByte.oid(),
            _ => 0,
        };
        rows.push(plain(&ty, short_name(&ty), kind, element, array.oid()));
        if array.oid() != 0 {
            let kind = if pseudo { "p" } else { "b" };
            rows.push(plain(&array, short_name(&array), kind, ty.oid(), 0));
        }
    }
    for (oid, name) in PSEUDO {
        let mut row = plain(
            &DataType::Void,
            name.trim_matches('"').to_owned(),
            "p",
            0,
            0,
        );
        if let Some(place) = row.first_mut() {
            *place = Value::Oid(oid);
        }
        rows.push(row);
    }
    for def in source.catalog.types() {
        let ty = def.data_type();
        let (kind, relation) = match &def.kind {
            TypeKind::Enum(_) => ("e", 0),
            TypeKind::Domain(_) => ("d", 0),
            TypeKind::Composite(_) => ("c", def.id.0),
        };
        let row = TypeRow {
            ty: &ty,
            name: def.name.clone(),
            schema: def.schema.0,
            kind,
            relation,
            element: 0,
            array: def.array,
            domain: def.as_domain(),
        };
        rows.push(row.row_of(source, def));
        let array = DataType::Array(Box::new(ty.clone()));
        let row = TypeRow {
            ty: &array,
            name: format!("_{}", def.name),
            kind: "b",
            relation: 0,
            element: ty.oid(),
            array: 0,
            domain: None,
            ..row
        };
        rows.push(row.row());
    }
    let tables = source
        .catalog
        .tables()
        .map(|table| (table.id.0, table.schema));
    let views = source.catalog.views().map(|view| (view.id.0, view.schema));
    for (relation, schema) in tables.chain(views) {
        if let Some(ty) = source.catalog.row_type(relation) {
            of_relation(source, &ty, schema.0, &mut rows);
        }
    }
    rows
}

/// The types of a relation's rows and of arrays of them.
fn of_relation(source: &Source<'_>, ty: &DataType, schema: u32, rows: &mut Vec<Row>) {
    let array = DataType::Array(Box::new(ty.clone()));
    let row = TypeRow {
        ty,
        name: short_name(ty),
        schema,
        kind: "c",
        relation: ty.oid(),
        element: 0,
        array: array.oid(),
        domain: None,
    };
    let owner = Value::Oid(source.catalog.owner(ty.oid()).0);
    let of_array = TypeRow {
        ty: &array,
        name: format!("_{}", row.name),
        kind: "b",
        relation: 0,
        element: ty.oid(),
        array: 0,
        ..row
    };
    for row in [row.row(), of_array.row()] {
        let mut row = row;
        if let Some(place) = row.get_mut(3) {
            place.clone_from(&owner);
        }
        rows.push(row);
    }
}

fn enums(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for def in source.catalog.types() {
        for label in def.as_enum().into_iter().flatten() {
            // Labels are as far apart as PostgreSQL's, only in whole numbers.
            #[allow(
                clippy::cast_precision_loss,
                reason = "half of a half is as exact as there"
            )]
            let order = label.order as f32 / LABEL_STEP as f32;
            rows.push(vec![
                Value::Oid(label.oid),
                Value::Oid(def.id.0),
                Value::Float4(order),
                text(label.name.as_str()),
            ]);
        }
    }
    rows
}
