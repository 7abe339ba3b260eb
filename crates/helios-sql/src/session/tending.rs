//! The thread that looks after cold rows and indexes of nearness.
//!
//! It does nothing that a caller could not do step by step with [`Tables::tend_step`] and [`Tables::nearest_step`], rests
//! as long as the setting `max_cpu_percent` of the database asks for (20: four times as long as it worked), and looks between two steps
//! whether to stop.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use helios_base::{BranchId, Error, Result, SqlState};
use helios_table::Tables;
use helios_version::Step;
use parking_lot::{Condvar, Mutex};

use super::clock;

/// Rows looked at in one step.
pub(super) const STEP: usize = 4096;
/// Before the first round: programs that are over soon are not kept up.
const FIRST: Duration = Duration::from_secs(5);
/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(60);
/// Between two looks at indexes of nearness, if there are any.
const NEAR: Duration = Duration::from_secs(1);
/// The setting of the database that says how much of its time the thread works at most.
pub(super) const BUDGET: &str = "max_cpu_percent";
/// Its value where nobody says otherwise.
const PERCENT: u32 = 20;

/// The running thread; dropping this ends it.
pub(crate) struct Tending {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    asked: Mutex<bool>,
    wake: Condvar,
}

impl Stop {
    /// Waits. True when asked to stop.
    fn sleep(&self, time: Duration) -> bool {
        let mut asked = self.asked.lock();
        let until = Instant::now() + time;
        while !*asked && !self.wake.wait_until(&mut asked, until).timed_out() {}
        *asked
    }
}

impl Tending {
    /// Begins to look after the rows of `tables`.
    ///
    /// # Errors
    /// `Io` when there can be no thread.
    pub(super) fn start(tables: &Arc<Tables>) -> Result<Self> {
        let stop = Arc::new(Stop::default());
        let (weak, stopping) = (Arc::downgrade(tables), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("heliosdb-tending".into())
            .spawn(move || run(&weak, &stopping))
            .map_err(|error| Error::io("start the thread that looks after cold rows", error))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Tending {
    /// Ends the work and waits for that.
    pub(super) fn end(&mut self) {
        *self.stop.asked.lock() = true;
        self.stop.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

/// A share of the thread's time, in percent.
///
/// # Errors
/// 22023 if it is none.
pub(super) fn parse_budget(value: &str) -> Result<u32> {
    let percent = value.trim().parse().ok().filter(|p| (1..=100).contains(p));
    percent.ok_or_else(|| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid value for parameter \"{BUDGET}\": \"{value}\""),
        )
        .with_hint("It is a whole number from 1 to 100.")
    })
}

/// How long to rest after so much work.
fn rest(worked: Duration, percent: u32) -> Duration {
    worked * (100 - percent) / percent
}

/// What the setting says now.
fn budget(tables: &Tables) -> u32 {
    let main = tables.store().branch_by_id(BranchId::MAIN);
    let options = main.map(|main| main.options).unwrap_or_default();
    let value = options.iter().find(|(name, _)| name == BUDGET);
    // It was looked at before it was stored.
    value
        .and_then(|(_, value)| parse_budget(value).ok())
        .unwrap_or(PERCENT)
}

impl Drop for Tending {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(tables: &Weak<Tables>, stop: &Stop) {
    let mut pause = FIRST;
    let mut cold = Instant::now();
    while !stop.sleep(pause) {
        let Some(tables) = tables.upgrade() else {
            return;
        };
        let began = Instant::now();
        // A round that cannot begin may the next time.
        let mut more = matches!(tables.nearest_step(STEP), Ok(Step::More));
        if began >= cold {
            match tables.tend_step(clock::now(), STEP) {
                Ok(Step::More) => more = true,
                Ok(Step::Done) | Err(_) => cold = Instant::now() + PAUSE,
            }
        }
        pause = match more {
            true => rest(began.elapsed(), budget(&tables)),
            false if tables.has_nearest() => NEAR,
            false => PAUSE,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_shares_of_time() {
        let worked = Duration::from_millis(10);
        assert_eq!(rest(worked, PERCENT), worked * 4);
        assert_eq!(rest(worked, 100), Duration::ZERO);
        assert_eq!(rest(worked, 1), worked * 99);
        for bad in ["0", "101", "half", ""] {
            assert!(parse_budget(bad).is_err(), "{bad}");
        }
    }
}
