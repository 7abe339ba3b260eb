//! `jsonpath`: expressions that look into JSON documents.
//!
//! A path is kept as text in its canonical form; [`JsonPath::parse`] reads it, and its `Display` is
//! that form. Evaluation is in `helios-expr`.

mod lexer;
mod parser;
mod print;

use crate::{Numeric, Result};

/// A path, read.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    /// `strict`: structure that does not fit is an error.
    pub strict: bool,
    /// What it says.
    pub root: Path,
}

/// Something to begin with, and steps into it.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Where it begins.
    pub first: First,
    /// What is applied to it, in order.
    pub steps: Vec<Step>,
}

/// What a path begins with.
#[derive(Clone, Debug, PartialEq)]
pub enum First {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(Numeric),
    /// A string.
    String(Box<str>),
    /// `$name`
    Variable(Box<str>),
    /// `$`: the document.
    Root,
    /// `@`: what a filter looks at.
    Current,
    /// `last`: the last subscript of an array.
    Last,
    /// `a + b`
    Arithmetic(Arithmetic, Box<Path>, Box<Path>),
    /// `+a`
    Plus(Box<Path>),
    /// `-a`
    Minus(Box<Path>),
    /// A condition.
    Test(Test),
}

/// An operator between numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
}

impl Arithmetic {
    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// A condition: true, false or unknown.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `a == b`
    Compare(Comparison, Box<Path>, Box<Path>),
    /// `a && b`
    And(Box<Path>, Box<Path>),
    /// `a || b`
    Or(Box<Path>, Box<Path>),
    /// `!(a)`
    Not(Box<Path>),
    /// `(a) is unknown`
    IsUnknown(Box<Path>),
    /// `exists (a)`
    Exists(Box<Path>),
    /// `a starts with "b"`, the beginning being a string or variable.
    StartsWith(Box<Path>, Box<Path>),
    /// `a like_regex "b" flag "i"`
    LikeRegex {
        /// What is matched.
        text: Box<Path>,
        /// The pattern.
        pattern: Box<str>,
        /// Its flags.
        flags: RegexFlags,
    },
}

/// The flags of `like_regex`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegexFlags {
    /// `i`: without regard to case.
    pub insensitive: bool,
    /// `s`: a point matches a newline.
    pub dot_all: bool,
    /// `m`: anchors match at newlines.
    pub multi_line: bool,
    /// `x`: blanks are ignored; not supported.
    pub expanded: bool,
    /// `q`: the pattern is a plain string.
    pub quoted: bool,
}

/// A step into what there is.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// `.key`
    Key(Box<str>),
    /// `.*`
    AnyKey,
    /// `[*]`
    AnyElement,
    /// `[0, 2 to 4]`
    Elements(Vec<(Path, Option<Path>)>),
    /// `.**{from to to}`; `None` is `last`.
    Any(Option<u32>, Option<u32>),
    /// `? (condition)`
    Filter(Path),
    /// `.size()` and its kin
    Method(Method),
    /// `.datetime("template")`
    DateTime(Option<Box<str>>),
}

/// A method without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `type`
    Type,
    /// `size`
    Size,
    /// `double`
    Double,
    /// `ceiling`
    Ceiling,
    /// `floor`
    Floor,
    /// `abs`
    Abs,
    /// `keyvalue`
    KeyValue,
}

impl Method {
    const ALL: [Self; 7] = [
        Self::Type,
        Self::Size,
        Self::Double,
        Self::Ceiling,
        Self::Floor,
        Self::Abs,
        Self::KeyValue,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Size => "size",
            Self::Double => "double",
            Self::Ceiling => "ceiling",
            Self::Floor => "floor",
            Self::Abs => "abs",
            Self::KeyValue => "keyvalue",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// 42601 for what is none, 22P02 for an empty text and broken strings.
    pub fn parse(text: &str) -> Result<Self> {
        parser::parse(text)
    }
}

impl Path {
    /// A beginning without steps.
    #[must_use]
    pub const fn of(first: First) -> Self {
        Self {
            first,
            steps: Vec::new(),
        }
    }

    /// Whether this is a condition as a whole.
    #[must_use]
    pub fn is_test(&self) -> bool {
        self.steps.is_empty() && matches!(self.first, First::Test(_))
    }
}

#[cfg(test)]
mod tests;
