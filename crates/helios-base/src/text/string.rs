//! Lengths of `varchar(n)`, `char(n)` and `name`.

use std::borrow::Cow;

use crate::{DataType, Error, Result, SqlState};

/// `name` holds at most this many bytes.
const NAME_BYTES_MAX: usize = 63;

/// Makes `text` fit the length of `ty`: pads `char(n)`, drops blanks beyond the length, and cuts
/// whatever is beyond it if `explicit` (as a cast written in SQL does). `name` is always cut.
///
/// # Errors
/// `22001` `value too long for type …` if more than blanks would be lost.
pub fn fit_length<'a>(text: &'a str, ty: &DataType, explicit: bool) -> Result<Cow<'a, str>> {
    let limit = match ty {
        DataType::Varchar(Some(limit)) | DataType::Char(Some(limit)) => *limit as usize,
        DataType::Name => return Ok(Cow::Borrowed(cut_name(text))),
        _ => return Ok(Cow::Borrowed(text)),
    };
    // No text has more characters than bytes.
    let beyond = if text.len() <= limit {
        None
    } else {
        text.char_indices().nth(limit).map(|(at, _)| at)
    };
    if let Some(at) = beyond {
        let (kept, lost) = text.split_at(at);
        if !explicit && lost.bytes().any(|byte| byte != b' ') {
            return Err(Error::new(
                SqlState::STRING_DATA_RIGHT_TRUNCATION,
                format!("value too long for type {ty}"),
            ));
        }
        return Ok(Cow::Borrowed(kept));
    }
    if matches!(ty, DataType::Char(_)) {
        let missing = limit - text.chars().count();
        if missing > 0 {
            let mut padded = String::with_capacity(text.len() + missing);
            padded.push_str(text);
            padded.extend(std::iter::repeat_n(' ', missing));
            return Ok(Cow::Owned(padded));
        }
    }
    Ok(Cow::Borrowed(text))
}

fn cut_name(text: &str) -> &str {
    if text.len() <= NAME_BYTES_MAX {
        return text;
    }
    let mut end = NAME_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}
