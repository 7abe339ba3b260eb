//! Distances between vectors: what `<->` and its kin compute, by the kernels of `helios-vector`.
//!
//! Sums are in single precision, as pgvector's are; its order of additions is another, so the last
//! digits may be others.

use helios_base::{Error, Result, SqlState, VectorKind, VectorValue};
use helios_vector::Sparse;
use helios_vector::kernel::kernels;

/// A distance that two vectors have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Distance {
    /// `<->`: Euclidean.
    L2,
    /// `<#>`: the inner product, negated.
    InnerProduct,
    /// `<=>`: one minus the cosine of the angle; no number for a vector of zeros.
    Cosine,
    /// `<+>`: the sum of the absolute differences.
    L1,
}

impl Distance {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::L2, Self::InnerProduct, Self::Cosine, Self::L1];

    /// The operator.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::L2 => "<->",
            Self::InnerProduct => "<#>",
            Self::Cosine => "<=>",
            Self::L1 => "<+>",
        }
    }

    /// The distance that the operator of this name computes.
    #[must_use]
    pub fn of_symbol(symbol: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.symbol() == symbol)
    }

    /// The distance of two vectors of one type.
    ///
    /// # Errors
    /// 22000 for vectors of different dimensions.
    pub fn between(self, a: &VectorValue, b: &VectorValue) -> Result<f64> {
        same_dimensions(a, b)?;
        if let (VectorValue::Sparse(a), VectorValue::Sparse(b)) = (a, b) {
            return self.sparse(
                Sparse::new(a.positions(), a.values()).map_err(internal)?,
                Sparse::new(b.positions(), b.values()).map_err(internal)?,
            );
        }
        Ok(self.dense(&a.numbers(), &b.numbers()))
    }

    /// The distance of two dense vectors of the same dimensions.
    #[must_use]
    pub fn dense(self, a: &[f32], b: &[f32]) -> f64 {
        let kernels = kernels();
        match self {
            Self::L2 => f64::from(kernels.l2(a, b)).sqrt(),
            Self::InnerProduct => f64::from(-kernels.dot(a, b)),
            Self::Cosine => 1.0 - cosine(kernels.products(a, b)),
            Self::L1 => f64::from(kernels.l1(a, b)),
        }
    }

    /// The distances of one dense vector and four others of the same dimensions.
    #[must_use]
    pub fn dense_4(self, a: &[f32], rows: [&[f32]; 4]) -> [f64; 4] {
        let kernels = kernels();
        match self {
            Self::L2 => kernels.l2_4(a, rows).map(|square| f64::from(square).sqrt()),
            Self::InnerProduct => kernels.dot_4(a, rows).map(|dot| f64::from(-dot)),
            Self::Cosine => rows.map(|row| 1.0 - cosine(kernels.products(a, row))),
            Self::L1 => kernels.l1_4(a, rows).map(f64::from),
        }
    }

    fn sparse(self, a: Sparse<'_>, b: Sparse<'_>) -> Result<f64> {
        Ok(match self {
            Self::L2 => f64::from(a.l2(b)).sqrt(),
            Self::InnerProduct => f64::from(-a.dot(b)),
            Self::Cosine => 1.0 - f64::from(a.cosine(b)),
            Self::L1 => f64::from(a.l1(b)),
        })
    }
}

/// What an operator or a function makes of a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Measure {
    /// The distance.
    pub distance: Distance,
    reading: Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reading {
    Same,
    Negated,
    OneMinus,
}

impl Measure {
    /// What the operator or function of this name computes of two vectors.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (distance, reading) = match name {
            "l2_distance" => (Distance::L2, Reading::Same),
            "inner_product" => (Distance::InnerProduct, Reading::Negated),
            "cosine_distance" => (Distance::Cosine, Reading::Same),
            "cosine_similarity" => (Distance::Cosine, Reading::OneMinus),
            "l1_distance" => (Distance::L1, Reading::Same),
            symbol => (Distance::of_symbol(symbol)?, Reading::Same),
        };
        Some(Self { distance, reading })
    }

    /// The name of the function.
    #[must_use]
    pub fn name(self) -> &'static str {
        match (self.distance, self.reading) {
            (Distance::L2, _) => "l2_distance",
            (Distance::InnerProduct, Reading::Negated) => "inner_product",
            (Distance::InnerProduct, _) => "negative_inner_product",
            (Distance::Cosine, Reading::OneMinus) => "cosine_similarity",
            (Distance::Cosine, _) => "cosine_distance",
            (Distance::L1, _) => "l1_distance",
        }
    }

    /// Whether it is the distance as it is.
    #[must_use]
    pub fn is_distance(&self) -> bool {
        self.reading == Reading::Same
    }

    /// What it makes of a distance.
    #[must_use]
    #[inline]
    pub fn read(self, distance: f64) -> f64 {
        match self.reading {
            Reading::Same => distance,
            Reading::Negated => -distance,
            Reading::OneMinus => 1.0 - distance,
        }
    }
}

/// The cosine of the angle, of the products `a·b`, `a·a` and `b·b`.
fn cosine([ab, aa, bb]: [f32; 3]) -> f64 {
    let lengths = (f64::from(aa) * f64::from(bb)).sqrt();
    // Rounding may bring the product of parallel vectors beyond one.
    (f64::from(ab) / lengths).clamp(-1.0, 1.0)
}

/// Refuses vectors of different dimensions.
pub(crate) fn same_dimensions(a: &VectorValue, b: &VectorValue) -> Result<()> {
    if a.dimensions() == b.dimensions() {
        return Ok(());
    }
    Err(different(a.kind(), a.dimensions(), b.dimensions()))
}

/// `different vector dimensions 2 and 3`
#[must_use]
#[cold]
pub fn different(kind: VectorKind, a: usize, b: usize) -> Error {
    Error::new(
        SqlState::DATA_EXCEPTION,
        format!("different {} dimensions {a} and {b}", kind.name()),
    )
}

fn internal(error: helios_vector::Error) -> Error {
    Error::internal("a stored sparse vector is none").with_source(error)
}
