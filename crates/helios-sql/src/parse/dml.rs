//! `INSERT`, `UPDATE`, `DELETE`; [`super::merge`] reads `MERGE`.

use helios_base::Result;

use super::ast::{
    ConflictTarget, Delete, Expr, ExprKind, Ident, Insert, OnConflict, SelectItem, SetItem,
    Statement, TargetColumn, TargetPart, Update, With,
};
use super::cursor::Parser;
use super::expr::node;

impl Parser<'_> {
    pub(super) fn dml(&mut self, with: Option<With>) -> Result<Statement> {
        if self.is_word("insert") {
            let insert = self.insert(with)?;
            Ok(Statement::Insert(Box::new(insert)))
        } else if self.is_word("update") {
            let update = self.update(with)?;
            Ok(Statement::Update(Box::new(update)))
        } else if self.is_word("delete") {
            let delete = self.delete(with)?;
            Ok(Statement::Delete(Box::new(delete)))
        } else if self.is_word("merge") {
            let merge = self.merge(with)?;
            Ok(Statement::Merge(Box::new(merge)))
        } else {
            Err(self.unexpected())
        }
    }

    fn insert(&mut self, with: Option<With>) -> Result<Insert> {
        self.expect_words("insert into")?;
        let table = self.name()?;
        let alias = if self.eat("as") {
            Some(self.ident()?)
        } else {
            None
        };
        // A parenthesis begins either the columns or a query.
        let columns = if self.is_punct("(") && !self.is_query() {
            self.paren_list(Self::target_column)?
        } else {
            Vec::new()
        };
        let overriding = self.overriding()?;
        let source = if self.eat("default") {
            self.expect("values")?;
            None
        } else if self.is_query() {
            Some(self.query()?)
        } else {
            return Err(self.unexpected_inside());
        };
        let on_conflict = if self.is_words("on conflict") {
            Some(self.on_conflict()?)
        } else {
            None
        };
        Ok(Insert {
            with,
            table,
            alias,
            columns,
            overriding,
            source,
            on_conflict,
            returning: self.returning()?,
        })
    }

    /// A column to write, or a part of one.
    pub(super) fn target_column(&mut self) -> Result<TargetColumn> {
        let name = self.ident()?;
        let mut parts = Vec::new();
        loop {
            if self.is_punct("[") {
                parts.push(TargetPart::Subscripts(self.subscripts()?));
            } else if self.eat_punct(".") {
                parts.push(TargetPart::Field(self.label()?));
            } else {
                return Ok(TargetColumn { name, parts });
            }
        }
    }

    fn on_conflict(&mut self) -> Result<OnConflict> {
        let pos = self.pos();
        self.expect_words("on conflict")?;
        let target = if self.eat_words("on constraint") {
            ConflictTarget::Constraint(self.ident()?)
        } else if self.is_punct("(") {
            let keys = self.paren_list(|parser| {
                let key = parser.expr()?;
                Ok(match key.kind {
                    // A collation of the default kind changes nothing.
                    ExprKind::Collate { expr, .. } => *expr,
                    kind => node(kind, key.pos),
                })
            })?;
            ConflictTarget::Columns(keys, self.where_clause()?)
        } else {
            ConflictTarget::Any
        };
        self.expect("do")?;
        let update = if self.eat("nothing") {
            None
        } else {
            self.expect_words("update set")?;
            let set = self.comma_list(Self::set_item)?;
            Some((set, self.where_clause()?))
        };
        Ok(OnConflict {
            target,
            update,
            pos,
        })
    }

    pub(super) fn set_item(&mut self) -> Result<SetItem> {
        let row = self.is_punct("(");
        let columns = if row {
            self.paren_list(Self::target_column)?
        } else {
            vec![self.target_column()?]
        };
        if !self.eat_op("=") {
            return Err(self.unexpected());
        }
        let value = self.expr()?;
        Ok(SetItem {
            columns,
            row,
            value,
        })
    }

    pub(super) fn returning(&mut self) -> Result<Option<Vec<SelectItem>>> {
        if self.eat("returning") {
            self.select_items().map(Some)
        } else {
            Ok(None)
        }
    }

    fn target(&mut self) -> Result<(super::ast::Name, Option<Ident>)> {
        self.eat("only");
        let table = self.name()?;
        self.eat_op("*");
        let alias = if self.eat("as") {
            Some(self.ident()?)
        } else if self.is_word("set") {
            None
        } else {
            self.eat_ident()
        };
        Ok((table, alias))
    }

    /// `WHERE` condition, or `WHERE CURRENT OF` cursor.
    fn where_or_cursor(&mut self) -> Result<Option<Expr>> {
        let pos = self.pos();
        if !self.eat_words("where current of") {
            return self.where_clause();
        }
        Ok(Some(node(ExprKind::CurrentOf(self.ident()?), pos)))
    }

    fn update(&mut self, with: Option<With>) -> Result<Update> {
        self.expect("update")?;
        let (table, alias) = self.target()?;
        self.expect("set")?;
        let set = self.comma_list(Self::set_item)?;
        let from = if self.eat("from") {
            self.table_list()?
        } else {
            Vec::new()
        };
        let filter = self.where_or_cursor()?;
        Ok(Update {
            with,
            table,
            alias,
            set,
            from,
            filter,
            returning: self.returning()?,
        })
    }

    fn delete(&mut self, with: Option<With>) -> Result<Delete> {
        self.expect_words("delete from")?;
        let (table, alias) = self.target()?;
        let using = if self.eat("using") {
            self.table_list()?
        } else {
            Vec::new()
        };
        let filter = self.where_or_cursor()?;
        Ok(Delete {
            with,
            table,
            alias,
            using,
            filter,
            returning: self.returning()?,
        })
    }
}
