//! One SQL datum.

use std::sync::Arc;

use crate::numeric::Numeric;

/// A row: one value per column, in column order.
pub type Row = Vec<Value>;

/// One SQL datum; its [`crate::DataType`] is known from where it stands.
///
/// `PartialEq` is identity (`NULL` equals `NULL`, `NaN` equals `NaN`), as `IS NOT DISTINCT FROM`.
/// SQL comparison is [`Value::cmp_sql`].
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
    /// `text`, `varchar`, `char` (padded), `name`, `json` and `unknown`
    Text(Arc<str>),
    /// `bytea`
    Bytea(Arc<[u8]>),
    /// `date`: days since 1970-01-01; the extremes are `-infinity` and `infinity`.
    Date(i32),
    /// `time`: microseconds since midnight, up to and including 24:00:00.
    Time(i64),
    /// `timestamp`: microseconds since 1970-01-01 00:00; the extremes are the infinities.
    Timestamp(i64),
    /// `timestamptz`: microseconds since 1970-01-01 00:00 UTC; the extremes are the infinities.
    TimestampTz(i64),
    /// `interval`
    Interval(Box<Interval>),
    /// `uuid`
    Uuid(Box<[u8; 16]>),
    /// `jsonb`
    Jsonb(Arc<serde_json::Value>),
    /// `oid`
    Oid(u32),
    /// An array.
    Array(Arc<ArrayValue>),
    /// A row value.
    Record(Arc<[Value]>),
}

/// `interval`: three fields that do not convert into each other, as in PostgreSQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

/// An array of one element type, in row-major order.
#[derive(Clone, Debug)]
pub struct ArrayValue {
    /// Length and lower bound of each dimension; empty for the empty array.
    pub dims: Vec<(u32, i32)>,
    /// The elements.
    pub elements: Vec<Value>,
}
