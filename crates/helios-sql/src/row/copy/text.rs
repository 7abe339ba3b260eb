//! The text format: fields between tabs, with backslash escapes.

use helios_base::Result;

use super::encoding::utf8;
use super::{CopyOptions, Field, Fields, bad_file};

/// Splits one line (without its end) into fields.
pub(super) fn split(options: &CopyOptions, line: &[u8]) -> Result<Fields> {
    let mut fields = Vec::new();
    let mut start = 0;
    let mut at = 0;
    loop {
        match line.get(at) {
            Some(b'\\') => at += 2,
            Some(byte) if *byte != options.delimiter => at += 1,
            end => {
                let raw = &line[start.min(line.len())..at.min(line.len())];
                fields.push(field(options, raw)?);
                if end.is_none() {
                    return Ok(fields);
                }
                at += 1;
                start = at;
            }
        }
    }
}

/// One field: the null marker is compared before escapes are resolved.
fn field(options: &CopyOptions, raw: &[u8]) -> Result<Field> {
    if raw == options.null.as_bytes() {
        return Ok(Field::Null);
    }
    if options.is_default(raw) {
        return Ok(Field::Default);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some(escaped) = bytes.next() else {
            out.push(b'\\');
            break;
        };
        out.push(match escaped {
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            b'0'..=b'7' => {
                let mut code = u32::from(escaped - b'0');
                for _ in 0..2 {
                    match bytes.next_if(|b| (b'0'..=b'7').contains(b)) {
                        Some(digit) => code = code * 8 + u32::from(digit - b'0'),
                        None => break,
                    }
                }
                (code & 0xff) as u8
            }
            b'x' if bytes.peek().is_some_and(u8::is_ascii_hexdigit) => {
                let mut code = 0;
                for _ in 0..2 {
                    match bytes.next_if(u8::is_ascii_hexdigit) {
                        Some(digit) => {
                            code = code * 16 + char::from(digit).to_digit(16).unwrap_or(0);
                        }
                        None => break,
                    }
                }
                (code & 0xff) as u8
            }
            other => other,
        });
    }
    utf8(out).map(Field::Text)
}

/// Writes one record.
pub(super) fn write(options: &CopyOptions, fields: &[Option<&str>], out: &mut Vec<u8>) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(options.delimiter);
        }
        let Some(text) = field else {
            out.extend_from_slice(options.null.as_bytes());
            continue;
        };
        for byte in text.bytes() {
            let letter = match byte {
                0x08 => b'b',
                0x0c => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x0b => b'v',
                b'\\' => b'\\',
                other if other == options.delimiter => other,
                other => {
                    out.push(other);
                    continue;
                }
            };
            out.extend_from_slice(&[b'\\', letter]);
        }
    }
    out.push(b'\n');
}

/// Refuses a carriage return in the middle of a line, as PostgreSQL does.
pub(super) fn check_line(line: &[u8]) -> Result<()> {
    if line.contains(&b'\r') {
        return Err(bad_file("literal carriage return found in data")
            .with_hint("Use \"\\r\" to represent carriage return."));
    }
    Ok(())
}
