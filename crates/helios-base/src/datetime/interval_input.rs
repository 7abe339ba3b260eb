//! Text input of intervals: PostgreSQL's verbose form and the SQL standard's.

use super::decode::{self, DecodeError};
use super::keyword::{self, IntervalWord, Unit};
use super::number::{fraction, leading_i32, leading_i64};
use super::token::{self, Field, Kind};
use super::{
    Interval, IntervalFields, IntervalModifier, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE,
    MICROS_PER_SECOND, interval_iso, interval_out_of_range,
};
use crate::{Error, Result, SqlState};

/// Reads an `interval`.
///
/// # Errors
/// `22007` on malformed text; `22015` and `22008` out of range.
pub fn parse_interval(text: &str) -> Result<Interval> {
    parse(text, None)
}

/// Reads an `interval` whose type names fields, such as `day to second`: the last one is the unit
/// of a bare number, and what is smaller is dropped.
///
/// # Errors
/// As [`parse_interval`].
pub fn parse_interval_as(text: &str, modifier: Option<IntervalModifier>) -> Result<Interval> {
    let fields = modifier.and_then(IntervalModifier::fields);
    let interval = parse(text, fields.map(IntervalFields::text))?;
    Ok(modifier.map_or(interval, |modifier| modifier.apply(&interval)))
}

/// The last of the fields that a type names.
fn last_field(fields: &str) -> Unit {
    match fields.rsplit(' ').next() {
        Some("year") => Unit::Year,
        Some("month") => Unit::Month,
        Some("day") => Unit::Day,
        Some("hour") => Unit::Hour,
        Some("minute") => Unit::Minute,
        _ => Unit::Second,
    }
}

fn parse(text: &str, fields: Option<&str>) -> Result<Interval> {
    let parts = token::split(text)
        .and_then(|split| words(&split, fields))
        .or_else(|error| match error {
            // Perhaps it is in ISO 8601's form.
            DecodeError::Format => interval_iso::parse(text),
            other => Err(other),
        })
        .map_err(|error| match error {
            DecodeError::Field | DecodeError::MonthDay => Error::new(
                SqlState::INTERVAL_FIELD_OVERFLOW,
                format!("interval field value out of range: \"{text}\""),
            ),
            other => other.into_error("interval", text),
        })?;
    parts.finish()
}

/// An interval in the making; years and months still apart.
#[derive(Default)]
pub(super) struct Parts {
    years: i32,
    months: i32,
    days: i32,
    micros: i64,
}

type Step = std::result::Result<(), DecodeError>;

fn add_i32(to: &mut i32, value: i64, scale: i64) -> Step {
    let product = value.checked_mul(scale).ok_or(DecodeError::Field)?;
    *to = i32::try_from(product)
        .ok()
        .and_then(|product| to.checked_add(product))
        .ok_or(DecodeError::Field)?;
    Ok(())
}

impl Parts {
    pub(super) fn add_years(&mut self, value: i64, fraction: f64, scale: i64) -> Step {
        add_i32(&mut self.years, value, scale)?;
        let months = (fraction * scale as f64 * 12.0).round_ties_even() as i64;
        add_i32(&mut self.months, months, 1)
    }

    pub(super) fn add_months(&mut self, value: i64, fraction: f64) -> Step {
        add_i32(&mut self.months, value, 1)?;
        self.add_days_fraction(fraction * 30.0)
    }

    pub(super) fn add_weeks(&mut self, value: i64, fraction: f64) -> Step {
        add_i32(&mut self.days, value, 7)?;
        self.add_days_fraction(fraction * 7.0)
    }

    pub(super) fn add_days(&mut self, value: i64, fraction: f64) -> Step {
        add_i32(&mut self.days, value, 1)?;
        self.add_fraction(fraction * MICROS_PER_DAY as f64)
    }

    /// Fractions of months and weeks: whole days, then time.
    fn add_days_fraction(&mut self, days: f64) -> Step {
        let whole = days as i64;
        add_i32(&mut self.days, whole, 1)?;
        self.add_fraction((days - whole as f64) * MICROS_PER_DAY as f64)
    }

    pub(super) fn add_time(&mut self, value: i64, fraction: f64, scale: i64) -> Step {
        self.micros = value
            .checked_mul(scale)
            .and_then(|micros| self.micros.checked_add(micros))
            .ok_or(DecodeError::Field)?;
        self.add_fraction(fraction * scale as f64)
    }

    /// Adds microseconds, half a microsecond not counting.
    pub(super) fn add_fraction(&mut self, micros: f64) -> Step {
        let mut whole = micros as i64;
        let rest = micros - whole as f64;
        if rest > 0.5 {
            whole += 1;
        } else if rest < -0.5 {
            whole -= 1;
        }
        self.micros = self.micros.checked_add(whole).ok_or(DecodeError::Field)?;
        Ok(())
    }

    fn negate(&mut self) -> Step {
        let negated = |n: i32| n.checked_neg().ok_or(DecodeError::Field);
        self.years = negated(self.years)?;
        self.months = negated(self.months)?;
        self.days = negated(self.days)?;
        self.micros = self.micros.checked_neg().ok_or(DecodeError::Field)?;
        Ok(())
    }

    fn finish(self) -> Result<Interval> {
        let months = i64::from(self.years) * 12 + i64::from(self.months);
        let months = i32::try_from(months).map_err(|_| interval_out_of_range())?;
        Ok(Interval::new(months, self.days, self.micros))
    }
}

/// The units that may each be given once.
fn bit(unit: Unit) -> u32 {
    match unit {
        Unit::Microsecond => 1,
        Unit::Millisecond => 1 << 1,
        Unit::Second => 1 << 2,
        Unit::Minute => 1 << 3,
        Unit::Hour => 1 << 4,
        Unit::Day => 1 << 5,
        Unit::Week => 1 << 6,
        Unit::Month => 1 << 7,
        Unit::Year => 1 << 8,
        Unit::Decade => 1 << 9,
        Unit::Century => 1 << 10,
        Unit::Millennium => 1 << 11,
        _ => 0,
    }
}

const SECONDS: u32 = 0b111;
const TIME: u32 = 0b1_1111;

/// Reads numbers and their units. From the right: a unit stands after its number.
fn words(fields: &[Field], wanted: Option<&str>) -> std::result::Result<Parts, DecodeError> {
    // The unit of a number that has none.
    let bare = wanted.map_or(Unit::Second, last_field);
    let to_second = wanted == Some("minute to second");
    let mut parts = Parts::default();
    let mut unit: Option<Unit> = None;
    let mut ago = false;
    let mut seen = 0;
    for field in fields.iter().rev() {
        let text = field.text.as_str();
        let mask = match field.kind {
            Kind::Time => {
                parts.micros = clock(text, to_second)?;
                unit = Some(Unit::Day);
                TIME
            }
            Kind::Offset if text.get(1..).is_some_and(|t| t.contains(':')) => {
                let micros = clock(text.get(1..).unwrap_or_default(), to_second);
                match micros {
                    Ok(micros) => {
                        parts.micros = if text.starts_with('-') {
                            -micros
                        } else {
                            micros
                        };
                        unit = Some(Unit::Day);
                        TIME
                    }
                    Err(_) => number(text, bare, &mut unit, &mut parts)?,
                }
            }
            Kind::Offset | Kind::Date | Kind::Number => number(text, bare, &mut unit, &mut parts)?,
            Kind::Word | Kind::Special => {
                match keyword::find_unit(text) {
                    Some(IntervalWord::Filler) => {}
                    Some(IntervalWord::Unit(word)) => unit = Some(word),
                    // It is no unit: the number before needs one of its own.
                    Some(IntervalWord::Ago) => (ago, unit) = (true, Some(Unit::Epoch)),
                    None => return Err(DecodeError::Format),
                }
                continue;
            }
        };
        if seen & mask != 0 {
            return Err(DecodeError::Format);
        }
        seen |= mask;
    }
    if seen == 0 {
        return Err(DecodeError::Format);
    }
    if ago {
        parts.negate()?;
    }
    Ok(parts)
}

/// Reads `hh:mm[:ss[.f]]`, or `mm:ss` if the type is `minute to second`.
fn clock(text: &str, to_second: bool) -> std::result::Result<i64, DecodeError> {
    let (mut hour, mut minute, mut second, micro) = decode::clock(text)?;
    if to_second && text.matches(':').count() == 1 && !text.contains('.') {
        (hour, minute, second) = (0, i32::try_from(hour).unwrap_or(i32::MAX), minute);
        if minute >= 60 {
            return Err(DecodeError::Field);
        }
    }
    hour.checked_mul(MICROS_PER_HOUR)
        .and_then(|micros| {
            micros.checked_add(
                i64::from(minute) * MICROS_PER_MINUTE
                    + i64::from(second) * MICROS_PER_SECOND
                    + i64::from(micro),
            )
        })
        .ok_or(DecodeError::Field)
}

/// Reads one number of `unit`, or `years-months`; returns what it fills.
fn number(
    text: &str,
    bare: Unit,
    unit: &mut Option<Unit>,
    parts: &mut Parts,
) -> std::result::Result<u32, DecodeError> {
    // The rightmost number may have no unit.
    let mut kind = unit.unwrap_or(bare);
    let negative = text.starts_with('-');
    // `.5` and `-.5` have no integer digits.
    let unsigned = text.trim_start_matches(['+', '-']);
    let (mut value, rest) = if unsigned.starts_with('.') {
        (0, unsigned)
    } else {
        leading_i64(text)?
    };
    let mut part = 0.0;
    if let Some(months) = rest.strip_prefix('-') {
        let (months, after) = leading_i32(months)?;
        if !(0..12).contains(&months) {
            return Err(DecodeError::Field);
        }
        if !after.is_empty() {
            return Err(DecodeError::Format);
        }
        kind = Unit::Month;
        let months = i64::from(if negative { -months } else { months });
        value = value
            .checked_mul(12)
            .and_then(|value| value.checked_add(months))
            .ok_or(DecodeError::Field)?;
    } else if !rest.is_empty() {
        part = fraction(rest)?;
        if negative {
            part = -part;
        }
    }
    *unit = Some(kind);
    match kind {
        Unit::Microsecond => parts.add_time(value, part, 1)?,
        Unit::Millisecond => parts.add_time(value, part, 1000)?,
        Unit::Second => {
            parts.add_time(value, part, MICROS_PER_SECOND)?;
            if part != 0.0 {
                return Ok(SECONDS);
            }
        }
        Unit::Minute => parts.add_time(value, part, MICROS_PER_MINUTE)?,
        Unit::Hour => {
            parts.add_time(value, part, MICROS_PER_HOUR)?;
            // A number before hours without a unit counts days.
            *unit = Some(Unit::Day);
        }
        Unit::Day => parts.add_days(value, part)?,
        Unit::Week => parts.add_weeks(value, part)?,
        Unit::Month => parts.add_months(value, part)?,
        Unit::Year => parts.add_years(value, part, 1)?,
        Unit::Decade => parts.add_years(value, part, 10)?,
        Unit::Century => parts.add_years(value, part, 100)?,
        Unit::Millennium => parts.add_years(value, part, 1000)?,
        _ => return Err(DecodeError::Format),
    }
    Ok(bit(kind))
}
