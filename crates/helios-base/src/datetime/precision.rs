//! Modifiers of the types of dates and times: how many digits a second has, and which fields an
//! interval.

use std::fmt;

use super::{
    Interval, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, is_infinite_timestamp,
    timestamp_out_of_range,
};
use crate::Result;

/// The most digits of a second that there are.
pub const PRECISION_MAX: u8 = 6;

/// `10^(6 - precision)` microseconds.
fn unit(precision: u8) -> i64 {
    10i64.pow(u32::from(PRECISION_MAX.saturating_sub(precision)))
}

/// Rounds microseconds to so many digits of the second, half away from zero.
#[must_use]
pub fn round_micros(micros: i64, precision: u8) -> i64 {
    let unit = unit(precision);
    if unit == 1 {
        return micros;
    }
    let half = if micros < 0 { -unit / 2 } else { unit / 2 };
    micros.saturating_add(half) / unit * unit
}

/// Rounds a timestamp; infinities stay. PostgreSQL counts from 2000, and what lies half way is
/// rounded away from there.
///
/// # Errors
/// 22008 beyond the last timestamp.
pub fn round_timestamp(timestamp: i64, precision: u8) -> Result<i64> {
    /// 2000-01-01.
    const EPOCH: i64 = 10_957 * MICROS_PER_DAY;
    if is_infinite_timestamp(timestamp) {
        return Ok(timestamp);
    }
    let since = timestamp
        .checked_sub(EPOCH)
        .ok_or_else(timestamp_out_of_range)?;
    round_micros(since, precision)
        .checked_add(EPOCH)
        .ok_or_else(timestamp_out_of_range)
}

/// What an interval's type says of its values: `day to second(3)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntervalModifier {
    fields: Option<IntervalFields>,
    precision: Option<u8>,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident $text:literal $mask:literal;)*) => {
        /// The fields of an interval's type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum IntervalFields {
            $(#[doc = concat!("`", $text, "`")] $name,)*
        }

        impl IntervalFields {
            /// All of them.
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// As it is written.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// PostgreSQL's bits for it: a bit each for month 1, year 2, day 3, hour 10, minute 11
            /// and second 12.
            const fn mask(self) -> i32 {
                match self { $(Self::$name => $mask,)* }
            }
        }
    };
}

fields! {
    Year "year" 0x0004;
    Month "month" 0x0002;
    Day "day" 0x0008;
    Hour "hour" 0x0400;
    Minute "minute" 0x0800;
    Second "second" 0x1000;
    YearToMonth "year to month" 0x0006;
    DayToHour "day to hour" 0x0408;
    DayToMinute "day to minute" 0x0c08;
    DayToSecond "day to second" 0x1c08;
    HourToMinute "hour to minute" 0x0c00;
    HourToSecond "hour to second" 0x1c00;
    MinuteToSecond "minute to second" 0x1800;
}

impl IntervalFields {
    /// The fields that are written so, in lower case.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|fields| fields.text() == text)
    }
}

impl IntervalModifier {
    /// These fields, and so many digits of the second; `None` if neither says anything.
    #[must_use]
    pub fn new(fields: Option<IntervalFields>, precision: Option<u8>) -> Option<Self> {
        (fields.is_some() || precision.is_some()).then_some(Self { fields, precision })
    }

    /// Which fields there are.
    #[must_use]
    pub const fn fields(self) -> Option<IntervalFields> {
        self.fields
    }

    /// How many digits a second has.
    #[must_use]
    pub const fn precision(self) -> Option<u8> {
        self.precision
    }

    /// PostgreSQL's `atttypmod`.
    #[must_use]
    pub fn packed(self) -> i32 {
        let fields = self.fields.map_or(0x7fff, IntervalFields::mask);
        fields << 16 | self.precision.map_or(0xffff, i32::from)
    }

    /// The modifier that [`Self::packed`] gave; `None` for -1 and what is none.
    #[must_use]
    pub fn unpacked(packed: i32) -> Option<Self> {
        if packed < 0 {
            return None;
        }
        let (mask, digits) = (packed >> 16, packed & 0xffff);
        let fields = IntervalFields::ALL.iter().copied();
        let fields = fields.clone().find(|fields| fields.mask() == mask);
        Self::new(
            fields,
            u8::try_from(digits)
                .ok()
                .filter(|digits| *digits <= PRECISION_MAX),
        )
    }

    /// Reads what follows `interval` in the name of a type: ` day to second(3)`, `(3)`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (fields, precision) = match text.strip_suffix(')').and_then(|t| t.split_once('(')) {
            Some((fields, digits)) => (fields, Some(digits.parse().ok()?)),
            None => (text, None),
        };
        let fields = match fields.trim_start() {
            "" => None,
            fields => Some(IntervalFields::named(fields)?),
        };
        Self::new(fields, precision)
    }

    /// An interval with what the type does not keep left out and the second rounded.
    #[must_use]
    pub fn apply(self, interval: &Interval) -> Interval {
        use IntervalFields as F;
        let Interval {
            months,
            days,
            micros,
        } = *interval;
        let whole = |unit: i64| micros / unit * unit;
        let (months, days, micros) = match self.fields {
            None | Some(F::Second | F::DayToSecond | F::HourToSecond | F::MinuteToSecond) => {
                (months, days, micros)
            }
            Some(F::Year) => (months / 12 * 12, 0, 0),
            Some(F::Month | F::YearToMonth) => (months, 0, 0),
            Some(F::Day) => (months, days, 0),
            Some(F::Hour | F::DayToHour) => (months, days, whole(MICROS_PER_HOUR)),
            Some(F::Minute | F::DayToMinute | F::HourToMinute) => {
                (months, days, whole(MICROS_PER_MINUTE))
            }
        };
        let micros = match self.precision {
            Some(precision) => round_micros(micros, precision),
            None => micros,
        };
        Interval::new(months, days, micros)
    }
}

/// What follows `interval` in the name of the type.
impl fmt::Display for IntervalModifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fields) = self.fields {
            write!(f, " {}", fields.text())?;
        }
        match self.precision {
            Some(precision) => write!(f, "({precision})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_go_in_and_out() {
        for text in ["(3)", " day to second(3)", " year", " hour to minute"] {
            assert_eq!(IntervalModifier::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            IntervalModifier::parse("(3)").unwrap().packed(),
            0x7fff_0003
        );
        assert_eq!(
            IntervalModifier::parse(" year").unwrap().packed(),
            0x0004_ffff
        );
        assert!(IntervalModifier::parse("").is_none());
    }

    #[test]
    fn halves_are_rounded_away_from_2000() {
        assert_eq!(round_micros(1_500, 3), 2_000);
        assert_eq!(round_micros(-1_500, 3), -2_000);
        // 1970-01-01 00:00:00.5 is before 2000.
        assert_eq!(round_timestamp(500_000, 0).unwrap(), 0);
    }
}
