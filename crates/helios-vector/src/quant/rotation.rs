//! A random rotation that costs little: signs are flipped at random and the Walsh and Hadamard
//! transform mixes all elements, several times over.
//!
//! The transform wants a power of two. Other lengths, brought to a multiple of 64, are mixed in two
//! windows of the largest power of two, one at each end, which overlap.

use crate::kernel::kernels;
use crate::rng::Rng;

/// Times that all elements are mixed.
const ROUNDS: usize = 4;

/// A rotation, decided by a seed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rotation {
    length: usize,
    window: usize,
    /// One or minus one, for each round and element.
    signs: Vec<f32>,
}

impl Rotation {
    /// A rotation of vectors with so many dimensions, filled up with zeros.
    pub(crate) fn new(dimensions: usize, seed: u64) -> Self {
        let length = dimensions.next_multiple_of(64);
        let mut rng = Rng::new(seed);
        Self {
            length,
            window: 1 << length.ilog2(),
            signs: (0..length * ROUNDS)
                .map(|_| if rng.next() & 1 == 0 { 1.0 } else { -1.0 })
                .collect(),
        }
    }

    /// The dimensions of what comes out.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    fn start(&self, round: usize) -> usize {
        if round.is_multiple_of(2) {
            0
        } else {
            self.length - self.window
        }
    }

    /// Rotates; the result is as long as [`Rotation::length`].
    pub(crate) fn apply(&self, vector: &[f32]) -> Vec<f32> {
        let mut turned = vector.to_vec();
        turned.resize(self.length, 0.0);
        let scale = 1.0 / (self.window as f32).sqrt();
        for (round, signs) in self.signs.chunks_exact(self.length).enumerate() {
            for (x, sign) in turned.iter_mut().zip(signs) {
                *x *= sign;
            }
            let start = self.start(round);
            let window = &mut turned[start..start + self.window];
            kernels().hadamard(window);
            window.iter_mut().for_each(|x| *x *= scale);
        }
        turned
    }

    /// Rotates back.
    pub(crate) fn undo(&self, turned: &mut [f32]) {
        let scale = 1.0 / (self.window as f32).sqrt();
        for (round, signs) in self.signs.chunks_exact(self.length).enumerate().rev() {
            let start = self.start(round);
            let window = &mut turned[start..start + self.window];
            kernels().hadamard(window);
            window.iter_mut().for_each(|x| *x *= scale);
            for (x, sign) in turned.iter_mut().zip(signs) {
                *x *= sign;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_stay_and_it_can_be_undone() {
        let mut rng = Rng::new(5);
        for dimensions in [1, 3, 64, 100, 128, 384, 1000] {
            let rotation = Rotation::new(dimensions, 9);
            let vector: Vec<f32> = (0..dimensions).map(|_| rng.normal()).collect();
            let mut turned = rotation.apply(&vector);
            let square = |v: &[f32]| v.iter().map(|x| x * x).sum::<f32>();
            assert!((square(&turned) / square(&vector) - 1.0).abs() < 1e-4);
            rotation.undo(&mut turned);
            for (back, x) in turned.iter().zip(&vector) {
                assert!((back - x).abs() < 1e-4);
            }
        }
        // One element is spread over all.
        let mut one = vec![0.0; 384];
        one[7] = 1.0;
        let most = Rotation::new(384, 1)
            .apply(&one)
            .iter()
            .fold(0.0f32, |most, x| most.max(x.abs()));
        assert!(most < 0.3, "{most}");
    }
}
