//! Distances of sparse vectors: the elements that are not zero, with their positions ascending.
//!
//! Positions of two vectors are walked side by side, a step without a jump for each: what comes next
//! depends on what was read last, which is little for wide registers and ruin for branches.

use crate::error::{Error, Result};

/// A sparse vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sparse<'a> {
    positions: &'a [u32],
    values: &'a [f32],
}

impl<'a> Sparse<'a> {
    /// Takes positions and the values there.
    ///
    /// # Errors
    /// Fails if there is not one value for each position, if positions do not ascend, and if a value
    /// is not finite.
    pub fn new(positions: &'a [u32], values: &'a [f32]) -> Result<Self> {
        if positions.len() != values.len() {
            return Err(Error::Dimensions {
                expected: positions.len(),
                found: values.len(),
            });
        }
        if let Some(at) = positions.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(Error::Order { position: at + 1 });
        }
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite { position });
        }
        Ok(Self { positions, values })
    }

    /// Walks the positions of both until those of one end; tells `step` the values of the two that are next and
    /// which of them is at the lesser position, or that both are. Returns what each has left.
    #[inline(always)]
    fn walk(self, other: Self, mut step: impl FnMut([f32; 2], [bool; 2])) -> [&'a [f32]; 2] {
        let (a, b) = (self.positions, other.positions);
        let (x, y) = (&self.values[..a.len()], &other.values[..b.len()]);
        let (mut i, mut j) = (0, 0);
        // Which of the two comes first is a coin's throw: it decides numbers here and no jumps.
        while i < a.len() && j < b.len() {
            let (left, right) = (a[i] <= b[j], b[j] <= a[i]);
            step([x[i], y[j]], [left, right]);
            i += usize::from(left);
            j += usize::from(right);
        }
        [&x[i..], &y[j..]]
    }

    /// Adds up `term` over all positions that either has.
    #[inline(always)]
    fn sum(self, other: Self, term: impl Fn(f32, f32) -> f32) -> f32 {
        let mut sum = 0.0;
        let value = |taken: bool, value: f32| if taken { value } else { 0.0 };
        let [x, y] = self.walk(other, |[x, y], [left, right]| {
            sum += term(value(left, x), value(right, y));
        });
        sum += x.iter().map(|x| term(*x, 0.0)).sum::<f32>();
        sum + y.iter().map(|y| term(0.0, *y)).sum::<f32>()
    }

    /// Adds up the products at positions that both have.
    fn products(self, other: Self) -> f32 {
        let mut sum = 0.0;
        self.walk(other, |[x, y], [left, right]| {
            sum += if left & right { x * y } else { 0.0 };
        });
        sum
    }

    fn elements(self) -> impl Iterator<Item = (u32, f32)> + 'a {
        self.positions
            .iter()
            .copied()
            .zip(self.values.iter().copied())
    }

    /// The squared Euclidean distance.
    #[must_use]
    pub fn l2(self, other: Self) -> f32 {
        self.sum(other, |a, b| (a - b) * (a - b))
    }

    /// The inner product.
    #[must_use]
    pub fn dot(self, other: Self) -> f32 {
        // The shorter one is looked up in the longer one where that is much longer.
        let (short, long) = if self.values.len() <= other.values.len() {
            (self, other)
        } else {
            (other, self)
        };
        if short.values.len() * 16 > long.values.len() {
            return self.products(other);
        }
        short
            .elements()
            .filter_map(|(position, value)| {
                let at = long.positions.binary_search(&position).ok()?;
                Some(value * long.values.get(at)?)
            })
            // Of nothing it is zero, and not the negative one that sums begin with.
            .fold(0.0, |sum, product| sum + product)
    }

    /// The sum of the absolute differences.
    #[must_use]
    pub fn l1(self, other: Self) -> f32 {
        self.sum(other, |a, b| (a - b).abs())
    }

    /// The cosine of the angle; no number if either is zero.
    #[must_use]
    pub fn cosine(self, other: Self) -> f32 {
        let square =
            |sparse: Self| -> f64 { sparse.values.iter().map(|x| f64::from(*x).powi(2)).sum() };
        let lengths = (square(self) * square(other)).sqrt();
        ((f64::from(self.dot(other)) / lengths) as f32).clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kernels, Scalar};
    use crate::rng::Rng;

    #[test]
    fn sparse_and_dense_agree() {
        let mut rng = Rng::new(1);
        for round in 0..300 {
            let dense: [Vec<f32>; 2] = std::array::from_fn(|which| {
                let share = if which == 0 { 2 } else { 1 + round % 60 };
                (0..200)
                    .map(|_| {
                        if rng.below(share) == 0 {
                            rng.below(9) as f32 - 4.0
                        } else {
                            0.0
                        }
                    })
                    .collect()
            });
            let parts = dense.clone().map(|dense| -> (Vec<u32>, Vec<f32>) {
                (0..).zip(dense).filter(|(_, value)| *value != 0.0).unzip()
            });
            let [a, b] = [0, 1].map(|at| Sparse::new(&parts[at].0, &parts[at].1).unwrap());
            assert_eq!(a.l2(b), Scalar.l2(&dense[0], &dense[1]));
            assert_eq!(a.dot(b), Scalar.dot(&dense[0], &dense[1]));
            assert_eq!(b.dot(a), a.dot(b));
            assert_eq!(a.l1(b), Scalar.l1(&dense[0], &dense[1]));
        }
        assert!(Sparse::new(&[1, 1], &[1.0, 1.0]).is_err());
        assert!(Sparse::new(&[1], &[f32::NAN]).is_err());
        assert!(Sparse::new(&[1], &[]).is_err());
    }
}
