//! SQL types, with PostgreSQL's names and object identifiers.

use std::fmt;

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
    /// `time without time zone`
    Time,
    /// `timestamp without time zone`
    Timestamp,
    /// `timestamp with time zone`
    TimestampTz,
    /// `interval`
    Interval,
    /// `uuid`
    Uuid,
    /// `json`: the text as it was written.
    Json,
    /// `jsonb`: normalised.
    Jsonb,
    /// `oid`
    Oid,
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
            Self::Array(element) => Self::Array(Box::new(element.bare())),
            other => other.clone(),
        }
    }

    /// Whether both are the same type, modifiers aside.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(a), Self::Array(b)) => a.same(b),
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
                Self::Float4 | Self::Float8 | Self::Numeric(_) | Self::Oid
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
            Self::Time => 1083,
            Self::Timestamp => 1114,
            Self::TimestampTz => 1184,
            Self::Interval => 1186,
            Self::Numeric(_) => 1700,
            Self::Record => 2249,
            Self::Void => 2278,
            Self::Uuid => 2950,
            Self::Jsonb => 3802,
            Self::Array(element) => element.array_oid(),
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
            Self::Timestamp => 1115,
            Self::Date => 1182,
            Self::Time => 1183,
            Self::TimestampTz => 1185,
            Self::Interval => 1187,
            Self::Numeric(_) => 1231,
            Self::Record => 2287,
            Self::Uuid => 2951,
            Self::Jsonb => 3807,
            Self::Array(inner) => inner.array_oid(),
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
            Self::Time => "time without time zone",
            Self::Timestamp => "timestamp without time zone",
            Self::TimestampTz => "timestamp with time zone",
            Self::Interval => "interval",
            Self::Uuid => "uuid",
            Self::Json => "json",
            Self::Jsonb => "jsonb",
            Self::Oid => "oid",
            Self::Array(element) => return write!(f, "{element}[]"),
            Self::Unknown => "unknown",
            Self::Record => "record",
            Self::Void => "void",
        })
    }
}
