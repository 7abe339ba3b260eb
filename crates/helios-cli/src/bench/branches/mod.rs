//! `heliosdb bench branches`: what branches, diffs, merges and the past cost, on tables of any
//! size; beside DoltLite where a Python interpreter with it is named.
//!
//! DoltLite runs in a process of its own, before HeliosDB begins, with a script (`doltlite.py`)
//! that does the same work on the same rows. Sums of the merged tables are compared with what they must
//! be, so that nobody is quick by being wrong.

mod clock;
mod crowd;
mod depth;
mod figure;
mod fork;
mod merge;
mod past;
mod peer;
mod space;
mod world;

use std::path::Path;

use heliosdb::Result;

use crate::app::Failure;
use crate::args::BranchBenchArgs;
use figure::Figures;
use peer::Peer;

/// Runs all cases and prints the table.
pub fn run(args: &BranchBenchArgs) -> std::result::Result<(), Failure> {
    super::in_folder(
        args.path.as_deref(),
        "bench-branches",
        &args.output,
        |folder| measure(folder, args),
    )
}

type Part = fn(&Path, &BranchBenchArgs, &mut Figures) -> Result<()>;

const PARTS: &[(&str, Part)] = &[
    ("fork", fork::measure),
    ("merge", merge::measure),
    ("depth", depth::measure),
    ("past", past::measure),
    ("crowd", crowd::measure),
    ("space", space::measure),
];

fn measure(folder: &Path, args: &BranchBenchArgs) -> Result<()> {
    let peer = match &args.doltlite {
        Some(python) => Some(Peer::run(python, folder, args)?),
        None => None,
    };
    let mut figures = Figures::new(args, peer);
    for (name, part) in PARTS {
        if args.part.is_empty() || args.part.iter().any(|wanted| wanted == name) {
            let folder = folder.join(name);
            part(&folder, args, &mut figures)?;
            let _ = std::fs::remove_dir_all(&folder);
        }
    }
    figures.end();
    Ok(())
}

/// The names of the parts.
#[must_use]
pub fn parts() -> Vec<&'static str> {
    PARTS.iter().map(|(name, _)| *name).collect()
}
