//! A progress bar for statements that take long.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use heliosdb::CancelHandle;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Statements shorter than this show no bar.
const PATIENCE: Duration = Duration::from_millis(700);

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);

/// Draws how far a statement is on standard error, from another thread, until it is dropped.
pub struct ProgressWatch {
    stop: Arc<AtomicBool>,
    screen: MultiProgress,
    thread: Option<JoinHandle<()>>,
}

impl ProgressWatch {
    /// Begins to watch; does nothing when `visible` is false.
    pub fn start(statement: CancelHandle, visible: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let target = if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let screen = MultiProgress::with_draw_target(target);
        let thread = visible.then(|| {
            let (stop, screen) = (Arc::clone(&stop), screen.clone());
            std::thread::spawn(move || watch(&statement, &stop, &screen))
        });
        Self {
            stop,
            screen,
            thread,
        }
    }

    /// Runs `work` with the bar out of the way of its output.
    pub fn pause<T>(&self, work: impl FnOnce() -> T) -> T {
        self.screen.suspend(work)
    }
}

impl Drop for ProgressWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
        let _ = self.screen.clear();
    }
}

fn watch(statement: &CancelHandle, stop: &AtomicBool, screen: &MultiProgress) {
    std::thread::park_timeout(PATIENCE);
    let mut bar: Option<ProgressBar> = None;
    while !stop.load(Ordering::Relaxed) {
        let progress = statement.progress();
        if progress.rows > 0 {
            let bar = bar.get_or_insert_with(|| screen.add(bar_for(progress.expected)));
            bar.set_position(progress.rows);
        }
        std::thread::park_timeout(TICK);
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

/// A bar with an end and an ETA, or a spinner where the end is not known.
pub fn bar_for(expected: Option<u64>) -> ProgressBar {
    const WITH_END: &str =
        "{bar:30} {percent:>3}%  {human_pos} of {human_len} rows  {pace}  {eta} left";
    const OPEN: &str = "{spinner} {human_pos} rows  {pace}  {elapsed}";
    let (bar, template) = match expected {
        Some(rows) => (ProgressBar::new(rows), WITH_END),
        None => (ProgressBar::new_spinner(), OPEN),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => {
            let pace = |state: &ProgressState, out: &mut dyn Write| {
                let _ = write!(out, "{:.0} rows/s", state.per_sec());
            };
            bar.with_style(style.with_key("pace", pace).progress_chars("━━╌"))
        }
        Err(_) => bar,
    }
}

/// A spinner that turns by itself beside `what` until it is finished.
pub fn spinner_for(what: String) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    let spinner = match ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
        Ok(style) => spinner.with_style(style),
        Err(_) => spinner,
    };
    spinner.set_message(what);
    spinner.enable_steady_tick(TICK);
    spinner
}
