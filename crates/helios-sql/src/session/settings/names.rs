//! Names of settings, and lists of names that settings hold.

use helios_base::{Error, Result, SqlState, nearest};

use super::SETTINGS;
use super::registry::{RESERVED, RESERVED_PREFIXES, in_full};

/// Whether `name` has the product's own namespace, in which nothing is made up.
fn is_ours(name: &str) -> bool {
    let prefix = name.split('.').next().unwrap_or_default();
    prefix.eq_ignore_ascii_case("helios")
}

/// Whether `name` may be made up: it has a namespace.
///
/// # Errors
/// `42602` if it has one, but is no sequence of names.
pub(super) fn is_custom(name: &str) -> Result<bool> {
    if !name.contains('.') || is_ours(name) {
        return Ok(false);
    }
    let word = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '$')
    };
    if name.split('.').all(word) {
        return Ok(true);
    }
    Err(Error::new(
        SqlState::INVALID_NAME,
        format!("invalid configuration parameter name \"{name}\""),
    )
    .with_detail(
        "Custom parameter names must be two or more simple identifiers separated by dots.",
    ))
}

/// Splits a list of names: quoted ones keep their case, others are folded to lower case.
/// `None` if the list is malformed.
pub(super) fn split_names(list: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = list.trim();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_name(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let name = rest[..end].trim();
                if name.is_empty() || name.contains('"') || name.contains(char::is_whitespace) {
                    return None;
                }
                (name.to_lowercase(), &rest[end..])
            }
        };
        names.push(name);
        let after = after.trim_start();
        if after.is_empty() {
            return Some(names);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

/// The name up to the closing quote, and what follows it.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            name.push(c);
        } else if chars.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return Some((name, &text[at + 1..]));
        }
    }
    None
}

/// The position of the setting `name`.
pub(super) fn find(name: &str) -> Result<usize> {
    let name = in_full(name);
    if let Some(index) = SETTINGS
        .iter()
        .position(|def| def.name.eq_ignore_ascii_case(name))
    {
        return Ok(index);
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.binary_search(&lower.as_str()).is_ok()
        || RESERVED_PREFIXES.iter().any(|p| lower.starts_with(p))
    {
        return Err(
            Error::unsupported(format!("parameter \"{name}\" is not supported yet"))
                .with_detail("Nothing would act on it."),
        );
    }
    let error = Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    );
    Err(match nearest(&lower, SETTINGS.iter().map(|def| def.name)) {
        Some(known) => error.with_hint(format!("Perhaps you meant \"{known}\".")),
        None => error,
    })
}
