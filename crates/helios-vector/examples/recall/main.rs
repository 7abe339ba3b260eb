//! Measures kernels and index structures.
//!
//! ```text
//! cargo run --release -p helios-vector --example recall -- kernels [DIMENSIONS]
//! cargo run --release -p helios-vector --example recall -- hnsw FILE [KEY=VALUE]...
//! ```
//!
//! `FILE` is a matrix of 32-bit numbers as NumPy (`.npy`) or TexMex (`.fvecs`) writes it; its last
//! rows are the queries. Keys: `queries=1000 metric=l2 threads=1 k=10 rounds=3`, those of the
//! structure, and `efforts=10,20,40`. A line is printed for each effort: structure, quantizer,
//! threads, effort, recall, queries per second, seconds to build, bytes. With `targets=1` it is told
//! what a calibrator says of each effort, and what queries that it does not know find. `compare.py` beside this
//! file prints them with those of hnswlib, faiss and usearch.

mod arguments;
mod kernels;
mod matrix;
mod measure;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some("kernels") => {
            let dimensions = words.next().map_or(Ok(384), |word| word.parse())?;
            kernels::run(dimensions);
            Ok(())
        }
        Some(structure) => {
            let file = words.next().ok_or("the name of a file is missing")?;
            let arguments = arguments::Arguments::new(words)?;
            measure::run(structure, &matrix::Matrix::read(&file)?, &arguments)
        }
        None => Err("say what to measure: kernels, or a structure and a file".into()),
    }
}
