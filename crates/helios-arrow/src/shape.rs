//! How values of a SQL type lie in Arrow arrays.
//!
//! A [`Shape`] pairs a SQL type with one of its array forms. Most types have one form; `numeric` has
//! two. The forms are chosen for exactness, not for exchange:
//!
//! | SQL type                                  | array form                                        |
//! |-------------------------------------------|---------------------------------------------------|
//! | `boolean`                                 | `Boolean`                                         |
//! | `smallint`, `integer`, `bigint`           | `Int16`, `Int32`, `Int64`                         |
//! | `oid`, `regclass` and its kin             | `UInt32`                                          |
//! | enums                                     | `UInt64`: the label's place                       |
//! | `real`, `double precision`                | `Float32`, `Float64`                              |
//! | `numeric(p,s)`, p ≤ 38                    | `Decimal128(p, s)`; `NaN` is [`DECIMAL_NAN`]      |
//! | `numeric`                                 | `BinaryView`: memcomparable key, then the scale   |
//! | text types, `json`, `jsonb`               | `Utf8View`                                        |
//! | `bytea`                                   | `BinaryView`                                      |
//! | `date`, `time`                            | `Date32`, `Time64(µs)`                            |
//! | `timestamp`, `timestamptz`                | `Timestamp(µs)`, `Timestamp(µs, "UTC")`           |
//! | `uuid`                                    | `FixedSizeBinary(16)`                             |
//! | `vector` and its kin                      | `BinaryView`: the numbers as rows store them      |
//! | `interval`, arrays, records, ranges       | `BinaryView`: see `opaque.rs`                     |
//!
//! A shape is *ordered* if comparing, hashing and sorting its arrays as Arrow does agrees with
//! PostgreSQL. Columns of other shapes are compared through their keys.

use arrow_schema::{DataType as ArrowType, Field, TimeUnit};
use helios_base::{DataType, UserKind};

/// The most digits a `Decimal128` holds.
pub const DECIMAL_DIGITS: u16 = 38;

/// `NaN` in a `Decimal128` column: above every number of 38 digits, equal to itself, as SQL wants.
pub const DECIMAL_NAN: i128 = i128::MAX;

/// A SQL type and the Arrow type of its arrays.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The SQL type.
    pub ty: DataType,
    /// The type of the arrays.
    pub arrow: ArrowType,
}

impl Shape {
    /// The form that holds every value of `ty`.
    pub fn of(ty: &DataType) -> Self {
        let arrow = match ty {
            DataType::Bool => ArrowType::Boolean,
            DataType::Int2 => ArrowType::Int16,
            DataType::Int4 => ArrowType::Int32,
            DataType::Int8 => ArrowType::Int64,
            DataType::Oid | DataType::Xid | DataType::Reg(_) => ArrowType::UInt32,
            DataType::Float4 => ArrowType::Float32,
            DataType::Float8 => ArrowType::Float64,
            DataType::Numeric(Some((precision, scale))) => {
                decimal_of(*precision, *scale).unwrap_or(ArrowType::BinaryView)
            }
            DataType::Text
            | DataType::Varchar(_)
            | DataType::Char(_)
            | DataType::Name
            | DataType::CharByte
            | DataType::Unknown
            | DataType::Void
            | DataType::Json
            | DataType::JsonPath
            | DataType::Jsonb => ArrowType::Utf8View,
            DataType::Date => ArrowType::Date32,
            DataType::Time(_) => ArrowType::Time64(TimeUnit::Microsecond),
            DataType::Timestamp(_) => ArrowType::Timestamp(TimeUnit::Microsecond, None),
            DataType::TimestampTz(_) => {
                ArrowType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            DataType::Uuid => ArrowType::FixedSizeBinary(16),
            DataType::Numeric(None)
            | DataType::Bytea
            | DataType::Interval(_)
            | DataType::Array(_)
            | DataType::Int2Vector
            | DataType::OidVector
            | DataType::Range(_)
            | DataType::Multirange(_)
            | DataType::TimeTz(_)
            | DataType::Bit(_)
            | DataType::VarBit(_)
            | DataType::Inet
            | DataType::Cidr
            | DataType::MacAddr
            | DataType::Vector(..)
            | DataType::Record => ArrowType::BinaryView,
            DataType::User(user) => match &user.kind {
                UserKind::Enum(_) => ArrowType::UInt64,
                UserKind::Domain(domain) => return Self::of(&domain.base),
                UserKind::Composite(_) | UserKind::Unresolved => ArrowType::BinaryView,
            },
        };
        Self {
            ty: ty.clone(),
            arrow,
        }
    }

    /// A `numeric` of exactly `scale` digits after the point and at most `precision` digits, if a
    /// `Decimal128` holds it.
    pub fn decimal(precision: u16, scale: u16) -> Option<Self> {
        Some(Self {
            ty: DataType::Numeric(None),
            arrow: decimal_of(precision, i16::try_from(scale).ok()?)?,
        })
    }

    /// The same array form under another SQL type that shares it.
    pub fn with_type(&self, ty: &DataType) -> Self {
        Self {
            ty: ty.clone(),
            arrow: self.arrow.clone(),
        }
    }

    /// Precision and scale, if this is a `numeric` in decimal form.
    pub fn as_decimal(&self) -> Option<(u8, u16)> {
        match self.arrow {
            ArrowType::Decimal128(precision, scale) => {
                Some((precision, scale.unsigned_abs().into()))
            }
            _ => None,
        }
    }

    /// Whether this is a `numeric` in the form that holds any number.
    pub fn is_free_numeric(&self) -> bool {
        matches!(self.ty, DataType::Numeric(_)) && self.arrow == ArrowType::BinaryView
    }

    /// Whether Arrow's own comparison of such arrays is PostgreSQL's.
    pub fn is_ordered(&self) -> bool {
        match self.ty {
            DataType::Bool
            | DataType::Int2
            | DataType::Int4
            | DataType::Int8
            | DataType::Oid
            | DataType::Xid
            | DataType::Reg(_)
            | DataType::CharByte
            | DataType::Text
            | DataType::Varchar(_)
            | DataType::Name
            | DataType::Unknown
            | DataType::Bytea
            | DataType::Date
            | DataType::Time(_)
            | DataType::Timestamp(_)
            | DataType::TimestampTz(_)
            | DataType::Uuid
            | DataType::Void => true,
            DataType::Numeric(_) => self.as_decimal().is_some(),
            DataType::User(_) => self.ty.is_enum(),
            // Zero has two signs, NaN many bit patterns, `char(n)` blanks that do not count.
            DataType::Float4
            | DataType::Float8
            | DataType::Char(_)
            | DataType::Json
            | DataType::JsonPath
            | DataType::Jsonb
            | DataType::Interval(_)
            | DataType::Array(_)
            | DataType::Int2Vector
            | DataType::OidVector
            | DataType::Range(_)
            | DataType::Multirange(_)
            | DataType::TimeTz(_)
            | DataType::Bit(_)
            | DataType::VarBit(_)
            | DataType::Inet
            | DataType::Cidr
            | DataType::MacAddr
            | DataType::Vector(..)
            | DataType::Record => false,
        }
    }

    /// The common form of two columns of one SQL type, from which each value can be had unchanged,
    /// display scale included.
    pub fn unify(&self, other: &Self) -> Self {
        if self.arrow == other.arrow {
            return self.clone();
        }
        match (self.as_decimal(), other.as_decimal()) {
            (Some((p, s)), Some((q, t))) if s == t => {
                Self::decimal(p.max(q).into(), s).unwrap_or_else(|| Self::of(&self.ty.bare()))
            }
            _ => Self::of(&self.ty.bare()),
        }
    }

    /// A nullable Arrow field of this shape.
    pub fn field(&self, name: &str) -> Field {
        Field::new(name, self.arrow.clone(), true)
    }
}

fn decimal_of(precision: u16, scale: i16) -> Option<ArrowType> {
    // `numeric(2,-3)` shows no fraction; its values just have three more digits before the point.
    let (digits, scale) = match u16::try_from(scale) {
        Ok(scale) => (precision.max(scale), scale),
        Err(_) => (precision.checked_add(scale.unsigned_abs())?, 0),
    };
    if digits == 0 || digits > DECIMAL_DIGITS {
        return None;
    }
    Some(ArrowType::Decimal128(
        u8::try_from(digits).ok()?,
        i8::try_from(scale).ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_with_modifier_is_decimal_while_it_fits() {
        let shape = |p, s| Shape::of(&DataType::Numeric(Some((p, s)))).arrow;
        assert_eq!(shape(10, 2), ArrowType::Decimal128(10, 2));
        assert_eq!(shape(38, 0), ArrowType::Decimal128(38, 0));
        assert_eq!(shape(39, 0), ArrowType::BinaryView);
        assert_eq!(shape(2, 5), ArrowType::Decimal128(5, 5));
        assert_eq!(shape(2, -3), ArrowType::Decimal128(5, 0));
    }

    #[test]
    fn forms_with_other_scales_meet_in_the_free_form() {
        let a = Shape::decimal(10, 2).expect("fits");
        let b = Shape::decimal(12, 2).expect("fits");
        let c = Shape::decimal(12, 3).expect("fits");
        assert_eq!(a.unify(&b), b);
        assert!(a.unify(&c).is_free_numeric());
    }
}
