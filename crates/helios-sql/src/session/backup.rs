//! Backups that sessions ask for: `helios_backup`, and how far those under way are.

use std::path::{Path, PathBuf};

use helios_base::{Error, Result, Row, SqlState, Value};
use helios_version::{Copied, Manifest, Watch};

use super::state::State;
use super::{Engine, EngineOptions};

/// A backup under way.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress(Copied);

/// `helios_backup(directory)`: writes a backup and tells what is in it.
pub(super) fn backup(state: &State, directory: &str) -> Result<Vec<Row>> {
    let path = PathBuf::from(directory);
    // What a path is relative to is nothing that a client of a server knows.
    if !state.embedded && !path.is_absolute() {
        return Err(Error::new(
            SqlState::INVALID_NAME,
            format!("relative path not allowed for a backup: \"{directory}\""),
        ));
    }
    let done = write(state, &path);
    if let Some(shared) = state.shared.upgrade() {
        shared.backups.lock().remove(&state.number);
    }
    done.map(|row| vec![row])
}

fn write(state: &State, path: &Path) -> Result<Row> {
    let span = super::trace::backup_span();
    let manifest = super::trace::step(&span, || {
        state.tables.store().backup(path, &mut |copied| {
            if let Some(shared) = state.shared.upgrade() {
                let mut backups = shared.backups.lock();
                backups.insert(state.number, Progress(copied));
            }
            state.interrupt.check()
        })
    })?;
    span.record("helios.scn", manifest.scn.0);
    let number = |number: u64| Value::Int8(i64::try_from(number).unwrap_or(i64::MAX));
    let files = u64::try_from(manifest.files()).unwrap_or(u64::MAX);
    Ok(vec![
        Value::text(path.display().to_string()),
        number(manifest.scn.0),
        Value::TimestampTz(manifest.time),
        number(files),
        number(manifest.bytes()),
    ])
}

/// `pg_stat_progress_basebackup`
pub(super) fn progress(state: &State) -> Vec<Row> {
    let Some(shared) = state.shared.upgrade() else {
        return Vec::new();
    };
    let backups = shared.backups.lock();
    let size = |bytes: u64| Value::Int8(i64::try_from(bytes).unwrap_or(i64::MAX));
    let row = |(session, Progress(copied)): (&u64, &Progress)| {
        vec![
            i32::try_from(*session).map_or(Value::Null, Value::Int4),
            Value::text("streaming database files"),
            size(copied.total),
            size(copied.done),
            Value::Int4(1),
            Value::Int4(0),
        ]
    };
    backups.iter().map(row).collect()
}

/// Makes a database of a backup, and opens it to see that it is the one that was backed up.
///
/// # Errors
/// Those of [`helios_version::restore`]; `Corrupt` when what was restored is something else.
pub fn restore(directory: &Path, path: &Path, watch: &mut Watch<'_>) -> Result<Manifest> {
    let manifest = helios_version::restore(directory, path, watch)?;
    let engine = Engine::open(path, EngineOptions::default())?;
    let found = engine.store().scn();
    match found == manifest.scn {
        true => Ok(manifest),
        false => Err(Error::corrupt(format!(
            "the restored database is at change number {found} instead of {}",
            manifest.scn
        ))),
    }
}
