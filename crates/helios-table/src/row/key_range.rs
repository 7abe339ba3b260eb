//! Ranges of stored keys, from conditions on the columns.

use std::ops::Bound;

use helios_base::key::{self, KeyOrder};
use helios_base::{DataType, Result, Value};
use helios_version::Bounds;

/// A condition on the leading columns of a key: the first ones equal given values, the next one
/// lies between bounds.
#[derive(Clone, Debug)]
pub struct KeyRangeSpec<'a> {
    /// The values of the leading columns. NULL here means `IS NULL`.
    pub equal: &'a [Value],
    /// The least value of the column after them.
    pub lower: Bound<&'a Value>,
    /// The greatest value of that column.
    pub upper: Bound<&'a Value>,
    /// Whether rows with NULL in that column belong to the range: true for plain scans, false for
    /// comparisons, which NULL never satisfies. A bound implies false.
    pub nulls: bool,
}

/// A range of stored keys, in byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it begins.
    pub start: Bound<Vec<u8>>,
    /// Where it ends.
    pub end: Bound<Vec<u8>>,
}

impl<'a> KeyRangeSpec<'a> {
    /// Every key.
    pub const ALL: KeyRangeSpec<'static> = KeyRangeSpec {
        equal: &[],
        lower: Bound::Unbounded,
        upper: Bound::Unbounded,
        nulls: true,
    };

    /// Keys that begin with these values.
    #[must_use]
    pub const fn equal(equal: &'a [Value]) -> Self {
        Self {
            equal,
            lower: Bound::Unbounded,
            upper: Bound::Unbounded,
            nulls: true,
        }
    }
}

impl KeyRange {
    /// Every key.
    pub const ALL: Self = Self {
        start: Bound::Unbounded,
        end: Bound::Unbounded,
    };

    /// The keys that satisfy `spec` in an index whose keys have these types and orders.
    ///
    /// # Errors
    /// Internal if a value does not fit its key.
    pub fn new<'t>(
        spec: &KeyRangeSpec<'_>,
        keys: impl IntoIterator<Item = (&'t DataType, KeyOrder)>,
    ) -> Result<Self> {
        let mut keys = keys.into_iter();
        let mut prefix = Vec::new();
        for (value, (ty, order)) in spec.equal.iter().zip(keys.by_ref()) {
            key::encode(value, ty, order, &mut prefix)?;
        }
        let Some((ty, order)) = keys.next() else {
            return Ok(Self::prefix(prefix));
        };
        let with = |value: &Value| -> Result<Vec<u8>> {
            let mut bytes = prefix.clone();
            key::encode(value, ty, order, &mut bytes)?;
            Ok(bytes)
        };
        // In a descending key the greater value comes first.
        let (first, last) = if order.descending {
            (spec.upper, spec.lower)
        } else {
            (spec.lower, spec.upper)
        };
        let open = first == Bound::Unbounded && last == Bound::Unbounded;
        let skip_nulls = !(open && spec.nulls);
        let start = match first {
            Bound::Included(value) => Bound::Included(with(value)?),
            Bound::Excluded(value) => after(&with(value)?),
            Bound::Unbounded if skip_nulls && order.nulls_first => after(&with(&Value::Null)?),
            Bound::Unbounded => Bound::Included(prefix.clone()),
        };
        let end = match last {
            Bound::Included(value) => before(&with(value)?),
            Bound::Excluded(value) => Bound::Excluded(with(value)?),
            Bound::Unbounded if skip_nulls && !order.nulls_first => {
                Bound::Excluded(with(&Value::Null)?)
            }
            Bound::Unbounded => before(&prefix),
        };
        Ok(Self { start, end })
    }

    /// The keys that begin with these bytes.
    #[must_use]
    pub fn prefix(prefix: Vec<u8>) -> Self {
        let end = before(&prefix);
        Self {
            start: Bound::Included(prefix),
            end,
        }
    }

    /// The bounds as the store wants them.
    #[must_use]
    pub fn bounds(&self) -> Bounds<'_> {
        (
            self.start.as_ref().map(Vec::as_slice),
            self.end.as_ref().map(Vec::as_slice),
        )
    }

    /// Whether no key can be in the range.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(start), Bound::Excluded(end))
            | (Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => start >= end,
            (Bound::Included(start), Bound::Included(end)) => start > end,
            _ => false,
        }
    }
}

/// Begins after every key that starts with `prefix`.
fn after(prefix: &[u8]) -> Bound<Vec<u8>> {
    match key::prefix_end(prefix) {
        Some(end) => Bound::Included(end),
        // Nothing is after it: a start that no key reaches.
        None => Bound::Excluded(prefix.to_vec()),
    }
}

/// Ends after every key that starts with `prefix`.
fn before(prefix: &[u8]) -> Bound<Vec<u8>> {
    key::prefix_end(prefix).map_or(Bound::Unbounded, Bound::Excluded)
}
