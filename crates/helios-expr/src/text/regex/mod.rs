//! PostgreSQL's regular expressions.
//!
//! A pattern of PostgreSQL's "advanced" flavour is read into a tree. Where the `regex` crate would
//! find the same, it does all the work. Elsewhere (most of all where parts can match one text in
//! several ways) it says where the first match begins, if there is one, and the match is made and
//! taken apart by PostgreSQL's rules here: the longest (or shortest) as a whole, then part by part
//! from the left.
//!
//! # Source
//! PostgreSQL 15 documentation, chapter 9.7.3 "POSIX Regular Expressions".

mod dissect;
mod node;
mod parse;
mod program;
mod set;
mod simple;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use regex::RegexBuilder;

use dissect::{Groups, Maker, Part};

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

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Regex {
    /// Matches wherever the pattern does.
    fast: regex::Regex,
    /// What takes matches apart, unless `fast` is as good.
    exact: Option<Part>,
    /// `fast` matches elsewhere, too: it knows neither looking around nor back references.
    approximate: bool,
    groups: usize,
}

/// A match: where it and its groups are.
#[derive(Clone, Debug)]
pub(crate) struct Captures<'t> {
    text: &'t str,
    /// The whole first.
    groups: Groups,
}

impl<'t> Captures<'t> {
    /// Begin and end of the match.
    pub(crate) fn span(&self) -> (usize, usize) {
        self.range(0).unwrap_or_default()
    }

    /// Begin and end of a group; group 0 is the match.
    pub(crate) fn range(&self, group: usize) -> Option<(usize, usize)> {
        self.groups.get(group).copied().flatten()
    }

    /// The text of a group.
    pub(crate) fn get(&self, group: usize) -> Option<&'t str> {
        self.range(group)
            .and_then(|(start, end)| self.text.get(start..end))
    }

    /// How many groups there are, the match included.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }
}

impl Regex {
    fn new(pattern: &str, flags: Flags) -> Result<Self> {
        let parsed = parse::parse(pattern, flags)?;
        let insensitive = parsed.flags.insensitive;
        let mut translated = String::with_capacity(pattern.len() + 8);
        parsed.root.emit(&mut translated);
        let fast = RegexBuilder::new(&translated)
            .case_insensitive(insensitive)
            .size_limit(COMPILED_MAX)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => too_complex(),
                error => {
                    let text = error.to_string();
                    let last = text.lines().last().unwrap_or_default();
                    invalid(last.trim_start_matches("error: "))
                }
            })?;
        let exact = if simple::is_simple(&parsed.root, insensitive) {
            None
        } else {
            Some(Maker::make(&parsed.root, insensitive).map_err(|_| too_complex())?)
        };
        Ok(Self {
            fast,
            exact,
            approximate: parsed.root.looks() || parsed.root.refers_back(),
            groups: parsed.groups,
        })
    }

    /// Whether there is a match anywhere.
    ///
    /// # Errors
    /// `2201B` too many ways to match back references.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool> {
        if !self.fast.is_match(text) {
            return Ok(false);
        }
        Ok(!self.approximate || self.captures_at(text, 0)?.is_some())
    }

    /// The first match that begins at byte `from` or later.
    ///
    /// # Errors
    /// As [`Regex::is_match`].
    pub(crate) fn captures_at<'t>(
        &self,
        text: &'t str,
        from: usize,
    ) -> Result<Option<Captures<'t>>> {
        let Some(part) = &self.exact else {
            return Ok(self.fast.captures_at(text, from).map(|found| Captures {
                text,
                groups: found
                    .iter()
                    .map(|group| group.map(|group| (group.start(), group.end())))
                    .collect(),
            }));
        };
        let mut from = from;
        while from <= text.len() {
            let Some(found) = self.fast.find_at(text, from) else {
                break;
            };
            let start = found.start();
            if let Some((end, mut groups)) = part.find(text, start, self.groups)? {
                if let Some(whole) = groups.first_mut() {
                    *whole = Some((start, end));
                }
                return Ok(Some(Captures { text, groups }));
            }
            from = after(text, start, start);
        }
        Ok(None)
    }

    /// All matches that begin at byte `from` or later, none within another.
    pub(crate) fn captures_from<'r, 't: 'r>(
        &'r self,
        text: &'t str,
        from: usize,
    ) -> impl Iterator<Item = Result<Captures<'t>>> + 'r {
        let mut from = Some(from);
        std::iter::from_fn(move || {
            let at = from.take().filter(|at| *at <= text.len())?;
            let found = self.captures_at(text, at).transpose()?;
            if let Ok(found) = &found {
                let (start, end) = found.span();
                from = Some(after(text, start, end));
            }
            Some(found)
        })
    }
}

/// Where to look for the next match: one character on after an empty one.
fn after(source: &str, start: usize, end: usize) -> usize {
    if end > start {
        return end;
    }
    end + source
        .get(end..)
        .and_then(|rest| rest.chars().next())
        .map_or(1, char::len_utf8)
}

/// The compiled form of a pattern, from the cache if it was used before. `flags` are letters; `g`
/// is ignored here.
///
/// # Errors
/// `2201B` bad pattern, `22023` bad flags.
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
        let compiled = Arc::new(Regex::new(pattern, Flags::parse(flags)?)?);
        if cache.len() >= CACHE_MAX {
            cache.clear();
        }
        cache.insert(key.clone(), Arc::clone(&compiled));
        Ok(compiled)
    })?;
    LAST.set(Some((key.0, key.1, Arc::clone(&regex))));
    Ok(regex)
}

#[cold]
fn too_complex() -> Error {
    invalid("regular expression is too complex")
}

#[cold]
fn invalid(why: &str) -> Error {
    Error::new(
        SqlState::INVALID_REGULAR_EXPRESSION,
        format!("invalid regular expression: {why}"),
    )
}
