//! The options of `COPY`.

use helios_base::{Encoding, Error, Result, SqlState};

use super::encoding;
use crate::files::{ParquetOptions, read_number};
use crate::plan::CopyFormat;

/// How a file is written.
#[derive(Clone, Debug)]
pub(crate) struct CopyOptions {
    pub(crate) format: Format,
    /// CSV instead of text.
    pub(crate) csv: bool,
    /// That of the file, if it was named.
    pub(crate) encoding: Option<Encoding>,
    /// What stands for a column's default.
    pub(crate) default: Option<String>,
    /// How Parquet is written.
    pub(crate) parquet: ParquetOptions,
    pub(crate) delimiter: u8,
    /// What stands for `NULL`.
    pub(crate) null: String,
    pub(crate) quote: u8,
    pub(crate) escape: u8,
    pub(crate) header: Header,
    /// Columns always quoted on output.
    force_quote: Columns,
    /// [`CopyOptions::force_quote`] by position, once the columns are known.
    pub(crate) forced_quotes: Vec<bool>,
    /// Columns in which an unquoted null marker is text.
    pub(crate) force_not_null: Columns,
    /// Columns in which a quoted null marker is `NULL`.
    pub(crate) force_null: Columns,
}

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Csv,
    Binary,
    /// A JSON object on each line.
    Json,
    Parquet,
    /// An array of NumPy; `COPY` writes it, queries read it.
    Npy,
}

impl Format {
    /// Its name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Csv => "CSV",
            Self::Binary => "BINARY",
            Self::Json => "JSON",
            Self::Parquet => "PARQUET",
            Self::Npy => "NPY",
        }
    }

    /// Whether files are lines of fields.
    pub(crate) fn is_fields(self) -> bool {
        matches!(self, Self::Text | Self::Csv)
    }
}

/// What the first line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// Data.
    No,
    /// Names, which are skipped on input.
    Yes,
    /// Names, which must be those of the columns.
    Match,
}

/// Some columns, by name until they are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// These.
    Named(Vec<String>),
    /// All.
    All,
}

impl Columns {
    /// Whether it holds the column of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|n| n == name),
        }
    }

    fn is_given(&self) -> bool {
        *self != Self::Named(Vec::new())
    }
}

impl CopyOptions {
    /// Reads the options as written; `from` for `COPY FROM`.
    ///
    /// # Errors
    /// `42601` and `22023` for unknown, repeated or bad options, `0A000` for what is not supported.
    pub(crate) fn new(
        format: &CopyFormat,
        options: &[(String, String)],
        from: bool,
    ) -> Result<Self> {
        let kind = match format {
            CopyFormat::Text => Format::Text,
            CopyFormat::Csv => Format::Csv,
            CopyFormat::Binary => Format::Binary,
            CopyFormat::Json => Format::Json,
            CopyFormat::Parquet => Format::Parquet,
            CopyFormat::Npy if from => {
                return Err(Error::unsupported("COPY FROM in NPY mode is not supported")
                    .with_hint("Use INSERT INTO … SELECT number, value FROM 'file.npy'."));
            }
            CopyFormat::Npy => Format::Npy,
            CopyFormat::Other(name) => {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!("COPY format \"{name}\" not recognized"),
                )
                .with_hint("Known are text, csv, binary, json, parquet and npy."));
            }
        };
        let csv = kind == Format::Csv;
        let mut this = Self {
            format: kind,
            csv,
            encoding: None,
            default: None,
            parquet: ParquetOptions::default(),
            delimiter: if csv { b',' } else { b'\t' },
            null: if csv { String::new() } else { "\\N".to_owned() },
            quote: b'"',
            escape: b'"',
            header: Header::No,
            force_quote: Columns::Named(Vec::new()),
            forced_quotes: Vec::new(),
            force_not_null: Columns::Named(Vec::new()),
            force_null: Columns::Named(Vec::new()),
        };
        let mut escape = None;
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in options {
            if seen.contains(&name.as_str()) {
                return Err(syntax("conflicting or redundant options"));
            }
            seen.push(name);
            match name.as_str() {
                "format" => {}
                "header" | "delimiter" | "null" | "default" if !kind.is_fields() => {
                    let name = name.to_ascii_uppercase();
                    return Err(syntax(format!(
                        "cannot specify {name} in {} mode",
                        kind.name()
                    )));
                }
                "encoding" if matches!(kind, Format::Parquet | Format::Npy) => {
                    let mode = kind.name();
                    return Err(syntax(format!("cannot specify ENCODING in {mode} mode")));
                }
                "compression" | "codec" | "compression_level" | "level" | "row_group_size" => {
                    if kind != Format::Parquet || from {
                        return Err(Error::unsupported(format!(
                            "COPY {} available only using COPY TO in PARQUET mode",
                            name.replace('_', " ")
                        )));
                    }
                    match name.as_str() {
                        "compression" | "codec" => this.parquet.set_codec(value)?,
                        "row_group_size" => {
                            this.parquet.row_group_rows = read_number(name, value, 1, 1 << 30)?;
                        }
                        _ => this.parquet.level = Some(read_number(name, value, 0, 22)?),
                    }
                }
                "delimiter" => this.delimiter = one_byte("delimiter", value)?,
                "null" => this.null.clone_from(value),
                "default" if from => this.default = Some(value.clone()),
                "default" => {
                    return Err(Error::unsupported(
                        "COPY default only available using COPY FROM",
                    ));
                }
                "quote" if csv => this.quote = one_byte("quote", value)?,
                "escape" if csv => escape = Some(one_byte("escape", value)?),
                "quote" | "escape" | "force_quote" | "force_not_null" | "force_null" if !csv => {
                    return Err(Error::unsupported(format!(
                        "COPY {} available only in CSV mode",
                        name.replace('_', " ")
                    )));
                }
                "header" => this.header = header(value)?,
                "force_quote" if !from => this.force_quote = columns(value),
                "force_not_null" if from => this.force_not_null = columns(value),
                "force_null" if from => this.force_null = columns(value),
                "force_quote" => {
                    return Err(Error::unsupported(
                        "COPY force quote only available using COPY TO",
                    ));
                }
                "force_not_null" | "force_null" => {
                    return Err(Error::unsupported(format!(
                        "COPY {} only available using COPY FROM",
                        name.replace('_', " ")
                    )));
                }
                // A hint about visibility that has nothing to speed up here.
                "freeze" => {}
                "encoding" => this.encoding = Some(encoding::named(value)?),
                _ => return Err(syntax(format!("option \"{name}\" not recognized"))),
            }
        }
        this.escape = escape.unwrap_or(this.quote);
        this.parquet.check()?;
        this.check(from)?;
        Ok(this)
    }

    fn check(&self, from: bool) -> Result<()> {
        if matches!(self.delimiter, b'\n' | b'\r') {
            return Err(invalid(
                "COPY delimiter cannot be newline or carriage return",
            ));
        }
        if self.null.contains(['\n', '\r']) {
            return Err(invalid(
                "COPY null representation cannot use newline or carriage return",
            ));
        }
        if !self.csv && b"\\.abcdefghijklmnopqrstuvwxyz0123456789".contains(&self.delimiter) {
            return Err(invalid(format!(
                "COPY delimiter cannot be \"{}\"",
                char::from(self.delimiter)
            )));
        }
        if self.csv && self.delimiter == self.quote {
            return Err(invalid("COPY delimiter and quote must be different"));
        }
        if self.null.as_bytes().contains(&self.delimiter) {
            return Err(invalid(
                "COPY delimiter must not appear in the NULL specification",
            ));
        }
        if self.csv && self.null.as_bytes().contains(&self.quote) {
            return Err(invalid(
                "CSV quote character must not appear in the NULL specification",
            ));
        }
        if let Some(default) = &self.default {
            if default.contains(['\n', '\r']) {
                return Err(invalid(
                    "COPY default representation cannot use newline or carriage return",
                ));
            }
            if default.as_bytes().contains(&self.delimiter) {
                return Err(invalid(
                    "COPY delimiter must not appear in the DEFAULT specification",
                ));
            }
            if self.csv && default.as_bytes().contains(&self.quote) {
                return Err(invalid(
                    "CSV quote character must not appear in the DEFAULT specification",
                ));
            }
            if *default == self.null {
                return Err(invalid(
                    "NULL specification and DEFAULT specification cannot be the same",
                ));
            }
        }
        if self.header == Header::Match && !from {
            return Err(Error::unsupported(
                "cannot use \"match\" with HEADER in COPY TO",
            ));
        }
        Ok(())
    }

    /// Whether a field as it stands in the file is the marker of the column's default.
    pub(super) fn is_default(&self, raw: &[u8]) -> bool {
        matches!(&self.default, Some(marker) if marker.as_bytes() == raw)
    }

    /// Written text in the encoding of the file.
    ///
    /// # Errors
    /// `22P05` for a character that it lacks.
    pub(crate) fn encode(&self, text: &mut Vec<u8>) -> Result<()> {
        match self.format {
            Format::Binary => Ok(()),
            _ => encoding::encode(self.encoding.unwrap_or_default(), text),
        }
    }

    /// Tells the options the columns that are copied.
    ///
    /// # Errors
    /// `42P10` if an option names another column.
    pub(crate) fn resolve_columns(&mut self, names: &[&str]) -> Result<()> {
        for list in [&self.force_quote, &self.force_not_null, &self.force_null] {
            if let (true, Columns::Named(wanted)) = (list.is_given(), list)
                && let Some(missing) = wanted.iter().find(|w| !names.contains(&w.as_str()))
            {
                return Err(Error::new(
                    SqlState::INVALID_COLUMN_REFERENCE,
                    format!("column \"{missing}\" of a FORCE option is not referenced by COPY"),
                ));
            }
        }
        self.forced_quotes = names.iter().map(|n| self.force_quote.contains(n)).collect();
        Ok(())
    }
}

fn one_byte(name: &str, value: &str) -> Result<u8> {
    match value.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(Error::unsupported(format!(
            "COPY {name} must be a single one-byte character"
        ))),
    }
}

fn header(value: &str) -> Result<Header> {
    match value.to_ascii_lowercase().as_str() {
        "" | "true" | "on" | "1" => Ok(Header::Yes),
        "false" | "off" | "0" => Ok(Header::No),
        "match" => Ok(Header::Match),
        _ => Err(syntax("header requires a Boolean value or \"match\"")),
    }
}

fn columns(value: &str) -> Columns {
    if value == "*" {
        return Columns::All;
    }
    Columns::Named(value.split('\0').map(str::to_owned).collect())
}

fn syntax(message: impl Into<String>) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}
