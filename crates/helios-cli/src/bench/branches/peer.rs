//! DoltLite's figures, measured by a script in its own process.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use heliosdb::{Error, Result};

use crate::args::BranchBenchArgs;

const SCRIPT: &str = include_str!("doltlite.py");

/// What DoltLite took, by name.
pub struct Peer {
    pub version: String,
    figures: BTreeMap<String, f64>,
}

impl Peer {
    /// Runs the script with an interpreter that knows the package `doltlite`.
    pub fn run(python: &Path, folder: &Path, args: &BranchBenchArgs) -> Result<Self> {
        let place = folder.join("doltlite");
        std::fs::create_dir_all(&place)
            .and_then(|()| std::fs::write(place.join("doltlite.py.run"), SCRIPT))
            .map_err(|error| Error::io(format!("write to \"{}\"", place.display()), error))?;
        let output = Command::new(python)
            .arg(place.join("doltlite.py.run"))
            .arg(place.join("bench.db"))
            .arg(args.rows.to_string())
            .output()
            .map_err(|error| Error::io(format!("run \"{}\"", python.display()), error))?;
        let told = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(Error::internal("the script for DoltLite failed")
                .with_detail(why.trim().to_owned())
                .with_hint("It needs an interpreter with the package doltlite."));
        }
        let _ = std::fs::remove_dir_all(&place);
        let mut peer = Self {
            version: String::new(),
            figures: BTreeMap::new(),
        };
        for line in told.lines() {
            match line.split_once(' ') {
                Some(("version", version)) => version.clone_into(&mut peer.version),
                Some((name, figure)) => {
                    let figure = figure.parse().map_err(|_| {
                        Error::internal(format!("the script for DoltLite said \"{line}\""))
                    })?;
                    peer.figures.insert(name.to_owned(), figure);
                }
                None => {}
            }
        }
        Ok(peer)
    }

    /// The figure of this name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }
}
