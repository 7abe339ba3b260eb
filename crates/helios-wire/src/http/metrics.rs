//! Figures in the text format of Prometheus.

use std::fmt::{Display, Write};

use helios_sql::Figures;

use super::Counter;

/// All of them; `open` of at most `limit` connections are there.
pub(super) fn write(
    figures: &Figures,
    open: usize,
    limit: usize,
    failed: bool,
    others: &[Counter],
) -> String {
    let mut page = Page(String::with_capacity(4096));
    let store = &figures.store;
    page.gauge(
        "connections",
        "Connections of clients, those logging in too.",
        open,
    );
    page.gauge("connections_max", "How many there may be.", limit);
    page.head("sessions", "gauge", "Sessions by what they do.");
    for (state, count) in &figures.sessions {
        page.line(&format!("sessions{{state=\"{state}\"}}"), count);
    }
    page.counter(
        "statements",
        "Statements that ended, failed ones too.",
        figures.statements,
    );
    page.counter(
        "statement_errors",
        "Statements that failed.",
        figures.errors,
    );
    page.counter(
        "commits",
        "Commits since the database was made.",
        store.scn.0,
    );
    page.counter(
        "rollbacks",
        "Transactions that were rolled back.",
        figures.rollbacks,
    );
    page.gauge(
        "transactions",
        "Transactions that are open.",
        store.transactions,
    );
    page.gauge("locks_held", "Locks that are held.", figures.locks_held);
    page.gauge(
        "locks_awaited",
        "Locks that somebody waits for.",
        figures.locks_awaited,
    );
    page.gauge("branches", "Branches.", figures.branches);
    page.counter(
        "log_written_bytes",
        "Bytes ever written to the commit log.",
        store.log_end,
    );
    page.gauge(
        "log_bytes",
        "Size of the commit log's files.",
        store.log_bytes,
    );
    page.gauge("state_bytes", "Size of the state file.", store.state_bytes);
    page.gauge("segments", "Columnar segments.", figures.segments);
    page.gauge(
        "segment_bytes",
        "Size of their files.",
        figures.segment_bytes,
    );
    page.counter("checkpoints", "Checkpoints that ended.", store.checkpoints);
    page.gauge(
        "unsaved_bytes",
        "Bytes of commits that wait for a checkpoint.",
        store.overlay_bytes,
    );
    page.gauge("cached_rows", "Rows in the row cache.", store.cached_rows);
    page.gauge(
        "oldest_scn",
        "The oldest commit at which everything can be read.",
        store.horizon.0,
    );
    page.gauge("backups", "Backups under way.", figures.backups);
    page.gauge(
        "audit_failing",
        "1 if the audit log could not be written.",
        u8::from(figures.audit_fails),
    );
    page.gauge(
        "failed",
        "1 if nothing can be committed until the database is opened again.",
        u8::from(failed),
    );
    for other in others {
        page.counter(other.name, other.help, (other.read)());
    }
    if let Some(bytes) = resident() {
        page.0.push_str(
            "# HELP process_resident_memory_bytes Memory of the process.\n# TYPE process_resident_memory_bytes gauge\n",
        );
        let _ = writeln!(page.0, "process_resident_memory_bytes {bytes}");
    }
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(
            self.0,
            "# HELP heliosdb_{name} {help}\n# TYPE heliosdb_{name} {kind}"
        );
    }

    fn line(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "heliosdb_{name} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "gauge", help);
        self.line(name, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        let name = format!("{name}_total");
        self.head(&name, "counter", help);
        self.line(&name, value);
    }
}

/// Memory that the process has, where the operating system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
