//! Stored bytes: sections with a kind, a version and checksums.
//!
//! | offset | bytes | what |
//! |---:|---:|---|
//! | 0 | 4 | `HVEC` |
//! | 4 | 1 | kind of section ([`Kind`]) |
//! | 5 | 1 | version of that kind |
//! | 6 | 2 | 0 |
//! | 8 | 8 | length of the payload |
//! | 16 | 4 | crc32c of the 16 bytes before |
//! | 20 | … | payload |
//! | 20 + length | 4 | crc32c of the payload |
//!
//! A structure is a sequence of sections. Numbers are little-endian. Numbers of kinds are never
//! used again.

use std::io::Write;

use crate::error::{Error, Result};

const MAGIC: &[u8; 4] = b"HVEC";
const HEADER: usize = 20;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Hnsw = 1,
    Nodes = 2,
    Links = 3,
    Rows = 4,
    Ivf = 5,
    List = 6,
    Lsh = 7,
    Quantizer = 8,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Hnsw => "the head of an hnsw index",
            Self::Nodes => "the nodes of an hnsw index",
            Self::Links => "the links of an hnsw index",
            Self::Rows => "the vectors of an index",
            Self::Ivf => "the head of an ivf index",
            Self::List => "a list of an ivf index",
            Self::Lsh => "an lsh index",
            Self::Quantizer => "a quantizer",
        }
    }
}

impl Kind {
    /// The version that is written; those before it are read too.
    const fn version(self) -> u8 {
        match self {
            // Since 2, the highest bit of a link of the lowest level says that it is kept.
            Self::Links => 2,
            // Since 2, functions have middles.
            Self::Lsh => 2,
            _ => 1,
        }
    }
}

/// Writes one section.
pub(crate) fn write(out: &mut dyn Write, kind: Kind, payload: &[u8]) -> Result<()> {
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&[kind as u8, kind.version(), 0, 0]);
    header.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    let sum = crc32c::crc32c(&header);
    header.extend_from_slice(&sum.to_le_bytes());
    out.write_all(&header)?;
    out.write_all(payload)?;
    out.write_all(&crc32c::crc32c(payload).to_le_bytes())?;
    Ok(())
}

/// Reads sections, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Sections<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Sections<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The payload of the next section, which must be of this kind.
    pub(crate) fn next(&mut self, kind: Kind) -> Result<Fields<'a>> {
        let damaged = |offset: usize, why| Error::Damaged {
            what: kind.name(),
            offset,
            why,
        };
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (header, rest) = rest
            .split_at_checked(HEADER)
            .ok_or(damaged(self.at, "it ends early"))?;
        let (head, sum) = header.split_at(16);
        if head[..4] != *MAGIC {
            return Err(damaged(self.at, "there is no section here"));
        }
        if crc32c::crc32c(head).to_le_bytes() != *sum {
            return Err(damaged(
                self.at,
                "the checksum of its header does not match",
            ));
        }
        if head[4] != kind as u8 {
            return Err(damaged(self.at + 4, "it is a section of another kind"));
        }
        if !(1..=kind.version()).contains(&head[5]) {
            return Err(Error::Version {
                what: kind.name(),
                found: u32::from(head[5]),
                known: u32::from(kind.version()),
            });
        }
        let mut length = [0; 8];
        length.copy_from_slice(&head[8..16]);
        let start = self.at + HEADER;
        let length = usize::try_from(u64::from_le_bytes(length))
            .map_err(|_| damaged(self.at + 8, "its length is impossible"))?;
        let (payload, rest) = rest
            .split_at_checked(length)
            .ok_or(damaged(self.at + 8, "it ends early"))?;
        let sum = rest
            .get(..4)
            .ok_or(damaged(start + length, "it ends early"))?;
        if crc32c::crc32c(payload).to_le_bytes() != *sum {
            return Err(damaged(start, "its checksum does not match"));
        }
        self.at = start + length + 4;
        Ok(Fields {
            what: kind.name(),
            bytes: payload,
            start,
            at: 0,
        })
    }

    /// Fails if anything is left.
    pub(crate) fn end(&self, kind: Kind) -> Result<()> {
        if self.at == self.bytes.len() {
            Ok(())
        } else {
            Err(Error::Damaged {
                what: kind.name(),
                offset: self.at,
                why: "there are bytes behind it",
            })
        }
    }
}

/// Reads the fields of a payload. Checksums find damage; what is checked here keeps even bytes with
/// valid checksums from doing harm.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    what: &'static str,
    bytes: &'a [u8],
    start: usize,
    at: usize,
}

impl<'a> Fields<'a> {
    /// An error about the place just read.
    pub(crate) fn damaged(&self, why: &'static str) -> Error {
        Error::Damaged {
            what: self.what,
            offset: self.start + self.at,
            why,
        }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let taken = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.get(..length))
            .ok_or_else(|| self.damaged("a field ends early"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A count or size, which must not exceed `most`.
    pub(crate) fn count(&mut self, most: usize) -> Result<usize> {
        let value = self.u64()?;
        usize::try_from(value)
            .ok()
            .filter(|value| *value <= most)
            .ok_or_else(|| self.damaged("a number is out of its range"))
    }

    /// Numbers that must be finite.
    pub(crate) fn f32s(&mut self, count: usize) -> Result<Vec<f32>> {
        let bytes = count
            .checked_mul(4)
            .ok_or_else(|| self.damaged("a number is out of its range"))?;
        let (chunks, _) = self.take(bytes)?.as_chunks::<4>();
        let values: Vec<f32> = chunks
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(self.damaged("a number is not finite"))
        }
    }

    pub(crate) fn f32(&mut self) -> Result<f32> {
        Ok(self.f32s(1)?[0])
    }

    pub(crate) fn u32s(&mut self, count: usize) -> Result<Vec<u32>> {
        let bytes = count
            .checked_mul(4)
            .ok_or_else(|| self.damaged("a number is out of its range"))?;
        let (chunks, _) = self.take(bytes)?.as_chunks::<4>();
        Ok(chunks
            .iter()
            .map(|bytes| u32::from_le_bytes(*bytes))
            .collect())
    }

    pub(crate) fn u64s(&mut self, count: usize) -> Result<Vec<u64>> {
        let bytes = count
            .checked_mul(8)
            .ok_or_else(|| self.damaged("a number is out of its range"))?;
        let (chunks, _) = self.take(bytes)?.as_chunks::<8>();
        Ok(chunks
            .iter()
            .map(|bytes| u64::from_le_bytes(*bytes))
            .collect())
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Fails if anything is left.
    pub(crate) fn end(&self) -> Result<()> {
        if self.left() == 0 {
            Ok(())
        } else {
            Err(self.damaged("there are bytes behind the last field"))
        }
    }
}

/// Appends fields to a payload.
pub(crate) trait Put {
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    fn put_f32s(&mut self, values: &[f32]);
}

impl Put for Vec<u8> {
    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_f32s(&mut self, values: &[f32]) {
        for value in values {
            self.extend_from_slice(&value.to_le_bytes());
        }
    }
}
