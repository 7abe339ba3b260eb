//! The side of the log that touches files: filling segments, rotating and recycling them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use helios_base::{Result, failpoint};

use crate::LogOptions;
use crate::error::io_error;
use crate::files::{Files, LogFile, write_all};
use crate::frame;
use crate::segment::{self, Header, Segment};

/// At most this many old segments wait to be used again.
const SPARES_MAX: usize = 2;
const ZEROES: usize = 256 * 1024;

/// The directory of a log.
pub(crate) struct Directory {
    pub files: Box<dyn Files>,
    pub path: PathBuf,
    pub options: LogOptions,
    /// Number in the name of the next spare; spares have numbers of their own, so that none takes
    /// the name of another or of a segment in the making.
    pub next_spare: AtomicU64,
}

impl Directory {
    /// Makes a segment that is ready for its first frame and durable as such.
    ///
    /// Frames of `frame_bytes` must fit. The spare file `spare` is used if there is one.
    pub fn make_segment(
        &self,
        header: Header,
        frame_bytes: u64,
        spare: Option<PathBuf>,
    ) -> Result<Segment> {
        let usual = self.options.segment_bytes;
        let capacity = usual.max(segment::HEADER as u64 + frame_bytes);
        let (draft, file) = match spare {
            Some(path) if capacity == usual => {
                let file = self
                    .files
                    .open(&path)
                    .map_err(|e| io_error("open", &path, e))?;
                (path, file)
            }
            _ => {
                let path = segment::path(&self.path, header.number, segment::NEW);
                self.make_file(path, if capacity == usual { usual } else { 0 })?
            }
        };
        failpoint::hit("log.rotate.header")?;
        write_all(&*file, &header.encode(), 0).map_err(|e| io_error("write", &draft, e))?;
        file.sync_data().map_err(|e| io_error("sync", &draft, e))?;
        failpoint::hit("log.rotate.rename")?;
        let path = segment::path(&self.path, header.number, segment::LOG);
        self.rename(&draft, &path)?;
        self.sync()?;
        failpoint::hit("log.rotate.renamed")?;
        Ok(Segment {
            header,
            path,
            file,
            capacity,
            end: OnceLock::new(),
        })
    }

    /// Makes a zeroed file that can become a segment later.
    pub fn make_spare(&self) -> Result<PathBuf> {
        let number = self.spare_number();
        let draft = segment::path(&self.path, number, segment::DRAFT);
        let (draft, file) = self.make_file(draft, self.options.segment_bytes)?;
        file.sync_data().map_err(|e| io_error("sync", &draft, e))?;
        let path = segment::path(&self.path, number, segment::SPARE);
        self.rename(&draft, &path)?;
        Ok(path)
    }

    fn spare_number(&self) -> u64 {
        self.next_spare.fetch_add(1, Ordering::Relaxed)
    }

    fn make_file(&self, path: PathBuf, zeroes: u64) -> Result<(PathBuf, Box<dyn LogFile>)> {
        let file = self
            .files
            .create(&path)
            .map_err(|e| io_error("create", &path, e))?;
        // Written zeroes, not a sparse file: a later fdatasync then has no metadata to flush.
        let chunk = vec![0; ZEROES.min(zeroes as usize)];
        let mut at = 0;
        while at < zeroes {
            let bytes = &chunk[..chunk.len().min((zeroes - at) as usize)];
            write_all(&*file, bytes, at).map_err(|e| io_error("extend", &path, e))?;
            at += bytes.len() as u64;
        }
        Ok((path, file))
    }

    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.files
            .rename(from, to)
            .map_err(|e| io_error("rename", from, e))
    }

    pub fn remove(&self, path: &Path) -> Result<()> {
        match self.files.remove(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path, e)),
            _ => Ok(()),
        }
    }

    pub fn sync(&self) -> Result<()> {
        self.files
            .sync_dir(&self.path)
            .map_err(|e| io_error("sync", &self.path, e))
    }
}

/// The files that are there, oldest segment first.
pub(crate) struct Segments {
    pub live: Vec<Arc<Segment>>,
    pub spares: Vec<PathBuf>,
}

impl Segments {
    /// Lets go of a segment: keeps its file for later use if that is worth it.
    pub fn retire(&mut self, directory: &Directory, old: Arc<Segment>) -> Result<()> {
        failpoint::hit("log.truncate")?;
        // A reader that still holds the file must not see it overwritten; unlinked it stays whole.
        let usual = old.capacity == directory.options.segment_bytes;
        if usual && self.spares.len() < SPARES_MAX && Arc::strong_count(&old) == 1 {
            let spare = segment::path(&directory.path, directory.spare_number(), segment::SPARE);
            directory.rename(&old.path, &spare)?;
            self.spares.push(spare);
            return Ok(());
        }
        directory.remove(&old.path)
    }
}

/// Where the next frame goes.
pub(crate) struct Writer {
    pub current: Arc<Segment>,
    /// End of the frames in the current segment's file.
    pub offset: u64,
    /// Checksum of the last frame.
    pub previous: u32,
    /// Whether something was written since the last sync.
    pub dirty: bool,
}

impl Writer {
    /// Writes whole frames; a frame never spans two segments.
    pub fn write(
        &mut self,
        directory: &Directory,
        mut frames: &[u8],
        next: &mut dyn FnMut(Header, u64) -> Result<Arc<Segment>>,
    ) -> Result<()> {
        while let Some(first) = frame::decode_header(frames) {
            let room = self.current.capacity.saturating_sub(self.offset);
            let (fits, previous) = fitting(frames, room);
            let Some(previous) = previous else {
                // All frames of a segment are durable before the next segment exists.
                self.sync()?;
                let header = Header {
                    database: directory.options.database,
                    number: self.current.header.number + 1,
                    base: first.position,
                    previous: self.previous,
                };
                self.current.end.get_or_init(|| header.base);
                self.current = next(header, frame::size(first.length) as u64)?;
                self.offset = segment::HEADER as u64;
                continue;
            };
            let (now, rest) = frames.split_at(fits);
            self.put(now)?;
            self.offset += now.len() as u64;
            self.previous = previous;
            frames = rest;
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        let Segment { file, path, .. } = &*self.current;
        let fail = |e| io_error("write", path, e);
        failpoint::hit("log.write")?;
        self.dirty = true;
        if failpoint::is_armed("log.write.half") {
            let (head, tail) = bytes.split_at(bytes.len() / 2);
            write_all(&**file, head, self.offset).map_err(fail)?;
            failpoint::hit("log.write.half")?;
            return write_all(&**file, tail, self.offset + head.len() as u64).map_err(fail);
        }
        write_all(&**file, bytes, self.offset).map_err(fail)
    }

    /// Makes everything written durable.
    pub fn sync(&mut self) -> Result<()> {
        if self.dirty {
            failpoint::hit("log.sync")?;
            let Segment { file, path, .. } = &*self.current;
            file.sync_data().map_err(|e| io_error("sync", path, e))?;
            failpoint::hit("log.synced")?;
            self.dirty = false;
        }
        Ok(())
    }
}

/// How many bytes of whole frames fit into `room`, and the checksum of the last of them.
fn fitting(frames: &[u8], room: u64) -> (usize, Option<u32>) {
    let mut at = 0;
    let mut last = None;
    while let Some(frame) = frames.get(at..).and_then(frame::decode_header) {
        let end = at + frame::size(frame.length);
        if end as u64 > room {
            break;
        }
        at = end;
        last = Some(frame.crc);
    }
    (at, last)
}
