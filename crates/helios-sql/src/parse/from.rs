//! `FROM`: tables, subqueries, functions and joins.

use helios_base::Result;

use super::ast::{
    ExprKind, Ident, JoinOn, TableAlias, TableCall, TableItem, TableSample, TypeName,
};
use super::cursor::{CHAIN_MAX, Parser};
use super::function::VALUE_FUNCTIONS;
use crate::plan::JoinKind;

impl Parser<'_> {
    pub(super) fn table_list(&mut self) -> Result<Vec<TableItem>> {
        self.comma_list(Self::table_item)
    }

    /// One item with the joins after it.
    pub(super) fn table_item(&mut self) -> Result<TableItem> {
        let mut left = self.nested(Self::table_primary)?;
        let mut chain = 0usize;
        loop {
            let pos = self.pos();
            let Some((kind, natural, cross)) = self.join_words()? else {
                return Ok(left);
            };
            chain += 1;
            if chain > CHAIN_MAX {
                return Err(self.too_deep());
            }
            let (right, on) = if cross || natural {
                let right = self.nested(Self::table_primary)?;
                (right, if cross { JoinOn::None } else { JoinOn::Natural })
            } else {
                let right = self.nested(Self::join_operand)?;
                (right, self.join_condition()?)
            };
            left = TableItem::Join {
                kind,
                left: Box::new(left),
                right: Box::new(right),
                on,
                alias: None,
                pos,
            };
        }
    }

    /// The right side of a qualified join: `a JOIN b JOIN c ON … ON …` nests to the right.
    fn join_operand(&mut self) -> Result<TableItem> {
        let mut left = self.table_primary()?;
        loop {
            let mark = self.mark();
            let pos = self.pos();
            let Some((kind, natural, cross)) = self.join_words()? else {
                return Ok(left);
            };
            let nested = self
                .nested(Self::join_operand)
                .and_then(|right| Ok((right, self.nested_condition(natural, cross)?)));
            match nested {
                // Only when the condition after next belongs to us, was the join inside.
                Ok((right, on)) if self.is_word("on") || self.is_word("using") => {
                    left = TableItem::Join {
                        kind,
                        left: Box::new(left),
                        right: Box::new(right),
                        on,
                        alias: None,
                        pos,
                    };
                }
                _ => {
                    self.reset(mark);
                    return Ok(left);
                }
            }
        }
    }

    fn nested_condition(&mut self, natural: bool, cross: bool) -> Result<JoinOn> {
        if cross {
            Ok(JoinOn::None)
        } else if natural {
            Ok(JoinOn::Natural)
        } else {
            self.join_condition()
        }
    }

    fn join_condition(&mut self) -> Result<JoinOn> {
        if self.eat("on") {
            return Ok(JoinOn::On(Box::new(self.expr()?)));
        }
        if self.eat("using") {
            let columns = self.idents()?;
            let alias = if self.eat("as") {
                Some(self.ident()?)
            } else {
                None
            };
            return Ok(JoinOn::Using(columns, alias));
        }
        Err(self.unexpected())
    }

    /// `[NATURAL] [INNER | LEFT …] JOIN` or `CROSS JOIN`: kind, natural, cross.
    fn join_words(&mut self) -> Result<Option<(JoinKind, bool, bool)>> {
        if self.eat_words("cross join") {
            return Ok(Some((JoinKind::Inner, false, true)));
        }
        let natural = self.eat("natural");
        let kind = if self.eat("join") {
            return Ok(Some((JoinKind::Inner, natural, false)));
        } else if self.eat("inner") {
            JoinKind::Inner
        } else if self.eat("left") {
            JoinKind::Left
        } else if self.eat("right") {
            JoinKind::Right
        } else if self.eat("full") {
            JoinKind::Full
        } else if natural {
            return Err(self.unexpected());
        } else {
            return Ok(None);
        };
        if kind != JoinKind::Inner {
            self.eat("outer");
        }
        self.expect("join")?;
        Ok(Some((kind, natural, false)))
    }

    fn table_primary(&mut self) -> Result<TableItem> {
        let pos = self.pos();
        let lateral = self.eat("lateral");
        if self.is_punct("(") {
            return self.parenthesized_item(lateral, pos);
        }
        if self.is_words("rows from") && self.is_punct_at(2, "(") {
            return self.rows_from(lateral, pos);
        }
        let only = self.eat("only");
        if !only && self.is_call() {
            let call = self.restricted_expr_before_in()?;
            return self.function_item(call, lateral, pos);
        }
        if lateral {
            return Err(self.unexpected());
        }
        if !only && matches!(self.peek().kind, super::lexer::Kind::Text(_)) {
            let path = self.string()?;
            let alias = self.table_alias(false)?;
            return Ok(TableItem::File { path, alias, pos });
        }
        if !self.is_ident() {
            return Err(self.unexpected_name());
        }
        let branch = self.branch_qualifier()?;
        let name = self.name()?;
        // `t*` is the old spelling of "with inheritance children", which is the default.
        self.eat_op("*");
        let (at, alias) = self.as_of_and_alias(branch)?;
        let sample = self.table_sample()?;
        Ok(TableItem::Table {
            name,
            at,
            alias,
            sample,
        })
    }

    /// `TABLESAMPLE BERNOULLI (10) REPEATABLE (1)`, if it comes next.
    fn table_sample(&mut self) -> Result<Option<Box<TableSample>>> {
        if !self.eat("tablesample") {
            return Ok(None);
        }
        let method = self.ident()?;
        let args = self.paren_list(Self::expr)?;
        let repeatable = if self.eat("repeatable") {
            self.expect_punct("(")?;
            let seed = self.expr()?;
            self.expect_punct(")")?;
            Some(seed)
        } else {
            None
        };
        Ok(Some(Box::new(TableSample {
            method,
            args,
            repeatable,
        })))
    }

    /// Whether a function call begins here.
    fn is_call(&self) -> bool {
        use super::lexer::Kind;
        let is_name =
            |ahead: usize| matches!(self.peek_at(ahead).kind, Kind::Word(_) | Kind::Quoted(_));
        let mut ahead = 0;
        while is_name(ahead) && self.is_punct_at(ahead + 1, ".") {
            ahead += 2;
        }
        (is_name(ahead) && self.is_punct_at(ahead + 1, "("))
            || VALUE_FUNCTIONS.iter().any(|(word, _)| self.is_word(word))
    }

    fn parenthesized_item(&mut self, lateral: bool, pos: super::Pos) -> Result<TableItem> {
        if self.is_query() {
            let mark = self.mark();
            self.expect_punct("(")?;
            // `((SELECT …) JOIN …)` begins like a query and is none.
            let query = self.query().and_then(|query| {
                self.expect_punct(")")?;
                Ok(query)
            });
            match query {
                Ok(query) => {
                    let (at, alias) = self.as_of_and_alias(None)?;
                    return Ok(TableItem::Query {
                        query: Box::new(query),
                        lateral,
                        at,
                        alias,
                        pos,
                    });
                }
                Err(error) if !self.join_in_parens(mark) => return Err(error),
                Err(_) => self.reset(mark),
            }
        }
        if lateral {
            return Err(self.unexpected());
        }
        self.expect_punct("(")?;
        let mut item = self.nested(Self::table_item)?;
        self.expect_punct(")")?;
        if let TableItem::Join { alias, .. } = &mut item {
            *alias = self.table_alias(false)?;
        } else {
            return Err(self.unexpected());
        }
        Ok(item)
    }

    /// Whether the parenthesis at `mark` opens another parenthesis.
    fn join_in_parens(&self, mark: usize) -> bool {
        let mut probe = Parser::new(self.source, self.all_tokens());
        probe.reset(mark);
        probe.is_punct("(") && probe.is_punct_at(1, "(")
    }

    fn rows_from(&mut self, lateral: bool, pos: super::Pos) -> Result<TableItem> {
        self.expect_words("rows from")?;
        let calls = self.paren_list(|parser| {
            if !parser.is_call() {
                return Err(parser.unexpected());
            }
            let call = parser.restricted_expr_before_in()?;
            let columns = if parser.eat("as") {
                parser.column_definitions()?
            } else {
                Vec::new()
            };
            Ok(TableCall { call, columns })
        })?;
        let ordinality = self.eat_words("with ordinality");
        let alias = self.table_alias(true)?;
        Ok(TableItem::Functions {
            calls,
            rows_from: true,
            ordinality,
            lateral,
            alias,
            pos,
        })
    }

    fn function_item(
        &mut self,
        call: super::ast::Expr,
        lateral: bool,
        pos: super::Pos,
    ) -> Result<TableItem> {
        match &call.kind {
            ExprKind::Call(_)
            | ExprKind::Coalesce(_)
            | ExprKind::NullIf(..)
            | ExprKind::Extreme { .. } => {}
            _ => return Err(self.unexpected()),
        }
        let ordinality = self.eat_words("with ordinality");
        let mut alias = self.table_alias(true)?;
        let columns = match &mut alias {
            Some(alias) => std::mem::take(&mut alias.types),
            None => Vec::new(),
        };
        Ok(TableItem::Functions {
            calls: vec![TableCall { call, columns }],
            rows_from: false,
            ordinality,
            lateral,
            alias,
            pos,
        })
    }

    /// `[AS] name [(columns)]`; with `typed` also `AS [name] (column type, …)`.
    pub(super) fn table_alias(&mut self, typed: bool) -> Result<Option<TableAlias>> {
        let explicit = self.eat("as");
        let mut alias = TableAlias {
            name: None,
            columns: Vec::new(),
            types: Vec::new(),
        };
        if explicit && typed && self.is_punct("(") {
            alias.types = self.column_definitions()?;
            return Ok(Some(alias));
        }
        alias.name = if explicit {
            Some(self.ident()?)
        } else {
            self.eat_ident()
        };
        if alias.name.is_none() {
            return Ok(None);
        }
        if self.is_punct("(") {
            let mark = self.mark();
            match self.idents() {
                Ok(columns) => alias.columns = columns,
                Err(error) if !typed => return Err(error),
                Err(_) => {
                    self.reset(mark);
                    alias.types = self.column_definitions()?;
                }
            }
        }
        Ok(Some(alias))
    }

    fn column_definitions(&mut self) -> Result<Vec<(Ident, TypeName)>> {
        self.paren_list(|parser| {
            let name = parser.ident()?;
            Ok((name, parser.type_name()?))
        })
    }
}
