//! The options of lists.

use std::sync::Arc;

use crate::error::{Result, within};
use crate::quant::{OpqQuantizer, ProductQuantizer, Quantizer, RabitqQuantizer, ScalarQuantizer};
use crate::work::Work;

/// How lists hold vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As they are.
    Full,
    /// So many bits for each element, 4 or 8.
    Scalar {
        /// Bits.
        bits: u8,
    },
    /// So many parts, each the number of one of 16 or 256 centroids.
    Product {
        /// Parts.
        parts: usize,
        /// Centroids.
        centroids: usize,
        /// Whether a rotation is learnt first.
        rotated: bool,
    },
    /// So many bits for each element of the rotated rest: 1, 2, 4 or 8.
    Rabitq {
        /// Bits.
        bits: u8,
    },
}

impl Codec {
    pub(super) fn train(
        self,
        rests: &[f32],
        dimensions: usize,
        seed: u64,
        work: Work<'_>,
    ) -> Result<Option<Arc<dyn Quantizer>>> {
        Ok(Some(match self {
            Self::Full => return Ok(None),
            Self::Scalar { bits } => Arc::new(ScalarQuantizer::train(rests, dimensions, bits)?),
            Self::Product {
                parts,
                centroids,
                rotated: false,
            } => Arc::new(ProductQuantizer::train(
                rests, dimensions, parts, centroids, seed, work,
            )?),
            Self::Product {
                parts, centroids, ..
            } => Arc::new(OpqQuantizer::train(
                rests, dimensions, parts, centroids, seed, work,
            )?),
            Self::Rabitq { bits } => {
                Arc::new(RabitqQuantizer::train(rests, dimensions, bits, seed)?)
            }
        }))
    }
}

/// The options of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IvfOptions {
    /// Lists, from 1 to 1,048,576; about the square root of the number of vectors is good.
    pub lists: usize,
    /// Lists that a search looks at when it is not told.
    pub probes: usize,
    /// How lists hold vectors.
    pub codec: Codec,
    /// Whether full vectors are kept beside codes, for rescoring.
    pub keep: bool,
    /// Decides what training picks.
    pub seed: u64,
}

impl Default for IvfOptions {
    fn default() -> Self {
        Self {
            lists: 256,
            probes: 8,
            codec: Codec::Full,
            keep: true,
            seed: 0,
        }
    }
}

impl IvfOptions {
    pub(super) fn check(&self, dimensions: usize) -> Result<()> {
        within("dimensions", dimensions, 1, 65_536)?;
        within("lists", self.lists, 1, 1 << 20)?;
        within("probes", self.probes, 1, 1 << 20)?;
        Ok(())
    }
}
