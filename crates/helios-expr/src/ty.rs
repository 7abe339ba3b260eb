//! Type patterns: what a catalogue entry says its arguments and result are.
//!
//! A [`Ty`] can stand in a `static` table, which a [`DataType`] (it may own a box) cannot, and it
//! knows PostgreSQL's polymorphic pseudo-types.

use std::fmt;

use helios_base::{DataType, RangeKind, RegKind, VectorKind};

/// A parameter or result type in the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "plain types are those of `DataType`")]
pub enum Ty {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Varchar,
    Char,
    Name,
    Bytea,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Uuid,
    Json,
    Jsonb,
    JsonPath,
    Bit,
    VarBit,
    Inet,
    Cidr,
    MacAddr,
    Oid,
    Xid,
    CharByte,
    Int2Vector,
    OidVector,
    Regclass,
    Regtype,
    Regproc,
    Regprocedure,
    Regoper,
    Regoperator,
    Regnamespace,
    Regrole,
    Regcollation,
    Record,
    Void,
    Unknown,
    /// `vector` and its kin.
    Vector(VectorKind),
    /// `int4range` and its kin.
    Range(RangeKind),
    /// `int4multirange` and its kin.
    Multirange(RangeKind),
    /// The type of the values in ranges, which takes no other one that could be cast to it.
    Element(RangeKind),
    /// An array of this plain type.
    Array(&'static Ty),
    /// `anyelement`: all such arguments have one type.
    AnyElement,
    /// `anyarray`: an array whose element type is that of `anyelement`.
    AnyArray,
    /// `anynonarray`: as `anyelement`, but not an array.
    AnyNonArray,
    /// `anyenum`: as `anyelement`, but an enum.
    AnyEnum,
    /// `anycompatible`: all such arguments are cast to their common type.
    AnyCompatible,
    /// `anycompatiblearray`: an array whose element type is the common type.
    AnyCompatibleArray,
    /// `anycompatiblenonarray`: as `anycompatible`, but not an array.
    AnyCompatibleNonArray,
    /// `"any"`: no checking and no conversion.
    Any,
}

impl Ty {
    /// `vector`
    pub const VECTOR: Self = Self::Vector(VectorKind::Full);
    /// `halfvec`
    pub const HALFVEC: Self = Self::Vector(VectorKind::Half);
    /// `sparsevec`
    pub const SPARSEVEC: Self = Self::Vector(VectorKind::Sparse);

    /// The concrete type, or `None` for a polymorphic one.
    #[must_use]
    pub fn concrete(self) -> Option<DataType> {
        Some(match self {
            Self::Bool => DataType::Bool,
            Self::Int2 => DataType::Int2,
            Self::Int4 => DataType::Int4,
            Self::Int8 => DataType::Int8,
            Self::Float4 => DataType::Float4,
            Self::Float8 => DataType::Float8,
            Self::Numeric => DataType::Numeric(None),
            Self::Text => DataType::Text,
            Self::Varchar => DataType::Varchar(None),
            Self::Char => DataType::Char(None),
            Self::Name => DataType::Name,
            Self::Bytea => DataType::Bytea,
            Self::Date => DataType::Date,
            Self::Time => DataType::Time(None),
            Self::TimeTz => DataType::TimeTz(None),
            Self::Timestamp => DataType::Timestamp(None),
            Self::TimestampTz => DataType::TimestampTz(None),
            Self::Interval => DataType::Interval(None),
            Self::Uuid => DataType::Uuid,
            Self::Json => DataType::Json,
            Self::Jsonb => DataType::Jsonb,
            Self::JsonPath => DataType::JsonPath,
            Self::Bit => DataType::Bit(None),
            Self::VarBit => DataType::VarBit(None),
            Self::Inet => DataType::Inet,
            Self::Cidr => DataType::Cidr,
            Self::MacAddr => DataType::MacAddr,
            Self::Oid => DataType::Oid,
            Self::Xid => DataType::Xid,
            Self::CharByte => DataType::CharByte,
            Self::Int2Vector => DataType::Int2Vector,
            Self::OidVector => DataType::OidVector,
            Self::Regclass => DataType::Reg(RegKind::Class),
            Self::Regtype => DataType::Reg(RegKind::Type),
            Self::Regproc => DataType::Reg(RegKind::Proc),
            Self::Regprocedure => DataType::Reg(RegKind::Procedure),
            Self::Regoper => DataType::Reg(RegKind::Oper),
            Self::Regoperator => DataType::Reg(RegKind::Operator),
            Self::Regnamespace => DataType::Reg(RegKind::Namespace),
            Self::Regrole => DataType::Reg(RegKind::Role),
            Self::Regcollation => DataType::Reg(RegKind::Collation),
            Self::Record => DataType::Record,
            Self::Void => DataType::Void,
            Self::Unknown => DataType::Unknown,
            Self::Range(kind) => DataType::Range(kind),
            Self::Multirange(kind) => DataType::Multirange(kind),
            Self::Vector(kind) => DataType::Vector(kind, None),
            Self::Element(kind) => kind.element(),
            Self::Array(element) => DataType::Array(Box::new(element.concrete()?)),
            _ => return None,
        })
    }

    /// Whether this is exactly `ty`, modifiers aside. Polymorphic patterns match nothing exactly.
    #[must_use]
    pub fn is(self, ty: &DataType) -> bool {
        match (self, ty) {
            (Self::Element(kind), ty) => kind.element().same(ty),
            (Self::Array(element), DataType::Array(actual)) => element.is(actual),
            (Self::Vector(kind), DataType::Vector(actual, _)) => kind == *actual,
            (Self::Range(kind), DataType::Range(actual))
            | (Self::Multirange(kind), DataType::Multirange(actual)) => kind == *actual,
            (Self::Bool, DataType::Bool)
            | (Self::Int2, DataType::Int2)
            | (Self::Int4, DataType::Int4)
            | (Self::Int8, DataType::Int8)
            | (Self::Float4, DataType::Float4)
            | (Self::Float8, DataType::Float8)
            | (Self::Numeric, DataType::Numeric(_))
            | (Self::Text, DataType::Text)
            | (Self::Varchar, DataType::Varchar(_))
            | (Self::Char, DataType::Char(_))
            | (Self::Name, DataType::Name)
            | (Self::Bytea, DataType::Bytea)
            | (Self::Date, DataType::Date)
            | (Self::Time, DataType::Time(_))
            | (Self::TimeTz, DataType::TimeTz(_))
            | (Self::Timestamp, DataType::Timestamp(_))
            | (Self::TimestampTz, DataType::TimestampTz(_))
            | (Self::Interval, DataType::Interval(_))
            | (Self::Uuid, DataType::Uuid)
            | (Self::Json, DataType::Json)
            | (Self::Jsonb, DataType::Jsonb)
            | (Self::JsonPath, DataType::JsonPath)
            | (Self::Bit, DataType::Bit(_))
            | (Self::VarBit, DataType::VarBit(_))
            | (Self::Inet, DataType::Inet)
            | (Self::Cidr, DataType::Cidr)
            | (Self::MacAddr, DataType::MacAddr)
            | (Self::Oid, DataType::Oid)
            | (Self::Xid, DataType::Xid)
            | (Self::CharByte, DataType::CharByte)
            | (Self::Int2Vector, DataType::Int2Vector)
            | (Self::OidVector, DataType::OidVector)
            | (Self::Regclass, DataType::Reg(RegKind::Class))
            | (Self::Regtype, DataType::Reg(RegKind::Type))
            | (Self::Regproc, DataType::Reg(RegKind::Proc))
            | (Self::Regprocedure, DataType::Reg(RegKind::Procedure))
            | (Self::Regoper, DataType::Reg(RegKind::Oper))
            | (Self::Regoperator, DataType::Reg(RegKind::Operator))
            | (Self::Regnamespace, DataType::Reg(RegKind::Namespace))
            | (Self::Regrole, DataType::Reg(RegKind::Role))
            | (Self::Regcollation, DataType::Reg(RegKind::Collation))
            | (Self::Record, DataType::Record)
            | (Self::Void, DataType::Void)
            | (Self::Unknown, DataType::Unknown) => true,
            _ => false,
        }
    }

    /// Whether this is one of the `any…` pseudo-types, [`Ty::Any`] included.
    #[must_use]
    pub fn is_polymorphic(self) -> bool {
        matches!(
            self,
            Self::AnyElement
                | Self::AnyArray
                | Self::AnyNonArray
                | Self::AnyEnum
                | Self::AnyCompatible
                | Self::AnyCompatibleArray
                | Self::AnyCompatibleNonArray
                | Self::Any
        )
    }
}

/// PostgreSQL's name of the type.
impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnyElement => "anyelement",
            Self::AnyArray => "anyarray",
            Self::AnyNonArray => "anynonarray",
            Self::AnyEnum => "anyenum",
            Self::AnyCompatible => "anycompatible",
            Self::AnyCompatibleArray => "anycompatiblearray",
            Self::AnyCompatibleNonArray => "anycompatiblenonarray",
            Self::Any => "\"any\"",
            Self::Char => "character",
            plain => {
                return match plain.concrete() {
                    Some(ty) => ty.fmt(f),
                    None => f.write_str("anyarray[]"),
                };
            }
        })
    }
}
