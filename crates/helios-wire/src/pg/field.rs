//! Types and columns as the protocol tells them.

use helios_base::DataType;
use heliosdb::ResultColumn;

use super::backend::Field;

/// The parts of a type that have an identifier of their own.
const TYPES: &[DataType] = &[
    DataType::Bool,
    DataType::Bytea,
    DataType::Name,
    DataType::Int8,
    DataType::Int2,
    DataType::Int4,
    DataType::Text,
    DataType::Oid,
    DataType::Json,
    DataType::Float4,
    DataType::Float8,
    DataType::Unknown,
    DataType::Char(None),
    DataType::Varchar(None),
    DataType::Date,
    DataType::Time,
    DataType::Timestamp,
    DataType::TimestampTz,
    DataType::Interval,
    DataType::Numeric(None),
    DataType::Uuid,
    DataType::Jsonb,
];

/// The type with this identifier.
pub(super) fn type_of(oid: u32) -> Option<DataType> {
    TYPES.iter().find_map(|ty| {
        let array = || DataType::Array(Box::new(ty.clone()));
        match oid {
            oid if oid == ty.oid() => Some(ty.clone()),
            oid if oid == array().oid() => Some(array()),
            _ => None,
        }
    })
}

/// A result's column.
pub(super) fn field(column: &ResultColumn, format: i16) -> Field<'_> {
    Field {
        name: &column.name,
        // What is still unknown leaves as text.
        ty: match column.ty {
            DataType::Unknown => DataType::Text.oid(),
            ref ty => ty.oid(),
        },
        size: size(&column.ty),
        modifier: modifier(&column.ty),
        format,
    }
}

/// Bytes of a fixed-width type; -1 for others.
fn size(ty: &DataType) -> i16 {
    match ty {
        DataType::Bool => 1,
        DataType::Int2 => 2,
        DataType::Int4 | DataType::Float4 | DataType::Date | DataType::Oid => 4,
        DataType::Int8
        | DataType::Float8
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampTz => 8,
        DataType::Interval | DataType::Uuid => 16,
        DataType::Name => 64,
        DataType::Void => 4,
        _ => -1,
    }
}

/// PostgreSQL's encoding of a type's modifier; -1 without one.
fn modifier(ty: &DataType) -> i32 {
    /// PostgreSQL counts the header of a value.
    const HEADER: i32 = 4;
    match ty {
        DataType::Numeric(Some((precision, scale))) => {
            (i32::from(*precision) << 16 | (i32::from(*scale) & 0x7ff)) + HEADER
        }
        DataType::Varchar(Some(limit)) | DataType::Char(Some(limit)) => {
            i32::try_from(*limit).map_or(-1, |limit| limit.saturating_add(HEADER))
        }
        DataType::Array(element) => modifier(element),
        _ => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_lead_back_to_their_types() {
        for ty in TYPES {
            assert_eq!(type_of(ty.oid()).as_ref(), Some(ty));
            let array = DataType::Array(Box::new(ty.clone()));
            if array.oid() != 0 {
                assert_eq!(type_of(array.oid()), Some(array));
            }
        }
        assert_eq!(type_of(4_000_000), None);
    }

    #[test]
    fn modifiers_are_those_of_postgresql() {
        assert_eq!(modifier(&DataType::Numeric(Some((10, 2)))), 655_366);
        assert_eq!(modifier(&DataType::Varchar(Some(20))), 24);
        assert_eq!(modifier(&DataType::Text), -1);
    }
}
