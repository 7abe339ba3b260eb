//! CSV, JSON and Parquet files, read as the tables that `read_csv` and its kin make of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use heliosdb::{Connection, Error, Result, Rows, SqlState, Value};

use super::{FileColumn, Source, table_name};
use crate::args::ImportArgs;

/// Bytes of a text file from which the number of its lines is guessed.
const SAMPLE: u64 = 1 << 20;

/// The rows of a file.
pub struct FileSource {
    table: String,
    columns: Vec<FileColumn>,
    rows: Rows,
    expected: Option<u64>,
}

impl FileSource {
    /// Looks at the whole file for the types of its columns, so that no later row surprises.
    /// `reader` is the function that reads files of its kind.
    pub fn open(
        connection: &mut Connection,
        path: &Path,
        reader: &str,
        args: &ImportArgs,
    ) -> Result<Self> {
        let name = path.to_str().ok_or_else(|| {
            Error::new(
                SqlState::INVALID_NAME,
                format!("the file name \"{}\" is not UTF-8", path.display()),
            )
        })?;
        let mut call = format!("{reader}({}", literal(&as_path(name)));
        if reader != "read_parquet" {
            call.push_str(", sample_size => -1");
            if args.all_text {
                call.push_str(", all_varchar => true");
            }
        }
        if reader == "read_csv" {
            call.push_str(if args.no_header {
                ", header => false"
            } else {
                ", header => true"
            });
            if let Some(delimiter) = args.delimiter {
                call.push_str(", delimiter => ");
                call.push_str(&literal(&delimiter.to_string()));
            }
        }
        let expected = if reader == "read_parquet" {
            let counted = connection.query(&format!("SELECT count(*) FROM {call})"), ())?;
            let count = counted.into_iter().next().transpose()?;
            count.and_then(|row| row.get::<i64>(0).ok()?.try_into().ok())
        } else {
            // Only for the bar that shows how far it is.
            lines(path).ok()
        };
        let rows = connection.query(&format!("SELECT * FROM {call})"), ())?;
        let columns = rows.columns().iter().map(|column| FileColumn {
            name: column.name.to_string(),
            ty: column.ty.clone(),
            not_null: false,
        });
        Ok(Self {
            table: table_name(path),
            columns: columns.collect(),
            rows,
            expected,
        })
    }
}

/// About how many lines a file has, by those at its beginning.
fn lines(path: &Path) -> io::Result<u64> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut sample = Vec::new();
    file.take(SAMPLE).read_to_end(&mut sample)?;
    let found = sample.iter().filter(|byte| **byte == b'\n').count() as u64;
    let share = u128::from(size) * u128::from(found) / (sample.len() as u128).max(1);
    Ok(u64::try_from(share).unwrap_or(u64::MAX).max(1))
}

/// A name that is no pattern of names.
fn as_path(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '*' | '?' | '[' => {
                path.push('[');
                path.push(c);
                path.push(']');
            }
            c => path.push(c),
        }
    }
    path
}

/// Text as SQL writes it.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Source for FileSource {
    fn table(&self) -> &str {
        &self.table
    }

    fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    fn expected(&self) -> Option<u64> {
        self.expected
    }

    fn next_row(&mut self) -> Result<Option<Vec<Value>>> {
        let row = self.rows.next().transpose()?;
        Ok(row.map(heliosdb::Row::into_values))
    }
}
