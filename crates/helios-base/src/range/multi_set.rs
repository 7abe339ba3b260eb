//! Multiranges as sets. Where an operand may be a range, that is the multirange of it alone.

use super::{MultirangeValue, RangeValue};
use crate::{Result, Value};

impl MultirangeValue {
    /// Whether `value` is in it.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        self.ranges().iter().any(|range| range.contains(value))
    }

    /// Whether all of `other` is in it. What has no values is in everything.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        // No range of the canonical form reaches over a gap.
        let within = |part: &RangeValue| self.ranges().iter().any(|r| r.contains_range(part));
        other.ranges().iter().all(within)
    }

    /// Whether they have a value in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let meets = |part: &RangeValue| other.ranges().iter().any(|r| r.overlaps(part));
        self.ranges().iter().any(meets)
    }

    /// The first and the last range of both; `None` if either has none.
    fn ends<'a>(&'a self, other: &'a Self) -> Option<Ends<'a>> {
        Some(Ends {
            first: self.ranges().first()?,
            last: self.ranges().last()?,
            other_first: other.ranges().first()?,
            other_last: other.ranges().last()?,
        })
    }

    /// Whether all of it is below all of `other`.
    #[must_use]
    pub fn before(&self, other: &Self) -> bool {
        self.ends(other)
            .is_some_and(|ends| ends.last.before(ends.other_first))
    }

    /// Whether nothing of it is above all of `other`: `&<`.
    #[must_use]
    pub fn not_right_of(&self, other: &Self) -> bool {
        self.ends(other)
            .is_some_and(|ends| ends.last.not_right_of(ends.other_last))
    }

    /// Whether nothing of it is below all of `other`: `&>`.
    #[must_use]
    pub fn not_left_of(&self, other: &Self) -> bool {
        self.ends(other)
            .is_some_and(|ends| ends.first.not_left_of(ends.other_first))
    }

    /// Whether one ends where the other begins.
    #[must_use]
    pub fn adjacent(&self, other: &Self) -> bool {
        self.ends(other).is_some_and(|ends| {
            ends.last.ends_at(ends.other_first) || ends.other_last.ends_at(ends.first)
        })
    }

    /// The values of either.
    ///
    /// # Errors
    /// As [`RangeValue::new`].
    pub fn union(&self, other: &Self) -> Result<Self> {
        let both = self.ranges().iter().chain(other.ranges());
        Self::new(self.kind(), both.cloned().collect())
    }

    /// The values of both.
    ///
    /// # Errors
    /// As [`RangeValue::new`].
    pub fn intersection(&self, other: &Self) -> Result<Self> {
        let mut common = Vec::new();
        let mut rest = other.ranges();
        for range in self.ranges() {
            // What lies below this range lies below all that follow.
            while let [first, after @ ..] = rest
                && first.before(range)
            {
                rest = after;
            }
            for part in rest.iter().take_while(|part| !range.before(part)) {
                common.push(range.intersection(part)?);
            }
        }
        Self::new(self.kind(), common)
    }

    /// The values of it that `other` lacks.
    ///
    /// # Errors
    /// As [`RangeValue::new`].
    pub fn difference(&self, other: &Self) -> Result<Self> {
        let mut left = Vec::new();
        let mut holes = other.ranges();
        for range in self.ranges() {
            while let [first, after @ ..] = holes
                && first.before(range)
            {
                holes = after;
            }
            let mut range = range.clone();
            for hole in holes {
                if range.is_empty() || range.before(hole) {
                    break;
                }
                let (below, above) = range.without(hole)?;
                left.push(below);
                range = above;
            }
            left.push(range);
        }
        Self::new(self.kind(), left)
    }
}

/// The outermost ranges of two multiranges.
struct Ends<'a> {
    first: &'a RangeValue,
    last: &'a RangeValue,
    other_first: &'a RangeValue,
    other_last: &'a RangeValue,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RangeKind;

    /// The subset of 0..12 that the bits of `set` say.
    fn of(set: u16) -> MultirangeValue {
        let one = |n: i32| {
            let (from, to) = (Value::Int4(n), Value::Int4(n));
            RangeValue::new(RangeKind::Int4, from, to, (true, true)).unwrap()
        };
        let ranges = (0..12).filter(|n| set >> n & 1 == 1).map(one).collect();
        MultirangeValue::new(RangeKind::Int4, ranges).unwrap()
    }

    fn bits(of: &MultirangeValue) -> u16 {
        (0..12)
            .filter(|n| of.contains(&Value::Int4(*n)))
            .map(|n| 1 << n)
            .sum()
    }

    #[test]
    fn sets_are_those_of_their_values() {
        let mut random = helios_testkit::Rng::with_seed(7);
        for _ in 0..2_000 {
            let (a, b) = (random.u16(0..1 << 12), random.u16(0..1 << 12));
            let b = if random.bool() { b & a } else { b };
            let (left, right) = (of(a), of(b));
            assert_eq!(bits(&left), a);
            assert_eq!(bits(&left.union(&right).unwrap()), a | b);
            assert_eq!(bits(&left.intersection(&right).unwrap()), a & b);
            assert_eq!(bits(&left.difference(&right).unwrap()), a & !b);
            assert_eq!(left.contains_all(&right), b & !a == 0);
            assert_eq!(left.overlaps(&right), a & b != 0);
            assert_eq!(left == right, a == b);
            let both = a != 0 && b != 0;
            let (high, low) = (16 - a.leading_zeros(), b.trailing_zeros());
            assert_eq!(left.before(&right), both && high <= low);
            assert!(!left.adjacent(&right) || !left.overlaps(&right));
        }
    }
}
