//! Hashes that near vectors share.
//!
//! For cosine, products and shares of bits a vector is on one side or the other of random planes (Charikar, 2002), which
//! but for products are moved to where they halve what there is: embeddings lie on one side of the origin. For
//! distances it falls into an interval of random lines (Datar et al., 2004), Gaussian for L2, Cauchy
//! for L1. Where it lies near a border, the other side is worth a look too (Lv et al., 2007).

use crate::kernel::kernels;
use crate::metric::Metric;
use crate::rng::{Rng, mix};

/// The hash functions of all tables.
#[derive(Debug, Clone)]
pub(super) struct Hashes {
    metric: Metric,
    dimensions: usize,
    /// Functions of a table; buckets are two to their number.
    bits: usize,
    /// Length of an interval.
    pub(super) width: f32,
    /// Lines, table after table, and where their intervals begin, in parts of the width.
    lines: Vec<f32>,
    starts: Vec<f32>,
    /// What the products with lines are greater than on one side of planes, and not on the other.
    pub(super) middles: Vec<f32>,
}

/// A step to a neighbouring interval, and how far away that is.
#[derive(Debug, Clone, Copy)]
struct Step {
    cost: f32,
    function: usize,
    by: i64,
}

impl Hashes {
    pub(super) fn new(
        metric: Metric,
        dimensions: usize,
        tables: usize,
        bits: usize,
        width: f32,
        seed: u64,
    ) -> Self {
        let mut rng = Rng::new(seed);
        let functions = tables * bits;
        let mut line = || match metric {
            // A Cauchy number, without its rarest and largest ones.
            Metric::L1 => (std::f64::consts::PI * (rng.unit() - 0.5) * 0.998).tan() as f32,
            _ => rng.normal(),
        };
        let lines = (0..functions * dimensions).map(|_| line()).collect();
        Self {
            metric,
            dimensions,
            bits,
            width,
            lines,
            starts: (0..functions).map(|_| rng.unit() as f32).collect(),
            middles: vec![0.0; functions],
        }
    }

    /// A width with which half of all pairs of vectors are some intervals apart, or planes that halve them.
    pub(super) fn fit(&mut self, rows: &[f32]) {
        let kernels = kernels();
        let places = |line: &[f32]| -> Vec<f32> {
            let rows = rows.chunks_exact(self.dimensions).take(2000);
            let mut places: Vec<f32> = rows.map(|row| kernels.dot(line, row)).collect();
            places.sort_by(f32::total_cmp);
            places
        };
        let at = |places: &[f32], share: usize| {
            let found = places.get(places.len() * share / 4);
            found.copied().filter(|place| place.is_finite())
        };
        if !self.sides() {
            let places = places(&self.lines[..self.dimensions]);
            let spread = at(&places, 3).unwrap_or(0.0) - at(&places, 1).unwrap_or(0.0);
            self.width = if spread.is_normal() { spread } else { 1.0 };
        } else if self.metric != Metric::InnerProduct {
            // A query of products may have any length, which says nothing of where it is to be cut.
            let lines = self.lines.chunks_exact(self.dimensions);
            let middles = lines.map(|line| at(&places(line), 2).unwrap_or(0.0));
            self.middles = middles.collect();
        }
    }

    /// Whether functions tell sides of planes.
    fn sides(&self) -> bool {
        matches!(
            self.metric,
            Metric::Cosine | Metric::InnerProduct | Metric::Jaccard
        )
    }

    /// The buckets of a vector in a table: its own, then others, the likeliest first.
    pub(super) fn buckets(&self, table: usize, vector: &[f32], count: usize) -> Vec<usize> {
        let kernels = kernels();
        let mut values = Vec::with_capacity(self.bits);
        let mut steps = Vec::new();
        for function in 0..self.bits {
            let at = table * self.bits + function;
            let line = &self.lines[at * self.dimensions..(at + 1) * self.dimensions];
            let place = kernels.dot(line, vector);
            if self.sides() {
                let place = place - self.middles[at];
                let side = i64::from(place > 0.0);
                values.push(side);
                let cost = place * place;
                let by = 1 - 2 * side;
                steps.push(Step { cost, function, by });
            } else {
                let place = f64::from(place) / f64::from(self.width) + f64::from(self.starts[at]);
                let interval = place.floor();
                values.push(interval as i64);
                let above = (place - interval) as f32;
                for (by, far) in [(-1, above), (1, 1.0 - above)] {
                    let cost = far * far;
                    steps.push(Step { cost, function, by });
                }
            }
        }
        let mut found = vec![self.bucket(&values)];
        if count > 1 {
            steps.sort_by(|a, b| a.cost.total_cmp(&b.cost));
            for sequence in sequences(&steps, count - 1) {
                let mut values = values.clone();
                for step in sequence {
                    values[step.function] = values[step.function].wrapping_add(step.by);
                }
                found.push(self.bucket(&values));
            }
        }
        found
    }

    fn bucket(&self, values: &[i64]) -> usize {
        let hash = if self.sides() {
            values.iter().fold(0, |hash, side| hash << 1 | *side as u64)
        } else {
            values
                .iter()
                .fold(0, |hash, value| mix(hash ^ *value as u64))
        };
        (hash & ((1 << self.bits) - 1)) as usize
    }
}

/// The cheapest one or two steps, for different functions.
fn sequences(steps: &[Step], count: usize) -> Vec<Vec<Step>> {
    let few = &steps[..steps.len().min(24)];
    let mut all: Vec<(f32, Vec<Step>)> = Vec::new();
    for (at, step) in few.iter().enumerate() {
        all.push((step.cost, vec![*step]));
        for other in &few[at + 1..] {
            if other.function != step.function {
                all.push((step.cost + other.cost, vec![*step, *other]));
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.truncate(count);
    all.into_iter().map(|(_, steps)| steps).collect()
}
