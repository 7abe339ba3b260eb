//! PostgreSQL's advanced regular expressions, read into a tree.

use helios_base::Result;

use super::node::{Assert, Node, Repeat};
use super::set::{Class, Set};
use super::{Flags, invalid};

/// Nesting beyond this is refused.
const DEPTH_MAX: usize = 200;
/// The largest number in braces.
const REPEAT_MAX: u32 = 255;

/// What a pattern says.
pub(super) struct Parsed {
    /// The flags after embedded options.
    pub(super) flags: Flags,
    pub(super) root: Node,
    /// How many groups capture.
    pub(super) groups: usize,
}

pub(super) fn parse(pattern: &str, flags: Flags) -> Result<Parsed> {
    let (flags, body) = prologue(pattern, flags);
    if flags.literal {
        let nodes = body.chars().map(|c| Node::Set(Set::one(c))).collect();
        return Ok(Parsed {
            flags,
            root: Node::concat(nodes),
            groups: 0,
        });
    }
    let mut parser = Parser {
        rest: body,
        flags,
        groups: 0,
        closed: Vec::new(),
        looking: false,
    };
    let root = parser.alternatives(0)?;
    if !parser.rest.is_empty() {
        return Err(invalid("parentheses () not balanced"));
    }
    Ok(Parsed {
        flags,
        root,
        groups: parser.groups,
    })
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

struct Parser<'a> {
    rest: &'a str,
    flags: Flags,
    groups: usize,
    /// Groups that are closed, with what they match.
    closed: Vec<(usize, Node)>,
    /// Within a lookahead or lookbehind, where nothing captures.
    looking: bool,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Alternatives up to a closing parenthesis or the end.
    fn alternatives(&mut self, depth: usize) -> Result<Node> {
        if depth > DEPTH_MAX {
            return Err(invalid("regular expression is too complex"));
        }
        let mut branches = vec![self.branch(depth)?];
        while self.eat("|") {
            branches.push(self.branch(depth)?);
        }
        if branches.len() == 1 {
            return Ok(branches.pop().unwrap_or(Node::Empty));
        }
        Ok(Node::Alternate(branches))
    }

    fn branch(&mut self, depth: usize) -> Result<Node> {
        let mut nodes = Vec::new();
        loop {
            self.skip_expanded();
            match self.peek() {
                None | Some('|' | ')') => break,
                Some(_) => {}
            }
            if let Some(node) = self.quantified(depth)? {
                nodes.push(node);
            }
        }
        Ok(Node::concat(nodes))
    }

    /// Blanks and comments, which `x` has ignored, and `(?#…)`.
    fn skip_expanded(&mut self) {
        loop {
            if self.eat("(?#") {
                let end = self.rest.find(')').map_or(self.rest.len(), |at| at + 1);
                self.rest = self.rest.get(end..).unwrap_or_default();
                continue;
            }
            if !self.flags.expanded {
                return;
            }
            match self.peek() {
                Some(c) if c.is_whitespace() => {
                    self.next();
                }
                Some('#') => while self.next().is_some_and(|c| c != '\n') {},
                _ => return,
            }
        }
    }

    /// An atom with its quantifier, or a constraint, which takes none.
    fn quantified(&mut self, depth: usize) -> Result<Option<Node>> {
        let Some(c) = self.next() else {
            return Ok(None);
        };
        let (node, atom) = match c {
            '\\' => self.escape()?,
            '[' => self.bracket()?,
            '(' => self.group(depth)?,
            '*' | '+' | '?' => return Err(invalid("quantifier operand invalid")),
            '{' if self.peek().is_some_and(|c| c.is_ascii_digit()) => {
                return Err(invalid("quantifier operand invalid"));
            }
            '^' if self.flags.newline_anchors => (Node::Assert(Assert::LineStart), false),
            '^' => (Node::Assert(Assert::TextStart), false),
            '$' if self.flags.newline_anchors => (Node::Assert(Assert::LineEnd), false),
            '$' => (Node::Assert(Assert::TextEnd), false),
            '.' => (Node::Set(Set::any(self.flags.newline_stops)), true),
            c => (Node::Set(Set::one(c)), true),
        };
        self.skip_expanded();
        let Some((min, max, fixed)) = self.quantifier()? else {
            return Ok(Some(node));
        };
        if !atom {
            return Err(invalid("quantifier operand invalid"));
        }
        let greedy = !self.eat("?");
        self.skip_expanded();
        let again = match self.peek() {
            Some('*' | '+' | '?') => true,
            Some('{') => self.rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()),
            _ => false,
        };
        if again {
            return Err(invalid("quantifier operand invalid"));
        }
        Ok(Some(Node::Repeat(Repeat {
            node: Box::new(node),
            min,
            max,
            greedy,
            fixed,
        })))
    }

    /// `*`, `+`, `?`, `{m}`, `{m,}`, `{m,n}`: the numbers, and whether there is only one.
    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>, bool)>> {
        let found = match self.peek() {
            Some('*') => (0, None, false),
            Some('+') => (1, None, false),
            Some('?') => (0, Some(1), false),
            Some('{') if self.rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) => {
                self.next();
                return self.bounds().map(Some);
            }
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(found))
    }

    fn bounds(&mut self) -> Result<(u32, Option<u32>, bool)> {
        let bad = || invalid("invalid repetition count(s)");
        let mut text = String::new();
        loop {
            match self.next() {
                Some('}') => break,
                Some(c) if c.is_ascii_digit() || c == ',' => text.push(c),
                Some(_) => return Err(bad()),
                None => return Err(invalid("braces {} not balanced")),
            }
        }
        let number = |part: &str| match part.parse() {
            Ok(n) if n <= REPEAT_MAX => Ok(n),
            _ => Err(bad()),
        };
        match text.split_once(',') {
            None => number(&text).map(|count| (count, Some(count), true)),
            Some((low, "")) => Ok((number(low)?, None, false)),
            Some((low, high)) => {
                let (low, high) = (number(low)?, number(high)?);
                if high < low {
                    return Err(bad());
                }
                Ok((low, Some(high), false))
            }
        }
    }

    fn group(&mut self, depth: usize) -> Result<(Node, bool)> {
        let close = |parser: &mut Self| {
            if parser.eat(")") {
                Ok(())
            } else {
                Err(invalid("parentheses () not balanced"))
            }
        };
        if !self.eat("?") {
            if self.looking {
                let inner = self.alternatives(depth + 1)?;
                close(self)?;
                return Ok((inner, true));
            }
            self.groups += 1;
            let number = self.groups;
            let inner = self.alternatives(depth + 1)?;
            close(self)?;
            self.closed.push((number, inner.like()));
            return Ok((Node::Capture(number, Box::new(inner)), true));
        }
        let look = [
            ("=", true, false),
            ("!", true, true),
            ("<=", false, false),
            ("<!", false, true),
        ];
        for (text, ahead, negated) in look {
            if self.eat(text) {
                let outside = std::mem::replace(&mut self.looking, true);
                let inner = Box::new(self.alternatives(depth + 1)?);
                self.looking = outside;
                close(self)?;
                let node = Node::Look {
                    ahead,
                    negated,
                    inner,
                };
                return Ok((node, false));
            }
        }
        if !self.eat(":") {
            return Err(invalid("quantifier operand invalid"));
        }
        let inner = self.alternatives(depth + 1)?;
        close(self)?;
        Ok((inner, true))
    }

    /// What follows a backslash outside brackets, and whether it can be quantified.
    fn escape(&mut self) -> Result<(Node, bool)> {
        let Some(c) = self.next() else {
            return Err(invalid("invalid escape \\ sequence"));
        };
        let assert = match c {
            'A' => Some(Assert::TextStart),
            'Z' => Some(Assert::TextEnd),
            'm' => Some(Assert::WordStart),
            'M' => Some(Assert::WordEnd),
            'y' => Some(Assert::WordEdge),
            'Y' => Some(Assert::NoWordEdge),
            _ => None,
        };
        if let Some(assert) = assert {
            return Ok((Node::Assert(assert), false));
        }
        if c.is_ascii_digit() && c != '0' {
            return self.back_reference(c);
        }
        let set = match c {
            'd' | 's' | 'w' => shorthand(c),
            'D' | 'S' | 'W' => shorthand(c.to_ascii_lowercase()).negated(),
            c => Set::one(self.char_escape(c)?),
        };
        Ok((Node::Set(set), true))
    }

    /// `\1`; of several digits, a character in octal unless there are so many groups.
    fn back_reference(&mut self, first: char) -> Result<(Node, bool)> {
        let more = self
            .rest
            .bytes()
            .take(2)
            .take_while(u8::is_ascii_digit)
            .count();
        let digits = self.rest.get(..more).unwrap_or_default();
        let number: usize = format!("{first}{digits}").parse().unwrap_or(usize::MAX);
        if more > 0 && number > self.groups {
            let octal = digits.bytes().take_while(|digit| *digit < b'8').count();
            let text = format!("{first}{}", digits.get(..octal).unwrap_or_default());
            if let Some(c) = u32::from_str_radix(&text, 8).ok().and_then(char::from_u32) {
                self.rest = self.rest.get(octal..).unwrap_or_default();
                return Ok((Node::Set(Set::one(c)), true));
            }
        }
        let like = self.closed.iter().find(|(group, _)| *group == number);
        let Some((_, like)) = like.filter(|_| !self.looking) else {
            return Err(invalid("invalid backreference number"));
        };
        let node = Node::Back(number, Box::new(like.clone()));
        self.rest = self.rest.get(more..).unwrap_or_default();
        Ok((node, true))
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
            'c' => match self.next() {
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
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else {
                break;
            };
            self.next();
            value = value.saturating_mul(radix).saturating_add(digit);
            seen = true;
        }
        char::from_u32(value)
            .filter(|_| seen)
            .ok_or_else(|| invalid("invalid escape \\ sequence"))
    }

    /// `[…]`
    fn bracket(&mut self) -> Result<(Node, bool)> {
        // Two constraints look like bracket expressions.
        if self.eat("[:<:]]") {
            return Ok((Node::Assert(Assert::WordStart), false));
        }
        if self.eat("[:>:]]") {
            return Ok((Node::Assert(Assert::WordEnd), false));
        }
        let negated = self.eat("^");
        let mut set = Set {
            negated,
            ..Set::default()
        };
        if negated && self.flags.newline_stops {
            set.ranges.push(('\n', '\n'));
        }
        let mut first = true;
        loop {
            if !first && self.eat("]") {
                break;
            }
            first = false;
            let Some(low) = self.bracket_item(&mut set)? else {
                continue;
            };
            let range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            if !range {
                set.ranges.push((low, low));
                continue;
            }
            self.next();
            match self.bracket_item(&mut set)? {
                Some(high) if low <= high => set.ranges.push((low, high)),
                _ => return Err(invalid("invalid character range")),
            }
        }
        Ok((Node::Set(set), true))
    }

    /// One character within brackets, or `None` after a class, which is in `set` then.
    fn bracket_item(&mut self, set: &mut Set) -> Result<Option<char>> {
        let unbalanced = || invalid("brackets [] not balanced");
        match self.next().ok_or_else(unbalanced)? {
            '[' => match self.peek() {
                Some(kind @ (':' | '.' | '=')) => {
                    self.next();
                    let end = format!("{kind}]");
                    let at = self.rest.find(&end).ok_or_else(unbalanced)?;
                    let (name, rest) = self.rest.split_at(at);
                    self.rest = rest.get(end.len()..).unwrap_or_default();
                    if kind == ':' {
                        set.add(&named(name)?);
                        return Ok(None);
                    }
                    let mut chars = name.chars();
                    match (chars.next(), chars.next()) {
                        (Some(c), None) => Ok(Some(c)),
                        _ => Err(invalid("invalid collating element")),
                    }
                }
                _ => Ok(Some('[')),
            },
            '\\' => match self.next().ok_or_else(unbalanced)? {
                c @ ('d' | 's' | 'w') => {
                    set.add(&shorthand(c));
                    Ok(None)
                }
                'D' | 'S' | 'W' => Err(invalid("invalid escape \\ sequence")),
                c => self.char_escape(c).map(Some),
            },
            c => Ok(Some(c)),
        }
    }
}

const BLANKS: &[(char, char)] = &[('\t', '\r'), (' ', ' ')];

fn shorthand(letter: char) -> Set {
    match letter {
        'd' => Set::of(&[('0', '9')]),
        's' => Set::of(BLANKS),
        _ => Set::class(Class::Word),
    }
}

/// `[:name:]`. Letters are those of every script, as PostgreSQL has them in UTF-8.
fn named(name: &str) -> Result<Set> {
    Ok(match name {
        "alpha" => Set::class(Class::Alpha),
        "alnum" => Set::class(Class::Alnum),
        "upper" => Set::class(Class::Upper),
        "lower" => Set::class(Class::Lower),
        "word" => Set::class(Class::Word),
        "space" => Set::of(BLANKS),
        "digit" => Set::of(&[('0', '9')]),
        "punct" => Set::of(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "blank" => Set::of(&[('\t', '\t'), (' ', ' ')]),
        "cntrl" => Set::of(&[('\0', '\x1f'), ('\x7f', '\x7f')]),
        "graph" => Set::of(&[('!', '~')]),
        "print" => Set::of(&[(' ', '~')]),
        "xdigit" => Set::of(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return Err(invalid("invalid character class")),
    })
}
