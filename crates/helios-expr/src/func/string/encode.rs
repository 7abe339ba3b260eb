//! Digests and encodings.

use std::fmt::Write;

use helios_base::{Encoding, Error, Result, SqlState, Value};
use sha2::Digest;

use super::text;
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Bytea, Int4, Int8, Name, Text};

pub(super) static FUNCTIONS: &[Function] = &[
    function("md5", &[Text], Text, md5),
    function("md5", &[Bytea], Text, md5),
    function("sha224", &[Bytea], Bytea, |args, _| {
        digest::<sha2::Sha224>(args)
    }),
    function("sha256", &[Bytea], Bytea, |args, _| {
        digest::<sha2::Sha256>(args)
    }),
    function("sha384", &[Bytea], Bytea, |args, _| {
        digest::<sha2::Sha384>(args)
    }),
    function("sha512", &[Bytea], Bytea, |args, _| {
        digest::<sha2::Sha512>(args)
    }),
    function("encode", &[Bytea, Text], Text, encode),
    function("decode", &[Text, Text], Bytea, decode),
    function("to_hex", &[Int4], Text, to_hex),
    function("to_hex", &[Int8], Text, to_hex),
    function("convert_from", &[Bytea, Name], Text, convert_from).stable(),
    function("convert_to", &[Text, Name], Bytea, convert_to).stable(),
];

fn bytes<'a>(args: &[&'a Value]) -> Result<&'a [u8]> {
    match args.first() {
        Some(Value::Bytea(bytes)) => Ok(bytes),
        Some(Value::Text(text)) => Ok(text.as_bytes()),
        _ => Err(mismatch(args)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let done = write!(out, "{byte:02x}");
        debug_assert!(done.is_ok());
    }
    out
}

fn md5(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    Ok(Value::text(hex(&md5::Md5::digest(bytes(args)?))))
}

fn digest<D: Digest>(args: &[&Value]) -> Result<Value> {
    Ok(Value::from(D::digest(bytes(args)?).to_vec()))
}

fn to_hex(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Int4(n)] => Ok(Value::text(format!("{n:x}"))),
        [Value::Int8(n)] => Ok(Value::text(format!("{n:x}"))),
        args => Err(mismatch(args)),
    }
}

fn encode(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (bytes, format) = (bytes(args)?, text(args, 1)?);
    Ok(Value::text(match format.to_ascii_lowercase().as_str() {
        "hex" => hex(bytes),
        "base64" => base64(bytes),
        "escape" => escape(bytes),
        _ => return Err(unknown(format)),
    }))
}

fn decode(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (encoded, format) = (text(args, 0)?, text(args, 1)?);
    Ok(Value::from(match format.to_ascii_lowercase().as_str() {
        "hex" => unhex(encoded)?,
        "base64" => unbase64(encoded)?,
        "escape" => unescape(encoded)?,
        _ => return Err(unknown(format)),
    }))
}

#[cold]
fn unknown(format: &str) -> Error {
    invalid(format!("unrecognized encoding: \"{format}\""))
}

#[cold]
fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    let digit = |c: char| {
        c.to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or_else(|| invalid(format!("invalid hexadecimal digit: \"{c}\"")))
    };
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut chars = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '\n' | '\t' | '\r'));
    while let Some(high) = chars.next() {
        let high = digit(high)?;
        let Some(low) = chars.next() else {
            return Err(invalid(
                "invalid hexadecimal data: odd number of digits".to_owned(),
            ));
        };
        out.push(high << 4 | digit(low)?);
    }
    Ok(out)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// MIME's line length.
const LINE: usize = 76;

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 4 / 3 + 4);
    let mut column = 0;
    for chunk in bytes.chunks(3) {
        if column == LINE {
            out.push('\n');
            column = 0;
        }
        let group = chunk.iter().enumerate().fold(0u32, |group, (i, &byte)| {
            group | u32::from(byte) << (16 - 8 * i)
        });
        for position in 0..4 {
            if position <= chunk.len() {
                let index = (group >> (18 - 6 * position)) & 63;
                out.push(ALPHABET.get(index as usize).map_or('=', |&b| char::from(b)));
            } else {
                out.push('=');
            }
        }
        column += 4;
    }
    out
}

fn unbase64(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let mut group = 0u32;
    let mut count = 0;
    let mut padding = 0;
    for c in text.chars() {
        if matches!(c, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        let digit = if c == '=' {
            if padding == 0 && count < 2 {
                return Err(invalid(
                    "unexpected \"=\" while decoding base64 sequence".to_owned(),
                ));
            }
            padding += 1;
            0
        } else {
            let found = ALPHABET.iter().position(|&b| char::from(b) == c);
            match found.and_then(|digit| u32::try_from(digit).ok()) {
                Some(digit) if padding == 0 => digit,
                _ => {
                    return Err(invalid(format!(
                        "invalid symbol \"{c}\" found while decoding base64 sequence"
                    )));
                }
            }
        };
        group = group << 6 | digit;
        count += 1;
        if count == 4 {
            let bytes = group.to_be_bytes();
            out.extend(bytes.iter().skip(1).take(3usize.saturating_sub(padding)));
            group = 0;
            count = 0;
        }
    }
    if count != 0 {
        return Err(invalid("invalid base64 end sequence".to_owned())
            .with_hint("Input data is missing padding, is truncated, or is otherwise corrupted."));
    }
    Ok(out)
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            0 | 0x80.. => {
                let done = write!(out, "\\{byte:03o}");
                debug_assert!(done.is_ok());
            }
            plain => out.push(char::from(plain)),
        }
    }
    out
}

fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match rest {
            [b'\\', after @ ..] => {
                out.push(b'\\');
                rest = after;
            }
            [
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            _ => {
                return Err(Error::new(
                    SqlState::INVALID_TEXT_REPRESENTATION,
                    "invalid input syntax for type bytea",
                ));
            }
        }
    }
    Ok(out)
}

/// The encoding of a name; `what` is its place in errors.
fn encoding(name: &str, what: &str) -> Result<Encoding> {
    Encoding::named(name).ok_or_else(|| match Encoding::is_known(name) {
        true => Error::unsupported(format!("encoding \"{name}\" is not supported"))
            .with_hint("UTF8, SQL_ASCII, LATIN1, LATIN9 and WIN1252 are."),
        false => invalid(format!("invalid {what} encoding name \"{name}\"")),
    })
}

fn convert_from(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let bytes = bytes(args)?;
    let from = encoding(text(args, 1)?, "source")?;
    if from.converts() && bytes.contains(&0) {
        return Err(not_valid(from.name(), &[0]));
    }
    let bytes = &*from.decode(bytes)?;
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(Value::text(text)),
        Ok(_) => Err(not_valid("UTF8", &[0])),
        Err(error) => {
            let from = bytes.get(error.valid_up_to()..).unwrap_or_default();
            let bad = error.error_len().unwrap_or(from.len()).max(1);
            Err(not_valid("UTF8", from.get(..bad).unwrap_or(from)))
        }
    }
}

#[cold]
fn not_valid(encoding: &str, bytes: &[u8]) -> Error {
    let shown: Vec<String> = bytes.iter().map(|byte| format!("0x{byte:02x}")).collect();
    Error::new(
        SqlState::CHARACTER_NOT_IN_REPERTOIRE,
        format!(
            "invalid byte sequence for encoding \"{encoding}\": {}",
            shown.join(" ")
        ),
    )
}

fn convert_to(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let to = encoding(text(args, 1)?, "destination")?;
    let mut bytes = Vec::new();
    to.encode(text(args, 0)?, &mut bytes)?;
    Ok(Value::from(bytes))
}
