//! Small pieces that stored formats share: variable-length integers and bounded reads.

use crate::{Error, Result};

/// Appends `n` in LEB128: seven bits a byte, least significant first, at most ten bytes.
#[inline]
pub fn put_varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Takes a LEB128 integer off the front of `input`.
///
/// # Errors
/// Corrupt if it is cut off or does not fit 64 bits.
#[inline]
pub fn take_varint(input: &mut &[u8]) -> Result<u64> {
    match input.split_first() {
        // Nearly all are of one byte.
        Some((&byte, rest)) if byte < 0x80 => {
            *input = rest;
            Ok(u64::from(byte))
        }
        _ => take_long_varint(input),
    }
}

fn take_long_varint(input: &mut &[u8]) -> Result<u64> {
    let mut n = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first().ok_or_else(cut_off)?;
        *input = rest;
        let bits = u64::from(byte & 0x7F);
        if (bits << shift) >> shift != bits {
            break;
        }
        n |= bits << shift;
        if byte < 0x80 {
            return Ok(n);
        }
    }
    Err(Error::corrupt("stored integer is too long"))
}

/// Maps signed integers to unsigned ones, small magnitudes first.
#[must_use]
pub fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

/// Undoes [`zigzag`].
#[must_use]
pub fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// Takes `length` bytes off the front of `input`.
///
/// # Errors
/// Corrupt if there are fewer.
#[inline]
pub fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(length).ok_or_else(cut_off)?;
    *input = rest;
    Ok(taken)
}

/// Takes a fixed number of bytes off the front of `input`.
///
/// # Errors
/// Corrupt if there are fewer.
#[inline]
pub fn take_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N]> {
    let (taken, rest) = input.split_first_chunk::<N>().ok_or_else(cut_off)?;
    *input = rest;
    Ok(*taken)
}

/// Takes a byte string with its varint length in front off the front of `input`.
///
/// # Errors
/// Corrupt if it is cut off.
pub fn take_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8]> {
    let length = take_varint(input)?;
    take(input, usize::try_from(length).unwrap_or(usize::MAX))
}

/// Appends a byte string with its varint length in front.
pub fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cold]
fn cut_off() -> Error {
    Error::corrupt("stored value is cut off")
}
