//! Optimized product quantization (Ge, He, Ke and Sun, 2013): a rotation before the parts are cut, so
//! that what belongs together comes into one part.
//!
//! Codes and rotation are learnt in turns: codes for the rotated vectors, then the rotation that brings
//! the vectors nearest to what their codes stand for. The latter is the orthogonal factor of a matrix of
//! products, which Newton's and Schulz's iteration finds with multiplications alone.

use super::product::ProductQuantizer;
use super::{Estimator, Kind, Quantizer};
use crate::bytes::{Fields, Put};
use crate::error::{Error, Result};
use crate::kernel::kernels;
use crate::metric::Metric;
use crate::rng::Rng;
use crate::work::Work;

/// Vectors that the rotation is learnt from.
const SAMPLE: usize = 8192;
/// Turns of codes and rotation.
const TURNS: usize = 6;

/// A product quantizer behind a rotation.
#[derive(Debug, Clone, PartialEq)]
pub struct OpqQuantizer {
    /// Rows of an orthogonal matrix.
    rotation: Vec<f32>,
    product: ProductQuantizer,
}

impl OpqQuantizer {
    /// Learns the rotation and the centroids from prepared vectors.
    ///
    /// # Errors
    /// Fails as [`ProductQuantizer::train`] does, and for more than 2,048 dimensions.
    pub fn train(
        rows: &[f32],
        dimensions: usize,
        parts: usize,
        centroids: usize,
        seed: u64,
        work: Work<'_>,
    ) -> Result<Self> {
        crate::error::within("dimensions", dimensions, 1, 2048)?;
        let found = rows.len() / dimensions;
        if found == 0 {
            return Err(Error::TooFewVectors {
                needed: 1,
                found: 0,
            });
        }
        let picks = Rng::new(seed).sample(found, SAMPLE);
        let sample: Vec<f32> = picks
            .iter()
            .flat_map(|row| &rows[row * dimensions..(row + 1) * dimensions])
            .copied()
            .collect();
        let mut rotation: Vec<f32> = (0..dimensions * dimensions)
            .map(|at| if at % (dimensions + 1) == 0 { 1.0 } else { 0.0 })
            .collect();
        for _ in 0..TURNS {
            let turned = turn_all(&rotation, &sample, dimensions, work)?;
            let product =
                ProductQuantizer::train(&turned, dimensions, parts, centroids, seed, work)?;
            let mut code = vec![0; product.code_bytes()];
            let mut decoded = vec![0.0; turned.len()];
            for (row, place) in turned
                .chunks_exact(dimensions)
                .zip(decoded.chunks_exact_mut(dimensions))
            {
                product.encode(row, &mut code);
                product.decode(&code, place);
            }
            let (decoded, sample) = (
                transpose(&decoded, dimensions),
                transpose(&sample, dimensions),
            );
            let products = multiply(&decoded, &sample, picks.len(), work)?;
            rotation = orthogonal(products, dimensions, work)?;
        }
        let turned = turn_all(&rotation, rows, dimensions, work)?;
        let product = ProductQuantizer::train(&turned, dimensions, parts, centroids, seed, work)?;
        Ok(Self { rotation, product })
    }

    fn turn(&self, vector: &[f32]) -> Vec<f32> {
        let kernels = kernels();
        let rows = self.rotation.chunks_exact(vector.len().max(1));
        rows.map(|row| kernels.dot(row, vector)).collect()
    }

    pub(super) fn load(fields: &mut Fields<'_>) -> Result<Self> {
        let dimensions = fields.count(2048)?;
        let rotation = fields.f32s(dimensions * dimensions)?;
        let product = ProductQuantizer::load(fields)?;
        if product.dimensions() == dimensions {
            Ok(Self { rotation, product })
        } else {
            Err(fields.damaged("the rotation does not fit"))
        }
    }
}

/// All products of the rows of `a` and those of `b`, which are `width` long.
fn multiply(a: &[f32], b: &[f32], width: usize, work: Work<'_>) -> Result<Vec<f32>> {
    let kernels = kernels();
    let a: Vec<&[f32]> = a.chunks_exact(width).collect();
    let b: Vec<&[f32]> = b.chunks_exact(width).collect();
    let parts = work.fold(a.len(), 16, Vec::new, |parts, range| {
        let mut out = Vec::with_capacity(range.len() * b.len());
        for row in &a[range.clone()] {
            let (fours, ones) = b.as_chunks::<4>();
            out.extend(fours.iter().flat_map(|four| kernels.dot_4(row, *four)));
            out.extend(ones.iter().map(|one| kernels.dot(row, one)));
        }
        parts.push((range.start, out));
        Ok(())
    })?;
    let mut parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.sort_unstable_by_key(|(start, _)| *start);
    Ok(parts.into_iter().flat_map(|(_, part)| part).collect())
}

fn turn_all(rotation: &[f32], rows: &[f32], width: usize, work: Work<'_>) -> Result<Vec<f32>> {
    multiply(rows, rotation, width, work)
}

fn transpose(rows: &[f32], width: usize) -> Vec<f32> {
    let height = rows.len() / width;
    (0..width)
        .flat_map(|column| (0..height).map(move |row| rows[row * width + column]))
        .collect()
}

/// The orthogonal matrix nearest to a square one.
fn orthogonal(mut matrix: Vec<f32>, width: usize, work: Work<'_>) -> Result<Vec<f32>> {
    // Its singular values must be below the square root of three for the iteration to converge.
    let norm = matrix
        .iter()
        .map(|x| f64::from(*x).powi(2))
        .sum::<f64>()
        .sqrt();
    if norm == 0.0 || !norm.is_finite() {
        return Ok((0..width * width)
            .map(|at| if at % (width + 1) == 0 { 1.0 } else { 0.0 })
            .collect());
    }
    matrix
        .iter_mut()
        .for_each(|x| *x = (f64::from(*x) / norm * 1.7) as f32);
    for _ in 0..60 {
        // X (3 I - XᵀX) / 2: products of columns, then rows by them, as the matrix of those is symmetric.
        let columns = transpose(&matrix, width);
        let mut inner = multiply(&columns, &columns, width, work)?;
        let mut off = 0.0f32;
        for (at, x) in inner.iter_mut().enumerate() {
            let one = if at % (width + 1) == 0 { 1.0 } else { 0.0 };
            off = off.max((*x - one).abs());
            *x = 1.5 * one - 0.5 * *x;
        }
        matrix = multiply(&matrix, &inner, width, work)?;
        if off < 1e-5 {
            break;
        }
    }
    Ok(matrix)
}

impl Quantizer for OpqQuantizer {
    fn name(&self) -> String {
        format!("rotated {}", self.product.name())
    }

    fn dimensions(&self) -> usize {
        self.product.dimensions()
    }

    fn code_bytes(&self) -> usize {
        self.product.code_bytes()
    }

    fn encode(&self, vector: &[f32], code: &mut [u8]) {
        self.product.encode(&self.turn(vector), code);
    }

    fn decode(&self, code: &[u8], vector: &mut [f32]) {
        let mut turned = vec![0.0; vector.len()];
        self.product.decode(code, &mut turned);
        vector.fill(0.0);
        for (row, x) in self.rotation.chunks_exact(turned.len().max(1)).zip(turned) {
            for (out, r) in vector.iter_mut().zip(row) {
                *out += r * x;
            }
        }
    }

    fn query<'q>(&'q self, metric: Metric, query: &[f32]) -> Box<dyn Estimator + 'q> {
        // Distances other than L1 do not change under a rotation; L1 is that of the rotated vectors.
        self.product.query(metric, &self.turn(query))
    }

    fn tables(&self, metric: Metric, query: &[f32]) -> Option<Vec<f32>> {
        self.product.tables(metric, &self.turn(query))
    }

    fn as_product(&self) -> Option<&ProductQuantizer> {
        Some(&self.product)
    }

    fn save(&self) -> Vec<u8> {
        let mut out = vec![Kind::Opq as u8];
        out.put_u64(self.product.dimensions() as u64);
        out.put_f32s(&self.rotation);
        out.extend_from_slice(&self.product.save()[1..]);
        out
    }

    fn memory(&self) -> usize {
        self.rotation.len() * 4 + self.product.memory()
    }
}
