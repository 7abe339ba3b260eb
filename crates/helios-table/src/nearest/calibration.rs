//! How much of what is nearest an index finds, by how far it looks: measured when it is made.
//!
//! Queries are made of sampled vectors, each half-way to the one nearest to it in the sample: where vectors
//! are, but none that the index has. What is truly nearest to them is found while the index is
//! filled; then it is asked with more and more effort, until it finds all.

use helios_base::Result;
use helios_base::codec::take_array;
use helios_vector::{All, Exact, Index, Metric, Work, search_exact};

use super::effort::Asked;
use super::structure::{failure, holds};
use crate::catalog::{Blueprint, Method};

/// How many are to be found of each query.
const WANTED: usize = 10;
/// At most so many queries are asked.
const QUERIES: usize = 100;
/// One for so many rows, if that is less.
const ROWS_PER_QUERY: usize = 20;
/// Vectors of the sample among which neighbours are looked for.
const AMONG: usize = 4096;
/// A target is sought so much of the rest above it.
const SPARE: f64 = 0.25;
/// Better than this is as good as all.
const ALL: f64 = 0.9995;

/// What was measured of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// How many vectors it had then.
    pub vectors: u64,
    /// Breadths, ascending, each with the share of the nearest that was found.
    points: Vec<(u32, f32)>,
}

impl Calibration {
    /// The share of the nearest rows that a search of this breadth is thought to find; `None` if nothing was
    /// measured.
    #[must_use]
    pub fn recall(&self, breadth: usize) -> Option<f64> {
        let at = self
            .points
            .partition_point(|(known, _)| (*known as usize) < breadth);
        let below = at.checked_sub(1).and_then(|at| self.points.get(at));
        match (below, self.points.get(at)) {
            (None, None) => None,
            (Some((_, recall)), None) => Some(f64::from(*recall)),
            // A search of less breadth than was tried finds less; in proportion is a careful guess.
            (None, Some((known, recall))) => {
                Some(f64::from(*recall) * breadth as f64 / f64::from(*known).max(1.0))
            }
            (Some((low, less)), Some((high, more))) => {
                let (low, high) = (f64::from(*low).ln(), f64::from(*high).ln());
                let share = ((breadth as f64).ln() - low) / (high - low);
                Some(f64::from(*less) + share * f64::from(more - less))
            }
        }
    }

    /// The least breadth that was seen to find this share with some to spare, as what was seen of some queries may
    /// be better than what holds of all; `None` if none did.
    #[must_use]
    pub fn breadth(&self, recall: f64) -> Option<usize> {
        let wanted = (recall + (1.0 - recall) * SPARE).min(ALL);
        let found = self
            .points
            .iter()
            .find(|(_, known)| f64::from(*known) >= wanted);
        found.map(|(breadth, _)| *breadth as usize)
    }

    /// Whether there is anything to go by.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.points.is_empty()
    }

    /// Appends its stored form: vectors, then points with their number before them.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.vectors.to_le_bytes());
        bytes.extend((self.points.len() as u32).to_le_bytes());
        for (breadth, recall) in &self.points {
            bytes.extend(breadth.to_le_bytes());
            bytes.extend(recall.to_le_bytes());
        }
    }

    /// Reads its stored form.
    pub(super) fn decode(rest: &mut &[u8]) -> Result<Self> {
        let vectors = u64::from_le_bytes(take_array(rest)?);
        let mut points = Vec::new();
        for _ in 0..u32::from_le_bytes(take_array(rest)?) {
            let breadth = u32::from_le_bytes(take_array(rest)?);
            points.push((breadth, f32::from_le_bytes(take_array(rest)?)));
        }
        Ok(Self { vectors, points })
    }
}

/// Queries, and what was found of their nearest so far.
#[derive(Default)]
pub(super) struct Calibrator {
    queries: Vec<(Vec<f32>, Exact)>,
}

impl Calibrator {
    /// Makes queries of a sample of vectors.
    pub(super) fn new(plan: &Blueprint, sample: &[f32]) -> Self {
        let Blueprint {
            metric, dimensions, ..
        } = *plan;
        let width = dimensions.max(1);
        let rows = sample.len() / width;
        let wanted = QUERIES.min(rows / ROWS_PER_QUERY);
        // The largest product is with the longest vector, which lies nowhere near.
        let near_by = match metric {
            Metric::InnerProduct => Metric::L2,
            other => other,
        };
        let among = sample.get(..rows.min(AMONG) * width).unwrap_or(sample);
        let mut queries = Vec::with_capacity(wanted);
        for at in 0..wanted {
            let at = at * (rows / wanted.max(1));
            let Some(row) = sample.get(at * width..(at + 1) * width) else {
                continue;
            };
            let near = search_exact(near_by, among, row, 2, &All, Work::default());
            // The nearest may be the vector itself.
            let other = near.unwrap_or_default().into_iter().find_map(|near| {
                let at = usize::try_from(near.id).ok()? * width;
                among.get(at..at + width).filter(|other| *other != row)
            });
            let middle: Vec<f32> = match other {
                // Half a bit is none: every other one comes from there.
                Some(other) if plan.of_bits => {
                    let pairs = row.iter().zip(other).enumerate();
                    pairs
                        .map(|(at, (a, b))| if at % 2 == 0 { *a } else { *b })
                        .collect()
                }
                Some(other) => row.iter().zip(other).map(|(a, b)| (a + b) * 0.5).collect(),
                None => row.to_vec(),
            };
            if holds(metric, &middle)
                && let Ok(exact) = Exact::new(metric, &middle, WANTED)
            {
                queries.push((middle, exact));
            }
        }
        Self { queries }
    }

    /// Takes in vectors that the index gets.
    pub(super) fn meet(&mut self, ids: &[u64], vectors: &[f32], work: Work<'_>) -> Result<()> {
        for (_, exact) in &mut self.queries {
            exact.block(ids, vectors, &All).map_err(failure)?;
        }
        work.go_on(ids.len()).map_err(failure)
    }

    /// Asks the index, which now has all.
    pub(super) fn measure(
        self,
        index: &dyn Index,
        method: Method,
        times: u8,
        work: Work<'_>,
    ) -> Result<Calibration> {
        let vectors = index.len();
        let mut points = Vec::new();
        if self.queries.is_empty() {
            return Ok(Calibration::default());
        }
        let truth: Vec<(Vec<f32>, Vec<u64>)> = self
            .queries
            .into_iter()
            .map(|(query, exact)| {
                let nearest = exact.finish();
                (query, nearest.into_iter().map(|found| found.id).collect())
            })
            .collect();
        let mut best = 0.0_f64;
        for breadth in breadths(method, vectors) {
            let (mut found, mut wanted) = (0, 0);
            for (query, nearest) in &truth {
                work.go_on(0).map_err(failure)?;
                let asked = Asked::new(method, times, breadth, WANTED);
                let mut scan = index.scan(query, &All, asked.effort()).map_err(failure)?;
                let ids: Vec<u64> = scan.next(asked.needed).iter().map(|n| n.id).collect();
                wanted += nearest.len();
                found += nearest.iter().filter(|id| ids.contains(id)).count();
            }
            // More effort does not find less: what looks like it is chance.
            best = best.max(found as f64 / wanted.max(1) as f64);
            let breadth = u32::try_from(breadth).unwrap_or(u32::MAX);
            points.push((breadth, best as f32));
            if best >= ALL {
                break;
            }
        }
        Ok(Calibration {
            vectors: vectors as u64,
            points,
        })
    }
}

/// The efforts that are tried of an index of so many vectors.
fn breadths(method: Method, vectors: usize) -> impl Iterator<Item = usize> {
    let (least, most): (usize, usize) = match method {
        Method::Hnsw => (10, 1000),
        Method::Ivf => (1, 4096),
        Method::Lsh => (1, 1024),
    };
    let most = most.min(vectors.max(least));
    std::iter::successors(Some(least), |breadth| Some(breadth + breadth.div_ceil(2)))
        .take_while(move |breadth| *breadth < most)
        .chain([most])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_breadth_for_more_recall() {
        let known = Calibration {
            vectors: 1000,
            points: vec![(10, 0.5), (40, 0.9), (160, 0.98), (640, 1.0)],
        };
        assert_eq!(known.breadth(0.86), Some(40));
        assert_eq!(known.breadth(0.9), Some(160));
        assert_eq!(known.breadth(0.95), Some(160));
        assert_eq!(known.breadth(1.0), Some(640));
        assert_eq!(known.recall(40).map(|r| (r * 100.0).round()), Some(90.0));
        assert_eq!(known.recall(20).map(|r| (r * 100.0).round()), Some(70.0));
        assert_eq!(known.recall(5).map(|r| (r * 100.0).round()), Some(25.0));
        assert_eq!(known.recall(5000), Some(1.0));
        assert_eq!(Calibration::default().recall(40), None);
        assert_eq!(Calibration::default().breadth(0.5), None);
        let mut bytes = Vec::new();
        known.encode(&mut bytes);
        assert_eq!(Calibration::decode(&mut bytes.as_slice()).unwrap(), known);
        assert!(Calibration::decode(&mut bytes.get(..20).unwrap()).is_err());
    }

    #[test]
    fn efforts_ascend_to_the_most() {
        for (method, vectors) in [
            (Method::Hnsw, 5),
            (Method::Hnsw, 1 << 20),
            (Method::Ivf, 90),
        ] {
            let all: Vec<usize> = breadths(method, vectors).collect();
            assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
        }
    }
}
