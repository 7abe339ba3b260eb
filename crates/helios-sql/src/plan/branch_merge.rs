//! Statements that merge, and those about named snapshots.

use super::AsOf;
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
    /// `DROP SNAPSHOT`.
    DropSnapshot {
        /// Name.
        name: String,
        /// A missing one is a notice.
        if_exists: bool,
    },
}

impl MergeCommand {
    /// What the command is called.
    #[must_use]
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::Branch { .. } => "MERGE BRANCH",
            Self::Complete { .. } => "COMPLETE MERGE",
            Self::Abort { .. } => "ABORT MERGE",
            Self::One { undo: false, .. } => "CHERRY PICK",
            Self::One { undo: true, .. } => "UNDO",
            Self::CreateSnapshot { .. } => "CREATE SNAPSHOT",
            Self::DropSnapshot { .. } => "DROP SNAPSHOT",
        }
    }
}
