//! The directory of a database: who holds it, and which database it is.
//!
//! | file | content |
//! |---|---|
//! | `lock` | locked while a process has the database open |
//! | `DATABASE` | 40 bytes, written once, see below |
//! | `state.redb` | the state store |
//! | `log/` | the commit log |
//! | `segments/` | columnar segments, if there are any |
//!
//! `DATABASE`:
//!
//! | offset | bytes | field | rule |
//! |-------:|------:|---|---|
//! | 0 | 8 | magic | `HELIOSDB` |
//! | 8 | 4 | format | u32 LE, of the directory's layout; 1 |
//! | 12 | 8 | reserved | 0 |
//! | 20 | 16 | identity | u128 LE, random; the log and the state carry it too |
//! | 36 | 4 | checksum | u32 LE, xor of the nine words before it and `0x48444231` |

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use helios_base::{Error, Result, SqlState};
use helios_kv::DirectoryLock;

use crate::core::now;

const MAGIC: &[u8; 8] = b"HELIOSDB";
const FORMAT: u32 = 1;
const FORMAT_AT: Range<usize> = 8..12;
const IDENTITY_AT: Range<usize> = 20..36;
const CHECKSUM_AT: Range<usize> = 36..40;
const LEN: usize = 40;

/// An open, locked database directory.
pub(crate) struct Directory {
    path: PathBuf,
    pub(crate) identity: u128,
    /// Locked as long as it lives.
    _lock: DirectoryLock,
}

impl Directory {
    /// Locks the directory, making it and its identity if allowed.
    pub(crate) fn open(path: &Path, create: bool) -> Result<Self> {
        let name = path.display();
        if path.is_file() {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{name}\" is a file, not the directory of a database"),
            )
            .with_hint("Name a directory; data in a file can be imported into a database."));
        }
        if !path.join("DATABASE").exists() {
            if !create {
                return Err(Error::new(
                    SqlState::UNDEFINED_FILE,
                    format!("there is no database in \"{name}\""),
                ));
            }
            fs::create_dir_all(path)
                .map_err(|error| Error::io(format!("create directory \"{name}\""), error))?;
        }
        // Before the lock's file is made, so that nothing is left in someone else's directory. What
        // was just found may be a database that another process is making: its identity comes first.
        if read_identity(path)?.is_none()
            && let Err(foreign) = refuse_foreign(path)
            && read_identity(path)?.is_none()
        {
            return Err(foreign);
        }
        let lock = DirectoryLock::acquire(path)?;
        let identity = match read_identity(path)? {
            Some(identity) => identity,
            None => {
                refuse_foreign(path)?;
                let identity = random();
                write_identity(path, identity)?;
                identity
            }
        };
        Ok(Self {
            path: path.to_path_buf(),
            identity,
            _lock: lock,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path.join("state.redb")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Where the layer above keeps the files of segments.
    pub(crate) fn segments(&self) -> PathBuf {
        self.path.join("segments")
    }
}

fn read_identity(path: &Path) -> Result<Option<u128>> {
    let file = path.join("DATABASE");
    let name = file.display();
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(format!("read \"{name}\""), error)),
    };
    if !bytes.starts_with(MAGIC) {
        return Err(Error::corrupt(format!("\"{name}\" is not a database's")));
    }
    let Ok(bytes) = <[u8; LEN]>::try_from(bytes) else {
        return Err(Error::corrupt(format!("\"{name}\" has a wrong length")));
    };
    let format = u32_at(&bytes, FORMAT_AT);
    if format > FORMAT {
        return Err(Error::unsupported(format!(
            "\"{name}\" has format {format}, this program knows {FORMAT}"
        ))
        .with_hint("open the database with a newer program"));
    }
    if u32_at(&bytes, CHECKSUM_AT) != checksum(&bytes) {
        return Err(Error::corrupt(format!("checksum mismatch in \"{name}\"")));
    }
    let mut identity = [0; 16];
    identity.copy_from_slice(&bytes[IDENTITY_AT]);
    Ok(Some(u128::from_le_bytes(identity)))
}

/// A directory without an identity must be empty, or someone's files would be mixed with ours.
fn refuse_foreign(path: &Path) -> Result<()> {
    let failed = |error| Error::io(format!("list directory \"{}\"", path.display()), error);
    for entry in fs::read_dir(path).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if name != "lock" && name != "DATABASE.new" {
            return Err(Error::new(
                SqlState::DUPLICATE_DATABASE,
                format!(
                    "directory \"{}\" is neither empty nor a database",
                    path.display()
                ),
            )
            .with_detail(format!("It contains \"{}\".", name.display())));
        }
    }
    Ok(())
}

/// Writes an identity so that a crash leaves all of it or nothing.
pub(crate) fn write_identity(path: &Path, identity: u128) -> Result<()> {
    let mut bytes = [0; LEN];
    bytes[..MAGIC.len()].copy_from_slice(MAGIC);
    bytes[FORMAT_AT].copy_from_slice(&FORMAT.to_le_bytes());
    bytes[IDENTITY_AT].copy_from_slice(&identity.to_le_bytes());
    let sum = checksum(&bytes);
    bytes[CHECKSUM_AT].copy_from_slice(&sum.to_le_bytes());
    let (new, file) = (path.join("DATABASE.new"), path.join("DATABASE"));
    let write = || -> std::io::Result<()> {
        let mut out = File::create(&new)?;
        out.write_all(&bytes)?;
        out.sync_all()?;
        fs::rename(&new, &file)?;
        File::open(path)?.sync_all()
    };
    write().map_err(|error| Error::io(format!("write \"{}\"", file.display()), error))
}

fn u32_at(bytes: &[u8; LEN], at: Range<usize>) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at]);
    u32::from_le_bytes(word)
}

fn checksum(bytes: &[u8; LEN]) -> u32 {
    let words = (0..CHECKSUM_AT.start / 4).map(|word| u32_at(bytes, word * 4..word * 4 + 4));
    words.fold(0x4844_4231, |sum, word| sum ^ word)
}

fn random() -> u128 {
    let half = |salt: i64| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_i64(salt);
        hasher.write_u32(std::process::id());
        u128::from(hasher.finish())
    };
    half(now()) << 64 | half(!now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_the_identity_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        assert!(Directory::open(&path, false).is_err());
        let first = Directory::open(&path, true).unwrap();
        let error = Directory::open(&path, true).err().unwrap();
        assert_eq!(error.sqlstate(), SqlState::OBJECT_IN_USE);
        assert!(error.message().contains(&std::process::id().to_string()));
        let identity = first.identity;
        drop(first);
        assert_eq!(Directory::open(&path, false).unwrap().identity, identity);
    }

    #[test]
    fn damaged_newer_and_foreign_directories_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(Directory::open(dir.path(), true).unwrap());
        let file = dir.path().join("DATABASE");
        let good = fs::read(&file).unwrap();
        for at in 0..LEN {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&file, &bad).unwrap();
            assert!(Directory::open(dir.path(), true).is_err(), "byte {at}");
        }
        fs::write(&file, &good[..LEN - 1]).unwrap();
        assert!(Directory::open(dir.path(), true).is_err());
        fs::remove_file(&file).unwrap();
        fs::write(dir.path().join("letter.txt"), "dear").unwrap();
        let error = Directory::open(dir.path(), true).err().unwrap();
        assert_eq!(error.sqlstate(), SqlState::DUPLICATE_DATABASE);
    }

    #[test]
    fn nothing_is_left_in_a_foreign_directory() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("letter.txt"), "dear").unwrap();
        assert!(Directory::open(dir.path(), true).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
