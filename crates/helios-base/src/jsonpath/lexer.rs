//! The words of a path.

use crate::{Error, Numeric, Result, SqlState};

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A word without quotes; keywords are words.
    Word(String),
    /// `"text"`
    String(String),
    /// `$name`
    Variable(String),
    /// A whole number, as written.
    Integer(Numeric),
    /// Another number.
    Number(Numeric),
    /// Anything else, one or two characters.
    Punct(&'static str),
}

const PUNCTUATION: [&str; 31] = [
    "**", "&&", "||", "==", "!=", "<>", "<=", ">=", "<", ">", "=", "!", "?", "%", "$", ".", "[",
    "]", "{", "}", "(", ")", "|", "&", "@", "#", ",", "*", ":", "-", "+",
];

/// What ends a word without quotes.
fn ends_word(c: char) -> bool {
    matches!(
        c,
        '?' | '%'
            | '$'
            | '.'
            | '['
            | ']'
            | '{'
            | '}'
            | '('
            | ')'
            | '|'
            | '&'
            | '!'
            | '='
            | '<'
            | '>'
            | '@'
            | '#'
            | ','
            | '*'
            | ':'
            | '-'
            | '+'
            | '/'
            | '"'
            | ' '
            | '\t'
            | '\n'
            | '\r'
            | '\x0C'
    )
}

pub(super) fn syntax(message: impl Into<String>) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message.into())
}

/// Splits a path into words, each with where it begins.
pub(super) fn split(text: &str) -> Result<Vec<(Token, usize)>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0C']);
        let at = text.len() - rest.len();
        let Some(c) = rest.chars().next() else {
            return Ok(tokens);
        };
        if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment
                .find("*/")
                .ok_or_else(|| syntax("unexpected end of comment at end of jsonpath input"))?;
            rest = comment.get(end + 2..).unwrap_or_default();
            continue;
        }
        let token;
        (token, rest) = if c == '"' {
            let (string, rest) = quoted(rest)?;
            (Token::String(string), rest)
        } else if c == '$' {
            variable(rest)?
        } else if c.is_ascii_digit() || c == '.' && digit_at(rest, 1) {
            number(rest)?
        } else if let Some(punct) = PUNCTUATION.iter().find(|p| rest.starts_with(**p)) {
            (
                Token::Punct(punct),
                rest.get(punct.len()..).unwrap_or_default(),
            )
        } else if c == '/' {
            (Token::Punct("/"), rest.get(1..).unwrap_or_default())
        } else {
            let (word, rest) = word(rest)?;
            (Token::Word(word), rest)
        };
        tokens.push((token, at));
    }
}

fn digit_at(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

fn variable(text: &str) -> Result<(Token, &str)> {
    let rest = text.get(1..).unwrap_or_default();
    match rest.chars().next() {
        Some('"') => {
            let (name, rest) = quoted(rest)?;
            Ok((Token::Variable(name), rest))
        }
        Some(c) if !ends_word(c) => {
            let (name, rest) = word(rest)?;
            Ok((Token::Variable(name), rest))
        }
        _ => Ok((Token::Punct("$"), rest)),
    }
}

fn number(text: &str) -> Result<(Token, &str)> {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    let mut whole = true;
    // Whole numbers have no zeros in front.
    if end > 1 && text.starts_with('0') {
        return Err(syntax(
            "trailing junk after numeric literal at or near \"0\" of jsonpath input",
        ));
    }
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'.') {
        // `1.type()` is a number and a method only with a blank or parentheses between.
        whole = false;
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let after = digits(end + 1 + sign);
        if after > end + 1 + sign {
            whole = false;
            end = after;
        }
    }
    let (literal, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    if rest.chars().next().is_some_and(|c| !ends_word(c)) {
        return Err(syntax(format!(
            "trailing junk after numeric literal at or near \"{literal}{}\" of jsonpath input",
            rest.chars().next().unwrap_or_default()
        )));
    }
    let number = Numeric::parse(literal)?;
    let token = match whole {
        true => Token::Integer(number),
        false => Token::Number(number),
    };
    Ok((token, rest))
}

fn word(text: &str) -> Result<(String, &str)> {
    let mut word = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if ends_word(c) {
            break;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        if c == '\\' {
            rest = escape(rest, &mut word)?;
        } else {
            word.push(c);
        }
    }
    Ok((word, rest))
}

/// A string in quotes, which `text` begins with.
fn quoted(text: &str) -> Result<(String, &str)> {
    let mut string = String::new();
    let mut rest = text.get(1..).unwrap_or_default();
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '"' => return Ok((string, rest)),
            '\\' => rest = escape(rest, &mut string)?,
            c => string.push(c),
        }
    }
    Err(syntax(
        "unterminated quoted string at end of jsonpath input",
    ))
}

/// What follows a backslash.
fn escape<'a>(text: &'a str, out: &mut String) -> Result<&'a str> {
    let Some(c) = text.chars().next() else {
        return Err(syntax(
            "unexpected end after backslash at end of jsonpath input",
        ));
    };
    let rest = text.get(c.len_utf8()..).unwrap_or_default();
    out.push(match c {
        'b' => '\x08',
        'f' => '\x0C',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0B',
        'x' => {
            let (code, rest) = hex(rest, 2)?;
            out.push(character(code)?);
            return Ok(rest);
        }
        'u' => return unicode(rest, out),
        c => c,
    });
    Ok(rest)
}

/// `u` was read: four digits, or some in braces; two surrogates are one character.
fn unicode<'a>(text: &'a str, out: &mut String) -> Result<&'a str> {
    let (code, rest) = code(text)?;
    if !(0xD800..0xDC00).contains(&code) {
        out.push(character(code)?);
        return Ok(rest);
    }
    let Some(low) = rest.strip_prefix("\\u") else {
        return Err(broken(
            "Unicode low surrogate must follow a high surrogate.",
        ));
    };
    let (low, rest) = self::code(low)?;
    if !(0xDC00..0xE000).contains(&low) {
        return Err(broken(
            "Unicode low surrogate must follow a high surrogate.",
        ));
    }
    out.push(character(
        0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00),
    )?);
    Ok(rest)
}

fn code(text: &str) -> Result<(u32, &str)> {
    match text.strip_prefix('{') {
        Some(inner) => {
            let bad =
                || syntax("invalid Unicode escape sequence at or near \"\\u\" of jsonpath input");
            let (digits, rest) = inner.split_once('}').ok_or_else(bad)?;
            if !(1..=6).contains(&digits.len()) {
                return Err(bad());
            }
            Ok((u32::from_str_radix(digits, 16).map_err(|_| bad())?, rest))
        }
        None => hex(text, 4),
    }
}

fn hex(text: &str, count: usize) -> Result<(u32, &str)> {
    text.split_at_checked(count)
        .filter(|(digits, _)| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|(digits, rest)| Some((u32::from_str_radix(digits, 16).ok()?, rest)))
        .ok_or_else(|| syntax("invalid escape sequence at or near \"\\\" of jsonpath input"))
}

fn broken(detail: &str) -> Error {
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        "invalid input syntax for type jsonpath",
    )
    .with_detail(detail)
}

fn character(code: u32) -> Result<char> {
    match char::from_u32(code) {
        Some('\0') => Err(Error::new(
            SqlState::UNTRANSLATABLE_CHARACTER,
            "unsupported Unicode escape sequence",
        )
        .with_detail("\\u0000 cannot be converted to text.")),
        Some(c) => Ok(c),
        None => Err(broken(
            "Unicode low surrogate must follow a high surrogate.",
        )),
    }
}
