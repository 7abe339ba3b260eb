//! `heliosdb bench vectors`: recall against speed of our graphs beside hnswlib, faiss and usearch where a
//! Python interpreter with them is named; then the same searches as prepared statements, and with conditions.
//!
//! All get the same vectors, queries, parameters and threads, in one run, one program after the other; what is
//! truly nearest is found by comparing all.

mod data;
mod library;
mod peer;
mod point;
mod sql;

use std::path::Path;

use heliosdb::Result;

use crate::app::Failure;
use crate::args::VectorBenchArgs;
use data::Data;

/// Candidates that are followed.
const EFFORTS: &[usize] = &[10, 16, 24, 40, 64, 100, 160, 240, 400];

/// Runs all cases and prints the tables.
pub fn run(args: &VectorBenchArgs) -> std::result::Result<(), Failure> {
    super::in_folder(
        args.path.as_deref(),
        "bench-vectors",
        &args.output,
        |folder| measure(folder, args),
    )
}

fn measure(folder: &Path, args: &VectorBenchArgs) -> Result<()> {
    let data = Data::new(args)?;
    println!(
        "{} vectors of {} dimensions, {}; {} queries; m {}, ef_construction {}",
        data.rows(),
        data.width,
        args.metric.name(),
        data.truth.len(),
        args.m,
        args.ef_construction
    );
    let mut points = match &args.peers {
        Some(python) => peer::run(python, folder, &data, args)?,
        None => Vec::new(),
    };
    let ours = library::measure(&data, args)?;
    points.extend(ours.iter().cloned());
    point::print(&points, "heliosdb");
    sql::measure(folder, &data, args, &ours)
}

/// Numbers as one argument.
fn joined(numbers: &[usize]) -> String {
    let texts: Vec<String> = numbers.iter().map(usize::to_string).collect();
    texts.join(",")
}
