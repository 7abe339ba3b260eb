//! Which segments there are, in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::{ArcSwap, ArcSwapOption};
use helios_base::{BranchId, Error, Result, TableId};
use parking_lot::Mutex;

use super::promote::Promotions;
use super::{Ages, Cold, ColdRows, SegmentInfo};

/// The segments of all tables.
///
/// The map is replaced before the state store lets go of what a new map shows: whoever looks into the store
/// first and here second misses nothing, and may meet a row in both.
#[derive(Default)]
pub(crate) struct ColdLevel {
    /// Whether there ever was anything here since the store was opened: what everybody else looks at.
    in_use: AtomicBool,
    map: ArcSwap<Map>,
    opener: ArcSwapOption<Arc<dyn Cold>>,
    /// How many segments went whose rows are in the state store again.
    thawed: AtomicU64,
    /// The number of the next segment.
    pub(super) next: AtomicU64,
    /// Whether segments changed after the last checkpoint began.
    pub(crate) unsaved: AtomicBool,
    /// How old commits are.
    pub(super) ages: Mutex<Ages>,
    /// Ranges of keys whose rows were promoted.
    pub(super) promotions: Mutex<Promotions>,
    /// Segments that nothing refers to, with the number of checkpoints after which that is durable.
    pub(super) retired: Mutex<Vec<(SegmentInfo, u64)>>,
    /// How many still read files of segments that may be retired.
    pub(super) holders: AtomicUsize,
}

type Map = HashMap<(TableId, BranchId), Arc<Level>>;

/// The segments of one table on one branch.
#[derive(Clone, Default)]
pub(crate) struct Level {
    /// By their first keys.
    pub(crate) parts: Vec<Arc<Part>>,
    /// How many are being made.
    pub(super) freezing: usize,
    /// The rows are gone for good: what is being made is of no use.
    pub(super) is_gone: bool,
}

/// One segment.
pub(crate) struct Part {
    pub(crate) info: SegmentInfo,
    opened: Arc<OnceLock<Arc<dyn ColdRows>>>,
}

impl Part {
    pub(super) fn new(info: SegmentInfo, rows: Option<Arc<dyn ColdRows>>) -> Self {
        let opened = OnceLock::new();
        if let Some(rows) = rows {
            // Nobody else has it yet.
            let _ = opened.set(rows);
        }
        Self {
            info,
            opened: Arc::new(opened),
        }
    }

    /// The same segment with another manifest.
    pub(super) fn with(&self, info: SegmentInfo) -> Self {
        Self {
            info,
            opened: Arc::clone(&self.opened),
        }
    }
}

impl Level {
    /// The parts that may have the key, be it adopted or not.
    #[inline]
    pub(crate) fn covering<'a>(&'a self, pk: &'a [u8]) -> impl Iterator<Item = &'a Arc<Part>> {
        let upto = self
            .parts
            .partition_point(|part| part.info.least.as_slice() <= pk);
        let parts = self.parts.get(..upto).unwrap_or_default().iter();
        parts.filter(move |part| part.info.covers(pk))
    }
}

impl ColdLevel {
    /// What the state store holds.
    pub(crate) fn new(segments: Vec<SegmentInfo>, next: u64, ages: Ages) -> Self {
        let cold = Self {
            ages: Mutex::new(ages),
            ..Self::default()
        };
        cold.next.store(next.max(1), Ordering::Relaxed);
        let mut map = Map::new();
        for info in segments {
            let level = map.entry((info.table, info.branch)).or_default();
            Arc::make_mut(level)
                .parts
                .push(Arc::new(Part::new(info, None)));
        }
        for level in map.values_mut() {
            Arc::make_mut(level)
                .parts
                .sort_by(|a, b| a.info.least.cmp(&b.info.least));
        }
        cold.in_use.store(!map.is_empty(), Ordering::Release);
        cold.map.store(Arc::new(map));
        cold
    }

    /// Whether anybody need look further.
    #[inline]
    pub(crate) fn in_use(&self) -> bool {
        self.in_use.load(Ordering::Acquire)
    }

    /// What a reader notes before it looks into the state store: who then finds nothing there nor in a segment looks again
    /// unless [`ColdLevel::is_still`].
    #[inline]
    pub(crate) fn stamp(&self) -> u64 {
        self.thawed.load(Ordering::Acquire)
    }

    /// Whether no segment's rows came back since the stamp.
    #[inline]
    pub(crate) fn is_still(&self, stamp: u64) -> bool {
        self.stamp() == stamp
    }

    /// Takes a segment away whose rows are in the state store. Called with the apply mutex held.
    pub(super) fn remove(&self, table: TableId, branch: BranchId, id: u64) {
        // Before the map changes: who misses the segment there knows that it went.
        self.thawed.fetch_add(1, Ordering::AcqRel);
        self.change(table, branch, |level| {
            level.parts.retain(|part| part.info.id != id);
        });
    }

    /// Whether there ever was a segment.
    pub(crate) fn had_any(&self) -> bool {
        self.next.load(Ordering::Relaxed) > 1
    }

    /// The segments of a table on a branch.
    #[inline]
    pub(crate) fn level(&self, table: TableId, branch: BranchId) -> Option<Arc<Level>> {
        if !self.in_use() {
            return None;
        }
        self.map.load().get(&(table, branch)).map(Arc::clone)
    }

    /// The rows of a segment, if it was opened.
    pub(crate) fn opened(&self, info: &SegmentInfo) -> Option<Arc<dyn ColdRows>> {
        let level = self.level(info.table, info.branch)?;
        let part = level.parts.iter().find(|part| part.info.id == info.id)?;
        part.opened.get().map(Arc::clone)
    }

    /// Of which tables and branches segments are being made.
    pub(super) fn being_made(&self) -> Vec<(TableId, BranchId)> {
        let map = self.map.load();
        let made = map.iter().filter(|(_, level)| level.freezing > 0);
        made.map(|(of, _)| *of).collect()
    }

    /// Every segment.
    pub(crate) fn all(&self) -> Vec<Arc<Part>> {
        let map = self.map.load();
        let parts = map.values().flat_map(|level| level.parts.iter());
        let mut parts: Vec<_> = parts.map(Arc::clone).collect();
        parts.sort_by_key(|part| part.info.id);
        parts
    }

    /// Changes the segments of a table on a branch. Called with the apply mutex held.
    pub(super) fn change(&self, table: TableId, branch: BranchId, work: impl FnOnce(&mut Level)) {
        let mut map = Map::clone(&self.map.load());
        let mut level = match map.get(&(table, branch)) {
            Some(level) => Level::clone(level),
            None => Level::default(),
        };
        work(&mut level);
        level.parts.sort_by(|a, b| a.info.least.cmp(&b.info.least));
        if level.parts.is_empty() && level.freezing == 0 {
            map.remove(&(table, branch));
        } else {
            map.insert((table, branch), Arc::new(level));
        }
        self.in_use.store(true, Ordering::Release);
        self.map.store(Arc::new(map));
        self.unsaved.store(true, Ordering::Release);
    }

    pub(crate) fn set_opener(&self, opener: Arc<dyn Cold>) {
        self.opener.store(Some(Arc::new(opener)));
    }

    pub(crate) fn opener(&self) -> Option<Arc<dyn Cold>> {
        self.opener
            .load()
            .as_ref()
            .map(|opener| Arc::clone(&**opener))
    }

    /// The rows of a segment, opened at first use.
    #[inline]
    pub(crate) fn rows<'p>(&self, part: &'p Part) -> Result<&'p Arc<dyn ColdRows>> {
        match part.opened.get() {
            Some(rows) => Ok(rows),
            None => self.open(part),
        }
    }

    #[cold]
    fn open<'p>(&self, part: &'p Part) -> Result<&'p Arc<dyn ColdRows>> {
        let Some(opener) = self.opener() else {
            return Err(Error::unsupported(format!(
                "table {} has columnar segments, which are not in use here",
                part.info.table
            )));
        };
        let rows = opener.open(&part.info)?;
        Ok(part.opened.get_or_init(|| rows))
    }
}
