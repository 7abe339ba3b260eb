//! An append-only byte string that moves to a temporary file when it grows large.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;

use helios_base::{Error, Result};

/// An append-only byte string: the first `base` bytes in a file, the rest in memory.
pub(super) struct Arena {
    base: u64,
    tail: Vec<u8>,
    file: Option<File>,
    memory: usize,
}

impl Arena {
    pub(super) fn new(memory: usize) -> Self {
        Self {
            base: 0,
            tail: Vec::new(),
            file: None,
            memory: memory.max(4096),
        }
    }

    #[inline]
    pub(super) fn spilled(&self) -> bool {
        self.base > 0
    }

    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.base + self.tail.len() as u64
    }

    /// Appends what `write` pushes.
    #[inline]
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        if self.tail.len() >= self.memory {
            self.spill()?;
        }
        write(&mut self.tail);
        Ok(())
    }

    #[cold]
    fn spill(&mut self) -> Result<()> {
        let failed = |error| Error::io("write a large transaction to a temporary file", error);
        let mut file = match self.file.take() {
            Some(file) => file,
            None => temporary_file().map_err(failed)?,
        };
        // The file may be longer after an undo: positions decide, not its length.
        let written = file
            .write_all_at(&self.tail, self.base)
            .and_then(|()| file.flush());
        self.file = Some(file);
        written.map_err(failed)?;
        self.base += self.tail.len() as u64;
        self.tail.clear();
        Ok(())
    }

    /// `len` bytes from `at`; they must have been appended.
    #[inline]
    pub(super) fn read(&self, at: u64, len: usize) -> Result<Cow<'_, [u8]>> {
        if at >= self.base {
            let start = (at - self.base) as usize;
            return match self.tail.get(start..start + len) {
                Some(bytes) => Ok(Cow::Borrowed(bytes)),
                None => Err(out_of_range()),
            };
        }
        self.read_spilled(at, len)
    }

    #[cold]
    fn read_spilled(&self, at: u64, len: usize) -> Result<Cow<'_, [u8]>> {
        let Some(file) = &self.file else {
            return Err(out_of_range());
        };
        let mut bytes = vec![0; len];
        let stored = len.min((self.base - at) as usize);
        file.read_exact_at(&mut bytes[..stored], at)
            .map_err(|error| Error::io("read a large transaction back", error))?;
        let Some(rest) = self.tail.get(..len - stored) else {
            return Err(out_of_range());
        };
        bytes[stored..].copy_from_slice(rest);
        Ok(Cow::Owned(bytes))
    }

    /// Forgets everything from `end` on.
    pub(super) fn truncate(&mut self, end: u64) -> Result<()> {
        if end >= self.base {
            self.tail.truncate((end - self.base) as usize);
        } else {
            self.tail.clear();
            self.base = end;
        }
        Ok(())
    }
}

#[cold]
fn out_of_range() -> Error {
    Error::internal("a write set points past its end")
}

/// A file without a name, gone when closed.
fn temporary_file() -> std::io::Result<File> {
    let directory = std::env::temp_dir();
    let process = std::process::id();
    for attempt in 0u32.. {
        let path = directory.join(format!("heliosdb-{process}-{attempt}.tmp"));
        let opened = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        match opened {
            Ok(file) => {
                std::fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::ErrorKind::AlreadyExists.into())
}
