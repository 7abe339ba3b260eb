//! Text forms of `real` and `double precision`.

use std::f64::consts::LOG10_2;
use std::fmt::{Display, LowerExp, Write};
use std::str::FromStr;

use super::{invalid, is_blank};
use crate::{Error, Result, SqlState};

/// Reads a decimal float, `NaN` or an infinity, with blanks around.
pub(super) fn parse<T>(text: &str, ty: &str) -> Result<T>
where
    T: FromStr + Copy + Into<f64>,
{
    let body = text.trim_matches(is_blank);
    let value: T = body.parse().map_err(|_| invalid(ty, text))?;
    let wide: f64 = value.into();
    let literal = body.trim_start_matches(['+', '-']);
    let digits = literal.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let mantissa = literal.split(['e', 'E']).next().unwrap_or_default();
    let zero = !mantissa.contains(|c: char| ('1'..='9').contains(&c));
    if digits && (wide.is_infinite() || (wide == 0.0 && !zero)) {
        return Err(Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            format!("\"{body}\" is out of range for type {ty}"),
        ));
    }
    Ok(value)
}

/// Appends PostgreSQL's form of `x` under `extra_float_digits`.
pub fn write_f64(x: f64, extra_float_digits: i32, out: &mut String) {
    let same = |text: &str| text.parse() == Ok(x);
    write(x, x, 15, extra_float_digits, same, out);
}

/// Appends PostgreSQL's form of `x` under `extra_float_digits`.
pub fn write_f32(x: f32, extra_float_digits: i32, out: &mut String) {
    let same = |text: &str| text.parse() == Ok(x);
    write(x, f64::from(x), 6, extra_float_digits, same, out);
}

/// Whether a number shows without exponent and its shortest form is never a tie: it would have to
/// have few enough digits, exactly, to lie half way between two shorter numbers.
fn is_plain(x: f64, digits: i32) -> bool {
    let (limit, longest) = if digits == 15 {
        (1e15, 18.5)
    } else {
        (1e6, 10.5)
    };
    let size = x.abs();
    if size == 0.0 {
        return true;
    }
    if !(1e-4..limit).contains(&size) {
        return false;
    }
    // size = mantissa · 2^-fraction, with an odd mantissa.
    let bits = size.to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let fraction = 1075 - (bits >> 52) as i32 - mantissa.trailing_zeros() as i32;
    if fraction <= 0 {
        return true;
    }
    let mantissa = mantissa >> mantissa.trailing_zeros();
    // As many digits as mantissa · 5^fraction has.
    f64::from(mantissa.ilog2()) * LOG10_2 + f64::from(fraction) * (1.0 - LOG10_2) > longest
}

/// The shortest form that reads back as `x` and, of these, the nearest.
///
/// Unlike the standard library's, a tie goes to the even digit, and a number half way to the next
/// float does not count as reading back, though it does: PostgreSQL takes neither for granted.
fn shortest(x: &impl LowerExp, wide: f64, digits: i32, same: impl Fn(&str) -> bool) -> String {
    let text = format!("{x:e}");
    let count = text
        .bytes()
        .take_while(|&b| b != b'e')
        .filter(u8::is_ascii_digit)
        .count();
    // Only whole numbers beyond the mantissa have neighbours half way to which is a short number.
    let beyond = if digits == 15 {
        2f64.powi(53)
    } else {
        2f64.powi(24)
    };
    for precision in count - 1..17 {
        // Below a power of two floats are denser: the nearest number of so few digits may lie on
        // the wrong side while the next one reads back.
        let nearest = format!("{x:.precision$e}");
        let other = (precision == count - 1).then(|| text.clone());
        for candidate in std::iter::once(nearest).chain(other) {
            if same(&candidate) && (wide.abs() < beyond || !at_bound(&candidate, &same)) {
                return candidate;
            }
        }
    }
    text
}

/// Whether a number a trifle larger or smaller than `text` does not read back any more.
fn at_bound(text: &str, same: impl Fn(&str) -> bool) -> bool {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let point = if mantissa.contains('.') { "" } else { "." };
    let above = format!("{mantissa}{point}{}1e{exponent}", "0".repeat(30));
    if !same(&above) {
        return true;
    }
    // The last digit that is not zero, less one, then nines.
    let mut digits: Vec<u8> = mantissa.bytes().collect();
    for digit in digits.iter_mut().rev().filter(|d| d.is_ascii_digit()) {
        if *digit > b'0' {
            *digit -= 1;
            break;
        }
        *digit = b'9';
    }
    let below = String::from_utf8_lossy(&digits);
    !same(&format!("{below}{point}{}e{exponent}", "9".repeat(30)))
}

/// `digits` is how many decimal digits the type always holds; from that exponent on, and below -4,
/// numbers show in scientific notation.
/// `same` tells whether text reads back as `x`.
fn write(
    x: impl LowerExp + Display,
    wide: f64,
    digits: i32,
    extra: i32,
    same: impl Fn(&str) -> bool,
    out: &mut String,
) {
    if wide.is_nan() {
        return out.push_str("NaN");
    }
    if wide.is_infinite() {
        return out.push_str(if wide > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if extra > 0 && is_plain(wide, digits) {
        // The standard library writes the same here.
        let _ = write!(out, "{x}");
        return;
    }
    let (text, limit) = if extra > 0 {
        (shortest(&x, wide, digits, same), digits)
    } else {
        let precision = (digits + extra).max(1);
        (format!("{x:.*e}", precision as usize - 1), precision)
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let significant: String = mantissa.chars().filter(|&c| c != '.').collect();
    let significant = match significant.trim_end_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    out.push_str(sign);
    let count = significant.len() as i32;
    // Writing to a string cannot fail.
    let _ = if exponent < -4 || exponent >= limit {
        let (first, rest) = significant.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{first}{point}{rest}e{sign}{:02}", exponent.abs())
    } else if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        write!(out, "0.{zeros}{significant}")
    } else if count <= exponent + 1 {
        let zeros = "0".repeat((exponent + 1 - count) as usize);
        write!(out, "{significant}{zeros}")
    } else {
        let (integer, fraction) = significant.split_at(exponent as usize + 1);
        write!(out, "{integer}.{fraction}")
    };
}
