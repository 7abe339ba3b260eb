//! The server's log: lines for people, or JSON for programs, on standard error.

mod json;

use std::io;

use heliosdb::{Error, SqlState};
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::args::LogFormat;
use crate::otlp::{self, Spans};
use crate::output::Styles;
use crate::report;
use json::Json;

/// Says what is logged.
const LOG: &str = "HELIOS_LOG";
/// What is, unless it says otherwise.
const LOGGED: &str = "warn,heliosdb=info,helios_wire=info";

/// The log, as far as the program itself writes to it.
#[derive(Clone, Copy, Debug)]
pub struct Log(LogFormat);

impl Log {
    /// Begins to log what `HELIOS_LOG` asks for, and gives `traces` the spans that it takes.
    ///
    /// # Errors
    /// `22023` when `HELIOS_LOG` cannot be understood.
    pub fn start(format: LogFormat, traces: Option<(Spans, Targets)>) -> Result<Self, Error> {
        let wanted = std::env::var(LOG).ok().filter(|wanted| !wanted.is_empty());
        let filter = filter(wanted.as_deref().unwrap_or(LOGGED))?.and(filter_fn(is_for_the_log));
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
            LogFormat::Text => fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(false)
                .with_filter(filter)
                .boxed(),
            LogFormat::Json => Json::new(io::stderr).with_filter(filter).boxed(),
        };
        let traces = traces.map(|(spans, targets)| spans.with_filter(targets));
        let registry = tracing_subscriber::registry().with(lines);
        // Whoever has one already keeps it.
        let _ = match traces {
            Some(traces) => registry.with(traces).try_init(),
            None => registry.try_init(),
        };
        Ok(Self(format))
    }

    /// Tells of the server's life.
    pub fn say(self, line: &str) {
        match self.0 {
            LogFormat::Text => eprintln!("{line}"),
            LogFormat::Json => tracing::info!(target: "heliosdb::serve", "{line}"),
        }
    }

    /// Tells what went wrong.
    pub fn fail(self, error: &Error) {
        match self.0 {
            LogFormat::Text => report::error(error, None, &Styles::default()),
            LogFormat::Json => tracing::error!(
                target: "heliosdb::serve",
                sqlstate = %error.sqlstate(),
                detail = error.detail(),
                hint = error.hint(),
                "{}",
                error.message()
            ),
        }
    }
}

/// Spans of statements are for traces: their texts are no lines of the log.
fn is_for_the_log(what: &tracing::Metadata<'_>) -> bool {
    !what.target().starts_with(otlp::SPANS)
}

/// What the log takes, in the form of `HELIOS_LOG`.
fn filter(wanted: &str) -> Result<EnvFilter, Error> {
    let wrong = |detail: String| {
        let message = format!("invalid value for {LOG}: \"{wanted}\"");
        Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
            .with_detail(detail)
            .with_hint(format!(
                "It is levels (error, warn, info, debug, trace, off), of all or each of a part: {LOG}={LOGGED}"
            ))
    };
    for part in wanted.split(',') {
        // The filter would take a misspelt level for the name of a part, and log nothing.
        let part = part.trim();
        if part.is_empty() || (!part.contains('=') && part.parse::<LevelFilter>().is_err()) {
            return Err(wrong(format!("\"{part}\" is no level.")));
        }
    }
    EnvFilter::try_new(wanted).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Held by who asks what a subscriber wants: what was answered for a span is remembered for all threads, and while
    /// another subscriber comes or goes that is not to be relied upon.
    pub(super) static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

    #[test]
    fn nobody_makes_spans_of_statements_for_the_log() {
        let filter = filter("trace").unwrap().and(filter_fn(is_for_the_log));
        let lines = Json::new(io::sink).with_filter(filter);
        let subscriber = tracing_subscriber::registry().with(lines);
        let _alone = ALONE.lock().unwrap();
        tracing::subscriber::with_default(subscriber, || {
            assert!(tracing::debug_span!(target: otlp::SPANS, "statement").is_disabled());
            assert!(!tracing::debug_span!(target: "helios_wire", "connection").is_disabled());
        });
    }

    #[test]
    fn what_is_no_level_is_no_filter() {
        for good in [LOGGED, "info", "WARN,heliosdb=trace", "off"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["verbose", "heliosdb", "info,", "=bad=,", "heliosdb=loud"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }
}
