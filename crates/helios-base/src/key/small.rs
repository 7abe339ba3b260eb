//! Keys of times with offsets, bit strings and network addresses.
//!
//! | type     | bytes                                                                              |
//! |----------|------------------------------------------------------------------------------------|
//! | `timetz` | 8: µs since midnight in UTC, as `bigint`; 4: the offset west of UTC, as `integer`  |
//! | `bit`    | its bytes, as `bytea`; 1: how many bits of the last byte count                     |
//! | `inet`   | 1: 4 or 6; 4 or 16: the network; 1: its bits; 4 or 16: the address                 |

use super::reader::KeyReader;
use super::{put_bytes, take_bytes, take_i32, take_i64};
use crate::datetime::MICROS_PER_SECOND;
use crate::{BitString, Error, Inet, Result, TimeTz};

pub(super) fn put_timetz(time: &TimeTz, out: &mut Vec<u8>) {
    out.extend((time.utc() ^ i64::MIN).to_be_bytes());
    out.extend((-time.offset ^ i32::MIN).to_be_bytes());
}

pub(super) fn take_timetz(reader: &mut KeyReader<'_>) -> Result<TimeTz> {
    let (utc, west) = (take_i64(reader)?, take_i32(reader)?);
    let offset = west.checked_neg();
    let offset = offset.ok_or_else(|| Error::corrupt("offset of a key is out of range"))?;
    let micros = utc
        .checked_add(i64::from(offset) * MICROS_PER_SECOND)
        .ok_or_else(|| Error::corrupt("time of a key is out of range"))?;
    Ok(TimeTz { micros, offset })
}

pub(super) fn put_bits(bits: &BitString, out: &mut Vec<u8>) {
    let bytes = bits.bytes();
    put_bytes(bytes, out);
    // Between one and eight.
    out.push((8 - (bytes.len() * 8 - bits.len())) as u8);
}

pub(super) fn take_bits(reader: &mut KeyReader<'_>) -> Result<BitString> {
    let bytes = take_bytes(reader)?;
    let last = usize::from(reader.byte()?);
    let length = (bytes.len() * 8 + last).checked_sub(8);
    let length = length.filter(|_| (1..=8).contains(&last));
    let length = length.ok_or_else(|| Error::corrupt("key of bits has a wrong length"))?;
    Ok(BitString::new(bytes, length))
}

pub(super) fn put_inet(inet: &Inet, out: &mut Vec<u8>) {
    out.push(if inet.is_six() { 6 } else { 4 });
    out.extend(inet.network().address());
    out.push(inet.bits());
    out.extend(inet.address());
}

pub(super) fn take_inet(reader: &mut KeyReader<'_>) -> Result<Inet> {
    let wrong = || Error::corrupt("key of a network address is none");
    let mut address = [0; 16];
    let (six, bits) = match reader.byte()? {
        4 => {
            reader.array::<4>()?;
            let bits = reader.byte()?;
            let four = reader.array::<4>()?;
            for (slot, byte) in address.iter_mut().zip(four) {
                *slot = byte;
            }
            (false, bits)
        }
        6 => {
            reader.array::<16>()?;
            let bits = reader.byte()?;
            address = reader.array()?;
            (true, bits)
        }
        _ => return Err(wrong()),
    };
    Inet::new(six, bits, address).ok_or_else(wrong)
}
