//! String functions.

mod bits;
mod encode;
mod format;
mod ident;
mod normalize;
mod pad;
mod part;
pub(crate) mod quote;
pub(crate) mod regex;

use helios_base::{Error, Result, SqlState, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::text::letter;
use crate::ty::Ty::{Bytea, Char, Int4, Text};

pub(super) static FAMILIES: &[&[Function]] = &[
    FUNCTIONS,
    bits::FUNCTIONS,
    encode::FUNCTIONS,
    format::FUNCTIONS,
    ident::FUNCTIONS,
    normalize::FUNCTIONS,
    pad::FUNCTIONS,
    part::FUNCTIONS,
    quote::FUNCTIONS,
    regex::FUNCTIONS,
];

static FUNCTIONS: &[Function] = &[
    function("length", &[Text], Int4, chars),
    function("length", &[Char], Int4, chars_trimmed),
    function("length", &[Bytea], Int4, octets),
    function("char_length", &[Text], Int4, chars),
    function("char_length", &[Char], Int4, chars_trimmed),
    function("character_length", &[Text], Int4, chars),
    function("character_length", &[Char], Int4, chars_trimmed),
    function("octet_length", &[Text], Int4, octets),
    function("octet_length", &[Char], Int4, octets),
    function("octet_length", &[Bytea], Int4, octets),
    function("bit_length", &[Text], Int4, bits),
    function("bit_length", &[Bytea], Int4, bits),
    function("upper", &[Text], Text, |args, _| {
        map(args, letter::to_upper)
    }),
    function("lower", &[Text], Text, |args, _| {
        map(args, letter::to_lower)
    }),
    function("initcap", &[Text], Text, |args, _| map(args, initcap)),
    function("reverse", &[Text], Text, |args, _| {
        map(args, |text| text.chars().rev().collect())
    }),
    function("ascii", &[Text], Int4, |args, _| {
        let first = text(args, 0)?.chars().next().map_or(0, u32::from);
        Ok(Value::Int4(first.cast_signed()))
    }),
    function("chr", &[Int4], Text, chr),
    function("translate", &[Text, Text, Text], Text, translate),
    function("replace", &[Text, Text, Text], Text, replace),
    function("repeat", &[Text, Int4], Text, repeat),
];

/// Text argument `index`.
pub(crate) fn text<'a>(args: &[&'a Value], index: usize) -> Result<&'a str> {
    match args.get(index) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(mismatch(args)),
    }
}

/// Integer argument `index`.
pub(crate) fn int4(args: &[&Value], index: usize) -> Result<i32> {
    match args.get(index) {
        Some(Value::Int4(n)) => Ok(*n),
        _ => Err(mismatch(args)),
    }
}

/// An integer argument that may be left out.
pub(crate) fn int4_or(args: &[&Value], index: usize, default: i32) -> Result<i32> {
    if index < args.len() {
        int4(args, index)
    } else {
        Ok(default)
    }
}

/// A text argument that may be left out.
pub(crate) fn text_or<'a>(args: &[&'a Value], index: usize, default: &'a str) -> Result<&'a str> {
    if index < args.len() {
        text(args, index)
    } else {
        Ok(default)
    }
}

/// A length as `integer`.
pub(crate) fn length(length: usize) -> Result<Value> {
    i32::try_from(length)
        .map(Value::Int4)
        .map_err(|_| crate::op::integer::out_of_range(Int4))
}

/// PostgreSQL's limit of one gigabyte for any value.
pub(super) const BYTES_MAX: usize = 0x3fff_ffff;

/// `54000` for results beyond [`BYTES_MAX`].
#[cold]
pub(crate) fn too_large() -> Error {
    Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        "requested length too large",
    )
}

/// Whether a text of so many bytes may be.
///
/// # Errors
/// `54000` beyond [`BYTES_MAX`].
pub(crate) fn fits(bytes: usize) -> Result<()> {
    if bytes > BYTES_MAX {
        return Err(too_large());
    }
    Ok(())
}

fn map(args: &[&Value], f: impl Fn(&str) -> String) -> Result<Value> {
    text(args, 0).map(|text| Value::text(f(text)))
}

fn chars(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    length(text(args, 0)?.chars().count())
}

fn chars_trimmed(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    length(text(args, 0)?.trim_end_matches(' ').chars().count())
}

fn octet_count(args: &[&Value]) -> Result<usize> {
    match args {
        [Value::Text(text)] => Ok(text.len()),
        [Value::Bytea(bytes)] => Ok(bytes.len()),
        args => Err(mismatch(args)),
    }
}

fn octets(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    length(octet_count(args)?)
}

fn bits(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    length(octet_count(args)?.saturating_mul(8))
}

/// The first letter of each word in upper case, the others in lower case.
fn initcap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.push(letter::lower(c));
        } else {
            out.push(letter::upper(c));
        }
        inside = c.is_alphanumeric();
    }
    out
}

fn chr(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let code = int4(args, 0)?;
    let limit = |message: String| Error::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message);
    match code {
        0 => Err(limit("null character not permitted".to_owned())),
        ..0 => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "character number must be positive",
        )),
        code => match u32::try_from(code).ok().and_then(char::from_u32) {
            Some(c) => Ok(Value::text(c.to_string())),
            None if code > 0x0010_ffff => Err(limit(format!(
                "requested character too large for encoding: {code}"
            ))),
            None => Err(limit(format!(
                "requested character not valid for encoding: {code}"
            ))),
        },
    }
}

fn translate(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, from, to) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let to: Vec<char> = to.chars().collect();
    let out: String = source
        .chars()
        .filter_map(|c| match from.chars().position(|f| f == c) {
            Some(position) => to.get(position).copied(),
            None => Some(c),
        })
        .collect();
    Ok(Value::text(out))
}

fn replace(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, from, to) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    if from.is_empty() || source.is_empty() {
        return Ok(Value::text(source));
    }
    if to.len() > from.len() {
        let more = source
            .matches(from)
            .count()
            .saturating_mul(to.len() - from.len());
        fits(source.len().saturating_add(more))?;
    }
    Ok(Value::text(source.replace(from, to)))
}

fn repeat(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let source = text(args, 0)?;
    let count = usize::try_from(int4(args, 1)?).unwrap_or(0);
    match source.len().checked_mul(count) {
        Some(bytes) if bytes <= BYTES_MAX => Ok(Value::text(source.repeat(count))),
        _ => Err(too_large()),
    }
}
