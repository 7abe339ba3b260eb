//! Type categories and preferred types.

use helios_base::{DataType, UserKind};

use crate::ty::Ty;

/// PostgreSQL's `typcategory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// `A`
    Array,
    /// `B`
    Boolean,
    /// `C`, and `record`
    Composite,
    /// `E`
    Enum,
    /// `D`
    DateTime,
    /// `N`
    Numeric,
    /// `R`
    Range,
    /// `S`
    String,
    /// `T`
    Timespan,
    /// `I`
    Network,
    /// `V`
    Bits,
    /// `U`
    User,
    /// `P`: polymorphic patterns
    Pseudo,
    /// `Z`: `"char"`
    Internal,
    /// `X`: literals not yet decided
    Unknown,
}

/// The category of a type.
#[must_use]
pub fn category(ty: &DataType) -> Category {
    match ty {
        DataType::Bool => Category::Boolean,
        DataType::Int2
        | DataType::Int4
        | DataType::Int8
        | DataType::Float4
        | DataType::Float8
        | DataType::Numeric(_)
        | DataType::Oid
        | DataType::Reg(_) => Category::Numeric,
        DataType::Text | DataType::Varchar(_) | DataType::Char(_) | DataType::Name => {
            Category::String
        }
        DataType::Date
        | DataType::Time(_)
        | DataType::TimeTz(_)
        | DataType::Timestamp(_)
        | DataType::TimestampTz(_) => Category::DateTime,
        DataType::Interval(_) => Category::Timespan,
        DataType::Inet | DataType::Cidr => Category::Network,
        DataType::Bit(_) | DataType::VarBit(_) => Category::Bits,
        DataType::Range(_) | DataType::Multirange(_) => Category::Range,
        DataType::Array(_) | DataType::Int2Vector | DataType::OidVector => Category::Array,
        DataType::CharByte => Category::Internal,
        DataType::User(user) => match &user.kind {
            UserKind::Enum(_) => Category::Enum,
            UserKind::Composite(_) => Category::Composite,
            UserKind::Domain(domain) => category(&domain.base),
            UserKind::Unresolved => Category::User,
        },
        DataType::Unknown => Category::Unknown,
        DataType::Record | DataType::Void => Category::Composite,
        _ => Category::User,
    }
}

/// Whether the type is the preferred one of its category.
#[must_use]
pub fn is_preferred(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::Bool
            | DataType::Text
            | DataType::Float8
            | DataType::Oid
            | DataType::TimestampTz(_)
            | DataType::Interval(_)
            | DataType::Inet
            | DataType::VarBit(_)
    )
}

/// Category and preference of a pattern.
pub(crate) fn of_pattern(ty: Ty) -> (Category, bool) {
    match ty.concrete() {
        Some(ty) => (category(&ty), is_preferred(&ty)),
        None => (Category::Pseudo, false),
    }
}
