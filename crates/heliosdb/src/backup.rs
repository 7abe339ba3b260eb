//! Backups: copies of a whole database as of one commit, made while it is in use.

use std::path::Path;

use helios_base::{Result, Scn};
use helios_sql::{BackupProgress, Manifest};

use crate::Database;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backup {
    /// The newest commit in it, of whichever branch.
    pub scn: Scn,
    /// When that was, in µs since 1970-01-01 UTC.
    pub committed_at: i64,
    /// How many files it has.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl From<Manifest> for Backup {
    fn from(manifest: Manifest) -> Self {
        Self {
            scn: manifest.scn,
            committed_at: manifest.time,
            files: manifest.files(),
            bytes: manifest.bytes(),
        }
    }
}

impl Database {
    /// Writes a backup into `directory`, which must be empty or not there: every branch with its history, as of
    /// the newest commit. Writers go on meanwhile. `watch` is told how far it is and ends it with an error; then nothing is
    /// left of it. A backup whose process dies says of itself that it is unfinished.
    ///
    /// # Errors
    /// `0A000` for a database in memory; `58P02` when something is in `directory`; `Io`; those of `watch`.
    pub fn backup(
        &self,
        directory: impl AsRef<Path>,
        mut watch: impl FnMut(BackupProgress) -> Result<()>,
    ) -> Result<Backup> {
        let store = self.engine().store();
        let manifest = store.backup(directory.as_ref(), &mut watch)?;
        Ok(manifest.into())
    }
}

/// Makes a database in `path`, which must be empty or not there, of the backup in `directory`, comparing
/// every byte with its checksum, and opens it once to see that it is the one that was backed up.
///
/// # Errors
/// `58P01` when there is no finished backup; `Corrupt` when it is damaged, naming the file; `58P02` when something is
/// in `path`; `Io`; those of `watch`.
pub fn restore(
    directory: impl AsRef<Path>,
    path: impl AsRef<Path>,
    mut watch: impl FnMut(BackupProgress) -> Result<()>,
) -> Result<Backup> {
    helios_sql::restore(directory.as_ref(), path.as_ref(), &mut watch).map(Backup::from)
}

/// Compares every byte of the backup in `directory` with its checksum.
///
/// # Errors
/// As [`restore`].
pub fn verify_backup(
    directory: impl AsRef<Path>,
    mut watch: impl FnMut(BackupProgress) -> Result<()>,
) -> Result<Backup> {
    helios_sql::verify_backup(directory.as_ref(), &mut watch).map(Backup::from)
}

/// Whether `directory` holds a backup, finished or not.
#[must_use]
pub fn is_backup(directory: impl AsRef<Path>) -> bool {
    helios_sql::is_backup(directory.as_ref())
}
