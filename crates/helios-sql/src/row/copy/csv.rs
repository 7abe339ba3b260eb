//! The CSV format.

use helios_base::Result;

use super::encoding::utf8;
use super::{CopyOptions, Field, Fields, bad_file};

/// Whether a record, read so far, ends inside quotes, so that the next line belongs to it. Goes on
/// where it left off when lines are added.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    open: bool,
    /// The next byte is escaped.
    escaped: bool,
}

impl Quotes {
    /// Looks at more of the record.
    pub(super) fn read(&mut self, options: &CopyOptions, bytes: &[u8]) -> bool {
        if !self.escaped && memchr::memchr2(options.quote, options.escape, bytes).is_none() {
            return self.open;
        }
        for &byte in bytes {
            if std::mem::take(&mut self.escaped) {
                continue;
            }
            if self.open && byte == options.escape && options.escape != options.quote {
                self.escaped = true;
            } else if byte == options.quote {
                // A doubled quote closes and opens again, which leaves the state right.
                self.open = !self.open;
            }
        }
        self.open
    }
}

/// Splits one record (without its line end) into fields. `names` are the columns, for the
/// `FORCE_…` options.
pub(super) fn split(options: &CopyOptions, record: &[u8], names: &[String]) -> Result<Fields> {
    let mut fields = Vec::with_capacity(names.len());
    let mut at = 0;
    loop {
        let start = at;
        let rest = record.get(start..).unwrap_or_default();
        let found = memchr::memchr2(options.delimiter, options.quote, rest);
        let end = found.unwrap_or(rest.len());
        if found.is_none() || rest.get(end) == Some(&options.delimiter) {
            // Most fields have no quotes.
            let raw = rest.get(..end).unwrap_or_default();
            let name = names.get(fields.len()).map_or("", String::as_str);
            let is_null = raw == options.null.as_bytes() && !options.force_not_null.contains(name);
            fields.push(match is_null {
                true => Field::Null,
                false if options.is_default(raw) => Field::Default,
                false => Field::Text(utf8(raw.to_vec())?),
            });
            if found.is_none() {
                return Ok(fields);
            }
            at = start + end + 1;
            continue;
        }
        let mut out = Vec::new();
        let mut quoted = false;
        let mut was_quoted = false;
        let mut more = false;
        while let Some(&byte) = record.get(at) {
            at += 1;
            if quoted {
                let plain = record.get(at - 1..).unwrap_or_default();
                let plain = memchr::memchr2(options.quote, options.escape, plain);
                let plain = plain.unwrap_or(record.len() + 1 - at);
                if plain > 0 {
                    let end = at - 1 + plain;
                    out.extend_from_slice(record.get(at - 1..end).unwrap_or_default());
                    at = end;
                    continue;
                }
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
        let raw = record
            .get(start..at - usize::from(more))
            .unwrap_or_default();
        let is_default = options.is_default(raw);
        let text = utf8(out)?;
        let name = names.get(fields.len()).map_or("", String::as_str);
        let is_null = text == options.null
            && if was_quoted {
                options.force_null.contains(name)
            } else {
                !options.force_not_null.contains(name)
            };
        fields.push(match (is_null, is_default) {
            (true, _) => Field::Null,
            (false, true) => Field::Default,
            (false, false) => Field::Text(text),
        });
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
