//! The files that a query reads as one table.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, TextContext};

use super::csv_file::CsvFile;
use super::json_file;
use super::npy_file::{MAGIC, NpyFile};
use super::read_options::ReadOptions;
use super::rows::FileRows;
use super::{FileColumn, ParquetFile, bad_file, glob};
use crate::row::copy::Format;

/// Some files of one format with common columns.
pub(crate) struct FileSet {
    /// As the statement has it.
    pub(crate) pattern: String,
    pub(crate) format: Format,
    pub(crate) files: Vec<OneFile>,
    pub(crate) columns: Vec<FileColumn>,
    /// The last column is the path of the file.
    pub(crate) filename: bool,
}

/// One of the files.
pub(crate) struct OneFile {
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) content: Content,
    /// Where each column of the set stands in this file; `None` if it is not there.
    pub(crate) places: Vec<Option<usize>>,
}

/// What was found out about a file.
pub(crate) enum Content {
    Parquet(ParquetFile),
    Csv(CsvFile),
    Json,
    Npy(NpyFile),
}

/// About how many bytes of CSV or JSON are a row.
const ROW_BYTES: u64 = 64;

impl FileSet {
    /// Finds the files of paths and patterns, and their columns.
    ///
    /// # Errors
    /// `58P01` if there is none, `22P04` for files that are not of their format or do not fit each
    /// other.
    pub(crate) fn open(
        patterns: &[String],
        options: &ReadOptions,
        context: &TextContext,
    ) -> Result<Self> {
        let pattern = patterns.join(", ");
        let mut paths = Vec::new();
        for pattern in patterns {
            if glob::is_pattern(pattern) && !std::path::Path::new(pattern).exists() {
                paths.extend(glob::files(pattern)?);
            } else {
                paths.push(pattern.clone());
            }
        }
        let Some(first) = paths.first() else {
            return Err(Error::new(
                SqlState::UNDEFINED_FILE,
                format!("no files match \"{pattern}\""),
            ));
        };
        let format = match options.format {
            Some(format) => format,
            None => format_of(first)?,
        };
        let mut found = Vec::with_capacity(paths.len());
        for path in paths {
            found.push(inspect(path, format, options, context)?);
        }
        let mut set = Self {
            pattern,
            format,
            columns: common_columns(&found, options)?,
            files: Vec::new(),
            filename: options.filename,
        };
        for (path, bytes, columns, content) in found {
            let place = |column: &FileColumn| columns.iter().position(|c| c.name == column.name);
            set.files.push(OneFile {
                path,
                bytes,
                places: set.columns.iter().map(place).collect(),
                content,
            });
        }
        if options.filename {
            set.columns.push(FileColumn {
                name: "filename".to_owned(),
                ty: DataType::Text,
                not_null: true,
            });
        }
        Ok(set)
    }

    /// About how many rows there are.
    pub(crate) fn estimate(&self) -> u64 {
        let rows = self.files.iter().map(|file| match &file.content {
            Content::Parquet(parquet) => parquet.row_count(),
            Content::Npy(npy) => npy.row_count(),
            Content::Csv(_) | Content::Json => file.bytes / ROW_BYTES + 1,
        });
        rows.fold(0, u64::saturating_add)
    }

    /// The rows of the file with this number, of each the columns at `reads`.
    ///
    /// # Errors
    /// `Io` if the file cannot be opened again.
    pub(crate) fn rows(
        self: &Arc<Self>,
        number: usize,
        reads: &[usize],
        context: &Arc<TextContext>,
    ) -> Result<FileRows> {
        FileRows::open(self, number, reads, context)
    }
}

type Inspected = (String, u64, Vec<FileColumn>, Content);

fn inspect(
    path: String,
    format: Format,
    options: &ReadOptions,
    context: &TextContext,
) -> Result<Inspected> {
    let bytes = size_of(&path)?;
    let (columns, content) = match format {
        Format::Parquet => {
            let file = ParquetFile::open(&path)?;
            (file.columns().to_vec(), Content::Parquet(file))
        }
        Format::Json => (json_file::columns(&path, options, context)?, Content::Json),
        Format::Npy => {
            let file = NpyFile::open(&path)?;
            (file.columns(), Content::Npy(file))
        }
        _ => {
            let (file, columns) = CsvFile::open(&path, options, context)?;
            (columns, Content::Csv(file))
        }
    };
    let mut names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair.first() == pair.last()) {
        let name = twice.first().copied().unwrap_or_default();
        return Err(bad_file(
            &path,
            format_args!("column \"{name}\" is there twice"),
        ));
    }
    Ok((path, bytes, columns, content))
}

/// The columns of all files: those of the first, or of all by name. Their types hold the values of
/// every file.
fn common_columns(files: &[Inspected], options: &ReadOptions) -> Result<Vec<FileColumn>> {
    let mut common: Vec<FileColumn> = Vec::new();
    for (number, (path, _, columns, _)) in files.iter().enumerate() {
        for column in columns {
            let known = common.iter_mut().find(|known| known.name == column.name);
            match known {
                Some(known) => {
                    known.ty = common_type(&known.ty, &column.ty).ok_or_else(|| {
                        bad_file(
                            path,
                            format_args!(
                                "column \"{}\" has type {}, in other files {}",
                                column.name, column.ty, known.ty
                            ),
                        )
                    })?;
                    known.not_null &= column.not_null;
                }
                None if number == 0 || options.union_by_name => common.push(column.clone()),
                None => {
                    return Err(differs(path, &column.name, "has a column that others lack"));
                }
            }
        }
        let missing = common
            .iter_mut()
            .filter(|known| columns.iter().all(|column| column.name != known.name));
        for known in missing {
            known.not_null = false;
            // JSON objects leave out what they do not have, and so do files of them.
            if !options.union_by_name && !matches!(files.first(), Some((_, _, _, Content::Json))) {
                return Err(differs(
                    path,
                    &known.name,
                    "lacks a column that others have",
                ));
            }
        }
    }
    Ok(common)
}

fn differs(path: &str, column: &str, how: &str) -> Error {
    bad_file(path, format_args!("the file {how}: \"{column}\""))
        .with_hint("With union_by_name => true missing columns are NULL.")
}

/// The type that holds the values of both.
fn common_type(one: &DataType, other: &DataType) -> Option<DataType> {
    if one == other {
        return Some(one.clone());
    }
    let rank = |ty: &DataType| match ty {
        DataType::Int2 => Some(0),
        DataType::Int4 => Some(1),
        DataType::Int8 => Some(2),
        DataType::Numeric(_) => Some(3),
        DataType::Float4 | DataType::Float8 => Some(4),
        _ => None,
    };
    match (rank(one), rank(other)) {
        (Some(a), Some(b)) => Some(match a.max(b) {
            0 => DataType::Int2,
            1 => DataType::Int4,
            2 => DataType::Int8,
            3 => DataType::Numeric(None),
            _ => DataType::Float8,
        }),
        _ => match (one, other) {
            (DataType::Date, DataType::Timestamp(_)) | (DataType::Timestamp(_), DataType::Date) => {
                Some(DataType::Timestamp(None))
            }
            // Text of another kind than nested values.
            (DataType::Text, ty) | (ty, DataType::Text) if !matches!(ty, DataType::Array(_)) => {
                Some(DataType::Text)
            }
            _ => None,
        },
    }
}

fn size_of(path: &str) -> Result<u64> {
    let about =
        std::fs::metadata(path).map_err(|e| Error::io(format!("open file \"{path}\""), e))?;
    if about.is_dir() {
        return Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("\"{path}\" is a directory"),
        )
        .with_hint("Name the files in it: \"directory/*.parquet\"."));
    }
    Ok(about.len())
}

/// The format of a file, by its first bytes or the end of its name.
fn format_of(path: &str) -> Result<Format> {
    let failed = |e| Error::io(format!("open file \"{path}\""), e);
    size_of(path)?;
    let mut magic = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAGIC.len() as u64)
        .read_to_end(&mut magic)
        .map_err(failed)?;
    if magic.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if magic == MAGIC {
        return Ok(Format::Npy);
    }
    let (_, end) = path.rsplit_once('.').unwrap_or(("", ""));
    match end.to_ascii_lowercase().as_str() {
        "parquet" => Ok(Format::Parquet),
        "csv" | "tsv" | "tab" | "txt" => Ok(Format::Csv),
        "json" | "jsonl" | "ndjson" => Ok(Format::Json),
        _ => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("\"{path}\" is of no known kind"),
        )
        .with_hint(
            "Known are .parquet, .csv, .tsv, .txt, .json, .jsonl, .ndjson and .npy; read_csv, read_json and \
             read_parquet read files of other names.",
        )),
    }
}
