//! Time zones.

use std::sync::Arc;

use jiff::tz::AmbiguousOffset;

use super::abbreviation::{self, Abbreviation};
use super::civil::Civil;
use super::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::{Error, Result, SqlState};

/// The calendar repeats, weekdays included, after this many days.
const CYCLE_DAYS: i64 = 146_097;
/// Rules are looked up at most this far from 1970 and repeat beyond; about the year 6000.
const LOOKUP_DAYS_MAX: i64 = 4000 * 365;

/// Zones with daylight saving change for ever: look no further than this ahead.
const TRANSITIONS_MAX: usize = 1000;

/// A time zone: an IANA name or a fixed offset. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TimeZone {
    name: Arc<str>,
    rules: Rules,
}

#[derive(Clone, Debug)]
enum Rules {
    /// Seconds east of UTC.
    Fixed(i32),
    Named(jiff::tz::TimeZone),
    /// What this abbreviation meant in a zone, most recently.
    Changing(Arc<str>, jiff::tz::TimeZone),
}

impl TimeZone {
    /// `UTC`
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".into(),
            rules: Rules::Fixed(0),
        }
    }

    /// A zone at a constant offset, in seconds east of UTC, named as PostgreSQL names it.
    #[must_use]
    pub fn fixed(offset: i32) -> Self {
        let hms = |sign: char| {
            let n = offset.unsigned_abs();
            let mut text = format!("{sign}{:02}", n / 3600);
            if !n.is_multiple_of(3600) {
                text.push_str(&format!(":{:02}", n / 60 % 60));
            }
            if !n.is_multiple_of(60) {
                text.push_str(&format!(":{:02}", n % 60));
            }
            text
        };
        let (east, posix) = if offset < 0 { ('-', '+') } else { ('+', '-') };
        Self {
            name: format!("<{}>{}", hms(east), hms(posix)).into(),
            rules: Rules::Fixed(offset),
        }
    }

    /// Finds a zone by IANA name in any case, or by a POSIX description such as `EST5EDT` or
    /// `UTC+3` (in which positive is west).
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        // Names begin with a letter; anything else would be a path or a description.
        if let Ok(rules) = jiff::tz::TimeZone::get(name) {
            let canonical = rules.iana_name().unwrap_or(name).into();
            let rules = match rules.to_fixed_offset() {
                Ok(offset) => Rules::Fixed(offset.seconds()),
                Err(_) => Rules::Named(rules),
            };
            return Some(Self {
                name: canonical,
                rules,
            });
        }
        if let Some(offset) = posix_offset(name) {
            return Some(Self {
                name: name.to_uppercase().into(),
                rules: Rules::Fixed(offset),
            });
        }
        let rules = jiff::tz::TimeZone::posix(name).ok()?;
        Some(Self {
            name: name.into(),
            rules: Rules::Named(rules),
        })
    }

    /// Reads a setting of `TimeZone`: a name, or hours east of UTC such as `-3.5`.
    ///
    /// # Errors
    /// `22023` if there is no such zone.
    pub fn parse_setting(text: &str) -> Result<Self> {
        if let Ok(hours) = text.trim().parse::<f64>()
            && hours.abs() <= 168.0
        {
            return Ok(Self::fixed((hours * 3600.0).round() as i32));
        }
        Self::find(text).ok_or_else(|| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid value for parameter \"TimeZone\": \"{text}\""),
            )
        })
    }

    /// Reads what `AT TIME ZONE` names: an abbreviation or a zone.
    ///
    /// # Errors
    /// `22023` `time zone "…" not recognized`.
    pub fn parse(text: &str) -> Result<Self> {
        match abbreviation::find(&text.to_lowercase()) {
            Some(Abbreviation::Fixed(offset)) => {
                return Ok(Self {
                    name: text.to_uppercase().into(),
                    rules: Rules::Fixed(offset),
                });
            }
            Some(Abbreviation::Zone(zone)) => {
                if let Some(zone) = Self::changing(text, zone) {
                    return Ok(zone);
                }
            }
            None => {}
        }
        Self::find(text).ok_or_else(|| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("time zone \"{text}\" not recognized"),
            )
        })
    }

    /// The zone that an abbreviation means, whose offset there has changed over time.
    pub(super) fn changing(abbreviation: &str, zone: &str) -> Option<Self> {
        let abbreviation: Arc<str> = abbreviation.to_uppercase().into();
        let rules = jiff::tz::TimeZone::get(zone).ok()?;
        Some(Self {
            name: abbreviation.clone(),
            rules: Rules::Changing(abbreviation, rules),
        })
    }

    /// The name as `SHOW TimeZone` has it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The offset if it is the same at all times, in seconds east of UTC.
    #[must_use]
    pub fn fixed_offset(&self) -> Option<i32> {
        match self.rules {
            Rules::Fixed(offset) => Some(offset),
            Rules::Named(_) | Rules::Changing(..) => None,
        }
    }

    /// Seconds east of UTC at an instant, in microseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn offset_at(&self, instant: i64) -> i32 {
        match &self.rules {
            Rules::Fixed(offset) => *offset,
            Rules::Named(zone) => match jiff::Timestamp::from_microsecond(within(instant)) {
                Ok(timestamp) => zone.to_offset(timestamp).seconds(),
                Err(_) => 0,
            },
            Rules::Changing(abbreviation, zone) => {
                match jiff::Timestamp::from_microsecond(within(instant)) {
                    Ok(timestamp) => latest_meaning(abbreviation, zone, timestamp),
                    Err(_) => 0,
                }
            }
        }
    }

    /// Seconds east of UTC at a local time, in microseconds since 1970-01-01 00:00 local.
    ///
    /// A time that the clocks skip is read by the offset before, one that they repeat by the
    /// offset after, as PostgreSQL does.
    #[must_use]
    pub fn offset_of_local(&self, local: i64) -> i32 {
        let zone = match &self.rules {
            Rules::Fixed(offset) => return *offset,
            Rules::Named(zone) => zone,
            Rules::Changing(_, zone) => {
                // Near enough: the meaning does not depend on a few hours.
                let offset = Self {
                    name: self.name.clone(),
                    rules: Rules::Named(zone.clone()),
                }
                .offset_of_local(local);
                return self.offset_at(local - i64::from(offset) * MICROS_PER_SECOND);
            }
        };
        let civil = Civil::of_timestamp(within(local));
        let Ok(time) = jiff::civil::DateTime::new(
            civil.year as i16,
            civil.month as i8,
            civil.day as i8,
            civil.hour as i8,
            civil.minute as i8,
            civil.second as i8,
            civil.micro * 1000,
        ) else {
            return 0;
        };
        let offset = match zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } => before,
            AmbiguousOffset::Fold { after, .. } => after,
        };
        offset.seconds()
    }

    /// The abbreviation in use at an instant, such as `CEST`.
    #[must_use]
    pub fn abbreviation_at(&self, instant: i64) -> String {
        match &self.rules {
            Rules::Named(zone) => jiff::Timestamp::from_microsecond(within(instant))
                .map(|timestamp| zone.to_offset_info(timestamp).abbreviation().to_owned())
                .unwrap_or_default(),
            Rules::Changing(abbreviation, _) => abbreviation.to_string(),
            Rules::Fixed(_) => match self.name.strip_prefix('<') {
                Some(rest) => rest.split('>').next().unwrap_or_default().to_owned(),
                None => self
                    .name
                    .trim_start_matches("Etc/")
                    .split(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'))
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            },
        }
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self::utc()
    }
}

impl PartialEq for TimeZone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TimeZone {}

/// A time that the rules treat alike, near enough to 1970 to look up.
fn within(micros: i64) -> i64 {
    let days = micros.div_euclid(MICROS_PER_DAY);
    if days.abs() <= LOOKUP_DAYS_MAX {
        return micros;
    }
    let cycles = (days.abs() - LOOKUP_DAYS_MAX) / CYCLE_DAYS + 1;
    micros - days.signum() * cycles * CYCLE_DAYS * MICROS_PER_DAY
}

/// The offset of descriptions without daylight saving: an optional abbreviation, then hours west.
fn posix_offset(text: &str) -> Option<i32> {
    let rest = match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => text.trim_start_matches(|c: char| c.is_ascii_alphabetic()),
    };
    let (west, digits) = match rest.as_bytes().first()? {
        b'+' => (1, rest.get(1..)?),
        b'-' => (-1, rest.get(1..)?),
        _ => (1, rest),
    };
    let mut seconds = 0;
    let mut unit = 3600;
    for part in digits.split(':') {
        if unit == 0 || part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let n: i32 = part.parse().ok()?;
        let limit = if unit == 3600 { 167 } else { 59 };
        if n > limit {
            return None;
        }
        seconds += n * unit;
        unit /= 60;
    }
    Some(-west * seconds)
}

/// The offset that went by this abbreviation most recently, else the offset in force.
fn latest_meaning(
    abbreviation: &str,
    zone: &jiff::tz::TimeZone,
    timestamp: jiff::Timestamp,
) -> i32 {
    let now = zone.to_offset_info(timestamp);
    if now.abbreviation() == abbreviation {
        return now.offset().seconds();
    }
    let named =
        |transition: &jiff::tz::TimeZoneTransition<'_>| transition.abbreviation() == abbreviation;
    zone.preceding(timestamp)
        .find(named)
        .or_else(|| zone.following(timestamp).take(TRANSITIONS_MAX).find(named))
        .map_or(now.offset(), |transition| transition.offset())
        .seconds()
}

const _: () = assert!(LOOKUP_DAYS_MAX * MICROS_PER_DAY / MICROS_PER_SECOND < i64::MAX / 4);
