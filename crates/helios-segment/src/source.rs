//! Where segments are read from and written to: the border to files and object stores.
//!
//! The format holds no paths. Whoever opens a segment gives a [`ReadAt`] and a label for messages;
//! whoever writes one gives a [`Sink`]. Both are small enough that an object store fits behind
//! them: ranged reads on one side, an append-only upload on the other.

use std::fs::File;
use std::io;

use bytes::Bytes;

/// A source of bytes at offsets, readable by many threads at once.
///
/// # Contract
/// The bytes never change while the source is in use. `read_at` returns exactly `length` bytes or
/// fails: with `UnexpectedEof` if the range reaches beyond the end.
pub trait ReadAt: Send + Sync + std::fmt::Debug {
    /// The size in bytes.
    ///
    /// # Errors
    /// Whatever the storage says.
    fn size(&self) -> io::Result<u64>;

    /// The bytes `offset .. offset + length`.
    ///
    /// # Errors
    /// `UnexpectedEof` beyond the end; otherwise whatever the storage says.
    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes>;
}

/// A place that takes a segment's bytes in order.
pub trait Sink: Send {
    /// Appends all of `bytes`.
    ///
    /// # Errors
    /// Whatever the storage says; the segment is then lost.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended durable. Nothing is appended afterwards.
    ///
    /// # Errors
    /// Whatever the storage says; the segment is then lost.
    fn finish(&mut self) -> io::Result<()>;
}

/// A segment in memory.
#[derive(Clone, Debug, Default)]
pub struct MemorySource(Bytes);

impl MemorySource {
    /// Over these bytes, without copying them.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }
}

impl ReadAt for MemorySource {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        let start = usize::try_from(offset).map_err(|_| beyond(offset, length))?;
        let end = start
            .checked_add(length)
            .filter(|end| *end <= self.0.len())
            .ok_or_else(|| beyond(offset, length))?;
        Ok(self.0.slice(start..end))
    }
}

/// A segment in a file, read by position.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    size: u64,
}

impl FileSource {
    /// Over an open file.
    ///
    /// # Errors
    /// If its size cannot be had.
    pub fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size })
    }
}

impl ReadAt for FileSource {
    fn size(&self) -> io::Result<u64> {
        Ok(self.size)
    }

    fn read_at(&self, offset: u64, length: usize) -> io::Result<Bytes> {
        // Checked before allocating: the length may come from a damaged file.
        let inside = offset
            .checked_add(length as u64)
            .is_some_and(|end| end <= self.size);
        if !inside {
            return Err(beyond(offset, length));
        }
        let mut bytes = vec![0; length];
        read_exact_at(&self.file, &mut bytes, offset)?;
        Ok(bytes.into())
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(beyond(offset, bytes.len())),
            read => {
                bytes = bytes.get_mut(read..).unwrap_or_default();
                offset += read as u64;
            }
        }
    }
    Ok(())
}

fn beyond(offset: u64, length: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("{length} bytes at {offset} reach beyond the end"),
    )
}

impl Sink for Vec<u8> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sink into a file; finishing syncs it.
///
/// The directory entry is the caller's affair: it knows whether the file has its final name.
#[derive(Debug)]
pub struct FileSink(File);

impl FileSink {
    /// Appends to `file` from its present position.
    pub fn new(file: File) -> Self {
        Self(file)
    }
}

impl Sink for FileSink {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut self.0, bytes)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}
