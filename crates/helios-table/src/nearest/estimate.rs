//! What an index of nearness that is not there would take.

use super::structure::Shape;
use crate::catalog::{Blueprint, Method, Quantization};

/// Bytes of a vector that are neither numbers nor links: its number, its levels, the key of its row and a fingerprint.
const EACH: usize = 48;
/// Of the place of a slot: key, fingerprint, and where both are found.
const SLOT: usize = 60;
/// Bytes of a link; the lowest level has room for twice `m` of them, beside codes for as many as there are, some nine eighths of `m`
/// in places of a few sizes.
const LINK: usize = 4;
/// One vector among 60,000 of one processor, in microseconds, for each candidate that is followed for it: once, and
/// for each dimension.
const FOLLOWED: (f64, f64) = (0.47, 0.0031);

/// What an index would take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Bytes in memory, about.
    pub bytes: u64,
    /// Seconds to make it on so many processors, about: measured on one kind of machine, others are twice or half as quick.
    pub seconds: f64,
    /// The codes that would stand for vectors.
    pub quantization: Quantization,
}

impl Blueprint {
    /// What an index of so many rows, made on so many processors, would take.
    #[must_use]
    pub fn estimate(&self, rows: u64, processors: usize) -> Estimate {
        let count = usize::try_from(rows).unwrap_or(usize::MAX);
        let shape = Shape::new(*self, count);
        let quantization = shape.quantization();
        let dimensions = self.dimensions;
        let numbers = match quantization {
            Quantization::None if self.of_bits => dimensions.div_ceil(8),
            Quantization::None => dimensions * 4,
            Quantization::Scalar { bits } | Quantization::Rabitq { bits } => {
                (dimensions * usize::from(bits)).div_ceil(8) + 16
            }
            Quantization::Product {
                parts, centroids, ..
            } => match centroids {
                16 => parts.div_ceil(2),
                _ => parts,
            },
        };
        let links = match self.method {
            Method::Hnsw if quantization == Quantization::None => self.m * 2 * LINK,
            Method::Hnsw => self.m * 3 / 2 * LINK,
            Method::Ivf | Method::Lsh => 16,
        };
        let each = (numbers + links + EACH + SLOT) as u64;
        let (once, dimension) = FOLLOWED;
        let followed = match self.method {
            Method::Hnsw => self.ef_construction as f64,
            // A vector is compared with the middles of all lists.
            Method::Ivf => shape.lists() as f64 / 8.0,
            Method::Lsh => 8.0,
        };
        let depth = (count.max(2) as f64).log2() / 16.0;
        let cost = followed * (once + dimension * dimensions as f64) * depth * 1e-6;
        Estimate {
            bytes: rows.saturating_mul(each),
            seconds: rows as f64 * cost / processors.clamp(1, 16) as f64,
            quantization,
        }
    }
}
