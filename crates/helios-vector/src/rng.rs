//! Random numbers that are the same everywhere and for ever, since trained codebooks, rotations and
//! levels of a graph come from them.

/// SplitMix64: one addition and three mixing steps a number.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number below `limit`, which is not 0. The bias is below 2^-32 for limits below 2^32.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    /// A number with the normal distribution.
    pub(crate) fn normal(&mut self) -> f32 {
        // Box and Muller; 1 - u is never 0.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.unit()).cos()) as f32
    }

    /// `count` different numbers below `limit`, ascending; all of them if there are no more.
    pub(crate) fn sample(&mut self, limit: usize, count: usize) -> Vec<usize> {
        if count >= limit {
            return (0..limit).collect();
        }
        // Floyd's way: one draw for each number of the sample.
        let mut taken = std::collections::BTreeSet::new();
        for top in limit - count..limit {
            let drawn = self.below(top + 1);
            if !taken.insert(drawn) {
                taken.insert(top);
            }
        }
        taken.into_iter().collect()
    }
}

/// Spreads the bits of a number over all of it.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
