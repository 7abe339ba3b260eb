//! Just enough of SQL's lexis for a shell: where statements end, what to colour, what to complete.
//!
//! Strings (`'…'`, `E'…'`, `$tag$…$tag$`), quoted names, nested comments and backslash commands
//! are recognised as psql does; the engine's parser stays the judge of everything else.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bare word: keyword or name.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A string in any notation.
    String,
    /// A number.
    Number,
    /// A comment.
    Comment,
    /// `;`
    Semicolon,
    /// A backslash where a command may begin.
    Backslash,
    /// Anything else but blanks.
    Symbol,
}

/// A token: what and where, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it is.
    pub span: Range<usize>,
    /// Whether it was cut off by the end of the text.
    pub open: bool,
}

/// The tokens of `text`, without blanks.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<Token> {
        let blanks = self.rest().len() - self.rest().trim_start().len();
        self.at += blanks;
        let start = self.at;
        let first = self.rest().chars().next()?;
        let second = self.rest().chars().nth(1);
        let (kind, open) = match (first, second) {
            ('-', Some('-')) => {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                (Kind::Comment, false)
            }
            ('/', Some('*')) => (Kind::Comment, self.block_comment()),
            ('\'', _) => (Kind::String, self.quoted('\'', false)),
            ('e' | 'E', Some('\'')) => {
                self.at += 1;
                (Kind::String, self.quoted('\'', true))
            }
            ('b' | 'B' | 'x' | 'X' | 'n' | 'N', Some('\'')) => {
                self.at += 1;
                (Kind::String, self.quoted('\'', false))
            }
            ('"', _) => (Kind::Quoted, self.quoted('"', false)),
            ('$', _) => match self.dollar_tag() {
                Some(tag) => (Kind::String, self.dollar_string(&tag)),
                None => {
                    self.at += 1;
                    self.skip_while(|c| c.is_ascii_digit());
                    (Kind::Symbol, false)
                }
            },
            (';', _) => {
                self.at += 1;
                (Kind::Semicolon, false)
            }
            ('\\', _) => {
                self.at += 1;
                (Kind::Backslash, false)
            }
            (c, _) if c.is_ascii_digit() => {
                self.skip_while(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_');
                (Kind::Number, false)
            }
            (c, _) if c.is_alphabetic() || c == '_' => {
                self.skip_while(|c| c.is_alphanumeric() || c == '_' || c == '$');
                (Kind::Word, false)
            }
            (c, _) => {
                self.at += c.len_utf8();
                (Kind::Symbol, false)
            }
        };
        Some(Token {
            kind,
            span: start..self.at,
            open,
        })
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    }

    /// Skips to behind the closing quote; true when there is none.
    fn quoted(&mut self, quote: char, escapes: bool) -> bool {
        let mut characters = self.rest().char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            if escapes && character == '\\' {
                characters.next();
            } else if character == quote {
                if characters.peek().is_some_and(|(_, next)| *next == quote) {
                    characters.next();
                } else {
                    self.at += at + quote.len_utf8();
                    return false;
                }
            }
        }
        self.at = self.text.len();
        true
    }

    fn dollar_tag(&self) -> Option<String> {
        let rest = self.rest().get(1..)?;
        let end = rest.find('$')?;
        let name = &rest[..end];
        let valid = name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit());
        valid.then(|| format!("${name}$"))
    }

    fn dollar_string(&mut self, tag: &str) -> bool {
        let body = self.at + tag.len();
        match self.text.get(body..).and_then(|rest| rest.find(tag)) {
            Some(end) => {
                self.at = body + end + tag.len();
                false
            }
            None => {
                self.at = self.text.len();
                true
            }
        }
    }

    fn block_comment(&mut self) -> bool {
        let bytes = self.rest().as_bytes();
        let (mut depth, mut at) = (0_usize, 0);
        while at + 1 < bytes.len() {
            match (bytes[at], bytes[at + 1]) {
                (b'/', b'*') => {
                    depth += 1;
                    at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        self.at += at;
                        return false;
                    }
                }
                _ => at += 1,
            }
        }
        self.at = self.text.len();
        true
    }
}

/// The first piece of a script.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A statement, without its semicolon, and where the rest begins.
    Statement(&'a str, usize),
    /// A backslash command up to the end of its line, the unfinished statement before it, and
    /// where the rest begins.
    Meta {
        before: &'a str,
        line: &'a str,
        rest: usize,
    },
    /// What remains is no whole statement (blanks and comments count as nothing).
    Unfinished(&'a str),
}

/// Cuts the first statement or backslash command from `text`.
///
/// Reads no further than the piece, so cutting a long script piece by piece takes linear time.
pub fn first_piece(text: &str) -> Piece<'_> {
    let mut lexer = Lexer { text, at: 0 };
    while let Some(token) = lexer.next() {
        match token.kind {
            Kind::Semicolon => {
                return Piece::Statement(&text[..token.span.start], token.span.end);
            }
            Kind::Backslash => {
                let start = token.span.start;
                let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
                return Piece::Meta {
                    before: &text[..start],
                    line: &text[start..end],
                    rest: (end + 1).min(text.len()),
                };
            }
            _ => {}
        }
    }
    Piece::Unfinished(text)
}

/// Whether all of `words` stand in `text`, in this order and any case, as words and not inside
/// strings or comments; the first must be its first word.
pub fn mentions(text: &str, words: &[&str]) -> bool {
    let mut lexer = Lexer { text, at: 0 };
    let mut wanted = words.iter();
    let mut next = wanted.next();
    let mut first = true;
    while let (Some(word), Some(token)) = (next, lexer.next()) {
        let found = token.kind == Kind::Word && text[token.span].eq_ignore_ascii_case(word);
        if found {
            next = wanted.next();
        } else if first && token.kind != Kind::Comment {
            return false;
        }
        first &= token.kind == Kind::Comment;
    }
    next.is_none()
}

/// Whether `text` holds nothing but blanks and comments.
pub fn is_blank(text: &str) -> bool {
    tokens(text)
        .iter()
        .all(|token| token.kind == Kind::Comment && !token.open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn semicolons_inside_strings_and_comments_do_not_end_statements() {
        for text in [
            "select ';' ; rest",
            "select \"a;b\" ; rest",
            "select $x$ ; $x$ ; rest",
            "select E'\\';' ; rest",
            "select 1 /* ; /* ; */ ; */ ; rest",
            "select 1 -- ;\n ; rest",
            "select 'it''s;' ; rest",
        ] {
            match first_piece(text) {
                Piece::Statement(_, end) => assert_eq!(&text[end..], " rest", "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn unfinished_text_waits_for_more() {
        for text in ["select 1", "select 'a;", "select $$;", "/* ;", ""] {
            assert_eq!(first_piece(text), Piece::Unfinished(text));
        }
        assert!(is_blank(" -- only a remark\n"));
        assert!(!is_blank("/* open"));
    }

    #[test]
    fn backslash_commands_take_their_line() {
        let piece = first_piece("select 1 \\gx\nselect 2;");
        assert_eq!(
            piece,
            Piece::Meta {
                before: "select 1 ",
                line: "\\gx",
                rest: 13
            }
        );
    }

    #[test]
    fn words_are_found_outside_of_strings() {
        assert!(mentions(
            "/* x */ copy t from stdin",
            &["COPY", "FROM", "STDIN"]
        ));
        assert!(!mentions("copy t from 'stdin'", &["COPY", "FROM", "STDIN"]));
        assert!(!mentions(
            "select 1 as copy from stdin",
            &["COPY", "FROM", "STDIN"]
        ));
    }

    #[test]
    fn tokens_have_their_kinds() {
        use Kind::*;
        assert_eq!(
            kinds("select \"a\", 'b', 1.5e3, $1 from t -- c"),
            [
                Word, Quoted, Symbol, String, Symbol, Number, Symbol, Symbol, Word, Word, Comment
            ]
        );
        assert_eq!(kinds("naïve ≠ 'ß"), [Word, Symbol, String]);
    }
}
