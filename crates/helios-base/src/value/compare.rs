//! Identity, hashing and the total order of values.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{ArrayValue, Value};
use crate::DataType;

impl Value {
    /// Orders as PostgreSQL's btree operator classes do, for two values of the same type.
    ///
    /// `NaN` is above every number, floats `-0` and `0` are equal, strings go by bytes (collation
    /// `C`), arrays by elements and then by shape, `NULL` inside arrays and records is last. Two
    /// `NULL`s are equal and above everything: callers that need `NULLS FIRST` look before they
    /// call. Integers of different widths compare by value, and so do floats; values of otherwise
    /// different types have an arbitrary but fixed order.
    ///
    /// `char(n)` values compare with their padding; use [`Value::cmp_as`] where the type is at hand.
    #[must_use]
    pub fn cmp_sql(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int4(a), Self::Int4(b)) => a.cmp(b),
            (Self::Int8(a), Self::Int8(b)) => a.cmp(b),
            (Self::Float4(a), Self::Float4(b)) => cmp_float(f64::from(*a), f64::from(*b)),
            (Self::Float8(a), Self::Float8(b)) => cmp_float(*a, *b),
            (Self::Float4(a), Self::Float8(b)) => cmp_float(f64::from(*a), *b),
            (Self::Float8(a), Self::Float4(b)) => cmp_float(*a, f64::from(*b)),
            (Self::Numeric(a), Self::Numeric(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Self::Bytea(a), Self::Bytea(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b))
            | (Self::Timestamp(a), Self::Timestamp(b))
            | (Self::TimestampTz(a), Self::TimestampTz(b)) => a.cmp(b),
            (Self::TimeTz(a), Self::TimeTz(b)) => a.cmp(b),
            (Self::Interval(a), Self::Interval(b)) => a.cmp(b),
            (Self::Bits(a), Self::Bits(b)) => a.cmp(b),
            (Self::Inet(a), Self::Inet(b)) => a.cmp(b),
            (Self::MacAddr(a), Self::MacAddr(b)) => a.cmp(b),
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (Self::Jsonb(a), Self::Jsonb(b)) => a.cmp(b),
            (Self::Oid(a), Self::Oid(b)) => a.cmp(b),
            (Self::Enum(a), Self::Enum(b)) => a.cmp_order(b),
            (Self::Range(a), Self::Range(b)) => a.cmp(b),
            (Self::Multirange(a), Self::Multirange(b)) => a.cmp(b),
            (Self::Vector(a), Self::Vector(b)) => a.cmp_order(b),
            (Self::Array(a), Self::Array(b)) => a.cmp_by(b, Self::cmp_sql),
            (Self::Record(a), Self::Record(b)) => cmp_records(a, b),
            _ => match (self.as_integer(), other.as_integer()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    /// [`Value::cmp_sql`] for values of type `ty`: trailing blanks of `char(n)` do not count.
    #[must_use]
    pub fn cmp_as(&self, other: &Self, ty: &DataType) -> Ordering {
        match (self, other, ty) {
            (Self::Text(a), Self::Text(b), DataType::Char(_)) => {
                trim_blanks(a).as_bytes().cmp(trim_blanks(b).as_bytes())
            }
            (Self::Array(a), Self::Array(b), DataType::Array(element)) => {
                a.cmp_by(b, |x, y| x.cmp_as(y, element))
            }
            (Self::Record(a), Self::Record(b), DataType::User(user)) if user.is_composite() => a
                .iter()
                .zip(b.iter())
                .zip(user.fields())
                .map(|((x, y), (_, ty))| x.cmp_as(y, ty))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| a.len().cmp(&b.len())),
            (_, _, DataType::User(user)) => match user.as_domain() {
                Some(domain) => self.cmp_as(other, &domain.base),
                None => self.cmp_sql(other),
            },
            _ => self.cmp_sql(other),
        }
    }

    fn as_integer(&self) -> Option<i64> {
        match *self {
            Self::Int2(n) => Some(i64::from(n)),
            Self::Int4(n) => Some(i64::from(n)),
            Self::Int8(n) => Some(n),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int2(_) | Self::Int4(_) | Self::Int8(_) => 1,
            Self::Float4(_) | Self::Float8(_) => 2,
            Self::Numeric(_) => 3,
            Self::Oid(_) => 4,
            Self::Text(_) => 5,
            Self::Bytea(_) => 6,
            Self::Date(_) => 7,
            Self::Time(_) => 8,
            Self::Timestamp(_) => 9,
            Self::TimestampTz(_) => 10,
            Self::Interval(_) => 11,
            Self::Uuid(_) => 12,
            Self::Jsonb(_) => 13,
            Self::Array(_) => 14,
            Self::Record(_) => 15,
            // Last, inside arrays and records, too.
            Self::Null => u8::MAX,
            Self::Enum(_) => 17,
            Self::Range(_) => 18,
            Self::TimeTz(_) => 19,
            Self::Bits(_) => 20,
            Self::Inet(_) => 21,
            Self::MacAddr(_) => 22,
            Self::Multirange(_) => 23,
            Self::Vector(_) => 24,
        }
    }
}

/// The part of a `char(n)` that counts.
#[must_use]
pub(crate) fn trim_blanks(text: &str) -> &str {
    text.trim_end_matches(' ')
}

fn cmp_float(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

fn cmp_records(a: &[Value], b: &[Value]) -> Ordering {
    a.iter()
        .zip(b)
        .map(|(x, y)| x.cmp_sql(y))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}

impl ArrayValue {
    /// PostgreSQL's array order: elements first, then how many, then the shape.
    fn cmp_by(&self, other: &Self, cmp: impl Fn(&Value, &Value) -> Ordering) -> Ordering {
        self.elements
            .iter()
            .zip(&other.elements)
            .map(|(a, b)| cmp(a, b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| {
                let lengths = |array: &Self| array.dims.iter().map(|d| d.0).collect::<Vec<_>>();
                let bounds = |array: &Self| array.dims.iter().map(|d| d.1).collect::<Vec<_>>();
                self.elements
                    .len()
                    .cmp(&other.elements.len())
                    .then_with(|| self.dims.len().cmp(&other.dims.len()))
                    .then_with(|| lengths(self).cmp(&lengths(other)))
                    .then_with(|| bounds(self).cmp(&bounds(other)))
            })
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp_sql(other).is_eq()
    }
}

impl Eq for Value {}

impl PartialEq for ArrayValue {
    fn eq(&self, other: &Self) -> bool {
        self.dims == other.dims && self.elements == other.elements
    }
}

impl Eq for ArrayValue {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Bool(b) => b.hash(state),
            Self::Int2(_) | Self::Int4(_) | Self::Int8(_) => self.as_integer().hash(state),
            Self::Float4(x) => hash_float(f64::from(*x), state),
            Self::Float8(x) => hash_float(*x, state),
            Self::Numeric(n) => n.hash(state),
            Self::Text(s) => s.hash(state),
            Self::Bytea(b) => b.hash(state),
            Self::Date(n) => n.hash(state),
            Self::Time(n) | Self::Timestamp(n) | Self::TimestampTz(n) => n.hash(state),
            Self::TimeTz(time) => time.hash(state),
            Self::Interval(i) => i.hash(state),
            Self::Bits(bits) => bits.hash(state),
            Self::Inet(inet) => inet.hash(state),
            Self::MacAddr(address) => address.hash(state),
            Self::Uuid(u) => u.hash(state),
            Self::Jsonb(j) => j.hash(state),
            Self::Oid(n) => n.hash(state),
            Self::Enum(label) => label.order.hash(state),
            Self::Range(range) => range.hash(state),
            Self::Multirange(multirange) => multirange.hash(state),
            Self::Vector(vector) => vector.hash_into(state),
            Self::Array(a) => {
                a.dims.hash(state);
                a.elements.hash(state);
            }
            Self::Record(r) => r.hash(state),
        }
    }
}

fn hash_float<H: Hasher>(x: f64, state: &mut H) {
    // `-0` and `0` are equal, and so are all NaNs.
    let canonical = if x.is_nan() {
        f64::NAN
    } else if x == 0.0 {
        0.0
    } else {
        x
    };
    canonical.to_bits().hash(state);
}
