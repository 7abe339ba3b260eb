//! The one error type: what went wrong, where, and what to do about it.

use std::error::Error as StdError;
use std::fmt;

use crate::SqlState;

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do. Details belong in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another transaction won or a lock was not to be had: roll back and retry.
    Conflict,
    /// A constraint refused the data: change the data.
    Constraint,
    /// Bad SQL, value, argument or setting: fix it.
    Invalid,
    /// A known feature that is not there: do it another way.
    Unsupported,
    /// The statement was cancelled or timed out.
    Cancelled,
    /// A limit (memory, disk, size, connections) was reached.
    Limit,
    /// The operating system refused: permissions, missing file, held lock.
    Io,
    /// Stored bytes are wrong: stop and restore.
    Corrupt,
    /// A write to the disk failed: reopen before writing again.
    Poisoned,
    /// Our bug: report it.
    Internal,
}

/// A failure with its SQLSTATE and all that a client can show of it.
///
/// One pointer wide, so that results stay small. Messages are lower case, without a full stop,
/// names in double quotes, as PostgreSQL writes them.
pub struct Error(Box<Inner>);

#[derive(Default)]
struct Inner {
    kind: Option<ErrorKind>,
    state: Option<SqlState>,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    context: Option<String>,
    position: Option<usize>,
    schema: Option<String>,
    table: Option<String>,
    column: Option<String>,
    data_type: Option<String>,
    constraint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

macro_rules! field {
    ($($(#[$doc:meta])* $set:ident / $field:ident;)*) => {$(
        $(#[$doc])*
        #[must_use]
        pub fn $set(mut self, text: impl Into<String>) -> Self {
            self.0.$field = Some(text.into());
            self
        }

        $(#[$doc])*
        #[must_use]
        pub fn $field(&self) -> Option<&str> {
            self.0.$field.as_deref()
        }
    )*};
}

impl Error {
    /// An error with this SQLSTATE; its kind follows from the state's class.
    #[must_use]
    pub fn new(state: SqlState, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            state: Some(state),
            message: message.into(),
            ..Inner::default()
        }))
    }

    /// Our bug. Say which invariant broke.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(SqlState::INTERNAL_ERROR, message)
    }

    /// Stored bytes are wrong. Name the file and the offset.
    #[must_use]
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(SqlState::DATA_CORRUPTED, message)
    }

    /// A known feature that is not there. Say which, and what to do instead as a hint.
    #[must_use]
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(SqlState::FEATURE_NOT_SUPPORTED, message)
    }

    /// The operating system refused `doing`, such as `open "x/log"`; states as PostgreSQL's. An error
    /// of ours that travelled through a reader or writer comes out as it was.
    #[must_use]
    pub fn io(doing: impl fmt::Display, source: std::io::Error) -> Self {
        use std::io::ErrorKind as Os;
        let source = match source.downcast::<Self>() {
            Ok(error) => return error,
            Err(source) => source,
        };
        let state = match source.kind() {
            Os::StorageFull | Os::QuotaExceeded => SqlState::DISK_FULL,
            Os::PermissionDenied | Os::ReadOnlyFilesystem => SqlState::INSUFFICIENT_PRIVILEGE,
            Os::NotFound => SqlState::UNDEFINED_FILE,
            Os::AlreadyExists => SqlState::DUPLICATE_FILE,
            Os::NotADirectory | Os::IsADirectory => SqlState::WRONG_OBJECT_TYPE,
            _ => SqlState::IO_ERROR,
        };
        let error = Self::new(state, format!("could not {doing}: {source}")).with_source(source);
        match error.kind() {
            // By their class these two are about SQL.
            ErrorKind::Invalid => error.with_kind(ErrorKind::Io),
            _ => error,
        }
    }

    /// Overrides the kind that the SQLSTATE implies.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = Some(kind);
        self
    }

    /// The cause below.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The error without its detail.
    #[must_use]
    pub fn without_detail(mut self) -> Self {
        self.0.detail = None;
        self
    }

    /// Where in the statement: a character offset, counted from 1, as PostgreSQL counts.
    /// A position that is already there stays.
    #[must_use]
    pub fn at(mut self, position: usize) -> Self {
        self.0.position.get_or_insert(position);
        self
    }

    field! {
        /// More about this very failure: the key, the value, the limit.
        with_detail / detail;
        /// What the user can do.
        with_hint / hint;
        /// What was being done, the innermost first, a line each: the line of a file, for instance.
        with_context / context;
        /// The schema concerned.
        with_schema / schema;
        /// The table concerned.
        with_table / table;
        /// The column concerned.
        with_column / column;
        /// The data type concerned.
        with_data_type / data_type;
        /// The constraint that refused.
        with_constraint / constraint;
    }

    /// What the caller should do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind.unwrap_or_else(|| kind_of(self.sqlstate()))
    }

    /// The SQLSTATE.
    #[must_use]
    pub fn sqlstate(&self) -> SqlState {
        self.0.state.unwrap_or(SqlState::INTERNAL_ERROR)
    }

    /// What went wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the statement, in characters from 1.
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        self.0.position
    }
}

fn kind_of(state: SqlState) -> ErrorKind {
    match (state.class(), state.as_str()) {
        (_, "40003") => ErrorKind::Poisoned,
        ("40", _) | (_, "55P03" | "55006") => ErrorKind::Conflict,
        ("23" | "44", _) => ErrorKind::Constraint,
        ("0A", _) => ErrorKind::Unsupported,
        ("57", _) | (_, "25P03") => ErrorKind::Cancelled,
        ("53" | "54", _) => ErrorKind::Limit,
        ("58", _) => ErrorKind::Io,
        (_, "XX001" | "XX002") => ErrorKind::Corrupt,
        ("XX", _) => ErrorKind::Internal,
        _ => ErrorKind::Invalid,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.sqlstate(), self.0.message)?;
        for (name, text) in [
            ("detail", &self.0.detail),
            ("hint", &self.0.hint),
            ("context", &self.0.context),
        ] {
            if let Some(text) = text {
                write!(f, " ({name}: {text})")?;
            }
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
