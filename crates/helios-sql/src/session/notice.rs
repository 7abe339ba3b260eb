//! Messages beside the result: notices and warnings.

use std::fmt;

use helios_base::SqlState;

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Something worth knowing, such as a skipped `IF NOT EXISTS`.
    Notice,
    /// Something that probably was not meant, such as `COMMIT` without `BEGIN`.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
        })
    }
}

/// A message that a statement left beside its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How loud.
    pub severity: Severity,
    /// The SQLSTATE.
    pub state: SqlState,
    /// The message, in the style of errors.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
}

impl Notice {
    /// A plain notice.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Notice,
            state: SqlState::SUCCESSFUL_COMPLETION,
            message: message.into(),
            hint: None,
        }
    }

    /// A warning with its SQLSTATE.
    #[must_use]
    pub fn warning(state: SqlState, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            state,
            message: message.into(),
            hint: None,
        }
    }
}

impl super::Session {
    /// Leaves a notice.
    pub(super) fn notice(&mut self, message: impl Into<String>) {
        self.notices.push(Notice::new(message));
    }

    /// Leaves a notice with a SQLSTATE.
    pub(super) fn notice_state(&mut self, state: SqlState, message: impl Into<String>) {
        self.notices.push(Notice {
            state,
            ..Notice::new(message)
        });
    }
}
