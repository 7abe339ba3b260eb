//! Variable-length integers and a bounds-checked reader, shared by every format of this crate.
//!
//! A `varint` is LEB128: seven bits a byte, lowest first, the high bit says that more follow; at
//! most ten bytes.

use helios_base::{Error, Result};

/// Appends `value` as a varint.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes that [`put_varint`] writes for `value`.
#[inline]
pub(crate) fn varint_len(value: u64) -> usize {
    (63 - (value | 1).leading_zeros() as usize) / 7 + 1
}

/// Appends a length and the bytes.
#[inline]
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads stored bytes front to back; running past the end is `Corrupt`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// What is read, for error messages.
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    #[cold]
    pub(crate) fn corrupt(&self, why: &str) -> Error {
        Error::corrupt(format!("damaged {}: {why}", self.what))
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8> {
        let Some((&first, rest)) = self.bytes.split_first() else {
            return Err(self.corrupt("it ends too early"));
        };
        self.bytes = rest;
        Ok(first)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for (at, &byte) in self.bytes.iter().enumerate().take(10) {
            let bits = u64::from(byte & 0x7f);
            if at == 9 && bits > 1 {
                break;
            }
            value |= bits << (7 * at);
            if byte < 0x80 {
                self.bytes = &self.bytes[at + 1..];
                return Ok(value);
            }
        }
        Err(self.corrupt("a number is cut short or too long"))
    }

    #[inline]
    pub(crate) fn varint32(&mut self) -> Result<u32> {
        let value = self.varint()?;
        u32::try_from(value).map_err(|_| self.corrupt("a number is too large"))
    }

    /// A varint that counts bytes or things in memory.
    #[inline]
    pub(crate) fn length(&mut self) -> Result<usize> {
        let value = self.varint()?;
        usize::try_from(value).map_err(|_| self.corrupt("a length is too large"))
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        if len > self.bytes.len() {
            return Err(self.corrupt("it ends too early"));
        }
        let (head, rest) = self.bytes.split_at(len);
        self.bytes = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((head, rest)) = self.bytes.split_first_chunk::<N>() else {
            return Err(self.corrupt("it ends too early"));
        };
        self.bytes = rest;
        Ok(*head)
    }

    /// A length and that many bytes.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let len = self.length()?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        match std::str::from_utf8(self.bytes()?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.corrupt("a text is not UTF-8")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against off-by-one lengths and against overlong or cut numbers being accepted.
    #[test]
    fn varints_round_trip_and_refuse_damage() {
        let mut values = vec![0, 1, u64::MAX];
        values.extend((0..64).flat_map(|bit| [1u64 << bit, (1u64 << bit) - 1]));
        for value in values {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            assert_eq!(out.len(), varint_len(value), "{value}");
            let mut reader = Reader::new(&out, "test");
            assert_eq!(reader.varint().ok(), Some(value));
            assert!(reader.is_empty());
            out.pop();
            assert!(Reader::new(&out, "test").varint().is_err());
        }
        assert!(Reader::new(&[0xff; 11], "test").varint().is_err());
    }
}
