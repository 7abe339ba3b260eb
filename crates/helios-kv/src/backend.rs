//! The file under the state file's container, untouched until something is to be saved.
//!
//! The container notes in its header that the file is open and, at the end, writes where free
//! pages are and that it was closed: half a dozen syncs for a session that may only have read. So
//! what it writes is held in memory until the first checkpoint. A session without one leaves the
//! file as it found it, and so does its crash.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// Bytes of a page of the container: its files are whole pages.
const PAGE: u64 = 4096;

/// More than the container writes to open a file that was closed well.
const OPENING_BYTES: usize = 4096;

/// A state file. Clones share it.
#[derive(Clone)]
pub(crate) struct Backend(Arc<Inner>);

struct Inner {
    file: FileBackend,
    /// Whether writes go to the file.
    live: AtomicBool,
    held: RwLock<Held>,
}

/// What the file does not have yet.
#[derive(Default)]
struct Held {
    length: Option<u64>,
    /// In the order they were made.
    writes: Vec<(u64, Vec<u8>)>,
}

impl Backend {
    /// The file, which is written to at once only if it is empty.
    pub fn new(file: File) -> Result<Self, DatabaseError> {
        let stored = file.metadata()?.len();
        // A few bytes at the end that nobody of us wrote are no reason to refuse the rest.
        let whole = stored - stored % PAGE;
        let held = Held {
            length: (whole != stored && whole > 0).then_some(whole),
            ..Held::default()
        };
        Ok(Self(Arc::new(Inner {
            file: FileBackend::new(file)?,
            live: AtomicBool::new(stored == 0),
            held: RwLock::new(held),
        })))
    }

    /// Says that the container has opened the file: if it had to mend it, that is kept.
    pub fn opened(&self) -> io::Result<()> {
        let held = self.0.held.read();
        let bytes: usize = held.writes.iter().map(|(_, bytes)| bytes.len()).sum();
        let mended = held.length.is_some() || bytes > OPENING_BYTES;
        drop(held);
        if mended { self.go_live() } else { Ok(()) }
    }

    /// From here on writes go to the file, and those held back go first.
    pub fn go_live(&self) -> io::Result<()> {
        if self.is_live() {
            return Ok(());
        }
        let mut held = self.0.held.write();
        if self.is_live() {
            return Ok(());
        }
        if let Some(length) = held.length {
            self.0.file.set_len(length)?;
        }
        for (offset, bytes) in &held.writes {
            self.0.file.write(*offset, bytes)?;
        }
        if !held.writes.is_empty() {
            self.0.file.sync_data()?;
        }
        *held = Held::default();
        self.0.live.store(true, Ordering::Release);
        Ok(())
    }

    #[inline]
    fn is_live(&self) -> bool {
        self.0.live.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Backend").field(&self.0.file).finish()
    }
}

impl Held {
    fn read(&self, file: &FileBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let stored = file.len()?;
        let length = self.length.unwrap_or(stored);
        if offset.saturating_add(out.len() as u64) > length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let there = usize::try_from(stored.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (head, tail) = out.split_at_mut(there.min(out.len()));
        file.read(offset, head)?;
        tail.fill(0);
        for (from, bytes) in &self.writes {
            overlay(offset, out, *from, bytes);
        }
        Ok(())
    }
}

/// Copies the part of `bytes`, which lie at `from`, that `out` at `offset` has.
fn overlay(offset: u64, out: &mut [u8], from: u64, bytes: &[u8]) {
    let distance = |a: u64, b: u64| usize::try_from(a.saturating_sub(b)).unwrap_or(usize::MAX);
    let (skip, at) = (distance(offset, from), distance(from, offset));
    let (Some(bytes), Some(out)) = (bytes.get(skip..), out.get_mut(at..)) else {
        return;
    };
    let count = bytes.len().min(out.len());
    if let (Some(bytes), Some(out)) = (bytes.get(..count), out.get_mut(..count)) {
        out.copy_from_slice(bytes);
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        match self.0.held.read().length {
            Some(length) if !self.is_live() => Ok(length),
            _ => self.0.file.len(),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if !self.is_live() {
            let held = self.0.held.read();
            if !self.is_live() {
                return held.read(&self.0.file, offset, out);
            }
        }
        self.0.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if !self.is_live() {
            let mut held = self.0.held.write();
            if !self.is_live() {
                for (offset, bytes) in &mut held.writes {
                    let room = usize::try_from(length.saturating_sub(*offset));
                    bytes.truncate(room.unwrap_or(usize::MAX));
                }
                held.length = Some(length);
                return Ok(());
            }
        }
        self.0.file.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.is_live() {
            self.0.file.sync_data()
        } else {
            Ok(())
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if !self.is_live() {
            let mut held = self.0.held.write();
            if !self.is_live() {
                held.writes.push((offset, data.to_vec()));
                return Ok(());
            }
        }
        self.0.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}
