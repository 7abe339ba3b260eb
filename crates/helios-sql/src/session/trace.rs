//! Spans of statements, for whoever collects traces.
//!
//! A statement is a span, its steps (`parse`, `plan`, `execute`, `commit`) are spans within it. Their fields have
//! the names of OpenTelemetry's semantic conventions for databases. Unless a subscriber takes the target
//! [`SPANS`] no text is made and nothing is looked at: a step then costs the load that says so.
//!
//! With extended queries a statement's span begins where it is parsed, if it runs in the same pipeline, and the
//! commit at the pipeline's end is a step of its last statement. The field `ended` says that a statement is
//! over, although its span may be held for that.

use std::sync::Arc;

use helios_base::{Error, Result};
use helios_table::Transaction;
use tracing::field::{Empty, display};
use tracing::{Span, debug_span};

use super::audit::without_passwords;
use super::run::Sight;
use super::{Outcome, Prepared, Session};
use crate::parse::KEYWORDS;
use crate::parse::lexer::{Kind, tokenize};

/// The target of spans.
pub(super) const SPANS: &str = "heliosdb::span";
/// Whoever takes this target too is shown texts as they were written, constants and all.
const TEXTS: &str = "heliosdb::span::text";

/// What is told of a long text.
const TEXT_MAX: usize = 16 << 10;

/// The spans that a session holds; none while nobody wants any.
#[derive(Default)]
pub(super) struct Spans {
    /// The statement that runs, or that ran last in the open pipeline.
    now: Option<Span>,
    /// The statement that was parsed last in the open pipeline and has not run.
    parsed: Option<(Arc<Prepared>, Span)>,
}

/// The spans of a statement whose rows are still read.
#[derive(Default)]
pub(super) struct Reading {
    statement: Option<Span>,
    execute: Option<Span>,
}

impl Reading {
    pub(super) fn execution(&mut self, span: Span) {
        self.execute = Some(span);
    }

    pub(super) fn statement(&mut self, span: Span) {
        self.statement = Some(span);
    }

    /// Enters the executor's span.
    pub(super) fn enter(&self) -> Option<tracing::span::Entered<'_>> {
        self.execute.as_ref().map(Span::enter)
    }

    /// Does something that is of the statement.
    pub(super) fn within(&self, work: impl FnOnce()) {
        match &self.statement {
            Some(span) => span.in_scope(work),
            None => work(),
        }
    }

    /// All rows were read, or no more can be.
    pub(super) fn end(self, tag: &str, rows: Result<u64, &Error>) {
        match rows {
            Ok(rows) => {
                if let Some(span) = &self.statement {
                    completed(span, tag, "db.response.returned_rows", Some(rows));
                }
            }
            Err(error) => {
                for span in [&self.execute, &self.statement].into_iter().flatten() {
                    failed(span, error);
                }
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.execute = None;
        if let Some(span) = &self.statement {
            span.record("ended", true);
        }
    }
}

/// Whether texts are wanted as they were written.
fn wants_texts() -> bool {
    !debug_span!(target: TEXTS, "text").is_disabled()
}

/// The part of a text that is told: spans wait in memory until they are sent.
fn begin_of(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_MAX))
        .unwrap_or_default()
}

/// Notes what a span's work failed with. Messages may hold what is in rows and parameters.
pub(super) fn failed(span: &Span, error: &Error) {
    if span.is_disabled() {
        return;
    }
    let state = error.sqlstate();
    span.record("db.response.status_code", display(state));
    span.record("error.type", display(state));
    span.record("otel.status_code", "ERROR");
    if wants_texts() {
        span.record("otel.status_message", begin_of(error.message()));
    }
}

/// Notes what a statement completed with.
pub(super) fn completed(span: &Span, tag: &str, field: &str, rows: Option<u64>) {
    if !tag.is_empty() {
        span.record("db.operation.name", tag);
        span.record("otel.name", tag);
    }
    if let Some(rows) = rows {
        span.record(field, rows);
    }
}

/// A step of a statement that makes what is to be run of its text.
pub(super) fn step<T>(span: &Span, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = span.in_scope(work);
    if let Err(error) = &done {
        failed(span, error);
    }
    done
}

/// The span of a parser at work.
pub(super) fn parse_span() -> Span {
    debug_span!(
        target: SPANS,
        "parse",
        "db.response.status_code" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty,
        "otel.status_message" = Empty,
    )
}

/// The span of binder and planner at work.
pub(super) fn plan_span() -> Span {
    debug_span!(
        target: SPANS,
        "plan",
        "db.response.status_code" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty,
        "otel.status_message" = Empty,
    )
}

/// The span of a backup that is written.
pub(super) fn backup_span() -> Span {
    debug_span!(
        target: SPANS,
        "backup",
        helios.scn = Empty,
        "db.response.status_code" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty,
        "otel.status_message" = Empty,
    )
}

impl Session {
    /// The span of a statement of this text, or of the statements in it that are yet to be parsed.
    pub(super) fn statement_span(&self, source: &str) -> Span {
        let span = debug_span!(
            target: SPANS,
            "statement",
            otel.kind = "server",
            otel.name = Empty,
            traceparent = traceparent(source),
            "db.operation.name" = Empty,
            "db.query.text" = Empty,
            "db.response.status_code" = Empty,
            "db.response.returned_rows" = Empty,
            "error.type" = Empty,
            "otel.status_code" = Empty,
            "otel.status_message" = Empty,
            helios.branch = Empty,
            helios.scn = Empty,
            helios.rows = Empty,
            ended = Empty,
        );
        if !span.is_disabled() {
            span.record("helios.branch", &*self.state.branch_name());
        }
        span
    }

    /// Says which statement a span is of.
    pub(super) fn describe_span(&self, span: &Span, text: &str) {
        if span.is_disabled() {
            return;
        }
        if let Some(operation) = operation(text) {
            span.record("db.operation.name", &*operation);
            span.record("otel.name", &*operation);
        }
        if wants_texts() {
            span.record("db.query.text", begin_of(&without_passwords(text)));
        } else if let Some(normal) = self.engine.shared.costs.normal(&Arc::from(text)).known() {
            span.record("db.query.text", begin_of(normal));
        }
    }

    /// Makes this the span of the statement that runs.
    pub(super) fn begin_span(&mut self, span: &Span) {
        self.spans.now = (!span.is_disabled()).then(|| span.clone());
    }

    /// Notes what a statement gave; it is over when its rows were read.
    pub(super) fn end_span(span: Span, result: &mut Result<Outcome>) {
        if span.is_disabled() {
            return;
        }
        match result {
            Ok(Outcome::Rows(rows)) => rows.trace(span),
            Ok(Outcome::Done(done)) => {
                completed(&span, done.tag, "helios.rows", done.rows);
                span.record("ended", true);
            }
            Err(error) => {
                failed(&span, error);
                span.record("ended", true);
            }
        }
    }

    /// Keeps the span of a statement that was parsed for its run in the same pipeline.
    pub(super) fn parsed_span(&mut self, span: Span, prepared: &Result<Arc<Prepared>>, sql: &str) {
        if span.is_disabled() {
            return;
        }
        match prepared {
            Ok(prepared) => {
                self.describe_span(&span, prepared.statement_text());
                span.record("otel.name", "PREPARE");
                span.record("ended", true);
                self.spans.parsed = Some((Arc::clone(prepared), span));
            }
            Err(error) => {
                self.describe_span(&span, sql);
                failed(&span, error);
            }
        }
    }

    /// The span of a prepared statement's run: the one of its parsing, if that was in the same pipeline.
    pub(super) fn run_span(&mut self, prepared: &Arc<Prepared>) -> Span {
        let span = match self.spans.parsed.take() {
            Some((parsed, span)) if Arc::ptr_eq(&parsed, prepared) => span,
            _ => self.statement_span(&prepared.text),
        };
        self.describe_span(&span, prepared.statement_text());
        self.begin_span(&span);
        span
    }

    /// The span of the open pipeline's last statement.
    pub(super) fn last_span(&self) -> Span {
        self.spans.now.clone().unwrap_or_else(Span::none)
    }

    /// Lets the spans of a pipeline go.
    pub(super) fn forget_spans(&mut self) {
        self.spans = Spans::default();
    }

    /// The span of an executor at work.
    pub(super) fn execute_span(&self, sight: &Sight) -> Span {
        let span = debug_span!(
            target: SPANS,
            "execute",
            helios.scn = sight.reader.scn().0,
            "db.response.status_code" = Empty,
            "error.type" = Empty,
            "otel.status_code" = Empty,
            "otel.status_message" = Empty,
        );
        if let Some(now) = &self.spans.now {
            now.record("helios.scn", sight.reader.scn().0);
        }
        span
    }

    /// Notes what an executor gave, which may be at work until its rows were read.
    pub(super) fn end_execution(span: Span, result: &mut Result<Outcome>) {
        if span.is_disabled() {
            return;
        }
        match result {
            Ok(Outcome::Rows(rows)) => rows.trace_execution(span),
            Ok(_) => {}
            Err(error) => failed(&span, error),
        }
    }

    /// Commits what was written.
    pub(super) fn commit_in_span(&self, txn: &Transaction) -> Result<helios_base::Scn> {
        if !txn.has_writes() {
            return txn.commit();
        }
        let span = debug_span!(
            target: SPANS,
            "commit",
            helios.scn = Empty,
            "db.response.status_code" = Empty,
            "error.type" = Empty,
            "otel.status_code" = Empty,
            "otel.status_message" = Empty,
        );
        let done = step(&span, || txn.commit());
        if let Ok(scn) = &done {
            let now = self.spans.now.as_ref();
            for span in [Some(&span), now].into_iter().flatten() {
                span.record("helios.scn", scn.0);
            }
        }
        done
    }
}

/// The first word of a statement, if it is one that statements begin with: spans are named after it.
fn operation(text: &str) -> Option<String> {
    let first = text.split(|c: char| !c.is_ascii_alphabetic()).next()?;
    let word = match first {
        "" => {
            let tokens = tokenize(text).ok()?;
            tokens.into_iter().find_map(|token| match token.kind {
                Kind::Word(word) => Some(word),
                _ => None,
            })?
        }
        word => word.to_ascii_lowercase(),
    };
    let known = KEYWORDS
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(&word));
    known.then(|| word.to_ascii_uppercase())
}

/// What a client calls the span that asks for a statement, in a comment as of sqlcommenter:
/// `/*traceparent='00-…-…-01'*/`.
fn traceparent(source: &str) -> Option<&str> {
    if !source.contains("traceparent") {
        return None;
    }
    let tokens = tokenize(source).ok()?;
    let mut end = 0;
    // Between tokens are blanks and comments.
    tokens.iter().find_map(|token| {
        let comment = source.get(end..token.start)?;
        end = token.end;
        let (_, value) = comment.split_once("traceparent")?;
        let value = value.trim_start().strip_prefix('=')?.trim_start();
        let value = value.strip_prefix(['\'', '"']).unwrap_or(value);
        let foreign = |c: char| !c.is_ascii_hexdigit() && c != '-';
        value.get(..value.find(foreign).unwrap_or(value.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_stand_in_comments() {
        let id = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for text in [
            format!("SELECT 1 /*action='a',traceparent='{id}',tracestate='x'*/"),
            format!("/*traceparent='{id}'*/ SELECT 1"),
            format!("SELECT /* traceparent = \"{id}\" */ 1;"),
            format!("SELECT 1 -- traceparent={id}\n"),
        ] {
            assert_eq!(traceparent(&text), Some(id), "{text}");
        }
        for text in [
            format!("SELECT 'traceparent=''{id}'''"),
            format!("SELECT 'traceparent={id}"),
            format!("SELECT 1 /*tracestate='{id}'*/"),
        ] {
            assert_eq!(traceparent(&text), None, "{text}");
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(begin_of("select 1"), "select 1");
        let long = format!("{}é", "a".repeat(TEXT_MAX - 1));
        assert_eq!(begin_of(&long).len(), TEXT_MAX - 1);
    }

    #[test]
    fn operations_are_keywords() {
        for (text, name) in [
            ("select 1", Some("SELECT")),
            ("/* a */ (select 1)", Some("SELECT")),
            ("sesame open", None),
            ("", None),
            ("'open", None),
        ] {
            assert_eq!(operation(text).as_deref(), name, "{text}");
        }
    }
}
