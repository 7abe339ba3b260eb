//! `COPY`: PostgreSQL's text, CSV and binary formats and JSON lines, as readers and writers.
//!
//! A field of the first two is text or `NULL`; which text a field holds, the column's type decides
//! elsewhere.

mod binary;
mod csv;
mod encoding;
mod json_lines;
mod options;
mod reader;
mod text;

pub(crate) use binary::{BinaryReader, write_header as write_binary_header};
pub(crate) use binary::{TRAILER as BINARY_TRAILER, write_row as write_binary_row};
pub(crate) use json_lines::{JsonReader, json_value, write_row as write_json_row};
pub(crate) use options::{CopyOptions, Format, Header};
pub(crate) use reader::{RecordReader, shown};

use helios_base::{Error, SqlState};

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Null,
    /// The marker of the column's default.
    Default,
    Text(String),
}

impl Field {
    /// Its text, if it has one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Default => None,
        }
    }
}

/// One record: a field per column.
pub(crate) type Fields = Vec<Field>;

/// Writes one record with its line end.
pub(crate) fn write_record(options: &CopyOptions, fields: &[Option<&str>], out: &mut Vec<u8>) {
    if options.csv {
        csv::write(options, fields, false, out);
    } else {
        text::write(options, fields, out);
    }
}

/// Writes the header line.
pub(crate) fn write_header(options: &CopyOptions, names: &[&str], out: &mut Vec<u8>) {
    let fields: Vec<Option<&str>> = names.iter().copied().map(Some).collect();
    if options.csv {
        csv::write(options, &fields, true, out);
    } else {
        text::write(options, &fields, out);
    }
}

/// A record ends before this column.
pub(crate) fn missing_data(column: &str) -> Error {
    bad_file(format!("missing data for column \"{column}\""))
}

/// `22P04`: the file is not what its format says.
pub(crate) fn bad_file(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

#[cfg(test)]
mod tests;
