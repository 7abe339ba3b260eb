//! Text forms of row values: `(1,"a b",)`.

use std::sync::Arc;

use super::array::quote;
use super::is_blank;
use crate::{DataType, Error, Result, SqlState, TextContext, Value};

/// Appends `(a,b,…)`. Fields show as their declared types if `ty` declares them.
pub(super) fn write(fields: &[Value], ty: &DataType, context: &TextContext, out: &mut String) {
    let base = ty.base();
    let declared = match &*base {
        DataType::User(user) => user.fields(),
        _ => &[],
    };
    out.push('(');
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        if field.is_null() {
            continue;
        }
        let start = out.len();
        match declared.get(i) {
            Some((_, ty)) => field.write_text(ty, context, out),
            None => field.write_text(&field.natural_type(), context, out),
        }
        let needs_quotes = out.get(start..).is_some_and(|text| {
            text.is_empty()
                || text.contains(|c: char| is_blank(c) || matches!(c, '"' | '\\' | '(' | ')' | ','))
        });
        if needs_quotes {
            let text = out.split_off(start);
            quote(&text, "\"", out);
        }
    }
    out.push(')');
}

fn malformed(text: &str, detail: &str) -> Error {
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!("malformed record literal: \"{text}\""),
    )
    .with_detail(detail)
}

/// Reads `(a,b,…)`: nothing between commas is `NULL`, quotes and backslashes as in CSV and C.
pub(super) fn parse(
    text: &str,
    fields: &[(Arc<str>, DataType)],
    context: &TextContext,
) -> Result<Value> {
    let body = text.trim_start_matches(is_blank);
    let Some(body) = body.strip_prefix('(') else {
        return Err(malformed(text, "Missing left parenthesis."));
    };
    let mut chars = body.chars().peekable();
    let mut values = Vec::with_capacity(fields.len());
    for (i, (_, ty)) in fields.iter().enumerate() {
        if i > 0 && chars.next_if_eq(&',').is_none() {
            return Err(malformed(text, "Too few columns."));
        }
        values.push(match item(text, &mut chars)? {
            Some(item) => super::parse(&item, ty, context)?,
            None => Value::Null,
        });
    }
    match chars.next() {
        Some(')') => {}
        _ => return Err(malformed(text, "Too many columns.")),
    }
    if chars.all(is_blank) {
        Ok(Value::Record(values.into()))
    } else {
        Err(malformed(text, "Junk after right parenthesis."))
    }
}

fn item(
    text: &str,
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
) -> Result<Option<String>> {
    if matches!(chars.peek(), Some(',' | ')')) {
        return Ok(None);
    }
    let mut item = String::new();
    let mut quoted = false;
    loop {
        let Some(&next) = chars.peek() else {
            return Err(malformed(text, "Unexpected end of input."));
        };
        if !quoted && matches!(next, ',' | ')') {
            return Ok(Some(item));
        }
        chars.next();
        match next {
            '\\' => match chars.next() {
                Some(c) => item.push(c),
                None => return Err(malformed(text, "Unexpected end of input.")),
            },
            '"' if quoted && chars.next_if_eq(&'"').is_some() => item.push('"'),
            '"' => quoted = !quoted,
            c => item.push(c),
        }
    }
}
