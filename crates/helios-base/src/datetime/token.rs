//! Splitting date and time text into fields.

use super::decode::DecodeError;
use super::keyword;

/// PostgreSQL takes no more fields than this.
const FIELDS_MAX: usize = 25;

/// What a field looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Digits with a colon.
    Time,
    /// Something with `-`, `/` or `.` inside.
    Date,
    /// Digits, perhaps with a decimal point.
    Number,
    /// A word.
    Word,
    /// A sign and digits: an offset, or a signed number.
    Offset,
    /// A sign and a word.
    Special,
}

/// A field, its letters in lower case (except in what may be the name of a zone).
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) kind: Kind,
    pub(super) text: String,
}

struct Input<'a> {
    rest: &'a [u8],
}

impl Input<'_> {
    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    fn next_into(&mut self, text: &mut String) {
        if let Some((&byte, rest)) = self.rest.split_first() {
            text.push(char::from(byte.to_ascii_lowercase()));
            self.rest = rest;
        }
    }

    fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn take_while(&mut self, text: &mut String, accept: impl Fn(u8) -> bool) {
        while !self.rest.is_empty() && accept(self.peek()) {
            self.next_into(text);
        }
    }
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0B
}

/// Splits `text`; other punctuation only separates.
pub(super) fn split(text: &str) -> Result<Vec<Field>, DecodeError> {
    if !text.is_ascii() {
        return Err(DecodeError::Format);
    }
    let mut input = Input {
        rest: text.as_bytes(),
    };
    let mut fields = Vec::new();
    while !input.rest.is_empty() {
        let first = input.peek();
        if is_blank(first) {
            input.skip();
            continue;
        }
        let mut field = String::new();
        let kind = if first.is_ascii_digit() {
            number_or_date(&mut input, &mut field)
        } else if first == b'.' {
            input.next_into(&mut field);
            input.take_while(&mut field, |b| b.is_ascii_digit());
            Kind::Number
        } else if first.is_ascii_alphabetic() {
            word_or_date(&mut input, &mut field)
        } else if first == b'+' || first == b'-' {
            input.next_into(&mut field);
            while is_blank(input.peek()) {
                input.skip();
            }
            if input.peek().is_ascii_digit() {
                input.take_while(&mut field, |b| {
                    b.is_ascii_digit() || matches!(b, b':' | b'.' | b'-')
                });
                Kind::Offset
            } else if input.peek().is_ascii_alphabetic() {
                input.take_while(&mut field, |b| b.is_ascii_alphabetic());
                Kind::Special
            } else {
                return Err(DecodeError::Format);
            }
        } else if first.is_ascii_punctuation() {
            input.skip();
            continue;
        } else {
            return Err(DecodeError::Format);
        };
        if fields.len() == FIELDS_MAX {
            return Err(DecodeError::Format);
        }
        fields.push(Field { kind, text: field });
    }
    Ok(fields)
}

fn number_or_date(input: &mut Input<'_>, field: &mut String) -> Kind {
    input.take_while(field, |b| b.is_ascii_digit());
    let delimiter = input.peek();
    match delimiter {
        b':' => {
            input.take_while(field, |b| b.is_ascii_digit() || matches!(b, b':' | b'.'));
            Kind::Time
        }
        b'-' | b'/' | b'.' => {
            input.next_into(field);
            if input.peek().is_ascii_digit() {
                input.take_while(field, |b| b.is_ascii_digit());
                if input.peek() == delimiter {
                    input.take_while(field, |b| b.is_ascii_digit() || b == delimiter);
                    Kind::Date
                } else if delimiter == b'.' {
                    Kind::Number
                } else {
                    Kind::Date
                }
            } else {
                input.take_while(field, |b| b.is_ascii_alphanumeric() || b == delimiter);
                // A number may end with a point.
                if delimiter == b'.' && field.ends_with('.') {
                    Kind::Number
                } else {
                    Kind::Date
                }
            }
        }
        _ => Kind::Number,
    }
}

fn word_or_date(input: &mut Input<'_>, field: &mut String) -> Kind {
    input.take_while(field, |b| b.is_ascii_alphabetic());
    let next = input.peek();
    let joined = match next {
        b'-' | b'/' | b'.' => true,
        b'+' | b'0'..=b'9' => keyword::find(field).is_none(),
        _ => false,
    };
    if !joined {
        return Kind::Word;
    }
    input.take_while(field, |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'/' | b'_' | b'.' | b':')
    });
    Kind::Date
}
