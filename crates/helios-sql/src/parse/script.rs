//! A text of several statements.

use helios_base::Result;

use super::ast::{AsOf, Expr, Query, Span, Statement};
use super::cursor::Parser;
use super::lexer::{Kind, Token, tokenize};

/// A statement with the piece of text it came from.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// Its text, without the semicolon.
    pub span: Span,
}

/// The statements of a text, parsed one by one as they are asked for, so that those before a
/// mistake can run: the tokens of all must be good, but only the syntax of those reached.
pub struct Script<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Script<'a> {
    /// Cuts `source` into tokens.
    ///
    /// # Errors
    /// 42601 with position.
    pub fn new(source: &'a str) -> Result<Self> {
        let tokens = tokenize(source)?;
        Ok(Self {
            source,
            tokens,
            at: 0,
        })
    }

    /// All statements of `source`.
    ///
    /// # Errors
    /// 42601 (syntax), 0A000 (known and not supported), 54001 (nested too deeply), with position.
    pub fn parse(source: &'a str) -> Result<Vec<Parsed>> {
        Self::new(source)?.collect()
    }

    /// The one statement of `source`; `None` if it is empty.
    ///
    /// # Errors
    /// As [`Script::parse`], and 42601 if there are several.
    pub fn single(source: &'a str) -> Result<Option<Parsed>> {
        let mut script = Self::new(source)?;
        let first = script.next().transpose()?;
        match script.next() {
            Some(_) if first.is_some() => Err(helios_base::Error::new(
                helios_base::SqlState::SYNTAX_ERROR,
                "cannot insert multiple commands into a prepared statement",
            )),
            _ => Ok(first),
        }
    }

    fn is_semicolon(&self, token: &Token) -> bool {
        token.kind == Kind::Punct && self.source.get(token.start..token.end) == Some(";")
    }

    fn parse_one(&self, mut from: usize) -> Result<(Parsed, usize)> {
        let rest = self.tokens.get(from..).unwrap_or_default();
        let mut parser = Parser::new(self.source, rest);
        let statement = parser.statement()?;
        let span = parser.span_since(0);
        let next = parser.peek();
        if next.kind != Kind::End && !self.is_semicolon(next) {
            return Err(match statement {
                Statement::Query(_) => parser.unexpected_clause(),
                _ => parser.unexpected(),
            });
        }
        from += parser.mark();
        Ok((Parsed { statement, span }, from))
    }
}

impl Iterator for Script<'_> {
    type Item = Result<Parsed>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(token) = self.tokens.get(self.at) {
            if token.kind == Kind::End {
                return None;
            }
            if self.is_semicolon(token) {
                self.at += 1;
                continue;
            }
            let parsed = self.parse_one(self.at);
            // After a mistake nothing follows: where the next statement begins is a guess.
            self.at = match &parsed {
                Ok((_, next)) => *next,
                Err(_) => self.tokens.len(),
            };
            return Some(parsed.map(|(parsed, _)| parsed));
        }
        None
    }
}

/// A lone expression: a default, a check, an index key.
///
/// # Errors
/// As [`Script::parse`].
pub fn parse_expression(source: &str) -> Result<Expr> {
    whole(source, |parser| parser.expr())
}

/// A lone query: the text of a view.
///
/// # Errors
/// As [`Script::parse`].
pub fn parse_query(source: &str) -> Result<Query> {
    whole(source, |parser| parser.query())
}

/// A lone `AS OF` clause: a point in history.
///
/// # Errors
/// As [`Script::parse`].
pub fn parse_as_of(source: &str) -> Result<AsOf> {
    whole(source, |parser| {
        parser.as_of()?.ok_or_else(|| parser.unexpected())
    })
}

/// A lone type, such as the text of a `regtype`.
///
/// # Errors
/// As [`Script::parse`].
pub fn parse_type(source: &str) -> Result<super::ast::TypeName> {
    whole(source, |parser| parser.type_name())
}

fn whole<T>(source: &str, parse: impl FnOnce(&mut Parser<'_>) -> Result<T>) -> Result<T> {
    let tokens = tokenize(source)?;
    let mut parser = Parser::new(source, &tokens);
    let result = parse(&mut parser)?;
    if parser.peek().kind != Kind::End {
        return Err(parser.unexpected());
    }
    Ok(result)
}
