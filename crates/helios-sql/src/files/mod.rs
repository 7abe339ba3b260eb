//! Files as sources and targets of rows: Parquet, and CSV and JSON as tables; how a line of CSV is
//! read is `row::copy`'s.
//!
//! A column of a file has a SQL type that holds all of its values. Nested columns of Parquet become
//! arrays, or `jsonb` where there is no array of such elements.

mod arrow_value;
mod csv_file;
mod glob;
mod infer;
mod json_file;
mod json_objects;
mod npy_file;
mod npy_write;
mod parquet_options;
mod parquet_read;
mod parquet_write;
mod read_options;
mod rows;
mod set;

pub(crate) use arrow_value::{column_values, sql_type};
pub(crate) use npy_write::NpySink;
pub(crate) use parquet_options::ParquetOptions;
pub(crate) use parquet_read::{ParquetFile, ParquetRows};
pub(crate) use parquet_write::ParquetSink;
pub(crate) use read_options::ReadOptions;
pub(crate) use rows::FileRows;
pub(crate) use set::{Content, FileSet};

use helios_base::{DataType, Error, Result, SqlState};

/// A column as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FileColumn {
    pub(crate) name: String,
    pub(crate) ty: DataType,
    pub(crate) not_null: bool,
}

/// A number that an option gives.
///
/// # Errors
/// `22023` if it is none, or out of bounds.
pub(crate) fn read_number(name: &str, value: &str, least: u32, most: u32) -> Result<u32> {
    let number = value.parse().ok().filter(|n| (least..=most).contains(n));
    number.ok_or_else(|| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("{name} must be a number from {least} to {most}, not \"{value}\""),
        )
    })
}

/// The error of a file that is not what it should be.
pub(crate) fn bad_file(path: &str, what: impl std::fmt::Display) -> Error {
    Error::new(
        SqlState::BAD_COPY_FILE_FORMAT,
        format!("could not read \"{path}\": {what}"),
    )
}
