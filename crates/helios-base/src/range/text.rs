//! Text forms: `[1,5)`, `empty`, `("2024-01-01 00:00:00",)`.

use super::{RangeKind, RangeValue};
use crate::text::is_blank;
use crate::{Error, Result, SqlState, TextContext, Value};

/// Appends the text form.
pub(crate) fn write(range: &RangeValue, context: &TextContext, out: &mut String) {
    if range.empty {
        out.push_str("empty");
        return;
    }
    out.push(if range.lower_inc { '[' } else { '(' });
    bound(&range.lower, range.kind, context, out);
    out.push(',');
    bound(&range.upper, range.kind, context, out);
    out.push(if range.upper_inc { ']' } else { ')' });
}

fn bound(value: &Value, kind: RangeKind, context: &TextContext, out: &mut String) {
    if value.is_null() {
        return;
    }
    let text = value.to_text(&kind.element(), context);
    let special = |c: char| is_blank(c) || matches!(c, '"' | '\\' | '(' | ')' | '[' | ']' | ',');
    if !text.is_empty() && !text.contains(special) {
        out.push_str(&text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('"');
}

/// Reads the text form.
///
/// # Errors
/// 22P02 malformed; those of the values and of [`RangeValue::new`].
pub(crate) fn parse(text: &str, kind: RangeKind, context: &TextContext) -> Result<RangeValue> {
    let bad = |detail: &str| {
        Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("malformed range literal: \"{text}\""),
        )
        .with_detail(detail)
    };
    let body = text.trim_start_matches(is_blank);
    let word = body.trim_end_matches(is_blank);
    if word.eq_ignore_ascii_case("empty") {
        return Ok(RangeValue::empty(kind));
    }
    if body
        .get(..5)
        .is_some_and(|word| word.eq_ignore_ascii_case("empty"))
    {
        return Err(bad("Junk after \"empty\" key word."));
    }
    let mut chars = body.chars().peekable();
    let lower_inc = match chars.next() {
        Some('[') => true,
        Some('(') => false,
        _ => return Err(bad("Missing left parenthesis or bracket.")),
    };
    let mut ends = Vec::with_capacity(2);
    let mut closing = None;
    while closing.is_none() {
        let mut end: Option<String> = None;
        let mut quoted = false;
        loop {
            let Some(c) = chars.next() else {
                return Err(bad("Unexpected end of input."));
            };
            match c {
                ',' | ')' | ']' if !quoted => {
                    if c != ',' {
                        closing = Some(c);
                    }
                    break;
                }
                '\\' => match chars.next() {
                    Some(c) => end.get_or_insert_default().push(c),
                    None => return Err(bad("Unexpected end of input.")),
                },
                '"' if quoted && chars.next_if_eq(&'"').is_some() => {
                    end.get_or_insert_default().push('"');
                }
                '"' => {
                    quoted = !quoted;
                    end.get_or_insert_default();
                }
                c => end.get_or_insert_default().push(c),
            }
        }
        ends.push(end);
        if ends.len() == 2 && closing.is_none() {
            return Err(bad("Too many commas."));
        }
    }
    if !chars.all(is_blank) {
        return Err(bad("Junk after right parenthesis or bracket."));
    }
    let [lower, upper] = ends.as_slice() else {
        return Err(bad("Missing comma after lower bound."));
    };
    let element = kind.element();
    let value = |end: &Option<String>| match end {
        Some(text) => Value::parse(text, &element, context),
        None => Ok(Value::Null),
    };
    let inclusive = (lower_inc, closing == Some(']'));
    RangeValue::new(kind, value(lower)?, value(upper)?, inclusive)
}
