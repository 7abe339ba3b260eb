//! What a transaction holds and knows under its locks.

use std::ops::Bound;
use std::sync::atomic::Ordering;

use helios_base::{Result, Scn, TableId};
use helios_kv::Keyspace;

use crate::branch::Link;
use crate::core::Core;
use crate::keys::{ObjectRange, PREFIX};
use crate::lock::manager::{LockKey, LockManager, Outcome};
use crate::lock::mode::{Mode, Modes};
use crate::lock::{LockMode, TableLock};
use crate::stamps::Stamp;

/// Row locks in one table after which the whole table is preferred, and then as many more again.
const ROWS_MAX: usize = 1 << 16;

/// Absent keys met one after the other before the gap around them is looked up.
const GAP_AFTER: u32 = 4;

/// What a transaction holds.
#[derive(Default)]
pub(super) struct Held {
    /// Every lock, for release.
    keys: Vec<LockKey>,
    /// Locks made stronger, and what was held of each before.
    raised: Vec<(LockKey, Modes)>,
    tables: Vec<(TableId, HeldTable)>,
    last: Option<(TableId, Vec<u8>, Remembered)>,
}

/// How much was held at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocksMark {
    keys: usize,
    raised: usize,
}

/// The row that was locked last: a write of it usually follows.
#[derive(Clone, Copy)]
pub(super) struct Remembered {
    pub(super) mode: LockMode,
    /// The own branch has no version of it.
    pub(super) fresh: bool,
}

/// What a transaction holds in one table.
#[derive(Default)]
pub(super) struct HeldTable {
    modes: Modes,
    /// Which commits there were when rows of the table could first be changed by nobody else.
    alone_since: Option<Scn>,
    pub(super) rows: usize,
    next_try: usize,
    absent: u32,
    gap: Option<Gap>,
}

/// Keys between two neighbours that the table had not when its stamp was read.
struct Gap {
    from: Vec<u8>,
    /// First key after the gap.
    upto: Option<Vec<u8>>,
    stamp: Stamp,
    seen: u64,
}

impl Held {
    /// Notes what became of a request for a lock.
    #[inline]
    pub(super) fn note(&mut self, key: LockKey, outcome: Outcome) {
        match outcome {
            Outcome::New => self.keys.push(key),
            Outcome::Raised(before) => self.raised.push((key, before)),
            Outcome::Held | Outcome::Skipped => {}
        }
    }

    /// A mark to return to.
    pub(super) fn mark(&self) -> LocksMark {
        LocksMark {
            keys: self.keys.len(),
            raised: self.raised.len(),
        }
    }

    /// Gives back what was taken since `mark`.
    pub(super) fn release_to(&mut self, mark: LocksMark, number: u64, locks: &LockManager) {
        if mark == self.mark() {
            return;
        }
        // What is remembered may rest on a lock that goes.
        self.last = None;
        for (key, before) in self
            .raised
            .drain(mark.raised.min(self.raised.len())..)
            .rev()
        {
            locks.lower(number, key, before);
            if let Some((table, true)) = key.table_of()
                && let Some((_, held)) = self.tables.iter_mut().find(|(id, _)| *id == table)
            {
                held.modes = before;
                held.alone_since = None;
            }
        }
        let gone = self.keys.split_off(mark.keys.min(self.keys.len()));
        locks.release(number, &gone);
        for (table, whole) in gone.into_iter().filter_map(LockKey::table_of) {
            let held = self.table(table);
            if whole {
                held.modes = 0;
                held.alone_since = None;
            } else {
                held.rows = held.rows.saturating_sub(1);
            }
        }
    }

    /// Gives back everything.
    pub(super) fn release_all(&mut self, number: u64, locks: &LockManager) {
        locks.release(number, &self.keys);
        *self = Self::default();
    }

    #[inline]
    pub(super) fn table(&mut self, table: TableId) -> &mut HeldTable {
        let at = match self.tables.iter().position(|(id, _)| *id == table) {
            Some(at) => at,
            None => {
                self.tables.push((table, HeldTable::default()));
                self.tables.len() - 1
            }
        };
        &mut self.tables[at].1
    }

    pub(super) fn remember(&mut self, table: TableId, pk: &[u8], mode: LockMode, fresh: bool) {
        let remembered = Remembered { mode, fresh };
        match &mut self.last {
            Some((last_table, last_pk, last)) => {
                *last_table = table;
                last_pk.clear();
                last_pk.extend_from_slice(pk);
                *last = remembered;
            }
            empty => *empty = Some((table, pk.to_vec(), remembered)),
        }
    }

    #[inline]
    pub(super) fn remembered(&self, table: TableId, pk: &[u8]) -> Option<Remembered> {
        match &self.last {
            Some((last_table, last_pk, remembered)) if *last_table == table && last_pk == pk => {
                Some(*remembered)
            }
            _ => None,
        }
    }

    /// Whether nobody has committed a row with this key, own branch and ancestors, as far as is
    /// known without looking.
    #[inline]
    pub(super) fn in_gap(&mut self, table: TableId, pk: &[u8]) -> bool {
        let table = self.table(table);
        let Some(gap) = &table.gap else { return false };
        if gap.stamp.load(Ordering::Acquire) != gap.seen {
            table.gap = None;
            return false;
        }
        pk >= gap.from.as_slice() && gap.upto.as_ref().is_none_or(|upto| pk < upto.as_slice())
    }

    /// Notes that a key is absent from the chain; after a few in a row finds out how far the gap
    /// reaches.
    pub(super) fn note_absent(
        &mut self,
        core: &Core,
        own: Link,
        ancestors: &[Link],
        table: TableId,
        pk: &[u8],
    ) -> Result<()> {
        let held = self.table(table);
        held.absent += 1;
        if held.absent < GAP_AFTER {
            return Ok(());
        }
        held.absent = 0;
        let stamp = core.stamps.of(table, own.branch);
        // Before the look: a commit applied in between spoils the gap.
        let seen = stamp.load(Ordering::Acquire);
        let segments = core.cold.stamp();
        let kv = core.kv.snapshot();
        let mut upto: Option<Vec<u8>> = None;
        for link in std::iter::once(&own).chain(ancestors) {
            let level = core.cold.level(table, link.branch);
            for part in level.iter().flat_map(|level| level.parts.iter()) {
                if pk > part.info.greatest.as_slice() {
                    continue;
                }
                if pk >= part.info.least.as_slice() {
                    // How far it reaches is not looked up in there.
                    return Ok(());
                }
                if upto.as_ref().is_none_or(|upto| part.info.least < *upto) {
                    upto = Some(part.info.least.clone());
                }
            }
            let from = (Bound::Included(pk), Bound::Unbounded);
            let range = ObjectRange::new(table.0, link.branch, from);
            let mut cursor = kv.scan(Keyspace::Current, range.bounds(), false)?;
            if let Some((key, _)) = cursor.next()? {
                let key = key.get(PREFIX..).unwrap_or_default();
                if key == pk {
                    return Ok(());
                }
                if upto.as_deref().is_none_or(|upto| key < upto) {
                    upto = Some(key.to_vec());
                }
            }
        }
        if !core.cold.is_still(segments) {
            return Ok(());
        }
        held.gap = Some(Gap {
            from: pk.to_vec(),
            upto,
            stamp,
            seen,
        });
        Ok(())
    }
}

impl HeldTable {
    #[inline]
    pub(super) fn has(&self, mode: TableLock) -> bool {
        let mode = Mode::from(mode);
        self.modes & mode.bit() != 0 || (self.modes != 0 && mode.covered_by(self.modes))
    }

    /// Notes a mode that was taken when `newest` was the newest commit, or an older one.
    pub(super) fn add(&mut self, mode: TableLock, newest: Scn) {
        self.modes |= Mode::from(mode).bit();
        if self.alone_since.is_none() && self.covers_rows(LockMode::Update) {
            self.alone_since = Some(newest);
        }
    }

    /// Since which commit nobody else can have changed a row, if row locks of `mode` are not needed.
    pub(super) fn alone_since(&self, mode: LockMode) -> Option<Scn> {
        self.alone_since.filter(|_| self.covers_rows(mode))
    }

    /// Whether nobody else can lock a row of the table in a conflicting way.
    #[inline]
    pub(super) fn covers_rows(&self, mode: LockMode) -> bool {
        let whole = if mode >= LockMode::NoKeyUpdate {
            TableLock::Exclusive
        } else {
            TableLock::ShareRowExclusive
        };
        Mode::from(whole).covered_by(self.modes)
    }

    pub(super) fn wants_whole(&mut self) -> bool {
        if self.rows < self.next_try.max(ROWS_MAX) {
            return false;
        }
        self.next_try = self.rows + ROWS_MAX;
        true
    }
}
