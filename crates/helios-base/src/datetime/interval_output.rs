//! Text output of intervals in the four styles.

use std::fmt::Write;

use super::output::write_fraction;
use super::style::IntervalStyle;
use super::{Interval, MICROS_PER_SECOND};

/// Appends an interval.
pub fn write_interval(interval: &Interval, style: IntervalStyle, out: &mut String) {
    let fields = Fields::of(interval);
    // Writing to a string cannot fail.
    let _ = match style {
        IntervalStyle::Postgres => write!(out, "{interval}"),
        IntervalStyle::Verbose => fields.write_verbose(out),
        IntervalStyle::SqlStandard => fields.write_standard(out),
        IntervalStyle::Iso8601 => fields.write_iso(out),
    };
}

/// The fields as people count; time fields all have the sign of the time.
struct Fields {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

impl Fields {
    fn of(interval: &Interval) -> Self {
        let seconds = interval.micros / MICROS_PER_SECOND;
        Self {
            years: i64::from(interval.months / 12),
            months: i64::from(interval.months % 12),
            days: i64::from(interval.days),
            hours: seconds / 3600,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
            micros: interval.micros % MICROS_PER_SECOND,
        }
    }

    fn all(&self) -> [i64; 7] {
        [
            self.years,
            self.months,
            self.days,
            self.hours,
            self.minutes,
            self.seconds,
            self.micros,
        ]
    }

    fn time_is_negative(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.micros < 0
    }

    /// Seconds and their fraction, without sign.
    fn write_seconds(&self, two_digits: bool, out: &mut String) {
        let seconds = self.seconds.unsigned_abs();
        let _ = if two_digits {
            write!(out, "{seconds:02}")
        } else {
            write!(out, "{seconds}")
        };
        write_fraction(u32::try_from(self.micros.unsigned_abs()).unwrap_or(0), out);
    }

    fn write_clock(&self, out: &mut String) {
        let (hours, minutes) = (self.hours.unsigned_abs(), self.minutes.unsigned_abs());
        let _ = write!(out, "{hours}:{minutes:02}:");
        self.write_seconds(true, out);
    }

    fn write_standard(mut self, out: &mut String) -> std::fmt::Result {
        let negative = self.all().iter().any(|n| *n < 0);
        let positive = self.all().iter().any(|n| *n > 0);
        let has_months = self.years != 0 || self.months != 0;
        let has_time = self.all().iter().skip(2).any(|n| *n != 0);
        let standard = !(negative && positive || has_months && has_time);
        if !negative && !positive {
            return out.write_char('0');
        }
        if !standard {
            // The standard has no such intervals; with all signs it is plain what is meant.
            let sign = |negative: bool| if negative { '-' } else { '+' };
            write!(
                out,
                "{}{}-{} {}{} {}",
                sign(self.years < 0 || self.months < 0),
                self.years.abs(),
                self.months.abs(),
                sign(self.days < 0),
                self.days.abs(),
                sign(self.time_is_negative()),
            )?;
            self.write_clock(out);
            return Ok(());
        }
        if negative {
            out.write_char('-')?;
        }
        if has_months {
            return write!(out, "{}-{}", self.years.abs(), self.months.abs());
        }
        self.days = self.days.abs();
        if self.days != 0 {
            write!(out, "{} ", self.days)?;
        }
        self.write_clock(out);
        Ok(())
    }

    fn write_iso(&self, out: &mut String) -> std::fmt::Result {
        if self.all().iter().all(|n| *n == 0) {
            return out.write_str("PT0S");
        }
        let part = |n: i64, unit: char, out: &mut String| match n {
            0 => Ok(()),
            n => write!(out, "{n}{unit}"),
        };
        out.write_char('P')?;
        part(self.years, 'Y', out)?;
        part(self.months, 'M', out)?;
        part(self.days, 'D', out)?;
        if self.all().iter().skip(3).any(|n| *n != 0) {
            out.write_char('T')?;
        }
        part(self.hours, 'H', out)?;
        part(self.minutes, 'M', out)?;
        if self.seconds != 0 || self.micros != 0 {
            if self.seconds < 0 || self.micros < 0 {
                out.write_char('-')?;
            }
            self.write_seconds(false, out);
            out.write_char('S')?;
        }
        Ok(())
    }

    fn write_verbose(&self, out: &mut String) -> std::fmt::Result {
        out.write_char('@')?;
        // The sign of the first field is that of the whole.
        let mut ago = None;
        for (n, unit) in [
            (self.years, "year"),
            (self.months, "mon"),
            (self.days, "day"),
            (self.hours, "hour"),
            (self.minutes, "min"),
        ] {
            if n == 0 {
                continue;
            }
            let n = if *ago.get_or_insert(n < 0) { -n } else { n };
            write!(out, " {n} {unit}{}", if n == 1 { "" } else { "s" })?;
        }
        if self.seconds != 0 || self.micros != 0 {
            out.write_char(' ')?;
            let negative = self.seconds < 0 || self.micros < 0;
            if negative != *ago.get_or_insert(negative) {
                out.write_char('-')?;
            }
            self.write_seconds(false, out);
            let one = self.seconds.abs() == 1 && self.micros == 0;
            out.write_str(if one { " sec" } else { " secs" })?;
        }
        out.write_str(match ago {
            None => " 0",
            Some(true) => " ago",
            Some(false) => "",
        })
    }
}
