//! Pictures of dates and times, such as `YYYY-MM-DD HH24:MI`, in pieces.

/// A field of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// `AD`, `BC`, with points or not.
    Era {
        points: bool,
    },
    /// `AM`, `PM`, with points or not.
    HalfDay {
        points: bool,
    },
    Century,
    DayName,
    DayShort,
    DayOfYear,
    IsoDayOfYear,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    /// `FF1` to `FF6`
    Fraction(u8),
    /// `FX`: the picture is exact.
    Exact,
    Hour24,
    Hour12,
    IsoWeek,
    /// The last so many digits of the year of the ISO week.
    IsoYear(u8),
    Julian,
    Minute,
    Month,
    MonthName,
    MonthShort,
    Millisecond,
    Offset,
    Quarter,
    RomanMonth,
    SecondsOfDay,
    Second,
    ZoneHour,
    ZoneMinute,
    Zone,
    Microsecond,
    WeekOfYear,
    WeekOfMonth,
    /// `Y,YYY`
    YearWithComma,
    /// The last so many digits of the year.
    Year(u8),
}

impl Key {
    /// Whether input of the field is digits.
    pub(super) fn is_digits(self) -> bool {
        !matches!(
            self,
            Self::Era { .. }
                | Self::HalfDay { .. }
                | Self::DayName
                | Self::DayShort
                | Self::Exact
                | Self::MonthName
                | Self::MonthShort
                | Self::RomanMonth
                | Self::Zone
                | Self::ZoneHour
                | Self::Offset
        )
    }
}

/// How the letters of a keyword were written, which is how its text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Upper,
    Lower,
    Capital,
}

impl Case {
    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Capital => text.to_owned(),
        }
    }
}

/// A field with what stands around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) key: Key,
    pub(super) name: &'static str,
    pub(super) case: Case,
    /// `FM`: no padding.
    pub(super) fill: bool,
    /// `TH` or `th` behind: `Some(true)` for upper case.
    pub(super) ordinal: Option<bool>,
}

impl Field {
    /// The keyword as it was written.
    pub(super) fn written(&self) -> String {
        match self.case {
            Case::Upper => self.name.to_owned(),
            Case::Lower => self.name.to_lowercase(),
            Case::Capital => {
                let (first, rest) = self.name.split_at(1);
                format!("{first}{}", rest.to_lowercase())
            }
        }
    }
}

/// A piece of a picture.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    Field(Field),
    /// Punctuation outside quotes.
    Separator(char),
    /// A blank outside quotes.
    Space(char),
    /// Any other character outside quotes.
    Bare(char),
    /// A character in quotes.
    Text(char),
}

/// Keywords in upper case, longer ones before those they begin with.
const KEYWORDS: &[(&str, Key)] = &[
    ("A.D.", Key::Era { points: true }),
    ("A.M.", Key::HalfDay { points: true }),
    ("AD", Key::Era { points: false }),
    ("AM", Key::HalfDay { points: false }),
    ("B.C.", Key::Era { points: true }),
    ("BC", Key::Era { points: false }),
    ("CC", Key::Century),
    ("DAY", Key::DayName),
    ("DDD", Key::DayOfYear),
    ("DD", Key::Day),
    ("DY", Key::DayShort),
    ("D", Key::DayOfWeek),
    ("FF1", Key::Fraction(1)),
    ("FF2", Key::Fraction(2)),
    ("FF3", Key::Fraction(3)),
    ("FF4", Key::Fraction(4)),
    ("FF5", Key::Fraction(5)),
    ("FF6", Key::Fraction(6)),
    ("FX", Key::Exact),
    ("HH24", Key::Hour24),
    ("HH12", Key::Hour12),
    ("HH", Key::Hour12),
    ("IDDD", Key::IsoDayOfYear),
    ("ID", Key::IsoDayOfWeek),
    ("IW", Key::IsoWeek),
    ("IYYY", Key::IsoYear(4)),
    ("IYY", Key::IsoYear(3)),
    ("IY", Key::IsoYear(2)),
    ("I", Key::IsoYear(1)),
    ("J", Key::Julian),
    ("MI", Key::Minute),
    ("MM", Key::Month),
    ("MONTH", Key::MonthName),
    ("MON", Key::MonthShort),
    ("MS", Key::Millisecond),
    ("OF", Key::Offset),
    ("P.M.", Key::HalfDay { points: true }),
    ("PM", Key::HalfDay { points: false }),
    ("Q", Key::Quarter),
    ("RM", Key::RomanMonth),
    ("SSSSS", Key::SecondsOfDay),
    ("SSSS", Key::SecondsOfDay),
    ("SS", Key::Second),
    ("TZH", Key::ZoneHour),
    ("TZM", Key::ZoneMinute),
    ("TZ", Key::Zone),
    ("US", Key::Microsecond),
    ("WW", Key::WeekOfYear),
    ("W", Key::WeekOfMonth),
    ("Y,YYY", Key::YearWithComma),
    ("YYYY", Key::Year(4)),
    ("YYY", Key::Year(3)),
    ("YY", Key::Year(2)),
    ("Y", Key::Year(1)),
];

/// Finds the keyword that `text` begins with, in upper or lower case or, for names, capitalised.
fn keyword(text: &str) -> Option<(&'static str, Key, Case)> {
    KEYWORDS.iter().find_map(|&(name, key)| {
        let written = text.get(..name.len())?;
        let case = if written == name {
            Case::Upper
        } else if written == name.to_lowercase() {
            Case::Lower
        } else {
            let named = matches!(
                key,
                Key::DayName | Key::DayShort | Key::MonthName | Key::MonthShort
            );
            let rest = written.get(1..)?;
            if !named || !written.starts_with(name.get(..1)?) || rest != rest.to_lowercase() {
                return None;
            }
            if !written.eq_ignore_ascii_case(name) {
                return None;
            }
            Case::Capital
        };
        Some((name, key, case))
    })
}

/// Splits a picture.
pub(super) fn split(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut fill = false;
        if let Some(after) = rest.strip_prefix("FM").or_else(|| rest.strip_prefix("fm")) {
            (fill, rest) = (true, after);
        } else if let Some(after) = rest.strip_prefix("TM").or_else(|| rest.strip_prefix("tm")) {
            // Names are those of the C locale; without padding, as translated ones.
            (fill, rest) = (true, after);
        }
        if let Some((name, key, case)) = keyword(rest) {
            rest = rest.get(name.len()..).unwrap_or_default();
            let mut ordinal = None;
            if let Some(after) = rest.strip_prefix("TH") {
                (ordinal, rest) = (Some(true), after);
            } else if let Some(after) = rest.strip_prefix("th") {
                (ordinal, rest) = (Some(false), after);
            }
            rest = rest.strip_prefix("SP").unwrap_or(rest);
            pieces.push(Piece::Field(Field {
                key,
                name,
                case,
                fill,
                ordinal,
            }));
            continue;
        }
        let mut chars = rest.chars();
        match chars.next() {
            None => break,
            Some('"') => rest = quoted(chars.as_str(), &mut pieces),
            Some('\\') if chars.as_str().starts_with('"') => {
                pieces.push(Piece::Text('"'));
                rest = chars.as_str().get(1..).unwrap_or_default();
            }
            Some(c) => {
                pieces.push(if c.is_ascii_punctuation() {
                    Piece::Separator(c)
                } else if c.is_ascii_whitespace() {
                    Piece::Space(c)
                } else {
                    Piece::Bare(c)
                });
                rest = chars.as_str();
            }
        }
    }
    pieces
}

/// Takes text up to a double quote; a backslash quotes the next character.
fn quoted<'a>(text: &'a str, pieces: &mut Vec<Piece>) -> &'a str {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => pieces.push(Piece::Text(chars.next().unwrap_or('\\'))),
            c => pieces.push(Piece::Text(c)),
        }
    }
    chars.as_str()
}
