//! `MERGE`.

use helios_base::Result;

use super::ast::{Insert, Merge, MergeAction, MergeWhen, Name, Overriding, Query, QueryBody, With};
use super::cursor::Parser;
use crate::plan::MergeMatch;

impl Parser<'_> {
    pub(super) fn merge(&mut self, with: Option<With>) -> Result<Merge> {
        self.expect_words("merge into")?;
        self.eat("only");
        let table = self.name()?;
        self.eat_op("*");
        let alias = if self.eat("as") {
            Some(self.ident()?)
        } else if self.is_word("using") {
            None
        } else {
            self.eat_ident()
        };
        self.expect("using")?;
        let source = self.table_item()?;
        self.expect("on")?;
        let on = self.expr()?;
        let mut actions = vec![self.merge_when(&table)?];
        while self.is_word("when") {
            actions.push(self.merge_when(&table)?);
        }
        Ok(Merge {
            with,
            table,
            alias,
            source,
            on,
            actions,
            returning: self.returning()?,
        })
    }

    fn merge_when(&mut self, table: &Name) -> Result<MergeWhen> {
        let pos = self.pos();
        self.expect("when")?;
        let when = if self.eat("matched") {
            MergeMatch::Matched
        } else {
            self.expect_words("not matched")?;
            if self.eat_words("by source") {
                MergeMatch::BySource
            } else {
                self.eat_words("by target");
                MergeMatch::ByTarget
            }
        };
        let condition = if self.eat("and") {
            Some(self.expr()?)
        } else {
            None
        };
        self.expect("then")?;
        let action = if self.eat_words("do nothing") {
            MergeAction::Nothing
        } else if when == MergeMatch::ByTarget {
            MergeAction::Insert(Box::new(self.merge_insert(table)?))
        } else if self.eat("delete") {
            MergeAction::Delete
        } else {
            self.expect_words("update set")?;
            MergeAction::Update(self.comma_list(Self::set_item)?)
        };
        Ok(MergeWhen {
            when,
            condition,
            action,
            pos,
        })
    }

    fn merge_insert(&mut self, table: &Name) -> Result<Insert> {
        self.expect("insert")?;
        let columns = if self.is_punct("(") {
            self.paren_list(Self::target_column)?
        } else {
            Vec::new()
        };
        let overriding = self.overriding()?;
        let pos = self.pos();
        let source = if self.eat_words("default values") {
            None
        } else {
            self.expect("values")?;
            let row = self.paren_list(Self::expr)?;
            Some(Query::bare(QueryBody::Values(vec![row]), pos))
        };
        Ok(Insert {
            with: None,
            table: table.clone(),
            alias: None,
            columns,
            overriding,
            source,
            on_conflict: None,
            returning: None,
        })
    }

    /// `OVERRIDING { SYSTEM | USER } VALUE`
    pub(super) fn overriding(&mut self) -> Result<Option<Overriding>> {
        if !self.eat("overriding") {
            return Ok(None);
        }
        let which = if self.eat("system") {
            Overriding::System
        } else {
            self.expect("user")?;
            Overriding::User
        };
        self.expect("value")?;
        Ok(Some(which))
    }
}
