//! One SQL datum.

mod array;
mod compare;
mod convert;

use std::sync::Arc;

pub use array::ArrayValue;
pub(crate) use compare::trim_blanks;

use crate::bits::BitString;
use crate::datetime::{Interval, TimeTz};
use crate::json::Json;
use crate::network::Inet;
use crate::numeric::Numeric;
use crate::{
    DataType, EnumLabel, MultirangeValue, RangeValue, Result, TextContext, UserKind, VectorValue,
    text,
};

/// A row: one value per column, in column order.
pub type Row = Vec<Value>;

/// One SQL datum; its [`DataType`] is known from where it stands.
///
/// `PartialEq` is identity (`NULL` equals `NULL`, `NaN` equals `NaN`), as `IS NOT DISTINCT FROM`:
/// numerics `1.0` and `1.00`, intervals `1 mon` and `30 days`, floats `0` and `-0` are the same.
/// `Hash` agrees with it. SQL comparison is [`Value::cmp_sql`].
#[derive(Clone, Debug)]
pub enum Value {
    /// `NULL` of any type.
    Null,
    /// `boolean`
    Bool(bool),
    /// `smallint`
    Int2(i16),
    /// `integer`
    Int4(i32),
    /// `bigint`
    Int8(i64),
    /// `real`
    Float4(f32),
    /// `double precision`
    Float8(f64),
    /// `numeric`
    Numeric(Numeric),
    /// `text`, `varchar`, `char` (padded), `name`, `"char"`, `json`, `jsonpath` and `unknown`
    Text(Arc<str>),
    /// `bytea`
    Bytea(Arc<[u8]>),
    /// `date`: days since 1970-01-01; the extremes are `-infinity` and `infinity`.
    Date(i32),
    /// `time`: microseconds since midnight, up to and including 24:00:00.
    Time(i64),
    /// `time with time zone`
    TimeTz(TimeTz),
    /// `timestamp`: microseconds since 1970-01-01 00:00; the extremes are the infinities.
    Timestamp(i64),
    /// `timestamptz`: microseconds since 1970-01-01 00:00 UTC; the extremes are the infinities.
    TimestampTz(i64),
    /// `interval`
    Interval(Box<Interval>),
    /// `uuid`
    Uuid(Box<[u8; 16]>),
    /// `jsonb`
    Jsonb(Arc<Json>),
    /// `oid`, `xid`, `regclass` and its kin
    Oid(u32),
    /// `bit` and `bit varying`
    Bits(Arc<BitString>),
    /// `inet` and `cidr`
    Inet(Arc<Inet>),
    /// `macaddr`
    MacAddr([u8; 6]),
    /// A label of an enum.
    Enum(Arc<EnumLabel>),
    /// A range.
    Range(Arc<RangeValue>),
    /// A multirange.
    Multirange(Arc<MultirangeValue>),
    /// `vector`, `halfvec` and `sparsevec`
    Vector(Arc<VectorValue>),
    /// An array.
    Array(Arc<ArrayValue>),
    /// A row value.
    Record(Arc<[Value]>),
}

const _: () = assert!(size_of::<Value>() <= 24);

impl Value {
    /// Whether this is `NULL`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A `text` value.
    #[must_use]
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// The natural type of the datum, without modifier.
    ///
    /// `Unknown` for `NULL` and for arrays without a non-null element; `Text` for every string.
    #[must_use]
    pub fn natural_type(&self) -> DataType {
        match self {
            Self::Null => DataType::Unknown,
            Self::Bool(_) => DataType::Bool,
            Self::Int2(_) => DataType::Int2,
            Self::Int4(_) => DataType::Int4,
            Self::Int8(_) => DataType::Int8,
            Self::Float4(_) => DataType::Float4,
            Self::Float8(_) => DataType::Float8,
            Self::Numeric(_) => DataType::Numeric(None),
            Self::Text(_) => DataType::Text,
            Self::Bytea(_) => DataType::Bytea,
            Self::Date(_) => DataType::Date,
            Self::Time(_) => DataType::Time(None),
            Self::TimeTz(_) => DataType::TimeTz(None),
            Self::Timestamp(_) => DataType::Timestamp(None),
            Self::TimestampTz(_) => DataType::TimestampTz(None),
            Self::Interval(_) => DataType::Interval(None),
            Self::Bits(_) => DataType::VarBit(None),
            Self::Inet(_) => DataType::Inet,
            Self::MacAddr(_) => DataType::MacAddr,
            Self::Uuid(_) => DataType::Uuid,
            Self::Jsonb(_) => DataType::Jsonb,
            Self::Oid(_) => DataType::Oid,
            // A label knows its name, not its type.
            Self::Enum(_) => DataType::Text,
            Self::Range(range) => DataType::Range(range.kind()),
            Self::Multirange(multirange) => DataType::Multirange(multirange.kind()),
            Self::Vector(vector) => DataType::Vector(vector.kind(), None),
            Self::Array(array) => array
                .elements
                .iter()
                .find(|element| !element.is_null())
                .map_or(DataType::Unknown, |element| {
                    DataType::Array(Box::new(element.natural_type()))
                }),
            Self::Record(_) => DataType::Record,
        }
    }

    /// Whether the datum may stand where `ty` is expected; `NULL` may stand anywhere.
    #[must_use]
    pub fn fits(&self, ty: &DataType) -> bool {
        match (self, ty) {
            (Self::Null, _)
            | (Self::Bool(_), DataType::Bool)
            | (Self::Int2(_), DataType::Int2)
            | (Self::Int4(_), DataType::Int4)
            | (Self::Int8(_), DataType::Int8)
            | (Self::Float4(_), DataType::Float4)
            | (Self::Float8(_), DataType::Float8)
            | (Self::Numeric(_), DataType::Numeric(_))
            | (Self::Bytea(_), DataType::Bytea)
            | (Self::Date(_), DataType::Date)
            | (Self::Time(_), DataType::Time(_))
            | (Self::TimeTz(_), DataType::TimeTz(_))
            | (Self::Timestamp(_), DataType::Timestamp(_))
            | (Self::TimestampTz(_), DataType::TimestampTz(_))
            | (Self::Interval(_), DataType::Interval(_))
            | (Self::Bits(_), DataType::Bit(_) | DataType::VarBit(_))
            | (Self::Inet(_), DataType::Inet | DataType::Cidr)
            | (Self::MacAddr(_), DataType::MacAddr)
            | (Self::Uuid(_), DataType::Uuid)
            | (Self::Jsonb(_), DataType::Jsonb)
            | (Self::Oid(_), DataType::Oid | DataType::Xid | DataType::Reg(_))
            | (Self::Record(_), DataType::Record) => true,
            (Self::Vector(vector), DataType::Vector(kind, _)) => vector.kind() == *kind,
            (Self::Range(range), DataType::Range(kind)) => range.kind() == *kind,
            (Self::Multirange(ranges), DataType::Multirange(kind)) => ranges.kind() == *kind,
            (Self::Text(_), ty) => {
                ty.is_string()
                    || matches!(
                        ty,
                        DataType::Json
                            | DataType::JsonPath
                            | DataType::Unknown
                            | DataType::Void
                            | DataType::CharByte
                    )
                    || ty.has_domain() && self.fits(&ty.base())
            }
            (Self::Array(array), DataType::Int2Vector) => array
                .elements
                .iter()
                .all(|value| value.fits(&DataType::Int2)),
            (Self::Array(array), DataType::OidVector) => array
                .elements
                .iter()
                .all(|value| value.fits(&DataType::Oid)),
            (value, DataType::User(user)) => match (&user.kind, value) {
                (UserKind::Enum(_), Self::Enum(_)) => true,
                (UserKind::Domain(domain), value) => value.fits(&domain.base),
                (UserKind::Composite(types), Self::Record(fields)) => {
                    types.len() == fields.len()
                        && types
                            .iter()
                            .zip(fields.iter())
                            .all(|((_, ty), v)| v.fits(ty))
                }
                _ => false,
            },
            (Self::Array(array), DataType::Array(element)) => {
                array.elements.iter().all(|value| value.fits(element))
            }
            _ => false,
        }
    }

    /// Reads a value from PostgreSQL's text form of `ty`, applying its modifier.
    ///
    /// # Errors
    /// `22P02`, `22003`, `22007`, `22008`, `22001` and their kin with PostgreSQL's messages.
    pub fn parse(text: &str, ty: &DataType, context: &TextContext) -> Result<Self> {
        text::parse(text, ty, context)
    }

    /// PostgreSQL's text form, as `psql` shows it; the empty string for `NULL`.
    #[must_use]
    pub fn to_text(&self, ty: &DataType, context: &TextContext) -> String {
        let mut out = String::new();
        text::write(self, ty, context, &mut out);
        out
    }

    /// Appends [`Value::to_text`] to `out`.
    pub fn write_text(&self, ty: &DataType, context: &TextContext, out: &mut String) {
        text::write(self, ty, context, out);
    }
}
