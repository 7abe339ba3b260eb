//! Checks of the workspace that cargo does not make.
//!
//! `cargo xtask check` fails when a crate depends on its own layer or a higher one, when a crate
//! has no layer, when a dependency reaches a crate that may not know it, or when a source file
//! outgrows the size limit.

mod layers;
mod sizes;

use std::process::ExitCode;

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let result = match task.as_deref() {
        Some("check") => check(),
        _ => Err(vec!["usage: cargo xtask check".to_owned()]),
    };
    match result {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(faults) => {
            for fault in faults {
                eprintln!("error: {fault}");
            }
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<String, Vec<String>> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .no_deps()
        .exec()
        .map_err(|error| vec![format!("could not read the workspace: {error}")])?;
    let mut faults = layers::check(&metadata);
    let sizes = sizes::check(metadata.workspace_root.as_std_path(), &mut faults);
    if faults.is_empty() {
        Ok(format!(
            "{} crates in order; {sizes}",
            metadata.packages.len()
        ))
    } else {
        Err(faults)
    }
}
