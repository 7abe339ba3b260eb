//! How catalog objects are stored: one row per schema, table, sequence, view, type and function.
//!
//! | offset | bytes | field  | rule                                             |
//! |-------:|------:|--------|--------------------------------------------------|
//! |      0 |     1 | format | 1; a larger number was written by a newer version |
//! |      1 |  rest | object | JSON object                                      |
//!
//! The key is the object's number, 4 bytes, big endian. Fields may be added; readers ignore fields
//! that they do not know and supply defaults for those that are not there. Types are stored by
//! PostgreSQL's names, users' types as `@` and their number, values as hexadecimal [`Layout`] rows of one column.

use std::sync::Arc;

use helios_base::datetime::IntervalModifier;
use helios_base::row::{Layout, RowReader};
use helios_base::{ColumnId, DataType, Error, Result, UserType, Value, VectorKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The format this version writes, and the newest it reads.
const FORMAT: u8 = 1;

/// Encodes a catalog object.
pub(crate) fn encode<T: Serialize>(object: &T) -> Result<Vec<u8>> {
    let mut bytes = vec![FORMAT];
    serde_json::to_writer(&mut bytes, object)
        .map_err(|e| Error::internal("could not encode a catalog object").with_source(e))?;
    Ok(bytes)
}

/// Decodes what [`encode`] wrote.
///
/// # Errors
/// `Corrupt` for anything else, also for the format of a newer version.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    match bytes.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json)
            .map_err(|e| Error::corrupt(format!("malformed catalog object: {e}")).with_source(e)),
        Some((&format, _)) => Err(Error::corrupt(format!(
            "catalog object of unknown format {format}"
        ))
        .with_hint("the database may have been written by a newer version")),
        None => Err(Error::corrupt("empty catalog object")),
    }
}

/// The storage key of object `id`.
pub(crate) const fn key(id: u32) -> [u8; 4] {
    id.to_be_bytes()
}

/// Single numbers of layer 0, which do not know serialisation.
pub(crate) mod id {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    /// A number that wraps a `u32`.
    pub(crate) trait Id: Copy + From<u32> {
        fn number(self) -> u32;
    }

    macro_rules! id {
        ($($name:ident)*) => {$(
            impl Id for helios_base::$name {
                fn number(self) -> u32 {
                    self.0
                }
            }
        )*};
    }
    id!(TableId IndexId ColumnId);

    pub(crate) fn serialize<I: Id, S: Serializer>(id: &I, to: S) -> Result<S::Ok, S::Error> {
        id.number().serialize(to)
    }

    pub(crate) fn deserialize<'de, I: Id, D: Deserializer<'de>>(from: D) -> Result<I, D::Error> {
        u32::deserialize(from).map(I::from)
    }
}

/// Lists of column numbers.
pub(crate) mod column_ids {
    use super::{ColumnId, Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(ids: &[ColumnId], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(ids.iter().map(|id| id.0))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<ColumnId>, D::Error> {
        let ids = Vec::<u32>::deserialize(from)?;
        Ok(ids.into_iter().map(ColumnId).collect())
    }
}

/// The owner of a sequence.
pub(crate) mod owner {
    use super::{ColumnId, Deserialize, Deserializer, Serialize, Serializer};
    use helios_base::TableId;

    #[allow(clippy::ref_option, reason = "the signature is serde's")]
    pub(crate) fn serialize<S: Serializer>(
        owner: &Option<(TableId, ColumnId)>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        owner
            .map(|(table, column)| (table.0, column.0))
            .serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<(TableId, ColumnId)>, D::Error> {
        let owner = Option::<(u32, u32)>::deserialize(from)?;
        Ok(owner.map(|(table, column)| (TableId(table), ColumnId(column))))
    }
}

/// Types by name.
pub(crate) mod ty {
    use super::{DataType, Deserialize, Deserializer, Serializer, parse_type, type_text};
    use serde::de::Error as _;

    pub(crate) fn serialize<S: Serializer>(ty: &DataType, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&type_text(ty))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<DataType, D::Error> {
        let name = String::deserialize(from)?;
        parse_type(&name).ok_or_else(|| D::Error::custom(format!("unknown type {name}")))
    }
}

/// The columns of a layout.
pub(crate) mod layout_columns {
    use super::{ColumnId, DataType, Deserialize, Deserializer, Serializer, parse_type, type_text};
    use serde::de::Error as _;

    pub(crate) fn serialize<S: Serializer>(
        columns: &[(ColumnId, DataType)],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(columns.iter().map(|(id, ty)| (id.0, type_text(ty))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<(ColumnId, DataType)>, D::Error> {
        Vec::<(u32, String)>::deserialize(from)?
            .into_iter()
            .map(|(id, name)| match parse_type(&name) {
                Some(ty) => Ok((ColumnId(id), ty)),
                None => Err(D::Error::custom(format!("unknown type {name}"))),
            })
            .collect()
    }
}

/// A type's name; a user's type may be renamed, so that its number stands for it.
fn type_text(ty: &DataType) -> String {
    match ty {
        DataType::User(user) => format!("@{}", user.oid),
        DataType::Array(element) => format!("{}[]", type_text(element)),
        plain => plain.to_string(),
    }
}

/// Reads what [`type_text`] writes; users' types are still to be looked up.
fn parse_type(name: &str) -> Option<DataType> {
    if let Some(element) = name.strip_suffix("[]") {
        return Some(DataType::Array(Box::new(parse_type(element)?)));
    }
    if let Some(modifier) = name.strip_prefix("interval") {
        let modifier = IntervalModifier::parse(modifier);
        return (modifier.is_some() || name == "interval").then_some(DataType::Interval(modifier));
    }
    if let Some((base, rest)) = name.split_once('(')
        && let Some((digits, zone)) = rest.split_once(") ")
    {
        let digits = Some(digits.parse().ok()?);
        return Some(match (base, zone) {
            ("time", "without time zone") => DataType::Time(digits),
            ("time", "with time zone") => DataType::TimeTz(digits),
            ("timestamp", "without time zone") => DataType::Timestamp(digits),
            ("timestamp", "with time zone") => DataType::TimestampTz(digits),
            _ => return None,
        });
    }
    if let Some((base, modifier)) = name.strip_suffix(')').and_then(|n| n.split_once('(')) {
        return Some(match base {
            "numeric" => {
                let (precision, scale) = modifier.split_once(',')?;
                DataType::Numeric(Some((precision.parse().ok()?, scale.parse().ok()?)))
            }
            "character varying" => DataType::Varchar(Some(modifier.parse().ok()?)),
            "character" => DataType::Char(Some(modifier.parse().ok()?)),
            "bit" => DataType::Bit(Some(modifier.parse().ok()?)),
            "bit varying" => DataType::VarBit(Some(modifier.parse().ok()?)),
            name => {
                let kind = VectorKind::ALL
                    .into_iter()
                    .find(|kind| kind.name() == name)?;
                DataType::Vector(kind, Some(modifier.parse().ok()?))
            }
        });
    }
    if let Some(number) = name.strip_prefix('@') {
        let user = UserType::unresolved(number.parse().ok()?);
        return Some(DataType::User(Arc::new(user)));
    }
    DataType::builtins().find(|ty| ty.to_string() == name)
}

/// A value as the hexadecimal form of a row that holds only it.
pub(crate) fn value_to_hex(value: &Value, ty: &DataType) -> Result<String> {
    let mut row = Vec::new();
    Layout::new(0, [(ColumnId(0), ty.clone())]).encode(std::slice::from_ref(value), &mut row)?;
    Ok(row.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The value that [`value_to_hex`] wrote.
pub(crate) fn value_from_hex(hex: &str, ty: &DataType) -> Result<Value> {
    let malformed = || Error::corrupt("malformed value in the catalog");
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return Err(malformed());
    }
    let row = (0..hex.len() / 2)
        .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).map_err(|_| malformed()))
        .collect::<Result<Vec<u8>>>()?;
    let layout = Layout::new(0, [(ColumnId(0), ty.clone())]);
    RowReader::new(&row, &layout)?.get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_names_round_trip() {
        let types = [
            DataType::Numeric(Some((10, -2))),
            DataType::Varchar(Some(20)),
            DataType::Char(Some(3)),
            DataType::Char(None),
            DataType::TimestampTz(None),
            DataType::Array(Box::new(DataType::Numeric(Some((5, 2))))),
        ];
        for ty in types {
            assert_eq!(parse_type(&ty.to_string()), Some(ty));
        }
        assert_eq!(parse_type("numeric(x)"), None);
        assert_eq!(parse_type("widget"), None);
    }

    /// What a released version has written must stay readable: change this only by adding.
    #[test]
    fn golden_table() {
        use crate::catalog::{
            ColumnDef, ConstraintDef, ConstraintId, ConstraintKind, IndexDef, IndexKey, LayoutDef,
            SchemaDef, SchemaId, TableDef,
        };
        use helios_base::{IndexId, TableId};
        let schema = SchemaDef {
            id: SchemaId(200),
            name: "public".to_owned(),
            comment: None,
        };
        let mut table = TableDef::new(TableId(1000), &schema, "t");
        let mut column = ColumnDef::new(ColumnId(1), "id", DataType::Int4);
        column.not_null = true;
        column.default = Some("1".to_owned());
        column.missing = Some(Value::Int4(7));
        table.columns.push(column);
        table.key.push(ColumnId(1));
        table.layouts.push(LayoutDef {
            version: 1,
            columns: vec![(ColumnId(1), DataType::Int4)],
        });
        table.indexes.push(Arc::new(IndexDef {
            nearest: None,
            id: IndexId(1001),
            storage: IndexId(1001),
            name: "t_pkey".to_owned(),
            table: TableId(1000),
            keys: vec![IndexKey::column(ColumnId(1))],
            include: Vec::new(),
            unique: true,
            nulls_not_distinct: false,
            primary: true,
            clustered: true,
            predicate: None,
            constraint: Some(ConstraintId(1002)),
            method: "btree".to_owned(),
            comment: None,
        }));
        table.constraints.push(ConstraintDef {
            id: ConstraintId(1002),
            name: "t_pkey".to_owned(),
            kind: ConstraintKind::PrimaryKey {
                index: IndexId(1001),
            },
            deferrable: false,
            initially_deferred: false,
            validated: true,
            comment: None,
        });
        let golden = concat!(
            r#"{"id":1000,"storage":1000,"schema":200,"name":"t","columns":[{"id":1,"name":"id","#,
            r#""ty":"integer","not_null":true,"default":"1","missing":"000007000000"}],"key":[1],"#,
            r#""indexes":[{"id":1001,"storage":1001,"name":"t_pkey","table":1000,"keys":["#,
            r#"{"source":{"Column":1},"descending":false,"nulls_first":false}],"include":[],"#,
            r#""unique":true,"nulls_not_distinct":false,"primary":true,"clustered":true,"#,
            r#""predicate":null,"constraint":1002,"method":"btree","comment":null}],"#,
            r#""constraints":[{"id":1002,"name":"t_pkey","kind":{"PrimaryKey":{"index":1001}},"#,
            r#""deferrable":false,"initially_deferred":false,"validated":true,"comment":null}],"#,
            r#""layouts":[{"version":1,"columns":[[1,"integer"]]}],"next_column":1,"options":{},"#,
            r#""comment":null,"revision":0}"#
        );
        let written = encode(&table).unwrap_or_default();
        assert_eq!(written.first(), Some(&1));
        assert_eq!(std::str::from_utf8(&written[1..]), Ok(golden));
        let read: TableDef = decode(&written).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(read.columns[0].missing, Some(Value::Int4(7)));
        assert_eq!(encode(&read).unwrap_or_default(), written);
    }

    #[test]
    fn refuses_unknown_formats() {
        assert!(decode::<u32>(&[]).is_err());
        assert!(decode::<u32>(&[2, b'1']).is_err());
        assert!(decode::<u32>(&[1, b'{']).is_err());
        assert_eq!(
            decode::<u32>(&encode(&7_u32).unwrap_or_default()).ok(),
            Some(7)
        );
    }
}
