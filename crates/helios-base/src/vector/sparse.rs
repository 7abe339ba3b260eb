//! Vectors of which only the elements that are not zero are kept.

use super::VectorKind;
use super::data_exception;
use super::kind::DENSE_MAX;
use crate::{Error, Result, SqlState};

/// The value of a `sparsevec`.
#[derive(Clone, Debug)]
pub struct SparseVector {
    dimensions: u32,
    /// Counted from 0, ascending.
    positions: Box<[u32]>,
    values: Box<[f32]>,
}

impl SparseVector {
    /// A vector of elements that ascend by position, counted from 0; those that are zero are left
    /// out.
    ///
    /// # Errors
    /// 22000 for no dimensions, a position out of bounds, twice or out of order, and for a number that
    /// is not finite; 54000 for too many dimensions or elements.
    pub fn new(dimensions: usize, elements: impl IntoIterator<Item = (i64, f32)>) -> Result<Self> {
        VectorKind::Sparse.check_dimensions(dimensions)?;
        let (mut positions, mut values) = (Vec::new(), Vec::new());
        let mut last = None;
        for (position, value) in elements {
            VectorKind::Sparse.check_number(value)?;
            if value == 0.0 {
                continue;
            }
            let within = u32::try_from(position).ok();
            let Some(at) = within.filter(|at| (*at as usize) < dimensions) else {
                return Err(data_exception("sparsevec index out of bounds"));
            };
            match last {
                Some(last) if at < last => {
                    return Err(data_exception(
                        "sparsevec indices must be in ascending order",
                    ));
                }
                Some(last) if at == last => {
                    return Err(data_exception(
                        "sparsevec indices must not contain duplicates",
                    ));
                }
                _ => last = Some(at),
            }
            positions.push(at);
            values.push(value);
        }
        if values.len() > DENSE_MAX {
            return Err(too_many_elements());
        }
        Ok(Self {
            // At most a thousand million.
            dimensions: dimensions as u32,
            positions: positions.into(),
            values: values.into(),
        })
    }

    /// How many dimensions it has.
    #[must_use]
    pub fn dimensions(&self) -> u32 {
        self.dimensions
    }

    /// The positions of the elements that are not zero, ascending, counted from 0.
    #[must_use]
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// The numbers at these positions.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Positions and numbers.
    pub fn elements(&self) -> impl Iterator<Item = (u32, f32)> + '_ {
        self.positions
            .iter()
            .copied()
            .zip(self.values.iter().copied())
    }
}

/// More elements than a sparse vector keeps.
#[cold]
pub(super) fn too_many_elements() -> Error {
    Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!("sparsevec cannot have more than {DENSE_MAX} non-zero elements"),
    )
}
