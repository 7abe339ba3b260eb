//! hnswlib, faiss and usearch, measured by a script in its own process.

use std::path::Path;
use std::process::Command;

use heliosdb::{Error, Result};

use super::data::Data;
use super::point::Point;
use super::{EFFORTS, joined};
use crate::args::VectorBenchArgs;

const SCRIPT: &str = include_str!("peers.py");

/// Runs the script with an interpreter that has the peers' packages.
pub fn run(
    python: &Path,
    folder: &Path,
    data: &Data,
    args: &VectorBenchArgs,
) -> Result<Vec<Point>> {
    data.write(folder)?;
    let script = folder.join("peers.py");
    std::fs::write(&script, SCRIPT)
        .map_err(|error| Error::io(format!("write \"{}\"", script.display()), error))?;
    let numbers = [data.rows(), data.width, data.truth.len()].map(|n| n.to_string());
    let output = Command::new(python)
        .arg(&script)
        .arg(folder)
        .args(numbers)
        .arg(args.metric.name())
        .args([args.m.to_string(), args.ef_construction.to_string()])
        .args([joined(&args.threads), joined(EFFORTS)])
        .output()
        .map_err(|error| Error::io(format!("run \"{}\"", python.display()), error))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(Error::internal("the script for the peers failed")
            .with_detail(said.trim().to_owned())
            .with_hint("It needs an interpreter with numpy, hnswlib, faiss-cpu and usearch."));
    }
    for line in said.lines().filter(|line| line.starts_with("left out")) {
        println!("{line}");
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            point(line)
                .ok_or_else(|| Error::internal(format!("the script for the peers said \"{line}\"")))
        })
        .collect()
}

fn point(line: &str) -> Option<Point> {
    let mut words = line.split('\t');
    Some(Point {
        name: words.next()?.to_owned(),
        threads: words.next()?.parse().ok()?,
        effort: words.next()?.parse().ok()?,
        recall: words.next()?.parse().ok()?,
        speed: words.next()?.parse().ok()?,
        build: words.next()?.parse().ok()?,
        memory: words.next()?.parse().ok()?,
        disk: words.next()?.parse().ok()?,
    })
}
