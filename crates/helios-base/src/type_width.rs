//! What `pg_type` and protocols tell of a type besides its identifier: how wide its values are,
//! and its modifier packed into a number.

use crate::DataType;
use crate::datetime::IntervalModifier;

/// PostgreSQL counts the header of a value into modifiers.
const HEADER: i32 = 4;

impl DataType {
    /// `typlen`: bytes of a fixed-width type, -2 for a C string, -1 for others.
    #[must_use]
    pub fn width(&self) -> i16 {
        match self {
            Self::Bool | Self::CharByte => 1,
            Self::Int2 => 2,
            Self::Int4
            | Self::Float4
            | Self::Date
            | Self::Oid
            | Self::Xid
            | Self::Void
            | Self::Reg(_) => 4,
            Self::MacAddr => 6,
            Self::Int8
            | Self::Float8
            | Self::Time(_)
            | Self::Timestamp(_)
            | Self::TimestampTz(_) => 8,
            Self::TimeTz(_) => 12,
            Self::Interval(_) | Self::Uuid => 16,
            Self::Name => 64,
            Self::Unknown => -2,
            Self::User(user) if user.is_enum() => 4,
            Self::User(user) => user.as_domain().map_or(-1, |domain| domain.base.width()),
            _ => -1,
        }
    }

    /// `atttypmod`: the modifier as one number; -1 without one. That of an array is its elements'.
    #[must_use]
    pub fn modifier(&self) -> i32 {
        match self {
            Self::Numeric(Some((precision, scale))) => {
                ((i32::from(*precision) << 16) | (i32::from(*scale) & 0x7ff)) + HEADER
            }
            Self::Varchar(Some(limit)) | Self::Char(Some(limit)) => {
                i32::try_from(*limit).map_or(-1, |limit| limit.saturating_add(HEADER))
            }
            Self::Time(precision)
            | Self::TimeTz(precision)
            | Self::Timestamp(precision)
            | Self::TimestampTz(precision) => precision.map_or(-1, i32::from),
            Self::Interval(modifier) => modifier.map_or(-1, IntervalModifier::packed),
            Self::Bit(Some(length))
            | Self::VarBit(Some(length))
            | Self::Vector(_, Some(length)) => i32::try_from(*length).unwrap_or(-1),
            Self::Array(element) => element.modifier(),
            _ => -1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_those_of_postgresql() {
        assert_eq!(DataType::Numeric(Some((10, 2))).modifier(), 655_366);
        assert_eq!(DataType::Numeric(Some((5, -2))).modifier(), 329_730);
        assert_eq!(DataType::Varchar(Some(20)).modifier(), 24);
        assert_eq!(DataType::Text.modifier(), -1);
        let array = DataType::Array(Box::new(DataType::Char(Some(3))));
        assert_eq!(array.modifier(), 7);
    }

    #[test]
    fn identifiers_lead_back_to_their_types() {
        for ty in DataType::builtins() {
            assert_eq!(DataType::from_oid(ty.oid()), Some(ty.clone()));
            let array = DataType::Array(Box::new(ty));
            if array.oid() != 0 {
                assert_eq!(DataType::from_oid(array.oid()), Some(array));
            }
        }
        assert_eq!(DataType::from_oid(4_000_000), None);
    }
}
