//! Text forms of multiranges: `{[1,5),[7,)}`, `{}`.

use super::{MultirangeValue, RangeKind, RangeValue};
use crate::text::is_blank;
use crate::{Error, Result, SqlState, TextContext};

/// Appends the text form.
pub(crate) fn write(multirange: &MultirangeValue, context: &TextContext, out: &mut String) {
    out.push('{');
    for (i, range) in multirange.ranges().iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        super::write(range, context, out);
    }
    out.push('}');
}

/// Reads the text form.
///
/// # Errors
/// 22P02 malformed; those of the ranges.
pub(crate) fn parse(text: &str, kind: RangeKind, context: &TextContext) -> Result<MultirangeValue> {
    let bad = |detail: &str| {
        Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("malformed multirange literal: \"{text}\""),
        )
        .with_detail(detail)
    };
    let body = text.trim_start_matches(is_blank);
    let Some(mut rest) = body.strip_prefix('{') else {
        return Err(bad("Missing left brace."));
    };
    let mut ranges: Vec<RangeValue> = Vec::new();
    let mut first = true;
    loop {
        rest = rest.trim_start_matches(is_blank);
        if first && rest.starts_with('}') {
            break;
        }
        first = false;
        let length = if rest.is_empty() {
            return Err(bad("Unexpected end of input."));
        } else if rest.starts_with(['[', '(']) {
            range_length(rest).ok_or_else(|| bad("Unexpected end of input."))?
        } else if rest
            .get(..EMPTY.len())
            .is_some_and(|word| word.eq_ignore_ascii_case(EMPTY))
        {
            EMPTY.len()
        } else {
            return Err(bad("Expected range start."));
        };
        let (range, after) = rest
            .split_at_checked(length)
            .ok_or_else(|| bad("Unexpected end of input."))?;
        ranges.push(super::parse(range, kind, context)?);
        rest = after.trim_start_matches(is_blank);
        match rest.chars().next() {
            Some(',') => rest = rest.strip_prefix(',').unwrap_or(rest),
            Some('}') => break,
            Some(_) => return Err(bad("Expected comma or end of multirange.")),
            None => return Err(bad("Unexpected end of input.")),
        }
    }
    let after = rest.strip_prefix('}').unwrap_or(rest);
    if !after.chars().all(is_blank) {
        return Err(bad("Junk after closing right brace."));
    }
    MultirangeValue::new(kind, ranges)
}

const EMPTY: &str = "empty";

/// How many bytes the range is long that `text` begins with; `None` if it does not end.
fn range_length(text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    let mut quoted = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next()?;
            }
            '"' => quoted = !quoted,
            ']' | ')' if !quoted => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}
