//! Random numbers whose seed is printed when a test fails.

use std::ops::{Deref, DerefMut};

/// A random number generator for tests.
///
/// Takes its seed from the environment variable `HELIOS_SEED` if that is set, else from the clock,
/// and prints it when the test panics, so that the run can be repeated. Otherwise it is a
/// [`fastrand::Rng`].
#[derive(Debug)]
pub struct Rng {
    inner: fastrand::Rng,
    seed: u64,
}

impl Rng {
    /// A generator with a seed from `HELIOS_SEED` or the clock.
    #[must_use]
    pub fn new() -> Self {
        let seed = std::env::var("HELIOS_SEED")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_else(|| fastrand::u64(..));
        Self::with_seed(seed)
    }

    /// A generator with this seed.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        Self {
            inner: fastrand::Rng::with_seed(seed),
            seed,
        }
    }

    /// The seed it started with.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// True once in `n` times on average.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.inner.u32(0..n.max(1)) == 0
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.inner.usize(0..choices.len())]
    }

    /// Up to `length_max` random bytes, zeros and ones more often than others.
    pub fn bytes(&mut self, length_max: usize) -> Vec<u8> {
        let length = self.inner.usize(0..=length_max);
        (0..length)
            .map(|_| {
                if self.one_in(4) {
                    self.inner.u8(0..2)
                } else {
                    self.inner.u8(..)
                }
            })
            .collect()
    }

    /// Up to `length_max` random characters of one to four bytes, never NUL.
    pub fn text(&mut self, length_max: usize) -> String {
        let length = self.inner.usize(0..=length_max);
        (0..length)
            .map(|_| match self.inner.u8(0..16) {
                0 => self.inner.char('\u{1}'..='\u{1F}'),
                1 => self.inner.char('\u{80}'..='\u{7FF}'),
                2 => self.inner.char('\u{800}'..='\u{FFFD}'),
                3 => self.inner.char('\u{10000}'..='\u{10FFFF}'),
                4 => ' ',
                _ => self.inner.alphanumeric(),
            })
            .collect()
    }
}

impl Default for Rng {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Rng {
    type Target = fastrand::Rng;

    fn deref(&self) -> &fastrand::Rng {
        &self.inner
    }
}

impl DerefMut for Rng {
    fn deref_mut(&mut self) -> &mut fastrand::Rng {
        &mut self.inner
    }
}

impl Drop for Rng {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat with HELIOS_SEED={}", self.seed);
        }
    }
}
