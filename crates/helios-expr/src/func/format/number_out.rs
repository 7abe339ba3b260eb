//! `to_char` of numbers.

use std::fmt::Write;

use helios_base::{Error, Numeric, Result, SqlState, Value};

use super::number_picture::{Key, Picture, Piece, SignPlace};
use super::ordinal::{ending, roman};
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Float4, Float8, Int4, Int8, Numeric as N, Text};

pub(super) static FUNCTIONS: &[Function] = &[
    function("to_char", &[Int4, Text], Text, to_char).stable(),
    function("to_char", &[Int8, Text], Text, to_char).stable(),
    function("to_char", &[Float4, Text], Text, to_char).stable(),
    function("to_char", &[Float8, Text], Text, to_char).stable(),
    function("to_char", &[N, Text], Text, to_char).stable(),
];

/// Digits that a double and a float always hold.
const DOUBLE_DIGITS: usize = 15;
const FLOAT_DIGITS: usize = 6;

fn to_char(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [value, Value::Text(text)] = args else {
        return Err(mismatch(args));
    };
    if text.is_empty() {
        return Ok(Value::text(""));
    }
    let mut picture = Picture::parse(text)?;
    let digits = match value {
        Value::Int4(n) => {
            let fits = shifted(i64::from(*n), &picture).is_some_and(|n| i32::try_from(n).is_ok());
            in_range(fits, "integer")?;
            of_numeric(&Numeric::from(*n), &mut picture)?
        }
        Value::Int8(n) => {
            let fits = shifted(*n, &picture).is_some_and(|n| i64::try_from(n).is_ok());
            in_range(fits, "bigint")?;
            of_numeric(&Numeric::from(*n), &mut picture)?
        }
        Value::Numeric(n) => of_numeric(n, &mut picture)?,
        Value::Float4(x) => of_float(f64::from(*x), FLOAT_DIGITS, &mut picture),
        Value::Float8(x) => of_float(*x, DOUBLE_DIGITS, &mut picture),
        _ => return Err(mismatch(args)),
    };
    if picture.exponent {
        return Ok(Value::text(digits));
    }
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest.to_owned()),
        None => (false, digits),
    };
    Ok(Value::text(Writer::new(picture, negative, digits).write()))
}

/// A whole number with the digits that `V` moves in front of the point.
fn shifted(number: i64, picture: &Picture) -> Option<i128> {
    let shifts = picture.has_shift && !picture.roman && !picture.exponent;
    let places = if shifts { picture.shift } else { 0 };
    let factor = 10i128.checked_pow(u32::try_from(places).ok()?)?;
    i128::from(number).checked_mul(factor)
}

/// PostgreSQL shifts whole numbers in their own type.
fn in_range(fits: bool, ty: &str) -> Result<()> {
    match fits {
        true => Ok(()),
        false => Err(Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!("{ty} out of range"),
        )),
    }
}

/// The digits of a number as the picture wants them, with a minus sign if negative.
fn of_numeric(number: &Numeric, picture: &mut Picture) -> Result<String> {
    if picture.roman {
        let n = number.to_i32()?;
        return Ok(roman(i64::from(n)).unwrap_or_else(|| "#".repeat(15)));
    }
    if picture.exponent {
        if !number.is_finite() {
            return Ok(no_exponent(picture));
        }
        return scientific(number, picture.fraction);
    }
    let mut number = number.clone();
    if picture.has_shift {
        let factor = Numeric::from(10i64).power(&Numeric::from(picture.shift as i64))?;
        number = number.mul(&factor)?;
        picture.integer += picture.shift;
    }
    Ok(number.round(picture.fraction as i32)?.to_string())
}

/// `#` in place of each digit, for what has no exponent.
fn no_exponent(picture: &Picture) -> String {
    let mut text = format!(" {}", "#".repeat(picture.integer + picture.fraction + 5));
    text.replace_range(picture.integer + 1..picture.integer + 2, ".");
    text
}

/// `d.ddde±xx`, a blank in front unless negative.
fn scientific(number: &Numeric, fraction: usize) -> Result<String> {
    let Some((coefficient, scale)) = number.to_parts() else {
        return Ok(String::new());
    };
    let digits = coefficient.magnitude().to_string();
    let mut exponent = if number.is_zero() {
        0
    } else {
        digits.len() as i32 - 1 - i32::from(scale)
    };
    // Round at the last digit that shows; that may carry into a new one.
    let rounded = number.round(fraction as i32 - exponent)?;
    if let Some((coefficient, scale)) = rounded.to_parts()
        && !rounded.is_zero()
    {
        let length = coefficient.magnitude().to_string().len();
        exponent = length as i32 - 1 - i32::from(scale);
    }
    let digits = rounded
        .to_parts()
        .map(|(coefficient, _)| coefficient.magnitude().to_string())
        .unwrap_or_default();
    let mut shown: String = digits.chars().take(fraction + 1).collect();
    while shown.len() < fraction + 1 {
        shown.push('0');
    }
    let (first, rest) = shown.split_at(1);
    let sign = if number.signum() < 0 { '-' } else { ' ' };
    let point = if rest.is_empty() { "" } else { "." };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    Ok(format!(
        "{sign}{first}{point}{rest}e{exponent_sign}{:02}",
        exponent.abs()
    ))
}

fn of_float(x: f64, precision: usize, picture: &mut Picture) -> String {
    if picture.roman {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "beyond 3999 there are none"
        )]
        let n = x.round_ties_even() as i64;
        return roman(n).unwrap_or_else(|| "#".repeat(15));
    }
    if picture.exponent {
        if !x.is_finite() {
            return no_exponent(picture);
        }
        let text = format!("{x:.*e}", picture.fraction);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let blank = if mantissa.starts_with('-') { "" } else { " " };
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{blank}{mantissa}e{sign}{:02}", exponent.abs());
    }
    let mut x = x;
    if picture.has_shift {
        x *= 10f64.powi(picture.shift as i32);
        picture.integer += picture.shift;
    }
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // No more digits than the type holds.
    let integer = format!("{:.0}", x.abs()).len();
    if integer >= precision {
        picture.fraction = 0;
    } else if integer + picture.fraction > precision {
        picture.fraction = precision - integer;
    }
    format!("{x:.*}", picture.fraction)
}

/// Writes digits into a picture.
struct Writer {
    picture: Picture,
    negative: bool,
    digits: Vec<u8>,
    /// Which digit is next.
    at: usize,
    /// Blanks before the first digit.
    blanks: usize,
    /// How many digit places were passed.
    place: usize,
    places: usize,
    sign_done: bool,
    /// Whether a digit was just written.
    in_number: bool,
    /// The last digit that is no trailing zero (or the point), under `FM`.
    last_relevant: Option<usize>,
    out: Vec<u8>,
}

impl Writer {
    fn new(mut picture: Picture, negative: bool, digits: String) -> Self {
        let mut digits = digits.into_bytes();
        let length = digits
            .iter()
            .position(|&b| b == b'.')
            .unwrap_or(digits.len());
        let mut blanks = 0;
        if picture.roman {
            let fill = picture.fill;
            picture = Picture {
                pieces: picture.pieces,
                fill,
                roman: true,
                ..Picture::default()
            };
        } else if length < picture.integer {
            blanks = picture.integer - length;
        } else if length > picture.integer {
            digits = vec![b'#'; picture.integer + picture.fraction + 1];
            if let Some(point) = digits.get_mut(picture.integer) {
                *point = b'.';
            }
        }
        let mut sign_done = true;
        if picture.plus || picture.minus {
            sign_done = picture.minus || !picture.plus;
        } else {
            if picture.brackets && picture.fill && !negative {
                picture.brackets = false;
            }
            if negative || !picture.fill || picture.sign.is_some() {
                sign_done = false;
            }
            if picture.sign == Some(SignPlace::Before)
                && picture.integer == picture.digits_before_sign
            {
                picture.sign = Some(SignPlace::After);
            }
        }
        if picture.zero_start > 0 {
            picture.zero_start -= 1;
        }
        let mut last_relevant = None;
        if picture.fill
            && picture.decimal
            && let Some(point) = digits.iter().position(|&b| b == b'.')
        {
            let last = digits
                .iter()
                .rposition(|&b| b != b'0')
                .unwrap_or(point)
                .max(point);
            // Digits that a `0` asked for stay.
            let asked = if picture.zero_end > blanks {
                (digits.len() - 1).min(picture.zero_end - blanks)
            } else {
                0
            };
            last_relevant = Some(last.max(asked));
        }
        let mut places = (picture.fraction + picture.integer).saturating_sub(1);
        if !sign_done && blanks == 0 {
            places += 1;
        }
        Self {
            picture,
            negative,
            digits,
            at: 0,
            blanks,
            place: 0,
            places,
            sign_done,
            in_number: false,
            last_relevant,
            out: Vec::new(),
        }
    }

    fn write(mut self) -> String {
        for piece in std::mem::take(&mut self.picture.pieces) {
            match piece {
                Piece::Text(c) => self.out.extend(c.to_string().bytes()),
                Piece::Field(key) => self.field(key),
            }
        }
        // What lies beyond the digits ends the text, as in C.
        let end = self
            .out
            .iter()
            .position(|&b| b == 0)
            .unwrap_or(self.out.len());
        self.out.truncate(end);
        String::from_utf8_lossy(&self.out).into_owned()
    }

    fn field(&mut self, key: Key) {
        match key {
            Key::Nine | Key::Zero | Key::Point | Key::Decimal => {
                if !self.picture.roman {
                    self.digit(key);
                }
            }
            Key::Comma | Key::Group => {
                if self.in_number {
                    self.out.push(b',');
                } else if !self.picture.fill {
                    self.out.push(b' ');
                }
            }
            Key::Currency => self.out.push(b' '),
            Key::Roman(upper) => {
                let mut numeral = String::from_utf8_lossy(&self.digits).into_owned();
                if !upper {
                    numeral = numeral.to_lowercase();
                }
                let width = if self.picture.fill { 0 } else { 15 };
                let mut text = String::new();
                let done = write!(text, "{numeral:>width$}");
                debug_assert!(done.is_ok());
                self.out.extend(text.bytes());
            }
            Key::Ordinal(upper) => {
                let overflowed = self.digits.first() == Some(&b'#');
                if self.picture.roman || overflowed || self.negative || self.picture.decimal {
                    return;
                }
                let digits = String::from_utf8_lossy(&self.digits).into_owned();
                self.out.extend(ending(&digits, upper).bytes());
            }
            Key::Minus if self.negative => self.out.push(b'-'),
            Key::Plus if !self.negative => self.out.push(b'+'),
            Key::Minus | Key::Plus => {
                if !self.picture.fill {
                    self.out.push(b' ');
                }
            }
            Key::PlusMinus => self.out.push(if self.negative { b'-' } else { b'+' }),
            Key::Blank
            | Key::Nothing
            | Key::Exponent
            | Key::Fill
            | Key::Brackets
            | Key::Spell
            | Key::Sign
            | Key::Shift => {}
        }
    }

    /// Whether the next digit is the lone zero before the point, which shows as a blank.
    fn lone_zero(&self) -> bool {
        !self.picture.zero
            && self.at == 0
            && self.digits.first() == Some(&b'0')
            && self.picture.fraction != 0
    }

    /// Whether nothing relevant follows the point.
    fn point_is_last(&self) -> bool {
        self.last_relevant
            .is_some_and(|last| self.digits.get(last) == Some(&b'.'))
    }

    fn sign(&self) -> u8 {
        if self.negative { b'-' } else { b'+' }
    }

    fn digit(&mut self, key: Key) {
        self.in_number = false;
        let zero_starts_here = self.picture.zero && self.picture.zero_start == self.place;
        if !self.sign_done
            && (self.place >= self.blanks || zero_starts_here)
            && (!self.lone_zero() || self.point_is_last())
        {
            self.leading_sign();
        }
        let zero_started = self.picture.zero && self.picture.zero_start <= self.place;
        if self.place < self.blanks && !zero_started {
            if !self.picture.fill {
                self.out.push(b' ');
            }
        } else if self.place < self.blanks {
            self.out.push(b'0');
            self.in_number = true;
        } else {
            self.number_digit(key);
        }
        let mut end = self.places + usize::from(self.blanks > 0);
        end += usize::from(self.picture.decimal);
        if self.last_relevant.is_some_and(|last| last == self.at) {
            end = self.place;
        }
        if self.place + 1 == end {
            if self.sign_done && self.picture.brackets {
                self.out.push(if self.negative { b'>' } else { b' ' });
            } else if self.picture.sign == Some(SignPlace::After) {
                self.out.push(self.sign());
            }
        }
        self.place += 1;
    }

    fn leading_sign(&mut self) {
        match self.picture.sign {
            Some(SignPlace::Before) => self.out.push(self.sign()),
            Some(SignPlace::After) => return,
            None if self.picture.brackets => {
                self.out.push(if self.negative { b'<' } else { b' ' });
            }
            None if self.negative => self.out.push(b'-'),
            None if !self.picture.fill => self.out.push(b' '),
            None => {}
        }
        self.sign_done = true;
    }

    fn number_digit(&mut self, key: Key) {
        let next = self.digits.get(self.at).copied().unwrap_or(0);
        if next == b'.' {
            if !self.point_is_last() || self.picture.fill {
                self.out.push(b'.');
            }
        } else if self.last_relevant.is_some_and(|last| self.at > last) && key != Key::Zero {
            // A trailing zero.
        } else if self.lone_zero() {
            if !self.picture.fill {
                self.out.push(b' ');
            } else if self.point_is_last() {
                self.out.push(b'0');
            }
        } else {
            self.out.push(next);
            self.in_number = true;
        }
        if next != 0 {
            self.at += 1;
        }
    }
}
