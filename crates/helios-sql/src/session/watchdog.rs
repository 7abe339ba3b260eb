//! Calls things when their time has come: statement timeouts, idle transactions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// A thread that runs short actions at their time. Starts with the first action, ends with the
/// last clone.
#[derive(Clone, Default)]
pub(crate) struct Watchdog(Arc<Owner>);

#[derive(Default)]
struct Owner(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    due: BTreeMap<(Instant, u64), Box<dyn FnOnce() + Send>>,
    next: u64,
    running: bool,
    stopped: bool,
}

/// Takes the action back when dropped.
pub(crate) struct Alarm {
    shared: Arc<Shared>,
    key: (Instant, u64),
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.shared.state.lock().due.remove(&self.key);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.stopped = true;
        state.due.clear();
        self.0.changed.notify_all();
    }
}

impl Watchdog {
    /// Calls `action` after `delay`, on another thread, unless the alarm is dropped before.
    /// `None` if the time is beyond what a clock can tell, or no thread can be had.
    pub(crate) fn after(
        &self,
        delay: Duration,
        action: impl FnOnce() + Send + 'static,
    ) -> Option<Alarm> {
        let shared = &(self.0).0;
        let at = Instant::now().checked_add(delay)?;
        let mut state = shared.state.lock();
        if !state.running {
            let for_thread = shared.clone();
            std::thread::Builder::new()
                .name("helios-timeouts".to_owned())
                .spawn(move || for_thread.run())
                .ok()?;
            state.running = true;
        }
        let key = (at, state.next);
        state.next += 1;
        state.due.insert(key, Box::new(action));
        shared.changed.notify_all();
        Some(Alarm {
            shared: shared.clone(),
            key,
        })
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state.lock();
        while !state.stopped {
            let Some((&(at, _), _)) = state.due.first_key_value() else {
                self.changed.wait(&mut state);
                continue;
            };
            if at > Instant::now() {
                self.changed.wait_until(&mut state, at);
                continue;
            }
            if let Some((_, action)) = state.due.pop_first() {
                // The action may take locks of its own, or set another alarm.
                parking_lot::MutexGuard::unlocked(&mut state, action);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn alarms_ring_in_order_unless_dropped() {
        let dog = Watchdog::default();
        let (send, receive) = mpsc::channel();
        let alarm = |millis, name: &'static str| {
            let send = send.clone();
            dog.after(Duration::from_millis(millis), move || {
                let _ = send.send(name);
            })
        };
        let _late = alarm(30, "late");
        let _early = alarm(1, "early");
        drop(alarm(5, "dropped"));
        let heard: Vec<_> = (0..2)
            .filter_map(|_| receive.recv_timeout(Duration::from_secs(10)).ok())
            .collect();
        assert_eq!(heard, ["early", "late"]);
    }
}
