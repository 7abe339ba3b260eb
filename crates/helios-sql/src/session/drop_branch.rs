//! `DROP BRANCH`: what depends on a branch, and what goes with it.

use std::sync::Arc;

use helios_base::{BranchId, Error, Result, SqlState};
use helios_version::{Branch, Store};

use super::Session;
use super::conflicts::{self, MergePin};
use super::engine::Shared;

impl Session {
    /// # Errors
    /// 42704 no such branch, 2BP01 something depends on it and there is no `CASCADE`, 55006 it is used.
    pub(super) fn drop_branch(&mut self, name: &str, cascade: bool) -> Result<()> {
        let shared = self.engine.shared.clone();
        let store = shared.tables.store();
        let branch = super::branch_named(store, name)?;
        if branch.parent.is_none() {
            // It says why not.
            return store.drop_branch(branch.id);
        }
        self.state.check_owns_branch(&branch)?;
        let mut gone = Vec::new();
        descend(&store.branches(), &branch, &mut gone);
        for branch in &gone {
            // Also where the statement fails for want of CASCADE, so that nobody learns of others' branches.
            self.state.check_owns_branch(branch)?;
        }
        if let Some(here) = gone.iter().find(|gone| gone.id == self.branch) {
            return Err(Error::new(
                SqlState::OBJECT_IN_USE,
                format!("cannot drop the current branch \"{}\"", here.name),
            )
            .with_hint("Switch to another branch with USE BRANCH first."));
        }
        let dependents = Dependents::of(store, &gone);
        if !cascade {
            dependents.refuse(&branch)?;
        }
        self.roll_back_implicit();
        let gone: Vec<BranchId> = gone.iter().map(|branch| branch.id).collect();
        drop_branches(&shared, &gone)?;
        match dependents.objects.as_slice() {
            [] => {}
            [(one, _)] => self.notice(format!("drop cascades to {one}")),
            many => self.notice(format!("drop cascades to {} other objects", many.len())),
        }
        for (merge, target) in dependents.merges {
            // What it merged is gone, and nothing can be done about that.
            if let Err(error) = self.forget_merge_on(&merge, target) {
                self.notice(format!("could not remove merge \"{merge}\": {error}"));
            }
        }
        Ok(())
    }
}

/// A branch with all that come from it, children before their parents.
fn descend(all: &[Branch], branch: &Branch, into: &mut Vec<Branch>) {
    for child in all.iter().filter(|child| child.parent == Some(branch.id)) {
        descend(all, child, into);
    }
    into.push(branch.clone());
}

/// What depends on branches that are to go.
struct Dependents {
    /// Each with what it depends on.
    objects: Vec<(String, String)>,
    /// The merges of these branches into others that wait.
    merges: Vec<(String, BranchId)>,
}

impl Dependents {
    /// `gone` are a branch and those that come from it, the branch last.
    fn of(store: &Store, gone: &[Branch]) -> Self {
        let mut objects = Vec::new();
        let mut merges = Vec::new();
        let shown = |branch: &Branch| format!("branch \"{}\"", branch.name);
        let named = |id: BranchId| gone.iter().find(|branch| branch.id == id);
        // Parents first, as they are read.
        for branch in gone.iter().rev() {
            if let Some(parent) = branch.parent.and_then(named) {
                objects.push((shown(branch), shown(parent)));
            }
        }
        for (name, branch, _) in store.pins() {
            if let Some(branch) = named(branch).filter(|_| !conflicts::is_pin(&name)) {
                objects.push((format!("snapshot \"{name}\""), shown(branch)));
            }
        }
        for pin in MergePin::all(store) {
            if let Some(branch) = named(pin.source)
                && named(pin.target).is_none()
            {
                objects.push((format!("waiting merge \"{}\"", pin.id), shown(branch)));
                merges.push((pin.id, pin.target));
            }
        }
        Self { objects, merges }
    }

    fn refuse(&self, branch: &Branch) -> Result<()> {
        if self.objects.is_empty() {
            return Ok(());
        }
        let lines = self.objects.iter();
        let lines: Vec<_> = lines
            .map(|(object, on)| format!("{object} depends on {on}"))
            .collect();
        Err(Error::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!(
                "cannot drop branch \"{}\" because other objects depend on it",
                branch.name
            ),
        )
        .with_detail(lines.join("\n"))
        .with_hint("Use DROP ... CASCADE to drop the dependent objects too."))
    }
}

/// Drops branches, all or none, with the merges that wait to go into them.
fn drop_branches(shared: &Arc<Shared>, gone: &[BranchId]) -> Result<()> {
    let store = shared.tables.store();
    store.drop_branches(gone, &conflicts::pins_into(store, gone))?;
    for branch in gone {
        shared.tables.forget_branch(*branch);
    }
    super::roles::forget_branches(shared, gone)
}

/// Drops a branch that nothing depends on; whether it could go.
pub(super) fn drop_alone(shared: &Arc<Shared>, branch: &Branch) -> bool {
    let store = shared.tables.store();
    let needed = store
        .pins()
        .iter()
        .any(|(_, pinned, _)| *pinned == branch.id);
    !needed && drop_branches(shared, &[branch.id]).is_ok()
}
