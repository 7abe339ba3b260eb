//! Exact search: every vector is looked at.

use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::kernel::{Kernels, kernels};
use crate::metric::{Metric, check};
use crate::neighbour::{Neighbour, Scored, TopK};
use crate::work::Work;

/// Rows that threads take at a time.
const BLOCK: usize = 2048;

/// The exact nearest vectors among those that it is shown.
///
/// Vectors are shown as they lie in tables, block after block, in any order and by any number of
/// threads with a search of each one's own, that are merged in the end.
#[derive(Debug, Clone)]
pub struct Exact {
    metric: Metric,
    query: Vec<f32>,
    /// The square of the query's length.
    square: f32,
    kernels: &'static dyn Kernels,
    best: TopK<u64>,
}

impl Exact {
    /// Looks for the `k` nearest to `query`.
    ///
    /// # Errors
    /// Fails on elements that are not finite, and on a zero vector under [`Metric::Cosine`].
    pub fn new(metric: Metric, query: &[f32], k: usize) -> Result<Self> {
        check(query.len(), query)?;
        let kernels = kernels();
        let square = kernels.dot(query, query);
        if metric == Metric::Cosine && query.iter().all(|element| *element == 0.0) {
            return Err(Error::ZeroVector);
        }
        Ok(Self {
            metric,
            query: query.to_vec(),
            square,
            kernels,
            best: TopK::new(k),
        })
    }

    /// Looks at a block of vectors, one after the other in `values`.
    ///
    /// # Errors
    /// Fails if `values` is not as long as that takes.
    pub fn block(&mut self, ids: &[u64], values: &[f32], filter: &dyn Filter) -> Result<()> {
        if values.len() != ids.len() * self.query.len() {
            return Err(Error::Dimensions {
                expected: self.query.len(),
                found: values.len() / ids.len().max(1),
            });
        }
        let width = self.query.len().max(1);
        let rows = ids
            .iter()
            .copied()
            .zip(values.chunks_exact(width))
            .filter(|(id, _)| filter.allows(*id));
        self.rows(rows);
        Ok(())
    }

    /// Looks at vectors that may be returned.
    fn rows<'r>(&mut self, mut rows: impl Iterator<Item = (u64, &'r [f32])>) {
        if self.metric == Metric::Cosine {
            for (id, row) in rows {
                let score = self.cosine(row);
                self.best.offer(Scored::new(score, id));
            }
            return;
        }
        loop {
            let four = [rows.next(), rows.next(), rows.next(), rows.next()];
            if let [Some(a), Some(b), Some(c), Some(d)] = four {
                let scores = self
                    .metric
                    .score_4(self.kernels, &self.query, [a.1, b.1, c.1, d.1]);
                for (score, (id, _)) in scores.into_iter().zip([a, b, c, d]) {
                    self.best.offer(Scored::new(score, id));
                }
            } else {
                for (id, row) in four.into_iter().flatten() {
                    let score = self.metric.score(self.kernels, &self.query, row);
                    self.best.offer(Scored::new(score, id));
                }
                return;
            }
        }
    }

    /// The score of a vector that has any length; that of a zero vector is no number.
    fn cosine(&self, row: &[f32]) -> f32 {
        let [product, _, square] = self.kernels.products(&self.query, row);
        let lengths = self.square * square;
        if lengths.is_normal() {
            -product / lengths.sqrt()
        } else {
            // Too long or too short for single precision.
            let sum = |a: &[f32], b: &[f32]| -> f64 {
                a.iter()
                    .zip(b)
                    .map(|(a, b)| f64::from(*a) * f64::from(*b))
                    .sum()
            };
            let lengths = sum(&self.query, &self.query).sqrt() * sum(row, row).sqrt();
            (-sum(&self.query, row) / lengths) as f32
        }
    }

    /// Takes in what another thread found.
    pub fn merge(&mut self, other: Self) {
        self.best.merge(other.best);
    }

    /// The nearest first. Zero vectors have no cosine distance and come last, as NaN.
    #[must_use]
    pub fn finish(self) -> Vec<Neighbour> {
        let metric = self.metric;
        self.best
            .into_sorted()
            .into_iter()
            .map(|found| Neighbour {
                id: found.id,
                distance: metric.distance(found.score),
            })
            .collect()
    }
}

/// The `k` nearest rows of a matrix, whose ids are their numbers.
///
/// # Errors
/// Fails as [`Exact::new`] and [`Exact::block`] do, and if it is cancelled.
pub fn search(
    metric: Metric,
    matrix: &[f32],
    query: &[f32],
    k: usize,
    filter: &dyn Filter,
    work: Work<'_>,
) -> Result<Vec<Neighbour>> {
    let start = Exact::new(metric, query, k)?;
    let width = query.len().max(1);
    if !matrix.len().is_multiple_of(width) {
        return Err(Error::Dimensions {
            expected: query.len(),
            found: matrix.len() % width,
        });
    }
    let found = work.fold(
        matrix.len() / width,
        BLOCK,
        || start.clone(),
        |exact, range| {
            let first = range.start as u64;
            let rows = matrix[range.start * width..range.end * width].chunks_exact(width);
            exact.rows((first..).zip(rows).filter(|(id, _)| filter.allows(*id)));
            Ok(())
        },
    )?;
    let mut found = found.into_iter();
    let mut all = found.next().unwrap_or(start);
    for other in found {
        all.merge(other);
    }
    Ok(all.finish())
}
