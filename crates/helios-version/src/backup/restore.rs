//! Reading a backup: verifying it, and making a database of it.

use std::fs;
use std::path::Path;

use helios_base::{Error, Result, SqlState, failpoint};

use super::copy::{copy, sync_directory};
use super::manifest::{Entry, Manifest};
use super::write::{clean, create, failed};
use super::{Copied, MANIFEST, SEGMENTS, UNFINISHED, Watch};
use crate::directory;

/// Compares every byte of the backup in `directory` with its checksums.
///
/// # Errors
/// `58P01` there is no backup, or it was not finished; `Corrupt` when a file is missing or damaged, naming it;
/// `Io`; those of `watch`.
pub fn verify_backup(directory: &Path, watch: &mut Watch<'_>) -> Result<Manifest> {
    let manifest = Manifest::read(directory)?;
    let mut done = Copied {
        done: 0,
        total: manifest.bytes(),
    };
    for file in &manifest.files {
        take(directory, file, None, &mut done, watch)?;
    }
    Ok(manifest)
}

/// Whether there is a backup in `directory`, finished or not.
#[must_use]
pub fn is_backup(directory: &Path) -> bool {
    [MANIFEST, UNFINISHED]
        .iter()
        .any(|name| directory.join(name).is_file())
}

/// Makes a database in `path`, which must be empty or not there, of the backup in `directory`. Every byte is
/// compared with its checksum. It becomes a database with its last file: what is left of a restore that did not end is
/// none.
///
/// # Errors
/// As [`verify_backup`]; `58P02` when something is in `path`.
pub fn restore(directory: &Path, path: &Path, watch: &mut Watch<'_>) -> Result<Manifest> {
    let manifest = Manifest::read(directory)?;
    let is_new = !path.exists();
    require_empty(path)?;
    let copied = copy_all(&manifest, directory, path, watch);
    if copied.is_err() {
        clean(path, is_new);
    }
    copied?;
    directory::write_identity(path, manifest.database)?;
    Ok(manifest)
}

fn copy_all(
    manifest: &Manifest,
    directory: &Path,
    path: &Path,
    watch: &mut Watch<'_>,
) -> Result<()> {
    let mut done = Copied {
        done: 0,
        total: manifest.bytes(),
    };
    create(path)?;
    for file in &manifest.files {
        let to = path.join(&file.path);
        if let Some(parent) = to.parent() {
            create(parent)?;
        }
        take(directory, file, Some(&to), &mut done, watch)?;
        failpoint::hit("restore.file")?;
    }
    for part in [super::LOG, SEGMENTS].map(|part| path.join(part)) {
        if part.exists() {
            sync_directory(&part).map_err(|error| failed("sync", &part, error))?;
        }
    }
    sync_directory(path).map_err(|error| failed("sync", path, error))
}

/// Reads a file of a backup, and copies it if there is somewhere `to`.
fn take(
    directory: &Path,
    file: &Entry,
    to: Option<&Path>,
    done: &mut Copied,
    watch: &mut Watch<'_>,
) -> Result<()> {
    let from = directory.join(&file.path);
    let damaged = |what: String| {
        Error::corrupt(format!("\"{}\" of the backup {what}", from.display()))
            .with_hint("Use another backup.")
    };
    if !from.exists() {
        return Err(damaged("is missing".to_owned()));
    }
    let (bytes, crc) = copy(&from, to, &mut |piece| {
        done.done += piece;
        watch(*done)
    })?;
    if bytes != file.bytes {
        return Err(damaged(format!(
            "has {bytes} bytes instead of {}",
            file.bytes
        )));
    }
    if crc != file.crc {
        return Err(damaged("is damaged: its checksum is another".to_owned()));
    }
    Ok(())
}

/// Refuses a directory in which something is.
pub(super) fn require_empty(path: &Path) -> Result<()> {
    let mut entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("read", path, error)),
    };
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Error::new(
            SqlState::DUPLICATE_FILE,
            format!("directory \"{}\" is not empty", path.display()),
        )
        .with_hint("Name a directory that is empty or not there.")),
    }
}
