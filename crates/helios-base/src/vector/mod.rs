//! Vectors: the values of `vector`, `halfvec` and `sparsevec`.
//!
//! Their text forms, limits, order and errors are pgvector's, so that its clients meet what they
//! know. Every number is finite: what is not is refused at the door, and sums that overflow fail.

mod compare;
mod convert;
mod half;
mod kind;
mod sparse;
mod stored;
mod text;
mod wire;

pub use half::F16;
pub use kind::VectorKind;
pub use sparse::SparseVector;

use crate::{Error, Result, SqlState};

/// A value of one of the vector types.
#[derive(Clone, Debug)]
pub enum VectorValue {
    /// `vector`
    Full(Box<[f32]>),
    /// `halfvec`
    Half(Box<[F16]>),
    /// `sparsevec`
    Sparse(SparseVector),
}

impl VectorValue {
    /// A `vector` of these numbers.
    ///
    /// # Errors
    /// 22000 for no numbers and for one that is not finite, 54000 for too many.
    pub fn full(numbers: Vec<f32>) -> Result<Self> {
        VectorKind::Full.check_dimensions(numbers.len())?;
        // All of them without a jump; which one it was is asked only if there is any.
        let wrong = numbers
            .iter()
            .fold(false, |wrong, x| wrong | !x.is_finite());
        if wrong {
            numbers
                .iter()
                .try_for_each(|number| VectorKind::Full.check_number(*number))?;
        }
        Ok(Self::Full(numbers.into()))
    }

    /// A `halfvec` of these numbers.
    ///
    /// # Errors
    /// As [`VectorValue::full`].
    pub fn half(numbers: Vec<F16>) -> Result<Self> {
        VectorKind::Half.check_dimensions(numbers.len())?;
        numbers
            .iter()
            .try_for_each(|number| VectorKind::Half.check_number(number.to_f32()))?;
        Ok(Self::Half(numbers.into()))
    }

    /// Which of the types it is of.
    #[must_use]
    pub fn kind(&self) -> VectorKind {
        match self {
            Self::Full(_) => VectorKind::Full,
            Self::Half(_) => VectorKind::Half,
            Self::Sparse(_) => VectorKind::Sparse,
        }
    }

    /// How many dimensions it has.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        match self {
            Self::Full(numbers) => numbers.len(),
            Self::Half(numbers) => numbers.len(),
            Self::Sparse(sparse) => sparse.dimensions() as usize,
        }
    }

    /// Refuses a vector of other dimensions than its type asks for.
    ///
    /// # Errors
    /// 22000.
    pub fn expect(&self, modifier: Option<u32>) -> Result<()> {
        match modifier {
            Some(expected) if expected as usize != self.dimensions() => {
                Err(unexpected(expected as usize, self.dimensions()))
            }
            _ => Ok(()),
        }
    }

    /// Bytes that it takes in memory, about.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Full(numbers) => size_of_val(&**numbers),
            Self::Half(numbers) => size_of_val(&**numbers),
            Self::Sparse(sparse) => sparse.values().len() * 8,
        }
    }
}

/// `expected 3 dimensions, not 2`
#[must_use]
#[cold]
pub fn unexpected(expected: usize, found: usize) -> Error {
    data_exception(format!("expected {expected} dimensions, not {found}"))
}

fn data_exception(message: impl Into<String>) -> Error {
    Error::new(SqlState::DATA_EXCEPTION, message)
}
