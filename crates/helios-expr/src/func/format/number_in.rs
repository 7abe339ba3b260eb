//! `to_number`.

use helios_base::{Error, Numeric, Result, Value};

use super::number_picture::{Key, Picture, Piece, SignPlace};
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Numeric as N, Text};

pub(super) static FUNCTIONS: &[Function] =
    &[function("to_number", &[Text, Text], N, to_number).stable()];

fn to_number(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Text(text), Value::Text(picture)] = args else {
        return Err(mismatch(args));
    };
    if picture.is_empty() {
        return Ok(Value::Null);
    }
    let picture = Picture::parse(picture)?;
    if picture.exponent {
        return Err(Error::unsupported("\"EEEE\" not supported for input"));
    }
    if picture.roman {
        return Err(Error::unsupported("\"RN\" not supported for input"));
    }
    let mut reader = Reader {
        picture: &picture,
        input: text.chars().collect(),
        at: 0,
        sign: ' ',
        digits: String::new(),
        integer: 0,
        fraction: 0,
        point: false,
    };
    reader.read();
    let literal = format!("{}{}", reader.sign, reader.digits.trim_end_matches('.'));
    let number: Numeric = literal.parse()?;
    let scale = i16::try_from(reader.fraction).unwrap_or(i16::MAX);
    let precision = picture.integer + picture.shift + reader.fraction;
    let precision = u16::try_from(precision).unwrap_or(u16::MAX).clamp(1, 1000);
    let number = number.apply_modifier(precision, scale)?;
    if picture.has_shift {
        // The digits of this power are those that PostgreSQL shows.
        let factor = Numeric::from(10i64).power(&Numeric::from(-(picture.shift as i64)))?;
        return number.mul(&factor).map(Value::from);
    }
    Ok(number.into())
}

struct Reader<'a> {
    picture: &'a Picture,
    input: Vec<char>,
    at: usize,
    /// `' '` until a sign was read.
    sign: char,
    digits: String,
    integer: usize,
    fraction: usize,
    point: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.input.get(self.at).copied()
    }

    fn read(&mut self) {
        for piece in &self.picture.pieces {
            if self.at >= self.input.len() {
                return;
            }
            match piece {
                // Every other character of the picture skips one of the input.
                Piece::Text(_) => self.at += 1,
                Piece::Field(key) => self.field(*key),
            }
        }
    }

    fn field(&mut self, key: Key) {
        match key {
            Key::Nine | Key::Zero | Key::Point | Key::Decimal => {
                self.digit(key);
                self.at += 1;
            }
            Key::Comma | Key::Group => {
                if self.peek() == Some(',') {
                    self.at += 1;
                }
            }
            Key::Currency => self.skip_other(1),
            Key::Ordinal(_) => self.skip_other(2),
            Key::Minus => self.sign_field(&['-']),
            Key::Plus => self.sign_field(&['+']),
            Key::PlusMinus => self.sign_field(&['-', '+']),
            Key::Blank
            | Key::Nothing
            | Key::Exponent
            | Key::Fill
            | Key::Brackets
            | Key::Roman(_)
            | Key::Spell
            | Key::Sign
            | Key::Shift => {}
        }
    }

    /// Skips characters that can be no part of a number.
    fn skip_other(&mut self, mut count: usize) {
        while count > 0
            && self
                .peek()
                .is_some_and(|c| !(c.is_ascii_digit() || ",.+-".contains(c)))
        {
            self.at += 1;
            count -= 1;
        }
    }

    fn sign_field(&mut self, signs: &[char]) {
        match self.peek() {
            Some(c) if signs.contains(&c) => {
                self.sign = c;
                self.at += 1;
            }
            _ => self.skip_other(1),
        }
    }

    fn digit(&mut self, key: Key) {
        if self.peek() == Some(' ') {
            self.at += 1;
        }
        let picture = self.picture;
        let unread = self.integer + self.fraction == 0;
        if self.sign == ' ' && unread && matches!(key, Key::Nine | Key::Zero) {
            let leading = picture.sign.is_none() || picture.sign == Some(SignPlace::Before);
            match self.peek() {
                Some('-') if leading => {
                    self.sign = '-';
                    self.at += 1;
                }
                Some('+') if leading => {
                    self.sign = '+';
                    self.at += 1;
                }
                Some('<') if picture.sign.is_none() && picture.brackets => {
                    self.sign = '-';
                    self.at += 1;
                }
                _ => {}
            }
        }
        let mut taken = false;
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                if self.point && self.fraction == picture.fraction {
                    return;
                }
                self.digits.push(c);
                if self.point {
                    self.fraction += 1;
                } else {
                    self.integer += 1;
                }
                taken = true;
            }
            Some('.') if picture.decimal && !self.point => {
                self.digits.push('.');
                self.point = true;
                taken = true;
            }
            Some(_) => {}
            None => return,
        }
        if self.sign != ' ' || self.integer + self.fraction == 0 {
            return;
        }
        if picture.sign.is_some() && taken {
            if let Some(sign @ ('-' | '+')) = self.input.get(self.at + 1) {
                self.sign = *sign;
                self.at += 1;
            }
        } else if !taken
            && picture.sign.is_none()
            && let Some(sign @ ('-' | '+')) = self.peek()
        {
            self.sign = sign;
        }
    }
}
