//! Product quantization (Jégou, Douze and Schmid, 2011): a vector is cut into parts, and each part is
//! the number of the nearest of 16 or 256 centroids.
//!
//! A query becomes a table of the scores of its parts against all centroids; the score of a code is the
//! sum of one entry for each part. Codes of four bits are also read 32 at a time, see `blocks.rs`.

use super::{Estimator, Kind, Quantizer};
use crate::bytes::{Fields, Put};
use crate::cluster::Centroids;
use crate::error::{Result, within};
use crate::metric::Metric;
use crate::work::Work;

/// Rounds of training.
const ROUNDS: usize = 12;

/// Parts of vectors by the numbers of centroids.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductQuantizer {
    dimensions: usize,
    /// 16 or 256.
    centroids: usize,
    parts: Vec<Centroids>,
    /// The centroids of each part once more, element after element: a table is made of them by as many
    /// sums side by side as there are centroids.
    columns: Vec<Vec<f32>>,
}

impl ProductQuantizer {
    fn new(dimensions: usize, centroids: usize, parts: Vec<Centroids>) -> Self {
        let columns = parts.iter().enumerate().map(|(part, rows)| {
            let (start, end) = bounds(dimensions, parts.len(), part);
            let rows: Vec<&[f32]> = rows.values().chunks_exact(end - start).collect();
            let element = |at: usize| rows.iter().take(centroids).map(move |row| row[at]);
            (0..end - start).flat_map(element).collect()
        });
        Self {
            dimensions,
            centroids,
            columns: columns.collect(),
            parts,
        }
    }

    /// Learns the centroids of each part from prepared vectors.
    ///
    /// # Errors
    /// Fails without vectors, for other numbers of centroids than 16 and 256, and for more parts than
    /// dimensions.
    pub fn train(
        rows: &[f32],
        dimensions: usize,
        parts: usize,
        centroids: usize,
        seed: u64,
        work: Work<'_>,
    ) -> Result<Self> {
        within("pq_subquantizers", parts, 1, dimensions.min(4096))?;
        if centroids != 16 {
            within("pq_centroids", centroids, 256, 256)?;
        }
        let mut trained = Vec::with_capacity(parts);
        for part in 0..parts {
            let (start, end) = bounds(dimensions, parts, part);
            let rows = rows.chunks_exact(dimensions.max(1));
            let values: Vec<f32> = rows.flat_map(|row| &row[start..end]).copied().collect();
            let seed = seed ^ (part as u64) << 32;
            trained.push(Centroids::train(
                &values,
                end - start,
                centroids,
                ROUNDS,
                seed,
                work,
            )?);
        }
        Ok(Self::new(dimensions, centroids, trained))
    }

    fn bounds(&self, part: usize) -> (usize, usize) {
        bounds(self.dimensions, self.parts.len(), part)
    }

    pub(crate) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Whether codes have four bits.
    pub(crate) fn is_narrow(&self) -> bool {
        self.centroids == 16
    }

    /// The number in a code for a part.
    #[inline]
    fn number(&self, code: &[u8], part: usize) -> usize {
        if self.centroids == 256 {
            usize::from(code[part])
        } else {
            usize::from(code[part / 2] >> (part % 2 * 4) & 15)
        }
    }

    /// Scores of the parts of a query against all centroids, part after part.
    pub(crate) fn table(&self, metric: Metric, query: &[f32]) -> Vec<f32> {
        let mut table = vec![0.0; self.parts.len() * self.centroids];
        let sums = table.chunks_exact_mut(self.centroids);
        for ((part, sums), columns) in sums.enumerate().zip(&self.columns) {
            let (start, end) = self.bounds(part);
            let columns = columns.chunks_exact(self.centroids);
            for (q, column) in query[start..end].iter().zip(columns) {
                let pairs = sums.iter_mut().zip(column);
                match metric {
                    Metric::L2 => pairs.for_each(|(sum, c)| *sum += (q - c) * (q - c)),
                    Metric::L1 => pairs.for_each(|(sum, c)| *sum += (q - c).abs()),
                    // No sum of parts is a quotient: `Shares` asks for two tables.
                    Metric::InnerProduct | Metric::Cosine | Metric::Jaccard => {
                        pairs.for_each(|(sum, c)| *sum -= q * c);
                    }
                }
            }
        }
        table
    }

    pub(super) fn load(fields: &mut Fields<'_>) -> Result<Self> {
        let dimensions = fields.count(65_536)?;
        let parts = fields.count(4096)?;
        let centroids = fields.count(256)?;
        if parts == 0 || parts > dimensions || (centroids != 16 && centroids != 256) {
            return Err(fields.damaged("no such number of parts or centroids"));
        }
        let parts = (0..parts)
            .map(|part| {
                let (start, end) = bounds(dimensions, parts, part);
                let values = fields.f32s((end - start) * centroids)?;
                Ok(Centroids::new(end - start, values))
            })
            .collect::<Result<_>>()?;
        Ok(Self::new(dimensions, centroids, parts))
    }
}

/// Where a part begins and ends; the first parts are one longer where it does not come out even.
fn bounds(dimensions: usize, parts: usize, part: usize) -> (usize, usize) {
    let (each, more) = (dimensions / parts, dimensions % parts);
    let start = part * each + part.min(more);
    (start, start + each + usize::from(part < more))
}

impl Quantizer for ProductQuantizer {
    fn name(&self) -> String {
        format!("product, {} x {}", self.parts.len(), self.centroids)
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn code_bytes(&self) -> usize {
        if self.centroids == 256 {
            self.parts.len()
        } else {
            self.parts.len().div_ceil(2)
        }
    }

    fn encode(&self, vector: &[f32], code: &mut [u8]) {
        code.fill(0);
        for (part, centroids) in self.parts.iter().enumerate() {
            let (start, end) = self.bounds(part);
            let nearest = centroids.nearest(&vector[start..end], 1);
            let number = nearest.first().map_or(0, |(number, _)| *number as u8);
            if self.centroids == 256 {
                code[part] = number;
            } else {
                code[part / 2] |= number << (part % 2 * 4);
            }
        }
    }

    fn decode(&self, code: &[u8], vector: &mut [f32]) {
        for (part, centroids) in self.parts.iter().enumerate() {
            let (start, end) = self.bounds(part);
            vector[start..end].copy_from_slice(centroids.row(self.number(code, part)));
        }
    }

    fn query<'q>(&'q self, metric: Metric, query: &[f32]) -> Box<dyn Estimator + 'q> {
        let tables = |metric| Tables {
            quantizer: self,
            table: self.table(metric, query),
        };
        if metric == Metric::Jaccard {
            return Box::new(Shares {
                both: tables(Metric::InnerProduct),
                apart: tables(Metric::L2),
            });
        }
        Box::new(tables(metric))
    }

    fn save(&self) -> Vec<u8> {
        let mut out = vec![Kind::Product as u8];
        out.put_u64(self.dimensions as u64);
        out.put_u64(self.parts.len() as u64);
        out.put_u64(self.centroids as u64);
        for part in &self.parts {
            out.put_f32s(part.values());
        }
        out
    }

    fn memory(&self) -> usize {
        self.dimensions * self.centroids * 8
    }

    fn tables(&self, metric: Metric, query: &[f32]) -> Option<Vec<f32>> {
        let sums = !matches!(metric, Metric::Jaccard) && self.is_narrow() && self.parts() <= 256;
        sums.then(|| self.table(metric, query))
    }

    fn as_product(&self) -> Option<&ProductQuantizer> {
        Some(self)
    }
}

struct Tables<'q> {
    quantizer: &'q ProductQuantizer,
    table: Vec<f32>,
}

impl Estimator for Tables<'_> {
    fn score(&self, code: &[u8]) -> f32 {
        let rows = self.table.chunks_exact(self.quantizer.centroids);
        if self.quantizer.centroids == 256 {
            // Two sums, since each waits for its last addition.
            let mut sums = [0.0f32; 2];
            for (at, (row, number)) in rows.zip(code).enumerate() {
                sums[at & 1] += row[usize::from(*number)];
            }
            return sums[0] + sums[1];
        }
        let [sum] = self.narrow([code]);
        sum
    }

    fn score_4(&self, codes: [&[u8]; 4]) -> [f32; 4] {
        if self.quantizer.centroids != 256 {
            return self.narrow(codes);
        }
        let mut sums = [0.0f32; 4];
        for (part, row) in self.table.chunks_exact(256).enumerate() {
            for (sum, code) in sums.iter_mut().zip(codes) {
                *sum += row[usize::from(code[part])];
            }
        }
        sums
    }
}

impl Tables<'_> {
    /// Scores of codes of four bits, side by side, since each waits for its last addition.
    #[inline]
    fn narrow<const N: usize>(&self, codes: [&[u8]; N]) -> [f32; N] {
        let mut sums = [0.0f32; N];
        // Both numbers of a byte have their sixteen entries in one array, so no look-up can miss.
        let (pairs, last) = self.table.as_chunks::<32>();
        for (at, pair) in pairs.iter().enumerate() {
            for (sum, code) in sums.iter_mut().zip(codes) {
                let byte = usize::from(code[at]);
                *sum += pair[byte & 15] + pair[16 + (byte >> 4)];
            }
        }
        if let Some(row) = last.first_chunk::<16>() {
            for (sum, code) in sums.iter_mut().zip(codes) {
                *sum += row[usize::from(code[pairs.len()] & 15)];
            }
        }
        sums
    }
}

/// Jaccard distances, of products and of squared distances.
struct Shares<'q> {
    both: Tables<'q>,
    apart: Tables<'q>,
}

impl Estimator for Shares<'_> {
    fn score(&self, code: &[u8]) -> f32 {
        crate::metric::jaccard(-self.both.score(code), self.apart.score(code))
    }
}
