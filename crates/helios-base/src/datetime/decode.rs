//! From fields of text to a date, a time and an offset: PostgreSQL's rules for what each field may
//! be, given those before it.

use super::abbreviation::{self, Abbreviation};
use super::civil::{Civil, civil_from_days, days_from_civil, days_in_month};
use super::keyword::{self, Keyword, Unit};
use super::number::{fraction, fraction_micros, leading_i32, leading_i64, optional_i32, whole};
use super::style::DateOrder;
use super::token::{Field, Kind};
use super::{JULIAN_EPOCH, MICROS_PER_DAY, MICROS_PER_SECOND, TimeZone};
use crate::{Error, SqlState, TextContext};

/// Why text is not a date, time or interval.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// It does not look like one.
    Format,
    /// A field is out of range.
    Field,
    /// A month or day is out of range; perhaps another order was meant.
    MonthDay,
    /// An offset is out of range.
    Displacement,
    /// Something that names itself.
    Other(Error),
}

impl DecodeError {
    /// The error that the user sees.
    pub(super) fn into_error(self, ty: &str, text: &str) -> Error {
        match self {
            Self::Format => Error::new(
                SqlState::INVALID_DATETIME_FORMAT,
                format!("invalid input syntax for type {ty}: \"{text}\""),
            ),
            Self::Field => field_out_of_range(text),
            Self::MonthDay => field_out_of_range(text)
                .with_hint("Perhaps you need a different \"datestyle\" setting."),
            Self::Displacement => Error::new(
                SqlState::INVALID_TIME_ZONE_DISPLACEMENT_VALUE,
                format!("time zone displacement out of range: \"{text}\""),
            ),
            Self::Other(error) => error,
        }
    }
}

fn field_out_of_range(text: &str) -> Error {
    Error::new(
        SqlState::DATETIME_FIELD_OVERFLOW,
        format!("date/time field value out of range: \"{text}\""),
    )
}

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// Which parts were seen, a bit each.
type Mask = u32;
const YEAR: Mask = 1;
const MONTH: Mask = 1 << 1;
const DAY: Mask = 1 << 2;
const DATE: Mask = YEAR | MONTH | DAY;
const HOUR: Mask = 1 << 3;
const MINUTE: Mask = 1 << 10;
const SECOND: Mask = 1 << 11;
const TIME: Mask = HOUR | MINUTE | SECOND;
const ZONE: Mask = 1 << 4;
const ZONE_MODIFIER: Mask = 1 << 5;
const DAY_OF_YEAR: Mask = 1 << 6;
const HALF_DAY: Mask = 1 << 7;
const ERA: Mask = 1 << 8;
const WEEKDAY: Mask = 1 << 9;

/// What the text meant.
pub(super) enum Moment {
    /// A date, perhaps with a time, and the offset that applies, in seconds east of UTC.
    Date(Civil, i32),
    /// `epoch`
    Epoch,
    /// `infinity`
    Infinity,
    /// `-infinity`
    NegInfinity,
}

/// Where the offset comes from.
enum Zone {
    Fixed(i32),
    Named(TimeZone),
}

struct Decoder<'a> {
    context: &'a TextContext,
    /// Whether only a time is wanted.
    time_only: bool,
    mask: Mask,
    civil: Civil,
    day_of_year: i32,
    zone: Option<Zone>,
    /// Seconds that `DST` adds.
    dst: i32,
    text_month: bool,
    two_digit_year: bool,
    julian: bool,
    before_christ: bool,
    afternoon: Option<bool>,
    label: Option<Unit>,
    special: Option<Moment>,
}

/// Reads a date with or without time and offset.
pub(super) fn date_time(fields: &[Field], context: &TextContext) -> Result<Moment> {
    let mut decoder = Decoder::new(context, false);
    decoder.fields(fields)?;
    if let Some(special) = decoder.special.take() {
        return Ok(special);
    }
    decoder.finish_date()?;
    if decoder.mask & DATE != DATE {
        return Err(DecodeError::Format);
    }
    let offset = decoder.offset()?;
    Ok(Moment::Date(decoder.civil, offset))
}

/// Reads a time of day; a date may stand before it and is ignored but for its offset.
pub(super) fn time_only(fields: &[Field], context: &TextContext) -> Result<Civil> {
    Ok(time_decoder(fields, context)?.civil)
}

/// Reads a time of day and its offset: the one that is written, or that of the session's zone, on
/// the date that is written or today.
pub(super) fn time_and_offset(fields: &[Field], context: &TextContext) -> Result<(Civil, i32)> {
    let mut decoder = time_decoder(fields, context)?;
    let civil = decoder.civil;
    if decoder.zone.is_none() && decoder.mask & DATE != DATE {
        let zone = &context.time_zone;
        let today = context
            .now
            .saturating_add(i64::from(zone.offset_at(context.now)) * MICROS_PER_SECOND)
            .div_euclid(MICROS_PER_DAY);
        decoder.set_days(today);
    }
    Ok((civil, decoder.offset()?))
}

fn time_decoder<'a>(fields: &[Field], context: &'a TextContext) -> Result<Decoder<'a>> {
    let mut decoder = Decoder::new(context, true);
    decoder.fields(fields)?;
    if decoder.special.is_some() {
        return Err(DecodeError::Format);
    }
    decoder.finish_date()?;
    if time_overflows(&decoder.civil) {
        return Err(DecodeError::Field);
    }
    if decoder.mask & TIME != TIME {
        return Err(DecodeError::Format);
    }
    if decoder.mask & DATE != DATE
        && let Some(Zone::Named(zone)) = &decoder.zone
        && zone.fixed_offset().is_none()
    {
        // Without a date nobody knows whether daylight saving applies.
        return Err(DecodeError::Format);
    }
    Ok(decoder)
}

fn time_overflows(civil: &Civil) -> bool {
    !(0..=24).contains(&civil.hour)
        || !(0..60).contains(&civil.minute)
        || !(0..=60).contains(&civil.second)
        || !(0..=1_000_000).contains(&civil.micro)
        || civil.micros_of_day() > MICROS_PER_DAY
}

/// Reads `±hh[[:]mm[:ss]]`, in seconds east of UTC.
pub(super) fn offset(text: &str) -> Result<i32> {
    let unsigned = text.strip_prefix(['+', '-']).ok_or(DecodeError::Format)?;
    let displaced = |error| match error {
        DecodeError::Field => DecodeError::Displacement,
        other => other,
    };
    let (mut hour, mut rest) = leading_i32(unsigned).map_err(displaced)?;
    let (mut minute, mut second) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (minute, rest) = optional_i32(after).map_err(displaced)?;
        if let Some(after) = rest.strip_prefix(':') {
            (second, rest) = optional_i32(after).map_err(displaced)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        (hour, minute) = (hour / 100, hour % 100);
    }
    if !(0..=15).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
        return Err(DecodeError::Displacement);
    }
    if !rest.is_empty() {
        return Err(DecodeError::Format);
    }
    let seconds = hour * 3600 + minute * 60 + second;
    Ok(if text.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

/// Reads `hh:mm[:ss[.f]]` or `mm:ss.f`; returns hours, minutes, seconds and microseconds.
pub(super) fn clock(text: &str) -> Result<(i64, i32, i32, i32)> {
    let (mut hour, rest) = leading_i64(text)?;
    let rest = rest.strip_prefix(':').ok_or(DecodeError::Format)?;
    let (mut minute, rest) = optional_i32(rest)?;
    let (mut second, mut micro) = (0, 0);
    if rest.starts_with('.') {
        micro = fraction_micros(rest)?;
        second = minute;
        minute = i32::try_from(hour).map_err(|_| DecodeError::Field)?;
        hour = 0;
    } else if let Some(rest) = rest.strip_prefix(':') {
        let (n, rest) = optional_i32(rest)?;
        second = n;
        if !rest.is_empty() {
            micro = fraction_micros(rest)?;
        }
    } else if !rest.is_empty() {
        return Err(DecodeError::Format);
    }
    if hour < 0
        || !(0..60).contains(&minute)
        || !(0..=60).contains(&second)
        || !(0..=1_000_000).contains(&micro)
    {
        return Err(DecodeError::Field);
    }
    Ok((hour, minute, second, micro))
}

impl<'a> Decoder<'a> {
    fn new(context: &'a TextContext, time_only: bool) -> Self {
        Self {
            context,
            time_only,
            mask: 0,
            civil: Civil::default(),
            day_of_year: 0,
            zone: None,
            dst: 0,
            text_month: false,
            two_digit_year: false,
            julian: false,
            before_christ: false,
            afternoon: None,
            label: None,
            special: None,
        }
    }

    fn fields(&mut self, fields: &[Field]) -> Result<()> {
        for (i, field) in fields.iter().enumerate() {
            let seen = match field.kind {
                Kind::Date => self.date_field(i, fields)?,
                Kind::Time => self.time_field(&field.text)?,
                Kind::Offset => {
                    self.zone = Some(Zone::Fixed(offset(&field.text)?));
                    ZONE
                }
                Kind::Number => self.number_field(i, fields)?,
                Kind::Word | Kind::Special => match self.word(i, fields)? {
                    Some(seen) => seen,
                    None => continue,
                },
            };
            if self.mask & seen != 0 {
                return Err(DecodeError::Format);
            }
            self.mask |= seen;
        }
        Ok(())
    }

    fn date_field(&mut self, i: usize, fields: &[Field]) -> Result<Mask> {
        let Some(Field { text, .. }) = fields.get(i) else {
            return Err(DecodeError::Format);
        };
        if self.time_only {
            let last = fields.last().map(|f| f.kind);
            let second = fields.get(1).map(|f| f.kind);
            if i == 0
                && fields.len() >= 2
                && (last == Some(Kind::Date) || second == Some(Kind::Time))
            {
                return self.date(text);
            }
        } else if self.label == Some(Unit::Julian) {
            // A Julian day with an offset attached.
            let (day, rest) = leading_i32(text)?;
            self.set_julian(day)?;
            self.zone = Some(Zone::Fixed(offset(rest)?));
            self.label = None;
            return Ok(DATE | TIME | ZONE);
        } else if self.label.is_none() && self.mask & (MONTH | DAY) != MONTH | DAY {
            return self.date(text);
        }
        // A time with an offset attached, or the name of a zone.
        let digit = text.starts_with(|c: char| c.is_ascii_digit());
        if !digit && self.label.is_none() {
            self.zone = Some(Zone::Named(named_zone(text)?));
            return Ok(ZONE);
        }
        if self.label.take().is_some_and(|label| label != Unit::Time) || self.mask & TIME == TIME {
            return Err(DecodeError::Format);
        }
        let at = text.find('-').ok_or(DecodeError::Format)?;
        let (time, east) = text.split_at(at);
        self.zone = Some(Zone::Fixed(offset(east)?));
        let complete = if self.time_only { DATE } else { 0 };
        Ok(self.run_together(time, self.mask | complete)? | ZONE)
    }

    fn time_field(&mut self, text: &str) -> Result<Mask> {
        if self.label.take().is_some_and(|label| label != Unit::Time) {
            return Err(DecodeError::Format);
        }
        let (hour, minute, second, micro) = clock(text)?;
        self.civil.hour = i32::try_from(hour).map_err(|_| DecodeError::Field)?;
        (self.civil.minute, self.civil.second, self.civil.micro) = (minute, second, micro);
        if !self.time_only && time_overflows(&self.civil) {
            return Err(DecodeError::Field);
        }
        Ok(TIME)
    }

    fn set_julian(&mut self, day: i32) -> Result<()> {
        if day < 0 {
            return Err(DecodeError::Field);
        }
        self.set_days(i64::from(day) - i64::from(JULIAN_EPOCH));
        self.julian = true;
        Ok(())
    }

    fn set_days(&mut self, days: i64) {
        (self.civil.year, self.civil.month, self.civil.day) = civil_from_days(days);
    }

    fn number_field(&mut self, i: usize, fields: &[Field]) -> Result<Mask> {
        let Some(Field { text, .. }) = fields.get(i) else {
            return Err(DecodeError::Format);
        };
        if let Some(label) = self.label.take() {
            let (value, rest) = leading_i32(text)?;
            if !rest.is_empty() && !rest.starts_with('.') {
                return Err(DecodeError::Format);
            }
            return match label {
                Unit::Julian => {
                    self.set_julian(value)?;
                    if rest.is_empty() {
                        return Ok(DATE);
                    }
                    let micros = (fraction(rest)? * MICROS_PER_DAY as f64) as i64;
                    self.set_time(&Civil::of_time(micros));
                    Ok(DATE | TIME)
                }
                Unit::Time => match self.run_together(text, self.mask | DATE)? {
                    TIME => Ok(TIME),
                    _ => Err(DecodeError::Format),
                },
                _ => self.labelled(label, value, rest),
            };
        }
        let point = text.find('.');
        if self.time_only {
            let last_is_date = fields.last().map(|f| f.kind) == Some(Kind::Date);
            return match point {
                Some(_) if i == 0 && fields.len() >= 2 && last_is_date => self.date(text),
                Some(at) if at > 2 => self.run_together(text, self.mask | DATE),
                Some(_) => Err(DecodeError::Format),
                None if text.len() > 4 => self.run_together(text, self.mask | DATE),
                None => self.number(text, self.mask | DATE),
            };
        }
        match point {
            Some(_) if self.mask & DATE == 0 => self.date(text),
            Some(at) if at > 2 => self.run_together(text, self.mask),
            _ if text.len() >= 6 && (self.mask & DATE != DATE || self.mask & TIME != TIME) => {
                self.run_together(text, self.mask)
            }
            _ => self.number(text, self.mask),
        }
    }

    /// Takes a number with its unit in front, as in `y2001m02d03`.
    fn labelled(&mut self, label: Unit, value: i32, rest: &str) -> Result<Mask> {
        let civil = &mut self.civil;
        let (field, seen) = match label {
            Unit::Year => (&mut civil.year, YEAR),
            // After a month and an hour it is minutes.
            Unit::Month if self.mask & (MONTH | HOUR) == MONTH | HOUR => {
                (&mut civil.minute, MINUTE)
            }
            Unit::Month => (&mut civil.month, MONTH),
            Unit::Day => (&mut civil.day, DAY),
            Unit::Hour => (&mut civil.hour, HOUR),
            Unit::Minute => (&mut civil.minute, MINUTE),
            Unit::Second => (&mut civil.second, SECOND),
            _ => return Err(DecodeError::Format),
        };
        *field = value;
        if label == Unit::Second && !rest.is_empty() {
            civil.micro = fraction_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(DecodeError::Format);
        }
        Ok(seen)
    }

    /// Reads a date with separators, such as `1-Feb-2003`.
    fn date(&mut self, text: &str) -> Result<Mask> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
            let Some(first) = rest.chars().next() else {
                return Err(DecodeError::Format);
            };
            let same = |c: char| {
                if first.is_ascii_digit() {
                    c.is_ascii_digit()
                } else {
                    c.is_ascii_alphabetic()
                }
            };
            let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            parts.push(part);
            // Whatever ends a part separates it from the next.
            rest = after.get(1..).unwrap_or_default();
        }
        let mut seen = 0;
        let mut numbers = Vec::new();
        for part in parts {
            if part.starts_with(|c: char| c.is_ascii_digit()) {
                numbers.push(part);
                continue;
            }
            match keyword::find(part) {
                Some(Keyword::Filler) => {}
                Some(Keyword::Month(month)) if (self.mask | seen) & MONTH == 0 => {
                    self.civil.month = month;
                    self.text_month = true;
                    seen |= MONTH;
                }
                _ => return Err(DecodeError::Format),
            }
        }
        for number in numbers {
            let mask = self.number(number, self.mask | seen)?;
            if (self.mask | seen) & mask != 0 {
                return Err(DecodeError::Format);
            }
            seen |= mask;
        }
        if (self.mask | seen) & !(DAY_OF_YEAR | ZONE) != DATE {
            return Err(DecodeError::Format);
        }
        Ok(seen)
    }

    /// Reads one number whose meaning depends on what is known (`mask`).
    fn number(&mut self, text: &str, mask: Mask) -> Result<Mask> {
        let (value, rest) = leading_i32(text)?;
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.run_together(text, mask | DATE);
            }
            self.civil.micro = fraction_micros(rest)?;
        } else if !rest.is_empty() {
            return Err(DecodeError::Format);
        }
        if text.len() == 3 && mask & DATE == YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(DAY_OF_YEAR | MONTH | DAY);
        }
        let long = text.len() >= 3;
        let order = self.context.date_order;
        let part = match mask & DATE {
            0 if long || order == DateOrder::Ymd => YEAR,
            0 if order == DateOrder::Dmy => DAY,
            0 | YEAR | DAY => MONTH,
            MONTH if self.text_month && (long || order == DateOrder::Ymd) => YEAR,
            MONTH => DAY,
            m if m == YEAR | MONTH => {
                if self.text_month && long && self.two_digit_year {
                    // What looked like the year was the day.
                    self.civil.day = self.civil.year;
                    self.civil.year = value;
                    self.two_digit_year = false;
                    return Ok(DAY);
                }
                DAY
            }
            m if m == MONTH | DAY => YEAR,
            DATE => return self.run_together(text, mask),
            _ => return Err(DecodeError::Format),
        };
        match part {
            YEAR => {
                self.civil.year = value;
                self.two_digit_year = text.len() <= 2;
            }
            MONTH => self.civil.month = value,
            _ => self.civil.day = value,
        }
        Ok(part)
    }

    /// Reads `yyyymmdd`, `yymmdd`, `hhmmss[.f]` or `hhmm`.
    fn run_together(&mut self, text: &str, mask: Mask) -> Result<Mask> {
        let mut digits = text;
        if let Some(at) = text.find('.') {
            let (whole, fraction) = text.split_at(at);
            self.civil.micro = fraction_micros(fraction)?;
            digits = whole;
        } else if mask & DATE != DATE && text.len() >= 6 {
            let (rest, day) = text.split_at(text.len() - 2);
            let (year, month) = rest.split_at(rest.len() - 2);
            self.civil.day = whole(day)?;
            self.civil.month = whole(month)?;
            self.civil.year = whole(year)?;
            self.two_digit_year |= year.len() == 2;
            return Ok(DATE);
        }
        if mask & TIME != TIME && matches!(digits.len(), 4 | 6) {
            let part = |from: usize| whole(digits.get(from..from + 2).unwrap_or_default());
            self.civil.hour = part(0)?;
            self.civil.minute = part(2)?;
            self.civil.second = if digits.len() == 6 { part(4)? } else { 0 };
            return Ok(TIME);
        }
        Err(DecodeError::Format)
    }

    fn set_time(&mut self, time: &Civil) {
        (self.civil.hour, self.civil.minute) = (time.hour, time.minute);
        (self.civil.second, self.civil.micro) = (time.second, time.micro);
    }

    /// The start of the transaction as local time.
    fn now(&self) -> (Civil, i32) {
        let now = self.context.now;
        let offset = self.context.time_zone.offset_at(now);
        let local = now.saturating_add(i64::from(offset) * MICROS_PER_SECOND);
        (Civil::of_timestamp(local), offset)
    }

    fn word(&mut self, i: usize, fields: &[Field]) -> Result<Option<Mask>> {
        let Some(Field { text, .. }) = fields.get(i) else {
            return Err(DecodeError::Format);
        };
        match abbreviation::find(text) {
            Some(Abbreviation::Fixed(offset)) => {
                self.zone = Some(Zone::Fixed(offset));
                return Ok(Some(ZONE));
            }
            Some(Abbreviation::Zone(zone)) => {
                let zone = TimeZone::changing(text, zone).ok_or(DecodeError::Format)?;
                self.zone = Some(Zone::Named(zone));
                return Ok(Some(ZONE));
            }
            None => {}
        }
        let Some(keyword) = keyword::find(text) else {
            let zone = TimeZone::find(text).ok_or(DecodeError::Format)?;
            self.zone = Some(Zone::Named(zone));
            return Ok(Some(ZONE));
        };
        Ok(Some(match keyword {
            Keyword::Filler => return Ok(None),
            Keyword::Now => {
                let (now, offset) = self.now();
                if self.time_only {
                    self.set_time(&now);
                    return Ok(Some(TIME));
                }
                self.civil = now;
                self.zone = Some(Zone::Fixed(offset));
                DATE | TIME | ZONE
            }
            Keyword::AllBalls => {
                self.set_time(&Civil::default());
                self.zone = Some(Zone::Fixed(0));
                TIME | ZONE
            }
            Keyword::Yesterday | Keyword::Today | Keyword::Tomorrow if !self.time_only => {
                let shift = match keyword {
                    Keyword::Yesterday => -1,
                    Keyword::Tomorrow => 1,
                    _ => 0,
                };
                self.set_days(self.now().0.days() + shift);
                DATE
            }
            Keyword::Epoch => self.special(Moment::Epoch),
            Keyword::Infinity => self.special(Moment::Infinity),
            Keyword::NegInfinity => self.special(Moment::NegInfinity),
            Keyword::Yesterday | Keyword::Today | Keyword::Tomorrow => {
                return Err(DecodeError::Format);
            }
            Keyword::Month(_) if self.time_only => return Err(DecodeError::Format),
            Keyword::Month(month) => {
                let mut seen = MONTH;
                if self.mask & (MONTH | DAY) == MONTH
                    && !self.text_month
                    && (1..=31).contains(&self.civil.month)
                {
                    // The number before was the day, not the month.
                    self.civil.day = self.civil.month;
                    seen = DAY;
                }
                self.text_month = true;
                self.civil.month = month;
                seen
            }
            Keyword::Weekday if self.time_only => return Err(DecodeError::Format),
            Keyword::Weekday => WEEKDAY,
            Keyword::Am | Keyword::Pm => {
                self.afternoon = Some(keyword == Keyword::Pm);
                HALF_DAY
            }
            Keyword::Ad | Keyword::Bc => {
                self.before_christ = keyword == Keyword::Bc;
                ERA
            }
            Keyword::Dst => {
                self.dst = 3600;
                ZONE_MODIFIER
            }
            Keyword::Label(unit) => {
                self.label = Some(unit);
                0
            }
            Keyword::IsoTime => {
                if !self.time_only && self.mask & DATE != DATE {
                    return Err(DecodeError::Format);
                }
                match fields.get(i + 1).map(|field| field.kind) {
                    Some(Kind::Number | Kind::Time | Kind::Date) => {}
                    _ => return Err(DecodeError::Format),
                }
                self.label = Some(Unit::Time);
                0
            }
        }))
    }

    fn special(&mut self, moment: Moment) -> Mask {
        self.special = Some(moment);
        DATE | TIME | ZONE
    }

    /// Checks and completes year, month, day and the half of the day.
    fn finish_date(&mut self) -> Result<()> {
        let civil = &mut self.civil;
        if self.mask & YEAR != 0 && !self.julian {
            if self.before_christ {
                if civil.year <= 0 {
                    return Err(DecodeError::Field);
                }
                civil.year = 1 - civil.year;
            } else if self.two_digit_year {
                match civil.year {
                    ..0 => return Err(DecodeError::Field),
                    0..70 => civil.year += 2000,
                    70..100 => civil.year += 1900,
                    _ => {}
                }
            } else if civil.year <= 0 {
                return Err(DecodeError::Field);
            }
        }
        if self.mask & DAY_OF_YEAR != 0 {
            let days = days_from_civil(civil.year, 1, 1) + i64::from(self.day_of_year) - 1;
            (civil.year, civil.month, civil.day) = civil_from_days(days);
        }
        if self.mask & MONTH != 0 && !(1..=12).contains(&civil.month) {
            return Err(DecodeError::MonthDay);
        }
        if self.mask & DAY != 0 && !(1..=31).contains(&civil.day) {
            return Err(DecodeError::MonthDay);
        }
        if self.mask & DATE == DATE && civil.day > days_in_month(civil.year, civil.month) {
            return Err(DecodeError::Field);
        }
        if let Some(afternoon) = self.afternoon {
            if civil.hour > 12 {
                return Err(DecodeError::Field);
            }
            civil.hour = civil.hour % 12 + if afternoon { 12 } else { 0 };
        }
        Ok(())
    }

    /// The offset that applies, in seconds east of UTC.
    fn offset(&self) -> Result<i32> {
        let local = self.civil.timestamp().unwrap_or(0);
        let whole_zone = !matches!(self.zone, Some(Zone::Fixed(_)));
        if self.dst != 0 && whole_zone {
            return Err(DecodeError::Format);
        }
        Ok(match &self.zone {
            Some(Zone::Fixed(offset)) => offset + self.dst,
            Some(Zone::Named(zone)) => zone.offset_of_local(local),
            None => self.context.time_zone.offset_of_local(local),
        })
    }
}

fn named_zone(name: &str) -> Result<TimeZone> {
    TimeZone::find(name).ok_or_else(|| {
        DecodeError::Other(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("time zone \"{name}\" not recognized"),
        ))
    })
}
