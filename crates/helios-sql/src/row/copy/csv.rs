//! The CSV format.

use helios_base::Result;

use super::text::not_utf8;
use super::{CopyOptions, Fields, bad_file};

/// Whether `record`, read so far, ends inside quotes, so that the next line belongs to it.
pub(super) fn is_open(options: &CopyOptions, record: &[u8]) -> bool {
    let mut quoted = false;
    let mut at = 0;
    while let Some(&byte) = record.get(at) {
        if quoted && byte == options.escape && options.escape != options.quote {
            at += 1;
        } else if byte == options.quote {
            // A doubled quote closes and opens again, which leaves the state right.
            quoted = !quoted;
        }
        at += 1;
    }
    quoted
}

/// Splits one record (without its line end) into fields. `names` are the columns, for the
/// `FORCE_…` options.
pub(super) fn split(options: &CopyOptions, record: &[u8], names: &[&str]) -> Result<Fields> {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let mut out = Vec::new();
        let mut quoted = false;
        let mut was_quoted = false;
        let mut more = false;
        while let Some(&byte) = record.get(at) {
            at += 1;
            if quoted {
                let next = record.get(at).copied();
                if byte == options.escape
                    && next.is_some_and(|n| n == options.quote || n == options.escape)
                {
                    out.extend(next);
                    at += 1;
                } else if byte == options.quote {
                    quoted = false;
                } else {
                    out.push(byte);
                }
            } else if byte == options.delimiter {
                more = true;
                break;
            } else if byte == options.quote {
                quoted = true;
                was_quoted = true;
            } else {
                out.push(byte);
            }
        }
        if quoted {
            return Err(bad_file("unterminated CSV quoted field"));
        }
        let text = String::from_utf8(out).map_err(|_| not_utf8())?;
        let name = names.get(fields.len()).copied().unwrap_or("");
        let is_null = text == options.null
            && if was_quoted {
                options.force_null.contains(name)
            } else {
                !options.force_not_null.contains(name)
            };
        fields.push((!is_null).then_some(text));
        if !more {
            return Ok(fields);
        }
    }
}

/// Writes one record. A header is quoted only where it must be.
pub(super) fn write(
    options: &CopyOptions,
    fields: &[Option<&str>],
    header: bool,
    out: &mut Vec<u8>,
) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(options.delimiter);
        }
        let Some(text) = field else {
            out.extend_from_slice(options.null.as_bytes());
            continue;
        };
        let forced = !header && options.forced_quotes.get(index).copied().unwrap_or(false);
        // A lone `\.` would end the file; text that looks like the null marker would read as NULL.
        let must = *text == options.null
            || (fields.len() == 1 && *text == "\\.")
            || text.bytes().any(|b| {
                b == options.delimiter || b == options.quote || matches!(b, b'\n' | b'\r')
            });
        if !(forced || must) {
            out.extend_from_slice(text.as_bytes());
            continue;
        }
        out.push(options.quote);
        for byte in text.bytes() {
            if byte == options.quote || byte == options.escape {
                out.push(options.escape);
            }
            out.push(byte);
        }
        out.push(options.quote);
    }
    out.push(b'\n');
}
