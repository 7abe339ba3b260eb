//! Statements that merge: our own grammar.

use helios_base::Result;

use super::ast::{Bisect, Branch, BranchMerge, Ident, MergeBranch, MergeHow, Point, Statement};
use super::cursor::Parser;
use super::lexer::Kind;

impl Parser<'_> {
    /// After `MERGE [DATABASE] BRANCH`.
    pub(super) fn merge_branch(&mut self) -> Result<Branch> {
        let source = self.branch_name()?;
        let target = self.merge_target()?;
        let how = self.merge_how()?;
        Ok(Branch::Merge(Box::new(BranchMerge::Branch(MergeBranch {
            source,
            target,
            how,
        }))))
    }

    fn merge_target(&mut self) -> Result<Option<Ident>> {
        if !self.eat("into") {
            return Ok(None);
        }
        if self.is_branch_after(0) {
            self.eat("database");
            self.expect("branch")?;
        }
        if self.eat("current") {
            return Ok(None);
        }
        self.branch_name().map(Some)
    }

    fn merge_how(&mut self) -> Result<MergeHow> {
        let mut how = MergeHow::default();
        loop {
            if how.strategy.is_none() && (self.eat_words("using strategy") || self.eat("strategy"))
            {
                self.eat_op("=");
                let strategy = self.label()?;
                if strategy.name.eq_ignore_ascii_case("custom") && self.eat_punct("(") {
                    let start = self.peek().start;
                    self.name()?;
                    let end = self.peek().start;
                    self.expect_punct(")")?;
                    let text = self.source.get(start..end).unwrap_or_default();
                    how.function = Some(text.trim().to_owned());
                }
                how.strategy = Some(strategy);
            } else if how.rule.is_none() && self.eat_words("with conflict resolution") {
                how.rule = Some(self.branch_name()?);
            } else if how.requiring.is_none() && self.eat("requiring") {
                how.requiring = Some(self.query_text()?);
            } else if !how.dry_run && self.eat_words("dry run") {
                how.dry_run = true;
            } else {
                return Ok(how);
            }
        }
    }

    /// The text of a query in parentheses.
    fn query_text(&mut self) -> Result<String> {
        self.expect_punct("(")?;
        let start = self.peek().start;
        self.query()?;
        let end = self.peek().start;
        self.expect_punct(")")?;
        let text = self.source.get(start..end).unwrap_or_default();
        Ok(text.trim().to_owned())
    }

    /// `BISECT (query) [ON BRANCH b] [BETWEEN a AND b]`
    pub(super) fn bisect(&mut self) -> Result<Statement> {
        self.expect("bisect")?;
        let query = self.query_text()?;
        let mut bisect = Bisect {
            query,
            low: None,
            high: None,
            branch: None,
        };
        loop {
            if bisect.branch.is_none() && self.eat("on") {
                self.eat("database");
                self.expect("branch")?;
                bisect.branch = Some(self.branch_name()?);
            } else if bisect.low.is_none() && bisect.high.is_none() && self.eat("between") {
                bisect.low = self.bisect_bound("minvalue", None)?;
                self.expect("and")?;
                bisect.high = self.bisect_bound("maxvalue", bisect.low.as_ref())?;
            } else {
                break;
            }
        }
        let merge = BranchMerge::Bisect(Box::new(bisect));
        Ok(Statement::Branch(Box::new(Branch::Merge(Box::new(merge)))))
    }

    /// A bound: a point, whose kind the second takes from the first.
    fn bisect_bound(&mut self, open: &str, first: Option<&Point>) -> Result<Option<Point>> {
        for kind in ["scn", "lsn", "timestamp"] {
            if self.is_word(kind) && self.is_word_at(1, open) {
                self.advance();
            }
        }
        if self.eat(open) {
            return Ok(None);
        }
        Ok(Some(match (self.moment()?, first) {
            (Point::Value(expr), Some(Point::Timestamp(_))) => Point::Timestamp(expr),
            (Point::Value(expr), Some(Point::Transaction(_))) => Point::Transaction(expr),
            (point, _) => point,
        }))
    }

    /// `COMPLETE MERGE`, `ABORT MERGE`.
    pub(super) fn end_merge(&mut self) -> Result<Statement> {
        let complete = self.label()?.name == "complete";
        self.expect("merge")?;
        let id = self.option_value()?;
        let merge = if complete {
            BranchMerge::Complete(id, self.eat_words("dry run"))
        } else {
            BranchMerge::Abort(id)
        };
        Ok(Statement::Branch(Box::new(Branch::Merge(Box::new(merge)))))
    }

    /// `CHERRY PICK TRANSACTION n`, `UNDO TRANSACTION n`.
    pub(super) fn merge_one(&mut self) -> Result<Statement> {
        let undo = self.label()?.name == "undo";
        if !undo {
            self.expect("pick")?;
        }
        self.expect("transaction")?;
        let token = self.peek();
        let number = match &token.kind {
            Kind::Number => self.text_of(token).parse().ok(),
            Kind::Text(text) => text.parse().ok(),
            _ => None,
        };
        let Some(txid) = number else {
            return Err(self.unexpected());
        };
        self.advance();
        let target = self.merge_target()?;
        let how = self.merge_how()?;
        let merge = BranchMerge::One {
            txid,
            undo,
            target,
            how,
        };
        Ok(Statement::Branch(Box::new(Branch::Merge(Box::new(merge)))))
    }

    /// `CREATE SNAPSHOT`, `DROP SNAPSHOT`.
    pub(super) fn snapshot_statement(&mut self) -> Result<Statement> {
        let create = self.label()?.name == "create";
        self.expect("snapshot")?;
        let merge = if create {
            let if_not_exists = self.eat_if_not_exists()?;
            let name = self.branch_name()?;
            let mut branch = None;
            if self.eat("on") || self.eat("from") {
                if self.is_branch_after(0) {
                    self.eat("database");
                    self.expect("branch")?;
                }
                if !self.eat("current") {
                    branch = Some(self.branch_name()?);
                }
            }
            BranchMerge::CreateSnapshot {
                name,
                if_not_exists,
                branch,
                at: self.as_of()?,
            }
        } else {
            let if_exists = self.eat_if_exists()?;
            BranchMerge::DropSnapshot {
                name: self.branch_name()?,
                if_exists,
            }
        };
        Ok(Statement::Branch(Box::new(Branch::Merge(Box::new(merge)))))
    }
}
