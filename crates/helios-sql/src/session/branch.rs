//! Branches: which one the session is on, and statements about them.

use helios_base::{BranchId, Error, Result, Scn, SqlState, Value};
use helios_table::catalog::Privileges;
use helios_version::{Branch, BranchSpec};

use super::Session;
use super::branch_options::{NONE, branch_options};
use super::run::Sight;
use crate::plan::{AsOf, BranchCommand, Cascade, Point};

impl Session {
    /// Makes the branch called `name` the session's.
    ///
    /// # Errors
    /// `42704` if there is none; `25001` inside a transaction.
    pub(super) fn use_branch(&mut self, name: &str) -> Result<()> {
        self.check_no_block("USE BRANCH").map_err(|error| {
            error.with_hint(
                "End the transaction first, or write USE BRANCH ... FOR TRANSACTION as its first statement.",
            )
        })?;
        let branch = self.branch_named(name)?;
        self.state.check_branch(&branch, Privileges::USAGE)?;
        self.roll_back_implicit();
        self.go_to(&branch);
        Ok(())
    }

    /// Puts the session on the branch that its connection was made to, as far as that is still there.
    pub(super) fn go_to_first(&mut self) {
        let store = self.engine.shared.tables.store();
        if let Some(branch) = store.branch_by_id(self.first_branch) {
            self.go_to(&branch);
        }
    }

    /// An error of a session whose branch was dropped says so.
    pub(super) fn because_gone(&self, error: Error) -> Error {
        let store = self.engine.shared.tables.store();
        if store.branch_by_id(self.branch).is_some() {
            return error;
        }
        let root = store.branch_by_id(BranchId::MAIN);
        let root = root.map_or_else(String::new, |root| root.name);
        Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("branch \"{}\" does not exist", self.state.branch_name()),
        )
        .with_detail("It was dropped while the session was on it.")
        .with_hint(format!(
            "USE BRANCH {} goes on there.",
            crate::parse::quote_ident(&root)
        ))
    }

    /// From now on the session is on this branch.
    pub(super) fn go_to(&mut self, branch: &Branch) {
        self.branch = branch.id;
        self.state.set_branch(branch.id, &branch.name);
        self.activity.now.lock().branch.clone_from(&branch.name);
    }

    /// Refuses the name of a snapshot for a branch.
    fn check_no_snapshot(&self, name: &str) -> Result<()> {
        let store = self.engine.shared.tables.store();
        match store.pins().iter().any(|(pin, ..)| pin == name) {
            true => Err(super::snapshots::name_taken("snapshot", name)),
            false => Ok(()),
        }
    }

    fn branch_named(&self, name: &str) -> Result<Branch> {
        let store = self.engine.shared.tables.store();
        super::past::branch_named(store, name)
    }

    pub(super) fn branch_command(&mut self, sight: &Sight, command: &BranchCommand) -> Result<()> {
        let store = self.engine.shared.tables.store().clone();
        match command {
            BranchCommand::Use {
                name,
                transaction: false,
            } => self.use_branch(name),
            BranchCommand::Use {
                name,
                transaction: true,
            } => self.use_branch_in_transaction(name),
            BranchCommand::Create {
                name,
                if_not_exists,
                from,
                options,
            } => {
                self.check_no_block("CREATE BRANCH")?;
                if *if_not_exists && store.branch(name).is_some() {
                    self.notice(format!("branch \"{name}\" already exists, skipping"));
                    return Ok(());
                }
                self.check_no_snapshot(name)?;
                let (parent, at) = self.point_of(sight, from)?;
                self.check_existed(from, at)?;
                let mut options = branch_options(options)?;
                options.retain(|(_, value)| value != NONE);
                self.roll_back_implicit();
                let branch = store.create_branch(BranchSpec {
                    name: name.clone(),
                    parent,
                    at,
                    options,
                })?;
                self.own_branch(branch.id)
            }
            BranchCommand::Drop {
                name,
                if_exists,
                cascade,
            } => {
                self.check_no_block("DROP BRANCH")?;
                if *if_exists && store.branch(name).is_none() {
                    self.notice(format!("branch \"{name}\" does not exist, skipping"));
                    return Ok(());
                }
                self.drop_branch(name, *cascade == Cascade::Cascade)
            }
            BranchCommand::Rename { name, to } => {
                self.check_no_block("ALTER BRANCH")?;
                let branch = self.branch_named(name)?;
                self.check_no_snapshot(to)?;
                store.alter_branch(branch.id, to, branch.options)?;
                if branch.id == self.branch {
                    self.state.set_branch(branch.id, to);
                }
                Ok(())
            }
            BranchCommand::Set { name, options } => {
                self.check_no_block("ALTER BRANCH")?;
                let branch = self.branch_named(name)?;
                self.roll_back_implicit();
                let mut all = branch.options;
                for (name, value) in branch_options(options)? {
                    if name == super::expiry::OPTION && branch.parent.is_none() && value != NONE {
                        return Err(Error::new(
                            SqlState::INVALID_PARAMETER_VALUE,
                            format!("branch \"{}\" cannot expire", branch.name),
                        )
                        .with_detail("It is the root of all branches."));
                    }
                    all.retain(|(known, _)| *known != name);
                    if value != NONE {
                        all.push((name, value));
                    }
                }
                all.sort();
                store.alter_branch(branch.id, &branch.name, all)
            }
            // Returns rows, so it is run elsewhere.
            BranchCommand::Merge(_) => Err(Error::internal("a merge among other commands")),
        }
    }

    /// The branch and the change number that a clause names; the session's branch, and no number,
    /// where it does not.
    pub(super) fn point_of(&self, sight: &Sight, of: &AsOf) -> Result<(BranchId, Option<Scn>)> {
        let store = self.engine.shared.tables.store();
        let (pinned, scn) = match &of.point {
            Some(point) => {
                let exec = self.exec(sight, &std::sync::Arc::default(), Vec::new());
                exec.in_root(|cx| {
                    let branch = crate::row::snapshot_branch(point, store, &cx.context())?;
                    Ok((branch, Some(crate::row::scn_of(point, cx)?)))
                })?
            }
            None => (None, None),
        };
        let branch = match &of.branch {
            Some(branch) => self.branch_named(branch)?.id,
            None => pinned.unwrap_or(self.branch),
        };
        Ok((branch, scn))
    }

    /// Refuses a time before the first commit: what is made of it would be empty, which nobody
    /// wants.
    fn check_existed(&self, of: &AsOf, scn: Option<Scn>) -> Result<()> {
        if !matches!(
            (&of.point, scn),
            (Some(Point::Timestamp(_)), Some(Scn::ZERO))
        ) {
            return Ok(());
        }
        let error = Error::new(
            SqlState::SNAPSHOT_TOO_OLD,
            "the database did not exist at that time",
        );
        let first = self.engine.shared.tables.store().commit_info(Scn(1))?;
        Err(match first {
            Some(first) => error.with_detail(format!(
                "Its first commit was made at {}.",
                Value::TimestampTz(first.time).to_text(
                    &helios_base::DataType::TimestampTz(None),
                    &helios_base::TextContext::default()
                )
            )),
            None => error,
        })
    }
}
