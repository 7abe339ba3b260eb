//! Where the files of segments are.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use helios_base::{Error, Result, Scn};
use helios_segment::{FileSink, FileSource, MemorySource, ReadAt, Sink};
use helios_version::{Cold, ColdRows, SegmentInfo};
use parking_lot::Mutex;

use super::descriptor::Descriptor;
use super::near::Near;
use super::rows::SegmentRows;

/// The files of one database: in a directory, or in memory as the rest of it.
pub(crate) struct Shelf {
    directory: Option<PathBuf>,
    memory: Mutex<HashMap<u64, Bytes>>,
    near: Arc<Near>,
}

/// A file being written.
pub(super) enum Draft {
    File(FileSink),
    Memory(Vec<u8>),
}

impl Sink for Draft {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match self {
            Self::File(file) => file.append(bytes),
            Self::Memory(memory) => {
                memory.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(&mut self) -> std::io::Result<()> {
        match self {
            Self::File(file) => file.finish(),
            Self::Memory(_) => Ok(()),
        }
    }
}

impl Shelf {
    /// The files in `directory`, which need not exist yet; in memory without one. Keeps what was read of single
    /// rows in `cache` bytes.
    pub(crate) fn new(directory: Option<PathBuf>, cache: usize) -> Self {
        Self {
            directory,
            memory: Mutex::default(),
            near: Arc::new(Near::new(cache)),
        }
    }

    /// The name of a segment's file.
    fn name(id: u64) -> String {
        format!("{id:016x}.seg")
    }

    /// Begins a segment's file.
    ///
    /// # Errors
    /// `Io`.
    fn create(&self, id: u64) -> Result<Draft> {
        let Some(directory) = &self.directory else {
            return Ok(Draft::Memory(Vec::new()));
        };
        fs::create_dir_all(directory).map_err(|error| failed("create", directory, error))?;
        let path = directory.join(Self::name(id));
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|error| failed("create", &path, error))?;
        Ok(Draft::File(FileSink::new(file)))
    }

    /// Takes in a finished file, so that it is there after a crash.
    ///
    /// # Errors
    /// `Io`.
    fn keep(&self, id: u64, draft: Draft) -> Result<()> {
        match (draft, &self.directory) {
            (Draft::Memory(bytes), _) => {
                self.memory.lock().insert(id, bytes.into());
            }
            (Draft::File(file), Some(directory)) => {
                drop(file);
                sync_directory(directory)?;
                if let Some(parent) = directory.parent() {
                    sync_directory(parent)?;
                }
            }
            (Draft::File(_), None) => {}
        }
        Ok(())
    }

    /// Deletes a file that was not taken in.
    fn discard(&self, id: u64) {
        self.near.forget(id);
        self.memory.lock().remove(&id);
        if let Some(directory) = &self.directory {
            // What is left is deleted at the next open.
            let _ = fs::remove_file(directory.join(Self::name(id)));
        }
    }

    /// Deletes the files that no entry names: nothing refers to them. For when the database was just opened.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn clean(&self, segments: &[SegmentInfo]) -> Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed("read", directory, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| failed("read", directory, error))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let id = name.strip_suffix(".seg");
            let id = id.and_then(|id| u64::from_str_radix(id, 16).ok());
            let Some(id) = id else { continue };
            if !segments.iter().any(|info| info.id == id) {
                let path = entry.path();
                fs::remove_file(&path).map_err(|error| failed("delete", &path, error))?;
            }
        }
        Ok(())
    }

    /// Opens a segment whose description is known, and when its newest row began.
    pub(super) fn read(
        &self,
        id: u64,
        descriptor: Descriptor,
        newest: Scn,
    ) -> Result<Arc<SegmentRows>> {
        let name = Self::name(id);
        let (source, label): (Arc<dyn ReadAt>, String) = match &self.directory {
            None => match self.memory.lock().get(&id) {
                Some(bytes) => (Arc::new(MemorySource::new(bytes.clone())), name),
                None => return Err(Error::internal(format!("segment {id} is not in memory"))),
            },
            Some(directory) => {
                let path = directory.join(&name);
                let missing = |error| {
                    failed("open", &path, error)
                        .with_table(&descriptor.table)
                        .with_detail(format!(
                            "It is a columnar segment of table \"{}\".",
                            descriptor.table
                        ))
                        .with_hint(
                            "Other tables can be used. Restore the file from a backup, then check the database.",
                        )
                };
                let file = File::open(&path).and_then(FileSource::new);
                (Arc::new(file.map_err(missing)?), path.display().to_string())
            }
        };
        let near = Arc::clone(&self.near);
        SegmentRows::open(id, source, &label, descriptor, newest, near).map(Arc::new)
    }
}

impl Cold for Shelf {
    fn open(&self, segment: &SegmentInfo) -> Result<Arc<dyn ColdRows>> {
        let descriptor = Descriptor::decode(&segment.descriptor)?;
        let table = descriptor.table.clone();
        match self.read(segment.id, descriptor, segment.newest) {
            Ok(rows) => Ok(rows),
            Err(error) => Err(error.with_table(&table)),
        }
    }

    fn file(&self, segment: &SegmentInfo) -> Option<PathBuf> {
        let directory = self.directory.as_ref();
        directory.map(|directory| directory.join(Self::name(segment.id)))
    }

    fn remove(&self, segment: &SegmentInfo) {
        self.discard(segment.id);
    }
}

/// A segment's file that is deleted unless it is taken in.
pub(super) struct Unfinished {
    shelf: Arc<Shelf>,
    id: u64,
    armed: bool,
}

impl Unfinished {
    /// Begins a segment's file.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn create(shelf: &Arc<Shelf>, id: u64) -> Result<(Self, Draft)> {
        let unfinished = Self {
            shelf: Arc::clone(shelf),
            id,
            armed: true,
        };
        let draft = shelf.create(id)?;
        Ok((unfinished, draft))
    }

    /// Makes the finished file durable and opens it.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn keep(&self, draft: Draft, descriptor: Descriptor) -> Result<Arc<SegmentRows>> {
        self.seal(draft)?;
        self.shelf.read(self.id, descriptor, Scn::ZERO)
    }

    /// Makes the finished file durable.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn seal(&self, draft: Draft) -> Result<()> {
        self.shelf.keep(self.id, draft)
    }

    /// The file is somebody else's now.
    pub(super) fn forget(mut self) {
        self.armed = false;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.armed {
            self.shelf.discard(self.id);
        }
    }
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::io(format!("{what} \"{}\"", path.display()), error)
}

fn sync_directory(path: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| failed("sync", path, error))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
