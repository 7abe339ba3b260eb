//! Tokens, by PostgreSQL's lexical rules.

use helios_base::{Error, Result, SqlState};

use super::ast::Pos;
use super::locate;

/// The longest identifier, in bytes; longer ones are cut, as PostgreSQL cuts them.
pub const NAME_BYTES: usize = 63;

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word without quotes, folded to lower case: a keyword or a name.
    Word(String),
    /// `"a name"`
    Quoted(String),
    /// Any form of string literal, unescaped.
    Text(String),
    /// `B'01'` (as `b01`) or `X'1F'` (as `x1F`)
    Bits(String),
    /// A number, as written.
    Number,
    /// `$1`
    Param(u32),
    /// An operator, as written.
    Op,
    /// One of `( ) [ ] , ; . : :: := =>`
    Punct,
    /// The end of the text.
    End,
}

/// A token and where it stands: bytes `start..end` of the source.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// Why the text could not be cut into tokens.
#[derive(Debug)]
pub(crate) struct LexError {
    /// The error, with its position.
    pub(crate) error: Error,
    /// Whether more text could mend it: an open quote or comment.
    pub(crate) open: bool,
}

/// Cuts `source` into tokens; the last one is [`Kind::End`].
///
/// # Errors
/// 42601 for unterminated strings, names and comments and for malformed numbers and characters.
pub fn tokenize(source: &str) -> Result<Vec<Token>> {
    Lexer::new(source).run().map_err(|failure| failure.error)
}

pub(crate) struct Lexer<'a> {
    source: &'a str,
    bytes: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self {
            source,
            bytes: source.as_bytes(),
            at: 0,
            tokens: Vec::with_capacity(source.len() / 5 + 2),
        }
    }

    pub(crate) fn run(mut self) -> Result<Vec<Token>, LexError> {
        loop {
            self.skip_blank()?;
            let start = self.at;
            let Some(kind) = self.next()? else {
                self.push(Kind::End, start);
                return Ok(self.tokens);
            };
            self.push(kind, start);
        }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.tokens.push(Token {
            kind,
            start,
            end: self.at,
        });
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn fail(&self, start: usize, message: impl Into<String>, open: bool) -> LexError {
        let error = Error::new(SqlState::SYNTAX_ERROR, message);
        LexError {
            error: locate(error, self.source, Pos::new(start)),
            open,
        }
    }

    /// `unterminated … at or near "text from start on"`
    fn unterminated(&self, start: usize, what: &str) -> LexError {
        let rest = self.source.get(start..).unwrap_or_default();
        self.fail(
            start,
            format!("unterminated {what} at or near \"{rest}\""),
            true,
        )
    }

    fn skip_blank(&mut self) -> Result<(), LexError> {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.at += 1,
                b'-' if self.peek(1) == b'-' => self.skip_line(),
                b'/' if self.peek(1) == b'*' => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        while self.at < self.bytes.len() && !matches!(self.peek(0), b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Comments nest.
    fn skip_comment(&mut self) -> Result<(), LexError> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ if self.at >= self.bytes.len() => {
                    return Err(self.unterminated(start, "/* comment"));
                }
                _ => self.at += 1,
            }
        }
    }

    fn next(&mut self) -> Result<Option<Kind>, LexError> {
        let start = self.at;
        if start >= self.bytes.len() {
            return Ok(None);
        }
        let quote_next = self.peek(1) == b'\'';
        Ok(Some(match self.peek(0) {
            b'\'' => Kind::Text(self.string(start, false)?),
            b'e' | b'E' if quote_next => {
                self.at += 1;
                Kind::Text(self.string(start, true)?)
            }
            b'n' | b'N' if quote_next => {
                self.at += 1;
                Kind::Text(self.string(start, false)?)
            }
            prefix @ (b'b' | b'B' | b'x' | b'X') if quote_next => {
                self.at += 1;
                let digits = self.string(start, false)?;
                Kind::Bits(format!("{}{digits}", prefix.to_ascii_lowercase() as char))
            }
            b'u' | b'U' if self.peek(1) == b'&' && matches!(self.peek(2), b'\'' | b'"') => {
                self.unicode(start)?
            }
            b'"' => Kind::Quoted(cut(self.quoted(start)?)),
            b'$' => self.dollar(start)?,
            b'0'..=b'9' => self.number(start)?,
            b'.' if self.peek(1).is_ascii_digit() => self.number(start)?,
            b'(' | b')' | b'[' | b']' | b',' | b';' | b'.' => {
                self.at += 1;
                Kind::Punct
            }
            b':' => {
                self.at += if matches!(self.peek(1), b':' | b'=') {
                    2
                } else {
                    1
                };
                Kind::Punct
            }
            byte if is_operator(byte) => self.operator(),
            byte if is_word_start(byte) => self.word(),
            _ => {
                let near = self.source[start..].chars().next().unwrap_or('\0');
                return Err(self.fail(start, format!("syntax error at or near \"{near}\""), false));
            }
        }))
    }

    fn word(&mut self) -> Kind {
        let start = self.at;
        while is_word_part(self.peek(0)) {
            self.at += 1;
        }
        let text = &self.source[start..self.at];
        // Only ASCII folds: what a letter's lower case is elsewhere depends on the language.
        Kind::Word(cut(text.to_ascii_lowercase()))
    }

    /// PostgreSQL's rule: an operator of several characters ends in `+` or `-` only if it also
    /// holds one of `~ ! @ # % ^ & | ` ?`; so `a=-1` is three tokens. Comments end an operator.
    fn operator(&mut self) -> Kind {
        let start = self.at;
        while is_operator(self.peek(0)) {
            let comment = matches!((self.peek(0), self.peek(1)), (b'-', b'-') | (b'/', b'*'));
            if comment && self.at > start {
                break;
            }
            self.at += 1;
        }
        let special = |byte: &u8| b"~!@#%^&|`?".contains(byte);
        while self.at - start > 1
            && matches!(self.bytes[self.at - 1], b'+' | b'-')
            && !self.bytes[start..self.at].iter().any(special)
        {
            self.at -= 1;
        }
        if &self.source[start..self.at] == "=>" {
            return Kind::Punct;
        }
        Kind::Op
    }

    fn number(&mut self, start: usize) -> Result<Kind, LexError> {
        self.digits();
        // `1..2` is a slice bound, not a fraction.
        if self.peek(0) == b'.' && self.peek(1) != b'.' {
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
            if self.peek(1 + sign).is_ascii_digit() {
                self.at += 1 + sign;
                self.digits();
            }
        }
        if is_word_start(self.peek(0)) {
            while is_word_part(self.peek(0)) {
                self.at += 1;
            }
            let near = &self.source[start..self.at];
            return Err(self.fail(
                start,
                format!("trailing junk after numeric literal at or near \"{near}\""),
                false,
            ));
        }
        Ok(Kind::Number)
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    /// `$1`, `$$…$$` or `$tag$…$tag$`.
    fn dollar(&mut self, start: usize) -> Result<Kind, LexError> {
        self.at += 1;
        if self.peek(0).is_ascii_digit() {
            let digits = self.at;
            self.digits();
            let number = self.source[digits..self.at].parse::<u32>().ok();
            return match number.filter(|number| (1..=65_535).contains(number)) {
                Some(number) => Ok(Kind::Param(number)),
                None => Err(self.fail(
                    start,
                    format!("there is no parameter {}", &self.source[start..self.at]),
                    false,
                )),
            };
        }
        while is_word_part(self.peek(0)) && self.peek(0) != b'$' {
            self.at += 1;
        }
        if self.peek(0) != b'$' {
            self.at = start + 1;
            return Err(self.fail(start, "syntax error at or near \"$\"", false));
        }
        self.at += 1;
        let tag = &self.source[start..self.at];
        let Some(length) = self.source[self.at..].find(tag) else {
            return Err(self.unterminated(start, "dollar-quoted string"));
        };
        let text = self.source[self.at..self.at + length].to_owned();
        self.at += length + tag.len();
        Ok(Kind::Text(text))
    }

    /// A string in single quotes, and those that continue it on later lines.
    fn string(&mut self, start: usize, escapes: bool) -> Result<String, LexError> {
        let mut text = String::new();
        loop {
            self.at += 1;
            self.string_part(start, escapes, &mut text)?;
            // A literal goes on in the next pair of quotes if a line break lies between.
            let end = self.at;
            self.skip_blank()?;
            let gap = &self.bytes[end..self.at];
            // Comments in lines may stand there, others not.
            let plain = gap.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
                && !gap.trim_ascii_start().starts_with(b"/*");
            if self.peek(0) != b'\'' || !plain {
                self.at = end;
                return Ok(text);
            }
        }
    }

    fn string_part(
        &mut self,
        start: usize,
        escapes: bool,
        text: &mut String,
    ) -> Result<(), LexError> {
        let mut run = self.at;
        loop {
            match self.peek(0) {
                b'\'' if self.peek(1) == b'\'' => {
                    text.push_str(&self.source[run..=self.at]);
                    self.at += 2;
                    run = self.at;
                }
                b'\'' => {
                    text.push_str(&self.source[run..self.at]);
                    self.at += 1;
                    return Ok(());
                }
                b'\\' if escapes && self.at + 1 < self.bytes.len() => {
                    text.push_str(&self.source[run..self.at]);
                    self.escape(text)?;
                    run = self.at;
                }
                _ if self.at >= self.bytes.len() => {
                    return Err(self.unterminated(start, "quoted string"));
                }
                _ => self.at += 1,
            }
        }
    }

    /// One backslash escape of an `E''` string.
    fn escape(&mut self, text: &mut String) -> Result<(), LexError> {
        let start = self.at;
        let Some(letter) = self.source[start + 1..].chars().next() else {
            return Ok(());
        };
        self.at += 1 + letter.len_utf8();
        let code = match letter {
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'x' if self.peek(0).is_ascii_hexdigit() => self.radix(16, 2),
            'u' | 'U' => return self.unicode_escape(start, letter, text),
            '0'..='7' => {
                self.at -= 1;
                self.radix(8, 3)
            }
            other => {
                text.push(other);
                return Ok(());
            }
        };
        // Bytes above 127 would be pieces of a character; only whole characters can be stored.
        match char::from_u32(code).filter(|_| (1..128).contains(&code)) {
            Some(character) => text.push(character),
            None => {
                let error = Error::new(
                    SqlState::CHARACTER_NOT_IN_REPERTOIRE,
                    format!("invalid byte sequence for encoding \"UTF8\": 0x{code:02x}"),
                );
                return Err(LexError {
                    error: locate(error, self.source, Pos::new(start)),
                    open: false,
                });
            }
        }
        Ok(())
    }

    fn unicode_escape(
        &mut self,
        start: usize,
        letter: char,
        text: &mut String,
    ) -> Result<(), LexError> {
        let digits = if letter == 'u' { 4 } else { 8 };
        let mut code = self.exactly(digits, start)?;
        if (0xD800..0xDC00).contains(&code) {
            let digits = match (self.peek(0), self.peek(1)) {
                (b'\\', b'u') => 4,
                (b'\\', b'U') => 8,
                _ => return Err(self.fail(start, "invalid Unicode surrogate pair", false)),
            };
            self.at += 2;
            let low = self.exactly(digits, start)?;
            let Some(pair) = surrogates(code, low) else {
                return Err(self.fail(start, "invalid Unicode surrogate pair", false));
            };
            code = u32::from(pair);
        } else if (0xDC00..0xE000).contains(&code) {
            return Err(self.fail(start, "invalid Unicode surrogate pair", false));
        }
        let Some(character) = char::from_u32(code).filter(|character| *character != '\0') else {
            return Err(self.fail(start, "invalid Unicode escape value", false));
        };
        text.push(character);
        Ok(())
    }

    fn exactly(&mut self, digits: usize, start: usize) -> Result<u32, LexError> {
        let from = self.at;
        let code = self.radix(16, digits);
        if self.at - from == digits {
            return Ok(code);
        }
        let error = Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid Unicode escape")
            .with_hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.");
        Err(LexError {
            error: locate(error, self.source, Pos::new(start)),
            open: false,
        })
    }

    fn radix(&mut self, radix: u32, most: usize) -> u32 {
        let mut code = 0u32;
        for _ in 0..most {
            let Some(digit) = (self.peek(0) as char).to_digit(radix) else {
                break;
            };
            code = code.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        code
    }

    /// The escape character that follows: `UESCAPE '!'`, else a backslash.
    fn escape_character(&mut self, start: usize) -> Result<char, LexError> {
        let rest = self.source.get(self.at..).unwrap_or_default();
        let word = rest.trim_start();
        let Some(after) = word
            .get(..7)
            .filter(|word| word.eq_ignore_ascii_case("uescape"))
            .and_then(|_| word.get(7..))
        else {
            return Ok('\\');
        };
        let after = after.trim_start();
        let mut chars = after.chars();
        let escape = match (chars.next(), chars.next(), chars.next()) {
            (Some('\''), Some(escape), Some('\'')) => escape,
            _ => return Err(self.fail(start, "invalid Unicode escape character", false)),
        };
        if escape.is_ascii_hexdigit() || matches!(escape, '+' | '\'' | '"' | ' ') {
            return Err(self.fail(start, "invalid Unicode escape character", false));
        }
        self.at = self.source.len() - after.len() + 2 + escape.len_utf8();
        Ok(escape)
    }

    /// `U&'…'` and `U&"…"`.
    fn unicode(&mut self, start: usize) -> Result<Kind, LexError> {
        self.at += 2;
        let name = self.peek(0) == b'"';
        let raw = if name {
            self.quoted(start)?
        } else {
            self.string(start, false)?
        };
        let escape = self.escape_character(start)?;
        let mut text = String::with_capacity(raw.len());
        let mut rest = raw.as_str();
        while let Some(slash) = rest.find(escape) {
            text.push_str(&rest[..slash]);
            rest = &rest[slash + escape.len_utf8()..];
            if let Some(after) = rest.strip_prefix(escape) {
                text.push(escape);
                rest = after;
                continue;
            }
            let Some((mut code, mut after)) = hexadecimal(rest) else {
                return Err(self.fail(start, "invalid Unicode escape", false));
            };
            if (0xD800..0xE000).contains(&code) {
                let low = after.strip_prefix(escape).and_then(hexadecimal);
                let pair = low.and_then(|(low, rest)| Some((surrogates(code, low)?, rest)));
                let Some((pair, rest)) = pair else {
                    return Err(self.fail(start, "invalid Unicode surrogate pair", false));
                };
                (code, after) = (u32::from(pair), rest);
            }
            let Some(character) = char::from_u32(code).filter(|character| *character != '\0')
            else {
                return Err(self.fail(start, "invalid Unicode escape value", false));
            };
            text.push(character);
            rest = after;
        }
        text.push_str(rest);
        Ok(if name {
            Kind::Quoted(cut(text))
        } else {
            Kind::Text(text)
        })
    }

    fn quoted(&mut self, start: usize) -> Result<String, LexError> {
        self.at += 1;
        let mut name = String::new();
        let mut run = self.at;
        loop {
            match self.peek(0) {
                b'"' if self.peek(1) == b'"' => {
                    name.push_str(&self.source[run..=self.at]);
                    self.at += 2;
                    run = self.at;
                }
                b'"' => {
                    name.push_str(&self.source[run..self.at]);
                    self.at += 1;
                    break;
                }
                _ if self.at >= self.bytes.len() => {
                    return Err(self.unterminated(start, "quoted identifier"));
                }
                _ => self.at += 1,
            }
        }
        if name.is_empty() {
            return Err(self.fail(
                start,
                "zero-length delimited identifier at or near \"\"\"\"",
                false,
            ));
        }
        Ok(name)
    }
}

fn is_operator(byte: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&byte)
}

/// The character of two surrogates.
fn surrogates(high: u32, low: u32) -> Option<char> {
    if !(0xD800..0xDC00).contains(&high) || !(0xDC00..0xE000).contains(&low) {
        return None;
    }
    char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
}

/// Four hexadecimal digits, or six after a plus sign, and what follows.
fn hexadecimal(text: &str) -> Option<(u32, &str)> {
    let (text, digits) = match text.strip_prefix('+') {
        Some(text) => (text, 6),
        None => (text, 4),
    };
    let (hex, rest) = text.split_at_checked(digits)?;
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(hex, 16).ok()?, rest))
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word_part(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// Cuts a name to [`NAME_BYTES`], at a character's edge.
fn cut(mut name: String) -> String {
    if name.len() > NAME_BYTES {
        let mut end = NAME_BYTES;
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
    }
    name
}
