//! Values of parameters.

use helios_base::{DataType, Encoding, Error, Result, SqlState, TextContext, Value, binary};

use super::frontend::violation;

/// Reads the parameters of a Bind message: `types` are those of the statement.
///
/// # Errors
/// `08P01` for wrong counts or an unknown format; `22P02`, `22P03` and their kin for values.
pub(super) fn read(
    values: &[Option<&[u8]>],
    formats: &[i16],
    types: &[DataType],
    statement: &str,
    text: &TextContext,
    encoding: Encoding,
) -> Result<Vec<Value>> {
    if values.len() != types.len() {
        return Err(violation(format!(
            "bind message supplies {} parameters, but prepared statement \"{statement}\" requires {}",
            values.len(),
            types.len()
        )));
    }
    check_formats(formats, values.len(), "parameter")?;
    values
        .iter()
        .zip(types)
        .enumerate()
        .map(|(index, (value, ty))| match value {
            None => Ok(Value::Null),
            Some(bytes) => read_one(bytes, ty, format_of(formats, index), text, encoding)
                .map_err(|error| at_parameter(error, index)),
        })
        .collect()
}

fn read_one(
    bytes: &[u8],
    ty: &DataType,
    format: i16,
    text: &TextContext,
    encoding: Encoding,
) -> Result<Value> {
    // A parameter takes values of its type; lengths are for columns to judge.
    match format {
        0 => {
            let bytes = encoding.decode(bytes)?;
            let utf8 = std::str::from_utf8(&bytes).map_err(|error| {
                let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
                Error::new(
                    SqlState::CHARACTER_NOT_IN_REPERTOIRE,
                    format!("invalid byte sequence for encoding \"UTF8\": 0x{bad:02x}"),
                )
            })?;
            Value::parse(utf8, ty, text)
        }
        1 if encoding.converts() => binary::read(&binary::from_encoding(bytes, ty, encoding)?, ty),
        1 => binary::read(bytes, ty),
        other => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("unsupported format code: {other}"),
        )),
    }
}

/// Says which parameter is bad, as PostgreSQL does in its context line.
fn at_parameter(error: Error, index: usize) -> Error {
    let place = format!("parameter ${}", index + 1);
    match error.detail() {
        Some(_) => error,
        None => error.with_detail(format!("In {place}.")),
    }
}

/// The format of column or parameter `index`: none means text, one counts for all.
pub(super) fn format_of(formats: &[i16], index: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(index).copied().unwrap_or(0),
    }
}

/// Checks that there are no formats, one, or one each.
pub(super) fn check_formats(formats: &[i16], count: usize, what: &str) -> Result<()> {
    if formats.len() > 1 && formats.len() != count {
        return Err(violation(format!(
            "bind message has {} {what} formats but {count} {what}s",
            formats.len()
        )));
    }
    Ok(())
}
