//! Lock modes as bits, and which of them conflict.

use crate::lock::{LockMode, TableLock};

/// One mode of any kind of lock. Row and table modes never meet on one lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(u8);

/// A set of modes, one bit each.
pub(crate) type Modes = u16;

const ROW: u8 = 0;
const TABLE: u8 = 4;

/// Per mode, the modes of other transactions that it cannot stand beside.
const CONFLICTS: [Modes; 12] = [
    0b1000,
    0b1100,
    0b1110,
    0b1111,
    0b1000_0000 << TABLE,
    0b1100_0000 << TABLE,
    0b1111_0000 << TABLE,
    0b1111_1000 << TABLE,
    0b1110_1100 << TABLE,
    0b1111_1100 << TABLE,
    0b1111_1110 << TABLE,
    0b1111_1111 << TABLE,
];

const NAMES: [&str; 12] = [
    "ForKeyShare",
    "ForShare",
    "ForNoKeyUpdate",
    "ForUpdate",
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

impl Mode {
    pub(crate) fn bit(self) -> Modes {
        1 << self.0
    }

    pub(crate) fn conflicts(self) -> Modes {
        CONFLICTS[usize::from(self.0)]
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }

    /// The modes in a set, weakest first.
    pub(crate) fn of(modes: Modes) -> impl Iterator<Item = Self> {
        (0..NAMES.len() as u8)
            .map(Self)
            .filter(move |mode| modes & mode.bit() != 0)
    }

    /// Whether who holds `held` needs nothing more for this mode.
    pub(crate) fn covered_by(self, held: Modes) -> bool {
        Self::of(held).any(|mode| self.conflicts() & !mode.conflicts() == 0)
    }
}

impl From<LockMode> for Mode {
    fn from(mode: LockMode) -> Self {
        Self(ROW + mode as u8)
    }
}

impl From<TableLock> for Mode {
    fn from(mode: TableLock) -> Self {
        Self(TABLE + mode as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Guards against a typing error in the matrix: conflicts are mutual and grow with strength.
    #[test]
    fn conflicts_are_mutual() {
        let all: Vec<_> = Mode::of(!0).collect();
        assert_eq!(all.len(), 12);
        for a in &all {
            for b in &all {
                assert_eq!(a.conflicts() & b.bit() != 0, b.conflicts() & a.bit() != 0);
            }
        }
        let conflict =
            |a: TableLock, b: TableLock| Mode::from(a).conflicts() & Mode::from(b).bit() != 0;
        use TableLock::*;
        assert!(conflict(AccessShare, AccessExclusive));
        assert!(!conflict(AccessShare, Exclusive));
        assert!(!conflict(RowExclusive, RowExclusive));
        assert!(conflict(RowExclusive, Share));
        assert!(!conflict(Share, Share));
        assert!(conflict(ShareUpdateExclusive, ShareUpdateExclusive));
        assert!(!conflict(RowShare, ShareRowExclusive));
        assert!(conflict(RowShare, Exclusive));
        assert!(Mode::from(LockMode::Share).covered_by(Mode::from(LockMode::Update).bit()));
        assert!(!Mode::from(LockMode::Update).covered_by(Mode::from(LockMode::Share).bit()));
        assert!(!Mode::from(LockMode::NoKeyUpdate).covered_by(Mode::from(LockMode::Share).bit()));
    }
}
