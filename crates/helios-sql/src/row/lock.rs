//! The plan's lock words in the store's.

use helios_version::{LockMode, Wait};

use crate::plan;

/// How strongly a row is locked.
pub(crate) fn mode(mode: plan::LockMode) -> LockMode {
    match mode {
        plan::LockMode::KeyShare => LockMode::KeyShare,
        plan::LockMode::Share => LockMode::Share,
        plan::LockMode::NoKeyUpdate => LockMode::NoKeyUpdate,
        plan::LockMode::Update => LockMode::Update,
    }
}

/// What to do while another holds the lock.
pub(crate) fn wait(wait: plan::LockWait) -> Wait {
    match wait {
        plan::LockWait::Block => Wait::Block,
        plan::LockWait::NoWait => Wait::NoWait,
        plan::LockWait::SkipLocked => Wait::SkipLocked,
    }
}
