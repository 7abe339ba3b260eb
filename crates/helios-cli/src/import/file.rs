//! CSV, JSON and Parquet files, read as the tables that `read_csv` and its kin make of them.

use std::path::Path;

use heliosdb::{Connection, Error, Result, Rows, SqlState, Value};

use super::{FileColumn, Source, table_name};
use crate::args::ImportArgs;

/// The rows of a file.
pub struct FileSource {
    table: String,
    columns: Vec<FileColumn>,
    rows: Rows,
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
        })
    }
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
        None
    }

    fn next_row(&mut self) -> Result<Option<Vec<Value>>> {
        let row = self.rows.next().transpose()?;
        Ok(row.map(heliosdb::Row::into_values))
    }
}
