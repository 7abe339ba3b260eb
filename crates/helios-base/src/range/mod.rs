//! Range types: sets of consecutive values of another type.
//!
//! A [`RangeValue`] is always in its canonical form: ranges of integers and dates include their
//! lower bound and not their upper one, an empty range has no bounds, and a bound that is open is
//! not included. So equal sets are equal values.

mod bytes;
mod multi;
mod multi_set;
mod multi_text;
mod set;
mod text;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

pub(crate) use bytes::{put_flags, take_flags};
pub use multi::MultirangeValue;
pub(crate) use multi_text::{parse as parse_multi, write as write_multi};
pub(crate) use text::{parse, write};

use crate::datetime::{DATE_INFINITY, DATE_NEG_INFINITY, check_date};
use crate::{DataType, Error, Result, SqlState, Value};

/// A range type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RangeKind {
    /// `int4range`
    Int4,
    /// `int8range`
    Int8,
    /// `numrange`
    Numeric,
    /// `tsrange`
    Timestamp,
    /// `tstzrange`
    TimestampTz,
    /// `daterange`
    Date,
}

impl RangeKind {
    /// All of them, in order of their identifiers.
    pub const ALL: [Self; 6] = [
        Self::Int4,
        Self::Numeric,
        Self::Timestamp,
        Self::TimestampTz,
        Self::Date,
        Self::Int8,
    ];

    /// The type's name, which is also that of its constructor.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int4 => "int4range",
            Self::Int8 => "int8range",
            Self::Numeric => "numrange",
            Self::Timestamp => "tsrange",
            Self::TimestampTz => "tstzrange",
            Self::Date => "daterange",
        }
    }

    /// The identifiers of the type and of its arrays.
    #[must_use]
    pub const fn oids(self) -> (u32, u32) {
        match self {
            Self::Int4 => (3904, 3905),
            Self::Numeric => (3906, 3907),
            Self::Timestamp => (3908, 3909),
            Self::TimestampTz => (3910, 3911),
            Self::Date => (3912, 3913),
            Self::Int8 => (3926, 3927),
        }
    }

    /// The type of the values in it.
    #[must_use]
    pub const fn element(self) -> DataType {
        match self {
            Self::Int4 => DataType::Int4,
            Self::Int8 => DataType::Int8,
            Self::Numeric => DataType::Numeric(None),
            Self::Timestamp => DataType::Timestamp(None),
            Self::TimestampTz => DataType::TimestampTz(None),
            Self::Date => DataType::Date,
        }
    }
}

/// A range in canonical form.
#[derive(Clone, Debug)]
pub struct RangeValue {
    kind: RangeKind,
    lower: Value,
    upper: Value,
    lower_inc: bool,
    upper_inc: bool,
    empty: bool,
}

/// One end of a range.
#[derive(Clone, Copy, Debug)]
struct Bound<'a> {
    /// `NULL`: open.
    value: &'a Value,
    inclusive: bool,
    lower: bool,
}

impl Bound<'_> {
    /// Which end comes first. An open lower end comes before all, an open upper end after all; of
    /// two ends at one value, the one that leaves the value out is further inside.
    fn compare(&self, other: &Self) -> Ordering {
        match (self.value.is_null(), other.value.is_null()) {
            (true, true) => return other.lower.cmp(&self.lower),
            (true, false) => {
                return if self.lower {
                    Ordering::Less
                } else {
                    Ordering::Greater
                };
            }
            (false, true) => {
                return if other.lower {
                    Ordering::Greater
                } else {
                    Ordering::Less
                };
            }
            (false, false) => {}
        }
        self.value
            .cmp_sql(other.value)
            .then_with(|| match (self.inclusive, other.inclusive) {
                (true, true) => Ordering::Equal,
                (false, false) if self.lower == other.lower => Ordering::Equal,
                (false, false) if self.lower => Ordering::Greater,
                (false, false) => Ordering::Less,
                (false, true) if self.lower => Ordering::Greater,
                (false, true) => Ordering::Less,
                (true, false) if other.lower => Ordering::Less,
                (true, false) => Ordering::Greater,
            })
    }

    /// Which value comes first, whether it is included or not.
    fn compare_values(&self, other: &Self) -> Ordering {
        match (self.value.is_null(), other.value.is_null()) {
            (true, true) => other.lower.cmp(&self.lower),
            (true, false) if self.lower => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if other.lower => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.value.cmp_sql(other.value),
        }
    }
}

impl RangeValue {
    /// The range without values.
    #[must_use]
    pub const fn empty(kind: RangeKind) -> Self {
        Self {
            kind,
            lower: Value::Null,
            upper: Value::Null,
            lower_inc: false,
            upper_inc: false,
            empty: true,
        }
    }

    /// The range between two values of `kind`'s element type; `NULL` leaves an end open.
    ///
    /// # Errors
    /// 22000 the lower value is above the upper one; 22003, 22008 an end that is moved to its
    /// canonical place is out of range.
    pub fn new(
        kind: RangeKind,
        lower: Value,
        upper: Value,
        (lower_inc, upper_inc): (bool, bool),
    ) -> Result<Self> {
        let mut range = Self {
            kind,
            lower_inc: lower_inc && !lower.is_null(),
            upper_inc: upper_inc && !upper.is_null(),
            lower,
            upper,
            empty: false,
        };
        range.order()?;
        range.canonical()?;
        Ok(range)
    }

    /// Refuses ends in the wrong order; one value that is left out is nothing.
    fn order(&mut self) -> Result<()> {
        if self.lower.is_null() || self.upper.is_null() {
            return Ok(());
        }
        match self.lower.cmp_sql(&self.upper) {
            Ordering::Less => Ok(()),
            Ordering::Equal => {
                if !(self.lower_inc && self.upper_inc) {
                    *self = Self::empty(self.kind);
                }
                Ok(())
            }
            Ordering::Greater => Err(Error::new(
                SqlState::DATA_EXCEPTION,
                "range lower bound must be less than or equal to range upper bound",
            )),
        }
    }

    /// Ranges of whole numbers and days are brought to the form `[)`.
    fn canonical(&mut self) -> Result<()> {
        let whole = matches!(
            self.kind,
            RangeKind::Int4 | RangeKind::Int8 | RangeKind::Date
        );
        if self.empty || !whole {
            return Ok(());
        }
        if !self.lower.is_null() && !self.lower_inc && !is_endless(&self.lower) {
            self.lower = next(&self.lower)?;
            self.lower_inc = true;
        }
        if !self.upper.is_null() && self.upper_inc && !is_endless(&self.upper) {
            self.upper = next(&self.upper)?;
            self.upper_inc = false;
        }
        self.order()
    }

    /// Which type it is of.
    #[must_use]
    pub const fn kind(&self) -> RangeKind {
        self.kind
    }

    /// Whether there is no value in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.empty
    }

    /// The lower end; `NULL` if it is open or there is none.
    #[must_use]
    pub const fn lower(&self) -> &Value {
        &self.lower
    }

    /// The upper end; `NULL` if it is open or there is none.
    #[must_use]
    pub const fn upper(&self) -> &Value {
        &self.upper
    }

    /// Whether the lower and the upper end are part of it.
    #[must_use]
    pub const fn includes(&self) -> (bool, bool) {
        (self.lower_inc, self.upper_inc)
    }

    /// Whether the lower and the upper end are open.
    #[must_use]
    pub const fn is_open(&self) -> (bool, bool) {
        if self.empty {
            return (false, false);
        }
        (
            matches!(self.lower, Value::Null),
            matches!(self.upper, Value::Null),
        )
    }

    const fn low(&self) -> Bound<'_> {
        Bound {
            value: &self.lower,
            inclusive: self.lower_inc,
            lower: true,
        }
    }

    const fn high(&self) -> Bound<'_> {
        Bound {
            value: &self.upper,
            inclusive: self.upper_inc,
            lower: false,
        }
    }
}

/// Infinite days have no neighbours.
fn is_endless(value: &Value) -> bool {
    matches!(value, Value::Date(DATE_INFINITY | DATE_NEG_INFINITY))
}

fn next(value: &Value) -> Result<Value> {
    let out = |ty: &str| {
        Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!("{ty} out of range"),
        )
    };
    match value {
        Value::Int4(n) => n
            .checked_add(1)
            .map(Value::Int4)
            .ok_or_else(|| out("integer")),
        Value::Int8(n) => n
            .checked_add(1)
            .map(Value::Int8)
            .ok_or_else(|| out("bigint")),
        Value::Date(n) => check_date(i64::from(*n) + 1).map(Value::Date),
        other => Err(Error::internal(format!("{other:?} has no next value"))),
    }
}

impl Ord for RangeValue {
    /// PostgreSQL's order: empty ones first, then by lower end, then by upper end.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.empty, other.empty) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self
                .low()
                .compare(&other.low())
                .then_with(|| self.high().compare(&other.high())),
        }
    }
}

impl PartialOrd for RangeValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RangeValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for RangeValue {}

impl Hash for RangeValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.empty, self.lower_inc, self.upper_inc).hash(state);
        self.lower.hash(state);
        self.upper.hash(state);
    }
}
