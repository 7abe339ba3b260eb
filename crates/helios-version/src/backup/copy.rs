//! Copying files and summing them up.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use helios_base::{Error, Result};

/// Bytes at a time.
const PIECE: usize = 1 << 20;

/// Reads a file to its end; shows each piece to `watch` and returns the length and the checksum. With `to`,
/// writes it there as well, durably, as a new file; pages of zeroes become holes.
///
/// # Errors
/// `Io`; those of `watch`, which is told the bytes of each piece.
pub(super) fn copy(
    from: &Path,
    to: Option<&Path>,
    watch: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<(u64, u32)> {
    let reading = |error| Error::io(format!("read \"{}\"", from.display()), error);
    let mut source = File::open(from).map_err(reading)?;
    let mut target = to.map(Target::create).transpose()?;
    let mut piece = vec![0; PIECE];
    let (mut length, mut crc) = (0, 0);
    loop {
        let got = match source.read(&mut piece) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(reading(error)),
        };
        let bytes = piece.get(..got).unwrap_or_default();
        crc = crc32c::crc32c_append(crc, bytes);
        if let Some(target) = &mut target {
            target.append(bytes)?;
        }
        length += got as u64;
        watch(got as u64)?;
    }
    if let Some(target) = target {
        target.finish(length)?;
    }
    Ok((length, crc))
}

/// A file being written.
struct Target<'p> {
    file: File,
    path: &'p Path,
}

impl<'p> Target<'p> {
    fn create(path: &'p Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        match file {
            Ok(file) => Ok(Self { file, path }),
            Err(error) => Err(Error::io(format!("create \"{}\"", path.display()), error)),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let hole = bytes.iter().all(|byte| *byte == 0);
        let done = match (hole, i64::try_from(bytes.len())) {
            (true, Ok(length)) => self.file.seek(SeekFrom::Current(length)).map(drop),
            _ => self.file.write_all(bytes),
        };
        done.map_err(|error| self.failed(error))
    }

    fn finish(self, length: u64) -> Result<()> {
        let done = self
            .file
            .set_len(length)
            .and_then(|()| self.file.sync_all());
        done.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io(format!("write \"{}\"", self.path.display()), error)
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    // Windows makes names durable with the file and cannot open a directory.
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
