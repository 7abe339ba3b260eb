//! Ranges as sets.

use std::cmp::Ordering;

use super::{Bound, RangeKind, RangeValue};
use crate::{Error, Result, SqlState, Value};

impl RangeValue {
    /// Whether `value` is in it.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        if self.empty {
            return false;
        }
        let above = self.lower.is_null()
            || match self.lower.cmp_sql(value) {
                Ordering::Less => true,
                Ordering::Equal => self.lower_inc,
                Ordering::Greater => false,
            };
        let below = self.upper.is_null()
            || match self.upper.cmp_sql(value) {
                Ordering::Greater => true,
                Ordering::Equal => self.upper_inc,
                Ordering::Less => false,
            };
        above && below
    }

    /// Whether all of `other` is in it.
    #[must_use]
    pub fn contains_range(&self, other: &Self) -> bool {
        if other.empty {
            return true;
        }
        !self.empty
            && self.low().compare(&other.low()).is_le()
            && self.high().compare(&other.high()).is_ge()
    }

    /// Whether they have a value in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        if self.empty || other.empty {
            return false;
        }
        self.low().compare(&other.high()).is_le() && other.low().compare(&self.high()).is_le()
    }

    /// Whether all of it is below all of `other`.
    #[must_use]
    pub fn before(&self, other: &Self) -> bool {
        !self.empty && !other.empty && self.high().compare(&other.low()).is_lt()
    }

    /// Whether nothing of it is above all of `other`: `&<`.
    #[must_use]
    pub fn not_right_of(&self, other: &Self) -> bool {
        !self.empty && !other.empty && self.high().compare(&other.high()).is_le()
    }

    /// Whether nothing of it is below all of `other`: `&>`.
    #[must_use]
    pub fn not_left_of(&self, other: &Self) -> bool {
        !self.empty && !other.empty && self.low().compare(&other.low()).is_ge()
    }

    /// Whether one ends where the other begins.
    #[must_use]
    pub fn adjacent(&self, other: &Self) -> bool {
        !self.empty && !other.empty && (self.ends_at(other) || other.ends_at(self))
    }

    /// Whether it ends where `other`, which is not empty either, begins.
    pub(super) fn ends_at(&self, other: &Self) -> bool {
        meets(self.kind, &self.high(), &other.low())
    }

    /// The values of both.
    ///
    /// # Errors
    /// As [`RangeValue::new`].
    pub fn intersection(&self, other: &Self) -> Result<Self> {
        if !self.overlaps(other) {
            return Ok(Self::empty(self.kind));
        }
        let low = later(self.low(), other.low());
        let high = earlier(self.high(), other.high());
        between(self.kind, low, high)
    }

    /// The values of either, and with `gaps` those in between.
    ///
    /// # Errors
    /// 22000 if there is something in between and it was not asked for.
    pub fn union(&self, other: &Self, gaps: bool) -> Result<Self> {
        if self.empty {
            return Ok(other.clone());
        }
        if other.empty {
            return Ok(self.clone());
        }
        if !gaps && !self.overlaps(other) && !self.adjacent(other) {
            return Err(Error::new(
                SqlState::DATA_EXCEPTION,
                "result of range union would not be contiguous",
            ));
        }
        let low = earlier(self.low(), other.low());
        let high = later(self.high(), other.high());
        between(self.kind, low, high)
    }

    /// The values of it that `other` lacks.
    ///
    /// # Errors
    /// 22000 if they are not consecutive.
    pub fn difference(&self, other: &Self) -> Result<Self> {
        if self.empty || other.empty || !self.overlaps(other) {
            return Ok(self.clone());
        }
        let (below, above) = self.without(other)?;
        match (below.empty, above.empty) {
            (_, true) => Ok(below),
            (true, false) => Ok(above),
            (false, false) => Err(Error::new(
                SqlState::DATA_EXCEPTION,
                "result of range difference would not be contiguous",
            )),
        }
    }

    /// What is left below and above `other`, which overlaps it.
    ///
    /// # Errors
    /// As [`RangeValue::new`].
    pub(super) fn without(&self, other: &Self) -> Result<(Self, Self)> {
        let nothing = || Ok(Self::empty(self.kind));
        let below = if self.low().compare(&other.low()).is_lt() {
            let end = Bound {
                inclusive: !other.lower_inc,
                lower: false,
                ..other.low()
            };
            between(self.kind, self.low(), end)
        } else {
            nothing()
        };
        let above = if self.high().compare(&other.high()).is_gt() {
            let end = Bound {
                inclusive: !other.upper_inc,
                lower: true,
                ..other.high()
            };
            between(self.kind, end, self.high())
        } else {
            nothing()
        };
        Ok((below?, above?))
    }
}

/// Whether nothing lies between an upper end and a lower end, and no value is in both.
fn meets(kind: RangeKind, high: &Bound<'_>, low: &Bound<'_>) -> bool {
    if high.value.is_null() || low.value.is_null() {
        return false;
    }
    match high.compare_values(low) {
        Ordering::Less => {
            // Perhaps no value of the type is in between.
            let inside = (!high.inclusive, !low.inclusive);
            let (from, to) = (high.value.clone(), low.value.clone());
            RangeValue::new(kind, from, to, inside).is_ok_and(|between| between.is_empty())
        }
        Ordering::Equal => high.inclusive != low.inclusive,
        Ordering::Greater => false,
    }
}

fn later<'a>(a: Bound<'a>, b: Bound<'a>) -> Bound<'a> {
    if a.compare(&b).is_ge() { a } else { b }
}

fn earlier<'a>(a: Bound<'a>, b: Bound<'a>) -> Bound<'a> {
    if a.compare(&b).is_le() { a } else { b }
}

fn between(kind: RangeKind, low: Bound<'_>, high: Bound<'_>) -> Result<RangeValue> {
    let inclusive = (low.inclusive, high.inclusive);
    RangeValue::new(kind, low.value.clone(), high.value.clone(), inclusive)
}
