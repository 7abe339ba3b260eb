//! Where the lines of the audit log go: files beside the store, or memory.
//!
//! `audit/` in the database's directory has files called by the number of their first line, in 20 digits, and `.jsonl`. They are only
//! appended to; nothing deletes them. A line that a crash cut off stays, and the next file begins after it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use helios_base::{Error, Result};
use parking_lot::Mutex;

use super::class::{Class, Classes};
use super::record::{Chain, Record, claimed};

/// Bytes of a file after which another one begins.
const FILE_MAX: u64 = 64 << 20;
/// Lines kept of a database in memory.
const MEMORY_MAX: usize = 10_000;
/// So much of a file's end has its last line in it.
const TAIL: u64 = 256 << 10;
const SUFFIX: &str = ".jsonl";

/// The audit log of one database.
pub(crate) struct AuditLog {
    /// Which statements it takes.
    classes: AtomicU16,
    directory: Option<PathBuf>,
    end: Mutex<End>,
}

#[derive(Default)]
struct End {
    /// Whether the last line was looked for.
    is_known: bool,
    next: u64,
    chain: Chain,
    file: Option<File>,
    bytes: u64,
    memory: std::collections::VecDeque<Arc<str>>,
    /// A write failed, which was told.
    is_failing: bool,
}

impl AuditLog {
    /// A log in `directory`, which is made with the first line; in memory without one.
    pub(crate) fn new(directory: Option<PathBuf>) -> Self {
        Self {
            classes: AtomicU16::new(0),
            directory,
            end: Mutex::default(),
        }
    }

    #[inline]
    pub(super) fn classes(&self) -> Classes {
        Classes(self.classes.load(Relaxed))
    }

    /// Takes other statements from here on.
    pub(in crate::session) fn choose(&self, classes: Classes) {
        self.classes.store(classes.0, Relaxed);
    }

    /// Whether the last line could not be written.
    pub(in crate::session) fn is_failing(&self) -> bool {
        self.end.lock().is_failing
    }

    /// Adds a line. What cannot be written is told to the server's log: the statement has run.
    pub(super) fn write(&self, record: &Record) {
        let mut end = self.end.lock();
        match self.append(&mut end, record) {
            Ok(()) => end.is_failing = false,
            Err(error) => {
                if !end.is_failing {
                    tracing::error!(error = error.message(), "the audit log cannot be written");
                }
                // What was written may be half a line: another file follows.
                *end = End {
                    is_failing: true,
                    ..End::default()
                };
            }
        }
    }

    fn append(&self, end: &mut End, record: &Record) -> Result<()> {
        if !end.is_known {
            if let Some(directory) = &self.directory {
                find_end(directory, end).map_err(|error| failed("read", directory, error))?;
            }
            end.next = end.next.max(1);
            end.is_known = true;
        }
        let (line, chain) = record.line(end.next, &end.chain);
        match &self.directory {
            None => {
                if end.memory.len() >= MEMORY_MAX {
                    end.memory.pop_front();
                }
                end.memory.push_back(Arc::from(line.trim_end()));
            }
            Some(directory) => {
                if end.bytes >= FILE_MAX {
                    end.file = None;
                }
                let file = match &mut end.file {
                    Some(file) => file,
                    none => {
                        end.bytes = 0;
                        none.insert(begin(directory, end.next)?)
                    }
                };
                // One call, so that a line is there whole or is the last one.
                let mut written = file.write_all(line.as_bytes());
                if written.is_ok() && matches!(record.class, Class::Ddl | Class::Role) {
                    written = file.sync_data();
                }
                written.map_err(|error| failed("write", directory, error))?;
                end.bytes += line.len() as u64;
            }
        }
        end.next += 1;
        end.chain = chain;
        Ok(())
    }

    /// Shows every line from number `from` on, and lines before it that are in the same file.
    ///
    /// # Errors
    /// `Io`; those of `show`.
    pub(super) fn read(&self, from: u64, show: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
        let Some(directory) = &self.directory else {
            let lines: Vec<_> = self.end.lock().memory.iter().map(Arc::clone).collect();
            return lines.iter().try_for_each(|line| show(line));
        };
        let files = files(directory).map_err(|error| failed("read", directory, error))?;
        let first = files.partition_point(|(number, _)| *number <= from);
        for (_, path) in files.iter().skip(first.saturating_sub(1)) {
            let bytes = fs::read(path).map_err(|error| failed("read", path, error))?;
            let text = String::from_utf8_lossy(&bytes);
            text.lines().try_for_each(&mut *show)?;
        }
        Ok(())
    }
}

fn begin(directory: &Path, number: u64) -> Result<File> {
    fs::create_dir_all(directory).map_err(|error| failed("create", directory, error))?;
    let path = directory.join(format!("{number:020}{SUFFIX}"));
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.append(true).create(true).open(&path);
    file.map_err(|error| failed("create", &path, error))
}

/// The files with the numbers in their names, in order.
fn files(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name.strip_suffix(SUFFIX).and_then(|n| n.parse().ok());
        if let Some(number) = number {
            files.push((number, path.clone()));
        }
    }
    files.sort();
    Ok(files)
}

/// Finds the last line that is whole.
fn find_end(directory: &Path, end: &mut End) -> io::Result<()> {
    for (first, path) in files(directory)?.into_iter().rev() {
        let mut file = OpenOptions::new().read(true).append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let is_whole = tail.ends_with(b"\n");
        let tail = String::from_utf8_lossy(&tail);
        let last = tail.lines().rev().find_map(|line| {
            let (_, chain) = claimed(line)?;
            let json: serde_json::Value = serde_json::from_str(line).ok()?;
            Some((json.get("n")?.as_u64()?, chain))
        });
        end.next = end.next.max(first + 1);
        if let Some((number, chain)) = last {
            end.next = end.next.max(number + 1);
            end.chain = chain;
            if is_whole {
                end.bytes = bytes;
                end.file = Some(file);
            }
            return Ok(());
        }
    }
    Ok(())
}

fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    Error::io(format!("{verb} \"{}\"", path.display()), error)
}
