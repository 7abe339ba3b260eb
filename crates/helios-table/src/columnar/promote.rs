//! Promotion: which rows of segments are read so often that they come back into the row store, and for how long.
//!
//! A group of neighbours is promoted when [`Heat`](super::heat::Heat) has counted `hybrid_storage_access_count_threshold` reads
//! of its rows, and counts halve every hour: at a steady pace that is half of the threshold an hour. The
//! segment keeps its rows ([`helios_version::Promoter`]), so what comes back is a copy, and
//! what it costs is its space and that scans meet it beside the segment. Hence at most every [`SHARE`]th row of
//! a table's segments is promoted, or [`FEW`] of small ones, those first that were read most.
//!
//! Reads of promoted rows are not counted. They go back when `hybrid_storage_hot_threshold` is over since; who is read as
//! often afterwards is promoted again, so no group moves more often than that.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::Range;

use helios_base::{BranchId, Result, TableId};
use helios_version::{Promoter, Promotion, SegmentInfo, Step};

use super::heat::HotGroup;
use super::hybrid::HybridStorage;
use super::near::LEAF;
use super::rows::SegmentRows;
use crate::tables::Tables;

/// Counts halve after so many µs.
pub(super) const FADING: i64 = 3600 * 1_000_000;
/// One row of so many of a table's segments is promoted at most,
const SHARE: u64 = 16;
/// or so many of small ones.
const FEW: u64 = 1024;
/// Neighbouring groups of so many rows at most are promoted, and go back, together.
const TOGETHER: u64 = 1024;

type Place = (BranchId, TableId);

/// What access asks for in one table.
#[derive(Default)]
pub(super) struct PromotionDue {
    /// Segments, and the rows of them that were read often.
    hot: VecDeque<(u64, Range<u64>)>,
    /// What was promoted long ago.
    over: VecDeque<Promotion>,
}

/// What access did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PromotionReport {
    /// Rows that came back because they were read often.
    pub rows: u64,
    /// Rows of them that went again.
    pub demoted: u64,
}

/// What access asks for in a table with these segments, of which so many rows are promoted; `None` if nothing.
pub(super) fn due(
    tables: &Tables,
    place: Place,
    segments: &[SegmentInfo],
    (hybrid, now): (&HybridStorage, i64),
    promoted: u64,
) -> Option<PromotionDue> {
    let mut due = PromotionDue::default();
    let (branch, table) = place;
    let mut left = promoted;
    if promoted > 0 {
        let until = now.saturating_sub(hybrid.hot);
        due.over = tables.store().promotions(table, branch, until).into();
        let over: u64 = due.over.iter().map(|promotion| promotion.rows).sum();
        left = left.saturating_sub(over);
    }
    if let Some(least) = hybrid.access_count.filter(|_| hybrid.is_on) {
        let own = segments.iter();
        let own = own.filter(|s| (s.branch, s.table) == place && s.adopted == s.rows);
        due.hot = hot(tables, own, least, left);
    }
    (!due.hot.is_empty() || !due.over.is_empty()).then_some(due)
}

/// A group of rows of a segment, which is one of a list.
struct Wanted {
    segment: usize,
    group: HotGroup,
    places: Range<u64>,
}

/// The places that were read often of segments of a table of which so many rows are promoted, as far as there may be
/// more. They are counted anew from here on.
fn hot<'s>(
    tables: &Tables,
    segments: impl Iterator<Item = &'s SegmentInfo>,
    least: u32,
    promoted: u64,
) -> VecDeque<(u64, Range<u64>)> {
    let (mut cold, mut opened, mut wanted) = (0, Vec::new(), Vec::new());
    for info in segments {
        cold += info.rows;
        // Of others nobody read anything since the database was opened.
        let Some(segment) = tables.store().opened_segment(info) else {
            continue;
        };
        if let Some(rows) = segment.as_any().downcast_ref::<SegmentRows>() {
            wanted.extend(rows.heat().groups(least).map(|group| {
                let start = rows.place_of(group.part, group.first);
                let count = rows.keys_in(group.part).saturating_sub(group.first);
                Wanted {
                    segment: opened.len(),
                    group,
                    places: start..start + count.min(LEAF) as u64,
                }
            }));
        }
        opened.push((info.id, segment));
    }
    let most = (cold / SHARE).max(FEW).saturating_sub(promoted);
    wanted.sort_by_key(|wanted| Reverse(wanted.group.reads));
    let mut rows = 0;
    wanted.retain(|wanted| {
        let count = wanted.places.end - wanted.places.start;
        let fits = count > 0 && rows + count <= most;
        rows += u64::from(fits) * count;
        fits
    });
    wanted.sort_by_key(|wanted| (wanted.segment, wanted.places.start));
    let mut together: VecDeque<(u64, Range<u64>)> = VecDeque::new();
    for Wanted {
        segment,
        group,
        places,
    } in wanted
    {
        let Some((id, rows)) = opened.get(segment) else {
            continue;
        };
        if let Some(rows) = rows.as_any().downcast_ref::<SegmentRows>() {
            rows.heat().forget(group.part, group.first);
        }
        match together.back_mut() {
            Some((last, all))
                if last == id && all.end == places.start && places.end - all.start <= TOGETHER =>
            {
                all.end = places.end;
            }
            _ => together.push_back((*id, places)),
        }
    }
    together
}

/// Lets what was counted of reads fade by so many halves.
pub(super) fn cool(tables: &Tables, times: u32) {
    let store = tables.store();
    let segments = store.segments().into_iter();
    for segment in segments.filter_map(|info| store.opened_segment(&info)) {
        if let Some(rows) = segment.as_any().downcast_ref::<SegmentRows>() {
            rows.heat().cool(times);
        }
    }
}

/// The rows of one table on one branch that come and go as they are read.
pub(super) struct PromotionJob {
    place: Place,
    due: PromotionDue,
    /// When it is.
    now: i64,
    promoter: Option<Promoter>,
    report: PromotionReport,
}

impl PromotionJob {
    pub(super) fn new(place: Place, due: PromotionDue, now: i64) -> Self {
        Self {
            place,
            due,
            now,
            promoter: None,
            report: PromotionReport::default(),
        }
    }

    /// What it did.
    pub(super) const fn report(&self) -> PromotionReport {
        self.report
    }

    /// Moves about `budget` more rows.
    ///
    /// # Errors
    /// `Io`, `Corrupt`; 42704 and 42P01 when the rows went away. The job is over then.
    pub(super) fn step(&mut self, tables: &Tables, budget: usize) -> Result<Step> {
        let (branch, table) = self.place;
        let promoter = match &mut self.promoter {
            Some(promoter) => promoter,
            none => none.insert(tables.store().promote(table, branch)?),
        };
        let mut moved = 0;
        while moved < budget.max(1) as u64 {
            if let Some(promotion) = self.due.over.pop_front() {
                self.report.demoted += promoter.demote(&promotion)?;
                moved += promotion.rows.max(1);
                continue;
            }
            let Some((segment, places)) = self.due.hot.pop_front() else {
                return Ok(Step::Done);
            };
            moved += places.end - places.start;
            self.report.rows += promoter.promote(segment, places, self.now)?;
        }
        Ok(Step::More)
    }
}
