//! Statements that merge, and those about named snapshots.

use super::{AsOf, Ident, Point};

/// A statement that merges, or that names a snapshot.
#[derive(Clone, Debug)]
pub enum BranchMerge {
    /// `MERGE [DATABASE] BRANCH source [INTO target] …`
    Branch(MergeBranch),
    /// `COMPLETE MERGE id [DRY RUN]`
    Complete(String, bool),
    /// `ABORT MERGE id`
    Abort(String),
    /// `CHERRY PICK TRANSACTION n [INTO branch] [DRY RUN]`: the changes of one commit;
    /// `UNDO TRANSACTION n …`: their inverse.
    One {
        /// The transaction's number.
        txid: u64,
        /// Whether its inverse is merged.
        undo: bool,
        /// Into.
        target: Option<Ident>,
        /// How conflicts are decided.
        how: MergeHow,
    },
    /// `CREATE SNAPSHOT [IF NOT EXISTS] name [ON | FROM [BRANCH] branch] [AS OF …]`
    CreateSnapshot {
        /// Name.
        name: Ident,
        /// `IF NOT EXISTS`
        if_not_exists: bool,
        /// Of which branch.
        branch: Option<Ident>,
        /// `AS OF`
        at: Option<AsOf>,
    },
    /// `BISECT (query) [ON BRANCH branch] [BETWEEN point AND point]`
    Bisect(Box<Bisect>),
    /// `DROP SNAPSHOT [IF EXISTS] name`
    DropSnapshot {
        /// Name.
        name: Ident,
        /// `IF EXISTS`
        if_exists: bool,
    },
}

/// `BISECT`.
#[derive(Clone, Debug)]
pub struct Bisect {
    /// The text of the query.
    pub query: String,
    /// From; `None`: the oldest that is kept.
    pub low: Option<Point>,
    /// To; `None`: now.
    pub high: Option<Point>,
    /// `ON BRANCH`
    pub branch: Option<Ident>,
}

/// `MERGE … BRANCH`.
#[derive(Clone, Debug)]
pub struct MergeBranch {
    /// From.
    pub source: Ident,
    /// Into.
    pub target: Option<Ident>,
    /// How.
    pub how: MergeHow,
}

/// The clauses of a merge.
#[derive(Clone, Debug, Default)]
pub struct MergeHow {
    /// `[USING] STRATEGY [=] name`
    pub strategy: Option<Ident>,
    /// The function of `STRATEGY CUSTOM (function)`, as it is written.
    pub function: Option<String>,
    /// `WITH CONFLICT RESOLUTION name`
    pub rule: Option<Ident>,
    /// `REQUIRING (query)`: the text of the query.
    pub requiring: Option<String>,
    /// `DRY RUN`
    pub dry_run: bool,
}
