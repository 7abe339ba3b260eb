//! The `regexp_…` functions and `substring(text FROM pattern)`.

use helios_base::{ArrayValue, Error, Result, SqlState, Value};

use super::{fits, int4, int4_or, length, text, text_or};
use crate::function::{Call, Function, function};
use crate::text::like;
use crate::text::regex::{Captures, Flags, Regex, compiled};
use crate::ty::Ty::{self, Bool, Int4, Text};

const TEXTS: Ty = Ty::Array(&Text);

pub(super) static FUNCTIONS: &[Function] = &[
    function("substring", &[Text, Text], Text, substring),
    function("substring", &[Text, Text, Text], Text, substring_similar),
    function("regexp_match", &[Text, Text], TEXTS, regexp_match),
    function("regexp_match", &[Text, Text, Text], TEXTS, regexp_match),
    function("regexp_replace", &[Text, Text, Text], Text, replace),
    function("regexp_replace", &[Text, Text, Text, Text], Text, replace),
    function(
        "regexp_replace",
        &[Text, Text, Text, Int4],
        Text,
        replace_from,
    ),
    function(
        "regexp_replace",
        &[Text, Text, Text, Int4, Int4],
        Text,
        replace_from,
    ),
    function(
        "regexp_replace",
        &[Text, Text, Text, Int4, Int4, Text],
        Text,
        replace_from,
    ),
    function("regexp_split_to_array", &[Text, Text], TEXTS, split),
    function("regexp_split_to_array", &[Text, Text, Text], TEXTS, split),
    function("regexp_like", &[Text, Text], Bool, like_regex),
    function("regexp_like", &[Text, Text, Text], Bool, like_regex),
    function("regexp_count", &[Text, Text], Int4, count),
    function("regexp_count", &[Text, Text, Int4], Int4, count),
    function("regexp_count", &[Text, Text, Int4, Text], Int4, count),
    function("regexp_substr", &[Text, Text], Text, substr),
    function("regexp_substr", &[Text, Text, Int4], Text, substr),
    function("regexp_substr", &[Text, Text, Int4, Int4], Text, substr),
    function(
        "regexp_substr",
        &[Text, Text, Int4, Int4, Text],
        Text,
        substr,
    ),
    function(
        "regexp_substr",
        &[Text, Text, Int4, Int4, Text, Int4],
        Text,
        substr,
    ),
    function("regexp_instr", &[Text, Text], Int4, instr),
    function("regexp_instr", &[Text, Text, Int4], Int4, instr),
    function("regexp_instr", &[Text, Text, Int4, Int4], Int4, instr),
    function("regexp_instr", &[Text, Text, Int4, Int4, Int4], Int4, instr),
    function(
        "regexp_instr",
        &[Text, Text, Int4, Int4, Int4, Text],
        Int4,
        instr,
    ),
    function(
        "regexp_instr",
        &[Text, Text, Int4, Int4, Int4, Text, Int4],
        Int4,
        instr,
    ),
];

/// `substring(text FROM pattern)`: the first group if there is one, else the match.
fn substring(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, pattern) = (text(args, 0)?, text(args, 1)?);
    let Some(captures) = compiled(pattern, "")?.captures_at(source, 0)? else {
        return Ok(Value::Null);
    };
    let group = usize::from(captures.len() > 1);
    Ok(captures.get(group).into())
}

/// `substring(text SIMILAR pattern ESCAPE escape)`: the part between the two `escape "`.
fn substring_similar(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let (source, pattern, escape) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let regex = Value::text(like::similar(pattern, escape)?);
    substring(&[&Value::text(source), &regex], call)
}

/// The groups of a match as an array; the whole match if the pattern has no groups.
pub(crate) fn groups(captures: &Captures<'_>) -> Value {
    let skip = usize::from(captures.len() > 1);
    let elements = (skip..captures.len())
        .map(|group| captures.get(group).into())
        .collect();
    Value::from(ArrayValue::one_dimensional(elements))
}

/// Reads flags for a function that finds one match only.
fn not_global(flags: &str, function: &str, instead: &str) -> Result<()> {
    if !Flags::parse(flags)?.global {
        return Ok(());
    }
    let error = Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("{function}() does not support the \"global\" option"),
    );
    Err(if instead.is_empty() {
        error
    } else {
        error.with_hint(format!("Use the {instead} function instead."))
    })
}

fn regexp_match(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, pattern, flags) = (text(args, 0)?, text(args, 1)?, text_or(args, 2, "")?);
    not_global(flags, "regexp_match", "regexp_matches")?;
    Ok(match compiled(pattern, flags)?.captures_at(source, 0)? {
        Some(captures) => groups(&captures),
        None => Value::Null,
    })
}

fn like_regex(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, pattern, flags) = (text(args, 0)?, text(args, 1)?, text_or(args, 2, "")?);
    not_global(flags, "regexp_like", "")?;
    compiled(pattern, flags)?.is_match(source).map(Value::Bool)
}

fn replace(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, pattern, new) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let flags = text_or(args, 3, "")?;
    if flags.starts_with(|c: char| c.is_ascii_digit()) {
        let bad = flags.chars().next().unwrap_or_default();
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid regular expression option: \"{bad}\""),
        )
        .with_hint(
            "If you meant to use regexp_replace() with a start parameter, \
             cast the fourth argument to integer explicitly.",
        ));
    }
    let every = Flags::parse(flags)?.global;
    let regex = compiled(pattern, flags)?;
    let which = if every { 0 } else { 1 };
    substitute(&regex, source, 0, new, which).map(Value::text)
}

/// `regexp_replace(text, pattern, new, start, n, flags)`; `n` = 0 replaces all.
fn replace_from(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, pattern, new) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let start = start_at(source, int4(args, 3)?)?;
    let flags = text_or(args, 5, "")?;
    let all = Flags::parse(flags)?.global && args.len() < 5;
    let n = int4_or(args, 4, if all { 0 } else { 1 })?;
    let n = non_negative(n, "n")?;
    let regex = compiled(pattern, flags)?;
    substitute(&regex, source, start, new, n).map(Value::text)
}

/// Replaces match number `which` from 1, or every match for 0, looking from byte `start` on.
fn substitute(
    regex: &Regex,
    source: &str,
    start: usize,
    new: &str,
    which: usize,
) -> Result<String> {
    let mut out = String::with_capacity(source.len());
    let mut copied = 0;
    for (number, captures) in regex.captures_from(source, start).enumerate() {
        let captures = captures?;
        if which == 0 || which == number + 1 {
            let (start, end) = captures.span();
            out.push_str(source.get(copied..start).unwrap_or_default());
            expand(new, &captures, &mut out);
            fits(out.len())?;
            copied = end;
            if which != 0 {
                break;
            }
        }
    }
    out.push_str(source.get(copied..).unwrap_or_default());
    Ok(out)
}

/// `\1` to `\9`, `\&` and `\\` in a replacement.
fn expand(new: &str, captures: &Captures<'_>, out: &mut String) {
    let mut chars = new.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let group = match chars.peek() {
            Some('&') => Some(0),
            Some(digit @ '1'..='9') => digit.to_digit(10),
            Some('\\') => {
                chars.next();
                out.push('\\');
                continue;
            }
            _ => None,
        };
        match group {
            Some(group) => {
                chars.next();
                if let Some(found) = captures.get(group as usize) {
                    out.push_str(found);
                }
            }
            None => out.push('\\'),
        }
    }
}

/// The byte position of a start argument, counted in characters from 1.
fn start_at(source: &str, start: i32) -> Result<usize> {
    if start <= 0 {
        return Err(bad("start", start));
    }
    Ok(source
        .char_indices()
        .nth(start.unsigned_abs() as usize - 1)
        .map_or(
            // Beyond the end nothing matches, not even the empty pattern.
            if start.unsigned_abs() as usize == source.chars().count() + 1 {
                source.len()
            } else {
                source.len() + 1
            },
            |(byte, _)| byte,
        ))
}

fn non_negative(n: i32, name: &str) -> Result<usize> {
    usize::try_from(n).map_err(|_| bad(name, n))
}

fn positive(n: i32, name: &str) -> Result<usize> {
    if n <= 0 {
        return Err(bad(name, n));
    }
    non_negative(n, name)
}

#[cold]
fn bad(name: &str, value: i32) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("invalid value for parameter \"{name}\": {value}"),
    )
}

fn split(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, pattern, flags) = (text(args, 0)?, text(args, 1)?, text_or(args, 2, "")?);
    let parts = pieces(source, pattern, flags, "regexp_split_to_array")?;
    let elements = parts.into_iter().map(Value::text).collect();
    Ok(Value::from(ArrayValue::one_dimensional(elements)))
}

/// The pieces between matches. Empty matches at the ends and right after a match do not count.
pub(crate) fn pieces<'a>(
    source: &'a str,
    pattern: &str,
    flags: &str,
    function: &str,
) -> Result<Vec<&'a str>> {
    not_global(flags, function, "")?;
    let regex = compiled(pattern, flags)?;
    let mut parts = Vec::new();
    let mut copied = 0;
    for captures in regex.captures_from(source, 0) {
        let found = captures?.span();
        if found.1 == found.0 && (found.0 == source.len() || found.0 == copied) {
            continue;
        }
        parts.push(source.get(copied..found.0).unwrap_or_default());
        copied = found.1;
    }
    parts.push(source.get(copied..).unwrap_or_default());
    Ok(parts)
}

fn count(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (source, pattern) = (text(args, 0)?, text(args, 1)?);
    let start = start_at(source, int4_or(args, 2, 1)?)?;
    let flags = text_or(args, 3, "")?;
    not_global(flags, "regexp_count", "")?;
    let mut count = 0;
    for found in compiled(pattern, flags)?.captures_from(source, start) {
        found?;
        count += 1;
    }
    length(count)
}

fn substr(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let found = nth_group(args, 4, 5, "regexp_substr")?;
    let source = text(args, 0)?;
    Ok(found.and_then(|(start, end)| source.get(start..end)).into())
}

fn instr(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let end_option = int4_or(args, 4, 0)?;
    if !(0..=1).contains(&end_option) {
        return Err(bad("endoption", end_option));
    }
    let found = nth_group(args, 5, 6, "regexp_instr")?;
    let source = text(args, 0)?;
    match found {
        Some((start, end)) => {
            let byte = if end_option == 1 { end } else { start };
            length(source.get(..byte).unwrap_or_default().chars().count() + 1)
        }
        None => Ok(Value::Int4(0)),
    }
}

/// The byte range of a group of the n-th match; arguments 2 and 3 are start and n.
fn nth_group(
    args: &[&Value],
    flags_at: usize,
    group_at: usize,
    function: &str,
) -> Result<Option<(usize, usize)>> {
    let (source, pattern) = (text(args, 0)?, text(args, 1)?);
    let start = start_at(source, int4_or(args, 2, 1)?)?;
    let n = positive(int4_or(args, 3, 1)?, "n")?;
    let flags = text_or(args, flags_at, "")?;
    let group = non_negative(int4_or(args, group_at, 0)?, "subexpr")?;
    not_global(flags, function, "")?;
    let regex = compiled(pattern, flags)?;
    let found = regex.captures_from(source, start).nth(n - 1).transpose()?;
    Ok(found.and_then(|captures| captures.range(group)))
}
