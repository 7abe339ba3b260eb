//! How one record lies in a segment.
//!
//! | offset | bytes | field    | rule                                                            |
//! |-------:|------:|----------|-----------------------------------------------------------------|
//! |      0 |     4 | crc32c   | u32 LE, of everything after it, padding included                 |
//! |      4 |     4 | length   | u32 LE, bytes of the payload, ≤ [`RECORD_LEN_MAX`]               |
//! |      8 |     8 | position | u64 LE, where this frame begins in the endless log               |
//! |     16 |     8 | durable  | u64 LE, a position below which all was durable before this frame |
//! |     24 |     4 | previous | u32 LE, the crc32c field of the frame before, 0 for the first    |
//! |     28 |     1 | kind     | 1 record, 2 mark (no payload, not delivered to readers)          |
//! |     29 |     3 | zero     | 0                                                                |
//! |     32 |     n | payload  | what was appended                                                |
//! |   32+n |   0–7 | padding  | 0 up to a multiple of 8                                          |
//!
//! `position` tells a frame from what a recycled segment held before, `previous` from what an
//! earlier, torn life of the log left behind it, and `durable` a torn tail from damage: an invalid
//! frame below the `durable` of a later one was once safely written. A mark is written at a clean
//! end so that damage to the last records shows, too.

use std::ops::Range;

/// Largest payload of one record: 1 GiB.
pub const RECORD_LEN_MAX: usize = 1 << 30;

/// Bytes of a frame beside payload and padding.
pub(crate) const HEADER: usize = 32;
/// Frames begin and end at multiples of this.
pub(crate) const ALIGN: usize = 8;

const CRC: Range<usize> = 0..4;
const LENGTH: Range<usize> = CRC.end..CRC.end + 4;
const POSITION: Range<usize> = LENGTH.end..LENGTH.end + 8;
const DURABLE: Range<usize> = POSITION.end..POSITION.end + 8;
const PREVIOUS: Range<usize> = DURABLE.end..DURABLE.end + 4;
const KIND: usize = PREVIOUS.end;
const ZERO: Range<usize> = KIND + 1..KIND + 4;
const _: () = assert!(ZERO.end == HEADER && HEADER.is_multiple_of(ALIGN));

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Record = 1,
    Mark = 2,
}

/// The fixed part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub crc: u32,
    pub length: usize,
    pub position: u64,
    pub durable: u64,
    pub previous: u32,
    pub kind: Kind,
}

/// Bytes of a frame with a payload of `length` bytes.
pub(crate) const fn size(length: usize) -> usize {
    (HEADER + length).next_multiple_of(ALIGN)
}

/// Appends a frame to `out` and returns its checksum, the next frame's `previous`.
pub(crate) fn encode(
    out: &mut Vec<u8>,
    kind: Kind,
    position: u64,
    durable: u64,
    previous: u32,
    payload: &[u8],
) -> u32 {
    let begin = out.len();
    out.reserve(size(payload.len()));
    out.extend_from_slice(&[0; CRC.end]);
    out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    out.extend_from_slice(&position.to_le_bytes());
    out.extend_from_slice(&durable.to_le_bytes());
    out.extend_from_slice(&previous.to_le_bytes());
    out.extend_from_slice(&[kind as u8, 0, 0, 0]);
    out.extend_from_slice(payload);
    out.resize(begin + size(payload.len()), 0);
    let crc = crc32c::crc32c(&out[begin + CRC.end..]);
    out[begin + CRC.start..begin + CRC.end].copy_from_slice(&crc.to_le_bytes());
    crc
}

/// Reads the fixed part at the beginning of `bytes`, without judging the checksum. `None` if it
/// cannot be a frame.
pub(crate) fn decode_header(bytes: &[u8]) -> Option<Frame> {
    let bytes = bytes.get(..HEADER)?;
    let length = u32_at(bytes, &LENGTH)? as usize;
    let kind = match bytes[KIND] {
        1 => Kind::Record,
        2 => Kind::Mark,
        _ => return None,
    };
    if length > RECORD_LEN_MAX {
        return None;
    }
    Some(Frame {
        crc: u32_at(bytes, &CRC)?,
        length,
        position: u64_at(bytes, &POSITION)?,
        durable: u64_at(bytes, &DURABLE)?,
        previous: u32_at(bytes, &PREVIOUS)?,
        kind,
    })
}

/// Whether the checksum of `bytes`, a whole frame with padding, is right.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    match (u32_at(bytes, &CRC), bytes.get(CRC.end..)) {
        (Some(crc), Some(rest)) => crc32c::crc32c(rest) == crc,
        _ => false,
    }
}

/// The position field of what may be a frame.
pub(crate) fn position_of(bytes: &[u8]) -> Option<u64> {
    u64_at(bytes, &POSITION)
}

fn u32_at(bytes: &[u8], range: &Range<usize>) -> Option<u32> {
    let bytes = bytes.get(range.clone())?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

fn u64_at(bytes: &[u8], range: &Range<usize>) -> Option<u64> {
    let bytes = bytes.get(range.clone())?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let mut out = Vec::new();
        let crc = encode(&mut out, Kind::Record, 64, 8, 0x0102_0304, b"helios");
        let mut golden = crc.to_le_bytes().to_vec();
        golden.extend_from_slice(&[6, 0, 0, 0]);
        golden.extend_from_slice(&[64, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend_from_slice(&[8, 0, 0, 0, 0, 0, 0, 0]);
        golden.extend_from_slice(&[4, 3, 2, 1]);
        golden.extend_from_slice(&[1, 0, 0, 0]);
        golden.extend_from_slice(b"helios\0\0");
        assert_eq!(out, golden);
        assert_eq!(crc, 1_913_939_616, "checksum of the bytes after it");
    }

    #[test]
    fn round_trip_and_every_flipped_bit() {
        for payload in [&b""[..], b"1234567", b"12345678", b"123456789"] {
            let mut out = vec![];
            let crc = encode(&mut out, Kind::Mark, 16, 0, 7, payload);
            assert_eq!(out.len(), size(payload.len()));
            assert!(is_whole(&out));
            let frame = decode_header(&out).expect("frame");
            assert_eq!((frame.crc, frame.length), (crc, payload.len()));
            assert_eq!((frame.position, frame.previous), (16, 7));
            for bit in 0..out.len() * 8 {
                out[bit / 8] ^= 1 << (bit % 8);
                assert!(!is_whole(&out), "bit {bit}");
                out[bit / 8] ^= 1 << (bit % 8);
            }
        }
        assert!(decode_header(&[0; HEADER]).is_none());
        assert!(!is_whole(&[]));
    }
}
