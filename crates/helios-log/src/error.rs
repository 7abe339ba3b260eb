//! How failures of files are told.

use std::io;
use std::path::Path;

use helios_base::{Error, ErrorKind, SqlState};

/// The operating system refused to `verb` the file at `path`.
pub(crate) fn io_error(verb: &str, path: &Path, error: io::Error) -> Error {
    Error::io(format_args!("{verb} \"{}\"", path.display()), error)
}

/// The first failure of a write: what happened, and that writing is over.
pub(crate) fn poison(error: Error) -> Error {
    error
        .with_kind(ErrorKind::Poisoned)
        .with_hint("Close the database, free the disk of its trouble and open it again.")
}

/// Every later call, once a write failed with the text `cause`.
pub(crate) fn poisoned(cause: &str) -> Error {
    poison(
        Error::new(
            SqlState::IO_ERROR,
            "the log takes no more writes since one failed",
        )
        .with_detail(format!("The failure was: {cause}.")),
    )
}
