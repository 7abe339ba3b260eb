//! Sets of characters: what `.`, `[…]`, `\d` and single letters match.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

/// Sets up to this many characters are compared with others one by one.
const SMALL: u32 = 300;

/// A named class beyond ASCII. Its members are those that the `regex` crate has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Alpha,
    Alnum,
    Upper,
    Lower,
    Word,
}

impl Class {
    /// The class between brackets, in the `regex` crate's syntax.
    fn syntax(self) -> &'static str {
        match self {
            Self::Alpha => r"\p{Alphabetic}",
            Self::Alnum => r"\p{Alphabetic}\p{Nd}",
            Self::Upper => r"\p{Uppercase}",
            Self::Lower => r"\p{Lowercase}",
            Self::Word => r"\w",
        }
    }

    fn contains(self, c: char) -> bool {
        if c.is_ascii() {
            return match self {
                Self::Alpha => c.is_ascii_alphabetic(),
                Self::Alnum => c.is_ascii_alphanumeric(),
                Self::Upper => c.is_ascii_uppercase(),
                Self::Lower => c.is_ascii_lowercase(),
                Self::Word => c.is_ascii_alphanumeric() || c == '_',
            };
        }
        type Compiled = LazyLock<Option<Regex>>;
        static ALPHA: Compiled = LazyLock::new(|| Regex::new(r"\p{Alphabetic}").ok());
        static ALNUM: Compiled = LazyLock::new(|| Regex::new(r"[\p{Alphabetic}\p{Nd}]").ok());
        static UPPER: Compiled = LazyLock::new(|| Regex::new(r"\p{Uppercase}").ok());
        static LOWER: Compiled = LazyLock::new(|| Regex::new(r"\p{Lowercase}").ok());
        static WORD: Compiled = LazyLock::new(|| Regex::new(r"\w").ok());
        let compiled = match self {
            Self::Alpha => &ALPHA,
            Self::Alnum => &ALNUM,
            Self::Upper => &UPPER,
            Self::Lower => &LOWER,
            Self::Word => &WORD,
        };
        compiled
            .as_ref()
            .is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
    }
}

/// Whether the character is part of a word, for `\m`, `\M`, `\y` and `\Y`.
pub(super) fn is_word(c: char) -> bool {
    Class::Word.contains(c)
}

/// A set of characters.
#[derive(Clone, Debug, Default)]
pub(super) struct Set {
    pub(super) ranges: Vec<(char, char)>,
    pub(super) classes: Vec<Class>,
    pub(super) negated: bool,
}

impl Set {
    pub(super) fn one(c: char) -> Self {
        Self::of(&[(c, c)])
    }

    pub(super) fn of(ranges: &[(char, char)]) -> Self {
        Self {
            ranges: ranges.to_vec(),
            ..Self::default()
        }
    }

    pub(super) fn class(class: Class) -> Self {
        Self {
            classes: vec![class],
            ..Self::default()
        }
    }

    pub(super) fn negated(mut self) -> Self {
        self.negated = !self.negated;
        self
    }

    /// Every character, or every one but a newline.
    pub(super) fn any(newline_stops: bool) -> Self {
        if newline_stops {
            Self::one('\n').negated()
        } else {
            Self::default().negated()
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.ranges.extend_from_slice(&other.ranges);
        self.classes.extend_from_slice(&other.classes);
    }

    fn listed(&self, c: char) -> bool {
        self.ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&c))
            || self.classes.iter().any(|class| class.contains(c))
    }

    /// Whether the character, or with `insensitive` its twin in the other case, is in it.
    pub(super) fn contains(&self, c: char, insensitive: bool) -> bool {
        let listed = self.listed(c)
            || (insensitive
                && (c
                    .to_lowercase()
                    .next()
                    .is_some_and(|lower| self.listed(lower))
                    || c.to_uppercase()
                        .next()
                        .is_some_and(|upper| self.listed(upper))));
        listed != self.negated
    }

    fn is_small(&self) -> bool {
        let size = |(low, high): &(char, char)| u32::from(*high).abs_diff(u32::from(*low)) + 1;
        !self.negated
            && self.classes.is_empty()
            && self.ranges.iter().map(size).fold(0, u32::saturating_add) <= SMALL
    }

    /// Whether no character is surely in both; false if that is hard to tell.
    pub(super) fn is_disjoint(&self, other: &Self, insensitive: bool) -> bool {
        let (small, large) = match (self.is_small(), other.is_small()) {
            (true, _) => (self, other),
            (_, true) => (other, self),
            _ => return false,
        };
        small
            .ranges
            .iter()
            .all(|(low, high)| (*low..=*high).all(|c| !large.contains(c, insensitive)))
    }

    /// Writes the set in the `regex` crate's syntax.
    pub(super) fn emit(&self, out: &mut String) {
        if self.ranges.is_empty() && self.classes.is_empty() {
            out.push_str(if self.negated { "(?s:.)" } else { r"[a&&b]" });
            return;
        }
        out.push('[');
        if self.negated {
            out.push('^');
        }
        for (low, high) in &self.ranges {
            let done = write!(out, r"\x{{{:x}}}", u32::from(*low));
            debug_assert!(done.is_ok());
            if low != high {
                let done = write!(out, r"-\x{{{:x}}}", u32::from(*high));
                debug_assert!(done.is_ok());
            }
        }
        for class in &self.classes {
            out.push_str(class.syntax());
        }
        out.push(']');
    }
}
