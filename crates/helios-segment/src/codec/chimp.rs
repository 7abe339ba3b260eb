//! Floating point time series by XOR with a recent value, after Chimp128 (Liakos, Papakonstantinopoulou,
//! Kotidis: Chimp, VLDB 2022), itself a successor of Gorilla.
//!
//! A value is XORed with the one among the last 128 that shares its low bits (found by a table), or
//! with its predecessor. The first value of a frame is stored as it is, then each as:
//!
//! | flag | meaning                                      | then                                      |
//! |-----:|----------------------------------------------|-------------------------------------------|
//! | `00` | equal to a recent value                      | its distance (7 bits)                     |
//! | `01` | many low bits shared with a recent value     | distance (7), leading zeros (3, coded), length − 1 (6), the bits between |
//! | `10` | XOR with the predecessor, as many leading zeros as the last time | the rest          |
//! | `11` | XOR with the predecessor                     | leading zeros (3, coded), the rest        |
//!
//! A block is frames of 4,096 values:
//!
//! | part     | bytes                                                        |
//! |----------|--------------------------------------------------------------|
//! | frames   | one bit stream each, padded to bytes                         |
//! | ends     | 4 per frame, little-endian: where it ends                    |
//! | validity | one bit per row, if the block has nulls; a null repeats its predecessor |

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{ArrayRef, Float32Array, Float64Array};
use arrow_schema::DataType;

use super::bits::{BitReader, BitWriter};
use super::cascade::is_float;
use super::delta::with_nulls;
use super::{Block, Codec, Effort, Encoded, validity};
use crate::error::{Error, Result};

/// Values per frame: what a lookup decodes.
const FRAME: usize = 4096;
/// Values looked back at.
const WINDOW: usize = 128;
/// Bits of a distance.
const DISTANCE: u32 = 7;
/// Low bits by which a similar value is found.
const PROBE: u32 = 14;

/// The codec.
#[derive(Debug)]
pub(super) struct Chimp;

/// What differs between 64 and 32 bits.
#[derive(Clone, Copy)]
struct Width {
    bits: u32,
    /// The codes of leading zeros.
    leading: [u32; 8],
    /// Shared low bits from which a recent value pays.
    worth: u32,
}

const DOUBLE: Width = Width {
    bits: 64,
    leading: [0, 8, 12, 16, 18, 20, 22, 24],
    worth: 6 + DISTANCE,
};

const SINGLE: Width = Width {
    bits: 32,
    leading: [0, 4, 6, 8, 10, 12, 14, 16],
    worth: 5 + DISTANCE,
};

impl Width {
    /// The code of the greatest number of leading zeros that `xor` has.
    fn leading_code(self, xor: u64) -> usize {
        let zeros = xor.leading_zeros() - (64 - self.bits);
        self.leading
            .iter()
            .rposition(|least| *least <= zeros)
            .unwrap_or(0)
    }
}

/// Recent values, in encoder and decoder alike.
struct Recent {
    values: [u64; WINDOW],
    count: usize,
}

impl Recent {
    fn new() -> Self {
        Self {
            values: [0; WINDOW],
            count: 0,
        }
    }

    fn push(&mut self, value: u64) {
        if let Some(slot) = self.values.get_mut(self.count % WINDOW) {
            *slot = value;
        }
        self.count += 1;
    }

    /// The value pushed `distance` before the last.
    fn back(&self, distance: usize) -> Option<u64> {
        let place = self.count.checked_sub(distance + 1)?;
        self.values.get(place % WINDOW).copied()
    }
}

fn encode_frame(values: &[u64], width: Width, places: &mut [u32]) -> Vec<u8> {
    let mut out = BitWriter::default();
    let mut recent = Recent::new();
    places.fill(0);
    let mut previous_code = usize::MAX;
    for (row, value) in values.iter().copied().enumerate() {
        let probe = (value & ((1 << PROBE) - 1)) as usize;
        let Some(previous) = recent.back(0) else {
            out.put(value, width.bits);
            recent.push(value);
            if let Some(place) = places.get_mut(probe) {
                *place = 1;
            }
            continue;
        };
        // The last row with the same low bits, counted from 1; too far ones do not count.
        let seen = places.get(probe).copied().unwrap_or(0) as usize;
        let similar = (seen > 0 && row - (seen - 1) <= WINDOW)
            .then(|| row - seen)
            .and_then(|distance| Some((distance, recent.back(distance)?)));
        let near = value ^ previous;
        let (distance, xor) = match similar {
            Some((distance, other))
                if other == value || (value ^ other).trailing_zeros() > width.worth =>
            {
                (distance, value ^ other)
            }
            _ => (0, near),
        };
        if xor == 0 {
            out.put(0b00, 2);
            out.put(distance as u64, DISTANCE);
            previous_code = usize::MAX;
        } else if xor.trailing_zeros() > width.worth {
            let code = width.leading_code(xor);
            let leading = width.leading.get(code).copied().unwrap_or(0);
            let trailing = xor.trailing_zeros();
            let length = width.bits - leading - trailing;
            out.put(0b01, 2);
            out.put(distance as u64, DISTANCE);
            out.put(code as u64, 3);
            out.put(u64::from(length - 1), 6);
            out.put(xor >> trailing, length);
            previous_code = usize::MAX;
        } else {
            let code = width.leading_code(xor);
            let leading = width.leading.get(code).copied().unwrap_or(0);
            if code == previous_code {
                out.put(0b10, 2);
            } else {
                out.put(0b11, 2);
                out.put(code as u64, 3);
            }
            out.put(xor, width.bits - leading);
            previous_code = code;
        }
        recent.push(value);
        if let Some(place) = places.get_mut(probe) {
            *place = row as u32 + 1;
        }
    }
    out.finish()
}

fn decode_frame(bytes: &[u8], count: usize, width: Width, values: &mut Vec<u64>) -> Result<()> {
    let mut input = BitReader::new(bytes);
    let mut recent = Recent::new();
    let mut previous_code = usize::MAX;
    let lost = || Error::damaged("time series refers to a value before its frame");
    let leading_of = |code: usize| {
        let known = width.leading.get(code).copied();
        known.ok_or_else(|| Error::damaged("time series without leading zeros"))
    };
    for row in 0..count {
        let value = if row == 0 {
            input.get(width.bits)?
        } else {
            match input.get(2)? {
                0b00 => {
                    previous_code = usize::MAX;
                    let distance = input.get(DISTANCE)? as usize;
                    recent.back(distance).ok_or_else(lost)?
                }
                0b01 => {
                    previous_code = usize::MAX;
                    let distance = input.get(DISTANCE)? as usize;
                    let leading = leading_of(input.get(3)? as usize)?;
                    let length = input.get(6)? as u32 + 1;
                    let trailing = width
                        .bits
                        .checked_sub(leading + length)
                        .ok_or_else(|| Error::damaged("time series value too wide"))?;
                    let bits = input.get(length)?;
                    recent.back(distance).ok_or_else(lost)? ^ (bits << trailing)
                }
                flag => {
                    if flag == 0b11 {
                        previous_code = input.get(3)? as usize;
                    }
                    let leading = leading_of(previous_code)?;
                    let bits = input.get(width.bits - leading)?;
                    recent.back(0).ok_or_else(lost)? ^ bits
                }
            }
        };
        recent.push(value);
        values.push(value);
    }
    Ok(())
}

/// The bits of each value; a null has those of its predecessor.
fn bits_of(array: &ArrayRef) -> Option<(Vec<u64>, Width)> {
    let mut previous = 0;
    let mut keep = |value: Option<u64>| {
        previous = value.unwrap_or(previous);
        previous
    };
    if let Some(doubles) = array.as_primitive_opt::<Float64Type>() {
        let values = doubles.iter().map(|v| keep(v.map(f64::to_bits))).collect();
        return Some((values, DOUBLE));
    }
    let singles = array.as_primitive_opt::<Float32Type>()?;
    let bits = |value: f32| u64::from(value.to_bits());
    let values = singles.iter().map(|v| keep(v.map(bits))).collect();
    Some((values, SINGLE))
}

impl Codec for Chimp {
    fn name(&self) -> &'static str {
        "chimp"
    }

    fn fits(&self, ty: &DataType) -> bool {
        is_float(ty)
    }

    fn compress(&self, array: &ArrayRef, _effort: Effort) -> Result<Encoded> {
        let (values, width) = bits_of(array)
            .ok_or_else(|| Error::unsupported("time series are of floating point numbers"))?;
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        let mut places = vec![0; 1 << PROBE];
        for frame in values.chunks(FRAME) {
            bytes.extend_from_slice(&encode_frame(frame, width, &mut places));
            let end =
                u32::try_from(bytes.len()).map_err(|_| Error::unsupported("block beyond 4 GiB"))?;
            ends.extend_from_slice(&end.to_le_bytes());
        }
        bytes.extend_from_slice(&ends);
        validity::append(&mut bytes, array);
        Ok(Encoded {
            bytes,
            encodings: Vec::new(),
        })
    }

    fn decompress(&self, block: &Block) -> Result<ArrayRef> {
        self.slice(block, 0..block.rows)
    }

    fn frame(&self) -> usize {
        FRAME
    }

    fn slice(&self, block: &Block, rows: Range<usize>) -> Result<ArrayRef> {
        let width = match block.ty {
            DataType::Float64 => DOUBLE,
            DataType::Float32 => SINGLE,
            _ => return Err(Error::damaged("time series of another type")),
        };
        let (before, nulls) = validity::split(block)?;
        let frames = block.rows.div_ceil(FRAME);
        let middle = before
            .len()
            .checked_sub(frames * 4)
            .ok_or_else(|| Error::damaged("block is shorter than its frames' ends"))?;
        let (streams, ends) = before.split_at(middle);
        let first = rows.start / FRAME;
        let mut start = 0;
        let mut values = Vec::with_capacity(rows.len());
        for (frame, end) in ends.as_chunks::<4>().0.iter().enumerate() {
            let end = u32::from_le_bytes(*end) as usize;
            let begins = frame * FRAME;
            if begins >= rows.end {
                break;
            }
            if frame >= first {
                let bytes = streams
                    .get(start..end)
                    .ok_or_else(|| Error::damaged("frame beyond its block"))?;
                let count = FRAME.min(block.rows - begins);
                decode_frame(bytes, count, width, &mut values)?;
            }
            start = end;
        }
        let skipped = rows.start - first * FRAME;
        let wanted = values
            .get(skipped..skipped + rows.len())
            .ok_or_else(|| Error::damaged("time series ends early"))?;
        let array: ArrayRef = if width.bits == 64 {
            Arc::new(
                wanted
                    .iter()
                    .map(|bits| f64::from_bits(*bits))
                    .collect::<Float64Array>(),
            )
        } else {
            let single = |bits: &u64| f32::from_bits(*bits as u32);
            Arc::new(wanted.iter().map(single).collect::<Float32Array>())
        };
        let nulls = nulls.map(|nulls| nulls.slice(rows.start, rows.len()));
        with_nulls(&array, nulls)
    }
}
