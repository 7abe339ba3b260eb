//! Reading the numbers within date and time fields, as lenient and as strict as C's `strtol`.

use super::decode::DecodeError;

/// Reads an optional sign and digits; returns the number and what follows.
///
/// # Errors
/// `Field` beyond 32 bits; `Format` without digits.
pub(super) fn leading_i32(text: &str) -> Result<(i32, &str), DecodeError> {
    let (n, rest) = leading_i64(text)?;
    Ok((i32::try_from(n).map_err(|_| DecodeError::Field)?, rest))
}

/// [`leading_i32`], but 0 without digits.
pub(super) fn optional_i32(text: &str) -> Result<(i32, &str), DecodeError> {
    match leading_i32(text) {
        Err(DecodeError::Format) => Ok((0, text)),
        other => other,
    }
}

/// [`leading_i32`] for 64 bits.
pub(super) fn leading_i64(text: &str) -> Result<(i64, &str), DecodeError> {
    let sign = usize::from(text.starts_with(['+', '-']));
    let digits = text
        .bytes()
        .skip(sign)
        .take_while(u8::is_ascii_digit)
        .count();
    if digits == 0 {
        return Err(DecodeError::Format);
    }
    let (number, rest) = text.split_at(sign + digits);
    let number = number.parse().map_err(|_| DecodeError::Field)?;
    Ok((number, rest))
}

/// Reads all of `text`, digits only, as C's `atoi` would.
pub(super) fn whole(text: &str) -> Result<i32, DecodeError> {
    match leading_i32(text)? {
        (n, "") => Ok(n),
        _ => Err(DecodeError::Format),
    }
}

/// Reads all of `text`: a point and digits, or the point alone.
pub(super) fn fraction(text: &str) -> Result<f64, DecodeError> {
    let digits = text.strip_prefix('.').ok_or(DecodeError::Format)?;
    if digits.is_empty() {
        return Ok(0.0);
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DecodeError::Format);
    }
    text.parse().map_err(|_| DecodeError::Format)
}

/// [`fraction`] of a second, in microseconds.
pub(super) fn fraction_micros(text: &str) -> Result<i32, DecodeError> {
    Ok((fraction(text)? * 1e6).round_ties_even() as i32)
}
