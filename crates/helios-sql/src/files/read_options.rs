//! The options of `read_csv`, `read_json` and `read_parquet`.

use helios_base::{Error, Result, SqlState};

use super::read_number;
use crate::row::copy::{CopyOptions, Format};

/// How files are read.
#[derive(Clone, Debug)]
pub(crate) struct ReadOptions {
    /// By the file's name and first bytes if not given.
    pub(crate) format: Option<Format>,
    /// Whether the first line of CSV has names; judged by what it holds if not given.
    pub(crate) header: Option<bool>,
    /// Between fields of CSV; judged by the first line if not given.
    pub(crate) delimiter: Option<u8>,
    /// Quote, escape, null marker and encoding of CSV.
    pub(crate) copy: CopyOptions,
    /// All columns of CSV and JSON are text.
    pub(crate) all_text: bool,
    /// How many rows decide the types; `None` for all.
    pub(crate) sample: Option<u32>,
    /// Files may have columns that others lack.
    pub(crate) union_by_name: bool,
    /// One more column: the path of the row's file.
    pub(crate) filename: bool,
}

/// How many rows decide the types, unless told.
const SAMPLE_ROWS: u32 = 20_480;

const COMMON: &[&str] = &["union_by_name", "filename"];
const SAMPLED: &[&str] = &["sample_size", "all_varchar"];
const CSV: &[&str] = &[
    "header",
    "delim",
    "delimiter",
    "sep",
    "quote",
    "escape",
    "null",
    "nullstr",
    "encoding",
];

impl ReadOptions {
    /// What holds without options.
    ///
    /// # Errors
    /// None; the signature is that of reading options.
    pub(crate) fn new(format: Option<Format>) -> Result<Self> {
        Self::with(format, &[])
    }

    /// Reads options as written, names in lower case.
    ///
    /// # Errors
    /// `22023` for unknown options and bad values.
    pub(crate) fn with(format: Option<Format>, given: &[(String, String)]) -> Result<Self> {
        let mut copy: Vec<(String, String)> = Vec::new();
        let mut this = Self {
            format,
            header: None,
            delimiter: None,
            copy: CopyOptions::new(&crate::plan::CopyFormat::Csv, &[], true)?,
            all_text: false,
            sample: Some(SAMPLE_ROWS),
            union_by_name: false,
            filename: false,
        };
        for (name, value) in given {
            let known = COMMON.contains(&name.as_str())
                || (is_sampled(format) && SAMPLED.contains(&name.as_str()))
                || (matches!(format, None | Some(Format::Csv)) && CSV.contains(&name.as_str()));
            if !known {
                return Err(unknown(format, name));
            }
            match name.as_str() {
                "header" => this.header = Some(boolean(name, value)?),
                "all_varchar" => this.all_text = boolean(name, value)?,
                "union_by_name" => this.union_by_name = boolean(name, value)?,
                "filename" => this.filename = boolean(name, value)?,
                "sample_size" if value == "-1" => this.sample = None,
                "sample_size" => this.sample = Some(read_number(name, value, 1, u32::MAX)?),
                "delim" | "delimiter" | "sep" => {
                    copy.push(("delimiter".to_owned(), value.clone()));
                }
                "null" | "nullstr" => copy.push(("null".to_owned(), value.clone())),
                _ => copy.push((name.clone(), value.clone())),
            }
        }
        this.copy = CopyOptions::new(&crate::plan::CopyFormat::Csv, &copy, true)?;
        if copy.iter().any(|(name, _)| name == "delimiter") {
            this.delimiter = Some(this.copy.delimiter);
        }
        Ok(this)
    }
}

/// Whether types of columns are found by looking at rows.
fn is_sampled(format: Option<Format>) -> bool {
    !matches!(format, Some(Format::Parquet | Format::Npy))
}

fn unknown(format: Option<Format>, name: &str) -> Error {
    let mut known = COMMON.to_vec();
    let function = match format {
        Some(Format::Parquet) => "read_parquet",
        Some(Format::Json) => "read_json",
        Some(Format::Npy) => "read_npy",
        _ => {
            known.extend(CSV);
            "read_csv"
        }
    };
    if is_sampled(format) {
        known.extend(SAMPLED);
    }
    known.sort_unstable();
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("{function} has no option \"{name}\""),
    )
    .with_hint(format!("Known are {}.", known.join(", ")))
}

fn boolean(name: &str, value: &str) -> Result<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "on" | "1" => Ok(true),
        "false" | "f" | "off" | "0" => Ok(false),
        _ => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("{name} requires a Boolean value"),
        )),
    }
}
