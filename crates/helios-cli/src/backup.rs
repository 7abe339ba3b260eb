//! `heliosdb backup` and `heliosdb restore`.

use std::path::Path;
use std::time::{Duration, Instant};

use heliosdb::{Backup, BackupProgress, Options, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::app::Failure;
use crate::output::Styles;
use crate::report;

/// What is told of it on a terminal.
const BAR: &str = "{msg} {bar:40} {bytes} of {total_bytes}, {binary_bytes_per_sec}";
/// How often.
const REFRESH: Duration = Duration::from_millis(100);

/// Copies the database in `path` into `directory`.
pub fn backup(path: &Path, directory: &Path) -> Result<(), Failure> {
    tell("backed up", directory, |bar| {
        let database = Options::new().must_exist(true).open(path).map_err(|error| {
            match error.sqlstate() {
                heliosdb::SqlState::OBJECT_IN_USE => error.with_hint(
                    "Let the program that has it open do it: SELECT * FROM helios_backup('/directory').",
                ),
                _ => error,
            }
        })?;
        database.backup(directory, |copied| show(bar, copied))
    })
}

/// Makes the database `path` of the backup in `directory`.
pub fn restore(directory: &Path, path: &Path) -> Result<(), Failure> {
    tell("restored", path, |bar| {
        heliosdb::restore(directory, path, |copied| show(bar, copied))
    })
}

/// Compares the backup in `directory` with its checksums.
pub fn verify(directory: &Path) -> Result<(), Failure> {
    tell("no faults", directory, |bar| {
        heliosdb::verify_backup(directory, |copied| show(bar, copied))
    })
}

/// Does the work and tells what came of it.
fn tell(
    what: &str,
    path: &Path,
    work: impl FnOnce(&ProgressBar) -> Result<Backup>,
) -> Result<(), Failure> {
    // Drawn on terminals only.
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(REFRESH);
    let started = Instant::now();
    let done = work(&bar);
    bar.finish_and_clear();
    match done {
        Ok(backup) => {
            println!(
                "{}: {what}, change number {}, {} files, {} bytes in {}",
                path.display(),
                backup.scn,
                report::thousands(backup.files as u64),
                report::thousands(backup.bytes),
                report::duration(started.elapsed())
            );
            Ok(())
        }
        Err(error) => {
            report::error(&error, None, &Styles::default());
            Err(Failure::Statement)
        }
    }
}

fn show(bar: &ProgressBar, copied: BackupProgress) -> Result<()> {
    bar.set_length(copied.total);
    bar.set_position(copied.done);
    Ok(())
}
