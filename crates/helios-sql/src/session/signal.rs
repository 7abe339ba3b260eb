//! `pg_cancel_backend` and `pg_terminate_backend`.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState, Value};
use helios_table::catalog::{RoleId, Who};

use super::Session;
use super::activity::Activity;
use super::interrupt::CancelHandle;
use super::state::State;

/// What wakes whoever waits for a client of a session.
pub(crate) type Waker = Box<dyn Fn() + Send + Sync>;

/// What is done to another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Cancel,
    Terminate,
}

/// Cancels or ends the session of a number; false if there is none.
pub(super) fn send(state: &State, number: i32, signal: Signal) -> Result<Value> {
    let Some(shared) = state.shared.upgrade() else {
        return Ok(Value::Bool(false));
    };
    let target = u64::try_from(number)
        .ok()
        .and_then(|number| shared.activity.lock().get(&number).cloned());
    let Some(target) = target else {
        return Ok(Value::Bool(false));
    };
    check(state, &target, signal)?;
    match signal {
        Signal::Cancel => CancelHandle(target.interrupt.clone()).cancel(),
        Signal::Terminate => {
            target.interrupt.terminate();
            if let Some(wake) = &*target.waker.lock() {
                wake();
            }
        }
    }
    Ok(Value::Bool(true))
}

/// Refuses to touch the sessions of others without the right to.
fn check(state: &State, target: &Arc<Activity>, signal: Signal) -> Result<()> {
    let (who, roles) = state.who_now()?;
    if who.superuser {
        return Ok(());
    }
    let refused = |message: String| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, message));
    let (verb, what, done) = match signal {
        Signal::Cancel => ("cancel", "query", "query is being canceled"),
        Signal::Terminate => ("terminate", "process", "process is being terminated"),
    };
    let owner = roles.by_name(&target.user).map(|role| role.id);
    let superuser = owner.is_none_or(|owner| Who::of(&roles, owner).superuser);
    if superuser {
        return refused(format!("must be a superuser to {verb} superuser {what}"));
    }
    let member = owner.is_some_and(|owner| who.has_role(owner));
    if member || who.has_role(RoleId::SIGNAL_BACKEND) {
        return Ok(());
    }
    refused(format!(
        "must be a member of the role whose {done} or member of pg_signal_backend"
    ))
}

impl Session {
    /// Says from where the client comes, and what wakes whoever waits for it when the session is
    /// ended from elsewhere.
    pub fn set_client(&mut self, address: Option<std::net::SocketAddr>, waker: Waker) {
        self.activity.now.lock().client = address;
        // It says in the log what branch the session is on.
        let _ = self.state.connection.set(tracing::Span::current());
        *self.activity.waker.lock() = Some(waker);
    }

    /// Fails once the session was ended from elsewhere.
    ///
    /// # Errors
    /// `57P01`
    pub fn check_alive(&self) -> Result<()> {
        match self.interrupt.is_terminated() {
            true => Err(self.interrupt.error()),
            false => Ok(()),
        }
    }
}
