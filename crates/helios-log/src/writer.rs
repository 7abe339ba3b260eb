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
/// Writes of at most so many bytes go to a place that was filled with zeroes before.
const SMALL: usize = 16 << 10;
/// So far ahead of the frames zeroes are written: as far as there are frames, within these bounds.
const AHEAD: (u64, u64) = (64 << 10, 1 << 20);
static ZEROES: [u8; 64 << 10] = [0; 64 << 10];

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
    /// The file of `spare` is used if there is one.
    pub fn make_segment(&self, header: Header, spare: Option<Spare>) -> Result<Segment> {
        let (size, file, draft) = match spare {
            Some(Spare { path, bytes }) => {
                let file = self.files.open(&path);
                (bytes, file.map_err(|e| io_error("open", &path, e))?, path)
            }
            None => {
                let path = segment::path(&self.path, header.number, segment::NEW);
                let file = self.files.create(&path);
                let size = segment::HEADER as u64;
                (size, file.map_err(|e| io_error("create", &path, e))?, path)
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
        Ok(Segment::new(header, path, file, size))
    }

    fn spare_number(&self) -> u64 {
        self.next_spare.fetch_add(1, Ordering::Relaxed)
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

/// Writes zeroes from `at` to `end`.
fn fill(file: &dyn LogFile, mut at: u64, end: u64) -> io::Result<()> {
    while at < end {
        let bytes = &ZEROES[..ZEROES.len().min((end - at) as usize)];
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
        let bytes = old.size();
        if directory.options.recycles(bytes)
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

/// Where the next frame goes.
pub(crate) struct Writer {
    pub current: Arc<Segment>,
    /// Bytes that header and frames may fill; the file grows up to here.
    pub capacity: u64,
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
        next: &mut dyn FnMut(Header) -> Result<Arc<Segment>>,
    ) -> Result<()> {
        while let Some(first) = frame::decode_header(frames) {
            let room = self.capacity.saturating_sub(self.offset);
            let (fits, last) = fitting(frames, room);
            let Some(last) = last else {
                // All frames of a segment are durable before the next segment exists.
                self.sync()?;
                let header = Header {
                    database: directory.options.database,
                    number: self.current.header.number + 1,
                    base: first.position,
                    previous: self.previous,
                };
                let least = segment::HEADER + frame::size(first.length);
                let capacity = directory.options.segment_bytes.max(least as u64);
                self.enter(next(header)?, capacity);
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
    pub fn enter(&mut self, next: Arc<Segment>, capacity: u64) {
        self.current.end.get_or_init(|| next.header.base);
        self.current = next;
        self.capacity = capacity;
        self.offset = segment::HEADER as u64;
    }

    /// Cuts off what no frame uses; what is written has been synced.
    pub fn trim(&mut self) -> Result<()> {
        let Segment { file, path, .. } = &*self.current;
        if self.current.size() > self.offset {
            file.truncate(self.offset)
                .map_err(|e| io_error("truncate", path, e))?;
            self.current.set_size(self.offset);
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
            write_all(&**file, tail, self.offset + head.len() as u64).map_err(fail)?;
        } else {
            write_all(&**file, bytes, self.offset).map_err(fail)?;
        }
        self.grow(self.offset + bytes.len() as u64, bytes.len() <= SMALL);
        Ok(())
    }

    /// Notes that frames reach to `end` now. If they made the file longer, and more of their kind
    /// may follow, fills what comes next with zeroes.
    ///
    /// A sync after a write within the file has only the write to make durable. One that made the
    /// file longer has the length and the new blocks, too, which costs as much again, or twice;
    /// preallocated blocks that were never written cost the same. Large writes do not mind, and
    /// would be written twice.
    fn grow(&self, end: u64, is_small: bool) {
        let segment = &*self.current;
        if end <= segment.size() {
            return;
        }
        segment.set_size(end);
        if is_small {
            let to = self.capacity.min(end + end.clamp(AHEAD.0, AHEAD.1));
            // Nothing needs the zeroes: on a full disk the log goes on without them.
            if fill(&*segment.file, end, to).is_ok() {
                segment.set_size(to);
            }
        }
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
