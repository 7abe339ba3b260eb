//! Numbers that name things: points in history, transactions, branches, tables.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $repr);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$repr> for $name {
            fn from(number: $repr) -> Self {
                Self(number)
            }
        }
    };
}

id! {
    /// System change number: one dense sequence for the whole database, one per commit.
    ///
    /// SQL also calls it LSN; it is the same number, shown as `0/00001A3F`.
    Scn(u64)
}
id! {
    /// A transaction, numbered at its first write.
    TxId(u64)
}
id! {
    /// A branch of the database. [`BranchId::MAIN`] is the root of the tree.
    BranchId(u32)
}
id! {
    /// A table (a relation that stores rows), the same on every branch that inherits it.
    TableId(u32)
}
id! {
    /// An index of a table.
    IndexId(u32)
}
id! {
    /// A column of a table, never reused within it, so that old rows stay readable.
    ColumnId(u32)
}

impl Scn {
    /// Before the first commit.
    pub const ZERO: Self = Self(0);
    /// After every commit there will ever be.
    pub const MAX: Self = Self(u64::MAX);

    /// The next number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Shows the number as PostgreSQL shows an LSN: two hexadecimal halves.
    #[must_use]
    pub fn to_lsn(self) -> String {
        format!("{:X}/{:08X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl BranchId {
    /// The branch every database starts with; it has no parent.
    pub const MAIN: Self = Self(0);
}
