//! The binary format: fields in the forms of [`helios_base::binary`].
//!
//! | bytes | field | rule |
//! |------:|-------|------|
//! | 11 | signature | `PGCOPY\n\xff\r\n\0` |
//! | 4 | flags | bits from 16 on are critical: unknown ones are refused |
//! | 4 | length of the header's extension | skipped |
//! | … | rows | number of fields (2), then for each its length (4; -1 for `NULL`) and its bytes |
//! | 2 | trailer | -1 |
//!
//! Source: the PostgreSQL 15 documentation, "COPY", "Binary Format".

use std::io::Read;

use helios_base::{Encoding, Error, Result, Row, SqlState, Value, binary};

use super::bad_file;
use crate::plan::PlanColumn;

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// The end of the rows.
pub(crate) const TRAILER: [u8; 2] = (-1i16).to_be_bytes();
/// Flags that a reader must know.
const CRITICAL: u32 = 0xffff_0000;
/// Rows carry their identifiers: a flag of versions long gone.
const WITH_OIDS: u32 = 1 << 16;
/// The largest field, as PostgreSQL limits it.
const FIELD_MAX: usize = (1 << 30) - 1;
/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// Writes what stands before the rows.
pub(crate) fn write_header(out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[0; 8]);
}

/// Writes one row.
///
/// # Errors
/// `0A000` for types without a binary form.
pub(crate) fn write_row(
    row: &[Value],
    columns: &[PlanColumn],
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(&(row.len() as i16).to_be_bytes());
    for (value, column) in row.iter().zip(columns) {
        if !encoding.converts() || value.is_null() {
            binary::write_field(value, &column.ty, out)?;
            continue;
        }
        let mut bytes = Vec::new();
        binary::write(value, &column.ty, &mut bytes)?;
        let bytes = binary::to_encoding(&bytes, &column.ty, encoding)?;
        let length = i32::try_from(bytes.len()).map_err(|_| bad_file("invalid field size"))?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&bytes);
    }
    Ok(())
}

/// Rows of a file in the binary format.
pub(crate) struct BinaryReader<R> {
    input: R,
    encoding: Encoding,
    buffer: Vec<u8>,
    start: usize,
    /// Number of the current row, from 1.
    row: u64,
    /// The column that is being read.
    column: Option<usize>,
    ended: bool,
}

impl<R: Read> BinaryReader<R> {
    /// A reader of rows whose texts are in `encoding`.
    pub(crate) fn new(input: R, encoding: Encoding) -> Self {
        Self {
            input,
            encoding,
            buffer: Vec::new(),
            start: 0,
            row: 0,
            column: None,
            ended: false,
        }
    }

    /// The number of the last row, from 1.
    pub(crate) fn row(&self) -> u64 {
        self.row
    }

    /// The column that was being read when an error came up.
    pub(crate) fn column(&self) -> Option<usize> {
        self.column
    }

    /// Reads up to the end of the input, and drops it.
    ///
    /// # Errors
    /// `Io` if reading fails.
    pub(crate) fn finish(&mut self) -> Result<()> {
        super::reader::finish(&mut self.input)
    }

    /// The next row, `None` at the end.
    ///
    /// # Errors
    /// `22P04` for what is not the format, `22P03` for fields that are no values of their types.
    pub(crate) fn next_row(&mut self, columns: &[PlanColumn]) -> Result<Option<Row>> {
        self.column = None;
        if self.ended {
            return Ok(None);
        }
        if self.row == 0 {
            self.read_header()?;
        }
        self.row += 1;
        // A file may end without trailer, as those of protocol 2 did.
        let Some(count) = self.take(2, true)? else {
            self.ended = true;
            return Ok(None);
        };
        let count = i16::from_be_bytes(count.try_into().unwrap_or_default());
        if count == -1 {
            self.ended = true;
            if self.take(1, true)?.is_some() {
                return Err(bad_file("received copy data after EOF marker"));
            }
            return Ok(None);
        }
        if usize::try_from(count) != Ok(columns.len()) {
            return Err(bad_file(format!(
                "row field count is {count}, expected {}",
                columns.len()
            )));
        }
        let encoding = self.encoding;
        let mut row = Row::with_capacity(columns.len());
        for (at, column) in columns.iter().enumerate() {
            self.column = Some(at);
            let length = self.i32()?;
            if length == -1 {
                row.push(Value::Null);
                continue;
            }
            let length = usize::try_from(length).ok().filter(|l| *l <= FIELD_MAX);
            let length = length.ok_or_else(|| bad_file("invalid field size"))?;
            let bytes = self.need(length, "unexpected EOF in COPY data")?;
            row.push(read_field(bytes, column, encoding)?);
        }
        self.column = None;
        Ok(Some(row))
    }

    fn read_header(&mut self) -> Result<()> {
        let wrong = "COPY file signature not recognized";
        if self.need(SIGNATURE.len(), wrong)? != SIGNATURE {
            return Err(bad_file(wrong));
        }
        let flags = self.need(4, "invalid COPY file header (missing flags)")?;
        let flags = u32::from_be_bytes(flags.try_into().unwrap_or_default());
        if flags & WITH_OIDS != 0 {
            return Err(bad_file("invalid COPY file header (WITH OIDS)"));
        }
        if flags & CRITICAL != 0 {
            return Err(bad_file("unrecognized critical flags in COPY file header"));
        }
        let length = self.need(4, "invalid COPY file header (missing length)")?;
        let length = i32::from_be_bytes(length.try_into().unwrap_or_default());
        let wrong = "invalid COPY file header (wrong length)";
        let mut left = usize::try_from(length).map_err(|_| bad_file(wrong))?;
        while left > 0 {
            let part = left.min(CHUNK);
            self.need(part, wrong)?;
            left -= part;
        }
        Ok(())
    }

    fn i32(&mut self) -> Result<i32> {
        let bytes = self.need(4, "unexpected EOF in COPY data")?;
        Ok(i32::from_be_bytes(bytes.try_into().unwrap_or_default()))
    }

    /// The next bytes; without them, `wrong`.
    fn need(&mut self, count: usize, wrong: &str) -> Result<&[u8]> {
        match self.take(count, false)? {
            Some(bytes) => Ok(bytes),
            None => Err(bad_file(wrong)),
        }
    }

    /// The next `count` bytes, `None` if the input ends before. With `clean` it may only end right
    /// here.
    fn take(&mut self, count: usize, clean: bool) -> Result<Option<&[u8]>> {
        while self.buffer.len() - self.start < count {
            self.buffer.drain(..self.start);
            self.start = 0;
            let old = self.buffer.len();
            // A length that lies costs no more memory than there is data.
            self.buffer.resize(old + CHUNK, 0);
            let read = loop {
                match self
                    .input
                    .read(self.buffer.get_mut(old..).unwrap_or_default())
                {
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            let read = read.map_err(|e| Error::io("read the COPY data", e));
            self.buffer.truncate(old + *read.as_ref().unwrap_or(&0));
            if read? == 0 {
                if clean && !self.buffer.is_empty() {
                    return Err(bad_file("unexpected EOF in COPY data"));
                }
                return Ok(None);
            }
        }
        let from = self.start;
        self.start += count;
        Ok(self.buffer.get(from..self.start))
    }
}

fn read_field(bytes: &[u8], column: &PlanColumn, encoding: Encoding) -> Result<Value> {
    let read = match encoding.converts() {
        true => binary::from_encoding(bytes, &column.ty, encoding)
            .and_then(|bytes| binary::read(&bytes, &column.ty)),
        false => binary::read(bytes, &column.ty),
    };
    read.map_err(|error| {
        if error.sqlstate() == SqlState::INVALID_BINARY_REPRESENTATION && error.detail().is_none() {
            let detail = error.message().to_owned();
            Error::new(error.sqlstate(), "incorrect binary data format").with_detail(detail)
        } else {
            error
        }
    })
}

#[cfg(test)]
mod tests {
    use helios_base::DataType;

    use super::*;

    fn columns() -> Vec<PlanColumn> {
        vec![
            PlanColumn::new("a", DataType::Int4),
            PlanColumn::new("b", DataType::Text),
        ]
    }

    fn file() -> Vec<u8> {
        let mut file = Vec::new();
        write_header(&mut file);
        for row in [
            vec![Value::Int4(7), Value::text("x\ny")],
            vec![Value::Null, Value::text("")],
        ] {
            assert!(write_row(&row, &columns(), Encoding::Utf8, &mut file).is_ok());
        }
        file.extend_from_slice(&TRAILER);
        file
    }

    fn read(file: &[u8]) -> Result<Vec<Row>, String> {
        let mut reader = BinaryReader::new(file, Encoding::Utf8);
        let mut rows = Vec::new();
        loop {
            match reader.next_row(&columns()) {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => return Ok(rows),
                Err(error) => return Err(error.message().to_owned()),
            }
        }
    }

    #[test]
    fn rows_come_back() {
        let rows = read(&file()).unwrap_or_default();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0][0], Value::Int4(7));
        assert!(rows[1][0].is_null());
    }

    // Guards against reading past what is there, and against damage that passes.
    #[test]
    fn damage_is_told() {
        let whole = file();
        for length in 0..whole.len() - 2 {
            // A file may end between rows without its trailer.
            let between = [19, 19 + 2 + 8 + 7].contains(&length);
            assert_eq!(read(&whole[..length]).is_ok(), between, "{length}");
        }
        let mut more = whole.clone();
        more.push(0);
        assert_eq!(
            read(&more),
            Err("received copy data after EOF marker".to_owned())
        );
        let mut flags = whole.clone();
        flags[11] = 0x10;
        assert_eq!(
            read(&flags),
            Err("unrecognized critical flags in COPY file header".to_owned())
        );
        let mut length = whole;
        length[21..25].copy_from_slice(&i32::MAX.to_be_bytes());
        assert_eq!(read(&length), Err("invalid field size".to_owned()));
    }
}
