//! Statements about branches: our own grammar.

use helios_base::{Error, Result};

use super::ast::{Branch, Ident, Name, Pos, Statement, StorageOption};
use super::cursor::Parser;
use super::lexer::Kind;
use crate::plan::OwnerKind;

impl Parser<'_> {
    /// Whether `[DATABASE] BRANCH` stands `ahead` of the next token.
    pub(super) fn is_branch_after(&self, ahead: usize) -> bool {
        self.is_word_at(ahead, "branch")
            || (self.is_word_at(ahead, "database") && self.is_word_at(ahead + 1, "branch"))
    }

    /// The name of a branch: a name, or a string, since branches are often called `fix/issue-7`.
    pub(super) fn branch_name(&mut self) -> Result<Ident> {
        let pos = self.pos();
        if matches!(self.peek().kind, Kind::Text(_)) {
            let name = self.string()?;
            return Ok(Ident { name, pos });
        }
        self.ident()
    }

    pub(super) fn branch_statement(&mut self) -> Result<Statement> {
        let verb = self.label()?.name;
        self.eat("database");
        self.expect("branch")?;
        let branch = match verb.as_str() {
            "use" => {
                let name = self.branch_name()?;
                let transaction = self.eat_words("for transaction");
                if !transaction {
                    self.eat_words("for session");
                }
                Branch::Use { name, transaction }
            }
            "create" => self.create_branch()?,
            "drop" => {
                let if_exists = self.eat_if_exists()?;
                let name = self.branch_name()?;
                Branch::Drop {
                    name,
                    if_exists,
                    cascade: self.cascade(),
                }
            }
            "alter" => {
                let name = self.branch_name()?;
                if self.is_words("owner to") {
                    let name = Name { schema: None, name };
                    return self.owner_to(OwnerKind::Branch, name, false, "ALTER BRANCH");
                }
                if self.eat_words("rename to") {
                    Branch::Rename(name, self.branch_name()?)
                } else {
                    self.expect("set")?;
                    Branch::Set(name, self.branch_settings()?)
                }
            }
            _ => self.merge_branch()?,
        };
        Ok(Statement::Branch(Box::new(branch)))
    }

    fn create_branch(&mut self) -> Result<Branch> {
        let if_not_exists = self.eat_if_not_exists()?;
        let name = self.branch_name()?;
        let mut parent = None;
        if self.eat("from") {
            self.eat_words("database branch");
            self.eat("branch");
            if self.is_word("cluster") {
                let pos = self.pos();
                return Err(self.only_on_clusters("FROM CLUSTER", pos).with_hint(
                    "Name a branch of this database, as in FROM main; a branch that is called \"cluster\" is written in quotes.",
                ));
            }
            // `FROM CURRENT` is the branch of the session, as is nothing at all.
            if !self.eat("current") {
                parent = Some(self.branch_name()?);
            }
        }
        let at = self.as_of()?;
        if let Some(branch) = at.as_ref().and_then(|at| at.branch.as_ref()) {
            return Err(self
                .syntax("a branch is created from one parent", branch.pos)
                .with_hint("Name the parent in FROM."));
        }
        Ok(Branch::Create {
            name,
            if_not_exists,
            parent,
            at,
            options: self.create_options()?,
        })
    }

    /// `WITH (…)`, `OPTIONS (…)`, and the clauses that say where in a cluster.
    fn create_options(&mut self) -> Result<Vec<StorageOption>> {
        let mut options = Vec::new();
        loop {
            let pos = self.pos();
            for clause in ["on storage node", "with compute endpoint"] {
                if self.is_words(clause) {
                    return Err(self.only_on_clusters(&clause.to_uppercase(), pos).with_hint(
                        "This database runs in one process, which holds and computes everything.",
                    ));
                }
            }
            if !self.is_word("with") && !self.is_word("options") {
                return Ok(options);
            }
            self.advance();
            options.extend(self.storage_options()?);
        }
    }

    fn only_on_clusters(&self, clause: &str, pos: Pos) -> Error {
        let error = Error::unsupported(format!("{clause} is only supported on a cluster"));
        self.at_pos(error, pos)
    }

    /// The value of an option behind `INTERVAL`: `'3 days'`, `'3' DAY`.
    pub(super) fn interval_value(&mut self) -> Result<String> {
        const UNITS: [&str; 7] = ["year", "month", "week", "day", "hour", "minute", "second"];
        let mut text = self.string()?;
        if let Some(unit) = UNITS.iter().find(|unit| self.is_word(unit)) {
            self.advance();
            text = format!("{text} {unit}");
        }
        Ok(text)
    }

    /// `READ_ONLY`, `WRITABLE` or settings in parentheses.
    fn branch_settings(&mut self) -> Result<Vec<StorageOption>> {
        let pos = self.pos();
        let read_only = if self.eat("read_only") || self.eat_words("read only") {
            "true"
        } else if self.eat("writable") {
            "false"
        } else {
            return self.storage_options();
        };
        Ok(vec![StorageOption {
            name: "read_only".to_owned(),
            value: read_only.to_owned(),
            pos,
        }])
    }
}

impl Ident {
    /// A name that was not written.
    #[must_use]
    pub fn implied(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            pos: Pos::default(),
        }
    }
}
