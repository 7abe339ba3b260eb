//! Streams of bits, most significant first.

use crate::error::{Error, Result};

/// Appends bits to bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits not yet in `bytes`, in the low end.
    pending: u128,
    count: u32,
}

impl BitWriter {
    /// Appends the low `count` bits of `value`, at most 64.
    pub fn put(&mut self, value: u64, count: u32) {
        if count == 0 {
            return;
        }
        let masked = value & (u64::MAX >> (64 - count.min(64)));
        self.pending = (self.pending << count) | u128::from(masked);
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.pending >> self.count) as u8);
        }
        self.pending &= (1 << self.count) - 1;
    }

    /// Pads with zeros to a whole byte.
    pub fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push((self.pending << (8 - self.count)) as u8);
        }
        self.bytes
    }
}

/// Takes bits off bytes.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    next: usize,
    pending: u128,
    count: u32,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            next: 0,
            pending: 0,
            count: 0,
        }
    }

    /// The next `count` bits, at most 64.
    pub fn get(&mut self, count: u32) -> Result<u64> {
        while self.count < count {
            let Some(rest) = self.bytes.get(self.next..) else {
                return Err(Error::damaged("bit stream ends early"));
            };
            // Eight bytes at once while there are as many: the common case.
            if let (Some(word), true) = (rest.first_chunk::<8>(), self.count <= 64) {
                self.pending = (self.pending << 64) | u128::from(u64::from_be_bytes(*word));
                self.count += 64;
                self.next += 8;
            } else if let Some(byte) = rest.first() {
                self.pending = (self.pending << 8) | u128::from(*byte);
                self.count += 8;
                self.next += 1;
            } else {
                return Err(Error::damaged("bit stream ends early"));
            }
        }
        self.count -= count;
        let value = (self.pending >> self.count) as u64;
        self.pending &= (1 << self.count) - 1;
        Ok(if count == 0 {
            0
        } else {
            value & (u64::MAX >> (64 - count.min(64)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_got() {
        let mut rng = fastrand::Rng::with_seed(1);
        let items: Vec<(u64, u32)> = (0..10_000)
            .map(|_| {
                let count = rng.u32(0..=64);
                let mask = u64::MAX.checked_shr(64 - count).unwrap_or(0);
                (rng.u64(..) & mask, count)
            })
            .collect();
        let mut writer = BitWriter::default();
        for (value, count) in &items {
            writer.put(*value, *count);
        }
        let bytes = writer.finish();
        let mut reader = BitReader::new(&bytes);
        for (value, count) in &items {
            assert_eq!(reader.get(*count).expect("there"), *value);
        }
        assert!(reader.get(64).is_err());
    }
}
