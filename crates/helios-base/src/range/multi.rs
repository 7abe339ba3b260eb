//! Multirange types: sets of values as ranges with gaps between them.
//!
//! A [`MultirangeValue`] is always in its canonical form: none of its ranges is empty, they go
//! upwards, and between one and the next there is at least one value that is in neither. So equal
//! sets are equal values.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::{RangeKind, RangeValue};
use crate::{Error, Result, SqlState, Value};

impl RangeKind {
    /// The name of the multirange type, which is also that of its constructors.
    #[must_use]
    pub const fn multi_name(self) -> &'static str {
        match self {
            Self::Int4 => "int4multirange",
            Self::Int8 => "int8multirange",
            Self::Numeric => "nummultirange",
            Self::Timestamp => "tsmultirange",
            Self::TimestampTz => "tstzmultirange",
            Self::Date => "datemultirange",
        }
    }

    /// The identifiers of the multirange type and of its arrays.
    #[must_use]
    pub const fn multi_oids(self) -> (u32, u32) {
        match self {
            Self::Int4 => (4451, 6150),
            Self::Numeric => (4532, 6151),
            Self::Timestamp => (4533, 6152),
            Self::TimestampTz => (4534, 6153),
            Self::Date => (4535, 6155),
            Self::Int8 => (4536, 6157),
        }
    }
}

/// A multirange in canonical form.
#[derive(Clone, Debug)]
pub struct MultirangeValue {
    kind: RangeKind,
    ranges: Vec<RangeValue>,
}

impl MultirangeValue {
    /// The values of any of these ranges, which are of `kind`.
    ///
    /// # Errors
    /// As [`RangeValue::new`].
    pub fn new(kind: RangeKind, mut ranges: Vec<RangeValue>) -> Result<Self> {
        ranges.retain(|range| !range.is_empty());
        ranges.sort_unstable();
        let mut kept: Vec<RangeValue> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match kept.last_mut() {
                Some(last) if last.overlaps(&range) || last.adjacent(&range) => {
                    *last = last.union(&range, false)?;
                }
                _ => kept.push(range),
            }
        }
        Ok(Self { kind, ranges: kept })
    }

    /// The multirange of these elements of an array of ranges.
    ///
    /// # Errors
    /// 22004 one of them is `NULL`; as [`RangeValue::new`].
    pub fn of_values<'a>(
        kind: RangeKind,
        values: impl IntoIterator<Item = &'a Value>,
    ) -> Result<Self> {
        let mut ranges = Vec::new();
        for value in values {
            match value {
                Value::Range(range) => ranges.push((**range).clone()),
                Value::Null => {
                    return Err(Error::new(
                        SqlState::NULL_VALUE_NOT_ALLOWED,
                        "multirange values cannot contain null members",
                    ));
                }
                other => {
                    return Err(Error::internal(format!("{other:?} is not a range")));
                }
            }
        }
        Self::new(kind, ranges)
    }

    /// The multirange without values.
    #[must_use]
    pub const fn empty(kind: RangeKind) -> Self {
        Self {
            kind,
            ranges: Vec::new(),
        }
    }

    /// Which type its ranges are of.
    #[must_use]
    pub const fn kind(&self) -> RangeKind {
        self.kind
    }

    /// Its ranges, upwards.
    #[must_use]
    pub fn ranges(&self) -> &[RangeValue] {
        &self.ranges
    }

    /// Whether there is no value in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The smallest range that has all its values.
    ///
    /// # Errors
    /// As [`RangeValue::new`].
    pub fn hull(&self) -> Result<RangeValue> {
        match (self.ranges.first(), self.ranges.last()) {
            (Some(first), Some(last)) => first.union(last, true),
            _ => Ok(RangeValue::empty(self.kind)),
        }
    }
}

/// PostgreSQL's order: range by range.
impl Ord for MultirangeValue {
    fn cmp(&self, other: &Self) -> Ordering {
        self.ranges.cmp(&other.ranges)
    }
}

impl PartialOrd for MultirangeValue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MultirangeValue {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for MultirangeValue {}

impl Hash for MultirangeValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ranges.hash(state);
    }
}

/// A range is a multirange of one range, or of none.
impl From<&RangeValue> for MultirangeValue {
    fn from(range: &RangeValue) -> Self {
        let ranges = if range.is_empty() {
            Vec::new()
        } else {
            vec![range.clone()]
        };
        Self {
            kind: range.kind(),
            ranges,
        }
    }
}
