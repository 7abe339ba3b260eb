//! Parts of strings: substrings, trimming, positions, splitting, overlay.

use std::ops::Range;

use helios_base::{Error, Result, SqlState, Value};

use super::{fits, int4, length, text, text_or};
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Bytea, Int4, Text};

pub(super) static FUNCTIONS: &[Function] = &[
    function("substr", &[Text, Int4], Text, substring),
    function("substr", &[Text, Int4, Int4], Text, substring),
    function("substring", &[Text, Int4], Text, substring),
    function("substring", &[Text, Int4, Int4], Text, substring),
    function("substr", &[Bytea, Int4], Bytea, substring_bytes),
    function("substr", &[Bytea, Int4, Int4], Bytea, substring_bytes),
    function("substring", &[Bytea, Int4], Bytea, substring_bytes),
    function("substring", &[Bytea, Int4, Int4], Bytea, substring_bytes),
    function("left", &[Text, Int4], Text, left),
    function("right", &[Text, Int4], Text, right),
    function("btrim", &[Text], Text, |args, _| trim(args, true, true)),
    function("btrim", &[Text, Text], Text, |args, _| {
        trim(args, true, true)
    }),
    function("ltrim", &[Text], Text, |args, _| trim(args, true, false)),
    function("ltrim", &[Text, Text], Text, |args, _| {
        trim(args, true, false)
    }),
    function("rtrim", &[Text], Text, |args, _| trim(args, false, true)),
    function("rtrim", &[Text, Text], Text, |args, _| {
        trim(args, false, true)
    }),
    function("btrim", &[Bytea, Bytea], Bytea, |args, _| {
        trim_bytes(args, true, true)
    }),
    function("ltrim", &[Bytea, Bytea], Bytea, |args, _| {
        trim_bytes(args, true, false)
    }),
    function("rtrim", &[Bytea, Bytea], Bytea, |args, _| {
        trim_bytes(args, false, true)
    }),
    function("strpos", &[Text, Text], Int4, position),
    function("position", &[Text, Text], Int4, position),
    function("position", &[Bytea, Bytea], Int4, position_bytes),
    function("split_part", &[Text, Text, Int4], Text, split_part),
    function("overlay", &[Text, Text, Int4], Text, overlay),
    function("overlay", &[Text, Text, Int4, Int4], Text, overlay),
    function("overlay", &[Bytea, Bytea, Int4], Bytea, overlay_bytes),
    function("overlay", &[Bytea, Bytea, Int4, Int4], Bytea, overlay_bytes),
    function("get_byte", &[Bytea, Int4], Int4, get_byte),
    function("set_byte", &[Bytea, Int4, Int4], Bytea, set_byte),
];

/// The range, counted from 0, that `start` (from 1, perhaps below) and `length` select of `total`.
fn selected(start: i32, length: Option<i32>, total: usize) -> Result<Range<usize>> {
    let from = i64::from(start) - 1;
    let to = match length {
        Some(length) if length < 0 => return Err(negative_length()),
        Some(length) => from + i64::from(length),
        None => i64::MAX,
    };
    let clamp = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX).min(total);
    let from = clamp(from);
    Ok(from..clamp(to).max(from))
}

#[cold]
fn negative_length() -> Error {
    Error::new(
        SqlState::SUBSTRING_ERROR,
        "negative substring length not allowed",
    )
}

fn optional_length(args: &[&Value]) -> Result<Option<i32>> {
    if args.len() > 2 {
        int4(args, 2).map(Some)
    } else {
        Ok(None)
    }
}

/// The part of `text` in a range of characters.
fn slice(text: &str, chars: Range<usize>) -> &str {
    if text.is_ascii() {
        return text.get(chars).unwrap_or_default();
    }
    let at = |index: usize| {
        text.char_indices()
            .nth(index)
            .map_or(text.len(), |(byte, _)| byte)
    };
    text.get(at(chars.start)..at(chars.end)).unwrap_or_default()
}

fn substring(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let source = text(args, 0)?;
    // Bytes bound characters from above, which is all that clamping needs.
    let range = selected(int4(args, 1)?, optional_length(args)?, source.len())?;
    Ok(Value::text(slice(source, range)))
}

fn substring_bytes(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let Some(Value::Bytea(source)) = args.first() else {
        return Err(mismatch(args));
    };
    let range = selected(int4(args, 1)?, optional_length(args)?, source.len())?;
    Ok(Value::from(source.get(range).unwrap_or_default()))
}

/// The first `n` characters, or all but the last `-n`.
fn left(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, n) = (text(args, 0)?, int4(args, 1)?);
    Ok(Value::text(slice(source, 0..from_end(source, n))))
}

/// The last `n` characters, or all but the first `-n`.
fn right(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, n) = (text(args, 0)?, int4(args, 1)?);
    let total = source.chars().count();
    let start = if n == i32::MIN {
        // Its negative does not exist, so PostgreSQL leaves nothing out.
        0
    } else if n < 0 {
        n.unsigned_abs() as usize
    } else {
        total.saturating_sub(n.unsigned_abs() as usize)
    };
    Ok(Value::text(slice(source, start.min(total)..total)))
}

fn from_end(text: &str, n: i32) -> usize {
    if n < 0 {
        text.chars()
            .count()
            .saturating_sub(n.unsigned_abs() as usize)
    } else {
        (n.unsigned_abs() as usize).min(text.len())
    }
}

fn trim(args: &[&Value], start: bool, end: bool) -> Result<Value> {
    let source = text(args, 0)?;
    let set = text_or(args, 1, " ")?;
    let unwanted = |c: char| set.contains(c);
    let mut kept = source;
    if start {
        kept = kept.trim_start_matches(unwanted);
    }
    if end {
        kept = kept.trim_end_matches(unwanted);
    }
    Ok(Value::text(kept))
}

fn trim_bytes(args: &[&Value], start: bool, end: bool) -> Result<Value> {
    let [Value::Bytea(source), Value::Bytea(set)] = args else {
        return Err(mismatch(args));
    };
    let mut kept: &[u8] = source;
    while let [first, rest @ ..] = kept
        && start
        && set.contains(first)
    {
        kept = rest;
    }
    while let [rest @ .., last] = kept
        && end
        && set.contains(last)
    {
        kept = rest;
    }
    Ok(Value::from(kept))
}

/// `position(part IN text)` arrives as `position(text, part)`; from 1, 0 if absent.
fn position(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, part) = (text(args, 0)?, text(args, 1)?);
    match source.find(part) {
        Some(byte) => length(source.get(..byte).unwrap_or_default().chars().count() + 1),
        None => Ok(Value::Int4(0)),
    }
}

fn position_bytes(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Bytea(source), Value::Bytea(part)] = args else {
        return Err(mismatch(args));
    };
    if part.is_empty() {
        return Ok(Value::Int4(1));
    }
    match source
        .windows(part.len())
        .position(|window| window == &**part)
    {
        Some(at) => length(at + 1),
        None => Ok(Value::Int4(0)),
    }
}

fn split_part(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, separator, field) = (text(args, 0)?, text(args, 1)?, int4(args, 2)?);
    if field == 0 {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "field position must not be zero",
        ));
    }
    let skip = field.unsigned_abs() as usize - 1;
    let found = if source.is_empty() {
        None
    } else if separator.is_empty() {
        (skip == 0).then_some(source)
    } else if field > 0 {
        source.split(separator).nth(skip)
    } else {
        // Separators are found from the start, fields counted from the end.
        let parts: Vec<&str> = source.split(separator).collect();
        parts
            .len()
            .checked_sub(skip + 1)
            .and_then(|index| parts.get(index).copied())
    };
    Ok(Value::text(found.unwrap_or_default()))
}

/// `overlay(text PLACING new FROM start FOR length)`.
fn overlay(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, new, start) = (text(args, 0)?, text(args, 1)?, int4(args, 2)?);
    let cut = match args.get(3) {
        Some(_) => int4(args, 3)?,
        None => i32::try_from(new.chars().count()).unwrap_or(i32::MAX),
    };
    let (head, tail) = overlay_ranges(start, cut)?;
    fits(source.len() + new.len())?;
    let mut out = String::with_capacity(source.len() + new.len());
    out.push_str(slice(source, 0..head.min(source.len())));
    out.push_str(new);
    out.push_str(slice(source, tail.min(source.len())..source.len()));
    Ok(Value::text(out))
}

fn overlay_bytes(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [
        Value::Bytea(source),
        Value::Bytea(new),
        Value::Int4(start),
        ..,
    ] = args
    else {
        return Err(mismatch(args));
    };
    let cut = match args.get(3) {
        Some(_) => int4(args, 3)?,
        None => i32::try_from(new.len()).unwrap_or(i32::MAX),
    };
    let (head, tail) = overlay_ranges(*start, cut)?;
    let head = source.get(..head.min(source.len())).unwrap_or_default();
    let tail = source.get(tail.min(source.len())..).unwrap_or_default();
    Ok(Value::from([head, new, tail].concat()))
}

/// Where the kept head ends and the kept tail starts.
fn overlay_ranges(start: i32, cut: i32) -> Result<(usize, usize)> {
    if start <= 0 {
        return Err(negative_length());
    }
    // PostgreSQL adds in 32 bits.
    start
        .checked_add(cut)
        .ok_or_else(|| crate::op::integer::out_of_range(Int4))?;
    let head = i64::from(start) - 1;
    let tail = (head + i64::from(cut)).max(0);
    Ok((
        usize::try_from(head).unwrap_or(0),
        usize::try_from(tail).unwrap_or(0),
    ))
}

fn byte_index(bytes: &[u8], index: i32) -> Result<usize> {
    usize::try_from(index)
        .ok()
        .filter(|&at| at < bytes.len())
        .ok_or_else(|| {
            Error::new(
                SqlState::ARRAY_SUBSCRIPT_ERROR,
                format!(
                    "index {index} out of valid range, 0..{}",
                    i64::try_from(bytes.len()).unwrap_or(0) - 1
                ),
            )
        })
}

fn get_byte(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Int4(index)] = args else {
        return Err(mismatch(args));
    };
    let at = byte_index(bytes, *index)?;
    Ok(Value::Int4(bytes.get(at).copied().map_or(0, i32::from)))
}

fn set_byte(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Int4(index), Value::Int4(new)] = args else {
        return Err(mismatch(args));
    };
    let at = byte_index(bytes, *index)?;
    let mut changed = bytes.to_vec();
    if let Some(byte) = changed.get_mut(at) {
        *byte = new.to_le_bytes()[0];
    }
    Ok(Value::from(changed))
}
