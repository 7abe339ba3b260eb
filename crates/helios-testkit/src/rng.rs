//! Random numbers whose seed is printed when a test fails.

use std::ops::{Deref, DerefMut};

/// The seed where none is given.
const SEED: u64 = 20_261_121;

/// A random number generator for tests.
///
/// Every run of the tests sees the same numbers, so that a test that passed passes again. The
/// environment variable `HELIOS_SEED` gives others: a number, or `random` for those of the clock.
/// The seed is printed when the test panics. Otherwise it is a [`fastrand::Rng`].
#[derive(Debug)]
pub struct Rng {
    inner: fastrand::Rng,
    seed: u64,
}

impl Rng {
    /// A generator with the seed of the tests, or that of `HELIOS_SEED`.
    ///
    /// # Panics
    /// If `HELIOS_SEED` is neither a number nor `random`.
    #[must_use]
    pub fn new() -> Self {
        let seed = match std::env::var("HELIOS_SEED") {
            Err(_) => SEED,
            Ok(text) if text.trim() == "random" => return Self::random(),
            Ok(text) => text
                .trim()
                .parse()
                .expect("HELIOS_SEED is a number or `random`"),
        };
        Self::with_seed(seed)
    }

    /// A generator with a seed of the clock.
    #[must_use]
    pub fn random() -> Self {
        Self::with_seed(fastrand::u64(..))
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
