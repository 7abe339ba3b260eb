//! Privileges on branches. Who owns a branch and who may do what with it is kept in the catalog of the main branch, as roles are:
//! `USAGE` to be on it or to read it, `CREATE` to make branches of it, `MERGE` to merge into it.

use std::sync::Arc;

use helios_base::{BranchId, Error, Result, SqlState};
use helios_table::catalog::{Catalog, Privileges, Securable, Who, branch_object};
use helios_table::merge::{Action, Strategy};
use helios_version::{Branch, TxnOptions};

use super::not_owner;
use crate::bind::access::denied;
use crate::plan::{
    AsOf, BranchCommand, GrantTarget, MergeCommand, MergeHow, OwnerKind, RoleCommand,
};
use crate::session::Session;
use crate::session::engine::Shared;
use crate::session::past::branch_named;
use crate::session::state::State;

impl State {
    /// Refuses a branch on which the role has not all of `wanted`.
    ///
    /// # Errors
    /// `42501`
    pub(in crate::session) fn check_branch(
        &self,
        branch: &Branch,
        wanted: Privileges,
    ) -> Result<()> {
        let (who, _) = self.who_now()?;
        if who.superuser || has(&who, &*self.home_catalog()?, branch.id, wanted) {
            return Ok(());
        }
        Err(denied("branch", &branch.name))
    }

    /// As [`State::check_branch`], where a branch that is gone is nobody's.
    pub(in crate::session) fn check_branch_use(&self, branch: BranchId) -> Result<()> {
        match self.tables.store().branch_by_id(branch) {
            Some(branch) => self.check_branch(&branch, Privileges::USAGE),
            None => Ok(()),
        }
    }

    /// Refuses a branch that the role does not own.
    ///
    /// # Errors
    /// `42501`
    pub(in crate::session) fn check_owns_branch(&self, branch: &Branch) -> Result<()> {
        let (who, _) = self.who_now()?;
        if who.superuser || who.owns(&*self.home_catalog()?, branch_object(branch.id)) {
            return Ok(());
        }
        Err(not_owner("branch", &branch.name))
    }
}

fn has(who: &Who, home: &Catalog, branch: BranchId, wanted: Privileges) -> bool {
    who.has(home, Securable::Branch, branch_object(branch), wanted)
        .has(wanted)
}

impl Session {
    /// Refuses a statement about branches that a role that is no superuser may not run. Branches that are not there are told of
    /// when they are looked for in earnest.
    pub(super) fn authorize_branch(&self, who: &Who, command: &BranchCommand) -> Result<()> {
        let state = &self.state;
        let store = self.engine.store();
        let owns = |name: &str| match store.branch(name) {
            Some(branch) => state.check_owns_branch(&branch),
            None => Ok(()),
        };
        match command {
            // These look when they know which branch it is.
            BranchCommand::Use { .. }
            | BranchCommand::Drop { .. }
            | BranchCommand::Merge(
                MergeCommand::CreateSnapshot { .. } | MergeCommand::DropSnapshot { .. },
            ) => Ok(()),
            BranchCommand::Create { from, .. } => self.may_branch_from(who, from),
            BranchCommand::Rename { name, .. } | BranchCommand::Set { name, .. } => owns(name),
            BranchCommand::Merge(MergeCommand::Branch {
                source,
                target,
                how,
            }) => {
                if let Some(source) = store.branch(source) {
                    state.check_branch(&source, Privileges::USAGE)?;
                }
                let target = match target {
                    Some(name) => store.branch(name),
                    None => store.branch_by_id(self.branch),
                };
                if let Some(target) = target {
                    state.check_branch(&target, Privileges::MERGE)?;
                }
                plain_merge(how)
            }
            BranchCommand::Merge(merge) => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("must be superuser to run {}", merge.tag()),
            )),
        }
    }

    /// A branch has the privileges that its parent has at that moment: one of the past would bring back what was taken since.
    fn may_branch_from(&self, who: &Who, from: &AsOf) -> Result<()> {
        if from.point.is_some() {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                "must be superuser to create a branch of the past",
            )
            .with_detail("It would have the privileges of that time."));
        }
        let store = self.engine.store();
        let parent = match &from.branch {
            Some(name) => branch_named(store, name)?,
            None => match store.branch_by_id(self.branch) {
                Some(here) => here,
                None => return Ok(()),
            },
        };
        self.state.check_branch(&parent, Privileges::USAGE)?;
        let roles = self.state.roles()?;
        let may = roles
            .by_id(who.role)
            .is_some_and(|role| role.attributes.create_db);
        match may {
            true => Ok(()),
            false => self.state.check_branch(&parent, Privileges::CREATE),
        }
    }

    /// A new branch is its maker's.
    ///
    /// # Errors
    /// As a commit; then the branch is the first superuser's.
    pub(in crate::session) fn own_branch(&self, branch: BranchId) -> Result<()> {
        let (who, _) = self.who()?;
        let object = branch_object(branch);
        if self.state.home_catalog()?.owner(object) == who.role {
            return Ok(());
        }
        // Also where people may not write to the main branch.
        let tables = &self.engine.shared.tables;
        let txn = tables.begin(TxnOptions::default())?;
        txn.set_owner(object, who.role)?;
        txn.commit().map(drop)
    }

    /// Runs a statement about privileges on branches where they are kept.
    pub(super) fn branch_privileges(
        &mut self,
        what: &str,
        work: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        if self.branch == BranchId::MAIN {
            self.check_not_looking_back(what)?;
            self.check_writable(what)?;
            return work(self);
        }
        self.check_no_block(what).map_err(|error| {
            error.with_hint(
                "Inside a transaction privileges on branches are changed on the main branch only.",
            )
        })?;
        self.roll_back_implicit();
        self.at_home(work)
    }

    /// Runs `work` on the main branch, in a transaction of its own.
    fn at_home(&mut self, work: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let main = self.engine.store().branch_by_id(BranchId::MAIN);
        let main = main.ok_or_else(|| Error::internal("there is no main branch"))?;
        self.on_branch(&main, |session| {
            session.begin_own()?;
            work(session)?;
            session.commit_own().map(drop)
        })
    }

    /// Runs `work` as the system itself, which keeps its books whoever causes an entry.
    pub(in crate::session) fn as_system<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let system = Arc::new(Who::bootstrap());
        let outer = self.state.definer.lock().replace(system);
        let done = work(self);
        *self.state.definer.lock() = outer;
        done
    }

    /// Whether the role sees rows of all tables, as errors and previews of merges show them.
    pub(in crate::session) fn sees_all(&self) -> Result<bool> {
        Ok(self.who()?.0.superuser)
    }
}

/// What is left of dropped branches in the catalog of the main branch goes.
///
/// # Errors
/// As a commit.
pub(in crate::session) fn forget_branches(shared: &Arc<Shared>, gone: &[BranchId]) -> Result<()> {
    let home = shared.tables.newest_catalog(BranchId::MAIN)?;
    let kept = gone
        .iter()
        .filter(|branch| home.access(branch_object(**branch)).is_some());
    let kept: Vec<BranchId> = kept.copied().collect();
    if kept.is_empty() {
        return Ok(());
    }
    let txn = shared.tables.begin(TxnOptions::default())?;
    for branch in kept {
        txn.forget_branch(branch)?;
    }
    txn.commit().map(drop)
}

/// Who merges without being a superuser sees none of the rows, and runs no function on them.
fn plain_merge(how: &MergeHow) -> Result<()> {
    let refused = |what: &str| {
        Err(Error::new(
            SqlState::INSUFFICIENT_PRIVILEGE,
            format!("must be superuser to {what}"),
        ))
    };
    if how.dry_run {
        return refused("see what a merge would do");
    }
    let strategy = how.strategy.as_ref();
    match strategy.and_then(|strategy| Strategy::parse(&strategy.name)) {
        Some(Strategy::Manual) => refused("decide conflicts by hand"),
        // Rules are read from a table that the search path finds, and may name functions.
        Some(Strategy::RuleBased) if how.rule.is_none() => {
            refused("decide conflicts by stored rules")
        }
        _ if how.function.is_some() => refused("decide conflicts by a function"),
        _ => match &how.rule {
            Some(rule) if Action::parse(&rule.name).is_none() => {
                refused("decide conflicts by stored rules")
            }
            _ => Ok(()),
        },
    }
}

impl RoleCommand {
    /// Whether it is about branches, whose privileges are kept on the main branch.
    pub(in crate::session) const fn is_about_branches(&self) -> bool {
        match self {
            Self::Grant(grant) => matches!(grant.on, GrantTarget::Branches(_)),
            Self::Owner { kind, .. } => matches!(kind, OwnerKind::Branch),
            _ => false,
        }
    }
}
