//! PostgreSQL's regular expressions on top of the `regex` crate.
//!
//! Patterns are translated from PostgreSQL's "advanced" flavour. Back references and lookaround are
//! refused; of several matches that start at one place the first alternative wins, not the longest.

mod translate;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use regex::{Regex, RegexBuilder};

/// Compiled patterns kept per thread; when full, all go.
const CACHE_MAX: usize = 128;
/// Bytes that one compiled pattern may take.
const COMPILED_MAX: usize = 10 << 20;

/// Compiled patterns by pattern and flags.
type Cache = HashMap<(Box<str>, Box<str>), Arc<Regex>>;

/// The pattern used last, its flags and its compiled form.
type Last = Option<(Box<str>, Box<str>, Arc<Regex>)>;

thread_local! {
    static CACHE: RefCell<Cache> = RefCell::default();
    // Row after row matches the same pattern: comparing beats hashing.
    static LAST: RefCell<Last> = const { RefCell::new(None) };
}

/// What the flags argument of the `regexp_…` functions asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `g`: every match, not only the first.
    pub global: bool,
    /// `i`
    pub insensitive: bool,
    /// `.` and `[^…]` do not match a newline (`n`, `p`).
    pub newline_stops: bool,
    /// `^` and `$` match at newlines (`n`, `w`).
    pub newline_anchors: bool,
    /// `x`: blanks and comments in the pattern are ignored.
    pub expanded: bool,
    /// `q`: the pattern is a plain string.
    pub literal: bool,
}

impl Flags {
    /// Reads flag letters.
    ///
    /// # Errors
    /// `22023` for an unknown letter.
    pub(crate) fn parse(letters: &str) -> Result<Self> {
        let mut flags = Self::default();
        for letter in letters.chars() {
            match letter {
                'g' => flags.global = true,
                other if flags.set(other) => {}
                other => {
                    return Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("invalid regular expression option: \"{other}\""),
                    ));
                }
            }
        }
        Ok(flags)
    }

    /// Applies one letter other than `g`; false if it is unknown.
    fn set(&mut self, letter: char) -> bool {
        match letter {
            'i' => self.insensitive = true,
            'c' => self.insensitive = false,
            'm' | 'n' => {
                self.newline_stops = true;
                self.newline_anchors = true;
            }
            'p' => {
                self.newline_stops = true;
                self.newline_anchors = false;
            }
            'w' => {
                self.newline_stops = false;
                self.newline_anchors = true;
            }
            's' => {
                self.newline_stops = false;
                self.newline_anchors = false;
            }
            'x' => self.expanded = true,
            't' => self.expanded = false,
            'q' => self.literal = true,
            'b' | 'e' => {}
            _ => return false,
        }
        true
    }
}

/// The compiled form of a pattern, from the cache if it was used before. `flags` are letters; `g`
/// is ignored here.
///
/// # Errors
/// `2201B` bad pattern, `22023` bad flags, `0A000` back references and lookaround.
pub(crate) fn compiled(pattern: &str, flags: &str) -> Result<Arc<Regex>> {
    let last = LAST.with_borrow(|last| match last {
        Some((p, f, regex)) if **p == *pattern && **f == *flags => Some(Arc::clone(regex)),
        _ => None,
    });
    if let Some(regex) = last {
        return Ok(regex);
    }
    let key = (Box::from(pattern), Box::from(flags));
    let regex = CACHE.with_borrow_mut(|cache| -> Result<Arc<Regex>> {
        if let Some(found) = cache.get(&key) {
            return Ok(Arc::clone(found));
        }
        let compiled = Arc::new(compile(pattern, Flags::parse(flags)?)?);
        if cache.len() >= CACHE_MAX {
            cache.clear();
        }
        cache.insert(key.clone(), Arc::clone(&compiled));
        Ok(compiled)
    })?;
    LAST.set(Some((key.0, key.1, Arc::clone(&regex))));
    Ok(regex)
}

fn compile(pattern: &str, flags: Flags) -> Result<Regex> {
    let (flags, translated) = translate::translate(pattern, flags)?;
    RegexBuilder::new(&translated)
        .case_insensitive(flags.insensitive)
        .dot_matches_new_line(!flags.newline_stops)
        .multi_line(flags.newline_anchors)
        .size_limit(COMPILED_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => invalid("regular expression is too complex"),
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                invalid(last.trim_start_matches("error: "))
            }
        })
}

#[cold]
pub(super) fn invalid(why: &str) -> Error {
    Error::new(
        SqlState::INVALID_REGULAR_EXPRESSION,
        format!("invalid regular expression: {why}"),
    )
}
