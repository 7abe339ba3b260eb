//! Vectors of zeros and ones, a bit for each element: nothing is lost, and distances are counts.

use super::{Estimator, Kind, Quantizer};
use crate::bytes::{Fields, Put};
use crate::error::Result;
use crate::kernel::{Kernels, kernels};
use crate::metric::Metric;

/// The elements of a word.
const WORD: usize = 64;

/// Whether each element is above a half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitQuantizer {
    dimensions: usize,
}

impl BitQuantizer {
    /// Of vectors with so many elements.
    ///
    /// # Errors
    /// Fails for no dimensions and for more than 65,536.
    pub fn new(dimensions: usize) -> Result<Self> {
        crate::error::within("dimensions", dimensions, 1, 65_536)?;
        Ok(Self { dimensions })
    }

    pub(super) fn load(fields: &mut Fields<'_>) -> Result<Self> {
        match fields.count(65_536)? {
            0 => Err(fields.damaged("no dimensions")),
            dimensions => Ok(Self { dimensions }),
        }
    }
}

/// The bits of a vector, the first in the lowest bit of the first word.
fn words(vector: &[f32]) -> impl Iterator<Item = u64> {
    vector.chunks(WORD).map(|chunk| {
        let bits = chunk.iter().enumerate();
        bits.fold(0, |word, (at, x)| word | u64::from(*x > 0.5) << at)
    })
}

impl Quantizer for BitQuantizer {
    fn name(&self) -> String {
        "bits".to_owned()
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn code_bytes(&self) -> usize {
        self.dimensions.div_ceil(WORD) * 8
    }

    fn encode(&self, vector: &[f32], code: &mut [u8]) {
        for (place, word) in code.as_chunks_mut::<8>().0.iter_mut().zip(words(vector)) {
            *place = word.to_le_bytes();
        }
    }

    fn decode(&self, code: &[u8], vector: &mut [f32]) {
        for (chunk, byte) in vector.chunks_mut(8).zip(code) {
            for (at, x) in chunk.iter_mut().enumerate() {
                *x = f32::from(byte >> at & 1);
            }
        }
    }

    fn query<'q>(&'q self, metric: Metric, query: &[f32]) -> Box<dyn Estimator + 'q> {
        let words: Vec<u64> = words(query).collect();
        Box::new(BitEstimator {
            metric,
            kernels: kernels(),
            ones: words.iter().map(|word| word.count_ones()).sum(),
            words,
        })
    }

    fn save(&self) -> Vec<u8> {
        let mut out = vec![Kind::Bits as u8];
        out.put_u64(self.dimensions as u64);
        out
    }

    fn memory(&self) -> usize {
        0
    }
}

struct BitEstimator {
    metric: Metric,
    kernels: &'static dyn Kernels,
    words: Vec<u64>,
    ones: u32,
}

impl Estimator for BitEstimator {
    #[inline]
    fn score(&self, code: &[u8]) -> f32 {
        match self.metric {
            // Of zeros and ones all powers of a difference are one.
            Metric::L2 | Metric::L1 => self.kernels.hamming_bytes(code, &self.words) as f32,
            Metric::InnerProduct => -(self.kernels.overlap_bytes(code, &self.words)[0] as f32),
            Metric::Jaccard => {
                let [both, either] = self.kernels.overlap_bytes(code, &self.words);
                crate::metric::jaccard(both as f32, (either - both) as f32)
            }
            Metric::Cosine => {
                let [both, either] = self.kernels.overlap_bytes(code, &self.words);
                // What is set in either and not in the query is set in the code, as is what is set in both.
                let ones = either + both - self.ones;
                let lengths = (f64::from(ones) * f64::from(self.ones)).sqrt();
                match lengths > 0.0 {
                    true => (-f64::from(both) / lengths) as f32,
                    false => 0.0,
                }
            }
        }
    }
}
