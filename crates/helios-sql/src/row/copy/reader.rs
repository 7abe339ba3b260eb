//! Reads records from a stream of bytes.

use std::io::Read;

use helios_base::{Error, Result, SqlState};

use super::{CopyOptions, Fields, Header, bad_file, csv, encoding, missing_data, text};

/// Records of a file in one of the formats, with line numbers for messages.
pub(crate) struct RecordReader<R> {
    input: R,
    options: CopyOptions,
    names: Vec<String>,
    buffer: Vec<u8>,
    /// Where the unread part of `buffer` begins.
    start: usize,
    ended: bool,
    /// Number of the first line of the current record, from 1.
    line: u64,
    lines_read: u64,
    header_done: bool,
    /// The current record as it stands in the file, for messages.
    record: Vec<u8>,
}

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;
/// What some programs write before UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// The longest record, as PostgreSQL's limit of 1 GB per field suggests.
const RECORD_MAX: usize = 1 << 30;

impl<R: Read> RecordReader<R> {
    /// A reader of records with a field for each of `names`.
    pub(crate) fn new(input: R, options: CopyOptions, names: Vec<String>) -> Self {
        Self {
            input,
            options,
            names,
            buffer: Vec::new(),
            start: 0,
            ended: false,
            line: 0,
            lines_read: 0,
            header_done: false,
            record: Vec::new(),
        }
    }

    /// The number of the line where the last record began, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// The last record as it stands in the file.
    pub(crate) fn record(&self) -> &[u8] {
        &self.record
    }

    /// The beginning of the last record as it stands in the file.
    pub(crate) fn shown(&self) -> Option<String> {
        (self.line > 0).then(|| shown(&self.record))
    }

    /// Reads up to the end of the input, and drops it.
    ///
    /// # Errors
    /// `Io` if reading fails.
    pub(crate) fn finish(&mut self) -> Result<()> {
        finish(&mut self.input)
    }

    /// The next record with a field for each column, `None` at the end.
    ///
    /// # Errors
    /// `22P04` for a malformed record or one of the wrong length, `22021` for bytes that are no
    /// UTF-8, `Io` if reading fails.
    pub(crate) fn next_record(&mut self) -> Result<Option<Fields>> {
        let Some(fields) = self.next_fields()? else {
            return Ok(None);
        };
        self.complete(fields.len())?;
        Ok(Some(fields))
    }

    /// Refuses a record of so few fields.
    ///
    /// # Errors
    /// `22P04`
    fn complete(&self, fields: usize) -> Result<()> {
        match self.names.get(fields) {
            Some(missing) => Err(missing_data(missing)),
            None => Ok(()),
        }
    }

    /// As [`RecordReader::next_record`], but the last fields may be missing: PostgreSQL reads the
    /// values of those that are there first.
    pub(crate) fn next_fields(&mut self) -> Result<Option<Fields>> {
        if !self.header_done {
            self.header_done = true;
            if self.options.header != Header::No {
                let Some(fields) = self.raw_record()? else {
                    return Ok(None);
                };
                if self.options.header == Header::Match {
                    self.match_header(&fields)?;
                }
            }
        }
        let Some(fields) = self.raw_record()? else {
            return Ok(None);
        };
        if fields.len() > self.names.len() {
            return Err(bad_file("extra data after last expected column"));
        }
        Ok(Some(fields))
    }

    /// The next line as text, `None` at the end.
    ///
    /// # Errors
    /// As [`RecordReader::next_record`].
    pub(super) fn next_text(&mut self) -> Result<Option<String>> {
        let Some(line) = self.next_line()? else {
            return Ok(None);
        };
        self.line = self.lines_read;
        self.record.clone_from(&line);
        encoding::utf8(line).map(Some)
    }

    fn match_header(&self, fields: &Fields) -> Result<()> {
        if fields.len() != self.names.len() {
            return Err(bad_file(format!(
                "wrong number of fields in header line: got {}, expected {}",
                fields.len(),
                self.names.len()
            )));
        }
        for (index, (field, name)) in fields.iter().zip(&self.names).enumerate() {
            if field.as_text() != Some(name) {
                return Err(bad_file(format!(
                    "column name mismatch in header line field {}: got {}, expected \"{name}\"",
                    index + 1,
                    field
                        .as_text()
                        .map_or("null value".to_owned(), |f| format!("\"{f}\"")),
                )));
            }
        }
        Ok(())
    }

    /// The next record with however many fields it has; for a header that may not fit.
    pub(crate) fn raw_record(&mut self) -> Result<Option<Fields>> {
        let Some(record) = self.next_line()? else {
            self.record.clear();
            return Ok(None);
        };
        self.record = record;
        self.line = self.lines_read;
        if self.record == b"\\." {
            self.ended = true;
            self.start = self.buffer.len();
            return Ok(None);
        }
        if !self.options.csv {
            text::check_line(&self.record)?;
            return text::split(&self.options, &self.record).map(Some);
        }
        let mut quotes = csv::Quotes::default();
        let mut open = quotes.read(&self.options, &self.record);
        while open {
            let Some(next) = self.next_line()? else {
                return Err(bad_file("unterminated CSV quoted field"));
            };
            if self.record.len() + next.len() > RECORD_MAX {
                return Err(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    "record of the COPY file is too long",
                )
                .with_hint("A quote may be missing."));
            }
            self.record.push(b'\n');
            quotes.read(&self.options, b"\n");
            open = quotes.read(&self.options, &next);
            self.record.extend_from_slice(&next);
        }
        csv::split(&self.options, &self.record, &self.names).map(Some)
    }

    /// The next line without its end, `None` at the end of the input.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let unread = &self.buffer[self.start..];
            if let Some(found) = memchr::memchr(b'\n', &unread[searched..]) {
                let end = searched + found;
                let mut line = &unread[..end];
                if let Some(without) = line.strip_suffix(b"\r") {
                    line = without;
                }
                let line = line.to_vec();
                self.start += end + 1;
                self.lines_read += 1;
                return Ok(Some(line));
            }
            searched = unread.len();
            if self.ended {
                if unread.is_empty() {
                    return Ok(None);
                }
                let line = unread.strip_suffix(b"\r").unwrap_or(unread).to_vec();
                self.start = self.buffer.len();
                self.lines_read += 1;
                return Ok(Some(line));
            }
            if searched > RECORD_MAX {
                return Err(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    "line of the COPY file is too long",
                ));
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let old = self.buffer.len();
        self.buffer.resize(old + CHUNK, 0);
        let read = loop {
            match self.input.read(&mut self.buffer[old..]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let read = read.map_err(|e| Error::io("read the COPY data", e));
        self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        let encoding = self.options.encoding.unwrap_or_default();
        encoding::decode(encoding, &mut self.buffer, old)?;
        // A mark of the byte order says nothing that is not known.
        if self.lines_read == 0 && self.start == 0 && self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.start = BYTE_ORDER_MARK.len();
        }
        Ok(())
    }
}

/// Reads up to the end of `input`, and drops it.
pub(super) fn finish(input: &mut impl Read) -> Result<()> {
    let read = std::io::copy(input, &mut std::io::sink());
    read.map(drop)
        .map_err(|e| Error::io("read the COPY data", e))
}

/// How much of bad data a message shows, in bytes.
const SHOWN: usize = 100;

/// The beginning of a field or record.
pub(crate) fn shown(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(begin) if bytes.len() > SHOWN => {
            let text = String::from_utf8_lossy(begin);
            format!("{}...", text.trim_end_matches('\u{fffd}'))
        }
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}
