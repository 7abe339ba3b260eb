//! One segment file: its name and its header.
//!
//! | offset | bytes | field    | rule                                                         |
//! |-------:|------:|----------|--------------------------------------------------------------|
//! |      0 |     8 | magic    | `HeliosLg`                                                   |
//! |      8 |     4 | version  | u32 LE, 1                                                    |
//! |     12 |     4 | previous | u32 LE, crc32c field of the frame before the first one here  |
//! |     16 |    16 | database | u128 LE, identity of the database                            |
//! |     32 |     8 | number   | u64 LE, as in the file's name; the one before it + 1         |
//! |     40 |     8 | base     | u64 LE, position of the first frame here, a multiple of 8    |
//! |     48 |    12 | zero     | 0                                                            |
//! |     60 |     4 | crc32c   | u32 LE, of the 60 bytes before                               |
//! |     64 |     – | frames   | see `frame.rs`, up to the base of the next segment           |
//!
//! A segment's file is called by its number in 16 decimal digits and `.log`. The header is durable
//! before the file gets that name, and every earlier segment is durable before that.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use helios_base::{Error, Result, SqlState};

use crate::files::{Files, LogFile, read_full};

/// Bytes before the first frame.
pub(crate) const HEADER: usize = 64;

/// A segment in use.
pub(crate) const LOG: &str = "log";
/// A file of a usual size whose content no longer matters.
pub(crate) const SPARE: &str = "spare";
/// A segment being made.
pub(crate) const NEW: &str = "new";

const MAGIC_TEXT: &[u8; 8] = b"HeliosLg";
const FORMAT: u32 = 1;

const MAGIC: Range<usize> = 0..8;
const VERSION: Range<usize> = MAGIC.end..MAGIC.end + 4;
const PREVIOUS: Range<usize> = VERSION.end..VERSION.end + 4;
const DATABASE: Range<usize> = PREVIOUS.end..PREVIOUS.end + 16;
const NUMBER: Range<usize> = DATABASE.end..DATABASE.end + 8;
const BASE: Range<usize> = NUMBER.end..NUMBER.end + 8;
const ZERO: Range<usize> = BASE.end..BASE.end + 12;
const CRC: Range<usize> = ZERO.end..ZERO.end + 4;
const _: () = assert!(CRC.end == HEADER);

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub database: u128,
    pub number: u64,
    pub base: u64,
    pub previous: u32,
}

impl Header {
    pub fn encode(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[MAGIC].copy_from_slice(MAGIC_TEXT);
        out[VERSION].copy_from_slice(&FORMAT.to_le_bytes());
        out[PREVIOUS].copy_from_slice(&self.previous.to_le_bytes());
        out[DATABASE].copy_from_slice(&self.database.to_le_bytes());
        out[NUMBER].copy_from_slice(&self.number.to_le_bytes());
        out[BASE].copy_from_slice(&self.base.to_le_bytes());
        let crc = crc32c::crc32c(&out[..CRC.start]);
        out[CRC].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header; the error says what is wrong with it, to be completed with the file's name.
    pub fn decode(bytes: &[u8; HEADER]) -> std::result::Result<Self, BadHeader> {
        if bytes[MAGIC] != *MAGIC_TEXT {
            return Err(BadHeader::Foreign);
        }
        let version = u32::from_le_bytes(array(bytes, VERSION));
        let crc = u32::from_le_bytes(array(bytes, CRC));
        // A future version may move the checksum, so the version is believed first only when the
        // checksum of this version does not contradict it.
        if crc32c::crc32c(&bytes[..CRC.start]) != crc {
            return Err(BadHeader::Damaged);
        }
        if version != FORMAT {
            return Err(BadHeader::Version(version));
        }
        Ok(Self {
            database: u128::from_le_bytes(array(bytes, DATABASE)),
            number: u64::from_le_bytes(array(bytes, NUMBER)),
            base: u64::from_le_bytes(array(bytes, BASE)),
            previous: u32::from_le_bytes(array(bytes, PREVIOUS)),
        })
    }
}

fn array<const N: usize>(bytes: &[u8; HEADER], range: Range<usize>) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[range]);
    out
}

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadHeader {
    Foreign,
    Version(u32),
    Damaged,
}

/// An open segment.
pub(crate) struct Segment {
    pub header: Header,
    pub path: PathBuf,
    pub file: Box<dyn LogFile>,
    /// Length of the file; only the writer changes it.
    size: AtomicU64,
    /// Position after the last frame, known once there is a next segment.
    pub end: OnceLock<u64>,
}

impl Segment {
    /// Opens segment `number` and checks its header.
    pub fn open(files: &dyn Files, dir: &Path, number: u64, database: u128) -> Result<Self> {
        let path = path(dir, number, LOG);
        let shown = path.display();
        let file = files
            .open(&path)
            .map_err(|e| Error::io(format_args!("open \"{shown}\""), e))?;
        let mut bytes = [0; HEADER];
        let got = read_full(&*file, &mut bytes, 0)
            .map_err(|e| Error::io(format_args!("read \"{shown}\""), e))?;
        if got < HEADER {
            return Err(Error::corrupt(format!(
                "log segment \"{shown}\" is cut off at offset {got}, within its header"
            )));
        }
        let header = Header::decode(&bytes).map_err(|bad| match bad {
            BadHeader::Foreign => {
                Error::corrupt(format!("\"{shown}\" is not a log segment of HeliosDB"))
            }
            BadHeader::Damaged => Error::corrupt(format!(
                "checksum mismatch in the header of log segment \"{shown}\" at offset 0"
            )),
            BadHeader::Version(version) => Error::new(
                SqlState::FEATURE_NOT_SUPPORTED,
                format!(
                    "log segment \"{shown}\" has format version {version}, this program reads \
                     {FORMAT}"
                ),
            )
            .with_hint("Open the database with a newer HeliosDB."),
        })?;
        if header.database != database {
            return Err(Error::corrupt(format!(
                "log segment \"{shown}\" belongs to another database"
            )));
        }
        if header.number != number {
            return Err(Error::corrupt(format!(
                "log segment \"{shown}\" says that it is number {}",
                header.number
            )));
        }
        let size = file
            .size()
            .map_err(|e| Error::io(format_args!("read \"{shown}\""), e))?;
        Ok(Self::new(header, path, file, size))
    }

    /// A segment whose file has this header already.
    pub fn new(header: Header, path: PathBuf, file: Box<dyn LogFile>, size: u64) -> Self {
        Self {
            header,
            path,
            file,
            size: AtomicU64::new(size),
            end: OnceLock::new(),
        }
    }

    /// Length of the file.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    /// Says that the file was made longer or shorter.
    pub fn set_size(&self, size: u64) {
        self.size.store(size, Ordering::Relaxed);
    }

    /// The position of what lies at `offset` of the file.
    pub fn position(&self, offset: u64) -> u64 {
        self.header.base + (offset - HEADER as u64)
    }

    /// Where in the file `position` lies.
    pub fn offset(&self, position: u64) -> u64 {
        position - self.header.base + HEADER as u64
    }
}

/// The path of a file of this number and kind.
pub(crate) fn path(dir: &Path, number: u64, kind: &str) -> PathBuf {
    dir.join(format!("{number:016}.{kind}"))
}

/// Number and kind of a file of the log, `None` for another file.
pub(crate) fn parse_name(name: &str) -> Option<(u64, &'static str)> {
    let (digits, kind) = name.split_once('.')?;
    let kind = [LOG, SPARE, NEW].into_iter().find(|k| *k == kind)?;
    if digits.len() != 16 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().ok()?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let header = Header {
            database: 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10,
            number: 7,
            base: 0x1000,
            previous: 0xAABB_CCDD,
        };
        let bytes = header.encode();
        let mut golden = b"HeliosLg\x01\0\0\0\xDD\xCC\xBB\xAA".to_vec();
        golden.extend((1..=16).rev());
        golden.extend_from_slice(b"\x07\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        let crc = crc32c::crc32c(&golden);
        golden.extend_from_slice(&crc.to_le_bytes());
        assert_eq!(bytes[..], golden[..]);
        assert_eq!(Header::decode(&bytes), Ok(header));
    }

    #[test]
    fn refuses_foreign_newer_and_damaged() {
        let header = Header {
            database: 1,
            number: 1,
            base: 0,
            previous: 0,
        };
        let bytes = header.encode();
        for at in 0..HEADER {
            let mut bad = bytes;
            bad[at] ^= 1;
            let expected = if at < MAGIC.end {
                BadHeader::Foreign
            } else {
                BadHeader::Damaged
            };
            assert_eq!(Header::decode(&bad), Err(expected), "byte {at}");
        }
        let mut newer = bytes;
        newer[VERSION].copy_from_slice(&2u32.to_le_bytes());
        let crc = crc32c::crc32c(&newer[..CRC.start]);
        newer[CRC].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(Header::decode(&newer), Err(BadHeader::Version(2)));
    }

    #[test]
    fn names() {
        assert_eq!(parse_name("0000000000000012.log"), Some((12, LOG)));
        assert_eq!(parse_name("0000000000000012.spare"), Some((12, SPARE)));
        for name in ["12.log", "000000000000001x.log", "0000000000000012.txt", ""] {
            assert_eq!(parse_name(name), None, "{name}");
        }
    }
}
