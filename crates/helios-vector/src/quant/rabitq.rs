//! RaBitQ (Gao and Long, 2024; with more bits Gao et al., 2025): a rotated vector by the direction of a
//! grid point, one to eight bits an element, with an estimate that is right on average and a bound of
//! its error.
//!
//! For a vector `x`, the mean `c` of all and the rotation `R`, let `o = R(x - c)`, `r` its length and `u` its
//! direction. A code is a point `v` of the grid, in each element one of `2^bits` numbers around zero, chosen
//! so that the angle between `v` and `u` is small. Then `⟨v, q⟩ / ⟨v, u⟩` estimates `⟨u, q⟩` without bias, and is
//! off by more than `ε · √(1/t² - 1) / √(D - 1) · |q|` with `t = ⟨v, u⟩ / |v|` once in very many times only.
//!
//! Behind the grid point lie four numbers: `r²`, `⟨x, c⟩`, `r / ⟨v, u⟩` and the error for `|q| = 1`, of which a
//! distance and a product are made.

use super::rotation::Rotation;
use super::{Estimator, Kind, Quantizer, step_of, to_bytes};
use crate::bytes::{Fields, Put};
use crate::error::{Error, Result};
use crate::kernel::{Kernels, kernels, packed_order};
use crate::metric::Metric;

/// How many times its usual size an error may have: the paper's 1.9, at which a bound fails for about
/// one in a hundred thousand vectors of many dimensions.
const EPSILON: f32 = 1.9;
/// Bytes behind the grid point.
const TAIL: usize = 16;

/// Directions of rotated vectors in a few bits.
#[derive(Debug, Clone, PartialEq)]
pub struct RabitqQuantizer {
    bits: u8,
    seed: u64,
    centre: Vec<f32>,
    /// The square of the centre's length.
    square: f32,
    rotation: Rotation,
}

impl RabitqQuantizer {
    /// Takes the mean of prepared vectors; nothing else is learnt.
    ///
    /// # Errors
    /// Fails without vectors, and for other numbers of bits than 1, 2, 4 and 8.
    pub fn train(rows: &[f32], dimensions: usize, bits: u8, seed: u64) -> Result<Self> {
        if !matches!(bits, 1 | 2 | 4 | 8) {
            return Err(Error::Option {
                option: "bits",
                least: 1,
                most: 8,
                found: usize::from(bits),
            });
        }
        let found = rows.len() / dimensions.max(1);
        if found == 0 {
            return Err(Error::TooFewVectors {
                needed: 1,
                found: 0,
            });
        }
        let mut sums = vec![0.0f64; dimensions];
        for row in rows.chunks_exact(dimensions) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += f64::from(*x);
            }
        }
        let centre = sums.iter().map(|sum| (sum / found as f64) as f32).collect();
        Ok(Self::new(bits, seed, centre))
    }

    pub(crate) fn new(bits: u8, seed: u64, centre: Vec<f32>) -> Self {
        Self {
            bits,
            seed,
            square: centre.iter().map(|x| x * x).sum(),
            rotation: Rotation::new(centre.len(), seed),
            centre,
        }
    }

    /// The offset that makes codes numbers around zero.
    fn half(&self) -> f32 {
        f32::from((1u16 << self.bits) - 1) / 2.0
    }

    /// The grid point with a small angle to a direction, as codes.
    fn grid(&self, direction: &[f32]) -> Vec<u8> {
        let (half, most) = (self.half(), f32::from((1u16 << self.bits) - 1));
        if self.bits == 1 {
            return direction.iter().map(|x| u8::from(*x > 0.0)).collect();
        }
        let largest = direction
            .iter()
            .fold(f32::MIN_POSITIVE, |most, x| most.max(x.abs()));
        let codes_at = |scale: f32| -> Vec<u8> {
            let code = |x: &f32| (x * scale + half).round().clamp(0.0, most) as u8;
            direction.iter().map(code).collect()
        };
        let mut best = (f64::NEG_INFINITY, Vec::new());
        // From a grid in which the largest element just fits to one that cuts off all but the small.
        for step in 0..24 {
            let codes = codes_at((half + 0.5) / largest * (1.0 + step as f32 * 0.12));
            let (mut product, mut square) = (0.0f64, 0.0f64);
            for (code, x) in codes.iter().zip(direction) {
                let v = f64::from(*code) - f64::from(half);
                product += v * f64::from(*x);
                square += v * v;
            }
            let cosine = product / square.sqrt();
            if cosine > best.0 {
                best = (cosine, codes);
            }
        }
        best.1
    }

    fn pack(&self, codes: &[u8], packed: &mut [u8]) {
        let each = 8 / usize::from(self.bits);
        for (byte, codes) in packed.iter_mut().zip(codes.chunks(each)) {
            *byte = codes.iter().enumerate().fold(0, |byte, (at, code)| {
                byte | code << (at * usize::from(self.bits))
            });
        }
    }

    fn unpack(&self, code: &[u8], codes: &mut Vec<u8>) {
        codes.clear();
        let grid = &code[..code.len() - TAIL];
        match self.bits {
            8 => codes.extend_from_slice(grid),
            4 => codes.extend(grid.iter().flat_map(|byte| [byte & 15, byte >> 4])),
            2 => codes.extend(
                grid.iter()
                    .flat_map(|byte| [0, 2, 4, 6].map(|at| byte >> at & 3)),
            ),
            _ => codes.extend(
                grid.iter()
                    .flat_map(|byte| [0, 1, 2, 3, 4, 5, 6, 7].map(|at| byte >> at & 1)),
            ),
        }
    }

    /// A vector rotated as codes are.
    pub(crate) fn turn(&self, vector: &[f32]) -> Vec<f32> {
        self.rotation.apply(vector)
    }

    /// A vector rotated with the centre, which is taken from whatever is coded.
    pub(crate) fn turn_from_centre(&self, vector: &[f32]) -> Vec<f32> {
        let moved: Vec<f32> = vector
            .iter()
            .zip(&self.centre)
            .map(|(x, c)| x + c)
            .collect();
        self.rotation.apply(&moved)
    }

    /// A query of which the rotated difference to the centre is known, for distances.
    pub(crate) fn turned_query(&self, turned: &[f32]) -> impl Estimator + '_ {
        RabitqEstimator::of_turned(self, Metric::L2, turned)
    }

    pub(super) fn load(fields: &mut Fields<'_>) -> Result<Self> {
        let bits = fields.u8()?;
        let seed = fields.u64()?;
        let dimensions = fields.count(65_536)?;
        if !matches!(bits, 1 | 2 | 4 | 8) || dimensions == 0 {
            return Err(fields.damaged("no such number of bits"));
        }
        Ok(Self::new(bits, seed, fields.f32s(dimensions)?))
    }
}

/// The grid points of four codes: spelt out, since `map` of an array would call for each of them.
#[inline(always)]
fn grids([a, b, c, d]: [&[u8]; 4]) -> [&[u8]; 4] {
    [
        &a[..a.len() - TAIL],
        &b[..b.len() - TAIL],
        &c[..c.len() - TAIL],
        &d[..d.len() - TAIL],
    ]
}

/// The four numbers behind a grid point.
#[inline]
fn numbers(code: &[u8]) -> [f32; 4] {
    let (chunks, _) = code[code.len() - TAIL..].as_chunks::<4>();
    [
        f32::from_le_bytes(chunks[0]),
        f32::from_le_bytes(chunks[1]),
        f32::from_le_bytes(chunks[2]),
        f32::from_le_bytes(chunks[3]),
    ]
}

impl Quantizer for RabitqQuantizer {
    fn name(&self) -> String {
        format!("rabitq, {} bits", self.bits)
    }

    fn dimensions(&self) -> usize {
        self.centre.len()
    }

    fn code_bytes(&self) -> usize {
        self.rotation.length() * usize::from(self.bits) / 8 + TAIL
    }

    fn encode(&self, vector: &[f32], code: &mut [u8]) {
        let kernels = kernels();
        let rest: Vec<f32> = vector
            .iter()
            .zip(&self.centre)
            .map(|(x, c)| x - c)
            .collect();
        let turned = self.rotation.apply(&rest);
        let codes = self.grid(&turned);
        let end = code.len() - TAIL;
        self.pack(&codes, &mut code[..end]);
        let half = self.half();
        let point: Vec<f32> = codes.iter().map(|code| f32::from(*code) - half).collect();
        let square = kernels.dot(&turned, &turned);
        let product = kernels.dot(&turned, &point);
        // The product of the grid point and the vector is positive, but for a vector in the centre.
        let (factor, error) = if product > 0.0 {
            let cosine = f64::from(product)
                / (f64::from(square) * f64::from(kernels.dot(&point, &point))).sqrt();
            let spread = (1.0 / (cosine * cosine) - 1.0).max(0.0).sqrt();
            let free = (self.rotation.length() as f64 - 1.0).max(1.0).sqrt();
            (
                square / product,
                (f64::from(square).sqrt() * spread / free) as f32,
            )
        } else {
            (0.0, 0.0)
        };
        let shift = kernels.dot(vector, &self.centre);
        let places = code[end..].as_chunks_mut::<4>().0;
        for (place, number) in places.iter_mut().zip([square, shift, factor, error]) {
            *place = number.to_le_bytes();
        }
    }

    fn decode(&self, code: &[u8], vector: &mut [f32]) {
        let mut codes = Vec::new();
        self.unpack(code, &mut codes);
        let half = self.half();
        let mut point: Vec<f32> = codes.iter().map(|code| f32::from(*code) - half).collect();
        let [square, _, factor, _] = numbers(code);
        let length: f32 = point.iter().map(|v| v * v).sum();
        // The multiple of the grid point that is nearest to the vector.
        let scale = if factor > 0.0 {
            square / (factor * length)
        } else {
            0.0
        };
        point.iter_mut().for_each(|v| *v *= scale);
        self.rotation.undo(&mut point);
        for ((x, turned), c) in vector.iter_mut().zip(point).zip(&self.centre) {
            *x = turned + c;
        }
    }

    fn query<'q>(&'q self, metric: Metric, query: &[f32]) -> Box<dyn Estimator + 'q> {
        Box::new(RabitqEstimator::new(self, metric, query))
    }

    fn save(&self) -> Vec<u8> {
        let mut out = vec![Kind::Rabitq as u8, self.bits];
        out.put_u64(self.seed);
        out.put_u64(self.centre.len() as u64);
        out.put_f32s(&self.centre);
        out
    }

    fn as_rabitq(&self) -> Option<&RabitqQuantizer> {
        Some(self)
    }

    fn is_coarse(&self) -> bool {
        self.bits == 1
    }

    fn memory(&self) -> usize {
        self.centre.len() * 4 + self.rotation.length() * 16
    }
}

struct RabitqEstimator<'q> {
    quantizer: &'q RabitqQuantizer,
    metric: Metric,
    kernels: &'static dyn Kernels,
    query: Vec<f32>,
    /// The square and the length of the query less the centre.
    square: f32,
    length: f32,
    /// The product of the query and the centre, less the centre's square.
    shift: f32,
    /// An element of the rotated query is about `step` times its byte. Bytes are in the order in which
    /// packed codes meet them.
    step: f32,
    bytes: Vec<i8>,
    /// What codes that begin at zero, and not around it, add to every product.
    excess: f32,
    /// What the query lost in its own quantization, a random walk of half steps.
    lost: f32,
}

impl<'q> RabitqEstimator<'q> {
    fn new(quantizer: &'q RabitqQuantizer, metric: Metric, query: &[f32]) -> Self {
        let kernels = kernels();
        let rest: Vec<f32> = query
            .iter()
            .zip(&quantizer.centre)
            .map(|(q, c)| q - c)
            .collect();
        let turned = quantizer.rotation.apply(&rest);
        Self {
            query: query.to_vec(),
            shift: kernels.dot(query, &quantizer.centre) - quantizer.square,
            ..Self::of_turned(quantizer, metric, &turned)
        }
    }

    /// Without what only products and [`Metric::L1`] need.
    fn of_turned(quantizer: &'q RabitqQuantizer, metric: Metric, turned: &[f32]) -> Self {
        let kernels = kernels();
        let square = kernels.dot(turned, turned);
        let step = step_of(turned);
        let bytes = to_bytes(turned, step);
        let sum: i32 = bytes.iter().map(|byte| i32::from(*byte)).sum();
        let half = quantizer.half();
        Self {
            quantizer,
            metric,
            kernels,
            query: Vec::new(),
            square,
            length: square.sqrt(),
            shift: 0.0,
            step,
            bytes: packed_order(quantizer.bits, &bytes),
            excess: step * half * sum as f32,
            lost: step * (turned.len() as f32 / 12.0).sqrt() * half,
        }
    }

    /// The score of a code whose product with the query's bytes is known.
    #[inline]
    fn of_product(&self, product: i32, code: &[u8]) -> f32 {
        let [square, shift, factor, _] = numbers(code);
        let product = factor * (self.step * product as f32 - self.excess);
        match self.metric {
            Metric::L2 => square + self.square - 2.0 * product,
            Metric::Jaccard => {
                let apart = (square + self.square - 2.0 * product).max(0.0);
                crate::metric::jaccard(product + shift + self.shift, apart)
            }
            _ => -(product + shift + self.shift),
        }
    }
}

impl Estimator for RabitqEstimator<'_> {
    fn score(&self, code: &[u8]) -> f32 {
        if self.metric == Metric::L1 {
            let mut vector = vec![0.0; self.query.len()];
            self.quantizer.decode(code, &mut vector);
            return self.kernels.l1(&self.query, &vector);
        }
        let grid = &code[..code.len() - TAIL];
        let bits = self.quantizer.bits;
        self.of_product(self.kernels.dot_packed(bits, grid, &self.bytes), code)
    }

    fn score_4(&self, codes: [&[u8]; 4]) -> [f32; 4] {
        if self.metric == Metric::L1 {
            return codes.map(|code| self.score(code));
        }
        let products = self
            .kernels
            .dot_packed_4(self.quantizer.bits, grids(codes), &self.bytes);
        let [p, q, r, s] = products;
        let [a, b, c, d] = codes;
        [
            self.of_product(p, a),
            self.of_product(q, b),
            self.of_product(r, c),
            self.of_product(s, d),
        ]
    }

    fn error(&self, code: &[u8]) -> Option<f32> {
        let [_, _, factor, error] = numbers(code);
        let error = EPSILON * (error * self.length + factor * self.lost);
        match self.metric {
            Metric::L2 => Some(2.0 * error),
            Metric::InnerProduct | Metric::Cosine => Some(error),
            Metric::L1 | Metric::Jaccard => None,
        }
    }
}
