//! Arithmetic on timestamps, dates and intervals.

use super::civil::{Civil, civil_from_days, days_in_month};
use super::{
    Interval, MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone, check_timestamp, interval_out_of_range,
    is_infinite_timestamp, local_to_timestamptz, timestamp_out_of_range, timestamptz_to_local,
};
use crate::{Error, Result, SqlState};

const DAYS_PER_MONTH: i64 = 30;

/// Adds an interval to a timestamp: months, then days, then microseconds. Infinities stay.
///
/// # Errors
/// `22008` beyond the range of timestamps.
pub fn add_to_timestamp(timestamp: i64, interval: &Interval) -> Result<i64> {
    if is_infinite_timestamp(timestamp) {
        return Ok(timestamp);
    }
    let moved = add_calendar(timestamp, interval)?;
    check_timestamp(
        moved
            .checked_add(interval.micros)
            .ok_or_else(timestamp_out_of_range)?,
    )
}

/// Adds an interval to an instant: months and days in local time, microseconds in UTC. Infinities
/// stay.
///
/// # Errors
/// `22008` beyond the range of timestamps.
pub fn add_to_timestamptz(instant: i64, interval: &Interval, zone: &TimeZone) -> Result<i64> {
    if is_infinite_timestamp(instant) {
        return Ok(instant);
    }
    let mut moved = instant;
    for step in [
        Interval::new(interval.months, 0, 0),
        Interval::new(0, interval.days, 0),
    ] {
        if step.months != 0 || step.days != 0 {
            let local = timestamptz_to_local(moved, zone)?;
            moved = local_to_timestamptz(add_calendar(local, &step)?, zone)?;
        }
    }
    check_timestamp(
        moved
            .checked_add(interval.micros)
            .ok_or_else(timestamp_out_of_range)?,
    )
}

/// Adds the months and the days.
fn add_calendar(timestamp: i64, interval: &Interval) -> Result<i64> {
    let mut moved = timestamp;
    if interval.months != 0 {
        moved = Civil::of_timestamp(moved)
            .plus_months(interval.months)
            .and_then(|civil| civil.timestamp())
            .ok_or_else(timestamp_out_of_range)?;
        check_timestamp(moved)?;
    }
    if interval.days != 0 {
        moved = i64::from(interval.days)
            .checked_mul(MICROS_PER_DAY)
            .and_then(|days| moved.checked_add(days))
            .ok_or_else(timestamp_out_of_range)?;
        check_timestamp(moved)?;
    }
    Ok(moved)
}

/// `a - b` in days and time.
///
/// # Errors
/// `22008` for infinities and beyond the range of intervals.
pub fn subtract_timestamps(a: i64, b: i64) -> Result<Interval> {
    if is_infinite_timestamp(a) || is_infinite_timestamp(b) {
        return Err(Error::new(
            SqlState::DATETIME_FIELD_OVERFLOW,
            "cannot subtract infinite timestamps",
        ));
    }
    let micros = a.checked_sub(b).ok_or_else(interval_out_of_range)?;
    Ok(Interval::new(
        0,
        (micros / MICROS_PER_DAY) as i32,
        micros % MICROS_PER_DAY,
    ))
}

/// `age(a, b)`: the difference in years, months, days and time.
///
/// # Errors
/// `22008` for infinities.
pub fn age(a: i64, b: i64) -> Result<Interval> {
    if is_infinite_timestamp(a) || is_infinite_timestamp(b) {
        return Err(timestamp_out_of_range());
    }
    age_of_local(a, b, a < b)
}

/// `age(a, b)` of instants, in local time.
///
/// # Errors
/// `22008` for infinities.
pub fn age_tz(a: i64, b: i64, zone: &TimeZone) -> Result<Interval> {
    if is_infinite_timestamp(a) || is_infinite_timestamp(b) {
        return Err(timestamp_out_of_range());
    }
    age_of_local(
        timestamptz_to_local(a, zone)?,
        timestamptz_to_local(b, zone)?,
        a < b,
    )
}

fn age_of_local(a: i64, b: i64, negative: bool) -> Result<Interval> {
    let (x, y) = (Civil::of_timestamp(a), Civil::of_timestamp(b));
    let sign = if negative { -1 } else { 1 };
    let mut months = i64::from(sign * ((x.year - y.year) * 12 + x.month - y.month));
    let mut days = i64::from(sign * (x.day - y.day));
    let mut micros = i64::from(sign) * (x.micros_of_day() - y.micros_of_day());
    while micros < 0 {
        micros += MICROS_PER_DAY;
        days -= 1;
    }
    // Borrow the length of the month that the earlier of the two is in.
    let earlier = if negative { x } else { y };
    while days < 0 {
        days += i64::from(days_in_month(earlier.year, earlier.month));
        months -= 1;
    }
    let sign = i64::from(sign);
    let field = |n: i64| i32::try_from(n * sign).map_err(|_| interval_out_of_range());
    Ok(Interval::new(field(months)?, field(days)?, micros * sign))
}

impl Interval {
    /// `self + other`, field by field.
    ///
    /// # Errors
    /// `22008` on overflow, here as below.
    pub fn add(&self, other: &Self) -> Result<Self> {
        let sum = || {
            Some(Self::new(
                self.months.checked_add(other.months)?,
                self.days.checked_add(other.days)?,
                self.micros.checked_add(other.micros)?,
            ))
        };
        sum().ok_or_else(interval_out_of_range)
    }

    /// `self - other`, field by field.
    ///
    /// # Errors
    /// As [`Interval::add`].
    pub fn sub(&self, other: &Self) -> Result<Self> {
        let difference = || {
            Some(Self::new(
                self.months.checked_sub(other.months)?,
                self.days.checked_sub(other.days)?,
                self.micros.checked_sub(other.micros)?,
            ))
        };
        difference().ok_or_else(interval_out_of_range)
    }

    /// `-self`
    ///
    /// # Errors
    /// As [`Interval::add`].
    pub fn neg(&self) -> Result<Self> {
        Self::default().sub(self)
    }

    /// `self · factor`; fractions of months and days go down to days and microseconds.
    ///
    /// # Errors
    /// As [`Interval::add`].
    pub fn mul(&self, factor: f64) -> Result<Self> {
        self.scale(|n| n * factor)
    }

    /// `self / divisor`; fractions as in [`Interval::mul`].
    ///
    /// # Errors
    /// `22012` on zero; as [`Interval::add`].
    pub fn div(&self, divisor: f64) -> Result<Self> {
        if divisor == 0.0 {
            return Err(Error::new(SqlState::DIVISION_BY_ZERO, "division by zero"));
        }
        self.scale(|n| n / divisor)
    }

    fn scale(&self, by: impl Fn(f64) -> f64) -> Result<Self> {
        let whole = |x: f64| {
            let limits = f64::from(i32::MIN)..=f64::from(i32::MAX);
            if limits.contains(&x) {
                Ok(x as i32)
            } else {
                Err(interval_out_of_range())
            }
        };
        // Six decimals: beyond them there is only the noise of binary fractions.
        let rounded = |x: f64| (x * 1e6).round_ties_even() / 1e6;
        let seconds_per_day = 86_400.0;
        let exact_months = by(f64::from(self.months));
        let exact_days = by(f64::from(self.days));
        let months = whole(exact_months)?;
        let mut days = whole(exact_days)?;
        let from_months = rounded((exact_months - f64::from(months)) * DAYS_PER_MONTH as f64);
        let mut seconds = rounded(
            (exact_days - f64::from(days) + from_months - from_months.trunc()) * seconds_per_day,
        );
        let carry = |days: i32, more: f64| {
            days.checked_add(more as i32)
                .ok_or_else(interval_out_of_range)
        };
        if seconds.abs() >= seconds_per_day {
            let more = (seconds / seconds_per_day).trunc();
            days = carry(days, more)?;
            seconds -= more * seconds_per_day;
        }
        days = carry(days, from_months)?;
        let micros = (by(self.micros as f64) + seconds * 1e6).round_ties_even();
        // The bounds are the neighbours of what fits 64 bits.
        if !(-9.223_372_036_854_775e18..=9.223_372_036_854_775e18).contains(&micros) {
            return Err(interval_out_of_range());
        }
        Ok(Self::new(months, days, micros as i64))
    }

    /// `justify_days`: every 30 days become a month.
    ///
    /// # Errors
    /// As [`Interval::add`].
    pub fn justify_days(&self) -> Result<Self> {
        self.justify(false, true)
    }

    /// `justify_hours`: every 24 hours become a day.
    ///
    /// # Errors
    /// As [`Interval::add`].
    pub fn justify_hours(&self) -> Result<Self> {
        self.justify(true, false)
    }

    /// `justify_interval`: both, and all fields take the same sign.
    ///
    /// # Errors
    /// As [`Interval::add`].
    pub fn justify_interval(&self) -> Result<Self> {
        self.justify(true, true)
    }

    fn justify(&self, hours: bool, to_months: bool) -> Result<Self> {
        let mut months = i64::from(self.months);
        let mut days = i64::from(self.days);
        let mut micros = self.micros;
        if hours {
            days += micros / MICROS_PER_DAY;
            micros %= MICROS_PER_DAY;
        }
        if to_months {
            months += days / DAYS_PER_MONTH;
            days %= DAYS_PER_MONTH;
            if months > 0 && (days < 0 || (hours && days == 0 && micros < 0)) {
                days += DAYS_PER_MONTH;
                months -= 1;
            } else if months < 0 && (days > 0 || (hours && days == 0 && micros > 0)) {
                days -= DAYS_PER_MONTH;
                months += 1;
            }
        }
        if hours {
            if days > 0 && micros < 0 {
                micros += MICROS_PER_DAY;
                days -= 1;
            } else if days < 0 && micros > 0 {
                micros -= MICROS_PER_DAY;
                days += 1;
            }
        }
        let field = |n: i64| i32::try_from(n).map_err(|_| interval_out_of_range());
        Ok(Self::new(field(months)?, field(days)?, micros))
    }

    /// Seconds at 365.25 days a year, 30 a month and 24 hours a day, in microseconds: what `epoch`
    /// extracts.
    #[must_use]
    pub fn epoch_micros(&self) -> i128 {
        // Quarters of days, so that years stay whole.
        let quarters = i128::from(self.months / 12) * 1461
            + i128::from(self.months % 12) * 120
            + i128::from(self.days) * 4;
        quarters * i128::from(MICROS_PER_DAY / 4) + i128::from(self.micros)
    }
}

/// The Monday that begins the ISO week of a day, in days since 1970-01-01.
pub(super) fn monday(days: i64) -> i64 {
    days - (days + 3).rem_euclid(7)
}

/// A day moved to the first of its month with `months` months in front of it.
pub(super) fn first_of_month(days: i64, month_of: impl Fn(i32, i32) -> (i32, i32)) -> Civil {
    let (year, month, _) = civil_from_days(days);
    let (year, month) = month_of(year, month);
    Civil {
        year,
        month,
        day: 1,
        ..Civil::default()
    }
}

const _: () = assert!(MICROS_PER_DAY == 86_400 * MICROS_PER_SECOND);
