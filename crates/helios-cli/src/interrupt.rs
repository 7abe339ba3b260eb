//! Ctrl-C stops the statement, not the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heliosdb::CancelHandle;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

/// Turns SIGINT into a cancellation while a statement runs.
pub struct Interrupts {
    running: Arc<AtomicBool>,
    seen: Arc<AtomicBool>,
}

/// As long as it lives, Ctrl-C cancels the statement.
pub struct StatementGuard(Arc<AtomicBool>);

impl Drop for StatementGuard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// The exit code of a program that Ctrl-C ended: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

impl Interrupts {
    /// Watches for SIGINT on a thread of its own. Between statements a program that is not
    /// interactive ends at once, as does any at the second Ctrl-C during one statement.
    pub fn install(cancel: CancelHandle, interactive: bool) -> Self {
        let running = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(AtomicBool::new(false));
        let (is_running, was_seen) = (Arc::clone(&running), Arc::clone(&seen));
        if let Ok(mut signals) = Signals::new([SIGINT]) {
            std::thread::spawn(move || {
                for _ in signals.forever() {
                    let again = was_seen.swap(true, Ordering::SeqCst);
                    match (is_running.load(Ordering::SeqCst), interactive) {
                        (true, true) => cancel.cancel(),
                        (true, false) if !again => cancel.cancel(),
                        (false, true) => {}
                        (_, false) => std::process::exit(INTERRUPTED),
                    }
                }
            });
        }
        Self { running, seen }
    }

    /// Says that a statement runs now.
    pub fn during_statement(&self) -> StatementGuard {
        self.seen.store(false, Ordering::SeqCst);
        self.running.store(true, Ordering::SeqCst);
        StatementGuard(Arc::clone(&self.running))
    }

    /// Whether Ctrl-C was pressed since the last statement began.
    pub fn seen(&self) -> bool {
        self.seen.load(Ordering::SeqCst)
    }
}
