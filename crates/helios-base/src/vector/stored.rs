//! Bytes of vectors within rows and columns.
//!
//! | type        | bytes                                                                        |
//! |-------------|------------------------------------------------------------------------------|
//! | `vector`    | its numbers, 4 bytes each, little-endian                                     |
//! | `halfvec`   | its numbers, 2 bytes each, little-endian                                     |
//! | `sparsevec` | dimensions u32, then all positions from 0 as u32, then all numbers, little-endian |

use super::{F16, SparseVector, VectorKind, VectorValue};
use crate::codec::{take, take_array};
use crate::{Error, Result};

impl VectorValue {
    /// Appends the bytes.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Full(numbers) => out.extend(numbers.iter().flat_map(|x| x.to_le_bytes())),
            Self::Half(numbers) => out.extend(numbers.iter().flat_map(|x| x.0.to_le_bytes())),
            Self::Sparse(sparse) => {
                out.extend(sparse.dimensions().to_le_bytes());
                out.extend(sparse.positions().iter().flat_map(|at| at.to_le_bytes()));
                out.extend(sparse.values().iter().flat_map(|x| x.to_le_bytes()));
            }
        }
    }

    /// Reads what [`VectorValue::put`] wrote, all of `bytes`.
    ///
    /// # Errors
    /// Corrupt if they are no vector.
    pub fn get(bytes: &[u8], kind: VectorKind) -> Result<Self> {
        let wrong = |error: Error| {
            Error::corrupt(format!("stored {} is none", kind.name())).with_source(error)
        };
        match kind {
            VectorKind::Full => {
                let (numbers, left) = bytes.as_chunks::<4>();
                whole(left, kind)?;
                let numbers = numbers.iter().map(|chunk| f32::from_le_bytes(*chunk));
                Self::full(numbers.collect()).map_err(wrong)
            }
            VectorKind::Half => {
                let (numbers, left) = bytes.as_chunks::<2>();
                whole(left, kind)?;
                let numbers = numbers.iter().map(|chunk| F16(u16::from_le_bytes(*chunk)));
                Self::half(numbers.collect()).map_err(wrong)
            }
            VectorKind::Sparse => {
                let mut rest = bytes;
                let dimensions = u32::from_le_bytes(take_array(&mut rest)?);
                let half = rest.len() / 2;
                let positions = take(&mut rest, half)?;
                let (positions, left) = positions.as_chunks::<4>();
                whole(left, kind)?;
                let (values, left) = rest.as_chunks::<4>();
                whole(left, kind)?;
                let elements = positions
                    .iter()
                    .map(|chunk| i64::from(u32::from_le_bytes(*chunk)))
                    .zip(values.iter().map(|chunk| f32::from_le_bytes(*chunk)));
                SparseVector::new(dimensions as usize, elements)
                    .map(Self::Sparse)
                    .map_err(wrong)
            }
        }
    }
}

fn whole(left: &[u8], kind: VectorKind) -> Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    Err(Error::corrupt(format!(
        "stored {} has {} bytes too many",
        kind.name(),
        left.len()
    )))
}
