//! Sends anything to the decoder and to a server, for as long as one likes:
//!
//! ```console
//! cargo run --release --workspace --example fuzz_frames -- SECONDS [SEED]
//! ```
//!
//! Each second uses numbers of its own, counted from `SEED` (1), which is printed when something goes wrong. Half of the time goes to
//! each. A panic of a server's thread ends the program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test"
)]
#![allow(
    clippy::panic,
    clippy::exit,
    dead_code,
    unused_imports,
    reason = "a test that shares its parts with others"
)]

#[path = "../tests/client/mod.rs"]
mod client;
#[path = "../tests/fuzz/mod.rs"]
mod fuzz;

use std::time::{Duration, Instant};

use helios_testkit::Rng;

fn main() {
    let mut words = std::env::args().skip(1);
    let mut number = |usual: u64| {
        words
            .next()
            .map_or(usual, |word| word.parse().expect("a number"))
    };
    let (seconds, mut seed) = (number(10), number(1));
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        usual(info);
        std::process::exit(1);
    }));
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut decoded, mut talked) = (0_u64, 0);
    while Instant::now() < end {
        eprintln!("seed {seed}");
        let mut rng = Rng::with_seed(seed);
        let half = Instant::now() + Duration::from_millis(500);
        while Instant::now() < half {
            fuzz::decoder(&mut rng, 10_000);
            decoded += 10_000;
        }
        let mut rng = Rng::with_seed(seed);
        let half = Instant::now() + Duration::from_millis(500);
        talked += fuzz::conversations(&mut rng, |_| Instant::now() < half);
        seed += 1;
    }
    println!("{decoded} messages decoded or refused, {talked} conversations; nothing broke");
}
