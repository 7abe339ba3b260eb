//! Text input and output of every type against PostgreSQL's. The session's zone is Europe/Berlin.

use helios_base::{DataType, TextContext, TimeZone, Value};

use crate::golden;

#[test]
fn reads_and_writes_as_postgres_does() {
    let context = TextContext {
        time_zone: TimeZone::find("europe/berlin").unwrap(),
        ..TextContext::default()
    };
    golden::check("text.tsv", include_str!("../golden/text.tsv"), |fields| {
        let [ty, input] = fields else {
            panic!("two fields expected");
        };
        let ty = data_type(ty);
        let value = Value::parse(&golden::unescape(input), &ty, &context)?;
        Ok(value.to_text(&ty, &context))
    });
}

fn data_type(name: &str) -> DataType {
    if let Some(element) = name.strip_suffix("[]") {
        return DataType::Array(Box::new(data_type(element)));
    }
    match name {
        "boolean" => DataType::Bool,
        "smallint" => DataType::Int2,
        "integer" => DataType::Int4,
        "bigint" => DataType::Int8,
        "real" => DataType::Float4,
        "double precision" => DataType::Float8,
        "numeric(5,2)" => DataType::Numeric(Some((5, 2))),
        "numeric(3,-2)" => DataType::Numeric(Some((3, -2))),
        "numeric(2,4)" => DataType::Numeric(Some((2, 4))),
        "varchar(3)" => DataType::Varchar(Some(3)),
        "char(4)" => DataType::Char(Some(4)),
        "bpchar" => DataType::Char(None),
        "name" => DataType::Name,
        "text" => DataType::Text,
        "bytea" => DataType::Bytea,
        "date" => DataType::Date,
        "time" => DataType::Time(None),
        "timestamp" => DataType::Timestamp(None),
        "timestamp with time zone" => DataType::TimestampTz(None),
        "interval" => DataType::Interval(None),
        "uuid" => DataType::Uuid,
        "json" => DataType::Json,
        "jsonb" => DataType::Jsonb,
        "oid" => DataType::Oid,
        _ => panic!("unknown type {name}"),
    }
}
