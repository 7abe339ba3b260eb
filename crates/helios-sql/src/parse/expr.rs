//! Expressions, by PostgreSQL's operator precedence.

use helios_base::{Error, Result};

use super::ast::{
    Expr, ExprKind, Ident, LikeKind, Operator, OrderBy, Pos, Quantity, Subscript, TypeName,
};
use super::cursor::{CHAIN_MAX, Parser};
use super::lexer::Kind;

/// Binding strengths, weakest first; PostgreSQL's table of operator precedence.
mod power {
    pub(super) const OR: u8 = 1;
    pub(super) const AND: u8 = 2;
    pub(super) const NOT: u8 = 3;
    pub(super) const IS: u8 = 4;
    pub(super) const COMPARE: u8 = 5;
    pub(super) const RANGE: u8 = 6;
    pub(super) const OTHER: u8 = 7;
    pub(super) const ADD: u8 = 8;
    pub(super) const MULTIPLY: u8 = 9;
    pub(super) const POWER: u8 = 10;
    pub(super) const ZONE: u8 = 11;
    pub(super) const COLLATE: u8 = 12;
    pub(super) const SIGN: u8 = 13;
    pub(super) const SUBSCRIPT: u8 = 14;
    pub(super) const CAST: u8 = 15;
}

pub(super) fn node(kind: ExprKind, pos: Pos) -> Expr {
    Expr { kind, pos }
}

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expr(&mut self) -> Result<Expr> {
        self.nested(|parser| parser.expr_above(0))
    }

    /// An expression that ends before `NOT NULL`, `AND`, `OR` and `IS`: a column's default.
    pub(super) fn restricted_expr(&mut self) -> Result<Expr> {
        self.nested(|parser| parser.expr_above(power::IS))
    }

    /// The first operand of `POSITION(a IN b)`.
    pub(super) fn restricted_expr_before_in(&mut self) -> Result<Expr> {
        self.nested(|parser| parser.expr_above(power::RANGE))
    }

    /// An expression of operators that bind tighter than `floor`.
    fn expr_above(&mut self, floor: u8) -> Result<Expr> {
        let mut left = self.prefix_expr()?;
        let mut chain = 0usize;
        loop {
            chain += 1;
            if chain > CHAIN_MAX {
                return Err(self.too_deep());
            }
            match self.suffix(left, floor)? {
                (expr, true) => left = expr,
                (expr, false) => return Ok(expr),
            }
        }
    }

    fn operand(&mut self, floor: u8) -> Result<Box<Expr>> {
        self.nested(|parser| parser.expr_above(floor)).map(Box::new)
    }

    fn prefix_expr(&mut self) -> Result<Expr> {
        let pos = self.pos();
        if self.is_word("not") {
            self.advance();
            let operand = self.operand(power::NOT - 1)?;
            return Ok(node(ExprKind::Not(operand), pos));
        }
        if self.peek().kind == Kind::Op {
            let operator = self.operator_token()?;
            let floor = match operator.symbol.as_str() {
                "-" | "+" => power::SIGN - 1,
                "?" => return Err(self.question_mark(pos)),
                "*" | "/" | "=" | "<" | ">" | "<=" | ">=" | "<>" | "%" | "^" => {
                    self.step_back();
                    return Err(self.unexpected());
                }
                _ => power::OTHER,
            };
            let operand = self.operand(floor)?;
            return Ok(signed(operator, *operand, pos));
        }
        if self.is_word("operator") && self.is_punct_at(1, "(") {
            let operator = self.qualified_operator()?;
            let operand = self.operand(power::OTHER)?;
            return Ok(node(ExprKind::Prefix(operator, operand), pos));
        }
        self.primary()
    }

    fn step_back(&mut self) {
        let mark = self.mark();
        self.reset(mark.saturating_sub(1));
    }

    fn question_mark(&self, pos: Pos) -> Error {
        self.syntax("syntax error at or near \"?\"", pos)
            .with_hint("Parameters are written $1, $2, and so on.")
    }

    fn operator_token(&mut self) -> Result<Operator> {
        let token = self.peek();
        if token.kind != Kind::Op {
            return Err(self.unexpected());
        }
        self.advance();
        let text = self.text_of(token);
        let symbol = if text == "!=" { "<>" } else { text };
        Ok(Operator {
            symbol: symbol.to_owned(),
            pos: Pos::new(token.start),
        })
    }

    /// `OPERATOR(schema.op)`; only `pg_catalog` has operators.
    fn qualified_operator(&mut self) -> Result<Operator> {
        let pos = self.pos();
        self.expect("operator")?;
        self.expect_punct("(")?;
        if self.is_ident() {
            let schema = self.ident()?;
            if schema.name != "pg_catalog" {
                return Err(
                    self.unsupported(format!("operator schema \"{}\"", schema.name), schema.pos)
                );
            }
            self.expect_punct(".")?;
        }
        let mut operator = self.operator_token()?;
        self.expect_punct(")")?;
        operator.pos = pos;
        Ok(operator)
    }

    /// Extends `left` by one operator that binds tighter than `floor`; `false` if there is none.
    fn suffix(&mut self, left: Expr, floor: u8) -> Result<(Expr, bool)> {
        let token = self.peek();
        let pos = Pos::new(token.start);
        match &token.kind {
            Kind::Op => {
                let strength = strength(self.text_of(token));
                if strength <= floor {
                    return Ok((left, false));
                }
                let operator = self.operator_token()?;
                self.infix(left, operator, strength)
            }
            Kind::Punct => match self.text_of(token) {
                "::" if power::CAST > floor => {
                    self.advance();
                    let ty = self.type_name()?;
                    let expr = Box::new(left);
                    Ok((node(ExprKind::Cast { expr, ty }, pos), true))
                }
                "[" if power::SUBSCRIPT > floor => {
                    let subscripts = self.subscripts()?;
                    let pos = left.pos;
                    let expr = Box::new(left);
                    Ok((node(ExprKind::Subscript { expr, subscripts }, pos), true))
                }
                _ => Ok((left, false)),
            },
            Kind::Word(word) => self.word_suffix(left, word, floor, pos),
            _ => Ok((left, false)),
        }
    }

    fn infix(&mut self, left: Expr, operator: Operator, strength: u8) -> Result<(Expr, bool)> {
        let pos = operator.pos;
        for (word, all) in [("any", false), ("some", false), ("all", true)] {
            if self.is_word(word) && self.is_punct_at(1, "(") {
                self.advance();
                let right = self.quantity()?;
                let left = Box::new(left);
                let kind = ExprKind::Quantified {
                    left,
                    operator,
                    all,
                    right,
                };
                return Ok((node(kind, pos), true));
            }
        }
        let right = self.operand(strength)?;
        // `a < b < c` is an error in PostgreSQL: comparisons do not associate.
        if strength == power::COMPARE
            && self.peek().kind == Kind::Op
            && self::strength(self.text_of(self.peek())) == power::COMPARE
        {
            return Err(self.unexpected());
        }
        Ok((
            node(ExprKind::Infix(Box::new(left), operator, right), pos),
            true,
        ))
    }

    fn quantity(&mut self) -> Result<Quantity> {
        self.expect_punct("(")?;
        let (mark, nested) = (self.mark(), self.is_punct("("));
        if self.is_query() {
            let query = self.query()?;
            // Otherwise the query is the beginning of an expression: `ANY ((SELECT …)::int[])`.
            if self.is_punct(")") || !nested {
                self.expect_punct(")")?;
                return Ok(Quantity::Query(Box::new(query)));
            }
            self.reset(mark);
        }
        let array = self.expr()?;
        self.expect_punct(")")?;
        Ok(Quantity::Array(Box::new(array)))
    }

    pub(super) fn subscripts(&mut self) -> Result<Vec<Subscript>> {
        let mut subscripts = Vec::new();
        while self.eat_punct("[") {
            let bound = |parser: &mut Self| -> Result<Option<Expr>> {
                if parser.is_punct(":") || parser.is_punct("]") {
                    Ok(None)
                } else {
                    parser.expr().map(Some)
                }
            };
            let first = bound(self)?;
            let subscript = if self.eat_punct(":") {
                Subscript::Slice(first, bound(self)?)
            } else {
                Subscript::Index(first.ok_or_else(|| self.unexpected())?)
            };
            self.expect_punct("]")?;
            subscripts.push(subscript);
        }
        Ok(subscripts)
    }

    fn word_suffix(&mut self, left: Expr, word: &str, floor: u8, pos: Pos) -> Result<(Expr, bool)> {
        let expr = match word {
            "and" if power::AND > floor => self.terms(left, power::AND, "and", ExprKind::And)?,
            "or" if power::OR > floor => self.terms(left, power::OR, "or", ExprKind::Or)?,
            "is" if power::IS > floor => self.is_test(left)?,
            "isnull" | "notnull" if power::IS > floor => {
                self.advance();
                let negated = word == "notnull";
                let expr = Box::new(left);
                node(ExprKind::IsNull { expr, negated }, pos)
            }
            "not" if power::RANGE > floor => {
                let known = ["between", "in", "like", "ilike", "similar"];
                if !known.iter().any(|word| self.is_word_at(1, word)) {
                    return Ok((left, false));
                }
                self.advance();
                self.range(left, true, pos)?
            }
            // `SUBSTRING(a SIMILAR b ESCAPE c)` has the word alone.
            "similar" if !self.is_word_at(1, "to") => return Ok((left, false)),
            "between" | "in" | "like" | "ilike" | "similar" if power::RANGE > floor => {
                self.range(left, false, pos)?
            }
            "overlaps" if power::RANGE > floor => {
                self.advance();
                let right = self.operand(power::RANGE)?;
                self.overlaps(left, *right, pos)?
            }
            "operator" if power::OTHER > floor && self.is_punct_at(1, "(") => {
                let operator = self.qualified_operator()?;
                return self.infix(left, operator, power::OTHER);
            }
            "at" if power::ZONE > floor && self.is_words("at time zone") => {
                self.eat_words("at time zone");
                let zone = self.operand(power::ZONE)?;
                super::function::special("timezone", vec![*zone, left], pos)
            }
            "collate" if power::COLLATE > floor => {
                self.advance();
                let collation = self.any_name()?;
                let expr = Box::new(left);
                node(ExprKind::Collate { expr, collation }, pos)
            }
            _ => return Ok((left, false)),
        };
        Ok((expr, true))
    }

    /// `(start, end) OVERLAPS (start, end)`
    fn overlaps(&self, left: Expr, right: Expr, pos: Pos) -> Result<Expr> {
        let ends = |side: Expr, name: &str| match side.kind {
            ExprKind::Row(items) if items.len() == 2 => Ok(items),
            ExprKind::Row(_) => Err(self.syntax(
                format!("wrong number of parameters on {name} side of OVERLAPS expression"),
                side.pos,
            )),
            _ => Err(self.syntax("syntax error at or near \"overlaps\"", pos)),
        };
        let mut args = ends(left, "left")?;
        args.extend(ends(right, "right")?);
        Ok(super::function::special("overlaps", args, pos))
    }

    fn any_name(&mut self) -> Result<super::ast::Name> {
        let mut parts = vec![self.label()?];
        while self.eat_punct(".") {
            parts.push(self.label()?);
        }
        self.qualify(parts)
    }

    /// `a AND b AND c` as one list, so that long conditions make no deep tree.
    fn terms(
        &mut self,
        left: Expr,
        strength: u8,
        word: &str,
        make: fn(Vec<Expr>) -> ExprKind,
    ) -> Result<Expr> {
        let pos = self.pos();
        let mut terms = vec![left];
        while self.eat(word) {
            terms.push(*self.operand(strength)?);
        }
        Ok(node(make(terms), pos))
    }

    fn is_test(&mut self, left: Expr) -> Result<Expr> {
        let pos = self.pos();
        self.expect("is")?;
        let negated = self.eat("not");
        let expr = Box::new(left);
        let kind = if self.eat("null") {
            ExprKind::IsNull { expr, negated }
        } else if self.eat("true") {
            let test = Some(true);
            ExprKind::IsBool {
                expr,
                test,
                negated,
            }
        } else if self.eat("false") {
            let test = Some(false);
            ExprKind::IsBool {
                expr,
                test,
                negated,
            }
        } else if self.eat("unknown") {
            ExprKind::IsBool {
                expr,
                test: None,
                negated,
            }
        } else if self.eat("distinct") {
            self.expect("from")?;
            let right = self.operand(power::IS)?;
            ExprKind::IsDistinct {
                left: expr,
                right,
                negated,
            }
        } else if let Some(test) = self.normalized(&expr, pos)? {
            if !negated {
                return Ok(test);
            }
            ExprKind::Not(Box::new(test))
        } else if self.is_word("document") || self.is_word("json") {
            let what = format!("IS {}", self.text_of(self.peek()).to_uppercase());
            return Err(self.unsupported(what, pos));
        } else {
            return Err(self.unexpected());
        };
        Ok(node(kind, pos))
    }

    /// `[form] NORMALIZED`, after `IS`.
    fn normalized(&mut self, expr: &Expr, pos: Pos) -> Result<Option<Expr>> {
        let at = self.pos();
        let form = self.eat_form();
        if form.is_none() && !self.is_word("normalized") {
            return Ok(None);
        }
        self.expect("normalized")?;
        let mut args = vec![expr.clone()];
        args.extend(form.map(|form| node(ExprKind::Text(form.to_owned()), at)));
        Ok(Some(super::function::special("is_normalized", args, pos)))
    }

    /// `BETWEEN`, `IN`, `LIKE` and their kin, after an optional `NOT`.
    fn range(&mut self, left: Expr, negated: bool, pos: Pos) -> Result<Expr> {
        let expr = Box::new(left);
        if self.eat("between") {
            let symmetric = self.eat("symmetric");
            if !symmetric {
                self.eat("asymmetric");
            }
            let low = self.operand(power::RANGE)?;
            self.expect("and")?;
            let high = self.operand(power::RANGE)?;
            let kind = ExprKind::Between {
                expr,
                low,
                high,
                symmetric,
                negated,
            };
            return Ok(node(kind, pos));
        }
        if self.eat("in") {
            self.expect_punct("(")?;
            let kind = if self.is_query() {
                let query = Box::new(self.query()?);
                ExprKind::InQuery {
                    expr,
                    query,
                    negated,
                }
            } else {
                let list = self.comma_list(Self::expr)?;
                ExprKind::InList {
                    expr,
                    list,
                    negated,
                }
            };
            self.expect_punct(")")?;
            return Ok(node(kind, pos));
        }
        let kind = if self.eat("like") {
            LikeKind::Like
        } else if self.eat("ilike") {
            LikeKind::ILike
        } else {
            self.expect_words("similar to")?;
            LikeKind::Similar
        };
        self.like(kind, expr, negated, pos)
    }

    fn like(&mut self, kind: LikeKind, expr: Box<Expr>, negated: bool, pos: Pos) -> Result<Expr> {
        // `LIKE ANY (…)` is the quantified form of the operator behind the word.
        for (word, all) in [("any", false), ("some", false), ("all", true)] {
            if kind != LikeKind::Similar && self.is_word(word) && self.is_punct_at(1, "(") {
                self.advance();
                let symbol = match (kind, negated) {
                    (LikeKind::ILike, false) => "~~*",
                    (LikeKind::ILike, true) => "!~~*",
                    (_, false) => "~~",
                    (_, true) => "!~~",
                };
                let operator = Operator {
                    symbol: symbol.to_owned(),
                    pos,
                };
                let right = self.quantity()?;
                let kind = ExprKind::Quantified {
                    left: expr,
                    operator,
                    all,
                    right,
                };
                return Ok(node(kind, pos));
            }
        }
        let pattern = self.operand(power::RANGE)?;
        let escape = if self.eat("escape") {
            Some(self.operand(power::RANGE)?)
        } else {
            None
        };
        let kind = ExprKind::Like {
            kind,
            expr,
            pattern,
            escape,
            negated,
        };
        Ok(node(kind, pos))
    }

    /// Literals, names, calls, and everything in brackets.
    fn primary(&mut self) -> Result<Expr> {
        let token = self.peek();
        let pos = Pos::new(token.start);
        let kind = match &token.kind {
            Kind::Number => ExprKind::Number(self.text_of(token).to_owned()),
            Kind::Text(text) => ExprKind::Text(text.clone()),
            Kind::Bits(digits) => ExprKind::Bits(digits.clone()),
            Kind::Param(number) => {
                let param = node(ExprKind::Param(*number), pos);
                self.advance();
                return self.fields(param);
            }
            Kind::Punct if self.is_punct("(") => return self.parenthesized(pos),
            Kind::Word(word) => {
                if let Some(expr) = self.keyword_expr(word, pos)? {
                    return Ok(expr);
                }
                return self.name_expr();
            }
            Kind::Quoted(_) => return self.name_expr(),
            _ => return Err(self.unexpected()),
        };
        self.advance();
        Ok(node(kind, pos))
    }

    fn parenthesized(&mut self, pos: Pos) -> Result<Expr> {
        if self.is_query() {
            self.expect_punct("(")?;
            let query = self.nested(Self::query)?;
            self.close_query()?;
            return self.fields(node(ExprKind::Subquery(Box::new(query)), pos));
        }
        self.expect_punct("(")?;
        let mut items = self.comma_list(Self::expr)?;
        self.expect_punct(")")?;
        match items.pop() {
            Some(only) if items.is_empty() => self.fields(only),
            Some(last) => {
                items.push(last);
                Ok(node(ExprKind::Row(items), pos))
            }
            None => Err(self.unexpected()),
        }
    }

    /// Expressions that begin with a keyword; `None` if the word is a plain name here.
    fn keyword_expr(&mut self, word: &str, pos: Pos) -> Result<Option<Expr>> {
        let call = self.is_punct_at(1, "(");
        let kind = match word {
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" => ExprKind::Null,
            "default" => ExprKind::Default,
            "case" => return self.case().map(Some),
            "exists" if call => {
                self.advance();
                self.expect_punct("(")?;
                let query = self.nested(Self::query)?;
                self.close_query()?;
                return Ok(Some(node(ExprKind::Exists(Box::new(query)), pos)));
            }
            "array" if call || self.is_punct_at(1, "[") => return self.array().map(Some),
            "array" => return Err(self.unexpected_token(self.peek_at(1))),
            "row" if call => {
                self.advance();
                self.expect_punct("(")?;
                let items = if self.is_punct(")") {
                    Vec::new()
                } else {
                    self.comma_list(Self::expr)?
                };
                self.expect_punct(")")?;
                return Ok(Some(node(ExprKind::Row(items), pos)));
            }
            "cast" if call => {
                self.advance();
                self.expect_punct("(")?;
                let expr = Box::new(self.expr()?);
                self.expect("as")?;
                let ty = self.type_name()?;
                self.expect_punct(")")?;
                return Ok(Some(node(ExprKind::Cast { expr, ty }, pos)));
            }
            "grouping" if call => {
                self.advance();
                let args = self.paren_list(Self::expr)?;
                return Ok(Some(node(ExprKind::Grouping(args), pos)));
            }
            _ => return self.special_call(word, pos),
        };
        self.advance();
        Ok(Some(node(kind, pos)))
    }

    fn case(&mut self) -> Result<Expr> {
        let pos = self.pos();
        self.expect("case")?;
        let operand = if self.is_word("when") {
            None
        } else {
            Some(Box::new(self.expr()?))
        };
        let mut branches = Vec::new();
        while self.eat("when") {
            let when = self.expr()?;
            self.expect("then")?;
            branches.push((when, self.expr()?));
        }
        if branches.is_empty() {
            return Err(self.unexpected());
        }
        let otherwise = if self.eat("else") {
            Some(Box::new(self.expr()?))
        } else {
            None
        };
        self.expect("end")?;
        let kind = ExprKind::Case {
            operand,
            branches,
            otherwise,
        };
        Ok(node(kind, pos))
    }

    fn array(&mut self) -> Result<Expr> {
        let pos = self.pos();
        self.expect("array")?;
        if self.eat_punct("(") {
            let query = self.nested(Self::query)?;
            self.close_query()?;
            return Ok(node(ExprKind::ArrayQuery(Box::new(query)), pos));
        }
        let mut array = self.array_items()?;
        array.pos = pos;
        Ok(array)
    }

    /// `[a, b]` or `[[a], [b]]`
    fn array_items(&mut self) -> Result<Expr> {
        let pos = self.pos();
        self.expect_punct("[")?;
        let items = if self.is_punct("]") {
            Vec::new()
        } else if self.is_punct("[") {
            self.nested(|parser| parser.comma_list(Self::array_items))?
        } else {
            self.comma_list(Self::expr)?
        };
        self.expect_punct("]")?;
        Ok(node(ExprKind::Array(items), pos))
    }

    /// A column, a star, a call, or a type before a literal.
    fn name_expr(&mut self) -> Result<Expr> {
        let pos = self.pos();
        if let Some(literal) = self.typed_literal(pos)? {
            return Ok(literal);
        }
        let mark = self.mark();
        let first = self.label()?;
        let mut parts: Vec<Ident> = vec![first];
        while self.is_punct(".") {
            self.advance();
            if self.eat_op("*") {
                return Ok(node(ExprKind::Star(parts), pos));
            }
            parts.push(self.label()?);
        }
        if self.is_punct("(") {
            let callable = parts.len() > 1 || {
                self.reset(mark);
                let found = self.eat_function_name().is_some();
                if !found {
                    return Err(self.unexpected());
                }
                found
            };
            if callable {
                let name = self.qualify(parts)?;
                return self.call(name, pos);
            }
        }
        if parts.len() == 1 {
            self.reset(mark);
            if self.eat_ident().is_none() {
                return Err(self.unexpected_name());
            }
        }
        if parts.len() > 3 {
            let shown: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
            return Err(self.syntax(
                format!(
                    "improper qualified name (too many dotted names): {}",
                    shown.join(".")
                ),
                pos,
            ));
        }
        Ok(node(ExprKind::Column(parts), pos))
    }

    /// `date '2020-01-01'`, `interval '1' day`, `numeric(4,2) '1.5'`, `pg_catalog.int4 '1'`
    fn typed_literal(&mut self, pos: Pos) -> Result<Option<Expr>> {
        let mark = self.mark();
        let Ok(mut ty) = self.type_name() else {
            self.reset(mark);
            return Ok(None);
        };
        let Kind::Text(text) = &self.peek().kind else {
            self.reset(mark);
            return Ok(None);
        };
        let at = self.pos();
        self.advance();
        if ty.name == "interval" && ty.fields.is_none() {
            self.add_interval_fields(&mut ty)?;
        }
        Ok(Some(literal_of(text, ty, at, pos)))
    }

    /// `ORDER BY` keys.
    pub(super) fn order_by(&mut self) -> Result<Vec<OrderBy>> {
        self.expect_words("order by")?;
        self.comma_list(Self::order_key)
    }

    pub(super) fn order_key(&mut self) -> Result<OrderBy> {
        let expr = self.expr()?;
        let (descending, nulls_first) = self.direction()?;
        Ok(OrderBy {
            expr,
            descending,
            nulls_first,
        })
    }

    /// `ASC | DESC | USING op`, `NULLS FIRST | LAST`
    pub(super) fn direction(&mut self) -> Result<(bool, Option<bool>)> {
        let descending = if self.eat("desc") {
            true
        } else if self.eat("using") {
            let pos = self.pos();
            match self.operator_token()?.symbol.as_str() {
                "<" => false,
                ">" => true,
                symbol => {
                    return Err(self.unsupported(format!("ordering by operator {symbol}"), pos));
                }
            }
        } else {
            self.eat("asc");
            false
        };
        let nulls_first = if self.eat("nulls") {
            let first = self.eat("first");
            if !first {
                self.expect("last")?;
            }
            Some(first)
        } else {
            None
        };
        Ok((descending, nulls_first))
    }
}

fn literal_of(text: &str, ty: TypeName, at: Pos, pos: Pos) -> Expr {
    let expr = Box::new(node(ExprKind::Text(text.to_owned()), at));
    node(ExprKind::Cast { expr, ty }, pos)
}

/// A sign before a number belongs to the number, so that the smallest integers can be written.
fn signed(operator: Operator, operand: Expr, pos: Pos) -> Expr {
    match (operator.symbol.as_str(), operand.kind) {
        ("-", ExprKind::Number(digits)) => {
            // The number of two signs is read anew: it may be greater than that of one.
            let number = match digits.strip_prefix('-') {
                Some(positive) => positive.to_owned(),
                None => format!("-{digits}"),
            };
            node(ExprKind::Number(number), pos)
        }
        (_, kind) => {
            let operand = Box::new(node(kind, operand.pos));
            node(ExprKind::Prefix(operator, operand), pos)
        }
    }
}

fn strength(operator: &str) -> u8 {
    match operator {
        "=" | "<" | ">" | "<=" | ">=" | "<>" | "!=" => power::COMPARE,
        "+" | "-" => power::ADD,
        "*" | "/" | "%" => power::MULTIPLY,
        "^" => power::POWER,
        _ => power::OTHER,
    }
}
