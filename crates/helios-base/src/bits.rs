//! Bit strings: the values of `bit(n)` and `bit varying`.

use std::cmp::Ordering;

use crate::{Error, Result, SqlState};

/// The longest bit string, as in PostgreSQL: 83,886,080 bits are what a type can declare, a value
/// can be as long as memory allows; we stop at what a length of four bytes can tell.
const LENGTH_MAX: usize = i32::MAX as usize;

/// A string of bits. Bits beyond the last one, which pad the last byte, are zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct BitString {
    length: usize,
    bytes: Box<[u8]>,
}

/// PostgreSQL's order: byte by byte, and of two strings that differ only in zeros at their end the
/// shorter one first.
impl Ord for BitString {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes
            .cmp(&other.bytes)
            .then(self.length.cmp(&other.length))
    }
}

impl PartialOrd for BitString {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl BitString {
    /// The first `length` bits of `bytes`; bits that are missing are zero.
    #[must_use]
    pub fn new(mut bytes: Vec<u8>, length: usize) -> Self {
        bytes.resize(length.div_ceil(8), 0);
        let padding = bytes.len() * 8 - length;
        if let Some(last) = bytes.last_mut() {
            // Fewer than eight.
            *last = (*last >> padding) << padding;
        }
        Self {
            length,
            bytes: bytes.into(),
        }
    }

    /// A string of these bits.
    pub fn from_bits(bits: impl IntoIterator<Item = bool>) -> Self {
        let (mut bytes, mut length) = (Vec::new(), 0);
        for bit in bits {
            if length % 8 == 0 {
                bytes.push(0);
            }
            if let Some(last) = bytes.last_mut() {
                *last |= u8::from(bit) << (7 - length % 8);
            }
            length += 1;
        }
        Self::new(bytes, length)
    }

    /// The lowest `length` bits of a number, the sign repeated in front of the highest.
    #[must_use]
    pub fn from_integer(number: i64, length: usize) -> Self {
        Self::from_bits(
            (0..length)
                .rev()
                .map(|place| number >> place.min(63) & 1 == 1),
        )
    }

    /// Reads `0101`, `b0101` or `xA5`.
    ///
    /// # Errors
    /// 22P02 for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |c: char, kind: &str| {
            Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("\"{c}\" is not a valid {kind} digit"),
            )
        };
        if let Some(digits) = text.strip_prefix(['x', 'X']) {
            let mut bits = Vec::with_capacity(digits.len() * 4);
            for c in digits.chars() {
                let digit = c.to_digit(16).ok_or_else(|| invalid(c, "hexadecimal"))?;
                bits.extend((0..4).rev().map(|place| digit >> place & 1 == 1));
            }
            return Ok(Self::from_bits(bits));
        }
        let digits = text.strip_prefix(['b', 'B']).unwrap_or(text);
        let mut bits = Vec::with_capacity(digits.len());
        for c in digits.chars() {
            bits.push(match c {
                '0' => false,
                '1' => true,
                c => return Err(invalid(c, "binary")),
            });
        }
        Ok(Self::from_bits(bits))
    }

    /// Appends the digits.
    pub fn write(&self, out: &mut String) {
        out.extend(self.bits().map(|bit| if bit { '1' } else { '0' }));
    }

    /// How many bits.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no bit.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bits, eight a byte, the first one highest.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bit at this place, counted from the front.
    #[must_use]
    pub fn bit(&self, place: usize) -> Option<bool> {
        if place >= self.length {
            return None;
        }
        let byte = self.bytes.get(place / 8)?;
        Some(byte >> (7 - place % 8) & 1 == 1)
    }

    /// All bits, in order.
    pub fn bits(&self) -> impl Iterator<Item = bool> + '_ {
        (0..self.length).filter_map(|place| self.bit(place))
    }

    /// Cut or filled with zeros to this length.
    #[must_use]
    pub fn resized(&self, length: usize) -> Self {
        Self::new(self.bytes.to_vec(), length)
    }

    /// The bits from `start` on, at most `length` of them.
    #[must_use]
    pub fn slice(&self, start: usize, length: usize) -> Self {
        let end = start.saturating_add(length).min(self.length);
        Self::from_bits((start..end).filter_map(|place| self.bit(place)))
    }

    /// Both, one after the other.
    ///
    /// # Errors
    /// 54000 if the result is too long.
    pub fn concat(&self, other: &Self) -> Result<Self> {
        if self.length.saturating_add(other.length) > LENGTH_MAX {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("bit string length exceeds the maximum allowed ({LENGTH_MAX})"),
            ));
        }
        Ok(Self::from_bits(self.bits().chain(other.bits())))
    }

    /// Every bit turned round.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self::new(self.bytes.iter().map(|byte| !byte).collect(), self.length)
    }

    /// Bit by bit with another string of the same length; `None` if it has not that length.
    #[must_use]
    pub fn combined(&self, other: &Self, with: fn(u8, u8) -> u8) -> Option<Self> {
        let pairs = self.bytes.iter().zip(&other.bytes);
        (self.length == other.length)
            .then(|| Self::new(pairs.map(|(a, b)| with(*a, *b)).collect(), self.length))
    }

    /// Moved towards the front by so many places, or towards the end if negative; the length stays.
    #[must_use]
    pub fn shifted(&self, places: i64) -> Self {
        let at = |place: usize| {
            let from = i64::try_from(place).ok()?.checked_add(places)?;
            self.bit(usize::try_from(from).ok()?)
        };
        Self::from_bits((0..self.length).map(|place| at(place).unwrap_or(false)))
    }

    /// How many bits are set.
    #[must_use]
    pub fn ones(&self) -> i64 {
        self.bytes
            .iter()
            .map(|byte| i64::from(byte.count_ones()))
            .sum()
    }

    /// Where `needle` begins, counted from zero.
    #[must_use]
    pub fn find(&self, needle: &Self) -> Option<usize> {
        let last = self.length.checked_sub(needle.length)?;
        (0..=last).find(|start| {
            let mut places = 0..needle.length;
            places.all(|place| self.bit(start + place) == needle.bit(place))
        })
    }

    /// The number that the bits are in two's complement of `width` bits; `None` if there are more.
    #[must_use]
    pub fn to_integer(&self, width: usize) -> Option<i64> {
        if self.length > width {
            return None;
        }
        let number = self
            .bits()
            .fold(0u64, |number, bit| number << 1 | u64::from(bit));
        Some(match width {
            32 => i64::from((number as u32).cast_signed()),
            _ => number.cast_signed(),
        })
    }

    /// The value for `bit(n)`; an explicit cast cuts or fills.
    ///
    /// # Errors
    /// 22026 if the length is another one.
    pub fn fit_fixed(&self, length: u32, explicit: bool) -> Result<Self> {
        if self.length == length as usize {
            return Ok(self.clone());
        }
        if explicit {
            return Ok(self.resized(length as usize));
        }
        Err(Error::new(
            SqlState::STRING_DATA_LENGTH_MISMATCH,
            format!(
                "bit string length {} does not match type bit({length})",
                self.length
            ),
        ))
    }

    /// The value for `bit varying(n)`; an explicit cast cuts.
    ///
    /// # Errors
    /// 22001 if it is too long.
    pub fn fit_varying(&self, limit: u32, explicit: bool) -> Result<Self> {
        if self.length <= limit as usize {
            return Ok(self.clone());
        }
        if explicit {
            return Ok(self.resized(limit as usize));
        }
        Err(Error::new(
            SqlState::STRING_DATA_RIGHT_TRUNCATION,
            format!("bit string too long for type bit varying({limit})"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(text: &str) -> BitString {
        BitString::parse(text).unwrap()
    }

    #[test]
    fn text_goes_in_and_out() {
        for (input, output) in [("", ""), ("0101", "0101"), ("xA5", "10100101"), ("b1", "1")] {
            let mut shown = String::new();
            bits(input).write(&mut shown);
            assert_eq!(shown, output);
        }
        assert!(BitString::parse("012").is_err());
        assert!(BitString::parse("xg").is_err());
    }

    #[test]
    fn order_is_bytes_then_length() {
        assert!(bits("0") < bits("00"));
        assert!(bits("00") < bits("01"));
        assert!(bits("10") < bits("11"));
        assert!(bits("1") > bits("0111111111"));
    }

    #[test]
    fn bits_move_and_combine() {
        assert_eq!(bits("10001").shifted(3), bits("01000"));
        assert_eq!(bits("10001").shifted(-2), bits("00100"));
        assert_eq!(bits("10001").shifted(i64::MIN), bits("00000"));
        assert_eq!(
            bits("0011").combined(&bits("0101"), |a, b| a ^ b),
            Some(bits("0110"))
        );
        assert_eq!(bits("0011").inverted(), bits("1100"));
        assert_eq!(bits("11101").slice(1, 3), bits("110"));
        assert_eq!(bits("0001101").find(&bits("11")), Some(3));
    }

    #[test]
    fn numbers_have_two_s_complement() {
        assert_eq!(BitString::from_integer(-44, 12), bits("111111010100"));
        assert_eq!(BitString::from_integer(-1, 70).len(), 70);
        assert_eq!(bits("1110").to_integer(32), Some(14));
        assert_eq!(bits(&"1".repeat(32)).to_integer(32), Some(-1));
        assert_eq!(bits(&"1".repeat(65)).to_integer(64), None);
    }
}
