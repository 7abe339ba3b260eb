//! Spans of time.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::output::write_fraction;
use super::{MICROS_PER_DAY, MICROS_PER_SECOND};

/// `interval`: three fields that do not convert into each other, as in PostgreSQL.
///
/// Comparison, equality and hashing take a month as 30 days and a day as 24 hours, so `1 mon` and
/// `30 days` are equal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Interval {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

impl Interval {
    /// An interval of these fields.
    #[must_use]
    pub const fn new(months: i32, days: i32, micros: i64) -> Self {
        Self {
            months,
            days,
            micros,
        }
    }

    /// Microseconds, at 30 days a month and 24 hours a day: what comparison looks at.
    #[must_use]
    pub fn span(&self) -> i128 {
        let days = i128::from(self.months) * 30 + i128::from(self.days);
        days * i128::from(MICROS_PER_DAY) + i128::from(self.micros)
    }

    /// Whether all three fields are equal, not only the span.
    #[must_use]
    pub fn same_fields(&self, other: &Self) -> bool {
        (self.months, self.days, self.micros) == (other.months, other.days, other.micros)
    }
}

impl Ord for Interval {
    fn cmp(&self, other: &Self) -> Ordering {
        self.span().cmp(&other.span())
    }
}

impl PartialOrd for Interval {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Interval {
    fn eq(&self, other: &Self) -> bool {
        self.span() == other.span()
    }
}

impl Eq for Interval {}

impl Hash for Interval {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.span().hash(state);
    }
}

/// `IntervalStyle` `postgres`.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        // After a negative part a positive one shows its sign.
        let mut after_negative = false;
        for (value, unit) in [
            (self.months / 12, "year"),
            (self.months % 12, "mon"),
            (self.days, "day"),
        ] {
            if value == 0 {
                continue;
            }
            let blank = if first { "" } else { " " };
            let sign = if after_negative && value > 0 { "+" } else { "" };
            let plural = if value == 1 { "" } else { "s" };
            write!(f, "{blank}{sign}{value} {unit}{plural}")?;
            first = false;
            after_negative = value < 0;
        }
        if !first && self.micros == 0 {
            return Ok(());
        }
        let blank = if first { "" } else { " " };
        let sign = match self.micros {
            ..0 => "-",
            _ if after_negative => "+",
            _ => "",
        };
        let micros = self.micros.unsigned_abs();
        let seconds = micros / MICROS_PER_SECOND as u64;
        write!(
            f,
            "{blank}{sign}{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )?;
        let mut fraction = String::new();
        write_fraction((micros % MICROS_PER_SECOND as u64) as u32, &mut fraction);
        f.write_str(&fraction)
    }
}
