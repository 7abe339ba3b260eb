//! `AS OF`, `VERSIONS BETWEEN`, `FOR SYSTEM_TIME`, and what other databases call these.

use helios_base::Result;

use super::ast::{AsOf, Expr, ExprKind, Ident, Point, TableAlias, Versions};
use super::cursor::Parser;
use super::lexer::Kind;
use crate::plan::VersionRange;

/// The words that make `AS OF` a moment and not an alias called "of".
const MOMENTS: [&str; 9] = [
    "timestamp",
    "transaction",
    "scn",
    "lsn",
    "branch",
    "now",
    "snapshot",
    "system_time",
    "system",
];

/// What may stand before `=>` in `AT (…)`.
const AT_ARGUMENTS: [&str; 7] = [
    "timestamp",
    "offset",
    "statement",
    "stream",
    "scn",
    "lsn",
    "transaction",
];

/// What one clause says.
enum Clause {
    Branch(Ident),
    Point(Point),
    Versions(Versions),
}

impl Parser<'_> {
    /// Clauses about history and the alias, in either order.
    pub(super) fn as_of_and_alias(
        &mut self,
        branch: Option<Ident>,
    ) -> Result<(Option<AsOf>, Option<TableAlias>)> {
        let mut at = branch.map(|branch| AsOf {
            pos: branch.pos,
            branch: Some(branch),
            point: None,
            versions: None,
        });
        self.clauses(&mut at)?;
        let alias = if self.begins_clause() {
            None
        } else {
            self.table_alias(false)?
        };
        self.clauses(&mut at)?;
        Ok((at, alias))
    }

    /// `branch.x.` before the name of a table: in a name of three or four parts the first would be
    /// a database, and none but ours can be named.
    pub(super) fn branch_qualifier(&mut self) -> Result<Option<Ident>> {
        if !self.is_word("branch") || !self.is_punct_at(1, ".") || !self.is_punct_at(3, ".") {
            return Ok(None);
        }
        self.advance();
        self.expect_punct(".")?;
        let branch = self.label()?;
        self.expect_punct(".")?;
        Ok(Some(branch))
    }

    /// `AS OF …` or another spelling of it, if one begins here; not a range.
    pub(super) fn as_of(&mut self) -> Result<Option<AsOf>> {
        let mut at = None;
        self.clauses(&mut at)?;
        match &at {
            Some(AsOf {
                versions: Some(_),
                pos,
                ..
            }) => Err(self.syntax("a range of versions is no moment", *pos)),
            _ => Ok(at),
        }
    }

    /// All clauses that begin here: `AS OF BRANCH b AS OF SCN n` says both.
    fn clauses(&mut self, at: &mut Option<AsOf>) -> Result<()> {
        while self.begins_clause() {
            let pos = self.pos();
            let clauses = self.clause()?;
            let all = at.get_or_insert_with(|| AsOf {
                branch: None,
                point: None,
                versions: None,
                pos,
            });
            for clause in clauses {
                let twice = match clause {
                    Clause::Branch(branch) => all.branch.replace(branch).is_some(),
                    Clause::Point(point) => all.point.replace(point).is_some(),
                    Clause::Versions(versions) => all.versions.replace(versions).is_some(),
                };
                if twice {
                    return Err(self.syntax("AS OF given twice for the same table", pos));
                }
            }
        }
        Ok(())
    }

    fn begins_clause(&self) -> bool {
        self.begins_as_of()
            || self.is_words("for system_time")
            || self.is_words("versions between")
            || self.is_words("version as of")
            || self.is_words("timestamp as of")
            || self.begins_at()
    }

    /// `AS OF` and something that cannot follow an alias called "of".
    fn begins_as_of(&self) -> bool {
        if !self.is_words("as of") {
            return false;
        }
        if MOMENTS.iter().any(|word| self.is_word_at(2, word)) {
            return true;
        }
        match &self.peek_at(2).kind {
            Kind::Number | Kind::Text(_) | Kind::Param(_) | Kind::Quoted(_) => true,
            Kind::Word(word) => super::keyword::is_name(word),
            _ => false,
        }
    }

    /// `AT (TIMESTAMP => …)`, `BEFORE (…)`: an argument's name tells it from an alias with columns.
    fn begins_at(&self) -> bool {
        (self.is_word("at") || self.is_word("before"))
            && self.is_punct_at(1, "(")
            && AT_ARGUMENTS.iter().any(|word| self.is_word_at(2, word))
            && self.is_arrow_at(3)
    }

    fn is_arrow_at(&self, ahead: usize) -> bool {
        self.text_of(self.peek_at(ahead)) == "=>"
    }

    fn clause(&mut self) -> Result<Vec<Clause>> {
        if self.eat_words("for system_time") {
            return Ok(vec![self.system_time()?]);
        }
        if self.eat_words("versions between") {
            return Ok(vec![self.versions()?]);
        }
        if self.eat_words("version as of") {
            let point = Point::Scn(self.point_expr()?);
            return Ok(vec![Clause::Point(point)]);
        }
        if self.eat_words("timestamp as of") {
            let point = Point::Timestamp(self.point_expr()?);
            return Ok(vec![Clause::Point(point)]);
        }
        if self.begins_at() {
            return Ok(vec![self.at_arguments()?]);
        }
        self.expect_words("as of")?;
        if !self.eat("branch") {
            return Ok(vec![Clause::Point(self.moment()?)]);
        }
        let mut clauses = vec![Clause::Branch(self.branch_name()?)];
        if self.is_word("at") && !self.is_punct_at(1, "(") {
            self.advance();
            clauses.push(Clause::Point(self.moment()?));
        }
        Ok(clauses)
    }

    /// What follows `AS OF`, or `AT` behind a branch.
    pub(super) fn moment(&mut self) -> Result<Point> {
        if self.eat("now") {
            if self.eat_punct("(") {
                self.expect_punct(")")?;
            }
            return Ok(Point::Now);
        }
        if self.eat("snapshot") {
            return Ok(Point::Snapshot(self.snapshot_name()?));
        }
        let make = if self.eat("scn") || self.eat("lsn") {
            Point::Scn
        } else if self.eat("transaction") {
            Point::Transaction
        } else if self.eat("timestamp") || self.eat("system_time") || self.eat_words("system time")
        {
            Point::Timestamp
        } else {
            Point::Value
        };
        Ok(make(self.point_expr()?))
    }

    /// The name of a snapshot, or an expression that gives it.
    fn snapshot_name(&mut self) -> Result<Box<Expr>> {
        if !matches!(self.peek().kind, Kind::Word(_) | Kind::Quoted(_)) {
            return self.point_expr();
        }
        let name = self.ident()?;
        Ok(Box::new(Expr {
            kind: ExprKind::Text(name.name),
            pos: name.pos,
        }))
    }

    /// An expression, up to an alias or the next clause.
    fn point_expr(&mut self) -> Result<Box<Expr>> {
        Ok(Box::new(self.restricted_expr_before_in()?))
    }

    /// What follows `FOR SYSTEM_TIME`, by SQL:2011.
    fn system_time(&mut self) -> Result<Clause> {
        if self.eat_words("as of") {
            self.eat("timestamp");
            return Ok(Clause::Point(Point::Timestamp(self.point_expr()?)));
        }
        let mut versions = Versions {
            range: VersionRange::All,
            timestamp: true,
            low: None,
            high: None,
        };
        if self.eat("from") {
            versions.range = VersionRange::FromTo;
            versions.low = Some(self.point_expr()?);
            self.expect("to")?;
            versions.high = Some(self.point_expr()?);
        } else if self.eat("between") {
            versions.range = VersionRange::Between;
            versions.low = Some(self.point_expr()?);
            self.expect("and")?;
            versions.high = Some(self.point_expr()?);
        } else if self.eat_words("contained in") {
            versions.range = VersionRange::ContainedIn;
            self.expect_punct("(")?;
            versions.low = Some(self.point_expr()?);
            self.expect_punct(",")?;
            versions.high = Some(self.point_expr()?);
            self.expect_punct(")")?;
        } else {
            self.expect("all")?;
        }
        Ok(Clause::Versions(versions))
    }

    /// What follows `VERSIONS BETWEEN`.
    fn versions(&mut self) -> Result<Clause> {
        let timestamp = self.eat("timestamp");
        if !timestamp && !self.eat("scn") {
            self.expect("lsn")?;
        }
        let low = self.version_bound("minvalue")?;
        self.expect("and")?;
        let high = self.version_bound("maxvalue")?;
        Ok(Clause::Versions(Versions {
            range: VersionRange::Changes,
            timestamp,
            low,
            high,
        }))
    }

    fn version_bound(&mut self, open: &str) -> Result<Option<Box<Expr>>> {
        if self.eat(open) {
            Ok(None)
        } else {
            self.point_expr().map(Some)
        }
    }

    /// `AT (…)` and `BEFORE (…)` as Snowflake has them.
    fn at_arguments(&mut self) -> Result<Clause> {
        let pos = self.pos();
        let before = !self.eat("at");
        if before {
            self.advance();
        }
        self.expect_punct("(")?;
        let what = self.label()?;
        // The arrow.
        self.advance();
        let expr = Box::new(self.expr()?);
        self.expect_punct(")")?;
        let point = match what.name.as_str() {
            "statement" | "stream" => {
                let what = format!(
                    "{} ({} => …)",
                    if before { "BEFORE" } else { "AT" },
                    what.name.to_uppercase()
                );
                return Err(self
                    .unsupported(what, pos)
                    .with_hint("Use AT (TIMESTAMP => …) or AS OF TRANSACTION."));
            }
            _ if before => {
                return Err(self
                    .unsupported("BEFORE with a moment", pos)
                    .with_hint("Use AT with the moment before."));
            }
            "timestamp" => Point::Timestamp(expr),
            "offset" => Point::Offset(expr),
            "transaction" => Point::Transaction(expr),
            _ => Point::Scn(expr),
        };
        Ok(Clause::Point(point))
    }
}
