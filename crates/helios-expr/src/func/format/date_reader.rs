//! Reading text by a picture into its parts.

use helios_base::{Error, Result, SqlState};

use super::ordinal::{DAYS, MONTHS, ROMAN_MONTHS};
use super::picture::{Field, Key, Piece, split};

/// What the fields said; `None` for what was not there.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    pub(super) hour: Option<i32>,
    pub(super) twelve_hours: bool,
    pub(super) afternoon: Option<bool>,
    pub(super) minute: Option<i32>,
    pub(super) second: Option<i32>,
    pub(super) seconds_of_day: Option<i32>,
    pub(super) millisecond: Option<i32>,
    pub(super) microsecond: Option<i32>,
    pub(super) year: Option<i32>,
    pub(super) year_digits: u8,
    pub(super) century: Option<i32>,
    pub(super) before_christ: bool,
    pub(super) month: Option<i32>,
    pub(super) day: Option<i32>,
    pub(super) day_of_year: Option<i32>,
    /// From Sunday, which is 1.
    pub(super) weekday: Option<i32>,
    pub(super) week: Option<i32>,
    pub(super) week_of_month: Option<i32>,
    pub(super) julian: Option<i32>,
    pub(super) zone_sign: Option<i32>,
    pub(super) zone_hour: Option<i32>,
    pub(super) zone_minute: Option<i32>,
    /// Whether weeks and years are those of ISO 8601.
    pub(super) iso: bool,
    /// Digits of the second that are kept, if the picture says.
    pub(super) precision: Option<u8>,
    mode: Option<bool>,
}

impl Parts {
    /// Seconds east of UTC, if a field gave them.
    pub(super) fn offset(&self) -> Option<i32> {
        if self.zone_hour.is_none() && self.zone_minute.is_none() {
            return None;
        }
        let hours = self.zone_hour.unwrap_or(0);
        let minutes = self.zone_minute.unwrap_or(0);
        Some(self.zone_sign.unwrap_or(1) * (hours * 3600 + minutes * 60))
    }
}

fn malformed(message: String) -> Error {
    Error::new(SqlState::INVALID_DATETIME_FORMAT, message)
}

/// Reads `text` by `picture`.
///
/// # Errors
/// `22007` where they do not go together, with PostgreSQL's messages and details.
pub(super) fn read(text: &str, picture: &str) -> Result<Parts> {
    let pieces = split(picture);
    let mut reader = Reader {
        text,
        rest: text,
        exact: false,
        skipped: 0,
        parts: Parts::default(),
    };
    for (i, piece) in pieces.iter().enumerate() {
        if reader.rest.is_empty() {
            break;
        }
        let field = matches!(piece, Piece::Field(_));
        if !reader.exact && (field || i == 0) {
            reader.skip_blanks();
        }
        match piece {
            Piece::Space(_) | Piece::Separator(_) => reader.separator(),
            Piece::Text(_) | Piece::Bare(_) => reader.character(),
            Piece::Field(field) => {
                reader.field(field, pieces.get(i + 1))?;
                if !reader.exact {
                    reader.skipped = 0;
                    reader.skip_blanks();
                }
            }
        }
    }
    Ok(reader.parts)
}

/// Reads `text` by `picture` as SQL's standard has it: blanks and separators count, nothing is left
/// over, and characters in quotes are there.
///
/// # Errors
/// `22007` where they do not go together.
pub(super) fn read_standard(text: &str, picture: &str) -> Result<(Parts, Shape)> {
    let pieces = split(picture);
    let mut shape = Shape::default();
    for piece in &pieces {
        match piece {
            Piece::Separator(c) if !"-./,':; ".contains(*c) => return Err(bad_separator(*c)),
            Piece::Bare(c) => return Err(bad_separator(*c)),
            Piece::Field(field) => shape.add(field.key),
            _ => {}
        }
    }
    let mut reader = Reader {
        text,
        rest: text,
        exact: true,
        skipped: 0,
        parts: Parts::default(),
    };
    for (i, piece) in pieces.iter().enumerate() {
        let Some(found) = reader.rest.chars().next() else {
            return Err(malformed(
                "input string is too short for datetime format".to_owned(),
            ));
        };
        match piece {
            Piece::Space(_) | Piece::Separator(_) | Piece::Bare(_) => reader.skip(),
            Piece::Text(c) if *c != found => {
                return Err(malformed(format!("unmatched format character \"{c}\"")));
            }
            Piece::Text(_) => reader.skip(),
            Piece::Field(field) => reader.field(field, pieces.get(i + 1))?,
        }
    }
    if !reader.rest.trim_start_matches(is_blank).is_empty() {
        return Err(malformed(
            "trailing characters remain in input string after datetime format".to_owned(),
        ));
    }
    Ok((reader.parts, shape))
}

fn bad_separator(c: char) -> Error {
    malformed(format!("invalid datetime format separator: \"{c}\""))
}

/// What the fields of a picture are about.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    pub(super) date: bool,
    pub(super) time: bool,
    pub(super) zone: bool,
}

impl Shape {
    fn add(&mut self, key: Key) {
        match key {
            Key::ZoneHour | Key::ZoneMinute | Key::Zone | Key::Offset => self.zone = true,
            Key::HalfDay { .. }
            | Key::Fraction(_)
            | Key::Hour24
            | Key::Hour12
            | Key::Minute
            | Key::Millisecond
            | Key::SecondsOfDay
            | Key::Second
            | Key::Microsecond => self.time = true,
            Key::Exact => {}
            _ => self.date = true,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    /// `FX`
    exact: bool,
    /// Characters that were skipped beyond what the picture has.
    skipped: i32,
    parts: Parts,
}

fn is_separator(c: char) -> bool {
    c.is_ascii_punctuation()
}

fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0B'
}

impl Reader<'_> {
    fn skip(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    fn skip_blanks(&mut self) {
        while self.rest.starts_with(is_blank) {
            self.skip();
            self.skipped += 1;
        }
    }

    fn separator(&mut self) {
        if self.exact {
            self.skip();
            return;
        }
        // One of the picture takes one of the text, or nothing.
        self.skipped -= 1;
        if self.rest.starts_with(|c| is_blank(c) || is_separator(c)) {
            self.skip();
            self.skipped += 1;
        }
    }

    fn character(&mut self) {
        // What was skipped too much before makes up for it.
        if !self.exact && self.skipped > 0 {
            self.skipped -= 1;
        } else {
            self.skip();
        }
    }

    fn field(&mut self, field: &Field, next: Option<&Piece>) -> Result<()> {
        self.mode(field.key)?;
        match field.key {
            Key::Exact => self.exact = true,
            Key::HalfDay { points } => {
                let afternoon = self.word(
                    field,
                    if points {
                        &["a.m.", "p.m."]
                    } else {
                        &["am", "pm"]
                    },
                )?;
                set(&mut self.parts.afternoon, afternoon == 1, field)?;
                self.parts.twelve_hours = true;
            }
            Key::Era { points } => {
                let era = self.word(
                    field,
                    if points {
                        &["a.d.", "b.c."]
                    } else {
                        &["ad", "bc"]
                    },
                )?;
                self.parts.before_christ = era == 1;
            }
            Key::MonthName => {
                let month = self.name(field, &MONTHS, false)?;
                set(&mut self.parts.month, month + 1, field)?;
            }
            Key::MonthShort => {
                let month = self.name(field, &MONTHS, true)?;
                set(&mut self.parts.month, month + 1, field)?;
            }
            Key::DayName => {
                let day = self.name(field, &DAYS, false)?;
                set(&mut self.parts.weekday, day + 1, field)?;
            }
            Key::DayShort => {
                let day = self.name(field, &DAYS, true)?;
                set(&mut self.parts.weekday, day + 1, field)?;
            }
            Key::RomanMonth => {
                let month = self.roman(field)?;
                set(&mut self.parts.month, month, field)?;
            }
            Key::Zone | Key::Offset => {
                return Err(Error::unsupported(format!(
                    "formatting field \"{}\" is only supported in to_char",
                    field.written()
                )));
            }
            Key::ZoneHour => {
                // The sign may be there or not.
                let sign = if self.rest.starts_with(['+', '-', ' ']) {
                    let minus = self.rest.starts_with('-');
                    self.skip();
                    minus
                } else {
                    // A separator of the picture may have taken it.
                    let read = self.text.len() - self.rest.len();
                    self.skipped > 0
                        && self
                            .text
                            .get(..read)
                            .is_some_and(|read| read.ends_with('-'))
                };
                self.parts.zone_sign = Some(if sign { -1 } else { 1 });
                let hour = self.integer(field, 2, next)?;
                set(&mut self.parts.zone_hour, hour, field)?;
            }
            Key::ZoneMinute => {
                // Without hours before it, minutes are east.
                self.parts.zone_sign.get_or_insert(1);
                let minute = self.integer(field, 2, next)?;
                set(&mut self.parts.zone_minute, minute, field)?;
            }
            Key::Fraction(_) | Key::Microsecond | Key::Millisecond => {
                self.fraction(field, next)?;
            }
            Key::YearWithComma => self.year_with_comma(field)?,
            _ => self.number(field, next)?,
        }
        Ok(())
    }

    /// Calendar fields are all Gregorian or all ISO.
    fn mode(&mut self, key: Key) -> Result<()> {
        let iso = match key {
            Key::IsoDayOfYear | Key::IsoDayOfWeek | Key::IsoWeek | Key::IsoYear(_) => true,
            Key::Era { .. }
            | Key::Century
            | Key::DayOfYear
            | Key::Day
            | Key::DayOfWeek
            | Key::Month
            | Key::MonthName
            | Key::MonthShort
            | Key::Quarter
            | Key::RomanMonth
            | Key::WeekOfYear
            | Key::WeekOfMonth
            | Key::YearWithComma
            | Key::Year(_) => false,
            _ => return Ok(()),
        };
        if *self.parts.mode.get_or_insert(iso) != iso {
            return Err(
                malformed("invalid combination of date conventions".to_owned()).with_hint(
                    "Do not mix Gregorian and ISO week date conventions in a formatting template.",
                ),
            );
        }
        self.parts.iso = iso;
        Ok(())
    }

    fn number(&mut self, field: &Field, next: Option<&Piece>) -> Result<()> {
        let width = match field.key {
            Key::DayOfYear | Key::IsoDayOfYear => 3,
            Key::DayOfWeek | Key::IsoDayOfWeek | Key::WeekOfMonth | Key::Quarter => 1,
            Key::SecondsOfDay => 5,
            // As many digits as there are.
            Key::Julian => 9,
            Key::Year(digits) | Key::IsoYear(digits) => usize::from(digits),
            _ => 2,
        };
        if field.key == Key::Quarter {
            // It says nothing that the month would not.
            let _ = self.integer(field, width, next)?;
            return Ok(());
        }
        let before = self.rest.len();
        let value = if field.key == Key::Julian {
            self.unbounded(field)?
        } else {
            self.integer(field, width, next)?
        };
        let digits = before - self.rest.len();
        let parts = &mut self.parts;
        match field.key {
            Key::Hour24 => set(&mut parts.hour, value, field),
            Key::Hour12 => {
                parts.twelve_hours = true;
                set(&mut parts.hour, value, field)
            }
            Key::Minute => set(&mut parts.minute, value, field),
            Key::Second => set(&mut parts.second, value, field),
            Key::SecondsOfDay => set(&mut parts.seconds_of_day, value, field),
            Key::Month => set(&mut parts.month, value, field),
            Key::Day => set(&mut parts.day, value, field),
            Key::DayOfYear | Key::IsoDayOfYear => set(&mut parts.day_of_year, value, field),
            Key::DayOfWeek => set(&mut parts.weekday, value, field),
            // Monday is 1 here and 2 there.
            Key::IsoDayOfWeek => set(&mut parts.weekday, value % 7 + 1, field),
            Key::WeekOfYear | Key::IsoWeek => set(&mut parts.week, value, field),
            Key::WeekOfMonth => set(&mut parts.week_of_month, value, field),
            Key::Century => set(&mut parts.century, value, field),
            Key::Julian => set(&mut parts.julian, value, field),
            Key::Year(width) | Key::IsoYear(width) => {
                parts.year_digits = width;
                let year = if width < 4 && digits < 4 {
                    near_2020(value)
                } else {
                    value
                };
                set(&mut parts.year, year, field)
            }
            _ => Ok(()),
        }?;
        self.ordinal(field);
        Ok(())
    }

    fn ordinal(&mut self, field: &Field) {
        if field.ordinal.is_some() {
            self.skip();
            self.skip();
        }
    }

    /// Reads up to `width` characters as an integer, or as many digits as there are if the picture
    /// makes clear where they end.
    fn integer(&mut self, field: &Field, width: usize, next: Option<&Piece>) -> Result<i32> {
        self.rest = self.rest.trim_start_matches(is_blank);
        let ends = match next {
            _ if field.ordinal.is_some() => true,
            None => true,
            Some(Piece::Field(next)) => !next.key.is_digits(),
            Some(Piece::Separator(c) | Piece::Space(c) | Piece::Text(c) | Piece::Bare(c)) => {
                !c.is_ascii_digit()
            }
        };
        if field.fill || ends {
            return self.unbounded(field);
        }
        let cut = self
            .rest
            .char_indices()
            .nth(width)
            .map_or(self.rest.len(), |(at, _)| at);
        let piece = self.rest.get(..cut).unwrap_or_default();
        let available = piece.chars().count();
        let hint = "If your source string is not fixed-width, try using the \"FM\" modifier.";
        if available < width {
            return Err(malformed(format!(
                "source string too short for \"{}\" formatting field",
                field.written()
            ))
            .with_detail(format!(
                "Field requires {width} characters, but only {available} remain."
            ))
            .with_hint(hint));
        }
        let length = leading_integer(piece);
        if length > 0 && length < width {
            return Err(malformed(format!(
                "invalid value \"{piece}\" for \"{}\"",
                field.written()
            ))
            .with_detail(format!(
                "Field requires {width} characters, but only {length} could be parsed."
            ))
            .with_hint(hint));
        }
        self.take_integer(field, length, piece)
    }

    fn unbounded(&mut self, field: &Field) -> Result<i32> {
        self.rest = self.rest.trim_start_matches(is_blank);
        let length = leading_integer(self.rest);
        self.take_integer(field, length, self.rest)
    }

    fn take_integer(&mut self, field: &Field, length: usize, shown: &str) -> Result<i32> {
        if length == 0 {
            let shown: String = shown.chars().take(field.name.len()).collect();
            return Err(malformed(format!(
                "invalid value \"{shown}\" for \"{}\"",
                field.written()
            ))
            .with_detail("Value must be an integer."));
        }
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        digits.parse().map_err(|_| {
            Error::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                format!(
                    "value for \"{}\" in source string is out of range",
                    field.written()
                ),
            )
            .with_detail(format!(
                "Value must be in the range {} to {}.",
                i32::MIN,
                i32::MAX
            ))
        })
    }

    /// Reads digits of a fraction: `25` milliseconds are 250, `025` are 25.
    fn fraction(&mut self, field: &Field, next: Option<&Piece>) -> Result<()> {
        let (width, unit) = match field.key {
            Key::Millisecond => (3, 3),
            Key::Fraction(digits) => (usize::from(digits), 6),
            _ => (6, 6),
        };
        self.rest = self.rest.trim_start_matches(is_blank);
        let before = self.rest.len();
        let value = self.integer(field, width, next)?;
        let digits = before - self.rest.len();
        let scale = 10i32.pow(u32::try_from(usize::saturating_sub(unit, digits)).unwrap_or(0));
        let value = value.saturating_mul(scale);
        if let Key::Fraction(digits) = field.key {
            self.parts.precision = Some(digits);
        }
        match field.key {
            Key::Millisecond => set(&mut self.parts.millisecond, value, field)?,
            _ => set(&mut self.parts.microsecond, value, field)?,
        }
        self.ordinal(field);
        Ok(())
    }

    fn year_with_comma(&mut self, field: &Field) -> Result<()> {
        let error = || malformed("invalid input string for \"Y,YYY\"".to_owned());
        let (thousands, rest) = self.rest.split_once(',').ok_or_else(error)?;
        let digits = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
        let (within, rest) = rest.split_at(digits);
        let thousands: i32 = thousands.trim().parse().map_err(|_| error())?;
        let within: i32 = within.parse().map_err(|_| error())?;
        let year = thousands
            .checked_mul(1000)
            .and_then(|year| year.checked_add(within))
            .ok_or_else(error)?;
        self.rest = rest;
        self.parts.year_digits = 4;
        set(&mut self.parts.year, year, field)?;
        self.ordinal(field);
        Ok(())
    }

    fn invalid(&self, field: &Field) -> Error {
        let shown: String = self.rest.chars().take(field.name.len().max(3)).collect();
        let shown = match field.key {
            Key::MonthName | Key::DayName | Key::RomanMonth | Key::MonthShort | Key::DayShort => {
                let end = self.rest.find(is_blank).unwrap_or(self.rest.len());
                self.rest.get(..end).unwrap_or(&shown).to_owned()
            }
            _ => self.rest.chars().take(field.name.len()).collect(),
        };
        malformed(format!(
            "invalid value \"{shown}\" for \"{}\"",
            field.written()
        ))
        .with_detail("The given value did not match any of the allowed values for this field.")
    }

    /// Reads one of `words`, in any case; returns which.
    fn word(&mut self, field: &Field, words: &[&str]) -> Result<usize> {
        for (i, word) in words.iter().enumerate() {
            if let Some(start) = self.rest.get(..word.len())
                && start.eq_ignore_ascii_case(word)
            {
                self.rest = self.rest.get(word.len()..).unwrap_or_default();
                return Ok(i);
            }
        }
        Err(self.invalid(field))
    }

    /// Reads a name, or its first three letters if `short`; returns which.
    fn name(&mut self, field: &Field, names: &[&str], short: bool) -> Result<i32> {
        let words: Vec<&str> = names
            .iter()
            .map(|name| {
                if short {
                    name.get(..3).unwrap_or(name)
                } else {
                    name
                }
            })
            .collect();
        let found = self.word(field, &words)?;
        i32::try_from(found).map_err(|_| self.invalid(field))
    }

    fn roman(&mut self, field: &Field) -> Result<i32> {
        // Longer numerals first: `VIII` begins with `V`.
        let mut order: Vec<usize> = (0..ROMAN_MONTHS.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(ROMAN_MONTHS.get(i).map_or(0, |n| n.len())));
        let words: Vec<&str> = order
            .iter()
            .filter_map(|&i| ROMAN_MONTHS.get(i).copied())
            .collect();
        let found = self.word(field, &words)?;
        let month = order.get(found).copied().unwrap_or(0) + 1;
        i32::try_from(month).map_err(|_| self.invalid(field))
    }
}

/// How many bytes an optional sign and digits take; 0 without digits.
fn leading_integer(text: &str) -> usize {
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text
        .bytes()
        .skip(sign)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits == 0 { 0 } else { sign + digits }
}

/// Completes a year of up to three digits to the one nearest 2020.
fn near_2020(year: i32) -> i32 {
    match year {
        0..70 => year + 2000,
        70..100 => year + 1900,
        100..520 => year + 2000,
        520..1000 => year + 1000,
        _ => year,
    }
}

/// Sets a part that was not set before, or not differently. Zero says nothing.
fn set<T: PartialEq + Default>(part: &mut Option<T>, value: T, field: &Field) -> Result<()> {
    match part {
        Some(old) if *old != value => Err(malformed(format!(
            "conflicting values for \"{}\" field in formatting string",
            field.written()
        ))
        .with_detail("This value contradicts a previous setting for the same field type.")),
        _ => {
            *part = (value != T::default()).then_some(value);
            Ok(())
        }
    }
}
