//! The versioned store: transactions, locks, snapshots, branches, history and garbage collection.
//!
//! Every committed row version lives here, ordered by one system change number ([`Scn`]). A
//! [`Store`] is one database. A [`Txn`] collects writes privately and commits them atomically as one
//! log record; a [`Snapshot`] is the database as of a branch and a change number; both implement
//! [`Read`]. Rows and keys are opaque bytes.
//!
//! **Contract with the layer above:** the primary keys of one table are *prefix-free* (no key is a
//! proper prefix of another), as `helios-base`'s key codec makes them. Index entries are
//! *candidates*: an index scan may return entries of versions the snapshot does not see, and the row
//! read at the snapshot is the judge.
//!
//! **Invariant:** knows nothing of columns, types, SQL or the catalog.
//!
//! [`Scn`]: helios_base::Scn

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed test is a panic"))]

mod ancestry;
mod apply;
mod background;
mod backup;
mod branch;
mod cache;
mod chains;
mod changes;
mod check;
mod checkpoint;
mod codec;
mod cold;
mod commit;
mod core;
mod cursor;
mod diff;
mod directory;
mod floors;
mod gc;
mod group;
mod hash;
mod history;
mod kept;
mod keys;
mod lock;
mod memory;
mod options;
mod pipeline;
mod read;
mod reads;
mod record;
mod recover;
mod registry;
mod retention;
mod row;
mod sequence;
mod show;
mod sink;
mod size;
mod snapshot;
mod stamps;
mod store;
mod txn;
mod versions;
mod view;
mod writes;

pub use backup::{Copied, Manifest, Watch, is_backup, restore, verify_backup};
pub use branch::{Branch, BranchSpec};
pub use cold::{
    Adoption, Cold, ColdBlock, ColdRows, Compaction, Freeze, Frozen, KeyTrail, Promoter, Promotion,
    SegmentInfo, Thaw, Trail,
};
pub use commit::CommitInfo;
pub use cursor::{Apart, KeyCursor, RowCursor, Run, Stretch};
pub use diff::{Change, ChangedKeys, Diff};
pub use floors::FIRST_TABLE;
pub use lock::{LockInfo, LockMode, LockTarget, TableLock, Wait};
pub use options::Options;
pub use retention::{GC_POLICY, GcPolicy, RETENTION_PERIOD, parse_period};
pub use row::{Bounds, IndexEntry, Indexer, RowRef, RowVersion, ShowEachRow, ShowRow, Version};
pub use sequence::{SequenceSpec, SequenceState};
pub use snapshot::{Read, Snapshot};
pub use store::{Step, Store, StoreStats};
pub use txn::{Cancel, Isolation, Locked, Savepoint, Txn, TxnInfo, TxnOptions, Vacancy};
pub use versions::VersionCursor;
pub use view::View;
pub use writes::{BroughtKeys, KeyList, KeyWalk};

/// Names of the failpoints that this crate passes, for crash tests.
pub const FAILPOINTS: &[&str] = &[
    "version.logged",
    "version.durable",
    "version.applied",
    "version.collect",
    "version.checkpoint",
    "version.replay",
    "cold.written",
    "cold.adopted",
    "cold.loaded",
    "cold.swapped",
    "cold.thawed",
    "cold.melted",
    "cold.promoted",
    "cold.demoted",
    "backup.state",
    "backup.segment",
    "backup.manifest",
    "restore.file",
];
