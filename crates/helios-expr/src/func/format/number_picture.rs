//! Pictures of numbers, such as `FM999,990.00`, in pieces.

use helios_base::{Error, Result, SqlState};

/// A field of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// `,`
    Comma,
    /// `.`
    Point,
    /// `0`
    Zero,
    /// `9`
    Nine,
    /// `B`: blank for zero.
    Blank,
    /// `C`: reserved, shows nothing.
    Nothing,
    /// `D`: the locale's point.
    Decimal,
    /// `EEEE`
    Exponent,
    /// `FM`
    Fill,
    /// `G`: the locale's comma.
    Group,
    /// `L`: the locale's currency.
    Currency,
    /// `MI`
    Minus,
    /// `PL`
    Plus,
    /// `PR`
    Brackets,
    /// `RN`, `true` for upper case.
    Roman(bool),
    /// `SG`
    PlusMinus,
    /// `SP`, without meaning.
    Spell,
    /// `S`
    Sign,
    /// `TH`, `true` for upper case.
    Ordinal(bool),
    /// `V`
    Shift,
}

/// A piece of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Field(Key),
    Text(char),
}

/// Where `S` stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignPlace {
    Before,
    After,
}

/// A picture, and what its fields add up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) pieces: Vec<Piece>,
    /// Digits before the point.
    pub(super) integer: usize,
    /// Digits after the point.
    pub(super) fraction: usize,
    /// Digits after `V`.
    pub(super) shift: usize,
    /// Where the first `0` stands among the digits, from 1; 0 without.
    pub(super) zero_start: usize,
    /// Where the last `0` stands.
    pub(super) zero_end: usize,
    pub(super) sign: Option<SignPlace>,
    /// Digits before an `S` that stands before the point.
    pub(super) digits_before_sign: usize,
    pub(super) fill: bool,
    pub(super) decimal: bool,
    pub(super) zero: bool,
    pub(super) brackets: bool,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) roman: bool,
    pub(super) has_shift: bool,
    pub(super) blank: bool,
    pub(super) exponent: bool,
}

const KEYWORDS: &[(&str, Key)] = &[
    (",", Key::Comma),
    (".", Key::Point),
    ("0", Key::Zero),
    ("9", Key::Nine),
    ("EEEE", Key::Exponent),
    ("eeee", Key::Exponent),
    ("FM", Key::Fill),
    ("fm", Key::Fill),
    ("MI", Key::Minus),
    ("mi", Key::Minus),
    ("PL", Key::Plus),
    ("pl", Key::Plus),
    ("PR", Key::Brackets),
    ("pr", Key::Brackets),
    ("RN", Key::Roman(true)),
    ("rn", Key::Roman(false)),
    ("SG", Key::PlusMinus),
    ("sg", Key::PlusMinus),
    ("SP", Key::Spell),
    ("sp", Key::Spell),
    ("TH", Key::Ordinal(true)),
    ("th", Key::Ordinal(false)),
    ("B", Key::Blank),
    ("b", Key::Blank),
    ("C", Key::Nothing),
    ("c", Key::Nothing),
    ("D", Key::Decimal),
    ("d", Key::Decimal),
    ("G", Key::Group),
    ("g", Key::Group),
    ("L", Key::Currency),
    ("l", Key::Currency),
    ("S", Key::Sign),
    ("s", Key::Sign),
    ("V", Key::Shift),
    ("v", Key::Shift),
];

fn refused(message: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

impl Picture {
    /// Reads a picture.
    ///
    /// # Errors
    /// `42601` for fields that do not go together.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut picture = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let found = KEYWORDS
                .iter()
                .find_map(|(name, key)| Some((*key, rest.strip_prefix(name)?)));
            if let Some((key, after)) = found {
                picture.add(key)?;
                picture.pieces.push(Piece::Field(key));
                rest = after;
                continue;
            }
            let mut chars = rest.chars();
            match chars.next() {
                Some('"') => {
                    while let Some(c) = chars.next() {
                        match c {
                            '"' => break,
                            '\\' => picture
                                .pieces
                                .push(Piece::Text(chars.next().unwrap_or('\\'))),
                            c => picture.pieces.push(Piece::Text(c)),
                        }
                    }
                }
                Some('\\') if chars.as_str().starts_with('"') => {
                    chars.next();
                    picture.pieces.push(Piece::Text('"'));
                }
                Some(c) => picture.pieces.push(Piece::Text(c)),
                None => {}
            }
            rest = chars.as_str();
        }
        Ok(picture)
    }

    fn add(&mut self, key: Key) -> Result<()> {
        if self.exponent && key != Key::Exponent {
            return Err(refused("\"EEEE\" must be the last pattern used"));
        }
        let together = "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together";
        match key {
            Key::Nine if self.brackets => {
                return Err(refused("\"9\" must be ahead of \"PR\""));
            }
            Key::Zero if self.brackets => {
                return Err(refused("\"0\" must be ahead of \"PR\""));
            }
            Key::Nine if self.has_shift => self.shift += 1,
            Key::Nine if self.decimal => self.fraction += 1,
            Key::Nine => self.integer += 1,
            Key::Zero => {
                if !self.zero && !self.decimal {
                    self.zero = true;
                    self.zero_start = self.integer + 1;
                }
                if self.decimal {
                    self.fraction += 1;
                } else {
                    self.integer += 1;
                }
                self.zero_end = self.integer + self.fraction;
            }
            Key::Blank => {
                self.blank |= self.integer == 0 && self.fraction == 0 && !self.zero;
            }
            Key::Decimal | Key::Point => {
                if self.decimal {
                    return Err(refused("multiple decimal points"));
                }
                if self.has_shift {
                    return Err(refused("cannot use \"V\" and decimal point together"));
                }
                self.decimal = true;
            }
            Key::Nothing => {}
            Key::Fill => self.fill = true,
            Key::Sign => {
                if self.sign.is_some() {
                    return Err(refused("cannot use \"S\" twice"));
                }
                if self.plus || self.minus || self.brackets {
                    return Err(refused(together));
                }
                if self.decimal {
                    self.sign = Some(SignPlace::After);
                } else {
                    self.sign = Some(SignPlace::Before);
                    self.digits_before_sign = self.integer;
                }
            }
            Key::Minus | Key::Plus | Key::PlusMinus => {
                if self.sign.is_some() {
                    return Err(refused(match key {
                        Key::Minus => "cannot use \"S\" and \"MI\" together",
                        Key::Plus => "cannot use \"S\" and \"PL\" together",
                        _ => "cannot use \"S\" and \"SG\" together",
                    }));
                }
                self.minus |= key != Key::Plus;
                self.plus |= key != Key::Minus;
            }
            Key::Brackets => {
                if self.sign.is_some() || self.plus || self.minus {
                    return Err(refused(
                        "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together",
                    ));
                }
                self.brackets = true;
            }
            Key::Roman(_) => self.roman = true,
            Key::Shift => {
                if self.decimal {
                    return Err(refused("cannot use \"V\" and decimal point together"));
                }
                self.has_shift = true;
            }
            Key::Exponent => {
                if self.exponent {
                    return Err(refused("cannot use \"EEEE\" twice"));
                }
                let others = self.blank
                    || self.fill
                    || self.sign.is_some()
                    || self.brackets
                    || self.minus
                    || self.plus
                    || self.roman
                    || self.has_shift;
                if others {
                    return Err(refused("\"EEEE\" is incompatible with other formats")
                        .with_detail(
                            "\"EEEE\" may only be used together with digit and decimal point \
                             patterns.",
                        ));
                }
                self.exponent = true;
            }
            Key::Comma | Key::Group | Key::Currency | Key::Ordinal(_) | Key::Spell => {}
        }
        Ok(())
    }
}
