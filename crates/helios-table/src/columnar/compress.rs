//! How columns are compressed: options of tables.
//!
//! | option | |
//! |---|---|
//! | `compression` | `auto`, `none`, or the name of a codec |
//! | `compression_codec` | a codec, which counts before `compression` |
//! | `compression.NAME` | as `compression`, for this column; counts before both |
//! | `compression_threshold` | columns of fewer bytes in a segment stay as they are |
//!
//! Without the first three `auto_compression` counts: `auto` where it is on, `none` where it is off.
//!
//! A codec that does not fit the type of a column leaves the choice to `auto`.

use helios_base::{ColumnId, Error, Result, SqlState};
use helios_segment::{ColumnOptions, Compression, Effort, Refusal, codec_for_setting};

use super::descriptor::Descriptor;
use crate::catalog::TableDef;

const COLUMN: &str = "compression.";

/// Looks at an option of a table. False if it says nothing of compression.
///
/// # Errors
/// 22023 for bad values, 0A000 for codecs that are deliberately not there.
pub fn check_compression(name: &str, value: &str) -> Result<bool> {
    match name {
        "compression" => compression(name, value).map(drop)?,
        "compression_codec" => codec_for_setting(value)
            .map(drop)
            .map_err(|refusal| refused(name, value, refusal))?,
        "compression_threshold" => threshold(name, value).map(drop)?,
        name if name.starts_with(COLUMN) => compression(name, value).map(drop)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The name of the option that says how a column is compressed.
#[must_use]
pub fn column_option(column: &str) -> String {
    format!("{COLUMN}{column}")
}

fn compression(name: &str, value: &str) -> Result<Compression> {
    Compression::parse(value).map_err(|refusal| refused(name, value, refusal))
}

fn refused(name: &str, value: &str, refusal: Refusal) -> Error {
    match refusal {
        Refusal::Unknown => bad(name, value).with_hint(format!(
            "It is auto, none, or a codec: {}.",
            helios_segment::codecs()
                .iter()
                .map(|codec| codec.name())
                .filter(|codec| *codec != "none")
                .collect::<Vec<_>>()
                .join(", ")
        )),
        Refusal::Absent(hint) => {
            Error::unsupported(format!("there is no codec \"{value}\"")).with_hint(hint)
        }
    }
}

fn bad(name: &str, value: &str) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("invalid value for parameter \"{name}\": \"{value}\""),
    )
}

/// A number of bytes, with a unit or without.
fn threshold(name: &str, value: &str) -> Result<u64> {
    let value = value.trim();
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = value.get(digits.len()..).unwrap_or_default().trim();
    let shift = match unit {
        "" | "B" => 0,
        "kB" | "KB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => {
            return Err(bad(name, value).with_hint(
                "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".",
            ));
        }
    };
    let bytes = digits.parse::<u64>().ok();
    let bytes = bytes.and_then(|bytes| bytes.checked_mul(1 << shift));
    bytes.ok_or_else(|| bad(name, value))
}

/// How the columns of a segment are to be compressed. What does not hold any more is left out: values
/// were looked at before they were stored.
pub(super) fn columns(
    table: &TableDef,
    of: &Descriptor,
    effort: Effort,
    is_auto: bool,
) -> Vec<ColumnOptions> {
    let option = |name: &str| table.options.get(name).map(String::as_str);
    let whole = option("compression_codec").or_else(|| option("compression"));
    let whole = whole.and_then(|value| Compression::parse(value).ok());
    let least = option("compression_threshold");
    let least = least.and_then(|value| threshold("compression_threshold", value).ok());
    let options = |compression| ColumnOptions {
        compression,
        threshold: least.unwrap_or(0),
        effort,
    };
    let unsaid = match is_auto {
        true => Compression::Auto,
        false => Compression::None,
    };
    let hidden = of.key_form().map(|_| options(Compression::Auto));
    let columns = of.columns.iter().map(|(id, _)| {
        let column = table.column_by_id(ColumnId(*id));
        let own = column.and_then(|(_, column)| option(&column_option(&column.name)));
        let own = own.and_then(|value| Compression::parse(value).ok());
        options(own.or(whole).unwrap_or(unsaid))
    });
    hidden.into_iter().chain(columns).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_looked_at() {
        let code = |name: &str, value: &str| {
            let checked = check_compression(name, value);
            checked.map_err(|error| error.sqlstate().as_str().to_owned())
        };
        for (name, value) in [
            ("compression", "auto"),
            ("compression", "None"),
            ("compression", "zstd"),
            ("compression", "fsst"),
            ("compression_codec", "alp"),
            ("compression.message", "gorilla"),
            ("compression_threshold", "1MB"),
            ("compression_threshold", "4096"),
        ] {
            assert_eq!(code(name, value), Ok(true), "{name} {value}");
        }
        for (name, value, wanted) in [
            ("compression", "lzma", "22023"),
            ("compression", "brotli", "0A000"),
            ("compression_codec", "auto", "22023"),
            ("compression_threshold", "1 parsec", "22023"),
            ("compression_threshold", "-1", "22023"),
        ] {
            assert_eq!(code(name, value), Err(wanted.to_owned()), "{name} {value}");
        }
        assert_eq!(code("fillfactor", "70"), Ok(false));
        assert_eq!(threshold("t", "3 kB").ok(), Some(3072));
    }
}
