//! SQL types, with PostgreSQL's names and object identifiers.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::datetime::IntervalModifier;
use crate::{RangeKind, RegKind, UserKind, UserType, VectorKind};

/// A type with its modifier, such as `numeric(10,2)` or `varchar(20)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `numeric`, without or with `(precision, scale)`.
    Numeric(Option<(u16, i16)>),
    /// `text`
    Text,
    /// `character varying`, with its limit in characters.
    Varchar(Option<u32>),
    /// `character(n)`, blank-padded; PostgreSQL's `bpchar`.
    Char(Option<u32>),
    /// `name`: an identifier in the system catalogs.
    Name,
    /// `bytea`
    Bytea,
    /// `date`
    Date,
    /// `time without time zone`, with its digits of the second.
    Time(Option<u8>),
    /// `time with time zone`, with its digits of the second.
    TimeTz(Option<u8>),
    /// `timestamp without time zone`, with its digits of the second.
    Timestamp(Option<u8>),
    /// `timestamp with time zone`, with its digits of the second.
    TimestampTz(Option<u8>),
    /// `interval`, with its fields and its digits of the second.
    Interval(Option<IntervalModifier>),
    /// `uuid`
    Uuid,
    /// `json`: the text as it was written.
    Json,
    /// `jsonb`: normalised.
    Jsonb,
    /// `jsonpath`
    JsonPath,
    /// `bit`, with its length in bits.
    Bit(Option<u32>),
    /// `bit varying`, with its limit in bits.
    VarBit(Option<u32>),
    /// `inet`: the address of a host, perhaps with its network.
    Inet,
    /// `cidr`: the address of a network.
    Cidr,
    /// `macaddr`
    MacAddr,
    /// `oid`
    Oid,
    /// `regclass` and its kin: object identifiers shown by name.
    Reg(RegKind),
    /// `"char"`: one byte, in the system catalogs.
    CharByte,
    /// `xid`: a transaction number in the system catalogs.
    Xid,
    /// `int2vector`: column numbers in the system catalogs.
    Int2Vector,
    /// `oidvector`: object identifiers in the system catalogs.
    OidVector,
    /// `int4range` and its kin: ranges of values.
    Range(RangeKind),
    /// `int4multirange` and its kin: ranges of values with gaps between them.
    Multirange(RangeKind),
    /// `vector` and its kin, with their dimensions.
    Vector(VectorKind, Option<u32>),
    /// A type that a user has made.
    User(Arc<UserType>),
    /// An array of any number of dimensions of this element type.
    Array(Box<DataType>),
    /// `unknown`: a string literal or parameter whose type is not yet decided, and bare `NULL`.
    Unknown,
    /// `record`: a row value.
    Record,
    /// `void`
    Void,
}

impl DataType {
    /// The type without its modifier: `varchar(3)` becomes `varchar`.
    #[must_use]
    pub fn bare(&self) -> Self {
        match self {
            Self::Numeric(_) => Self::Numeric(None),
            Self::Varchar(_) => Self::Varchar(None),
            Self::Char(_) => Self::Char(None),
            Self::Time(_) => Self::Time(None),
            Self::TimeTz(_) => Self::TimeTz(None),
            Self::Timestamp(_) => Self::Timestamp(None),
            Self::TimestampTz(_) => Self::TimestampTz(None),
            Self::Interval(_) => Self::Interval(None),
            Self::Bit(_) => Self::Bit(None),
            Self::VarBit(_) => Self::VarBit(None),
            Self::Vector(kind, _) => Self::Vector(*kind, None),
            Self::Array(element) => Self::Array(Box::new(element.bare())),
            other => other.clone(),
        }
    }

    /// The type of the values: domains, also as elements of arrays, replaced by what they are
    /// based on.
    #[must_use]
    pub fn base(&self) -> Cow<'_, Self> {
        match self {
            Self::User(user) => match &user.kind {
                UserKind::Domain(domain) => domain.base.base(),
                _ => Cow::Borrowed(self),
            },
            Self::Array(element) => match element.base() {
                Cow::Borrowed(same) if std::ptr::eq(same, &**element) => Cow::Borrowed(self),
                base => Cow::Owned(Self::Array(Box::new(base.into_owned()))),
            },
            _ => Cow::Borrowed(self),
        }
    }

    /// Whether this is a domain, or an array of one.
    #[must_use]
    pub fn has_domain(&self) -> bool {
        match self {
            Self::User(user) => user.as_domain().is_some(),
            Self::Array(element) => element.has_domain(),
            _ => false,
        }
    }

    /// The system's own types without modifiers, arrays aside.
    pub fn builtins() -> impl Iterator<Item = Self> {
        [
            Self::Bool,
            Self::Bytea,
            Self::CharByte,
            Self::Name,
            Self::Int8,
            Self::Int2,
            Self::Int2Vector,
            Self::Int4,
            Self::Text,
            Self::Oid,
            Self::Xid,
            Self::OidVector,
            Self::Json,
            Self::Float4,
            Self::Float8,
            Self::Unknown,
            Self::Char(None),
            Self::Varchar(None),
            Self::Date,
            Self::Time(None),
            Self::TimeTz(None),
            Self::Timestamp(None),
            Self::TimestampTz(None),
            Self::Interval(None),
            Self::Numeric(None),
            Self::Record,
            Self::Void,
            Self::Uuid,
            Self::Jsonb,
            Self::JsonPath,
            Self::Bit(None),
            Self::VarBit(None),
            Self::Inet,
            Self::Cidr,
            Self::MacAddr,
        ]
        .into_iter()
        .chain(RegKind::ALL.into_iter().map(Self::Reg))
        .chain(RangeKind::ALL.into_iter().map(Self::Range))
        .chain(RangeKind::ALL.into_iter().map(Self::Multirange))
        .chain(VectorKind::ALL.map(|kind| Self::Vector(kind, None)))
    }

    /// The system's own type of this object identifier.
    #[must_use]
    pub fn from_oid(oid: u32) -> Option<Self> {
        Self::builtins().find_map(|ty| {
            if ty.oid() == oid {
                Some(ty)
            } else if ty.array_oid() == oid && oid != 0 {
                Some(Self::Array(Box::new(ty)))
            } else {
                None
            }
        })
    }

    /// The array type that a vector of the system catalogs is, if it is one.
    #[must_use]
    pub fn vector_array(&self) -> Option<Self> {
        match self {
            Self::Int2Vector => Some(Self::Array(Box::new(Self::Int2))),
            Self::OidVector => Some(Self::Array(Box::new(Self::Oid))),
            _ => None,
        }
    }

    /// The user's type that this is, or that its elements are.
    #[must_use]
    pub fn user_type(&self) -> Option<&Arc<UserType>> {
        match self {
            Self::User(user) => Some(user),
            Self::Array(element) => element.user_type(),
            _ => None,
        }
    }

    /// Whether values are rows, which `IS NULL` asks for their fields.
    #[must_use]
    pub fn is_row(&self) -> bool {
        match self {
            Self::Record => true,
            Self::User(user) => user.is_composite(),
            _ => false,
        }
    }

    /// Whether this is an enum.
    #[must_use]
    pub fn is_enum(&self) -> bool {
        matches!(self, Self::User(user) if user.is_enum())
    }

    /// Whether both are the same type, modifiers aside.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(a), Self::Array(b)) => a.same(b),
            (Self::User(a), Self::User(b)) => a.oid == b.oid,
            (Self::Reg(a), Self::Reg(b)) => a == b,
            (Self::Vector(a, _), Self::Vector(b, _)) => a == b,
            (Self::Range(a), Self::Range(b)) | (Self::Multirange(a), Self::Multirange(b)) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Whether this is a string type (category `S`).
    #[must_use]
    pub fn is_string(&self) -> bool {
        matches!(
            self,
            Self::Text | Self::Varchar(_) | Self::Char(_) | Self::Name
        )
    }

    /// Whether this is a numeric type (category `N`).
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.is_integer()
            || matches!(
                self,
                Self::Float4 | Self::Float8 | Self::Numeric(_) | Self::Oid | Self::Reg(_)
            )
    }

    /// Whether this is `smallint`, `integer` or `bigint`.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        matches!(self, Self::Int2 | Self::Int4 | Self::Int8)
    }

    /// The object identifier of the type in `pg_type`.
    #[must_use]
    pub fn oid(&self) -> u32 {
        match self {
            Self::Bool => 16,
            Self::Bytea => 17,
            Self::Name => 19,
            Self::Int8 => 20,
            Self::Int2 => 21,
            Self::Int4 => 23,
            Self::Text => 25,
            Self::Oid => 26,
            Self::Json => 114,
            Self::Float4 => 700,
            Self::Float8 => 701,
            Self::Unknown => 705,
            Self::Char(_) => 1042,
            Self::Varchar(_) => 1043,
            Self::Date => 1082,
            Self::Time(_) => 1083,
            Self::TimeTz(_) => 1266,
            Self::Timestamp(_) => 1114,
            Self::TimestampTz(_) => 1184,
            Self::Interval(_) => 1186,
            Self::Bit(_) => 1560,
            Self::VarBit(_) => 1562,
            Self::Inet => 869,
            Self::Cidr => 650,
            Self::MacAddr => 829,
            Self::JsonPath => 4072,
            Self::Numeric(_) => 1700,
            Self::Record => 2249,
            Self::Void => 2278,
            Self::Uuid => 2950,
            Self::Jsonb => 3802,
            Self::Array(element) => element.array_oid(),
            Self::CharByte => 18,
            Self::Int2Vector => 22,
            Self::Xid => 28,
            Self::OidVector => 30,
            Self::Reg(kind) => kind.oids().0,
            Self::Range(kind) => kind.oids().0,
            Self::Multirange(kind) => kind.multi_oids().0,
            Self::Vector(kind, _) => kind.oids().0,
            Self::User(user) => user.oid,
        }
    }

    fn array_oid(&self) -> u32 {
        match self {
            Self::Json => 199,
            Self::Bool => 1000,
            Self::Bytea => 1001,
            Self::Name => 1003,
            Self::Int2 => 1005,
            Self::Int4 => 1007,
            Self::Text => 1009,
            Self::Char(_) => 1014,
            Self::Varchar(_) => 1015,
            Self::Int8 => 1016,
            Self::Float4 => 1021,
            Self::Float8 => 1022,
            Self::Oid => 1028,
            Self::Timestamp(_) => 1115,
            Self::Date => 1182,
            Self::Time(_) => 1183,
            Self::TimeTz(_) => 1270,
            Self::TimestampTz(_) => 1185,
            Self::Interval(_) => 1187,
            Self::Bit(_) => 1561,
            Self::VarBit(_) => 1563,
            Self::Inet => 1041,
            Self::Cidr => 651,
            Self::MacAddr => 1040,
            Self::JsonPath => 4073,
            Self::Numeric(_) => 1231,
            Self::Record => 2287,
            Self::Uuid => 2951,
            Self::Jsonb => 3807,
            Self::Array(inner) => inner.array_oid(),
            Self::CharByte => 1002,
            Self::Int2Vector => 1006,
            Self::Xid => 1011,
            Self::OidVector => 1013,
            Self::Reg(kind) => kind.oids().1,
            Self::Range(kind) => kind.oids().1,
            Self::Multirange(kind) => kind.multi_oids().1,
            Self::Vector(kind, _) => kind.oids().1,
            Self::User(user) => user.array_oid,
            Self::Unknown | Self::Void => 0,
        }
    }
}

/// PostgreSQL's `format_type`: what `\d` and error messages show.
impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "boolean",
            Self::Int2 => "smallint",
            Self::Int4 => "integer",
            Self::Int8 => "bigint",
            Self::Float4 => "real",
            Self::Float8 => "double precision",
            Self::Numeric(None) => "numeric",
            Self::Numeric(Some((precision, scale))) => {
                return write!(f, "numeric({precision},{scale})");
            }
            Self::Text => "text",
            Self::Varchar(None) => "character varying",
            Self::Varchar(Some(limit)) => return write!(f, "character varying({limit})"),
            Self::Char(None) => "bpchar",
            Self::Char(Some(limit)) => return write!(f, "character({limit})"),
            Self::Name => "name",
            Self::Bytea => "bytea",
            Self::Date => "date",
            Self::Time(precision) => return moment(f, "time", *precision, "without time zone"),
            Self::TimeTz(precision) => return moment(f, "time", *precision, "with time zone"),
            Self::Timestamp(precision) => {
                return moment(f, "timestamp", *precision, "without time zone");
            }
            Self::TimestampTz(precision) => {
                return moment(f, "timestamp", *precision, "with time zone");
            }
            Self::Interval(None) => "interval",
            Self::Interval(Some(modifier)) => return write!(f, "interval{modifier}"),
            // Without a length it is not what `bit` alone means, which is one bit.
            Self::Bit(None) => "\"bit\"",
            Self::Bit(Some(length)) => return write!(f, "bit({length})"),
            Self::VarBit(None) => "bit varying",
            Self::VarBit(Some(limit)) => return write!(f, "bit varying({limit})"),
            Self::Inet => "inet",
            Self::Cidr => "cidr",
            Self::MacAddr => "macaddr",
            Self::JsonPath => "jsonpath",
            Self::Uuid => "uuid",
            Self::Json => "json",
            Self::Jsonb => "jsonb",
            Self::Oid => "oid",
            Self::Reg(kind) => kind.name(),
            Self::Range(kind) => kind.name(),
            Self::Multirange(kind) => kind.multi_name(),
            Self::Vector(kind, None) => kind.name(),
            Self::Vector(kind, Some(n)) => return write!(f, "{}({n})", kind.name()),
            Self::CharByte => "\"char\"",
            Self::Xid => "xid",
            Self::Int2Vector => "int2vector",
            Self::OidVector => "oidvector",
            Self::User(user) => return user.fmt(f),
            Self::Array(element) => return write!(f, "{element}[]"),
            Self::Unknown => "unknown",
            Self::Record => "record",
            Self::Void => "void",
        })
    }
}

/// `time(3) with time zone` and its kin.
fn moment(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    precision: Option<u8>,
    zone: &str,
) -> fmt::Result {
    match precision {
        Some(digits) => write!(f, "{name}({digits}) {zone}"),
        None => write!(f, "{name} {zone}"),
    }
}
