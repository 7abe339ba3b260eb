//! JSON text input, with PostgreSQL's checks and messages.

use super::{DEPTH_MAX, Json, JsonObject};
use crate::numeric::Numeric;
use crate::{Error, Result, SqlState};

impl Json {
    /// Reads one JSON document.
    ///
    /// # Errors
    /// `22P02` with PostgreSQL's message and detail; `22P05` for `\u0000`; `54001` beyond
    /// [`DEPTH_MAX`] levels.
    pub fn parse(text: &str) -> Result<Self> {
        let mut parser = Parser::new(text, true);
        let json = parser.value("JSON value", 0)?;
        parser.end()?;
        Ok(json)
    }
}

/// Checks that `text` is one JSON document, as `json` input does: escapes are checked for their
/// form only.
///
/// # Errors
/// `22P02` with PostgreSQL's message and detail; `54001` beyond [`DEPTH_MAX`] levels.
pub fn validate(text: &str) -> Result<()> {
    let mut parser = Parser::new(text, false);
    parser.value("JSON value", 0)?;
    parser.end()
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        "invalid input syntax for type json",
    )
    .with_detail(detail)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Whether to build the document; if not, the result is meaningless.
    build: bool,
    /// Where the string that is being read starts, its quote included.
    string_start: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Token<'a> {
    Punctuation(u8),
    String,
    Number(&'a str),
    Null,
    True,
    False,
    End,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, build: bool) -> Self {
        Self {
            text,
            at: 0,
            build,
            string_start: 0,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn skip_blanks(&mut self) {
        while matches!(self.byte(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Reads the next token; a string is only recognised, its body is still to be read.
    fn token(&mut self) -> Result<Token<'a>> {
        self.skip_blanks();
        let start = self.at;
        let Some(byte) = self.byte(start) else {
            return Ok(Token::End);
        };
        match byte {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => {
                self.at += 1;
                Ok(Token::Punctuation(byte))
            }
            b'"' => {
                self.at += 1;
                self.string_start = start;
                Ok(Token::String)
            }
            b'-' | b'0'..=b'9' => self.number(),
            _ => {
                // PostgreSQL takes everything up to the next character that cannot be in a word.
                let word = self.word(start);
                if word.is_empty() {
                    let c = self.rest(start).chars().next().unwrap_or(' ');
                    return Err(self.bad_token(start, start + c.len_utf8()));
                }
                self.at = start + word.len();
                match word {
                    "null" => Ok(Token::Null),
                    "true" => Ok(Token::True),
                    "false" => Ok(Token::False),
                    _ => Err(self.bad_token(start, self.at)),
                }
            }
        }
    }

    fn rest(&self, from: usize) -> &'a str {
        self.text.get(from..).unwrap_or_default()
    }

    fn word(&self, start: usize) -> &'a str {
        let rest = self.rest(start);
        let end = rest
            .find(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    fn bad_token(&self, start: usize, end: usize) -> Error {
        let token = self.text.get(start..end).unwrap_or_default();
        invalid(format!("Token \"{token}\" is invalid."))
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.byte(self.at).is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    fn number(&mut self) -> Result<Token<'a>> {
        let start = self.at;
        if self.byte(self.at) == Some(b'-') {
            self.at += 1;
        }
        let mut sound = match self.byte(self.at) {
            Some(b'0') => {
                self.at += 1;
                true
            }
            _ => self.digits(),
        };
        if sound && self.byte(self.at) == Some(b'.') {
            self.at += 1;
            sound = self.digits();
        }
        if sound && matches!(self.byte(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            sound = self.digits();
        }
        // Whatever sticks to the number belongs to a wrong token.
        let tail = self.word(self.at).len();
        if !sound || tail > 0 {
            self.at += tail;
            return Err(self.bad_token(start, self.at));
        }
        Ok(Token::Number(
            self.text.get(start..self.at).unwrap_or_default(),
        ))
    }

    /// `Expected …, but found "…".`
    fn expected(&self, what: &str, start: usize, token: Token<'_>) -> Error {
        if token == Token::End {
            return invalid("The input string ended unexpectedly.");
        }
        let found = self.text.get(start..self.at).unwrap_or_default();
        invalid(format!(
            "Expected {what}, but found \"{}\".",
            found.trim_start()
        ))
    }

    fn value(&mut self, what: &str, depth: usize) -> Result<Json> {
        self.skip_blanks();
        let start = self.at;
        let token = self.token()?;
        self.value_of(token, what, start, depth)
    }

    fn value_of(
        &mut self,
        token: Token<'a>,
        what: &str,
        start: usize,
        depth: usize,
    ) -> Result<Json> {
        if depth > DEPTH_MAX {
            return Err(Error::new(
                SqlState::STATEMENT_TOO_COMPLEX,
                "stack depth limit exceeded",
            )
            .with_detail(format!("JSON may nest at most {DEPTH_MAX} levels deep.")));
        }
        match token {
            Token::Null => Ok(Json::Null),
            Token::True => Ok(Json::Bool(true)),
            Token::False => Ok(Json::Bool(false)),
            Token::Number(text) if self.build => Numeric::parse(text).map(Json::Number),
            Token::Number(_) => Ok(Json::Null),
            Token::String => self.string().map(|text| Json::String(text.into())),
            Token::Punctuation(b'[') => self.array(depth),
            Token::Punctuation(b'{') => self.object(depth),
            _ => {
                if token == Token::String {
                    self.string()?;
                }
                Err(self.expected(what, start, token))
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json> {
        let mut elements = Vec::new();
        self.skip_blanks();
        let start = self.at;
        let mut token = self.token()?;
        if token == Token::Punctuation(b']') {
            return Ok(Json::Array(elements));
        }
        let mut start = start;
        loop {
            let element = self.value_of(token, "JSON value", start, depth + 1)?;
            if self.build {
                elements.push(element);
            }
            self.skip_blanks();
            start = self.at;
            match self.next_token()? {
                Token::Punctuation(b',') => {}
                Token::Punctuation(b']') => return Ok(Json::Array(elements)),
                other => return Err(self.expected("\",\" or \"]\"", start, other)),
            }
            self.skip_blanks();
            start = self.at;
            token = self.token()?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json> {
        let mut members = Vec::new();
        self.skip_blanks();
        let mut start = self.at;
        let mut token = self.token()?;
        if token == Token::Punctuation(b'}') {
            return Ok(Json::Object(JsonObject::default()));
        }
        let mut what = "string or \"}\"";
        loop {
            if token != Token::String {
                return Err(self.expected(what, start, token));
            }
            let key = self.string()?;
            self.skip_blanks();
            start = self.at;
            match self.next_token()? {
                Token::Punctuation(b':') => {}
                other => return Err(self.expected("\":\"", start, other)),
            }
            let value = self.value("JSON value", depth + 1)?;
            if self.build {
                members.push((key.into(), value));
            }
            self.skip_blanks();
            start = self.at;
            match self.next_token()? {
                Token::Punctuation(b',') => {}
                Token::Punctuation(b'}') => {
                    return Ok(Json::Object(JsonObject::new(members)));
                }
                other => return Err(self.expected("\",\" or \"}\"", start, other)),
            }
            self.skip_blanks();
            start = self.at;
            token = self.token()?;
            what = "string";
        }
    }

    /// The next token, a string read to its end so that messages can show it.
    fn next_token(&mut self) -> Result<Token<'a>> {
        let token = self.token()?;
        if token == Token::String {
            self.string()?;
        }
        Ok(token)
    }

    fn end(&mut self) -> Result<()> {
        self.skip_blanks();
        let start = self.at;
        match self.next_token()? {
            Token::End => Ok(()),
            token => Err(self.expected("end of input", start, token)),
        }
    }

    /// Reads the body of a string up to and including its closing quote.
    fn string(&mut self) -> Result<String> {
        let mut out = String::new();
        loop {
            let start = self.at;
            while self
                .byte(self.at)
                .is_some_and(|b| b >= 0x20 && b != b'"' && b != b'\\')
            {
                self.at += 1;
            }
            if self.build {
                out.push_str(self.text.get(start..self.at).unwrap_or_default());
            }
            match self.byte(self.at) {
                None => {
                    // PostgreSQL shows the unfinished string as the token.
                    return Err(self.unfinished());
                }
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let Some(escape) = self.rest(self.at).chars().next() else {
                        return Err(self.unfinished());
                    };
                    self.at += escape.len_utf8();
                    let plain = match escape {
                        '"' | '\\' | '/' => escape,
                        'b' => '\x08',
                        'f' => '\x0C',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'u' => match self.unicode()? {
                            Some(c) => c,
                            None => continue,
                        },
                        other => {
                            return Err(invalid(format!(
                                "Escape sequence \"\\{other}\" is invalid."
                            )));
                        }
                    };
                    out.push(plain);
                }
                Some(control) => {
                    return Err(invalid(format!(
                        "Character with value 0x{control:02x} must be escaped."
                    )));
                }
            }
        }
    }

    fn unfinished(&self) -> Error {
        self.bad_token(self.string_start, self.text.len())
    }

    fn hex4(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(c) = self.rest(self.at).chars().next() else {
                return Err(invalid(
                    "\"\\u\" must be followed by four hexadecimal digits.",
                ));
            };
            let digit = c
                .to_digit(16)
                .ok_or_else(|| invalid("\"\\u\" must be followed by four hexadecimal digits."))?;
            self.at += 1;
            code = code * 16 + digit;
        }
        Ok(code)
    }

    /// The character of a `\u` escape, or of two that make a surrogate pair.
    fn unicode(&mut self) -> Result<Option<char>> {
        let code = self.hex4()?;
        if !self.build {
            return Ok(None);
        }
        if code == 0 {
            return Err(Error::new(
                SqlState::UNTRANSLATABLE_CHARACTER,
                "unsupported Unicode escape sequence",
            )
            .with_detail("\\u0000 cannot be converted to text."));
        }
        let lone = || invalid("Unicode low surrogate must follow a high surrogate.");
        match code {
            0xD800..=0xDBFF => {
                let Some(low) = self.rest(self.at).strip_prefix("\\u") else {
                    return Err(lone());
                };
                self.at = self.text.len() - low.len();
                match self.hex4()? {
                    low @ 0xDC00..=0xDFFF => {
                        let code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                        Ok(char::from_u32(code))
                    }
                    0xD800..=0xDBFF => Err(invalid(
                        "Unicode high surrogate must not follow a high surrogate.",
                    )),
                    _ => Err(lone()),
                }
            }
            0xDC00..=0xDFFF => Err(lone()),
            _ => Ok(char::from_u32(code)),
        }
    }
}
