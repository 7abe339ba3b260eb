//! The statements of one text, one after the other.

use std::sync::Arc;

use helios_base::{Error, Result};

use super::{Notice, Outcome, Session};
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
    failed: Option<Error>,
}

impl<'s> Script<'s> {
    pub(super) fn new(session: &'s mut Session, source: &str) -> Self {
        let source: Arc<str> = Arc::from(source);
        let (statements, failed) = match parse::Script::parse(&source) {
            Ok(statements) => (statements, None),
            Err(error) => {
                // As in PostgreSQL, a text that cannot be parsed fails an open transaction.
                session.fail();
                (Vec::new(), Some(error))
            }
        };
        Self {
            session,
            source,
            single: statements.len() == 1,
            statements: statements.into_iter(),
            failed,
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
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let parsed = self.statements.next()?;
        let last = self.statements.as_slice().is_empty();
        let begun = self.session.begin_measure();
        let mut result = self.session.run_parsed(&self.source, &parsed, self.single);
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
        if result.is_err() {
            self.session.fail();
            self.statements = Vec::new().into_iter();
        }
        self.session.go_idle();
        Some(result)
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
