//! Binary forms, as pgvector's clients send and expect them; everything is big-endian.
//!
//! | type        | bytes                                                                            |
//! |-------------|----------------------------------------------------------------------------------|
//! | `vector`    | dimensions i16, 0 i16, numbers of 4 bytes                                        |
//! | `halfvec`   | dimensions i16, 0 i16, numbers of 2 bytes                                        |
//! | `sparsevec` | dimensions i32, elements i32, 0 i32, positions from 0 as i32, numbers of 4 bytes |

use super::{F16, SparseVector, VectorKind, VectorValue, data_exception};
use crate::Result;
use crate::binary::{Reader, malformed};

impl VectorValue {
    /// Appends the binary form.
    pub(crate) fn send(&self, out: &mut Vec<u8>) {
        // At most 16,000, and a thousand million for sparse ones.
        let dimensions = self.dimensions() as u32;
        match self {
            Self::Full(numbers) => {
                out.extend((dimensions << 16).to_be_bytes());
                out.extend(numbers.iter().flat_map(|x| x.to_be_bytes()));
            }
            Self::Half(numbers) => {
                out.extend((dimensions << 16).to_be_bytes());
                out.extend(numbers.iter().flat_map(|x| x.0.to_be_bytes()));
            }
            Self::Sparse(sparse) => {
                out.extend(dimensions.to_be_bytes());
                out.extend((sparse.values().len() as u32).to_be_bytes());
                out.extend([0; 4]);
                out.extend(sparse.positions().iter().flat_map(|at| at.to_be_bytes()));
                out.extend(sparse.values().iter().flat_map(|x| x.to_be_bytes()));
            }
        }
    }

    /// Reads a binary form.
    pub(crate) fn receive(reader: &mut Reader<'_>, kind: VectorKind) -> Result<Self> {
        if kind == VectorKind::Sparse {
            return sparse(reader).map(Self::Sparse);
        }
        let dimensions = usize::try_from(reader.i16()?).unwrap_or(0);
        kind.check_dimensions(dimensions)?;
        unused(i32::from(reader.i16()?))?;
        if kind == VectorKind::Half {
            let numbers = (0..dimensions).map(|_| reader.u16().map(F16));
            return Self::half(numbers.collect::<Result<_>>()?);
        }
        let numbers = (0..dimensions).map(|_| reader.u32().map(f32::from_bits));
        Self::full(numbers.collect::<Result<_>>()?)
    }
}

fn sparse(reader: &mut Reader<'_>) -> Result<SparseVector> {
    let dimensions = usize::try_from(reader.i32()?).unwrap_or(0);
    let count = reader.i32()?;
    let count = usize::try_from(count)
        .map_err(|_| data_exception("sparsevec cannot have negative number of elements"))?;
    unused(reader.i32()?)?;
    if count > reader.left() / 8 {
        return Err(malformed("insufficient data left in message"));
    }
    let positions = (0..count).map(|_| reader.i32().map(i64::from));
    let positions = positions.collect::<Result<Vec<_>>>()?;
    let numbers = (0..count).map(|_| reader.u32().map(f32::from_bits));
    let numbers = numbers.collect::<Result<Vec<_>>>()?;
    if numbers.contains(&0.0) {
        return Err(data_exception(
            "binary representation of sparsevec cannot contain zero values",
        ));
    }
    SparseVector::new(dimensions, positions.into_iter().zip(numbers))
}

fn unused(number: i32) -> Result<()> {
    match number {
        0 => Ok(()),
        number => Err(data_exception(format!(
            "expected unused to be 0, not {number}"
        ))),
    }
}
