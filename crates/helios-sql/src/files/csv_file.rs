//! What a CSV file looks like: delimiter, header, columns and their types.

use std::fs::File;
use std::io::Read;

use helios_base::{Error, Result, TextContext};

use super::infer::Inference;
use super::read_options::ReadOptions;
use super::{FileColumn, bad_file};
use crate::row::copy::{CopyOptions, Field, RecordReader};

/// How to read a CSV file.
pub(crate) struct CsvFile {
    options: CopyOptions,
    header: bool,
    names: Vec<String>,
}

/// The records of a file.
pub(super) type Records = RecordReader<Box<dyn Read + Send>>;

/// How much of a file is looked at for its delimiter.
const SNIFFED: u64 = 64 * 1024;

impl CsvFile {
    /// Looks at the beginning of a file, or at all of it.
    ///
    /// # Errors
    /// `Io`; `22P04` for records of unequal length and quotes that do not end.
    pub(super) fn open(
        path: &str,
        options: &ReadOptions,
        context: &TextContext,
    ) -> Result<(Self, Vec<FileColumn>)> {
        let mut copy = options.copy.clone();
        copy.delimiter = match options.delimiter {
            Some(delimiter) => delimiter,
            None => sniff(path, &copy)?,
        };
        let mut reader = RecordReader::new(open(path)?, copy.clone(), Vec::new());
        let first = reader.raw_record();
        let first = first.map_err(|error| in_record(error, path, &reader))?;
        let first = first.unwrap_or_default();
        let header = options
            .header
            .unwrap_or_else(|| looks_like_names(&first, context));
        let names = if header {
            let given = first.iter().map(|f| f.as_text().unwrap_or("").to_owned());
            unique_names(given.collect())
        } else {
            unique_names(vec![String::new(); first.len()])
        };
        if names.is_empty() {
            return Err(bad_file(path, "the file has no columns"));
        }
        let this = Self {
            options: copy,
            header,
            names,
        };
        let mut records = this.records(path)?;
        let mut inferences = vec![Inference::default(); this.names.len()];
        let mut left = options.sample.unwrap_or(u32::MAX);
        let mut whole = true;
        loop {
            let record = records.next_record();
            let Some(record) = record.map_err(|error| in_record(error, path, &records))? else {
                break;
            };
            if left == 0 {
                whole = false;
                break;
            }
            // All rows are counted only where the end was asked for.
            left -= u32::from(options.sample.is_some());
            if !options.all_text {
                for (field, inference) in record.iter().zip(&mut inferences) {
                    if let Some(text) = field.as_text() {
                        inference.sample(text, context);
                    }
                }
            }
        }
        let columns = this.names.iter().zip(&inferences);
        let columns = columns.map(|(name, inference)| FileColumn {
            name: name.clone(),
            ty: inference.decide(whole),
            not_null: false,
        });
        let columns = columns.collect();
        Ok((this, columns))
    }

    /// The records after the header.
    ///
    /// # Errors
    /// `Io` if the file cannot be opened.
    pub(super) fn records(&self, path: &str) -> Result<Records> {
        let mut reader = RecordReader::new(open(path)?, self.options.clone(), self.names.clone());
        if self.header {
            let skipped = reader.raw_record();
            skipped.map_err(|error| in_record(error, path, &reader))?;
        }
        Ok(reader)
    }
}

/// Says where a file is bad.
pub(super) fn in_record(error: Error, path: &str, reader: &Records) -> Error {
    let mut place = format!("file \"{path}\", line {}", reader.line());
    if let Some(text) = reader.shown() {
        place.push_str(": \"");
        place.push_str(&text);
        place.push('"');
    }
    error.with_context(place)
}

pub(super) fn open(path: &str) -> Result<Box<dyn Read + Send>> {
    let file = File::open(path).map_err(|e| Error::io(format!("open file \"{path}\""), e))?;
    Ok(Box::new(file))
}

/// What stands most often outside of quotes in the first line; a comma if nothing does.
fn sniff(path: &str, options: &CopyOptions) -> Result<u8> {
    let mut begin = Vec::new();
    open(path)?
        .take(SNIFFED)
        .read_to_end(&mut begin)
        .map_err(|e| Error::io(format!("read \"{path}\""), e))?;
    let candidates = *b",\t;|";
    let mut counts = [0_usize; 4];
    let mut quoted = false;
    for byte in begin {
        match byte {
            _ if byte == options.quote => quoted = !quoted,
            b'\n' if !quoted => break,
            _ if quoted => {}
            _ => {
                for (count, candidate) in counts.iter_mut().zip(candidates) {
                    *count += usize::from(byte == candidate);
                }
            }
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let found = counts.iter().zip(candidates).find(|(n, _)| **n == most);
    Ok(match found {
        Some((count, candidate)) if *count > 0 => candidate,
        _ => b',',
    })
}

/// Whether a first record is one of names: words all of them, none of them the value of another
/// type.
fn looks_like_names(record: &[Field], context: &TextContext) -> bool {
    record.iter().all(|field| match field {
        Field::Text(text) => {
            let mut inference = Inference::default();
            inference.sample(text, context);
            inference.decide(true) == helios_base::DataType::Text && !text.trim().is_empty()
        }
        Field::Null | Field::Default => false,
    })
}

/// Names for all columns: those without become `column1` and so on, repeated ones get a number.
fn unique_names(names: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::with_capacity(names.len());
    for (index, name) in names.into_iter().enumerate() {
        let base = match name.trim() {
            "" => format!("column{}", index + 1),
            trimmed => trimmed.to_owned(),
        };
        let mut name = base.clone();
        let mut number = 1;
        while unique.contains(&name) {
            number += 1;
            name = format!("{base}_{number}");
        }
        unique.push(name);
    }
    unique
}
