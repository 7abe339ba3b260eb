//! How much of what is nearest an index finds: measured by queries of which the nearest vectors are known.
//!
//! Queries are of two kinds. *Moved* ones are vectors of a sample, each moved by what lies between another one and its
//! nearest: they are where vectors are and as far from them as these are from each other, and no vector of the index.
//! *Held* ones are vectors that the index gets only when it has been measured: they are what will be asked for, if
//! that is like what there is. (Points between near vectors, or vectors that the index has, are much easier.)
//!
//! What some queries found is chance. So what is told is what the mean of all queries is above with a
//! certainty of 95 %, and of both kinds the worse.

use std::collections::HashSet;

use parking_lot::Mutex;

use crate::error::Result;
use crate::exact;
use crate::filter::All;
use crate::index::{Effort, Index, check_batch};
use crate::kernel::kernels;
use crate::metric::Metric;
use crate::neighbour::{Neighbour, Scored, TopK};
use crate::work::Work;

/// How many are to be found of each query.
pub const WANTED: usize = 10;
/// How many more may be asked for: what is found of these tells what a larger `LIMIT`, or a condition, needs.
pub const WANTED_MANY: usize = 100;
/// At most so many queries of a kind are asked.
const QUERIES: usize = 100;
/// One for so many vectors, if that is less.
const PER_QUERY: usize = 20;
/// So many of the nearest are known, some of which may be as near as the last that is wanted.
const KNOWN: usize = WANTED_MANY + 28;
/// Of a normal distribution 95 % are above so many deviations below its mean.
const CERTAIN: f64 = 1.645;

/// What was found of all queries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// What the share of the nearest that is found is above, in all likelihood.
    pub least: f64,
    /// Whether every query found all.
    pub all: bool,
}

/// Queries, and what is nearest to them so far.
#[derive(Debug)]
pub struct Calibrator {
    metric: Metric,
    dimensions: usize,
    /// Whether vectors are zeros and ones.
    bits: bool,
    moved: Vec<Mutex<Question>>,
    held: Vec<Mutex<Question>>,
}

/// A prepared query.
#[derive(Debug)]
struct Question {
    query: Vec<f32>,
    nearest: TopK<u64>,
}

impl Question {
    fn new(query: Vec<f32>) -> Mutex<Self> {
        let nearest = TopK::new(KNOWN);
        Mutex::new(Self { query, nearest })
    }

    fn meet(&mut self, metric: Metric, ids: &[u64], rows: &[f32]) {
        let kernels = kernels();
        let width = self.query.len().max(1);
        let (fours, rest) = ids.as_chunks::<4>();
        let row = |at: usize| rows.get(at * width..(at + 1) * width).unwrap_or_default();
        for (at, four) in fours.iter().enumerate() {
            let rows = [0, 1, 2, 3].map(|step| row(at * 4 + step));
            let scores = metric.score_4(kernels, &self.query, rows);
            for (score, id) in scores.into_iter().zip(four) {
                self.nearest.offer(Scored::new(score, *id));
            }
        }
        for (at, id) in rest.iter().enumerate() {
            let score = metric.score(kernels, &self.query, row(fours.len() * 4 + at));
            self.nearest.offer(Scored::new(score, *id));
        }
    }

    /// The share of the `wanted` nearest that is not among what was found; `None` if nothing is near.
    fn missed(
        &self,
        metric: Metric,
        wanted: usize,
        found: &[Neighbour],
        exact: bool,
    ) -> Option<f64> {
        let near = self.nearest.clone().into_sorted();
        let wanted = near.len().min(wanted);
        let last = near.get(wanted.checked_sub(1)?)?.score;
        let known = near.iter().take_while(|near| near.score <= last);
        let known: HashSet<u64> = known.map(|near| near.id).collect();
        // Of many that are equally far any will do; by estimates they cannot be told.
        let limit = metric.distance(last);
        let limit = limit + (1.0 + limit.abs()) * 1e-6;
        let hit = |one: &&Neighbour| known.contains(&one.id) || exact && one.distance <= limit;
        let hits = found.iter().filter(hit).count().min(wanted);
        Some(1.0 - hits as f64 / wanted as f64)
    }
}

impl Calibrator {
    /// Makes queries of a sample of vectors, which the index will have; `bits` says that these are zeros and ones.
    /// With none it knows nothing.
    ///
    /// # Cost
    /// A hundred times that of looking at the sample.
    ///
    /// # Errors
    /// Fails on vectors that [`Metric::prepare`] refuses.
    pub fn new(metric: Metric, dimensions: usize, bits: bool, sample: &[f32]) -> Result<Self> {
        let width = dimensions.max(1);
        let rows = sample.len() / width;
        let sample = check_batch(metric, dimensions, &vec![0; rows], sample)?;
        let wanted = Self::wanted(rows);
        // The largest product is with the longest vector, which lies nowhere near; of unit vectors, and of bits,
        // all order alike.
        let near_by = match metric {
            Metric::L1 => Metric::L1,
            _ => Metric::L2,
        };
        let row = |at: usize| sample.get(at * width..(at + 1) * width).unwrap_or_default();
        let mut pairs = Vec::with_capacity(wanted);
        for at in 0..wanted {
            let one = row(at * (rows / wanted));
            // The nearest is the vector itself, and copies of it may follow.
            let near = exact::search(near_by, &sample, one, 8, &All, Work::default())?;
            let other = near.into_iter().map(|near| row(near.id as usize));
            let other = other.into_iter().find(|other| *other != one);
            pairs.push((one, other.unwrap_or(one)));
        }
        let mut moved = Vec::with_capacity(wanted);
        for (at, (one, _)) in pairs.iter().enumerate() {
            let (from, to) = pairs[(at + wanted / 2) % wanted];
            let steps = from.iter().zip(to).map(|(from, to)| to - from);
            let query: Vec<f32> = match bits {
                true => one
                    .iter()
                    .zip(steps)
                    .map(|(x, by)| (x - by.abs()).abs())
                    .collect(),
                false => one.iter().zip(steps).map(|(x, by)| x + by).collect(),
            };
            // What cannot be asked for is no loss.
            if let Ok(query) = metric.prepare(dimensions, &query) {
                moved.push(Question::new(query));
            }
        }
        Ok(Self {
            metric,
            dimensions,
            bits,
            moved,
            held: Vec::new(),
        })
    }

    /// How many vectors are to be held back of so many.
    #[must_use]
    pub fn wanted(rows: usize) -> usize {
        QUERIES.min(rows / PER_QUERY)
    }

    /// Asks for a vector too that the index does not get before it has been measured.
    ///
    /// # Errors
    /// Fails on a vector that [`Metric::prepare`] refuses.
    pub fn hold(&mut self, vector: &[f32]) -> Result<()> {
        let query = self.metric.prepare(self.dimensions, vector)?;
        self.held.push(Question::new(query));
        Ok(())
    }

    /// Forgets the vectors that were held back: the index gets them now.
    pub fn release(&mut self) {
        self.held = Vec::new();
    }

    /// Takes in vectors that the index gets.
    ///
    /// # Cost
    /// That of as many distances for each as there are queries, spread over the threads of `work`.
    ///
    /// # Errors
    /// Fails on vectors that [`Metric::prepare`] refuses; fails if it is cancelled.
    pub fn meet(&self, ids: &[u64], vectors: &[f32], work: Work<'_>) -> Result<()> {
        let rows = check_batch(self.metric, self.dimensions, ids, vectors)?;
        let all: Vec<_> = self.moved.iter().chain(&self.held).collect();
        work.each(all.len(), 8, |range| {
            for question in &all[range] {
                question.lock().meet(self.metric, ids, &rows);
            }
            Ok(())
        })
    }

    /// Asks the index, which has all vectors that were met, with one effort: for each of `wanted`, which is how many of
    /// the nearest are to be among how many candidates, what is found. Nothing if there is nothing to ask.
    ///
    /// Fewer candidates are the first of more: an effort has to suffice for the most that are asked for.
    ///
    /// # Errors
    /// As [`Index::scan`]; fails if it is cancelled.
    pub fn ask(
        &self,
        index: &dyn Index,
        effort: Effort,
        wanted: &[(usize, usize)],
        work: Work<'_>,
    ) -> Result<Vec<Share>> {
        // Strings of bits are their own codes.
        let exact = self.bits || index.codes().is_none();
        let most = wanted.iter().map(|(_, candidates)| *candidates).max();
        let most = most.unwrap_or(0);
        let mut worst: Vec<Option<Share>> = vec![None; wanted.len()];
        for kind in [&self.moved, &self.held] {
            let answers = Mutex::new(Vec::with_capacity(kind.len()));
            work.each(kind.len(), 4, |range| {
                for at in range {
                    let Some(question) = kind.get(at) else { break };
                    let question = question.lock();
                    let mut scan = index.scan(&question.query, &All, effort)?;
                    let found = scan.next(most);
                    let missed = wanted.iter().map(|(wanted, candidates)| {
                        let found = found.get(..*candidates).unwrap_or(&found);
                        question.missed(self.metric, *wanted, found, exact)
                    });
                    let missed: Vec<Option<f64>> = missed.collect();
                    answers.lock().push((at, missed));
                }
                Ok(())
            })?;
            let mut answers = answers.into_inner();
            // Sums do not depend on who was quicker.
            answers.sort_unstable_by_key(|(at, _)| *at);
            for (number, (worst, (wanted, _))) in worst.iter_mut().zip(wanted).enumerate() {
                let missed = answers
                    .iter()
                    .filter_map(|(_, missed)| *missed.get(number)?);
                let missed: Vec<f64> = missed.collect();
                if missed.is_empty() {
                    continue;
                }
                let least = least(&missed, *wanted);
                let all = missed.iter().all(|missed| *missed == 0.0);
                *worst = Some(match *worst {
                    Some(other) => Share {
                        least: other.least.min(least),
                        all: other.all && all,
                    },
                    None => Share { least, all },
                });
            }
        }
        Ok(worst.into_iter().flatten().collect())
    }
}

/// What the mean share that is found is above, by the shares that some queries missed. One more is added that missed
/// one: that none did does not mean that none will.
fn least(missed: &[f64], wanted: usize) -> f64 {
    let more = 1.0 / wanted.max(1) as f64;
    let count = missed.len() as f64 + 1.0;
    let mean = (missed.iter().sum::<f64>() + more) / count;
    let square = |missed: f64| (missed - mean) * (missed - mean);
    let squares = missed.iter().map(|missed| square(*missed)).sum::<f64>() + square(more);
    let deviation = (squares / (count - 1.0) / count).sqrt();
    (1.0 - mean - CERTAIN * deviation).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_few_queries_found_is_worth_less() {
        let round = |missed: &[f64]| (least(missed, WANTED) * 1000.0).round() / 1000.0;
        assert_eq!(round(&[0.0; 100]), 0.997);
        assert_eq!(round(&[0.0; 10]), 0.976);
        assert_eq!(round(&[1.0; 50]), 0.0);
        let half: Vec<f64> = (0..100).map(|at| f64::from(at % 2) * 0.1).collect();
        assert_eq!(round(&half), 0.941);
    }
}
