//! The internal names of types, which may be called like functions too: `int4('7')`, `text(x)`.

use helios_base::{DataType, RangeKind, RegKind, VectorKind};

/// The type of this internal name.
#[must_use]
pub fn type_named(name: &str) -> Option<DataType> {
    Some(match name {
        "bool" => DataType::Bool,
        "int2" => DataType::Int2,
        "int4" => DataType::Int4,
        "int8" => DataType::Int8,
        "float4" => DataType::Float4,
        "float8" => DataType::Float8,
        "numeric" => DataType::Numeric(None),
        "text" => DataType::Text,
        "varchar" => DataType::Varchar(None),
        "bpchar" => DataType::Char(None),
        "name" => DataType::Name,
        "bytea" => DataType::Bytea,
        "date" => DataType::Date,
        "time" => DataType::Time(None),
        "timestamp" => DataType::Timestamp(None),
        "timestamptz" => DataType::TimestampTz(None),
        "interval" => DataType::Interval(None),
        "timetz" => DataType::TimeTz(None),
        "bit" => DataType::Bit(None),
        "varbit" => DataType::VarBit(None),
        "inet" => DataType::Inet,
        "cidr" => DataType::Cidr,
        "macaddr" => DataType::MacAddr,
        "jsonpath" => DataType::JsonPath,
        "uuid" => DataType::Uuid,
        "json" => DataType::Json,
        "jsonb" => DataType::Jsonb,
        "oid" => DataType::Oid,
        "xid" => DataType::Xid,
        name => {
            let mut regs = RegKind::ALL.into_iter();
            let reg = regs.find(|kind| kind.name() == name).map(DataType::Reg);
            return reg.or_else(|| range_named(name)).or_else(|| {
                let kind = VectorKind::ALL.into_iter().find(|kind| kind.name() == name);
                kind.map(|kind| DataType::Vector(kind, None))
            });
        }
    })
}

fn range_named(name: &str) -> Option<DataType> {
    RangeKind::ALL.into_iter().find_map(|kind| {
        if name == kind.name() {
            Some(DataType::Range(kind))
        } else if name == kind.multi_name() {
            Some(DataType::Multirange(kind))
        } else {
            None
        }
    })
}
