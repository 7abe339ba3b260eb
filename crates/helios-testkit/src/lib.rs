//! What the tests of several crates share: random numbers that can be repeated, scratch
//! directories, random values of every type.
//!
//! **Invariant:** a development dependency only; nothing shipped depends on it.

mod rng;
mod scratch;
mod values;

pub use rng::Rng;
pub use scratch::Scratch;
pub use values::{all_types, random_value};
