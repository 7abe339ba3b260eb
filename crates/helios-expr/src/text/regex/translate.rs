//! From PostgreSQL's advanced regular expressions to the `regex` crate's syntax.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use helios_base::{Error, Result};

use super::{Flags, invalid};

/// The flags after embedded options, and the translated pattern.
pub(super) fn translate(pattern: &str, flags: Flags) -> Result<(Flags, String)> {
    let (flags, body) = prologue(pattern, flags);
    if flags.literal {
        return Ok((flags, regex::escape(body)));
    }
    let mut translator = Translator {
        input: body.chars().peekable(),
        out: String::with_capacity(body.len() + 8),
        flags,
        depth: 0,
        // Nothing to repeat yet.
        atom: false,
    };
    translator.run()?;
    Ok((flags, translator.out))
}

/// Reads `***=`, `***:` and `(?letters)` at the start.
fn prologue(pattern: &str, mut flags: Flags) -> (Flags, &str) {
    if let Some(literal) = pattern.strip_prefix("***=") {
        flags.literal = true;
        return (flags, literal);
    }
    let body = pattern.strip_prefix("***:").unwrap_or(pattern);
    if let Some((letters, rest)) = body.strip_prefix("(?").and_then(|b| b.split_once(')'))
        && !letters.is_empty()
        && letters.chars().all(|c| c.is_ascii_alphabetic())
    {
        let mut changed = flags;
        if letters.chars().all(|letter| changed.set(letter)) {
            return (changed, rest);
        }
    }
    (flags, body)
}

struct Translator<'a> {
    input: Peekable<Chars<'a>>,
    out: String,
    flags: Flags,
    depth: usize,
    /// Whether a quantifier may stand here.
    atom: bool,
}

impl Translator<'_> {
    fn run(&mut self) -> Result<()> {
        while let Some(c) = self.input.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.bracket()?,
                '(' => self.open()?,
                ')' => {
                    if self.depth == 0 {
                        return Err(invalid("parentheses () not balanced"));
                    }
                    self.depth -= 1;
                    self.out.push(')');
                    self.atom = true;
                }
                '*' | '+' | '?' => self.quantifier(&c.to_string())?,
                '{' if self.input.peek().is_some_and(char::is_ascii_digit) => self.bounds()?,
                '|' | '^' => {
                    self.out.push(c);
                    self.atom = false;
                }
                '$' => {
                    self.out.push('$');
                    self.atom = false;
                }
                '.' => self.push_atom("."),
                c if self.flags.expanded && c.is_whitespace() => {}
                '#' if self.flags.expanded => while self.input.next().is_some_and(|c| c != '\n') {},
                c => self.literal(c),
            }
        }
        if self.depth > 0 {
            return Err(invalid("parentheses () not balanced"));
        }
        Ok(())
    }

    fn push_atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.atom = true;
    }

    fn literal(&mut self, c: char) {
        if regex_syntax_char(c) {
            self.out.push('\\');
        }
        self.out.push(c);
        self.atom = true;
    }

    fn open(&mut self) -> Result<()> {
        self.depth += 1;
        self.atom = false;
        if self.input.peek() != Some(&'?') {
            self.out.push('(');
            return Ok(());
        }
        self.input.next();
        match self.input.next() {
            Some(':') => {
                self.out.push_str("(?:");
                Ok(())
            }
            Some('#') => {
                // A comment up to the closing parenthesis.
                self.depth -= 1;
                self.atom = !self.out.is_empty();
                while self.input.next().is_some_and(|c| c != ')') {}
                Ok(())
            }
            Some('=' | '!' | '<') => Err(Error::unsupported(
                "lookahead and lookbehind constraints in regular expressions are not supported",
            )),
            _ => Err(invalid("quantifier operand invalid")),
        }
    }

    fn quantifier(&mut self, text: &str) -> Result<()> {
        if !self.atom {
            return Err(invalid("quantifier operand invalid"));
        }
        self.out.push_str(text);
        if self.input.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        // Nothing may be quantified twice.
        self.atom = false;
        Ok(())
    }

    fn bounds(&mut self) -> Result<()> {
        const REPEAT_MAX: u32 = 255;
        let mut text = String::new();
        loop {
            match self.input.next() {
                Some('}') => break,
                Some(c) if c.is_ascii_digit() || c == ',' => text.push(c),
                Some(_) => return Err(invalid("invalid repetition count(s)")),
                None => return Err(invalid("braces {} not balanced")),
            }
        }
        let number = |part: &str| -> Result<u32> {
            match part.parse() {
                Ok(n) if n <= REPEAT_MAX => Ok(n),
                _ => Err(invalid("invalid repetition count(s)")),
            }
        };
        if let Some((low, high)) = text.split_once(',') {
            let low = number(low)?;
            if !high.is_empty() && number(high)? < low {
                return Err(invalid("invalid repetition count(s)"));
            }
        } else {
            number(&text)?;
        }
        self.quantifier(&format!("{{{text}}}"))
    }

    fn escape(&mut self) -> Result<()> {
        let Some(c) = self.input.next() else {
            return Err(invalid("invalid escape \\ sequence"));
        };
        match c {
            'd' => self.push_atom("[0-9]"),
            'D' => self.push_atom("[^0-9]"),
            's' => self.push_atom("[[:space:]]"),
            'S' => self.push_atom("[^[:space:]]"),
            'w' => self.push_atom(r"\w"),
            'W' => self.push_atom(r"\W"),
            'A' => self.constraint(r"\A"),
            'Z' => self.constraint(r"\z"),
            'm' => self.constraint(r"\b{start}"),
            'M' => self.constraint(r"\b{end}"),
            'y' => self.constraint(r"\b"),
            'Y' => self.constraint(r"\B"),
            '1'..='9' => {
                return Err(Error::unsupported(
                    "back references in regular expressions are not supported",
                ));
            }
            c => {
                let c = self.char_escape(c)?;
                self.literal(c);
            }
        }
        Ok(())
    }

    fn constraint(&mut self, text: &str) {
        self.out.push_str(text);
        self.atom = false;
    }

    /// The character that `\c` stands for.
    fn char_escape(&mut self, c: char) -> Result<char> {
        Ok(match c {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '0' => self.number(8, 2, Some(0))?,
            'u' => self.number(16, 4, None)?,
            'U' => self.number(16, 8, None)?,
            'x' => self.number(16, 6, None)?,
            'c' => match self.input.next() {
                Some(letter) => char::from_u32(u32::from(letter) & 0x1f).unwrap_or(letter),
                None => return Err(invalid("invalid escape \\ sequence")),
            },
            c if c.is_ascii_alphanumeric() => return Err(invalid("invalid escape \\ sequence")),
            c => c,
        })
    }

    fn number(&mut self, radix: u32, digits: usize, start: Option<u32>) -> Result<char> {
        let mut value = start.unwrap_or(0);
        let mut seen = start.is_some();
        for _ in 0..digits {
            let Some(digit) = self.input.peek().and_then(|c| c.to_digit(radix)) else {
                break;
            };
            self.input.next();
            value = value.saturating_mul(radix).saturating_add(digit);
            seen = true;
        }
        char::from_u32(value)
            .filter(|_| seen)
            .ok_or_else(|| invalid("invalid escape \\ sequence"))
    }

    /// `[…]`. The `regex` crate gives more characters a meaning in here; all but ranges and classes
    /// are escaped.
    fn bracket(&mut self) -> Result<()> {
        // Two constraints look like bracket expressions.
        let rest: String = self.input.clone().take(7).collect();
        for (word, meaning) in [("[:<:]]", r"\b{start}"), ("[:>:]]", r"\b{end}")] {
            if rest.starts_with(word) {
                for _ in 0..word.len() {
                    self.input.next();
                }
                self.constraint(meaning);
                return Ok(());
            }
        }
        self.out.push('[');
        if self.input.next_if_eq(&'^').is_some() {
            self.out.push('^');
            if self.flags.newline_stops {
                self.out.push_str("\\n");
            }
        }
        let mut first = true;
        loop {
            let Some(c) = self.input.next() else {
                return Err(invalid("brackets [] not balanced"));
            };
            match c {
                ']' if !first => break,
                '[' if matches!(self.input.peek(), Some(':' | '.' | '=')) => self.class()?,
                '\\' => self.bracket_escape()?,
                '-' if !first && self.input.peek() != Some(&']') => self.out.push('-'),
                c => self.bracket_literal(c),
            }
            first = false;
        }
        self.push_atom("]");
        Ok(())
    }

    fn bracket_literal(&mut self, c: char) {
        if regex_syntax_char(c) || matches!(c, '-' | '&' | '~') {
            self.out.push('\\');
        }
        self.out.push(c);
    }

    fn bracket_escape(&mut self) -> Result<()> {
        match self.input.next() {
            Some('d') => self.out.push_str("0-9"),
            Some('s') => self.out.push_str("[:space:]"),
            Some('w') => self.out.push_str("\\w"),
            Some('D' | 'S' | 'W') => return Err(invalid("invalid escape \\ sequence")),
            Some(c) => {
                let c = self.char_escape(c)?;
                self.bracket_literal(c);
            }
            None => return Err(invalid("brackets [] not balanced")),
        }
        Ok(())
    }

    /// `[:alpha:]`, `[.x.]` or `[=x=]` within brackets.
    fn class(&mut self) -> Result<()> {
        let kind = self.input.next().unwrap_or(':');
        let mut name = String::new();
        loop {
            match self.input.next() {
                Some(c) if c == kind && self.input.peek() == Some(&']') => {
                    self.input.next();
                    break;
                }
                Some(c) => name.push(c),
                None => return Err(invalid("brackets [] not balanced")),
            }
        }
        if kind == ':' {
            // Letters are those of every script, as PostgreSQL has them in UTF-8.
            let class = match name.as_str() {
                "alpha" => r"\p{Alphabetic}",
                "alnum" => r"\p{Alphabetic}\p{Nd}",
                "upper" => r"\p{Uppercase}",
                "lower" => r"\p{Lowercase}",
                "word" => r"\w",
                "space" => "[:space:]",
                "digit" | "punct" | "blank" | "cntrl" | "graph" | "print" | "xdigit" => {
                    let done = write!(self.out, "[:{name}:]");
                    debug_assert!(done.is_ok());
                    return Ok(());
                }
                _ => return Err(invalid("invalid character class")),
            };
            self.out.push_str(class);
            return Ok(());
        }
        let mut chars = name.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) => {
                self.bracket_literal(c);
                Ok(())
            }
            _ => Err(invalid("invalid collating element")),
        }
    }
}

/// Whether the `regex` crate gives the character a meaning.
fn regex_syntax_char(c: char) -> bool {
    matches!(
        c,
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '#'
    )
}
