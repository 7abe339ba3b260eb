//! `COPY`: PostgreSQL's text and CSV formats, as readers and writers of fields.
//!
//! A field is text or `NULL`; which text a field holds, the column's type decides elsewhere.

mod csv;
mod options;
mod reader;
mod text;

pub(crate) use options::{CopyOptions, Header};
pub(crate) use reader::RecordReader;

use helios_base::{Error, SqlState};

/// One record: a field per column, `None` for `NULL`.
pub(crate) type Fields = Vec<Option<String>>;

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

/// `22P04`: the file is not what its format says.
pub(crate) fn bad_file(message: impl Into<String>) -> Error {
    Error::new(SqlState::BAD_COPY_FILE_FORMAT, message)
}

#[cfg(test)]
mod tests;
