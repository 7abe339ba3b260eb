//! From words to a path: recursive descent, loosest operators first.

use super::lexer::{self, Token, syntax};
use super::{Arithmetic, Comparison, First, JsonPath, Method, Path, RegexFlags, Step, Test};
use crate::{Error, Result, SqlState};

/// How deep parentheses, filters and subscripts may nest.
const DEPTH_MAX: usize = 200;
/// How many steps and operators a path may have: whoever walks it may do so recursively.
const PARTS_MAX: usize = 1000;

pub(super) fn parse(text: &str) -> Result<JsonPath> {
    let tokens = lexer::split(text)?;
    if tokens.is_empty() {
        return Err(Error::new(
            SqlState::INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type jsonpath: \"{text}\""),
        ));
    }
    let mut parser = Parser {
        text,
        tokens: &tokens,
        depth: 0,
        parts: 0,
        in_filter: 0,
        in_subscript: 0,
    };
    let strict = parser.eat_word("strict");
    if !strict {
        parser.eat_word("lax");
    }
    let root = parser.any()?.path;
    if !parser.tokens.is_empty() {
        return Err(parser.unexpected());
    }
    Ok(JsonPath { strict, root })
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [(Token, usize)],
    depth: usize,
    parts: usize,
    in_filter: usize,
    in_subscript: usize,
}

/// A path and whether it stands in parentheses of its own, which some places demand.
struct Parsed {
    path: Path,
    enclosed: bool,
}

impl Parsed {
    fn open(path: Path) -> Self {
        Self {
            path,
            enclosed: false,
        }
    }

    fn test(test: Test) -> Self {
        Self::open(Path::of(First::Test(test)))
    }
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.first().map(|(token, _)| token)
    }

    fn advance(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    fn is_punct(&self, punct: &str) -> bool {
        matches!(self.peek(), Some(Token::Punct(found)) if *found == punct)
    }

    fn eat_punct(&mut self, punct: &str) -> bool {
        let found = self.is_punct(punct);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, punct: &str) -> Result<()> {
        if self.eat_punct(punct) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    fn unexpected(&self) -> Error {
        match self.tokens.first() {
            None => syntax("syntax error at end of jsonpath input"),
            Some((_, at)) => {
                let end = self.tokens.get(1).map_or(self.text.len(), |(_, at)| *at);
                let word = self.text.get(*at..end).unwrap_or_default().trim_end();
                syntax(format!(
                    "syntax error at or near \"{word}\" of jsonpath input"
                ))
            }
        }
    }

    /// Counts a step or operator.
    fn part(&mut self) -> Result<()> {
        self.parts += 1;
        if self.parts > PARTS_MAX {
            return Err(Error::new(
                SqlState::STATEMENT_TOO_COMPLEX,
                "jsonpath is too long",
            ));
        }
        Ok(())
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::new(
                SqlState::STATEMENT_TOO_COMPLEX,
                "jsonpath is nested too deeply",
            ));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A condition or a value.
    fn any(&mut self) -> Result<Parsed> {
        self.nested(|parser| {
            let mut left = parser.and()?;
            while parser.is_punct("||") {
                left = parser.join(left, Self::and, Test::Or)?;
            }
            Ok(left)
        })
    }

    fn and(&mut self) -> Result<Parsed> {
        let mut left = self.test()?;
        while self.is_punct("&&") {
            left = self.join(left, Self::test, Test::And)?;
        }
        Ok(left)
    }

    fn join(
        &mut self,
        left: Parsed,
        next: fn(&mut Self) -> Result<Parsed>,
        make: fn(Box<Path>, Box<Path>) -> Test,
    ) -> Result<Parsed> {
        if !left.path.is_test() {
            return Err(self.unexpected());
        }
        self.part()?;
        self.advance();
        let right = next(self)?;
        if !right.path.is_test() {
            return Err(self.unexpected());
        }
        Ok(Parsed::test(make(left.path.into(), right.path.into())))
    }

    /// `!(…)`, `a == b`, `(…) is unknown`, … or a value alone.
    fn test(&mut self) -> Result<Parsed> {
        if self.eat_punct("!") {
            let inner = self.primary()?;
            if !inner.path.is_test() || !inner.enclosed {
                return Err(self.unexpected());
            }
            return Ok(Parsed::test(Test::Not(inner.path.into())));
        }
        let left = self.sum()?;
        if left.path.is_test() {
            if left.enclosed && self.is_word("is") {
                self.advance();
                if !self.eat_word("unknown") {
                    return Err(self.unexpected());
                }
                return Ok(Parsed::test(Test::IsUnknown(left.path.into())));
            }
            return Ok(left);
        }
        let comparison = match self.peek() {
            Some(Token::Punct(punct)) => match *punct {
                "==" | "=" => Some(Comparison::Equal),
                "!=" | "<>" => Some(Comparison::NotEqual),
                "<" => Some(Comparison::Less),
                "<=" => Some(Comparison::LessOrEqual),
                ">" => Some(Comparison::Greater),
                ">=" => Some(Comparison::GreaterOrEqual),
                _ => None,
            },
            _ => None,
        };
        if let Some(comparison) = comparison {
            self.advance();
            let right = self.sum()?;
            if right.path.is_test() {
                return Err(self.unexpected());
            }
            let (left, right) = (left.path.into(), right.path.into());
            return Ok(Parsed::test(Test::Compare(comparison, left, right)));
        }
        if self.eat_word("starts") {
            if !self.eat_word("with") {
                return Err(self.unexpected());
            }
            let first = match self.peek() {
                Some(Token::String(string)) => First::String(string.as_str().into()),
                Some(Token::Variable(name)) => First::Variable(name.as_str().into()),
                _ => return Err(self.unexpected()),
            };
            self.advance();
            let start = Path::of(first).into();
            return Ok(Parsed::test(Test::StartsWith(left.path.into(), start)));
        }
        if self.eat_word("like_regex") {
            return self.like_regex(left.path);
        }
        Ok(left)
    }

    fn like_regex(&mut self, text: Path) -> Result<Parsed> {
        let pattern = self.string()?.into();
        let mut flags = RegexFlags::default();
        if self.eat_word("flag") {
            for c in self.string()?.chars() {
                match c {
                    'i' => flags.insensitive = true,
                    's' => flags.dot_all = true,
                    'm' => flags.multi_line = true,
                    'x' => flags.expanded = true,
                    'q' => flags.quoted = true,
                    c => {
                        return Err(
                            syntax("invalid input syntax for type jsonpath").with_detail(format!(
                                "Unrecognized flag character \"{c}\" in LIKE_REGEX predicate."
                            )),
                        );
                    }
                }
            }
        }
        if flags.expanded && !flags.quoted {
            return Err(Error::unsupported(
                "XQuery \"x\" flag (expanded regular expressions) is not implemented",
            ));
        }
        Ok(Parsed::test(Test::LikeRegex {
            text: text.into(),
            pattern,
            flags,
        }))
    }

    fn string(&mut self) -> Result<String> {
        match self.peek() {
            Some(Token::String(string)) => {
                let string = string.clone();
                self.advance();
                Ok(string)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn sum(&mut self) -> Result<Parsed> {
        self.operators(
            &[("+", Arithmetic::Add), ("-", Arithmetic::Subtract)],
            Self::product,
        )
    }

    fn product(&mut self) -> Result<Parsed> {
        self.operators(
            &[
                ("*", Arithmetic::Multiply),
                ("/", Arithmetic::Divide),
                ("%", Arithmetic::Modulo),
            ],
            Self::signed,
        )
    }

    fn operators(
        &mut self,
        operators: &[(&str, Arithmetic)],
        operand: fn(&mut Self) -> Result<Parsed>,
    ) -> Result<Parsed> {
        let mut left = operand(self)?;
        while !left.path.is_test()
            && let Some((_, operator)) = operators.iter().find(|(punct, _)| self.is_punct(punct))
        {
            self.part()?;
            self.advance();
            let right = operand(self)?;
            if right.path.is_test() {
                return Err(self.unexpected());
            }
            let (a, b) = (left.path.into(), right.path.into());
            left = Parsed::open(Path::of(First::Arithmetic(*operator, a, b)));
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Parsed> {
        let minus = self.is_punct("-");
        if !minus && !self.is_punct("+") {
            return self.primary();
        }
        self.advance();
        let operand = self.nested(Self::signed)?.path;
        if operand.is_test() {
            return Err(self.unexpected());
        }
        Ok(Parsed::open(match (&operand.first, operand.steps.len()) {
            (First::Number(number), 0) if minus => Path::of(First::Number(number.neg())),
            (First::Number(_), 0) => operand,
            _ if minus => Path::of(First::Minus(operand.into())),
            _ => Path::of(First::Plus(operand.into())),
        }))
    }

    /// What a path begins with, and its steps.
    fn primary(&mut self) -> Result<Parsed> {
        let mut parsed = self.first()?;
        let steps = self.steps()?;
        if steps.is_empty() {
            return Ok(parsed);
        }
        if parsed.path.steps.is_empty() {
            // A condition takes steps only in parentheses.
            let test = matches!(parsed.path.first, First::Test(_));
            if test && !parsed.enclosed {
                return Err(self.unexpected());
            }
        }
        parsed.path.steps.extend(steps);
        parsed.enclosed = false;
        Ok(parsed)
    }

    fn first(&mut self) -> Result<Parsed> {
        let first = match self.peek() {
            Some(Token::String(string)) => First::String(string.as_str().into()),
            Some(Token::Variable(name)) => First::Variable(name.as_str().into()),
            Some(Token::Integer(number) | Token::Number(number)) => First::Number(number.clone()),
            Some(Token::Punct("$")) => First::Root,
            Some(Token::Punct("@")) => {
                if self.in_filter == 0 {
                    return Err(syntax("@ is not allowed in root expressions"));
                }
                First::Current
            }
            Some(Token::Punct("(")) => {
                self.advance();
                let inner = self.any()?;
                self.expect(")")?;
                return Ok(Parsed {
                    path: inner.path,
                    enclosed: true,
                });
            }
            Some(Token::Word(word)) => match word.as_str() {
                // These must be in lower case.
                "null" => First::Null,
                "true" => First::Bool(true),
                "false" => First::Bool(false),
                _ if self.is_word("last") => {
                    if self.in_subscript == 0 {
                        return Err(syntax("LAST is allowed only in array subscripts"));
                    }
                    First::Last
                }
                _ if self.is_word("exists") => {
                    self.advance();
                    self.expect("(")?;
                    let inner = self.any()?.path;
                    if inner.is_test() {
                        return Err(self.unexpected());
                    }
                    self.expect(")")?;
                    return Ok(Parsed {
                        path: Path::of(First::Test(Test::Exists(inner.into()))),
                        enclosed: true,
                    });
                }
                _ => return Err(self.unexpected()),
            },
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Parsed::open(Path::of(first)))
    }

    fn steps(&mut self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if self.eat_punct(".") {
                steps.push(self.member()?);
            } else if self.eat_punct("[") {
                steps.push(self.subscripts()?);
            } else if self.eat_punct("?") {
                self.expect("(")?;
                self.in_filter += 1;
                let condition = self.any()?.path;
                self.in_filter -= 1;
                if !condition.is_test() {
                    return Err(self.unexpected());
                }
                self.expect(")")?;
                steps.push(Step::Filter(condition));
            } else {
                return Ok(steps);
            }
            self.part()?;
        }
    }

    /// What follows a point.
    fn member(&mut self) -> Result<Step> {
        if self.eat_punct("*") {
            return Ok(Step::AnyKey);
        }
        if self.eat_punct("**") {
            return self.levels();
        }
        let (name, word) = match self.peek() {
            Some(Token::Word(word)) => (word.clone(), true),
            Some(Token::String(string)) => (string.clone(), false),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        if !word || !self.is_punct("(") {
            return Ok(Step::Key(name.into()));
        }
        let lower = name.to_ascii_lowercase();
        let datetime = lower == "datetime";
        let method = Method::named(&lower);
        if !datetime && method.is_none() {
            return Err(self.unexpected());
        }
        self.advance();
        let template = if datetime && !self.is_punct(")") {
            Some(self.string()?.into())
        } else {
            None
        };
        self.expect(")")?;
        Ok(match method {
            Some(method) => Step::Method(method),
            None => Step::DateTime(template),
        })
    }

    /// `{2}`, `{2 to last}` after `**`.
    fn levels(&mut self) -> Result<Step> {
        if !self.eat_punct("{") {
            return Ok(Step::Any(Some(0), None));
        }
        let first = self.level()?;
        let last = if self.eat_word("to") {
            self.level()?
        } else {
            first
        };
        self.expect("}")?;
        Ok(Step::Any(first, last))
    }

    fn level(&mut self) -> Result<Option<u32>> {
        if self.eat_word("last") {
            return Ok(None);
        }
        let Some(Token::Integer(number)) = self.peek() else {
            return Err(self.unexpected());
        };
        let level = number.to_i32()?;
        self.advance();
        Ok(Some(level.unsigned_abs()))
    }

    fn subscripts(&mut self) -> Result<Step> {
        if self.eat_punct("*") {
            self.expect("]")?;
            return Ok(Step::AnyElement);
        }
        self.in_subscript += 1;
        let mut elements = Vec::new();
        loop {
            let from = self.value()?;
            let to = match self.eat_word("to") {
                true => Some(self.value()?),
                false => None,
            };
            elements.push((from, to));
            if !self.eat_punct(",") {
                break;
            }
        }
        self.in_subscript -= 1;
        self.expect("]")?;
        Ok(Step::Elements(elements))
    }

    /// A value, not a condition.
    fn value(&mut self) -> Result<Path> {
        let value = self.any()?.path;
        if value.is_test() {
            return Err(self.unexpected());
        }
        Ok(value)
    }
}
