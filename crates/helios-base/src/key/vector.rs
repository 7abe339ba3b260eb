//! Keys of vectors, which order as their elements do, what is missing in a sparse one being zero.
//!
//! | type          | bytes                                                                             |
//! |---------------|-----------------------------------------------------------------------------------|
//! | dense vectors | `01` and 4: the number as `real`, for each; then `00`                             |
//! | `sparsevec`   | for each element below zero: `01`, 4: its position, 4: the number as `real`; for each above: `03`, 4: its position complemented, 4: the number; then `01`, 4: the dimensions, 4: zero |
//!
//! Of two sparse vectors that are the same up to a position, the one whose next element below zero comes
//! sooner is less, and the one whose next element above zero comes sooner is greater. An end is less
//! than whatever the other has at or after it, as no number is encoded as zero.

use super::reader::KeyReader;
use super::{END, PRESENT};
use crate::vector::{F16, SparseVector, VectorKind, VectorValue};
use crate::{Error, Result};

const BELOW: u8 = 0x01;
const ABOVE: u8 = 0x03;

pub(super) fn put(vector: &VectorValue, out: &mut Vec<u8>) {
    let mut dense = |numbers: &mut dyn Iterator<Item = f32>| {
        for number in numbers {
            out.push(PRESENT);
            out.extend(ordered(number).to_be_bytes());
        }
        out.push(END);
    };
    match vector {
        VectorValue::Full(numbers) => dense(&mut numbers.iter().copied()),
        VectorValue::Half(numbers) => dense(&mut numbers.iter().map(|half| half.to_f32())),
        VectorValue::Sparse(sparse) => {
            for (at, number) in sparse.elements() {
                let (marker, at) = if number < 0.0 {
                    (BELOW, at)
                } else {
                    (ABOVE, !at)
                };
                out.push(marker);
                out.extend(at.to_be_bytes());
                out.extend(ordered(number).to_be_bytes());
            }
            out.push(BELOW);
            out.extend(sparse.dimensions().to_be_bytes());
            out.extend([0; 4]);
        }
    }
}

pub(super) fn take(reader: &mut KeyReader<'_>, kind: VectorKind) -> Result<VectorValue> {
    let wrong = |error: Error| Error::corrupt("key of a vector is none").with_source(error);
    if kind == VectorKind::Sparse {
        let mut elements = Vec::new();
        loop {
            let marker = reader.byte()?;
            let at = u32::from_be_bytes(reader.array()?);
            let number = u32::from_be_bytes(reader.array()?);
            match (marker, number) {
                (BELOW, 0) => {
                    return SparseVector::new(at as usize, elements)
                        .map(VectorValue::Sparse)
                        .map_err(wrong);
                }
                (BELOW, number) => elements.push((i64::from(at), plain(number))),
                (ABOVE, number) => elements.push((i64::from(!at), plain(number))),
                _ => return Err(Error::corrupt(format!("vector key has {marker:#04x}"))),
            }
        }
    }
    let mut numbers = Vec::new();
    loop {
        match reader.byte()? {
            END => break,
            PRESENT => numbers.push(plain(u32::from_be_bytes(reader.array()?))),
            marker => return Err(Error::corrupt(format!("vector key has {marker:#04x}"))),
        }
    }
    match kind {
        VectorKind::Half => {
            VectorValue::half(numbers.into_iter().map(F16::from_f32).collect()).map_err(wrong)
        }
        _ => VectorValue::full(numbers).map_err(wrong),
    }
}

/// Bits that order as the finite numbers do, one of them for both zeros.
fn ordered(number: f32) -> u32 {
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    }
}

fn plain(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 1 {
        ordered & !(1 << 31)
    } else {
        !ordered
    })
}
