//! One process owns a database directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use helios_base::{Error, ErrorKind, Result, SqlState};

/// Name of the lock file.
const NAME: &str = "lock";

/// The right to use a database directory, held until it is dropped or the process ends.
///
/// The file `lock` in the directory is locked by the operating system and says, for people, which
/// process holds it. It stays when the lock is let go: a file that is there means nothing.
#[derive(Debug)]
pub struct DirectoryLock {
    file: File,
    path: PathBuf,
}

impl DirectoryLock {
    /// Takes the lock of `dir`, which must be there.
    ///
    /// # Errors
    /// `Conflict` with the holder's process number if another holder has it, in this process or
    /// another one; `Io`.
    pub fn acquire(dir: &Path) -> Result<Self> {
        let path = dir.join(NAME);
        let shown = path.display();
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| Error::io(format_args!("open \"{shown}\""), e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(dir, &mut file)),
            Err(TryLockError::Error(e)) => {
                return Err(Error::io(format_args!("lock \"{shown}\""), e));
            }
        }
        let holder = format!("{}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(holder.as_bytes()))
            .map_err(|e| Error::io(format_args!("write \"{shown}\""), e))?;
        Ok(Self { file, path })
    }

    /// The lock file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // The end of the file's life unlocks it, too; a failure here changes nothing.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn in_use(dir: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    // The holder may be between taking the lock and writing its number.
    let holder = match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => format!("process {}", text.trim()),
        _ => "another process".to_owned(),
    };
    Error::new(
        SqlState::OBJECT_IN_USE,
        format!("database \"{}\" is in use by {holder}", dir.display()),
    )
    .with_kind(ErrorKind::Conflict)
    .with_hint("Close it there first, or connect to that process.")
}
