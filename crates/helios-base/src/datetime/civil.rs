//! The proleptic Gregorian calendar.

use super::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};

/// A date and time in its parts. Year 0 is 1 BC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Civil {
    /// The year; 0 is 1 BC.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 59.
    pub second: i32,
    /// 0 to 999,999.
    pub micro: i32,
}

impl Civil {
    /// The parts of a finite timestamp.
    #[must_use]
    pub fn of_timestamp(timestamp: i64) -> Self {
        let (year, month, day) = civil_from_days(timestamp.div_euclid(MICROS_PER_DAY));
        let mut civil = Self::of_time(timestamp.rem_euclid(MICROS_PER_DAY));
        (civil.year, civil.month, civil.day) = (year, month, day);
        civil
    }

    /// The parts of a finite date, at midnight.
    #[must_use]
    pub fn of_date(date: i32) -> Self {
        let (year, month, day) = civil_from_days(i64::from(date));
        Self {
            year,
            month,
            day,
            ..Self::default()
        }
    }

    /// The parts of a time of day, without a date.
    #[must_use]
    pub fn of_time(micros: i64) -> Self {
        Self {
            hour: (micros / MICROS_PER_HOUR) as i32,
            minute: (micros / MICROS_PER_MINUTE % 60) as i32,
            second: (micros / MICROS_PER_SECOND % 60) as i32,
            micro: (micros % MICROS_PER_SECOND) as i32,
            ..Self::default()
        }
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn days(&self) -> i64 {
        days_from_civil(self.year, self.month, self.day)
    }

    /// Microseconds since midnight.
    #[must_use]
    pub fn micros_of_day(&self) -> i64 {
        i64::from(self.hour) * MICROS_PER_HOUR
            + i64::from(self.minute) * MICROS_PER_MINUTE
            + i64::from(self.second) * MICROS_PER_SECOND
            + i64::from(self.micro)
    }

    /// Microseconds since 1970-01-01 00:00; `None` beyond 64 bits.
    #[must_use]
    pub fn timestamp(&self) -> Option<i64> {
        self.days()
            .checked_mul(MICROS_PER_DAY)?
            .checked_add(self.micros_of_day())
    }

    /// The same moment `months` later, on the last day of the month if the day does not exist.
    #[must_use]
    pub fn plus_months(mut self, months: i32) -> Option<Self> {
        let total = i64::from(self.year) * 12 + i64::from(self.month) - 1 + i64::from(months);
        self.year = i32::try_from(total.div_euclid(12)).ok()?;
        self.month = total.rem_euclid(12) as i32 + 1;
        self.day = self.day.min(days_in_month(self.year, self.month));
        Some(self)
    }

    /// 1 to 366.
    #[must_use]
    pub fn day_of_year(&self) -> i32 {
        (self.days() - days_from_civil(self.year, 1, 1)) as i32 + 1
    }

    /// 0 for Sunday to 6 for Saturday.
    #[must_use]
    pub fn day_of_week(&self) -> i32 {
        // 1970-01-01 was a Thursday.
        (self.days() + 4).rem_euclid(7) as i32
    }

    /// The year and number of the ISO week.
    #[must_use]
    pub fn iso_week(&self) -> (i32, i32) {
        // The week belongs to the year of its Thursday.
        let thursday = self.days() - i64::from((self.day_of_week() + 6) % 7) + 3;
        let (year, _, _) = civil_from_days(thursday);
        let week = (thursday - days_from_civil(year, 1, 1)) / 7 + 1;
        (year, week as i32)
    }
}

/// The Monday of an ISO week, in days since 1970-01-01.
#[must_use]
pub fn iso_week_start(year: i32, week: i32) -> i64 {
    // 4 January is always in week 1.
    let fourth = days_from_civil(year, 1, 4);
    let monday = fourth - (fourth + 3).rem_euclid(7);
    monday + (i64::from(week) - 1) * 7
}

/// Whether a year has a 29 February.
#[must_use]
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The length of a month; 31 for numbers that name no month.
#[must_use]
pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01; day numbers beyond the month count on.
///
/// # Source
/// Howard Hinnant, “chrono-Compatible Low-Level Date Algorithms”.
#[must_use]
pub fn days_from_civil(year: i32, month: i32, day: i32) -> i64 {
    // Years start in March, so that the leap day is the last.
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
#[must_use]
pub fn civil_from_days(days: i64) -> (i32, i32, i32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as i32, day as i32)
}
