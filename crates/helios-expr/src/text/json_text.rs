//! Finding members and elements in `json` text without losing how they were written.
//!
//! The text is valid JSON: it was checked when the value was made.

use helios_base::Json;

/// The text of the value under `key`; the last one, if the key occurs more than once.
pub fn member<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let mut found = None;
    members(json, |name, value| {
        let same = match Json::parse(name) {
            Ok(Json::String(name)) => *name == *key,
            _ => false,
        };
        if same {
            found = Some(value);
        }
    });
    found
}

/// Calls `f` with the quoted name and the text of each member of an object, in order.
pub(crate) fn members<'a>(json: &'a str, mut f: impl FnMut(&'a str, &'a str)) {
    let Some(mut rest) = json.trim_ascii_start().strip_prefix('{') else {
        return;
    };
    loop {
        rest = rest.trim_ascii_start();
        let Some((name, after)) = value(rest) else {
            return;
        };
        let Some(after) = after.trim_ascii_start().strip_prefix(':') else {
            return;
        };
        let Some((text, after)) = value(after.trim_ascii_start()) else {
            return;
        };
        f(name, text);
        match after.trim_ascii_start().strip_prefix(',') {
            Some(next) => rest = next,
            None => return,
        }
    }
}

/// The text of the element at `index`, from 0, negative from the end.
pub(crate) fn element(json: &str, index: i64) -> Option<&str> {
    let elements = elements(json)?;
    let index = if index < 0 {
        index + i64::try_from(elements.len()).ok()?
    } else {
        index
    };
    elements.get(usize::try_from(index).ok()?).copied()
}

/// The texts of all elements; `None` if this is no array.
pub(crate) fn elements(json: &str) -> Option<Vec<&str>> {
    let mut rest = json.trim_ascii_start().strip_prefix('[')?;
    let mut found = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let Some((text, after)) = value(rest) else {
            return Some(found);
        };
        found.push(text);
        match after.trim_ascii_start().strip_prefix(',') {
            Some(next) => rest = next,
            None => return Some(found),
        }
    }
}

/// Splits off the first value; `None` at a closing bracket.
fn value(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let end = match bytes.first()? {
        b'"' => string_end(bytes, 0)?,
        b'{' | b'[' => {
            let mut depth = 0usize;
            let mut at = 0;
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = string_end(bytes, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break at;
                }
            }
        }
        b'}' | b']' => return None,
        _ => bytes
            .iter()
            .position(|b| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace())
            .unwrap_or(bytes.len()),
    };
    text.split_at_checked(end)
}

/// The position after the string that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}
