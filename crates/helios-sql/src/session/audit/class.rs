//! What kinds of statements there are for those who audit them.

use helios_base::{Error, Result, SqlState};

use crate::parse::ast::{Branch, CteBody, Query, Statement};

/// The kind of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Class {
    /// Queries and `COPY … TO`.
    Read = 1,
    /// Changes of rows, `COPY … FROM`, `TRUNCATE`, `CALL`.
    Write = 2,
    /// Definitions.
    Ddl = 4,
    /// Roles, memberships, privileges, policies, owners, and who one is.
    Role = 8,
    /// Branches made, merged and dropped.
    Branch = 16,
    /// `BEGIN`, `COMMIT` and their kin.
    Transaction = 32,
    /// Settings, cursors, maintenance: all else.
    Misc = 64,
    /// Who logs in, or tries to.
    Login = 128,
}

const NAMES: [(&str, Class); 8] = [
    ("read", Class::Read),
    ("write", Class::Write),
    ("ddl", Class::Ddl),
    ("role", Class::Role),
    ("branch", Class::Branch),
    ("transaction", Class::Transaction),
    ("misc", Class::Misc),
    ("login", Class::Login),
];

impl Class {
    pub(super) fn name(self) -> &'static str {
        let mut names = NAMES.iter();
        names
            .find(|(_, class)| *class == self)
            .map_or("misc", |(name, _)| name)
    }
}

/// Some of the kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::session) struct Classes(pub(super) u16);

impl Classes {
    /// Reads the setting: names separated by commas, `all` or `none`.
    ///
    /// # Errors
    /// `22023`
    pub(in crate::session) fn parse(text: &str) -> Result<Self> {
        let mut classes = Self::default();
        for name in text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let known = NAMES
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            classes.0 |= match known {
                Some((_, class)) => *class as u16,
                None if name.eq_ignore_ascii_case("all") => {
                    NAMES.iter().map(|(_, class)| *class as u16).sum()
                }
                None if name.eq_ignore_ascii_case("none") => 0,
                None => {
                    return Err(Error::new(
                        SqlState::INVALID_PARAMETER_VALUE,
                        format!("invalid value for parameter \"audit\": \"{text}\""),
                    )
                    .with_detail(format!("\"{name}\" is no class of statements."))
                    .with_hint(
                        "Available: read, write, ddl, role, branch, transaction, misc, login, all, none.",
                    ));
                }
            };
        }
        Ok(classes)
    }

    #[inline]
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(super) fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    pub(super) fn has(self, class: Class) -> bool {
        self.0 & class as u16 != 0
    }
}

/// The kind of a statement; of one that does several things, the gravest.
pub(super) fn class_of(statement: &Statement) -> Class {
    match statement {
        Statement::Query(query) => of_query(query),
        Statement::Declare(declare) => of_query(&declare.query),
        Statement::Explain(explain) => class_of(&explain.statement),
        Statement::Copy(copy) if copy.from => Class::Write,
        Statement::Copy(copy) => copy.query.as_ref().map_or(Class::Read, class_of),
        Statement::Insert(_)
        | Statement::Update(_)
        | Statement::Delete(_)
        | Statement::Merge(_)
        | Statement::Truncate(_)
        | Statement::Call(_) => Class::Write,
        Statement::CreateTable(_)
        | Statement::AlterTable(_)
        | Statement::CreateIndex(_)
        | Statement::CreateView(_)
        | Statement::CreateSequence(_)
        | Statement::AlterSequence(_)
        | Statement::CreateSchema { .. }
        | Statement::RenameSchema(..)
        | Statement::CreateFunction(_)
        | Statement::AlterFunction(_)
        | Statement::DropFunction(_)
        | Statement::CommentFunction(_)
        | Statement::RenameIndex { .. }
        | Statement::Drop(_)
        | Statement::Comment { .. }
        | Statement::CreateType(_)
        | Statement::AlterType(_)
        | Statement::Extension(_) => Class::Ddl,
        Statement::Role(_) | Statement::Policy(_) => Class::Role,
        Statement::Set { name, .. } | Statement::Reset(Some(name))
            if crate::session::roles::is_identity(name)
                || name.eq_ignore_ascii_case(super::NAME) =>
        {
            Class::Role
        }
        Statement::Branch(branch) if matches!(**branch, Branch::Use { .. }) => Class::Misc,
        Statement::Branch(_) => Class::Branch,
        Statement::Transaction(_) => Class::Transaction,
        Statement::Set { .. }
        | Statement::Show(_)
        | Statement::Reset(_)
        | Statement::Prepare { .. }
        | Statement::Execute { .. }
        | Statement::Deallocate(_)
        | Statement::Fetch(_)
        | Statement::Close(_)
        | Statement::Analyze(_)
        | Statement::Vacuum { .. }
        | Statement::Checkpoint
        | Statement::Listen(_)
        | Statement::Reindex(_)
        | Statement::Discard(_)
        | Statement::Lock { .. } => Class::Misc,
    }
}

fn of_query(query: &Query) -> Class {
    let mut ctes = query.with.iter().flat_map(|with| &with.ctes);
    match ctes.any(|cte| matches!(cte.body, CteBody::Change(_))) {
        true => Class::Write,
        false => Class::Read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::Script;

    #[test]
    fn statements_have_classes() {
        for (sql, class) in [
            ("SELECT 1", "read"),
            (
                "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
                "write",
            ),
            ("EXPLAIN ANALYZE UPDATE t SET a = 1", "write"),
            ("COPY t TO STDOUT", "read"),
            ("COPY t FROM STDIN", "write"),
            ("TRUNCATE t", "write"),
            ("DROP TABLE t", "ddl"),
            ("GRANT SELECT ON t TO a", "role"),
            ("SET ROLE a", "role"),
            ("SET audit = 'none'", "role"),
            ("SET work_mem = '1MB'", "misc"),
            ("CREATE BRANCH b", "branch"),
            ("USE BRANCH b", "misc"),
            ("COMMIT", "transaction"),
        ] {
            let parsed = Script::single(sql).unwrap().unwrap();
            assert_eq!(class_of(&parsed.statement).name(), class, "{sql}");
        }
    }

    #[test]
    fn the_setting_is_a_list() {
        let parse = |text| Classes::parse(text).map(|classes| classes.0).ok();
        assert_eq!(parse("none"), Some(0));
        assert_eq!(parse(""), Some(0));
        assert_eq!(parse("ddl, Role"), Some(12));
        assert_eq!(parse("all"), Some(255));
        assert_eq!(parse("ddl, everything"), None);
    }
}
