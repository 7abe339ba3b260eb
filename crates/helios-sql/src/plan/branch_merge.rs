//! Statements that merge, and those about named snapshots.

use super::{AsOf, Point};
pub use crate::parse::ast::MergeHow;

/// A statement that merges, or that names a snapshot.
#[derive(Clone, Debug)]
pub enum MergeCommand {
    /// `MERGE [DATABASE] BRANCH`.
    Branch {
        /// From.
        source: String,
        /// Into; the current branch if not given.
        target: Option<String>,
        /// How.
        how: MergeHow,
    },
    /// `COMPLETE MERGE`.
    Complete {
        /// The merge's identifier.
        id: String,
        /// Only show what would be done.
        dry_run: bool,
    },
    /// `ABORT MERGE`.
    Abort {
        /// The merge's identifier.
        id: String,
    },
    /// `CHERRY PICK TRANSACTION`, `UNDO TRANSACTION`.
    One {
        /// The transaction.
        txid: u64,
        /// Its inverse.
        undo: bool,
        /// Into; the current branch if not given.
        target: Option<String>,
        /// How.
        how: MergeHow,
    },
    /// `CREATE SNAPSHOT`.
    CreateSnapshot {
        /// Name.
        name: String,
        /// Do nothing, with a notice, if it is there.
        if_not_exists: bool,
        /// Branch and moment; the current branch, now, if not given.
        of: AsOf,
    },
    /// `BISECT`.
    Bisect(Bisect),
    /// `DROP SNAPSHOT`.
    DropSnapshot {
        /// Name.
        name: String,
        /// A missing one is a notice.
        if_exists: bool,
    },
}

/// `BISECT`: which commit made a query answer otherwise.
#[derive(Clone, Debug)]
pub struct Bisect {
    /// The text of a query that returns one boolean.
    pub query: String,
    /// From; the oldest moment that is kept if not given.
    pub low: Option<Point>,
    /// To; the newest moment if not given.
    pub high: Option<Point>,
    /// On which branch; the session's if not given.
    pub branch: Option<String>,
}

impl MergeCommand {
    /// What the command is called.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            // psql reads a count behind "MERGE ".
            Self::Branch { .. } => "MERGE",
            Self::Complete { .. } => "COMPLETE MERGE",
            Self::Abort { .. } => "ABORT MERGE",
            Self::One { undo: false, .. } => "CHERRY PICK",
            Self::One { undo: true, .. } => "UNDO",
            Self::CreateSnapshot { .. } => "CREATE SNAPSHOT",
            Self::DropSnapshot { .. } => "DROP SNAPSHOT",
            Self::Bisect(_) => "BISECT",
        }
    }
}
