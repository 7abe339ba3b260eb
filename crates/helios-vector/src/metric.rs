//! How far two vectors are from each other.

use crate::error::{Error, Result};
use crate::kernel::Kernels;

/// What is meant by near.
///
/// Structures compare *scores*, numbers that order as distances do and cost less: the squared
/// distance for [`Metric::L2`], the negated product for [`Metric::Cosine`] between vectors that
/// were brought to unit length. [`Metric::distance`] turns a score into what SQL shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Euclidean distance, `<->`.
    L2,
    /// Negated inner product, `<#>`.
    InnerProduct,
    /// One minus the cosine of the angle, `<=>`.
    Cosine,
    /// Sum of the absolute differences, `<+>`.
    L1,
    /// One minus the share of the bits set in either that are set in both, `<%>`, of vectors of zeros
    /// and ones; one where no bit is set in both. Of other numbers it is Tanimoto's distance,
    /// `1 - a·b / (a·a + b·b - a·b)`.
    Jaccard,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::L2,
        Self::InnerProduct,
        Self::Cosine,
        Self::L1,
        Self::Jaccard,
    ];

    /// The number that stands for it in stored bytes.
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::L2 => 0,
            Self::InnerProduct => 1,
            Self::Cosine => 2,
            Self::L1 => 3,
            Self::Jaccard => 4,
        }
    }

    pub(crate) fn from_tag(tag: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.tag() == tag)
    }

    /// The score of two prepared vectors.
    #[inline]
    pub(crate) fn score(self, kernels: &dyn Kernels, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::L2 => kernels.l2(a, b),
            Self::InnerProduct | Self::Cosine => -kernels.dot(a, b),
            Self::L1 => kernels.l1(a, b),
            Self::Jaccard => jaccard(kernels.dot(a, b), kernels.l2(a, b)),
        }
    }

    /// The scores of four prepared vectors against one.
    #[inline]
    pub(crate) fn score_4(self, kernels: &dyn Kernels, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        match self {
            Self::L2 => kernels.l2_4(a, rows),
            Self::InnerProduct | Self::Cosine => kernels.dot_4(a, rows).map(|dot| -dot),
            Self::L1 => kernels.l1_4(a, rows),
            Self::Jaccard => {
                let (both, apart) = (kernels.dot_4(a, rows), kernels.l2_4(a, rows));
                [0, 1, 2, 3].map(|at| jaccard(both[at], apart[at]))
            }
        }
    }

    /// The score of a prepared vector and one as it was inserted; `None` if that is refused. In one pass over it,
    /// but for numbers so large or so small that they take a closer look.
    pub(crate) fn outside(self, kernels: &dyn Kernels, query: &[f32], row: &[f32]) -> Option<f32> {
        let score = match self {
            Self::Cosine => {
                let [product, _, square] = kernels.products(query, row);
                match square.is_normal() {
                    true => -product / square.sqrt(),
                    false => f32::NAN,
                }
            }
            _ => self.score(kernels, query, row),
        };
        // Whatever is not finite in a row comes out here.
        if score.is_finite() {
            return Some(score);
        }
        let row = self.prepare(query.len(), row).ok()?;
        Some(self.score(kernels, query, &row))
    }

    /// What SQL shows for a score.
    #[must_use]
    pub fn distance(self, score: f32) -> f32 {
        match self {
            Self::L2 => score.max(0.0).sqrt(),
            // Rounding may bring the product of two unit vectors above one.
            Self::Cosine => (1.0 + score).clamp(0.0, 2.0),
            Self::InnerProduct | Self::L1 | Self::Jaccard => score,
        }
    }

    /// Refuses what has no distance, and brings vectors to unit length where only their direction
    /// counts.
    ///
    /// # Errors
    /// Fails on another number of dimensions, on elements that are not finite, and on zero vectors
    /// under [`Metric::Cosine`].
    pub fn prepare(self, dimensions: usize, vector: &[f32]) -> Result<Vec<f32>> {
        check(dimensions, vector)?;
        let mut prepared = vector.to_vec();
        if self == Self::Cosine {
            normalize(&mut prepared)?;
        }
        Ok(prepared)
    }
}

/// The score of a product and a squared distance: what is set in either is set in both or differs.
/// Of zeros and ones both are whole numbers, and this is as near as a quotient can be.
#[inline]
pub(crate) fn jaccard(both: f32, apart: f32) -> f32 {
    let either = both + apart;
    if both == 0.0 || either <= 0.0 {
        1.0
    } else {
        // Numbers so large that both are infinite are as far apart as can be.
        let share = both / either;
        if share.is_nan() { 1.0 } else { 1.0 - share }
    }
}

/// Refuses a vector of other dimensions or with elements that are not finite.
pub(crate) fn check(dimensions: usize, vector: &[f32]) -> Result<()> {
    if vector.len() != dimensions {
        return Err(Error::Dimensions {
            expected: dimensions,
            found: vector.len(),
        });
    }
    match vector.iter().position(|element| !element.is_finite()) {
        Some(position) => Err(Error::NotFinite { position }),
        None => Ok(()),
    }
}

/// Brings a finite vector to unit length.
pub(crate) fn normalize(vector: &mut [f32]) -> Result<()> {
    // In double precision nothing overflows, and no element but a true zero vanishes.
    let length = vector
        .iter()
        .map(|x| f64::from(*x) * f64::from(*x))
        .sum::<f64>()
        .sqrt();
    if length == 0.0 {
        return Err(Error::ZeroVector);
    }
    for element in vector {
        *element = (f64::from(*element) / length) as f32;
    }
    Ok(())
}
