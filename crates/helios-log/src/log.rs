//! The log itself: appending, group commit, truncation.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use helios_base::{Error, Result, SqlState};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::error::{io_error, poison, poisoned};
use crate::files::{Files, OsFiles};
use crate::frame::{self, Kind, RECORD_LEN_MAX};
use crate::reader::Reader;
use crate::recover::recover;
use crate::segment::Header;
use crate::writer::{Directory, Segments, Writer};
use crate::{Extent, LogOptions, Position, Record};

/// The commit log of one database.
///
/// Records are byte strings. [`Log::append`] puts one into a buffer and fixes its place,
/// [`Log::sync`] makes all up to a place durable, sharing the write with everybody who waits.
/// A failed write or sync ends writing for good: what the disk holds is then unknown.
pub struct Log {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub directory: Directory,
    buffer: Mutex<Buffer>,
    /// Signalled when a drain ends.
    drained: Condvar,
    /// Copy of [`Buffer::durable`] for lock-free reading.
    durable: AtomicU64,
    /// Held by whoever drains; never waited for with the buffer locked.
    writer: Mutex<Writer>,
    pub segments: Mutex<Segments>,
}

/// What was appended and not written yet.
struct Buffer {
    frames: Vec<u8>,
    /// An empty buffer to swap with, so that draining does not allocate.
    spare: Vec<u8>,
    /// End of everything appended.
    end: u64,
    durable: u64,
    /// Checksum of the last appended frame.
    previous: u32,
    draining: bool,
    poison: Option<String>,
}

impl Log {
    /// Opens the log in `dir`, made if it is not there, and hands every record that begins at or
    /// after `from` to `on_record`, in order.
    ///
    /// A torn tail, left by a crash within a write, ends the log; it held nothing that had been
    /// durable.
    ///
    /// # Errors
    /// `Corrupt` if a record from `from` on was durable once and is damaged or missing now, or if
    /// the log is another database's; `Unsupported` if a newer program wrote it; `Io`; and
    /// whatever `on_record` returns.
    ///
    /// # Cost
    /// Reads the segments from the one of `from` on.
    pub fn open(
        dir: &Path,
        options: LogOptions,
        from: Position,
        on_record: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<Self> {
        Self::open_with(Box::new(OsFiles), dir, options, from, on_record)
    }

    /// As [`Log::open`], over other files than the operating system's.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_with(
        files: Box<dyn Files>,
        dir: &Path,
        options: LogOptions,
        from: Position,
        on_record: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<Self> {
        options.check(dir)?;
        let directory = Directory {
            files,
            path: dir.to_path_buf(),
            options,
            next_spare: AtomicU64::new(1),
        };
        let found = recover(&directory, from.0, on_record)?;
        let inner = Inner {
            directory,
            buffer: Mutex::new(Buffer {
                frames: Vec::new(),
                spare: Vec::new(),
                end: found.end,
                durable: found.end,
                previous: found.writer.previous,
                draining: false,
                poison: None,
            }),
            drained: Condvar::new(),
            durable: AtomicU64::new(found.end),
            writer: Mutex::new(found.writer),
            segments: Mutex::new(found.segments),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Makes the log of a copy of a database that holds everything before `at` already: the first record comes
    /// there. `dir` must not have a log yet.
    ///
    /// # Errors
    /// `Io`; `Invalid` if there is a log.
    pub fn make_at(dir: &Path, options: LogOptions, at: Position) -> Result<()> {
        options.check(dir)?;
        let directory = Directory {
            files: Box::new(OsFiles),
            path: dir.to_path_buf(),
            options,
            next_spare: AtomicU64::new(1),
        };
        directory
            .files
            .create_dir(dir)
            .map_err(|error| io_error("create", dir, error))?;
        let names = directory.files.list(dir);
        let mut names = names
            .map_err(|error| io_error("list", dir, error))?
            .into_iter();
        if names.any(|name| crate::segment::parse_name(&name).is_some()) {
            return Err(Error::new(
                SqlState::DUPLICATE_FILE,
                format!("there is a log in \"{}\" already", dir.display()),
            ));
        }
        let header = Header {
            database: directory.options.database,
            number: 1,
            base: at.0,
            previous: 0,
        };
        directory.make_segment(header, None).map(drop)
    }

    /// Adds a record to the buffer. Records lie in the log in the order of the calls.
    ///
    /// # Errors
    /// `Limit` if the record is longer than [`RECORD_LEN_MAX`]; `Poisoned` after a failed write.
    ///
    /// # Cost
    /// A copy and a checksum under a short mutex. If too much waits already
    /// ([`LogOptions::buffer_bytes`]), a write of it.
    pub fn append(&self, record: &[u8]) -> Result<Extent> {
        if record.len() > RECORD_LEN_MAX {
            return Err(Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("a log record of {} bytes is too large", record.len()),
            )
            .with_detail(format!("The limit is {RECORD_LEN_MAX} bytes.")));
        }
        let mut buffer = self.inner.buffer.lock();
        while buffer.frames.len() >= self.inner.directory.options.buffer_bytes {
            buffer = self.inner.drain(buffer, false)?;
        }
        buffer.push(Kind::Record, record)
    }

    /// Returns when everything before `upto` is durable. Concurrent callers share one write and
    /// one sync.
    ///
    /// # Errors
    /// `Poisoned` if the write or the sync failed, now and on every later call: then it is unknown
    /// which of the records that were not durable will be found at the next open.
    pub fn sync(&self, upto: Position) -> Result<()> {
        if self.inner.durable() >= upto.0 {
            return Ok(());
        }
        let mut buffer = self.inner.buffer.lock();
        if upto.0 > buffer.end {
            return Err(Error::internal(format!(
                "log position {upto} was never appended"
            )));
        }
        while buffer.durable < upto.0 {
            buffer = self.inner.drain(buffer, true)?;
        }
        Ok(())
    }

    /// Everything before this position is durable.
    #[must_use]
    pub fn durable(&self) -> Position {
        Position(self.inner.durable())
    }

    /// The end of everything appended.
    #[must_use]
    pub fn end(&self) -> Position {
        Position(self.inner.buffer.lock().end)
    }

    /// The failure that ended writing, if one did.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.inner.buffer.lock().poison.clone()
    }

    /// The oldest position that can be read.
    #[must_use]
    pub fn begin(&self) -> Position {
        let segments = self.inner.segments.lock();
        Position(segments.live.first().map_or(0, |s| s.header.base))
    }

    /// Bytes that an open from this position reads: all of the segments from its own on.
    #[must_use]
    pub fn replay_bytes(&self, from: Position) -> u64 {
        let end = self.end().0;
        let segments = self.inner.segments.lock();
        let bases = segments.live.iter().rev().map(|s| s.header.base);
        let base = bases.into_iter().find(|base| *base <= from.0);
        end.saturating_sub(base.unwrap_or_default())
    }

    /// Reads durable records from `from` on, which must be the start of a record or the end of the
    /// log. The reader sees records that become durable later, too.
    ///
    /// # Errors
    /// `Invalid` if that part of the log is gone or not there yet.
    pub fn read(&self, from: Position) -> Result<Reader> {
        Reader::new(Arc::clone(&self.inner), from)
    }

    /// Lets go of whole segments that end at or before `position`. Their files are used again or
    /// removed; readers that are in them can finish them.
    ///
    /// # Errors
    /// `Io`; the segments that are still there stay readable.
    pub fn truncate_before(&self, position: Position) -> Result<()> {
        let mut segments = self.inner.segments.lock();
        let before = segments.live.len();
        // Oldest first, so that a crash in between leaves no gap.
        while let [_, second, ..] = segments.live.as_slice()
            && second.header.base <= position.0
        {
            let old = segments.live.remove(0);
            if let Err(error) = segments.retire(&self.inner.directory, Arc::clone(&old)) {
                segments.live.insert(0, old);
                return Err(error);
            }
        }
        if segments.live.len() == before {
            return Ok(());
        }
        self.inner.directory.sync()
    }

    /// Makes everything durable and says so in the log, so that later damage to any record shows,
    /// and gives back what the files do not need: nobody reads what is before `keep` any more. The
    /// log can be used further. Call it before a clean end.
    ///
    /// # Errors
    /// As [`Log::sync`].
    pub fn mark(&self, keep: Position) -> Result<()> {
        self.sync(self.end())?;
        self.leave_segment(keep)?;
        self.truncate_before(keep)?;
        if !self.inner.writer.lock().marked {
            self.write_mark()?;
        }
        // Nobody drains: all is durable. If somebody begins to, it waits for these.
        let mut writer = self.inner.writer.lock();
        let buffer = self.inner.buffer.lock();
        if buffer.poison.is_none() && buffer.durable == buffer.end {
            writer.trim()?;
        }
        drop(buffer);
        let directory = &self.inner.directory;
        self.inner.segments.lock().drop_spares(directory)
    }

    /// Goes on in a new segment if the current one is large and nothing of it is needed.
    fn leave_segment(&self, keep: Position) -> Result<()> {
        let directory = &self.inner.directory;
        let mut writer = self.inner.writer.lock();
        {
            let buffer = self.inner.buffer.lock();
            let all_durable = buffer.poison.is_none() && buffer.durable == buffer.end;
            if !all_durable || buffer.end != keep.0 || writer.offset <= directory.options.little() {
                return Ok(());
            }
        }
        let header = Header {
            database: directory.options.database,
            number: writer.current.header.number + 1,
            base: keep.0,
            previous: writer.previous,
        };
        let segment = Arc::new(directory.make_segment(header, None)?);
        writer.enter(Arc::clone(&segment), directory.options.segment_bytes);
        self.inner.segments.lock().live.push(segment);
        Ok(())
    }

    fn write_mark(&self) -> Result<()> {
        let end = {
            let mut buffer = self.inner.buffer.lock();
            buffer.push(Kind::Mark, &[])?.end
        };
        self.sync(end)
    }

    /// Bytes of the log's files, spares included.
    ///
    /// # Errors
    /// `Io`.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        let segments = self.inner.segments.lock();
        let live: u64 = segments.live.iter().map(|s| s.size()).sum();
        let spares: u64 = segments.spares.iter().map(|s| s.bytes).sum();
        live + spares
    }
}

impl Buffer {
    fn push(&mut self, kind: Kind, payload: &[u8]) -> Result<Extent> {
        if let Some(cause) = &self.poison {
            return Err(poisoned(cause));
        }
        let start = self.end;
        self.previous = frame::encode(
            &mut self.frames,
            kind,
            start,
            self.durable,
            self.previous,
            payload,
        );
        self.end += frame::size(payload.len()) as u64;
        Ok(Extent {
            start: Position(start),
            end: Position(self.end),
        })
    }
}

impl Inner {
    pub fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// Writes what the buffer holds and, if `sync`, makes it durable. If somebody is at it
    /// already, waits for the end of that instead: the caller looks again at what it needs.
    fn drain<'a>(
        &'a self,
        mut buffer: MutexGuard<'a, Buffer>,
        sync: bool,
    ) -> Result<MutexGuard<'a, Buffer>> {
        if let Some(cause) = &buffer.poison {
            return Err(poisoned(cause));
        }
        if buffer.draining {
            self.drained.wait(&mut buffer);
            return Ok(buffer);
        }
        buffer.draining = true;
        let spare = std::mem::take(&mut buffer.spare);
        let mut frames = std::mem::replace(&mut buffer.frames, spare);
        let end = buffer.end;
        let result = MutexGuard::unlocked(&mut buffer, || self.write(&frames, sync));
        buffer.draining = false;
        self.drained.notify_all();
        match result {
            Ok(()) => {
                frames.clear();
                frames.shrink_to(self.directory.options.buffer_bytes);
                buffer.spare = frames;
                if sync {
                    buffer.durable = end;
                    self.durable.store(end, Ordering::Release);
                }
                Ok(buffer)
            }
            Err(error) => {
                buffer.poison = Some(error.message().to_owned());
                Err(poison(error))
            }
        }
    }

    fn write(&self, frames: &[u8], sync: bool) -> Result<()> {
        let mut writer = self.writer.lock();
        writer.write(&self.directory, frames, &mut |header| {
            let spare = self.segments.lock().spares.pop();
            let segment = Arc::new(self.directory.make_segment(header, spare)?);
            self.segments.lock().live.push(Arc::clone(&segment));
            Ok(segment)
        })?;
        if sync { writer.sync() } else { Ok(()) }
    }
}
