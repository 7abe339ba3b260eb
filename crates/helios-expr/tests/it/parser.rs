//! A small parser of SQL expressions, so that tests can be written in SQL.

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_expr::build::PatternKind;
use helios_expr::{Builder, Expr, Subscript};

/// Builds the expression that `text` spells.
pub(crate) fn parse(text: &str, builder: &Builder<'_>) -> Result<Expr> {
    let mut list = parse_list(text, builder, &[])?;
    match list.len() {
        1 => Ok(list.remove(0)),
        _ => Err(syntax("expected one expression")),
    }
}

/// Builds expressions between commas, over columns of these names and types.
pub(crate) fn parse_list(
    text: &str,
    builder: &Builder<'_>,
    columns: &[(&str, DataType)],
) -> Result<Vec<Expr>> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        at: 0,
        b: builder,
        columns,
    };
    let mut list = Vec::new();
    if *parser.peek() == Token::End {
        return Ok(list);
    }
    loop {
        list.push(parser.expr(0)?);
        match parser.next() {
            Token::End => return Ok(list),
            Token::Op(op) if op == "," => {}
            other => return Err(syntax(&format!("unexpected {other:?}"))),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    String(String),
    Number(String),
    Op(String),
    Param(usize),
    End,
}

fn syntax(message: &str) -> Error {
    Error::new(SqlState::SYNTAX_ERROR, message)
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i];
        let start = i;
        if c.is_whitespace() {
            i += 1;
        } else if c == '\'' || (c == 'E' || c == 'e') && chars.get(i + 1) == Some(&'\'') {
            let escapes = c != '\'';
            i += if escapes { 2 } else { 1 };
            let mut s = String::new();
            loop {
                match chars.get(i) {
                    Some('\'') if chars.get(i + 1) == Some(&'\'') => {
                        s.push('\'');
                        i += 2;
                    }
                    Some('\'') => break,
                    Some('\\') if escapes => {
                        s.push(match chars.get(i + 1) {
                            Some('n') => '\n',
                            Some('t') => '\t',
                            Some(&c) => c,
                            None => return Err(syntax("unterminated")),
                        });
                        i += 2;
                    }
                    Some(&c) => {
                        s.push(c);
                        i += 1;
                    }
                    None => return Err(syntax("unterminated quoted string")),
                }
            }
            i += 1;
            out.push(Token::String(s));
        } else if c == '"' {
            i += 1;
            let mut s = String::new();
            while chars.get(i).is_some_and(|&c| c != '"') {
                s.push(chars[i]);
                i += 1;
            }
            i += 1;
            out.push(Token::Quoted(s));
        } else if c.is_ascii_digit()
            || c == '.' && chars.get(i + 1).is_some_and(char::is_ascii_digit)
        {
            while chars
                .get(i)
                .is_some_and(|&c| c.is_ascii_digit() || c == '.')
            {
                i += 1;
            }
            if matches!(chars.get(i), Some('e' | 'E')) {
                let mut j = i + 1;
                if matches!(chars.get(j), Some('+' | '-')) {
                    j += 1;
                }
                if chars.get(j).is_some_and(char::is_ascii_digit) {
                    i = j;
                    while chars.get(i).is_some_and(char::is_ascii_digit) {
                        i += 1;
                    }
                }
            }
            out.push(Token::Number(chars[start..i].iter().collect()));
        } else if c == '$' && chars.get(i + 1).is_some_and(char::is_ascii_digit) {
            i += 1;
            while chars.get(i).is_some_and(char::is_ascii_digit) {
                i += 1;
            }
            let digits: String = chars[start + 1..i].iter().collect();
            out.push(Token::Param(digits.parse().unwrap()));
        } else if c.is_alphabetic() || c == '_' {
            while chars
                .get(i)
                .is_some_and(|&c| c.is_alphanumeric() || c == '_')
            {
                i += 1;
            }
            let word: String = chars[start..i].iter().collect();
            out.push(Token::Word(word.to_lowercase()));
        } else if "+-*/<>=~!@#%^&|`?".contains(c) {
            while chars
                .get(i)
                .is_some_and(|c| "+-*/<>=~!@#%^&|`?".contains(*c))
            {
                i += 1;
            }
            let mut op: String = chars[start..i].iter().collect();
            // An operator ends in + or - only if it holds one of these.
            while op.len() > 1
                && op.ends_with(['+', '-'])
                && !op.contains(['~', '!', '@', '#', '%', '^', '&', '|', '`', '?'])
            {
                op.pop();
                i -= 1;
            }
            out.push(Token::Op(op));
        } else if c == ':' && chars.get(i + 1) == Some(&':') {
            i += 2;
            out.push(Token::Op("::".to_owned()));
        } else {
            i += 1;
            out.push(Token::Op(c.to_string()));
        }
    }
    out.push(Token::End);
    Ok(out)
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    b: &'a Builder<'a>,
    columns: &'a [(&'a str, DataType)],
}

// Binding strengths, PostgreSQL's precedence.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const IS: u8 = 4;
const COMPARE: u8 = 5;
const LIKE: u8 = 6;
const OTHER: u8 = 7;
const ADD: u8 = 8;
const MULTIPLY: u8 = 9;
const POWER: u8 = 10;
const AT: u8 = 11;
const UNARY: u8 = 12;

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Word(w) if w == word);
        self.at += usize::from(found);
        found
    }

    fn op(&mut self, op: &str) -> bool {
        let found = matches!(self.peek(), Token::Op(o) if o == op);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, op: &str) -> Result<()> {
        if self.op(op) || self.word(op) {
            Ok(())
        } else {
            Err(syntax(&format!("expected {op}, found {:?}", self.peek())))
        }
    }

    fn expr(&mut self, minimum: u8) -> Result<Expr> {
        let mut left = match self.cast_array()? {
            Some(array) => array,
            None => self.prefix()?,
        };
        loop {
            match self.infix(left, minimum)? {
                (next, true) => left = next,
                (done, false) => return Ok(done),
            }
        }
    }

    /// Extends `left` by one operator that binds at least as strongly as `minimum`.
    fn infix(&mut self, left: Expr, minimum: u8) -> Result<(Expr, bool)> {
        let start = self.at;
        let more = match self.next() {
            Token::Word(word) => match word.as_str() {
                "or" if minimum <= OR => {
                    let right = self.expr(OR + 1)?;
                    self.b.or(vec![left, right])?
                }
                "and" if minimum <= AND => {
                    let right = self.expr(AND + 1)?;
                    self.b.and(vec![left, right])?
                }
                "is" if minimum <= IS => self.is(left)?,
                "not" | "in" | "like" | "ilike" | "similar" | "between" if minimum <= LIKE => {
                    self.at = start;
                    let negated = self.word("not");
                    self.predicate(left, negated)?
                }
                "at" if minimum <= AT => {
                    self.expect("time")?;
                    self.expect("zone")?;
                    let zone = self.expr(AT + 1)?;
                    self.b.function("timezone", vec![zone, left], false)?
                }
                _ => {
                    self.at = start;
                    return Ok((left, false));
                }
            },
            Token::Op(op) => match op.as_str() {
                "::" => {
                    let ty = self.data_type()?;
                    self.b.cast(left, &ty)?
                }
                "[" => {
                    self.at = start;
                    self.subscripts(left)?
                }
                ")" | "]" | "," | ":" | "." => {
                    self.at = start;
                    return Ok((left, false));
                }
                op => {
                    let strength = match op {
                        "^" => POWER,
                        "*" | "/" | "%" => MULTIPLY,
                        "+" | "-" => ADD,
                        "<" | ">" | "=" | "<=" | ">=" | "<>" | "!=" => COMPARE,
                        _ => OTHER,
                    };
                    if strength < minimum {
                        self.at = start;
                        return Ok((left, false));
                    }
                    if self.word("any") || self.word("some") {
                        self.expect("(")?;
                        let array = self.expr(0)?;
                        self.expect(")")?;
                        self.b.quantified(left, op, array, false)?
                    } else if self.word("all") {
                        self.expect("(")?;
                        let array = self.expr(0)?;
                        self.expect(")")?;
                        self.b.quantified(left, op, array, true)?
                    } else {
                        let right = self.expr(strength + 1)?;
                        self.b.operator(op, left, right)?
                    }
                }
            },
            _ => {
                self.at = start;
                return Ok((left, false));
            }
        };
        Ok((more, true))
    }

    fn is(&mut self, left: Expr) -> Result<Expr> {
        let negated = self.word("not");
        match self.next() {
            Token::Word(word) => match word.as_str() {
                "null" => self.b.is_null(left, negated),
                "true" => self.b.bool_test(left, Some(true), negated),
                "false" => self.b.bool_test(left, Some(false), negated),
                "unknown" => self.b.bool_test(left, None, negated),
                "distinct" => {
                    self.expect("from")?;
                    let right = self.expr(IS + 1)?;
                    self.b.distinct(left, right, negated)
                }
                other => Err(syntax(other)),
            },
            other => Err(syntax(&format!("{other:?}"))),
        }
    }

    fn predicate(&mut self, left: Expr, negated: bool) -> Result<Expr> {
        if self.word("in") {
            self.expect("(")?;
            let list = self.list(")")?;
            return self.b.in_list(left, list, negated);
        }
        if self.word("between") {
            let symmetric = self.word("symmetric");
            let low = self.expr(LIKE + 1)?;
            self.expect("and")?;
            let high = self.expr(LIKE + 1)?;
            return self.b.between(left, low, high, negated, symmetric);
        }
        let kind = if self.word("like") {
            PatternKind::Like
        } else if self.word("ilike") {
            PatternKind::ILike
        } else {
            self.expect("similar")?;
            self.expect("to")?;
            PatternKind::Similar
        };
        let pattern = self.expr(LIKE + 1)?;
        let escape = if self.word("escape") {
            Some(self.expr(LIKE + 1)?)
        } else {
            None
        };
        self.b.pattern(kind, left, pattern, escape, negated)
    }

    fn subscripts(&mut self, base: Expr) -> Result<Expr> {
        let mut subscripts = Vec::new();
        while self.op("[") {
            let lower = if matches!(self.peek(), Token::Op(o) if o == ":") {
                None
            } else {
                Some(self.expr(0)?)
            };
            if self.op(":") {
                let upper = if matches!(self.peek(), Token::Op(o) if o == "]") {
                    None
                } else {
                    Some(self.expr(0)?)
                };
                subscripts.push(Subscript::Slice(lower, upper));
            } else {
                subscripts.push(Subscript::Index(lower.unwrap()));
            }
            self.expect("]")?;
        }
        self.b.subscript(base, subscripts)
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expr>> {
        let mut list = Vec::new();
        if self.op(end) {
            return Ok(list);
        }
        loop {
            list.push(self.expr(0)?);
            if self.op(end) {
                return Ok(list);
            }
            self.expect(",")?;
        }
    }

    fn prefix(&mut self) -> Result<Expr> {
        match self.next() {
            Token::Number(n) => self.b.number(&n),
            Token::String(s) => Ok(self.b.string(&s)),
            Token::Param(n) => self.b.param(n),
            Token::Op(op) => match op.as_str() {
                "(" => {
                    let mut fields = self.list(")")?;
                    if fields.len() == 1 {
                        Ok(fields.remove(0))
                    } else {
                        self.b.row(fields)
                    }
                }
                "-" => {
                    // The sign belongs to the number: the smallest integer has no positive.
                    if let Token::Number(n) = self.peek().clone()
                        && !matches!(self.tokens.get(self.at + 1), Some(Token::Op(o)) if o == "::" || o == "^")
                    {
                        self.at += 1;
                        return self.b.number(&format!("-{n}"));
                    }
                    let operand = self.expr(UNARY)?;
                    self.b.prefix("-", operand)
                }
                "+" => {
                    let operand = self.expr(UNARY)?;
                    self.b.prefix("+", operand)
                }
                op => {
                    let operand = self.expr(OTHER + 1)?;
                    self.b.prefix(op, operand)
                }
            },
            Token::Word(word) => self.named(&word),
            Token::Quoted(name) => self.function(&name),
            Token::End => Err(syntax("syntax error at end of input")),
        }
    }

    fn named(&mut self, word: &str) -> Result<Expr> {
        match word {
            "null" => Ok(Expr::NULL),
            "true" => Ok(Expr::bool(true)),
            "false" => Ok(Expr::bool(false)),
            "not" => {
                let operand = self.expr(NOT)?;
                self.b.not(operand)
            }
            "case" => self.case(),
            "cast" => {
                self.expect("(")?;
                let expr = self.expr(0)?;
                self.expect("as")?;
                let ty = self.data_type()?;
                self.expect(")")?;
                self.b.cast(expr, &ty)
            }
            "array" => {
                self.expect("[")?;
                self.array()
            }
            "row" => {
                self.expect("(")?;
                let fields = self.list(")")?;
                self.b.row(fields)
            }
            "coalesce" | "nullif" | "greatest" | "least" => {
                self.expect("(")?;
                let mut args = self.list(")")?;
                match word {
                    "coalesce" => self.b.coalesce(args),
                    "nullif" => {
                        let other = args.remove(1);
                        self.b.null_if(args.remove(0), other)
                    }
                    _ => self.b.extreme(word == "greatest", args),
                }
            }
            "extract" => {
                self.expect("(")?;
                let field = match self.next() {
                    Token::Word(field) | Token::String(field) => field,
                    other => return Err(syntax(&format!("{other:?}"))),
                };
                self.expect("from")?;
                let from = self.expr(0)?;
                self.expect(")")?;
                let field = Expr::Literal(Value::text(field), DataType::Text);
                self.b.function("extract", vec![field, from], false)
            }
            "trim" => {
                self.expect("(")?;
                let name = if self.word("leading") {
                    "ltrim"
                } else if self.word("trailing") {
                    "rtrim"
                } else {
                    let _ = self.word("both");
                    "btrim"
                };
                let mut args = Vec::new();
                if !self.word("from") {
                    args.push(self.expr(0)?);
                }
                if args.is_empty() || self.word("from") {
                    args.insert(0, self.expr(0)?);
                }
                self.expect(")")?;
                self.b.function(name, args, false)
            }
            "position" => {
                self.expect("(")?;
                let part = self.expr(LIKE + 1)?;
                self.expect("in")?;
                let text = self.expr(0)?;
                self.expect(")")?;
                self.b.function("position", vec![text, part], false)
            }
            _ if self.columns.iter().any(|column| column.0 == word) => {
                let index = self.columns.iter().position(|c| c.0 == word).unwrap();
                Ok(Expr::column(index, self.columns[index].1.clone()))
            }
            _ => {
                let start = self.at;
                if !matches!(self.peek(), Token::Op(o) if o == "(") {
                    self.at = start - 1;
                    if let Ok(ty) = self.data_type()
                        && let Token::String(text) = self.next()
                    {
                        let literal = self.b.string(&text);
                        return self.b.cast(literal, &ty);
                    }
                    self.at = start;
                }
                self.function(word)
            }
        }
    }

    /// `array[…]::type[]` and `(array[…])::type[]`, whose elements want to know the type.
    fn cast_array(&mut self) -> Result<Option<Expr>> {
        let start = self.at;
        let parenthesis = self.op("(");
        if self.word("array") && self.op("[") {
            let elements = self.skip_list();
            let closed = !parenthesis || self.op(")");
            if closed && self.op("::") {
                let ty = self.data_type()?;
                let end = self.at;
                self.at = elements;
                let array = self.elements_as(&ty)?;
                self.at = end;
                return Ok(Some(array));
            }
        }
        self.at = start;
        Ok(None)
    }

    /// Moves behind the bracket that closes a list and returns where the list began.
    fn skip_list(&mut self) -> usize {
        let start = self.at;
        let mut depth = 1;
        while depth > 0 && *self.peek() != Token::End {
            match self.next() {
                Token::Op(op) if op == "[" || op == "(" => depth += 1,
                Token::Op(op) if op == "]" || op == ")" => depth -= 1,
                _ => {}
            }
        }
        start
    }

    fn elements_as(&mut self, ty: &DataType) -> Result<Expr> {
        let mut elements = Vec::new();
        while !self.op("]") {
            let nested = self.op("[") || self.word("array") && self.op("[");
            elements.push(if nested {
                self.elements_as(ty)?
            } else {
                self.expr(0)?
            });
            let _ = self.op(",");
        }
        self.b.array_as(elements, ty)
    }

    /// Elements after `ARRAY[` or a nested `[`.
    fn array(&mut self) -> Result<Expr> {
        let mut elements = Vec::new();
        if self.op("]") {
            return self.b.array(elements);
        }
        loop {
            elements.push(if self.op("[") {
                self.array()?
            } else {
                self.expr(0)?
            });
            if self.op("]") {
                return self.b.array(elements);
            }
            self.expect(",")?;
        }
    }

    fn case(&mut self) -> Result<Expr> {
        let operand = if matches!(self.peek(), Token::Word(w) if w == "when") {
            None
        } else {
            Some(self.expr(0)?)
        };
        let mut branches = Vec::new();
        while self.word("when") {
            let when = self.expr(0)?;
            self.expect("then")?;
            branches.push((when, self.expr(0)?));
        }
        let otherwise = if self.word("else") {
            Some(self.expr(0)?)
        } else {
            None
        };
        self.expect("end")?;
        self.b.case(operand, branches, otherwise)
    }

    fn function(&mut self, name: &str) -> Result<Expr> {
        if !self.op("(") {
            // `current_date` and its kin.
            return self.b.function(name, Vec::new(), false);
        }
        let mut args = Vec::new();
        let mut named = Vec::new();
        let mut spread = false;
        if !self.op(")") {
            loop {
                if let (Token::Word(arg), Some(Token::Op(arrow))) =
                    (self.peek().clone(), self.tokens.get(self.at + 1))
                    && arrow == "=>"
                {
                    self.at += 2;
                    named.push((arg, self.expr(0)?));
                    if self.op(")") {
                        break;
                    }
                    self.expect(",")?;
                    continue;
                }
                if self.word("variadic") {
                    spread = true;
                }
                // `SIMILAR` separates the arguments of `substring`.
                let strength = if name == "substring" { LIKE + 1 } else { 0 };
                args.push(self.expr(strength)?);
                if self.op(")") {
                    break;
                }
                // `substring(a FROM b FOR c)`, `overlay(a PLACING b FROM c FOR d)`
                let words = ["placing", "from", "for", "similar", "escape"];
                if words.iter().any(|word| self.word(word)) {
                    continue;
                }
                self.expect(",")?;
            }
        }
        if !named.is_empty() {
            return self.b.function_named(name, args, named);
        }
        self.b.function(name, args, spread)
    }

    fn data_type(&mut self) -> Result<DataType> {
        let Token::Word(word) = self.next() else {
            return Err(syntax("expected a type"));
        };
        let mut ty = match word.as_str() {
            "bool" | "boolean" => DataType::Bool,
            "int2" | "smallint" => DataType::Int2,
            "int4" | "int" | "integer" => DataType::Int4,
            "int8" | "bigint" => DataType::Int8,
            "float4" | "real" => DataType::Float4,
            "float8" => DataType::Float8,
            "double" => {
                self.expect("precision")?;
                DataType::Float8
            }
            "numeric" | "decimal" => DataType::Numeric(None),
            "text" => DataType::Text,
            "varchar" => DataType::Varchar(None),
            "char" => DataType::Char(Some(1)),
            "bpchar" => DataType::Char(None),
            "name" => DataType::Name,
            "bytea" => DataType::Bytea,
            "date" => DataType::Date,
            "time" => DataType::Time(None),
            "timestamp" => DataType::Timestamp(None),
            "timestamptz" => DataType::TimestampTz(None),
            "interval" => DataType::Interval(None),
            "uuid" => DataType::Uuid,
            "json" => DataType::Json,
            "jsonb" => DataType::Jsonb,
            "oid" => DataType::Oid,
            "record" => DataType::Record,
            other => return Err(syntax(&format!("type \"{other}\" does not exist"))),
        };
        if self.op("(") {
            let mut numbers = Vec::new();
            loop {
                if let Token::Number(n) = self.next() {
                    numbers.push(n.parse::<u32>().unwrap());
                }
                if self.op(")") {
                    break;
                }
                self.expect(",")?;
            }
            let first = numbers[0];
            ty = match ty {
                DataType::Numeric(_) => {
                    let scale = numbers.get(1).copied().unwrap_or(0);
                    DataType::Numeric(Some((first.try_into().unwrap(), scale.try_into().unwrap())))
                }
                DataType::Varchar(_) => DataType::Varchar(Some(first)),
                DataType::Char(_) => DataType::Char(Some(first)),
                other => other,
            };
        }
        while matches!(self.peek(), Token::Op(o) if o == "[")
            && matches!(self.tokens.get(self.at + 1), Some(Token::Op(o)) if o == "]")
        {
            self.at += 2;
            if !matches!(ty, DataType::Array(_)) {
                ty = DataType::Array(Box::new(ty));
            }
        }
        Ok(ty)
    }
}
