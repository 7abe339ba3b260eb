//! Branches: which one the session is on, and statements about them.

use helios_base::{Error, Result, SqlState};
use helios_version::{Branch, BranchSpec};

use super::Session;
use super::branch_options::branch_options;
use super::run::Sight;
use crate::plan::{BranchCommand, Cascade};

impl Session {
    /// Makes the branch called `name` the session's.
    ///
    /// # Errors
    /// `42704` if there is none; `25001` inside a transaction.
    pub(super) fn use_branch(&mut self, name: &str) -> Result<()> {
        self.check_no_block("USE BRANCH")?;
        let branch = self.branch_named(name)?;
        self.roll_back_implicit();
        self.branch = branch.id;
        self.state.set_branch(branch.id, &branch.name);
        self.activity.now.lock().branch.clone_from(&branch.name);
        Ok(())
    }

    fn branch_named(&self, name: &str) -> Result<Branch> {
        let store = self.engine.shared.tables.store();
        super::past::branch_named(store, name)
    }

    pub(super) fn branch_command(&mut self, sight: &Sight, command: &BranchCommand) -> Result<()> {
        let store = self.engine.shared.tables.store().clone();
        match command {
            BranchCommand::Use { name } => self.use_branch(name),
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
                let parent = match &from.branch {
                    Some(parent) => self.branch_named(parent)?.id,
                    None => self.branch,
                };
                let at = match &from.point {
                    Some(point) => {
                        let exec = self.exec(sight, &std::sync::Arc::default(), Vec::new());
                        Some(exec.in_root(|cx| crate::row::scn_of(point, cx))?)
                    }
                    None => None,
                };
                self.roll_back_implicit();
                store.create_branch(BranchSpec {
                    name: name.clone(),
                    parent,
                    at,
                    options: branch_options(options)?,
                })?;
                Ok(())
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
                let branch = self.branch_named(name)?;
                if branch.id == self.branch {
                    return Err(Error::new(
                        SqlState::OBJECT_IN_USE,
                        format!("cannot drop the current branch \"{name}\""),
                    )
                    .with_hint("Switch to another branch with USE BRANCH first."));
                }
                self.roll_back_implicit();
                self.drop_branch(&branch, *cascade == Cascade::Cascade)
            }
            BranchCommand::Rename { name, to } => {
                self.check_no_block("ALTER BRANCH")?;
                let branch = self.branch_named(name)?;
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
                    all.retain(|(known, _)| *known != name);
                    all.push((name, value));
                }
                all.sort();
                store.alter_branch(branch.id, &branch.name, all)
            }
            // Returns rows, so it is run elsewhere.
            BranchCommand::Merge(_) => Err(Error::internal("a merge among other commands")),
        }
    }

    fn drop_branch(&self, branch: &Branch, cascade: bool) -> Result<()> {
        let tables = &self.engine.shared.tables;
        let store = tables.store();
        if cascade {
            let children = store.branches();
            for child in children.iter().filter(|b| b.parent == Some(branch.id)) {
                self.drop_branch(child, true)?;
            }
        }
        store.drop_branch(branch.id)?;
        tables.forget_branch(branch.id);
        Ok(())
    }
}
