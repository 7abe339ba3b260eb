//! Some of many vectors, evenly taken, of which it is not known beforehand how many they are.

/// Vectors that a structure learns from.
const SAMPLE: usize = 20_000;

/// Every so many vectors one is kept.
#[derive(Debug)]
pub(super) struct Sample {
    dimensions: usize,
    met: usize,
    every: usize,
    values: Vec<f32>,
}

impl Sample {
    pub(super) fn new(dimensions: usize) -> Self {
        Self {
            dimensions: dimensions.max(1),
            met: 0,
            every: 1,
            values: Vec::new(),
        }
    }

    pub(super) fn meet(&mut self, vector: &[f32]) {
        if self.met.is_multiple_of(self.every) {
            self.values.extend_from_slice(vector);
            if self.values.len() / self.dimensions >= SAMPLE * 2 {
                // Every other one stays, and from now on half as many come.
                self.every *= 2;
                let rows = self.values.chunks_exact(self.dimensions);
                self.values = rows.step_by(2).flatten().copied().collect();
            }
        }
        self.met += 1;
    }

    /// How many vectors there were.
    pub(super) fn met(&self) -> usize {
        self.met
    }

    /// How many were kept.
    pub(super) fn len(&self) -> usize {
        self.values.len() / self.dimensions
    }

    /// One of those that were kept.
    pub(super) fn get(&self, at: usize) -> Option<&[f32]> {
        self.values.chunks_exact(self.dimensions).nth(at)
    }

    /// Which of all that were met it was.
    pub(super) fn place(&self, at: usize) -> usize {
        at * self.every
    }

    /// Those that were kept, one after the other.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }
}
