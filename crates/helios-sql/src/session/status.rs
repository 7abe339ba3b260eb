//! Where a session stands, for prompts and protocols.

/// Whether a session is inside a transaction block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TransactionStatus {
    /// No block: every statement commits by itself. PostgreSQL's `I`.
    #[default]
    Idle,
    /// Inside a block. PostgreSQL's `T`.
    Active,
    /// Inside a block that failed: only `ROLLBACK` helps. PostgreSQL's `E`.
    Failed,
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStatus {
    /// The transaction block.
    pub transaction: TransactionStatus,
    /// The current branch's name.
    pub branch: String,
    /// The change number that statements read at, if the session looks back.
    pub as_of: Option<u64>,
    /// The user's name.
    pub user: String,
}
