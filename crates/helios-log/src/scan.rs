//! Reading frames one after the other from a segment.

use std::io;
use std::ops::Range;

use crate::files::read_full;
use crate::frame::{self, Frame};
use crate::segment::{self, Segment};

const CHUNK: usize = 256 * 1024;

/// Walks the frames of one segment, reading ahead in chunks.
pub(crate) struct Scanner {
    buffer: Vec<u8>,
    /// Where the next frame begins in `buffer`.
    at: usize,
    /// Where the next frame begins in the file.
    offset: u64,
}

impl Scanner {
    /// A walk that begins at `offset` of the file.
    pub fn new(offset: u64) -> Self {
        Self {
            buffer: Vec::new(),
            at: 0,
            offset,
        }
    }

    /// Where the next frame begins in the file.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next frame and where its payload lies in [`Scanner::bytes`], if the bytes up to `limit`
    /// hold a whole one with the right position and checksum. Else the walk stays where it is.
    pub fn next(
        &mut self,
        segment: &Segment,
        limit: u64,
    ) -> io::Result<Option<(Frame, Range<usize>)>> {
        if !self.fill(segment, frame::HEADER, limit)? {
            return Ok(None);
        }
        let Some(found) = frame::decode_header(&self.buffer[self.at..]) else {
            return Ok(None);
        };
        let size = frame::size(found.length);
        if found.position != segment.position(self.offset) || !self.fill(segment, size, limit)? {
            return Ok(None);
        }
        let begin = self.at;
        if !frame::is_whole(&self.buffer[begin..begin + size]) {
            return Ok(None);
        }
        self.at += size;
        self.offset += size as u64;
        let payload = begin + frame::HEADER..begin + frame::HEADER + found.length;
        Ok(Some((found, payload)))
    }

    /// Bytes of what [`Scanner::next`] found last.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// Forgets what was read ahead, which may have been written since.
    pub fn refresh(&mut self) {
        self.buffer.clear();
        self.at = 0;
    }

    /// Makes `need` bytes available at `at`; false if `limit` or the file ends before.
    fn fill(&mut self, segment: &Segment, need: usize, limit: u64) -> io::Result<bool> {
        if self.offset + need as u64 > limit {
            return Ok(false);
        }
        let have = self.buffer.len() - self.at;
        if have >= need {
            return Ok(true);
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let left = usize::try_from(limit - self.offset).unwrap_or(usize::MAX);
        self.buffer.resize(need.max(CHUNK.min(left)), 0);
        let from = self.offset + have as u64;
        let got = read_full(&*segment.file, &mut self.buffer[have..], from)?;
        self.buffer.truncate(have + got);
        Ok(self.buffer.len() >= need)
    }
}

/// Looks from `offset` on for a whole frame which shows that everything up to and including
/// `position` had been durable when it was written. Returns where that frame lies.
pub(crate) fn find_evidence(
    segment: &Segment,
    offset: u64,
    position: u64,
) -> io::Result<Option<u64>> {
    let end = segment.file.size()?;
    let mut chunk = vec![0; CHUNK + frame::HEADER];
    let mut at = offset.next_multiple_of(frame::ALIGN as u64);
    debug_assert!(segment::HEADER.is_multiple_of(frame::ALIGN));
    while at < end {
        let got = read_full(&*segment.file, &mut chunk, at)?;
        let bytes = &chunk[..got];
        for step in (0..got.min(CHUNK)).step_by(frame::ALIGN) {
            // Eight bytes decide in almost every case.
            let here = at + step as u64;
            if frame::position_of(&bytes[step..]) != Some(segment.position(here)) {
                continue;
            }
            let Some(found) = frame::decode_header(&bytes[step..]) else {
                continue;
            };
            let size = frame::size(found.length) as u64;
            if found.durable > position
                && here + size <= end
                && Scanner::new(here).next(segment, end)?.is_some()
            {
                return Ok(Some(here));
            }
        }
        at += CHUNK as u64;
    }
    Ok(None)
}
