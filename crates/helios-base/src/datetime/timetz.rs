//! `time with time zone`: a time of day and the offset that it is in.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::extract::{extract_time, not_supported};
use super::keyword::{Unit, find_part};
use super::output::{write_offset, write_time};
use super::{Interval, MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, timestamptz_to_local};
use crate::{Error, Numeric, Result, SqlState};

/// Offsets are less than a day; PostgreSQL's own limit.
const OFFSET_MAX: i32 = 16 * 3600;

/// A time of day with an offset.
#[derive(Clone, Copy, Debug)]
pub struct TimeTz {
    /// Microseconds since midnight, up to and including 24:00:00.
    pub micros: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

impl TimeTz {
    /// A time in an offset.
    ///
    /// # Errors
    /// 22008 for a time outside the day, 22009 for an offset that is too far.
    pub fn new(micros: i64, offset: i32) -> Result<Self> {
        if !(0..=MICROS_PER_DAY).contains(&micros) {
            return Err(Error::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                "time out of range",
            ));
        }
        if offset.abs() >= OFFSET_MAX {
            return Err(Error::new(
                SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                "time zone displacement out of range",
            ));
        }
        Ok(Self { micros, offset })
    }

    /// The time of an instant in a zone; `None` for the infinities.
    ///
    /// # Errors
    /// 22008 beyond the range of timestamps.
    pub fn of_instant(instant: i64, zone: &TimeZone) -> Result<Option<Self>> {
        if super::is_infinite_timestamp(instant) {
            return Ok(None);
        }
        let local = timestamptz_to_local(instant, zone)?;
        Ok(Some(Self {
            micros: local.rem_euclid(MICROS_PER_DAY),
            offset: zone.offset_at(instant),
        }))
    }

    /// Microseconds since midnight in UTC; not within one day.
    #[must_use]
    pub const fn utc(&self) -> i64 {
        self.micros - self.offset as i64 * MICROS_PER_SECOND
    }

    /// Appends the time and its offset.
    pub fn write(&self, out: &mut String) {
        write_time(self.micros, out);
        write_offset(self.offset, out);
    }

    /// Moved by the part of an interval that is less than a day, round midnight if need be.
    #[must_use]
    pub fn plus(&self, interval: &Interval) -> Self {
        let by = interval.micros % MICROS_PER_DAY;
        Self {
            micros: (self.micros + by).rem_euclid(MICROS_PER_DAY),
            offset: self.offset,
        }
    }

    /// The same moment in another offset.
    #[must_use]
    pub fn in_offset(&self, offset: i32) -> Self {
        let micros = self.utc() + i64::from(offset) * MICROS_PER_SECOND;
        Self {
            micros: micros.rem_euclid(MICROS_PER_DAY),
            offset,
        }
    }
}

/// A part of a time with an offset.
///
/// # Errors
/// `22023` for words that are no part, `0A000` for parts that do not apply.
pub fn extract_timetz(part: &str, time: &TimeTz) -> Result<Numeric> {
    let ty = "time with time zone";
    let unit = find_part(part).ok_or_else(|| super::extract::not_recognized(part, ty))?;
    let offset = i64::from(time.offset);
    Ok(match unit {
        Unit::Timezone => Numeric::from(offset),
        Unit::TimezoneHour => Numeric::from(offset / 3600),
        Unit::TimezoneMinute => Numeric::from(offset / 60 % 60),
        Unit::Epoch => Numeric::new(time.utc(), 6),
        Unit::Microsecond | Unit::Millisecond | Unit::Second | Unit::Minute | Unit::Hour => {
            extract_time(part, time.micros)?
        }
        _ => return Err(not_supported(part, ty)),
    })
}

/// By the moment in UTC; of equal ones the more eastern offset comes first.
impl Ord for TimeTz {
    fn cmp(&self, other: &Self) -> Ordering {
        self.utc()
            .cmp(&other.utc())
            .then(other.offset.cmp(&self.offset))
    }
}

impl PartialOrd for TimeTz {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for TimeTz {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for TimeTz {}

impl Hash for TimeTz {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.micros, self.offset).hash(state);
    }
}
