//! The numbers of the system's own tables, sequences and lock spaces. Persisted: never reused.

use helios_base::TableId;
use helios_version::{FIRST_TABLE, SequenceSpec};

use crate::catalog::FIRST_USER_ID;

/// Catalog: schemas.
pub(crate) const SCHEMAS: TableId = TableId(1);
/// Catalog: tables with their columns, indexes and constraints.
pub(crate) const TABLES: TableId = TableId(2);
/// Catalog: sequences.
pub(crate) const SEQUENCES: TableId = TableId(3);
/// Catalog: views.
pub(crate) const VIEWS: TableId = TableId(4);
/// What `ANALYZE` found, by table.
pub(crate) const STATISTICS: TableId = TableId(5);
/// Row counts as of the last time they were saved, by storage.
pub(crate) const COUNTS: TableId = TableId(6);
/// Catalog: types.
pub(crate) const TYPES: TableId = TableId(7);
/// Catalog: functions and procedures.
pub(crate) const FUNCTIONS: TableId = TableId(8);

/// Roles; of the main branch.
pub(crate) const ROLES: TableId = TableId(11);
/// Who owns objects and may do what with them, by the object's number.
pub(crate) const ACCESS: TableId = TableId(12);

/// The schemas of temporary objects, by name; of the main branch.
pub(crate) const TEMPORARY_SCHEMAS: TableId = TableId(9);

/// The sequence of object numbers. All branches draw from the main branch's, so that an object
/// has the same number wherever it is merged to.
pub(crate) const OBJECT_IDS: TableId = TableId(10);

/// Lock space of names: schema number and name.
pub(crate) const NAME_LOCKS: u32 = 1;
/// Lock space of schemas, views, sequences and types, by number; tables have table locks.
pub(crate) const OBJECT_LOCKS: u32 = 2;

/// Lock space of merges into a branch, which come one after the other.
pub(crate) const MERGE_LOCKS: u32 = 3;

// The store keeps what describes tables as long as any of them.
const _: () = assert!(ACCESS.0 < FIRST_TABLE.0 && FIRST_TABLE.0 <= FIRST_USER_ID);

/// An ascending sequence from `start` in steps of `increment`.
pub(crate) const fn counter(start: i64, increment: i64) -> SequenceSpec {
    SequenceSpec {
        start,
        increment,
        min: 0,
        max: i64::MAX,
        cycle: false,
    }
}
