//! Backups: the whole database as of one commit, in files of its own, made while others go on.
//!
//! A backup is a directory:
//!
//! | file | content |
//! |---|---|
//! | `MANIFEST` | what there is, with checksums: see `manifest.rs`; until all is there it is `MANIFEST.unfinished` and empty |
//! | `state.redb` | every branch, version, catalog and counter, as a state file |
//! | `log/` | an empty log that goes on where that state ends |
//! | `segments/` | the columnar segments that the state names |
//!
//! What is copied is one snapshot of the state store, taken between two commits: it has in it everything that
//! the log said up to there, so that the log itself is not needed. Nobody waits for a copy; the state file keeps
//! the pages, and the directory the segments, that it still has to read.
//!
//! **Invariant:** a `MANIFEST` is there only when all that it names is, durably.

mod copy;
mod manifest;
mod restore;
mod write;

pub use manifest::Manifest;
pub use restore::{is_backup, restore, verify_backup};

/// How far a backup or a restore has come: bytes done, and about how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Bytes that were copied.
    pub done: u64,
    /// About how many there are: a guess while a backup is written, exact while one is read.
    pub total: u64,
}

/// Told how far it is; an error ends the work.
pub type Watch<'w> = dyn FnMut(Copied) -> helios_base::Result<()> + 'w;

const MANIFEST: &str = "MANIFEST";
const UNFINISHED: &str = "MANIFEST.unfinished";
const STATE: &str = "state.redb";
const LOG: &str = "log";
const SEGMENTS: &str = "segments";
