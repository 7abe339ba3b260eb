//! `CREATE INDEX`.

use helios_base::Result;

use super::ast::{CreateIndex, IndexKey, OrderBy, Span, Statement, TextExpr};
use super::cursor::Parser;

impl Parser<'_> {
    pub(super) fn create_index(&mut self, unique: bool) -> Result<Statement> {
        if self.is_word("concurrently") {
            // Building an index never blocks readers; writers wait for the short commit only.
            self.advance();
        }
        let if_not_exists = self.eat_if_not_exists()?;
        let name = if self.is_word("on") {
            None
        } else {
            Some(self.ident()?)
        };
        if if_not_exists && name.is_none() {
            return Err(self.unexpected());
        }
        self.expect("on")?;
        self.eat("only");
        let table = self.name()?;
        let method = if self.eat("using") {
            Some(self.ident()?)
        } else {
            None
        };
        let keys = self.paren_list(Self::index_key)?;
        let include = if self.eat("include") {
            self.idents()?
        } else {
            Vec::new()
        };
        let nulls_not_distinct = self.eat_words("nulls not distinct");
        if !nulls_not_distinct {
            self.eat_words("nulls distinct");
        }
        let options = if self.eat("with") {
            self.storage_options()?
        } else {
            Vec::new()
        };
        if self.is_word("tablespace") {
            return Err(self.unsupported("TABLESPACE", self.pos()));
        }
        let filter = if self.eat("where") {
            let mark = self.mark();
            let expr = self.expr()?;
            Some(TextExpr {
                expr,
                span: self.span_since(mark),
            })
        } else {
            None
        };
        Ok(Statement::CreateIndex(Box::new(CreateIndex {
            name,
            if_not_exists,
            table,
            unique,
            nulls_not_distinct,
            method,
            keys,
            include,
            options,
            filter,
        })))
    }

    fn index_key(&mut self) -> Result<IndexKey> {
        let parens = self.is_punct("(");
        let mark = self.mark();
        let expr = self.restricted_expr()?;
        let mut span = self.span_since(mark);
        if parens && self.source.as_bytes().get(span.end.wrapping_sub(1)) == Some(&b')') {
            span = Span {
                start: span.start + 1,
                end: span.end - 1,
            };
        }
        // They order text by its bytes, as every index here does.
        let by_bytes = [
            "text_pattern_ops",
            "varchar_pattern_ops",
            "bpchar_pattern_ops",
        ];
        let plain = by_bytes.into_iter().any(|class| self.eat(class));
        let class = match !plain && self.is_ident() && !self.is_word("nulls") {
            true => Some(self.ident()?),
            false => None,
        };
        let (descending, nulls_first) = self.direction()?;
        Ok(IndexKey {
            key: OrderBy {
                expr,
                descending,
                nulls_first,
            },
            span,
            class,
        })
    }
}
