//! `heliosdb check`: verify a database from end to end.

use std::path::Path;

use heliosdb::{Database, Options};

use crate::app::Failure;
use crate::output::Styles;
use crate::report;

/// Opens the database, replays its log, and verifies every checksum and invariant.
pub fn run(path: &Path) -> Result<(), Failure> {
    let checked = Options::new()
        .must_exist(true)
        .verify(true)
        .open(path)
        .and_then(|database: Database| database.check());
    match checked {
        Ok(report) if report.faults.is_empty() => {
            println!("{}: no faults", path.display());
            for (name, count) in report.counts {
                println!("  {:>14} {name}", report::thousands(count));
            }
            Ok(())
        }
        Ok(report) => {
            for fault in &report.faults {
                eprintln!("FAULT: {fault}");
            }
            eprintln!("{}: {} faults", path.display(), report.faults.len());
            Err(Failure::Statement)
        }
        Err(error) => {
            report::error(&error, None, &Styles::default());
            Err(Failure::Statement)
        }
    }
}
