//! Function calls: the general form, and the functions that have a grammar of their own.

use helios_base::Result;

use super::ast::{Argument, Call, Expr, ExprKind, Ident, Name, Over, Pos, positional};
use super::cursor::Parser;
use super::expr::node;
use super::lexer::Kind;

/// A plain call of a function of PostgreSQL's own.
pub(super) fn special(name: &str, args: Vec<Expr>, pos: Pos) -> Expr {
    let mut call = empty_call(
        Name {
            schema: None,
            name: Ident {
                name: name.to_owned(),
                pos,
            },
        },
        pos,
    );
    call.args = positional(args);
    call.syntax = true;
    node(ExprKind::Call(Box::new(call)), pos)
}

/// A call that has a grammar of its own and may have been written without it.
fn unless_plain(mut expr: Expr, plain: bool) -> Expr {
    if let ExprKind::Call(call) = &mut expr.kind {
        call.syntax = !plain;
    }
    expr
}

fn empty_call(name: Name, pos: Pos) -> Call {
    Call {
        name,
        args: Vec::new(),
        star: false,
        distinct: false,
        variadic: false,
        order_by: Vec::new(),
        within_group: false,
        filter: None,
        over: None,
        pos,
        label: None,
        syntax: false,
    }
}

fn integer(value: &str, pos: Pos) -> Expr {
    node(ExprKind::Number(value.to_owned()), pos)
}

/// Functions without parentheses, and whether they take a precision.
pub(super) const VALUE_FUNCTIONS: [(&str, bool); 11] = [
    ("current_date", false),
    ("current_time", true),
    ("current_timestamp", true),
    ("localtime", true),
    ("localtimestamp", true),
    ("current_role", false),
    ("current_user", false),
    ("user", false),
    ("session_user", false),
    ("current_catalog", false),
    ("current_schema", false),
];

impl Parser<'_> {
    /// The arguments and all that may follow, after the function's name.
    pub(super) fn call(&mut self, name: Name, pos: Pos) -> Result<Expr> {
        let mut call = empty_call(name, pos);
        self.expect_punct("(")?;
        if self.is_op("*") && self.is_punct_at(1, ")") {
            self.advance();
            call.star = true;
        } else if !self.is_punct(")") {
            if self.eat("distinct") {
                call.distinct = true;
            } else {
                self.eat("all");
            }
            self.arguments(&mut call)?;
            if self.is_words("order by") {
                call.order_by = self.order_by()?;
            }
        }
        self.expect_punct(")")?;
        if self.is_words("within group") {
            let at = self.pos();
            self.expect_words("within group")?;
            if !call.order_by.is_empty() {
                return Err(
                    self.syntax("cannot use multiple ORDER BY clauses with WITHIN GROUP", at)
                );
            }
            if call.distinct {
                return Err(self.syntax("cannot use DISTINCT with WITHIN GROUP", at));
            }
            if call.variadic {
                return Err(self.syntax("cannot use VARIADIC with WITHIN GROUP", at));
            }
            self.expect_punct("(")?;
            call.order_by = self.order_by()?;
            self.expect_punct(")")?;
            call.within_group = true;
        }
        if self.is_word("filter") && self.is_punct_at(1, "(") {
            self.advance();
            self.expect_punct("(")?;
            self.expect("where")?;
            call.filter = Some(self.expr()?);
            self.expect_punct(")")?;
        }
        if self.eat("over") {
            call.over = Some(if self.is_punct("(") {
                Over::Spec(Box::new(self.window_spec()?))
            } else {
                Over::Name(self.ident()?)
            });
        }
        Ok(node(ExprKind::Call(Box::new(call)), pos))
    }

    fn arguments(&mut self, call: &mut Call) -> Result<()> {
        loop {
            if self.eat("variadic") {
                call.variadic = true;
            }
            let named = matches!(self.peek().kind, Kind::Word(_) | Kind::Quoted(_))
                && (self.is_punct_at(1, "=>") || self.is_punct_at(1, ":="));
            let name = if named {
                let name = self.label()?;
                self.advance();
                Some(name)
            } else {
                None
            };
            let value = self.expr()?;
            call.args.push(Argument { name, value });
            if call.variadic || !self.eat_punct(",") {
                return Ok(());
            }
        }
    }

    /// Functions that begin with a keyword; `None` if `word` begins none here.
    pub(super) fn special_call(&mut self, word: &str, pos: Pos) -> Result<Option<Expr>> {
        if let Some(expr) = self.value_function(word, pos)? {
            return Ok(Some(expr));
        }
        if !self.is_punct_at(1, "(") {
            return Ok(None);
        }
        let expr = match word {
            "coalesce" => node(ExprKind::Coalesce(self.plain_args()?), pos),
            "greatest" | "least" => {
                let greatest = word == "greatest";
                let args = self.plain_args()?;
                node(ExprKind::Extreme { greatest, args }, pos)
            }
            "nullif" => {
                self.advance();
                self.expect_punct("(")?;
                let value = Box::new(self.expr()?);
                self.expect_punct(",")?;
                let other = Box::new(self.expr()?);
                self.expect_punct(")")?;
                node(ExprKind::NullIf(value, other), pos)
            }
            "extract" => self.extract(pos)?,
            "position" => {
                self.advance();
                self.expect_punct("(")?;
                let what = self.restricted_expr_before_in()?;
                self.expect("in")?;
                let text = self.expr()?;
                self.expect_punct(")")?;
                special("position", vec![text, what], pos)
            }
            "substring" => self.substring(pos)?,
            "overlay" => self.overlay(pos)?,
            "trim" => self.trim(pos)?,
            "normalize" => {
                self.advance();
                self.expect_punct("(")?;
                let mut args = vec![self.expr()?];
                if self.eat_punct(",") {
                    let at = self.pos();
                    let form = self.eat_form().ok_or_else(|| self.unexpected())?;
                    args.push(node(ExprKind::Text(form.to_owned()), at));
                }
                self.expect_punct(")")?;
                special("normalize", args, pos)
            }
            "treat" | "xmlelement" | "xmlforest" | "xmlconcat" | "xmlparse" | "xmlpi"
            | "xmlroot" | "xmlserialize" | "xmlexists" => {
                return Err(self.unsupported(word.to_uppercase(), pos));
            }
            _ => return Ok(None),
        };
        Ok(Some(expr))
    }

    /// A Unicode normalization form.
    pub(super) fn eat_form(&mut self) -> Option<&'static str> {
        let forms = [
            ("nfc", "NFC"),
            ("nfd", "NFD"),
            ("nfkc", "NFKC"),
            ("nfkd", "NFKD"),
        ];
        forms
            .into_iter()
            .find_map(|(word, form)| self.eat(word).then_some(form))
    }

    fn plain_args(&mut self) -> Result<Vec<Expr>> {
        self.advance();
        self.paren_list(Self::expr)
    }

    /// `CURRENT_DATE` and the other functions without parentheses.
    fn value_function(&mut self, word: &str, pos: Pos) -> Result<Option<Expr>> {
        let found = VALUE_FUNCTIONS.into_iter().find(|(name, _)| *name == word);
        let Some((name, precision)) = found else {
            return Ok(None);
        };
        // This one can be called as an ordinary function, too.
        if name == "current_schema" && self.is_punct_at(1, "(") {
            return Ok(None);
        }
        self.advance();
        let args = if precision && self.is_punct("(") {
            let at = self.pos();
            let digits = self.paren_list(Self::integer)?;
            digits
                .iter()
                .map(|digits| integer(&digits.to_string(), at))
                .collect()
        } else {
            Vec::new()
        };
        let mut expr = special(name, args, pos);
        if let ExprKind::Call(call) = &mut expr.kind {
            call.label = Some(name);
        }
        Ok(Some(expr))
    }

    fn extract(&mut self, pos: Pos) -> Result<Expr> {
        self.advance();
        self.expect_punct("(")?;
        let at = self.pos();
        let field = match &self.peek().kind {
            Kind::Text(text) => {
                self.advance();
                text.to_lowercase()
            }
            _ => self.label()?.name,
        };
        self.expect("from")?;
        let value = self.expr()?;
        self.expect_punct(")")?;
        let field = node(ExprKind::Text(field), at);
        Ok(special("extract", vec![field, value], pos))
    }

    fn substring(&mut self, pos: Pos) -> Result<Expr> {
        self.advance();
        self.expect_punct("(")?;
        let mut args = vec![self.expr()?];
        let mut plain = false;
        if self.eat("from") {
            args.push(self.expr()?);
            if self.eat("for") {
                args.push(self.expr()?);
            }
        } else if self.eat("for") {
            let length = self.expr()?;
            if self.eat("from") {
                args.push(self.expr()?);
            } else {
                args.push(integer("1", pos));
            }
            args.push(length);
        } else if self.eat("similar") {
            args.push(self.expr()?);
            self.expect("escape")?;
            args.push(self.expr()?);
        } else {
            plain = true;
            while self.eat_punct(",") {
                args.push(self.expr()?);
            }
        }
        self.expect_punct(")")?;
        Ok(unless_plain(special("substring", args, pos), plain))
    }

    fn overlay(&mut self, pos: Pos) -> Result<Expr> {
        self.advance();
        self.expect_punct("(")?;
        let mut args = vec![self.expr()?];
        let plain = !self.is_word("placing");
        if self.eat("placing") {
            args.push(self.expr()?);
            self.expect("from")?;
            args.push(self.expr()?);
            if self.eat("for") {
                args.push(self.expr()?);
            }
        } else {
            while self.eat_punct(",") {
                args.push(self.expr()?);
            }
        }
        self.expect_punct(")")?;
        Ok(unless_plain(special("overlay", args, pos), plain))
    }

    fn trim(&mut self, pos: Pos) -> Result<Expr> {
        self.advance();
        self.expect_punct("(")?;
        let function = if self.eat("leading") {
            "ltrim"
        } else if self.eat("trailing") {
            "rtrim"
        } else {
            self.eat("both");
            "btrim"
        };
        let mut args = Vec::new();
        if !self.eat("from") {
            args = self.comma_list(Self::expr)?;
            if self.eat("from") {
                let mut sources = self.comma_list(Self::expr)?;
                sources.append(&mut args);
                args = sources;
            }
        } else {
            args.append(&mut self.comma_list(Self::expr)?);
        }
        self.expect_punct(")")?;
        Ok(special(function, args, pos))
    }
}
