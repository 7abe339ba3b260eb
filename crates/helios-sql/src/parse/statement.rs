//! Which statement begins here.

use helios_base::Result;

use super::ast::Statement;
use super::cursor::Parser;

impl Parser<'_> {
    /// One statement; the semicolon after it is left.
    pub(super) fn statement(&mut self) -> Result<Statement> {
        use super::lexer::Kind;
        if self.is_query() && !self.with_leads_to_dml() {
            return Ok(Statement::Query(Box::new(self.query()?)));
        }
        let token = self.peek();
        let pos = self.pos();
        let Kind::Word(word) = &token.kind else {
            return Err(self.unexpected_inside());
        };
        match word.as_str() {
            "with" => {
                let with = self.with_clause()?;
                self.dml(with)
            }
            "insert" | "update" | "delete" => self.dml(None),
            "merge" if self.is_branch_after(1) => self.branch_statement(),
            "merge" => self.dml(None),
            "use" => self.branch_statement(),
            "create" | "alter" | "drop" if self.is_role_after(1) => self.role_statement(),
            "create" | "alter" | "drop" if self.is_policy_after(1) => self.policy_statement(),
            "grant" | "revoke" => self.grant_statement(),
            "reassign" => {
                self.advance();
                self.reassign_owned()
            }
            "drop" if self.is_word_at(1, "owned") => {
                self.advance();
                self.drop_owned()
            }
            "create" if self.is_branch_after(1) => self.branch_statement(),
            "create" | "drop" if self.is_word_at(1, "snapshot") => self.snapshot_statement(),
            "complete" => self.end_merge(),
            "abort" if self.is_word_at(1, "merge") => self.end_merge(),
            "cherry" | "undo" => self.merge_one(),
            "bisect" => self.bisect(),
            "create" => self.create(),
            "alter" if self.is_branch_after(1) => self.branch_statement(),
            "alter" => self.alter(),
            "drop" if self.is_branch_after(1) => self.branch_statement(),
            "drop" => self.drop_statement(),
            "truncate" => self.truncate(),
            "comment" => self.comment(),
            "copy" => self.copy(),
            "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint"
            | "release" => self.transaction(),
            "set" => self.set(),
            "show" => self.show(),
            "reset" => self.reset_statement(),
            "explain" => self.explain(),
            "prepare" => self.prepare(),
            "execute" => self.execute(),
            "deallocate" => self.deallocate(),
            "declare" => self.declare(),
            "fetch" | "move" => self.fetch(),
            "close" => self.close(),
            "analyze" | "analyse" | "vacuum" => self.maintenance(),
            "checkpoint" => {
                self.advance();
                Ok(Statement::Checkpoint)
            }
            "reindex" => self.reindex(),
            "discard" => self.discard(),
            "lock" => self.lock_table(),
            "call" => self.call_statement(),
            "listen" | "unlisten" | "notify" => self.listen(),
            "do" | "refresh" | "cluster" | "security" | "import" | "load" => {
                Err(self.unsupported(word.to_uppercase(), pos))
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Whether the `WITH` that begins here belongs to a statement that changes rows: looks for
    /// the first such word, or `SELECT`, outside parentheses.
    pub(super) fn with_leads_to_dml(&self) -> bool {
        use super::lexer::Kind;
        if !self.is_word("with") {
            return false;
        }
        let mut depth = 0usize;
        let mut ahead = 1;
        loop {
            let token = self.peek_at(ahead);
            match &token.kind {
                Kind::End => return false,
                Kind::Punct => match self.text_of(token) {
                    "(" => depth += 1,
                    ")" if depth == 0 => return false,
                    ")" => depth -= 1,
                    ";" => return false,
                    _ => {}
                },
                Kind::Word(word) if depth == 0 => match word.as_str() {
                    "insert" | "update" | "delete" | "merge" => return true,
                    "select" | "values" | "table" => return false,
                    _ => {}
                },
                _ => {}
            }
            ahead += 1;
        }
    }
}
