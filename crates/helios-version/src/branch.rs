//! Branches: a name, a parent and the point where they part.

use helios_base::{BranchId, Scn};

/// A branch of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its number, never reused.
    pub id: BranchId,
    /// Its name, unique among living branches.
    pub name: String,
    /// The branch it was forked from; `None` for `main`.
    pub parent: Option<BranchId>,
    /// The parent's change number it starts from.
    pub fork: Scn,
    /// The commit that created it.
    pub created: Scn,
    /// When it was created, in µs since 1970-01-01 UTC.
    pub created_at: i64,
    /// Settings of the layer above, in key order.
    pub options: Vec<(String, String)>,
}

/// A branch to create.
#[derive(Clone, Debug, Default)]
pub struct BranchSpec {
    /// Its name.
    pub name: String,
    /// The branch to fork from.
    pub parent: BranchId,
    /// The parent's change number to start from; the newest when `None`.
    pub at: Option<Scn>,
    /// Settings of the layer above.
    pub options: Vec<(String, String)>,
}
