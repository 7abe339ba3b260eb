//! CSV files: types are inferred from the whole file, so that no later row surprises.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use heliosdb::{Error, Result, SqlState, TextContext, Value};

use super::infer::Inference;
use super::{FileColumn, Source, table_name, unique_names};

/// How to read a CSV file.
#[derive(Clone, Copy, Debug)]
pub struct CsvOptions {
    pub delimiter: char,
    pub header: bool,
    pub all_text: bool,
}

/// A CSV file that was read once for its types and is read again for its rows.
pub struct CsvSource {
    path: PathBuf,
    table: String,
    columns: Vec<FileColumn>,
    rows: u64,
    reader: csv::Reader<BufReader<File>>,
    record: csv::StringRecord,
    context: TextContext,
}

impl CsvSource {
    /// Reads the file once to find its columns' types.
    pub fn open(path: &Path, options: CsvOptions) -> Result<Self> {
        let delimiter = u8::try_from(options.delimiter).map_err(|_| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!(
                    "the delimiter '{}' is not an ASCII character",
                    options.delimiter
                ),
            )
        })?;
        let context = TextContext::default();
        let mut first = reader(path, delimiter, options.header)?;
        let header: Vec<String> = if options.header {
            let names = first.headers().map_err(|error| broken(path, &error))?;
            names
                .iter()
                .map(|name| name.trim_start_matches('\u{feff}').to_owned())
                .collect()
        } else {
            Vec::new()
        };
        let mut inferences = vec![Inference::default(); header.len()];
        let mut nullable = vec![false; header.len()];
        let mut record = csv::StringRecord::new();
        let mut rows = 0;
        while first
            .read_record(&mut record)
            .map_err(|error| broken(path, &error))?
        {
            if inferences.is_empty() {
                inferences.resize_with(record.len(), Inference::default);
                nullable.resize(record.len(), false);
            }
            rows += 1;
            for ((field, inference), null) in record.iter().zip(&mut inferences).zip(&mut nullable)
            {
                if field.is_empty() {
                    *null = true;
                } else if !options.all_text {
                    inference.sample(field, &context);
                }
            }
        }
        let names = if options.header {
            unique_names(header)
        } else {
            unique_names(inferences.iter().map(|_| String::new()))
        };
        if names.is_empty() {
            return Err(Error::new(
                SqlState::BAD_COPY_FILE_FORMAT,
                format!("\"{}\" has no columns", path.display()),
            ));
        }
        let columns = names
            .into_iter()
            .zip(&inferences)
            .map(|(name, inference)| FileColumn {
                name,
                ty: inference.decide(),
                not_null: false,
            })
            .collect();
        Ok(Self {
            path: path.to_owned(),
            table: table_name(path),
            columns,
            rows,
            reader: reader(path, delimiter, options.header)?,
            record,
            context,
        })
    }
}

impl Source for CsvSource {
    fn table(&self) -> &str {
        &self.table
    }

    fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    fn expected(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn next_row(&mut self) -> Result<Option<Vec<Value>>> {
        let more = self
            .reader
            .read_record(&mut self.record)
            .map_err(|error| broken(&self.path, &error))?;
        if !more {
            return Ok(None);
        }
        let values = self
            .record
            .iter()
            .zip(&self.columns)
            .map(|(field, column)| {
                if field.is_empty() {
                    Ok(Value::Null)
                } else {
                    Value::parse(field, &column.ty, &self.context)
                        .map_err(|error| error.with_column(&column.name))
                }
            });
        values.collect::<Result<_>>().map(Some)
    }
}

fn reader(path: &Path, delimiter: u8, header: bool) -> Result<csv::Reader<BufReader<File>>> {
    let file = File::open(path)
        .map_err(|error| Error::io(format!("open \"{}\"", path.display()), error))?;
    Ok(csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(header)
        .from_reader(BufReader::new(file)))
}

fn broken(path: &Path, error: &csv::Error) -> Error {
    let place = error
        .position()
        .map_or_else(String::new, |p| format!(", line {}", p.line()));
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("the row has {len} fields, the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        other => format!("{other:?}"),
    };
    Error::new(
        SqlState::BAD_COPY_FILE_FORMAT,
        format!("could not read \"{}\"{place}: {message}", path.display()),
    )
}
