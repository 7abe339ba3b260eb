//! `CREATE POLICY`, `ALTER POLICY`, `DROP POLICY`, and `ALTER TABLE … ROW LEVEL SECURITY`.

use helios_base::Result;
use helios_table::catalog::PolicyCommand;
use helios_table::ddl::RowSecurityChange;

use super::ast::{PolicyAction, PolicyStatement, Statement, TextExpr};
use super::cursor::Parser;
use crate::plan::RoleSpec;

impl Parser<'_> {
    /// Whether `CREATE`, `ALTER` or `DROP` is of a policy.
    pub(super) fn is_policy_after(&self, ahead: usize) -> bool {
        self.is_word_at(ahead, "policy")
    }

    /// The three statements.
    pub(super) fn policy_statement(&mut self) -> Result<Statement> {
        let (create, alter) = (self.is_word("create"), self.is_word("alter"));
        self.advance();
        self.expect("policy")?;
        let if_exists = !create && !alter && self.eat_if_exists()?;
        let name = self.ident()?;
        self.expect("on")?;
        let table = self.name()?;
        let action = if create {
            self.new_policy()?
        } else if alter {
            self.changed_policy()?
        } else {
            // Nothing depends on a policy.
            self.cascade();
            PolicyAction::Drop { if_exists }
        };
        Ok(Statement::Policy(Box::new(PolicyStatement {
            name,
            table,
            action,
        })))
    }

    fn new_policy(&mut self) -> Result<PolicyAction> {
        let mut permissive = true;
        if self.eat("as") {
            if self.eat("restrictive") {
                permissive = false;
            } else if !self.eat("permissive") {
                let what = self.label()?.name;
                return Err(self
                    .syntax(
                        format!("unrecognized row security option \"{what}\""),
                        self.pos(),
                    )
                    .with_hint(
                        "Only PERMISSIVE or RESTRICTIVE policies are supported currently.",
                    ));
            }
        }
        let mut command = PolicyCommand::All;
        if self.eat("for") {
            let all = [
                PolicyCommand::All,
                PolicyCommand::Select,
                PolicyCommand::Insert,
                PolicyCommand::Update,
                PolicyCommand::Delete,
            ];
            let found = all
                .into_iter()
                .find(|known| self.eat(&known.word().to_lowercase()));
            command = found.ok_or_else(|| self.unexpected())?;
        }
        let roles = self.policy_roles()?.unwrap_or_default();
        let using = self.policy_using()?;
        let check = self.policy_check()?;
        Ok(PolicyAction::Create {
            permissive,
            command,
            roles,
            using,
            check,
        })
    }

    fn changed_policy(&mut self) -> Result<PolicyAction> {
        if self.eat_words("rename to") {
            return Ok(PolicyAction::Rename(self.ident()?));
        }
        Ok(PolicyAction::Alter {
            roles: self.policy_roles()?,
            using: self.policy_using()?,
            check: self.policy_check()?,
        })
    }

    fn policy_roles(&mut self) -> Result<Option<Vec<RoleSpec>>> {
        if !self.eat("to") {
            return Ok(None);
        }
        self.comma_list(Self::role_spec).map(Some)
    }

    fn policy_using(&mut self) -> Result<Option<TextExpr>> {
        if !self.eat("using") {
            return Ok(None);
        }
        self.policy_condition().map(Some)
    }

    fn policy_check(&mut self) -> Result<Option<TextExpr>> {
        if !self.eat_words("with check") {
            return Ok(None);
        }
        self.policy_condition().map(Some)
    }

    fn policy_condition(&mut self) -> Result<TextExpr> {
        self.expect_punct("(")?;
        let condition = self.text_expr()?;
        self.expect_punct(")")?;
        Ok(condition)
    }

    /// `ENABLE ROW LEVEL SECURITY` and its kin, in `ALTER TABLE`.
    pub(super) fn row_security_change(&mut self) -> Option<RowSecurityChange> {
        [
            ("enable row level security", RowSecurityChange::Enable),
            ("disable row level security", RowSecurityChange::Disable),
            ("force row level security", RowSecurityChange::Force),
            ("no force row level security", RowSecurityChange::NoForce),
        ]
        .into_iter()
        .find(|(words, _)| self.eat_words(words))
        .map(|(_, change)| change)
    }
}
