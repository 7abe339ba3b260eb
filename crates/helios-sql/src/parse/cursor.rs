//! The parser's hands: looking at tokens, taking them, and saying what is wrong with them.

use helios_base::{Error, Result, SqlState};

use super::ast::{Ident, Name, Pos, Span};
use super::keyword;
use super::lexer::{Kind, Token};
use super::locate;

/// How deep expressions and queries may nest. Every level costs a few stack frames here, in the
/// binder and in evaluation; two megabytes of stack must do for all of them.
pub(super) const DEPTH_MAX: usize = 100;

/// How long a chain such as `a + b + c` or `q UNION q UNION q` may be: it makes a tree as deep.
pub(super) const CHAIN_MAX: usize = 400;

/// A recursive descent parser over tokens.
pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// `tokens` must end with [`Kind::End`].
    pub(super) fn new(source: &'a str, tokens: &'a [Token]) -> Self {
        Self {
            source,
            tokens,
            at: 0,
            depth: 0,
        }
    }

    pub(super) fn all_tokens(&self) -> &'a [Token] {
        self.tokens
    }

    /// The token `ahead` of the next one; the last token repeats for ever.
    pub(super) fn peek_at(&self, ahead: usize) -> &'a Token {
        static END: Token = Token {
            kind: Kind::End,
            start: 0,
            end: 0,
        };
        let last = self.tokens.last().unwrap_or(&END);
        self.tokens.get(self.at + ahead).unwrap_or(last)
    }

    pub(super) fn peek(&self) -> &'a Token {
        self.peek_at(0)
    }

    pub(super) fn text_of(&self, token: &Token) -> &'a str {
        self.source.get(token.start..token.end).unwrap_or_default()
    }

    /// Takes the next token.
    pub(super) fn advance(&mut self) -> &'a Token {
        let token = self.peek();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    /// Where the next token begins.
    pub(super) fn pos(&self) -> Pos {
        Pos::new(self.peek().start)
    }

    pub(super) fn mark(&self) -> usize {
        self.at
    }

    pub(super) fn reset(&mut self, mark: usize) {
        self.at = mark;
    }

    /// The text of the tokens taken since `mark`.
    pub(super) fn span_since(&self, mark: usize) -> Span {
        match (self.tokens.get(mark), self.at.checked_sub(1)) {
            (Some(first), Some(last)) if last >= mark => Span {
                start: first.start,
                end: self.tokens.get(last).map_or(first.end, |token| token.end),
            },
            _ => Span::default(),
        }
    }

    /// Runs `parse` one level deeper.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= DEPTH_MAX {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    pub(super) fn too_deep(&self) -> Error {
        let error = Error::new(SqlState::new(b"54001"), "stack depth limit exceeded")
            .with_hint("Nest expressions and queries less deeply.");
        self.at_pos(error, self.pos())
    }

    // Errors.

    pub(super) fn at_pos(&self, error: Error, pos: Pos) -> Error {
        locate(error, self.source, pos)
    }

    /// `syntax error at or near "…"` about the next token.
    pub(super) fn unexpected(&self) -> Error {
        self.unexpected_token(self.peek())
    }

    /// As [`Parser::unexpected`], after a query: about the token after a word that begins a clause
    /// only together with another.
    pub(super) fn unexpected_clause(&self) -> Error {
        const PAIRS: [(&str, &str); 4] = [
            ("group", "by"),
            ("order", "by"),
            ("cross", "join"),
            ("at", "time"),
        ];
        let alone = PAIRS
            .iter()
            .any(|(first, second)| self.is_word(first) && !self.is_word_at(1, second));
        self.unexpected_token(self.peek_at(usize::from(alone)))
    }

    /// The parenthesis after a query.
    pub(super) fn close_query(&mut self) -> Result<()> {
        if self.eat_punct(")") {
            Ok(())
        } else {
            Err(self.unexpected_clause())
        }
    }

    /// As [`Parser::unexpected`], where an open parenthesis could have begun something else.
    pub(super) fn unexpected_inside(&self) -> Error {
        let mut ahead = 0;
        while self.is_punct_at(ahead, "(") {
            ahead += 1;
        }
        self.unexpected_token(self.peek_at(ahead))
    }

    /// As [`Parser::unexpected`], where a name was wanted: a word that can name a function only is
    /// no mistake before what follows it.
    pub(super) fn unexpected_name(&self) -> Error {
        let function = match &self.peek().kind {
            Kind::Word(word) => keyword::is_function_name(word) && !keyword::is_name(word),
            _ => false,
        };
        self.unexpected_token(self.peek_at(usize::from(function)))
    }

    pub(super) fn unexpected_token(&self, token: &Token) -> Error {
        let message = match token.kind {
            Kind::End => "syntax error at end of input".to_owned(),
            _ => format!("syntax error at or near \"{}\"", self.text_of(token)),
        };
        let mut error = Error::new(SqlState::SYNTAX_ERROR, message);
        if let Some(keyword) = self.meant(token) {
            error = error.with_hint(format!("Perhaps you meant {keyword}."));
        }
        self.at_pos(error, Pos::new(token.start))
    }

    /// The keyword that the token may have been meant to be, or the one before it: misspelt, a word
    /// that goes on with a query is taken for a name first.
    fn meant(&self, token: &Token) -> Option<&'static str> {
        let after = self
            .tokens
            .partition_point(|other| other.start <= token.start);
        let last_two = self.tokens.get(after.saturating_sub(2)..after)?;
        last_two.iter().rev().find_map(|token| match &token.kind {
            Kind::Word(word) => keyword::meant(word),
            _ => None,
        })
    }

    pub(super) fn syntax(&self, message: impl Into<String>, pos: Pos) -> Error {
        self.at_pos(Error::new(SqlState::SYNTAX_ERROR, message), pos)
    }

    pub(super) fn unsupported(&self, what: impl std::fmt::Display, pos: Pos) -> Error {
        self.at_pos(Error::unsupported(format!("{what} is not supported")), pos)
    }

    // Keywords.

    /// Whether the token `ahead` is this keyword (lower case).
    pub(super) fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(&self.peek_at(ahead).kind, Kind::Word(found) if found == word)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    /// Whether the next tokens are these keywords, separated by blanks in `words`.
    pub(super) fn is_words(&self, words: &str) -> bool {
        words
            .split(' ')
            .enumerate()
            .all(|(ahead, word)| self.is_word_at(ahead, word))
    }

    /// Takes the keyword if it is next.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.advance();
        }
        found
    }

    /// Takes all of the keywords, or none.
    pub(super) fn eat_words(&mut self, words: &str) -> bool {
        let found = self.is_words(words);
        if found {
            for _ in words.split(' ') {
                self.advance();
            }
        }
        found
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<()> {
        if self.eat(word) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(super) fn expect_words(&mut self, words: &str) -> Result<()> {
        words.split(' ').try_for_each(|word| self.expect(word))
    }

    pub(super) fn eat_if_exists(&mut self) -> Result<bool> {
        let found = self.eat("if");
        if found {
            self.expect("exists")?;
        }
        Ok(found)
    }

    pub(super) fn eat_if_not_exists(&mut self) -> Result<bool> {
        let found = self.is_words("if not");
        if found {
            self.expect_words("if not exists")?;
        }
        Ok(found)
    }

    // Punctuation and operators.

    pub(super) fn is_punct_at(&self, ahead: usize, punct: &str) -> bool {
        let token = self.peek_at(ahead);
        token.kind == Kind::Punct && self.text_of(token) == punct
    }

    pub(super) fn is_punct(&self, punct: &str) -> bool {
        self.is_punct_at(0, punct)
    }

    pub(super) fn eat_punct(&mut self, punct: &str) -> bool {
        let found = self.is_punct(punct);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_punct(&mut self, punct: &str) -> Result<()> {
        if self.eat_punct(punct) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(super) fn is_op(&self, op: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Op && self.text_of(token) == op
    }

    pub(super) fn eat_op(&mut self, op: &str) -> bool {
        let found = self.is_op(op);
        if found {
            self.advance();
        }
        found
    }

    /// One or more, separated by commas.
    pub(super) fn comma_list<T>(
        &mut self,
        mut parse: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = vec![parse(self)?];
        while self.eat_punct(",") {
            items.push(parse(self)?);
        }
        Ok(items)
    }

    /// A list in parentheses.
    pub(super) fn paren_list<T>(
        &mut self,
        parse: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.expect_punct("(")?;
        let items = self.comma_list(parse)?;
        self.expect_punct(")")?;
        Ok(items)
    }

    // Names.

    fn ident_if(&mut self, allowed: impl Fn(&str) -> bool) -> Option<Ident> {
        let token = self.peek();
        let name = match &token.kind {
            Kind::Quoted(name) => name,
            Kind::Word(name) if allowed(name) => name,
            _ => return None,
        };
        self.advance();
        Some(Ident {
            name: name.clone(),
            pos: Pos::new(token.start),
        })
    }

    /// The name of a column, table or other object.
    pub(super) fn ident(&mut self) -> Result<Ident> {
        self.eat_ident().ok_or_else(|| self.unexpected())
    }

    pub(super) fn eat_ident(&mut self) -> Option<Ident> {
        self.ident_if(keyword::is_name)
    }

    pub(super) fn is_ident(&self) -> bool {
        match &self.peek().kind {
            Kind::Quoted(_) => true,
            Kind::Word(name) => keyword::is_name(name),
            _ => false,
        }
    }

    /// Any word: after `AS`, after a dot.
    pub(super) fn label(&mut self) -> Result<Ident> {
        self.ident_if(|_| true).ok_or_else(|| self.unexpected())
    }

    /// The name of an output column without `AS`.
    pub(super) fn eat_bare_label(&mut self) -> Option<Ident> {
        self.ident_if(keyword::is_bare_label)
    }

    /// The name of a function or type.
    pub(super) fn eat_function_name(&mut self) -> Option<Ident> {
        self.ident_if(keyword::is_function_name)
    }

    pub(super) fn idents(&mut self) -> Result<Vec<Ident>> {
        self.paren_list(Self::ident)
    }

    /// `[database.][schema.]name`
    pub(super) fn name(&mut self) -> Result<Name> {
        let first = self.ident()?;
        let mut parts = vec![first];
        while self.eat_punct(".") {
            parts.push(self.label()?);
        }
        self.qualify(parts)
    }

    /// Parts of a name to a name; a database may be named in front, but must be ours, which only
    /// the session could tell, so that it is refused.
    pub(super) fn qualify(&self, mut parts: Vec<Ident>) -> Result<Name> {
        let pos = parts.first().map_or(self.pos(), |part| part.pos);
        match (parts.pop(), parts.pop(), parts.is_empty()) {
            (Some(name), schema, true) => Ok(Name { schema, name }),
            (Some(name), Some(schema), false) => {
                let mut shown: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
                let branch = shown.first() == Some(&"branch");
                shown.extend([schema.name.as_str(), name.name.as_str()]);
                let mut error = Error::unsupported(format!(
                    "cross-database references are not implemented: \"{}\"",
                    shown.join(".")
                ));
                if branch {
                    error = error.with_hint(
                        "Tables of another branch can be read in FROM; to change them, USE BRANCH.",
                    );
                }
                Err(self.at_pos(error, pos))
            }
            _ => Err(self.unexpected()),
        }
    }

    // Literals.

    /// A string literal.
    pub(super) fn string(&mut self) -> Result<String> {
        match &self.peek().kind {
            Kind::Text(text) => {
                self.advance();
                Ok(text.clone())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// An integer literal with an optional sign.
    pub(super) fn integer(&mut self) -> Result<i64> {
        let pos = self.pos();
        let negative = self.eat_op("-");
        if !negative {
            self.eat_op("+");
        }
        let token = self.peek();
        let text = self.text_of(token);
        if token.kind != Kind::Number || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected());
        }
        self.advance();
        let signed = if negative {
            format!("-{text}")
        } else {
            text.to_owned()
        };
        signed.parse().map_err(|_| {
            self.at_pos(
                Error::new(
                    SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                    format!("value \"{signed}\" is out of range for type bigint"),
                ),
                pos,
            )
        })
    }
}
