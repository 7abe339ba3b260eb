//! The three types of vectors and their limits.

use super::data_exception;
use crate::{Error, Result, SqlState};

/// The most dimensions of a dense vector, and the most elements of a sparse one that are not zero.
pub(super) const DENSE_MAX: usize = 16_000;
/// The most dimensions of a sparse vector.
const SPARSE_MAX: usize = 1_000_000_000;

/// Which type of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VectorKind {
    /// `vector`: numbers of 32 bits.
    Full,
    /// `halfvec`: numbers of 16 bits.
    Half,
    /// `sparsevec`: the numbers that are not zero, with their positions.
    Sparse,
}

impl VectorKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Full, Self::Half, Self::Sparse];

    /// The name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "vector",
            Self::Half => "halfvec",
            Self::Sparse => "sparsevec",
        }
    }

    /// The object identifiers of the type and of its arrays. In PostgreSQL an extension gets whatever
    /// is free, so clients ask for them; here they are the same in every database.
    #[must_use]
    pub fn oids(self) -> (u32, u32) {
        match self {
            Self::Full => (9001, 9002),
            Self::Half => (9003, 9004),
            Self::Sparse => (9005, 9006),
        }
    }

    /// The most dimensions.
    #[must_use]
    pub fn dimensions_max(self) -> usize {
        match self {
            Self::Full | Self::Half => DENSE_MAX,
            Self::Sparse => SPARSE_MAX,
        }
    }

    /// The modifier of `vector(n)`.
    ///
    /// # Errors
    /// 22023 for no dimensions or too many.
    pub fn modifier(self, dimensions: i64) -> Result<u32> {
        let name = self.name();
        let invalid = |message| Error::new(SqlState::INVALID_PARAMETER_VALUE, message);
        if dimensions < 1 {
            return Err(invalid(format!(
                "dimensions for type {name} must be at least 1"
            )));
        }
        u32::try_from(dimensions)
            .ok()
            .filter(|n| *n as usize <= self.dimensions_max())
            .ok_or_else(|| {
                let most = self.dimensions_max();
                invalid(format!("dimensions for type {name} cannot exceed {most}"))
            })
    }

    /// Refuses a vector without dimensions, or with too many.
    ///
    /// # Errors
    /// 22000 and 54000.
    pub fn check_dimensions(self, dimensions: usize) -> Result<()> {
        let (name, most) = (self.name(), self.dimensions_max());
        if dimensions == 0 {
            return Err(data_exception(format!(
                "{name} must have at least 1 dimension"
            )));
        }
        if dimensions > most {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("{name} cannot have more than {most} dimensions"),
            ));
        }
        Ok(())
    }

    /// Refuses a number that is not finite.
    pub(super) fn check_number(self, number: f32) -> Result<()> {
        if number.is_finite() {
            return Ok(());
        }
        let what = if number.is_nan() {
            "NaN"
        } else {
            "infinite value"
        };
        Err(data_exception(format!(
            "{what} not allowed in {}",
            self.name()
        )))
    }
}
