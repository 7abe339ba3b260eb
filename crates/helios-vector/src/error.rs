//! What can be wrong with vectors, options and stored bytes.

use thiserror::Error;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A vector has another number of dimensions than the index.
    #[error("expected {expected} dimensions, not {found}")]
    Dimensions {
        /// Of the index.
        expected: usize,
        /// Of the vector.
        found: usize,
    },
    /// A vector holds a NaN or an infinity.
    #[error("element {position} is not finite")]
    NotFinite {
        /// Of the element, from 0.
        position: usize,
    },
    /// Positions of a sparse vector that do not ascend.
    #[error("the positions of a sparse vector must ascend; number {position} does not")]
    Order {
        /// Which one, from 0.
        position: usize,
    },
    /// A vector without direction, where only the direction counts.
    #[error("a zero vector has no cosine distance")]
    ZeroVector,
    /// An id that is in the index already.
    #[error("id {id} is indexed already")]
    Duplicate {
        /// The id.
        id: u64,
    },
    /// An option out of its range.
    #[error("{option} must be between {least} and {most}, not {found}")]
    Option {
        /// Its name.
        option: &'static str,
        /// The least value allowed.
        least: usize,
        /// The greatest value allowed.
        most: usize,
        /// What was given.
        found: usize,
    },
    /// More vectors than the structure can number.
    #[error("an index holds at most {most} vectors")]
    Full {
        /// The limit.
        most: usize,
    },
    /// Training without vectors.
    #[error("training needs at least {needed} vectors, not {found}")]
    TooFewVectors {
        /// How many it takes.
        needed: usize,
        /// How many there were.
        found: usize,
    },
    /// Bytes that are not what was written.
    #[error("{what} is damaged at byte {offset}: {why}")]
    Damaged {
        /// The kind of thing.
        what: &'static str,
        /// Where it was noticed.
        offset: usize,
        /// What was noticed.
        why: &'static str,
    },
    /// Bytes of a version that this program does not know.
    #[error("{what} has version {found}; this program reads {known}")]
    Version {
        /// The kind of thing.
        what: &'static str,
        /// In the bytes.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// The bytes could not be written or read.
    #[error("could not transfer the index: {0}")]
    Io(String),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

/// Refuses an option out of its range.
pub(crate) fn within(
    option: &'static str,
    found: usize,
    least: usize,
    most: usize,
) -> Result<usize> {
    if (least..=most).contains(&found) {
        Ok(found)
    } else {
        Err(Error::Option {
            option,
            least,
            most,
            found,
        })
    }
}
