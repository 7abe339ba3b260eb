//! Making a backup.

use std::fs::{self, File};
use std::ops::Bound;
use std::path::Path;

use helios_base::{Error, Result, Scn, SqlState, failpoint};
use helios_kv::{Keyspace, KvSnapshot, write_state};
use helios_log::{Log, LogOptions, Position};

use super::copy::{copy, sync_directory};
use super::manifest::{Entry, Manifest};
use super::{Copied, LOG, SEGMENTS, STATE, UNFINISHED, Watch};
use crate::cold::SegmentInfo;
use crate::core::Core;
use crate::{keys, recover};

impl Core {
    /// Writes a backup into `directory`, which must be empty or not there.
    pub(crate) fn backup(&self, directory: &Path, watch: &mut Watch<'_>) -> Result<Manifest> {
        let Some(own) = &self.directory else {
            return Err(Error::unsupported("a database in memory has no backup")
                .with_hint("Export its tables instead."));
        };
        // First of all: what is in use from here on stays.
        let _held = self.cold.hold();
        let (kv, position) = self.between_commits(|end| Ok((self.kv.snapshot(), end)))?;
        // A commit that is not durable here must not be there.
        self.log.sync(position)?;
        let (scn, time) = recover::newest_commit(&*kv)?.unwrap_or((Scn::ZERO, 0));
        let segments = segments_of(&*kv)?;
        let stats = self.kv.stats();
        let total = segments.iter().map(|segment| segment.bytes).sum::<u64>()
            + stats.file_bytes
            + stats.overlay_bytes;
        let is_new = begin(directory)?;
        let mut writing = Writing {
            directory,
            watch,
            done: Copied { done: 0, total },
            manifest: Manifest {
                scn,
                time,
                database: own.identity,
                position,
                files: Vec::new(),
            },
        };
        let written = writing.write(self, &*kv, &segments);
        if written.is_err() {
            clean(directory, is_new);
        }
        written.map(|()| writing.manifest)
    }
}

struct Writing<'w, 'f> {
    directory: &'w Path,
    watch: &'w mut Watch<'f>,
    done: Copied,
    manifest: Manifest,
}

impl Writing<'_, '_> {
    fn write(&mut self, core: &Core, kv: &dyn KvSnapshot, segments: &[SegmentInfo]) -> Result<()> {
        let (database, position) = (self.manifest.database, self.manifest.position);
        let state = self.directory.join(STATE);
        let (before, watch) = (self.done, &mut *self.watch);
        write_state(kv, &state, database, position, &mut |bytes| {
            failpoint::hit("backup.state")?;
            watch(before.and(bytes))
        })?;
        // Read again: what is summed up is what the disk got, not what it should have got.
        let (bytes, crc) = copy(&state, None, &mut |_| Ok(()))?;
        self.done = before.and(bytes);
        self.add(STATE.to_owned(), bytes, crc);
        self.segments(core, segments)?;
        let log = self.directory.join(LOG);
        Log::make_at(&log, LogOptions::new(database), Position(position))?;
        for name in names(&log)? {
            let (bytes, crc) = copy(&log.join(&name), None, &mut |_| Ok(()))?;
            self.add(format!("{LOG}/{name}"), bytes, crc);
        }
        failpoint::hit("backup.manifest")?;
        self.manifest.finish(self.directory)
    }

    fn segments(&mut self, core: &Core, segments: &[SegmentInfo]) -> Result<()> {
        if segments.is_empty() {
            return Ok(());
        }
        let opener = core.cold.opener();
        let directory = self.directory.join(SEGMENTS);
        create(&directory)?;
        for segment in segments {
            failpoint::hit("backup.segment")?;
            let file = opener.as_ref().and_then(|opener| opener.file(segment));
            let name = file.as_deref().and_then(Path::file_name);
            let (Some(file), Some(name)) = (&file, name) else {
                return Err(Error::internal(format!(
                    "segment {} has no file",
                    segment.id
                )));
            };
            let (done, watch) = (&mut self.done, &mut *self.watch);
            let (bytes, crc) = copy(file, Some(&directory.join(name)), &mut |piece| {
                *done = done.and(piece);
                watch(*done)
            })?;
            self.add(format!("{SEGMENTS}/{}", name.display()), bytes, crc);
        }
        sync_directory(&directory).map_err(|error| failed("sync", &directory, error))
    }

    fn add(&mut self, path: String, bytes: u64, crc: u32) {
        self.manifest.files.push(Entry { path, bytes, crc });
    }
}

impl Copied {
    fn and(self, bytes: u64) -> Self {
        let done = self.done + bytes;
        Self {
            done,
            total: self.total.max(done),
        }
    }
}

/// Makes the directory of a backup; says whether it was not there before.
fn begin(directory: &Path) -> Result<bool> {
    let is_new = !directory.exists();
    super::restore::require_empty(directory)?;
    create(directory)?;
    let mark = directory.join(UNFINISHED);
    File::create_new(&mark)
        .and_then(|file| file.sync_all())
        .and_then(|()| sync_directory(directory))
        .map_err(|error| failed("create", &mark, error))?;
    Ok(is_new)
}

/// Takes away what there is of a backup, or of a restore, that failed.
pub(super) fn clean(directory: &Path, is_new: bool) {
    // What cannot be removed stays, and is neither a backup nor a database.
    for part in [LOG, SEGMENTS] {
        let _ = fs::remove_dir_all(directory.join(part));
    }
    let _ = fs::remove_file(directory.join(STATE));
    let _ = fs::remove_file(directory.join(UNFINISHED));
    if is_new {
        let _ = fs::remove_dir(directory);
    }
}

/// The segments that a state of the store names.
fn segments_of(kv: &dyn KvSnapshot) -> Result<Vec<SegmentInfo>> {
    let (from, upto) = ([keys::META_SEGMENT], [keys::META_SEGMENT + 1]);
    let range = (Bound::Included(&from[..]), Bound::Excluded(&upto[..]));
    let mut cursor = kv.scan(Keyspace::Meta, range, false)?;
    let mut segments = Vec::new();
    while let Some((key, value)) = cursor.next()? {
        segments.push(SegmentInfo::decode(
            key.get(1..).unwrap_or_default(),
            value,
        )?);
    }
    Ok(segments)
}

fn names(directory: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(directory).map_err(|error| failed("read", directory, error))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed("read", directory, error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

pub(super) fn create(directory: &Path) -> Result<()> {
    fs::create_dir_all(directory).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(
            SqlState::DUPLICATE_FILE,
            format!("\"{}\" is not a directory", directory.display()),
        ),
        _ => failed("create", directory, error),
    })
}

pub(super) fn failed(verb: &str, path: &Path, error: std::io::Error) -> Error {
    Error::io(format!("{verb} \"{}\"", path.display()), error)
}
