//! The side of the log that touches files: filling segments, rotating and recycling them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use helios_base::{Result, failpoint};

use crate::LogOptions;
use crate::error::io_error;
use crate::files::{Files, LogFile, write_all};
use crate::frame::{self, Frame, Kind};
use crate::segment::{self, Header, Segment};

/// At most this many old segments wait to be used again.
const SPARES_MAX: usize = 2;
const ZEROES: usize = 256 * 1024;
/// Largest segment that a commit makes while it waits.
const INLINE_MAX: u64 = 1 << 20;

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
    /// The spare file `spare` is used if there is one that is large enough, else a file of `usual`
    /// bytes is made.
    pub fn make_segment(
        &self,
        header: Header,
        need: Need,
        usual: u64,
        spare: Option<Spare>,
    ) -> Result<Segment> {
        let least = segment::HEADER as u64 + need.frame;
        let (capacity, draft, file) = match spare {
            Some(spare) if spare.bytes >= least => {
                let file = self
                    .files
                    .open(&spare.path)
                    .map_err(|e| io_error("open", &spare.path, e))?;
                (spare.bytes, spare.path, file)
            }
            _ => {
                let path = segment::path(&self.path, header.number, segment::NEW);
                // Zeroes pay off for small commits; a load would only write everything twice. The
                // commit that makes the segment waits for it, so what it makes is not large.
                let load = need.all > usual / 4;
                let usual = if load { usual } else { usual.min(INLINE_MAX) };
                let zeroes = if load { 0 } else { usual };
                let (path, file) = self.make_file(path, zeroes)?;
                (usual.max(least), path, file)
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
        Ok(Segment::new(header, path, file, capacity))
    }

    /// Makes a zeroed file that can become a segment later.
    pub fn make_spare(&self, bytes: u64) -> Result<Spare> {
        let number = self.spare_number();
        let draft = segment::path(&self.path, number, segment::DRAFT);
        let (draft, file) = self.make_file(draft, bytes)?;
        file.sync_data().map_err(|e| io_error("sync", &draft, e))?;
        let path = segment::path(&self.path, number, segment::SPARE);
        self.rename(&draft, &path)?;
        Ok(Spare { path, bytes })
    }

    fn spare_number(&self) -> u64 {
        self.next_spare.fetch_add(1, Ordering::Relaxed)
    }

    fn make_file(&self, path: PathBuf, zeroes: u64) -> Result<(PathBuf, Box<dyn LogFile>)> {
        let file = self
            .files
            .create(&path)
            .map_err(|e| io_error("create", &path, e))?;
        fill(&*file, 0, zeroes).map_err(|e| io_error("extend", &path, e))?;
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

/// Writes zeroes from `at` to `end`, not a sparse file: a later fdatasync then has no metadata to
/// flush.
fn fill(file: &dyn LogFile, mut at: u64, end: u64) -> io::Result<()> {
    let chunk = vec![0; ZEROES.min(end.saturating_sub(at) as usize)];
    while at < end {
        let bytes = &chunk[..chunk.len().min((end - at) as usize)];
        write_all(file, bytes, at)?;
        at += bytes.len() as u64;
    }
    Ok(())
}

/// A file that can become a segment.
pub(crate) struct Spare {
    pub path: PathBuf,
    pub bytes: u64,
}

/// The files that are there, oldest segment first.
pub(crate) struct Segments {
    pub live: Vec<Arc<Segment>>,
    pub spares: Vec<Spare>,
}

impl Segments {
    /// Lets go of a segment: keeps its file for later use if that is worth it.
    pub fn retire(&mut self, directory: &Directory, old: Arc<Segment>) -> Result<()> {
        failpoint::hit("log.truncate")?;
        // A reader that still holds the file must not see it overwritten; unlinked it stays whole.
        let bytes = old.capacity();
        if bytes == directory.options.segment_bytes
            && self.spares.len() < SPARES_MAX
            && Arc::strong_count(&old) == 1
        {
            let path = segment::path(&directory.path, directory.spare_number(), segment::SPARE);
            directory.rename(&old.path, &path)?;
            self.spares.push(Spare { path, bytes });
            return Ok(());
        }
        directory.remove(&old.path)
    }

    /// Removes the files that wait to be used again.
    pub fn drop_spares(&mut self, directory: &Directory) -> Result<()> {
        while let Some(spare) = self.spares.pop() {
            directory.remove(&spare.path)?;
        }
        Ok(())
    }
}

/// Bytes that wait for the next segment.
#[derive(Clone, Copy, Default)]
pub(crate) struct Need {
    /// The first frame, which must fit.
    pub frame: u64,
    /// All that is to be written now.
    pub all: u64,
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
    /// Whether the last frame was a mark.
    pub marked: bool,
}

impl Writer {
    /// Writes whole frames; a frame never spans two segments.
    pub fn write(
        &mut self,
        directory: &Directory,
        mut frames: &[u8],
        next: &mut dyn FnMut(Header, Need) -> Result<Arc<Segment>>,
    ) -> Result<()> {
        while let Some(first) = frame::decode_header(frames) {
            let room = self.current.capacity().saturating_sub(self.offset);
            let (fits, last) = fitting(frames, room);
            let Some(last) = last else {
                if self.extend(directory, frame::size(first.length) as u64)? {
                    continue;
                }
                // All frames of a segment are durable before the next segment exists.
                self.sync()?;
                let header = Header {
                    database: directory.options.database,
                    number: self.current.header.number + 1,
                    base: first.position,
                    previous: self.previous,
                };
                let need = Need {
                    frame: frame::size(first.length) as u64,
                    all: frames.len() as u64,
                };
                let segment = next(header, need)?;
                self.enter(segment);
                continue;
            };
            let (now, rest) = frames.split_at(fits);
            self.put(now)?;
            self.offset += now.len() as u64;
            self.previous = last.crc;
            self.marked = last.kind == Kind::Mark;
            frames = rest;
        }
        Ok(())
    }

    /// Goes on in the next segment, which is empty.
    pub fn enter(&mut self, next: Arc<Segment>) {
        self.current.end.get_or_init(|| next.header.base);
        self.current = next;
        self.offset = segment::HEADER as u64;
    }

    /// Makes a segment that was cut off at a clean end as long as it would have been, if `more`
    /// bytes then fit.
    fn extend(&mut self, directory: &Directory, more: u64) -> Result<bool> {
        let Segment { file, path, .. } = &*self.current;
        let (from, to) = (self.current.capacity(), directory.options.smallest());
        if from >= to || to - self.offset.min(to) < more {
            return Ok(false);
        }
        fill(&**file, from, to).map_err(|e| io_error("extend", path, e))?;
        self.dirty = true;
        self.current.set_capacity(to);
        Ok(true)
    }

    /// Cuts off what no frame uses; what is written has been synced.
    pub fn trim(&mut self) -> Result<()> {
        let Segment { file, path, .. } = &*self.current;
        if self.current.capacity() > self.offset {
            file.truncate(self.offset)
                .map_err(|e| io_error("truncate", path, e))?;
            self.current.set_capacity(self.offset);
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

/// How many bytes of whole frames fit into `room`, and the last of them.
fn fitting(frames: &[u8], room: u64) -> (usize, Option<Frame>) {
    let mut at = 0;
    let mut last = None;
    while let Some(frame) = frames.get(at..).and_then(frame::decode_header) {
        let end = at + frame::size(frame.length);
        if end as u64 > room {
            break;
        }
        at = end;
        last = Some(frame);
    }
    (at, last)
}
