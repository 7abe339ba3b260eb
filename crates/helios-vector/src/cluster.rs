//! K-means: centroids of vectors.

use crate::error::{Error, Result};
use crate::kernel::{Kernels, kernels};
use crate::rng::Rng;
use crate::work::Work;

/// Vectors that training looks at for each centroid, at most.
const SAMPLE: usize = 128;
/// Vectors that seeding looks at for each centroid, at most.
const SEEDS: usize = 16;
/// Vectors that a thread takes at a time.
const BLOCK: usize = 256;

/// Centroids, by which vectors are told apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Centroids {
    width: usize,
    values: Vec<f32>,
    /// The square of each one's length.
    squares: Vec<f32>,
    kernels: ByRef,
}

/// Kernels are compared by nobody.
#[derive(Debug, Clone, Copy)]
struct ByRef(&'static dyn Kernels);

impl PartialEq for ByRef {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Centroids {
    pub(crate) fn new(width: usize, values: Vec<f32>) -> Self {
        let kernels = kernels();
        let squares = values
            .chunks_exact(width.max(1))
            .map(|row| kernels.dot(row, row))
            .collect();
        Self {
            width,
            values,
            squares,
            kernels: ByRef(kernels),
        }
    }

    /// Finds `count` centroids of rows: k-means++ on a sample, then `rounds` of Lloyd's. The result
    /// depends on rows, count and seed, not on threads.
    pub(crate) fn train(
        rows: &[f32],
        width: usize,
        count: usize,
        rounds: usize,
        seed: u64,
        work: Work<'_>,
    ) -> Result<Self> {
        let found = rows.len() / width.max(1);
        if found == 0 {
            return Err(Error::TooFewVectors {
                needed: 1,
                found: 0,
            });
        }
        let mut rng = Rng::new(seed);
        let gather = |picks: &[usize]| -> Vec<f32> {
            let rows = picks
                .iter()
                .map(|row| &rows[row * width..(row + 1) * width]);
            rows.flatten().copied().collect()
        };
        let seeds = gather(&rng.sample(found, count * SEEDS));
        let mut centroids = Self::new(width, plus_plus(&seeds, width, count, &mut rng));
        let sample = gather(&rng.sample(found, count * SAMPLE));
        for _ in 0..rounds {
            let assigned = centroids.assign(&sample, work)?;
            centroids = centroids.moved(&sample, &assigned, work)?;
        }
        Ok(centroids)
    }

    pub(crate) fn len(&self) -> usize {
        self.squares.len()
    }

    pub(crate) fn row(&self, at: usize) -> &[f32] {
        self.values
            .get(at * self.width..(at + 1) * self.width)
            .unwrap_or_default()
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The nearest centroid of each row, and the squared distance.
    pub(crate) fn assign(&self, rows: &[f32], work: Work<'_>) -> Result<Vec<(u32, f32)>> {
        let count = rows.len() / self.width.max(1);
        let parts = work.fold(count, BLOCK, Vec::new, |parts, range| {
            let block = &rows[range.start * self.width..range.end * self.width];
            parts.push((range.start, self.assign_block(block)));
            Ok(())
        })?;
        let mut parts: Vec<_> = parts.into_iter().flatten().collect();
        parts.sort_unstable_by_key(|(start, _)| *start);
        Ok(parts.into_iter().flat_map(|(_, part)| part).collect())
    }

    /// Four rows by four centroids at a time.
    fn assign_block(&self, rows: &[f32]) -> Vec<(u32, f32)> {
        let kernels = self.kernels.0;
        let rows: Vec<&[f32]> = rows.chunks_exact(self.width).collect();
        let mut nearest = vec![(0u32, f32::INFINITY); rows.len()];
        let whole = self.len() / 4 * 4;
        for first in (0..self.len()).step_by(4) {
            // The last tile overlaps the one before rather than being short, if there is one.
            let first = if first >= whole {
                self.len().saturating_sub(4)
            } else {
                first
            };
            let at = |step: usize| (first + step).min(self.len() - 1);
            let right = [0, 1, 2, 3].map(|step| self.row(at(step)));
            for (block, found) in rows.chunks(4).zip(nearest.chunks_mut(4)) {
                let left = [0, 1, 2, 3].map(|step| block[step.min(block.len() - 1)]);
                let tile = kernels.dot_tile(left, right);
                for (products, nearest) in tile.iter().zip(found) {
                    for (step, product) in products.iter().enumerate() {
                        let score = self.squares[at(step)] - 2.0 * product;
                        if score < nearest.1 {
                            *nearest = (at(step) as u32, score);
                        }
                    }
                }
            }
        }
        for (found, row) in nearest.iter_mut().zip(&rows) {
            found.1 = (found.1 + kernels.dot(row, row)).max(0.0);
        }
        nearest
    }

    /// Each centroid in the middle of its rows.
    fn moved(&self, rows: &[f32], assigned: &[(u32, f32)], work: Work<'_>) -> Result<Self> {
        // Rows by centroid: each mean is added up by one thread, in the order of the rows.
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); self.len()];
        for (row, (centroid, _)) in assigned.iter().enumerate() {
            members[*centroid as usize].push(row as u32);
        }
        // A centroid without rows takes one that is far from its own.
        let mut far: Vec<u32> = (0..assigned.len() as u32).collect();
        far.sort_by(|a, b| {
            let distance = |row: &u32| assigned[*row as usize].1;
            distance(b).total_cmp(&distance(a)).then(a.cmp(b))
        });
        let mut far = far.into_iter();
        for members in &mut members {
            if members.is_empty() {
                members.extend(far.next());
            }
        }
        let width = self.width;
        let parts = work.fold(self.len(), 8, Vec::new, |parts, range| {
            for centroid in range {
                let mut sums = vec![0.0f64; width];
                for row in &members[centroid] {
                    let row = &rows[*row as usize * width..(*row as usize + 1) * width];
                    for (sum, x) in sums.iter_mut().zip(row) {
                        *sum += f64::from(*x);
                    }
                }
                let count = members[centroid].len().max(1) as f64;
                let mean: Vec<f32> = sums.iter().map(|sum| (sum / count) as f32).collect();
                parts.push((centroid, mean));
            }
            Ok(())
        })?;
        let mut parts: Vec<_> = parts.into_iter().flatten().collect();
        parts.sort_unstable_by_key(|(centroid, _)| *centroid);
        let values = parts.into_iter().flat_map(|(_, mean)| mean).collect();
        Ok(Self::new(width, values))
    }

    /// The squared distances of a row and all centroids less the row's square.
    pub(crate) fn scores(&self, row: &[f32]) -> Vec<(u32, f32)> {
        let mut scores: Vec<(u32, f32)> = Vec::with_capacity(self.len());
        let mut first = 0;
        while first + 4 <= self.len() {
            let products = self
                .kernels
                .0
                .dot_4(row, [0, 1, 2, 3].map(|step| self.row(first + step)));
            for (step, product) in products.into_iter().enumerate() {
                let at = first + step;
                scores.push((at as u32, self.squares[at] - 2.0 * product));
            }
            first += 4;
        }
        for at in first..self.len() {
            let product = self.kernels.0.dot(row, self.row(at));
            scores.push((at as u32, self.squares[at] - 2.0 * product));
        }
        scores
    }

    /// The nearest `count` centroids of a row, with the squared distances less the row's square.
    pub(crate) fn nearest(&self, row: &[f32], count: usize) -> Vec<(u32, f32)> {
        let mut scores = self.scores(row);
        let order = |a: &(u32, f32), b: &(u32, f32)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
        if count < scores.len() {
            scores.select_nth_unstable_by(count, order);
            scores.truncate(count);
        }
        scores.sort_unstable_by(order);
        scores
    }
}

/// Picks rows, each the more likely the further it is from those picked before.
fn plus_plus(rows: &[f32], width: usize, count: usize, rng: &mut Rng) -> Vec<f32> {
    let kernels = kernels();
    let rows: Vec<&[f32]> = rows.chunks_exact(width).collect();
    let mut distances = vec![f32::INFINITY; rows.len()];
    let mut picked: Vec<f32> = Vec::with_capacity(count * width);
    let mut next = rng.below(rows.len());
    for _ in 0..count {
        picked.extend_from_slice(rows[next]);
        let mut total = 0.0;
        for (distance, row) in distances.iter_mut().zip(&rows) {
            *distance = distance.min(kernels.l2(rows[next], row));
            total += f64::from(*distance);
        }
        let mut left = rng.unit() * total;
        next = rng.below(rows.len());
        for (at, distance) in distances.iter().enumerate() {
            left -= f64::from(*distance);
            if left < 0.0 {
                next = at;
                break;
            }
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroUsize;

    #[test]
    fn clusters_are_found_and_threads_do_not_matter() {
        let mut rng = Rng::new(3);
        let mut rows = Vec::new();
        for row in 0..2000 {
            for at in 0..5 {
                let far = if row % 10 < 5 { 100.0 } else { -100.0 };
                let centre = if row % 5 == at { far } else { 0.0 };
                rows.push(centre + rng.normal());
            }
        }
        let train = |threads| {
            let work = Work::threads(NonZeroUsize::new(threads).unwrap());
            Centroids::train(&rows, 5, 10, 8, 1, work).unwrap()
        };
        let (one, three) = (train(1), train(3));
        assert_eq!(one, three);
        let assigned = one.assign(&rows, Work::default()).unwrap();
        for (row, (centroid, distance)) in assigned.iter().enumerate() {
            assert_eq!(*centroid, assigned[row % 10].0);
            assert!(*distance < 100.0);
            let nearest = one.nearest(&rows[row * 5..row * 5 + 5], 3);
            assert_eq!(nearest[0].0, *centroid);
            assert!(nearest[0].1 <= nearest[1].1 && nearest[1].1 <= nearest[2].1);
        }
    }

    #[test]
    fn fewer_different_rows_than_centroids() {
        let rows = [1.0, 2.0, 1.0, 2.0, 5.0, 5.0];
        let centroids = Centroids::train(&rows, 2, 7, 3, 1, Work::default()).unwrap();
        assert_eq!(centroids.len(), 7);
        let assigned = centroids.assign(&rows, Work::default()).unwrap();
        assert!(assigned.iter().all(|(_, distance)| *distance < 1e-6));
        assert!(Centroids::train(&[], 2, 7, 3, 1, Work::default()).is_err());
    }
}
