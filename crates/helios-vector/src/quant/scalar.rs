//! Scalar quantization: each element alone, in eight or four bits.
//!
//! An element is `middle + step · (code - half)`, with a middle and a step for each dimension. A query is
//! multiplied by the steps and brought to eight bits itself, so that a product is one of bytes. Behind
//! the codes lies the square of the decoded vector's length, which makes a distance of a product.

use super::{Estimator, Kind, Quantizer, step_of, tail, to_bytes};
use crate::bytes::{Fields, Put};
use crate::error::{Error, Result, within};
use crate::kernel::{Kernels, kernels, packed_order};
use crate::metric::Metric;
use crate::rng::Rng;

/// Vectors that training looks at.
const SAMPLE: usize = 20_000;

/// Codes of eight or four bits for each element.
#[derive(Debug, Clone, PartialEq)]
pub struct ScalarQuantizer {
    bits: u8,
    middles: Vec<f32>,
    steps: Vec<f32>,
}

impl ScalarQuantizer {
    /// Learns the range of each dimension from prepared vectors.
    ///
    /// # Errors
    /// Fails without vectors and for other numbers of bits than 4 and 8.
    pub fn train(rows: &[f32], dimensions: usize, bits: u8) -> Result<Self> {
        if bits != 4 {
            within("bits", usize::from(bits), 8, 8)?;
        }
        let found = rows.len() / dimensions.max(1);
        if found == 0 {
            return Err(Error::TooFewVectors {
                needed: 1,
                found: 0,
            });
        }
        let picks = Rng::new(1).sample(found, SAMPLE);
        let most = f32::from((1u16 << bits) - 1);
        let (mut middles, mut steps) = (Vec::new(), Vec::new());
        for dimension in 0..dimensions {
            let mut values: Vec<f32> = picks
                .iter()
                .map(|row| rows[row * dimensions + dimension])
                .collect();
            values.sort_by(f32::total_cmp);
            // With few bits, outliers are better cut off than paid for by all.
            let cut = if bits == 4 {
                values.len() / 100
            } else {
                values.len() / 2000
            };
            let (low, high) = (values[cut], values[values.len() - 1 - cut]);
            let step = (high - low) / most;
            steps.push(if step > 0.0 && step.is_finite() {
                step
            } else {
                1e-6
            });
            middles.push(low + (high - low) * 0.5);
        }
        Ok(Self {
            bits,
            middles,
            steps,
        })
    }

    /// The code that stands for the middle, half a step beside it.
    fn half(&self) -> f32 {
        f32::from((1u16 << self.bits) - 1) / 2.0
    }

    /// The codes, a byte each.
    fn unpack(&self, code: &[u8], codes: &mut Vec<u8>) {
        codes.clear();
        if self.bits == 8 {
            codes.extend_from_slice(&code[..self.middles.len()]);
        } else {
            let (bytes, _) = code.split_at(self.middles.len().div_ceil(2));
            codes.extend(bytes.iter().flat_map(|byte| [byte & 15, byte >> 4]));
            codes.truncate(self.middles.len());
        }
    }

    pub(super) fn load(fields: &mut Fields<'_>) -> Result<Self> {
        let bits = fields.u8()?;
        let dimensions = fields.count(65_536)?;
        let quantizer = Self {
            bits,
            middles: fields.f32s(dimensions)?,
            steps: fields.f32s(dimensions)?,
        };
        if (bits == 4 || bits == 8) && dimensions > 0 {
            Ok(quantizer)
        } else {
            Err(fields.damaged("no such number of bits"))
        }
    }
}

impl Quantizer for ScalarQuantizer {
    fn name(&self) -> String {
        format!("scalar, {} bits", self.bits)
    }

    fn dimensions(&self) -> usize {
        self.middles.len()
    }

    fn code_bytes(&self) -> usize {
        (self.middles.len() * usize::from(self.bits)).div_ceil(8) + 4
    }

    fn encode(&self, vector: &[f32], code: &mut [u8]) {
        code.fill(0);
        let (half, most) = (self.half(), (1u16 << self.bits) - 1);
        let mut square = 0.0f64;
        let ranges = self.middles.iter().zip(&self.steps);
        for (at, (x, (middle, step))) in vector.iter().zip(ranges).enumerate() {
            let steps = ((x - middle) / step + half)
                .round()
                .clamp(0.0, f32::from(most));
            let decoded = middle + step * (steps - half);
            square += f64::from(decoded) * f64::from(decoded);
            if self.bits == 8 {
                code[at] = steps as u8;
            } else {
                code[at / 2] |= (steps as u8) << (at % 2 * 4);
            }
        }
        let end = code.len() - 4;
        code[end..].copy_from_slice(&(square as f32).to_le_bytes());
    }

    fn decode(&self, code: &[u8], vector: &mut [f32]) {
        let mut codes = Vec::new();
        self.unpack(code, &mut codes);
        let half = self.half();
        let ranges = self.middles.iter().zip(&self.steps);
        for ((x, code), (middle, step)) in vector.iter_mut().zip(codes).zip(ranges) {
            *x = middle + step * (f32::from(code) - half);
        }
    }

    fn query<'q>(&'q self, metric: Metric, query: &[f32]) -> Box<dyn Estimator + 'q> {
        let kernels = kernels();
        let scaled: Vec<f32> = query
            .iter()
            .zip(&self.steps)
            .map(|(q, step)| q * step)
            .collect();
        let scale = step_of(&scaled);
        let bytes = to_bytes(&scaled, scale);
        let sum: i32 = bytes.iter().map(|byte| i32::from(*byte)).sum();
        Box::new(ScalarEstimator {
            quantizer: self,
            metric,
            kernels,
            query: query.to_vec(),
            square: kernels.dot(query, query),
            scale,
            // What the middles and the shift of the codes add to every product.
            constant: kernels.dot(query, &self.middles) - scale * self.half() * sum as f32,
            bytes: packed_order(self.bits, &bytes),
        })
    }

    fn save(&self) -> Vec<u8> {
        let mut out = vec![Kind::Scalar as u8, self.bits];
        out.put_u64(self.middles.len() as u64);
        out.put_f32s(&self.middles);
        out.put_f32s(&self.steps);
        out
    }

    fn memory(&self) -> usize {
        self.middles.len() * 8
    }
}

struct ScalarEstimator<'q> {
    quantizer: &'q ScalarQuantizer,
    metric: Metric,
    kernels: &'static dyn Kernels,
    query: Vec<f32>,
    square: f32,
    scale: f32,
    constant: f32,
    /// The query, in the order in which packed codes meet it.
    bytes: Vec<i8>,
}

impl ScalarEstimator<'_> {
    #[inline]
    fn of_product(&self, product: i32, code: &[u8]) -> f32 {
        let dot = self.constant + self.scale * product as f32;
        match self.metric {
            Metric::L2 => (tail(code) + self.square - 2.0 * dot).max(0.0),
            Metric::Jaccard => {
                let apart = (tail(code) + self.square - 2.0 * dot).max(0.0);
                crate::metric::jaccard(dot, apart)
            }
            _ => -dot,
        }
    }
}

impl Estimator for ScalarEstimator<'_> {
    fn score(&self, code: &[u8]) -> f32 {
        if self.metric == Metric::L1 {
            let mut vector = vec![0.0; self.query.len()];
            self.quantizer.decode(code, &mut vector);
            return self.kernels.l1(&self.query, &vector);
        }
        let codes = &code[..code.len().saturating_sub(4)];
        let bits = self.quantizer.bits;
        self.of_product(self.kernels.dot_packed(bits, codes, &self.bytes), code)
    }

    fn score_4(&self, codes: [&[u8]; 4]) -> [f32; 4] {
        if self.metric == Metric::L1 {
            return codes.map(|code| self.score(code));
        }
        let products = self.kernels.dot_packed_4(
            self.quantizer.bits,
            codes.map(|code| &code[..code.len().saturating_sub(4)]),
            &self.bytes,
        );
        let [p, q, r, s] = products;
        let [a, b, c, d] = codes;
        [
            self.of_product(p, a),
            self.of_product(q, b),
            self.of_product(r, c),
            self.of_product(s, d),
        ]
    }
}
