//! Opening: checking what is there, replaying it, finding the end.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use helios_base::{Error, Result};

use crate::error::io_error;
use crate::frame::Kind;
use crate::scan::{Scanner, find_evidence};
use crate::segment::{self, Header, Segment};
use crate::writer::{Directory, Segments, Spare, Writer};
use crate::{Extent, Position, Record};

/// What opening found.
pub(crate) struct Recovered {
    pub segments: Segments,
    pub writer: Writer,
    pub end: u64,
}

/// Opens the log of `directory` and hands every record from `from` on to `on_record`.
pub(crate) fn recover(
    directory: &Directory,
    from: u64,
    on_record: &mut dyn FnMut(Record<'_>) -> Result<()>,
) -> Result<Recovered> {
    let (live, spares) = find_files(directory)?;
    let mut segments = Segments { live, spares };
    if segments.live.is_empty() {
        if from > 0 {
            return Err(Error::corrupt(format!(
                "the log in \"{}\" is missing, but position {from} of it is needed",
                directory.path.display()
            )));
        }
        let header = Header {
            database: directory.options.database,
            number: 1,
            base: 0,
            previous: 0,
        };
        let segment = directory.make_segment(header, None)?;
        segments.live.push(Arc::new(segment));
    }
    let (mut writer, end) = replay(&segments.live, from, on_record)?;
    writer.capacity = writer.capacity.max(directory.options.segment_bytes);
    // What was replayed may have been in the page cache only, unless the log ended cleanly: all
    // was durable before the mark was written.
    if !writer.marked {
        let Segment { file, path, .. } = &*writer.current;
        file.sync_data().map_err(|e| io_error("sync", path, e))?;
    }
    Ok(Recovered {
        segments,
        writer,
        end,
    })
}

/// Opens all segments in order and tidies leftovers.
fn find_files(directory: &Directory) -> Result<(Vec<Arc<Segment>>, Vec<Spare>)> {
    let Directory {
        files,
        path: dir,
        options,
        next_spare,
    } = directory;
    files
        .create_dir(dir)
        .map_err(|e| io_error("create", dir, e))?;
    let names = files.list(dir).map_err(|e| io_error("list", dir, e))?;
    let mut numbers = BTreeSet::new();
    let mut spares = Vec::new();
    for (number, kind) in names.iter().filter_map(|name| segment::parse_name(name)) {
        let path = segment::path(dir, number, kind);
        if kind == segment::LOG {
            numbers.insert(number);
            continue;
        }
        if kind == segment::SPARE {
            let bytes = files
                .open(&path)
                .and_then(|file| file.size())
                .map_err(|e| io_error("open", &path, e))?;
            if options.recycles(bytes) {
                spares.push(Spare { path, bytes });
                next_spare.fetch_max(number + 1, Ordering::Relaxed);
                continue;
            }
        }
        // A file whose making was interrupted, or a spare of a size that is no longer of use.
        directory.remove(&path)?;
    }
    let mut live: Vec<Arc<Segment>> = Vec::with_capacity(numbers.len());
    for number in numbers {
        if let Some(last) = live.last() {
            let expected = last.header.number + 1;
            if number != expected {
                return Err(Error::corrupt(format!(
                    "log segment \"{}\" is missing",
                    segment::path(dir, expected, segment::LOG).display()
                )));
            }
        }
        let segment = Segment::open(&**files, dir, number, options.database)?;
        if live
            .last()
            .is_some_and(|last| last.header.base > segment.header.base)
        {
            return Err(Error::corrupt(format!(
                "log segment \"{}\" begins at position {}, before the one that precedes it",
                segment.path.display(),
                segment.header.base
            )));
        }
        if let Some(last) = live.last() {
            last.end.get_or_init(|| segment.header.base);
        }
        live.push(Arc::new(segment));
    }
    Ok((live, spares))
}

fn replay(
    live: &[Arc<Segment>],
    from: u64,
    on_record: &mut dyn FnMut(Record<'_>) -> Result<()>,
) -> Result<(Writer, u64)> {
    let needed = live.iter().rposition(|segment| segment.header.base <= from);
    let Some(first) = needed else {
        return Err(Error::corrupt(format!(
            "position {from} of the log is needed, but \"{}\" begins after it",
            live.first()
                .map_or_else(String::new, |segment| segment.path.display().to_string())
        )));
    };
    let mut writer: Option<(Writer, u64)> = None;
    for (index, segment) in live.iter().enumerate().skip(first) {
        let mut previous = segment.header.previous;
        let mut marked = false;
        if let Some((before, end)) = &writer
            && (*end, before.previous) != (segment.header.base, previous)
        {
            // The header shows that the segment before had been durable up to here.
            return Err(damaged(
                &before.current,
                before.offset,
                &segment.path.display(),
            ));
        }
        let size = segment
            .file
            .size()
            .map_err(|e| io_error("read", &segment.path, e))?;
        let mut scanner = Scanner::new(segment::HEADER as u64);
        // End of the last frame that belongs to the log. What follows may be whole and yet a
        // leftover of an earlier life: then it does not continue the chain.
        let mut offset = scanner.offset();
        loop {
            let start = segment.position(offset);
            let found = scanner
                .next(segment, size)
                .map_err(|e| io_error("read", &segment.path, e))?;
            let Some((frame, payload)) = found.filter(|(frame, _)| frame.previous == previous)
            else {
                break;
            };
            previous = frame.crc;
            marked = frame.kind == Kind::Mark;
            offset = scanner.offset();
            let end = segment.position(offset);
            if start < from && end > from {
                return Err(Error::corrupt(format!(
                    "position {from} of the log lies within a record of \"{}\"",
                    segment.path.display()
                )));
            }
            if start >= from && frame.kind == Kind::Record {
                let extent = Extent {
                    start: Position(start),
                    end: Position(end),
                };
                let bytes = scanner.bytes(payload);
                on_record(Record { extent, bytes })?;
            }
        }
        if index + 1 == live.len()
            && let Some(evidence) = find_evidence(segment, offset, segment.position(offset))
                .map_err(|e| io_error("read", &segment.path, e))?
        {
            let what = format!("{}@{evidence}", segment.path.display());
            return Err(damaged(segment, offset, &what));
        }
        let end = segment.position(offset);
        writer = Some((
            Writer {
                current: Arc::clone(segment),
                capacity: size,
                offset,
                previous,
                dirty: false,
                marked,
            },
            end,
        ));
    }
    match writer {
        Some((_, end)) if end < from => Err(Error::corrupt(format!(
            "the log ends at position {end}, but {from} is needed"
        ))),
        Some(found) => Ok(found),
        None => Err(Error::internal("the log has no segment")),
    }
}

/// A frame at `offset` of `segment` was durable once and is not whole now.
fn damaged(segment: &Segment, offset: u64, evidence: &dyn fmt::Display) -> Error {
    Error::corrupt(format!(
        "damaged record in log segment \"{}\" at offset {offset}",
        segment.path.display()
    ))
    .with_detail(format!(
        "It had been written safely, as \"{evidence}\" of the same log shows."
    ))
    .with_hint("Restore the database from a backup.")
}
