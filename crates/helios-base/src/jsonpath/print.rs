//! The canonical form of a path, as PostgreSQL shows it.

use std::fmt::{self, Display, Formatter, Write};

use super::{Arithmetic, First, JsonPath, Path, RegexFlags, Step, Test};
use crate::json::push_escaped;

impl Display for JsonPath {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.strict {
            f.write_str("strict ")?;
        }
        path(&self.root, true, f)
    }
}

fn quoted(text: &str, f: &mut Formatter<'_>) -> fmt::Result {
    let mut out = String::with_capacity(text.len() + 2);
    push_escaped(text, &mut out);
    f.write_str(&out)
}

/// How tightly what a path begins with holds together.
fn priority(path: &Path) -> u8 {
    match &path.first {
        First::Test(Test::Or(..)) => 0,
        First::Test(Test::And(..)) => 1,
        First::Test(Test::Compare(..) | Test::StartsWith(..)) => 2,
        First::Arithmetic(Arithmetic::Add | Arithmetic::Subtract, ..) => 3,
        First::Arithmetic(..) => 4,
        First::Plus(_) | First::Minus(_) => 5,
        _ => 6,
    }
}

/// `brackets`: operators are put into parentheses.
fn path(it: &Path, brackets: bool, f: &mut Formatter<'_>) -> fmt::Result {
    let own = priority(it);
    let operand = |inner: &Path, f: &mut Formatter<'_>| path(inner, priority(inner) <= own, f);
    let open = |f: &mut Formatter<'_>| if brackets { f.write_char('(') } else { Ok(()) };
    let close = |f: &mut Formatter<'_>| if brackets { f.write_char(')') } else { Ok(()) };
    let infix = |a: &Path, symbol: &str, b: &Path, f: &mut Formatter<'_>| {
        open(f)?;
        operand(a, f)?;
        write!(f, " {symbol} ")?;
        operand(b, f)?;
        close(f)
    };
    match &it.first {
        First::Null => f.write_str("null")?,
        First::Bool(value) => write!(f, "{value}")?,
        First::Number(number) if it.steps.is_empty() => write!(f, "{number}")?,
        First::Number(number) => write!(f, "({number})")?,
        First::String(text) => quoted(text, f)?,
        First::Variable(name) => {
            f.write_char('$')?;
            quoted(name, f)?;
        }
        First::Root => f.write_char('$')?,
        First::Current => f.write_char('@')?,
        First::Last => f.write_str("last")?,
        First::Arithmetic(operator, a, b) => infix(a, operator.symbol(), b, f)?,
        First::Plus(inner) | First::Minus(inner) => {
            open(f)?;
            let plus = matches!(it.first, First::Plus(_));
            f.write_char(if plus { '+' } else { '-' })?;
            operand(inner, f)?;
            close(f)?;
        }
        First::Test(test) => match test {
            Test::Compare(comparison, a, b) => infix(a, comparison.symbol(), b, f)?,
            Test::And(a, b) => infix(a, "&&", b, f)?,
            Test::Or(a, b) => infix(a, "||", b, f)?,
            Test::StartsWith(a, b) => infix(a, "starts with", b, f)?,
            Test::Not(inner) => enclosed("!(", inner, ")", f)?,
            Test::IsUnknown(inner) => enclosed("(", inner, ") is unknown", f)?,
            Test::Exists(inner) => enclosed("exists (", inner, ")", f)?,
            Test::LikeRegex {
                text,
                pattern,
                flags,
            } => {
                open(f)?;
                operand(text, f)?;
                f.write_str(" like_regex ")?;
                quoted(pattern, f)?;
                regex_flags(*flags, f)?;
                close(f)?;
            }
        },
    }
    it.steps.iter().try_for_each(|it| step(it, f))
}

fn enclosed(before: &str, inner: &Path, after: &str, f: &mut Formatter<'_>) -> fmt::Result {
    f.write_str(before)?;
    path(inner, false, f)?;
    f.write_str(after)
}

fn regex_flags(flags: RegexFlags, f: &mut Formatter<'_>) -> fmt::Result {
    if flags == RegexFlags::default() {
        return Ok(());
    }
    f.write_str(" flag \"")?;
    for (set, letter) in [
        (flags.insensitive, 'i'),
        (flags.dot_all, 's'),
        (flags.multi_line, 'm'),
        (flags.expanded, 'x'),
        (flags.quoted, 'q'),
    ] {
        if set {
            f.write_char(letter)?;
        }
    }
    f.write_char('"')
}

fn step(it: &Step, f: &mut Formatter<'_>) -> fmt::Result {
    match it {
        Step::Key(key) => {
            f.write_char('.')?;
            quoted(key, f)
        }
        Step::AnyKey => f.write_str(".*"),
        Step::AnyElement => f.write_str("[*]"),
        Step::Elements(elements) => {
            f.write_char('[')?;
            for (at, (from, to)) in elements.iter().enumerate() {
                if at > 0 {
                    f.write_char(',')?;
                }
                path(from, false, f)?;
                if let Some(to) = to {
                    f.write_str(" to ")?;
                    path(to, false, f)?;
                }
            }
            f.write_char(']')
        }
        Step::Any(Some(0), None) => f.write_str(".**"),
        Step::Any(None, None) => f.write_str(".**{last}"),
        Step::Any(first, last) if first == last => write!(f, ".**{{{}}}", first.unwrap_or(0)),
        Step::Any(first, last) => {
            let level = |level: &Option<u32>| match level {
                Some(level) => level.to_string(),
                None => "last".to_owned(),
            };
            write!(f, ".**{{{} to {}}}", level(first), level(last))
        }
        Step::Filter(condition) => enclosed("?(", condition, ")", f),
        Step::Method(method) => write!(f, ".{}()", method.name()),
        Step::DateTime(template) => {
            f.write_str(".datetime(")?;
            if let Some(template) = template {
                quoted(template, f)?;
            }
            f.write_char(')')
        }
    }
}
