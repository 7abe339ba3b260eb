//! The statements of one text, one after the other.

use std::sync::Arc;

use helios_base::Result;
use tracing::Span;

use super::{Notice, Outcome, Session, trace};
use crate::parse::{self, Parsed};

/// The statements of one text, run as they are read; an iterator over their outcomes.
///
/// Without transaction commands the statements are one transaction, which commits before the last
/// outcome is given. The first error ends the script.
pub struct Script<'s> {
    session: &'s mut Session,
    source: Arc<str>,
    statements: std::vec::IntoIter<Parsed>,
    /// Whether there is but one statement.
    single: bool,
    /// What there is to tell before any statement: the error of a text that cannot be parsed, or the outcome of one that needs not be.
    done: Option<Result<Outcome>>,
    /// The span of the first statement: the text was parsed for it.
    span: Option<Span>,
}

impl<'s> Script<'s> {
    pub(super) fn new(session: &'s mut Session, source: &str) -> Self {
        let source: Arc<str> = Arc::from(source);
        let span = session.statement_span(&source);
        if span.is_disabled()
            && let Some(done) = session.run_alike(&source)
        {
            return Self {
                session,
                source,
                single: true,
                statements: Vec::new().into_iter(),
                done: Some(done),
                span: None,
            };
        }
        let parsed =
            span.in_scope(|| trace::step(&trace::parse_span(), || parse::Script::parse(&source)));
        let (statements, failed) = match parsed {
            Ok(statements) => (statements, None),
            Err(error) => {
                // As in PostgreSQL, a text that cannot be parsed fails an open transaction.
                session.describe_span(&span, &source);
                trace::failed(&span, &error);
                session.fail();
                (Vec::new(), Some(error))
            }
        };
        Self {
            session,
            source,
            single: statements.len() == 1,
            statements: statements.into_iter(),
            done: failed.map(Err),
            span: Some(span),
        }
    }
}

impl Script<'_> {
    /// The change number that statements read at now.
    #[must_use]
    pub fn scn(&self) -> u64 {
        let newest = || self.session.engine.store().scn().0;
        self.session.status().as_of.unwrap_or_else(newest)
    }

    /// Takes the notices of the statements run so far, oldest first.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        self.session.take_notices()
    }
}

impl Iterator for Script<'_> {
    type Item = Result<Outcome>;

    fn next(&mut self) -> Option<Result<Outcome>> {
        if let Some(done) = self.done.take() {
            return Some(done);
        }
        let parsed = self.statements.next()?;
        let last = self.statements.as_slice().is_empty();
        let first = self.span.take();
        let span = first.unwrap_or_else(|| self.session.statement_span(&self.source));
        let text = parsed.span.of(&self.source).trim();
        self.session.describe_span(&span, text);
        self.session.begin_span(&span);
        let mut result = span.in_scope(|| self.run(&parsed, last));
        Session::end_span(span, &mut result);
        self.session.forget_spans();
        if result.is_err() {
            self.session.fail();
            self.statements = Vec::new().into_iter();
        }
        self.session.go_idle();
        Some(result)
    }
}

impl Script<'_> {
    fn run(&mut self, parsed: &Parsed, last: bool) -> Result<Outcome> {
        let begun = self.session.begin_measure();
        let mut result = self.session.run_parsed(&self.source, parsed, self.single);
        if let (Some(begun), Ok(outcome)) = (begun, &mut result) {
            let text: Arc<str> = Arc::from(parsed.span.of(&self.source).trim());
            self.session.end_measure(begun, &text, None, outcome);
        }
        if result.is_ok() && last {
            result = result.and_then(|outcome| {
                self.session.finish_implicit()?;
                Ok(outcome)
            });
        }
        result
    }
}

impl Drop for Script<'_> {
    fn drop(&mut self) {
        // A script that is not read to its end does not commit what it began.
        if !self.statements.as_slice().is_empty() {
            self.session.roll_back_implicit();
        }
    }
}
