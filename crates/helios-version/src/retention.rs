//! How long what was replaced stays readable: what tables, branches and the database say of it.
//!
//! A table may have a period of its own on a branch, a branch may have one for the rest of its tables, and the
//! database has one for all others. A branch inherits the periods of tables as of its fork, like their rows.
//!
//! The record of a table's period in `Meta`, by the commit from which on it holds, is a varint: 0 for none of
//! its own any more, else one more than the period in µs; then a byte that is 1 if that commit made the table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use helios_base::datetime::parse_interval;
use helios_base::{BranchId, Result, Scn, TableId};

use crate::branch::{Branch, BranchTree, Link, Node};
use crate::codec::{Reader, put_varint};

/// The setting of a branch that says for how long: an interval.
pub const RETENTION_PERIOD: &str = "retention_period";

/// The setting of a branch that says how eagerly: a [`GcPolicy`].
pub const GC_POLICY: &str = "gc_policy";

/// How much longer than promised things may stay, for the sake of fewer collections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GcPolicy {
    /// Not longer.
    Aggressive,
    /// By a thirty-second of the period.
    #[default]
    Balanced,
    /// By a quarter of the period.
    Conservative,
}

impl GcPolicy {
    /// All of them, the most eager first.
    pub const ALL: [Self; 3] = [Self::Aggressive, Self::Balanced, Self::Conservative];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Aggressive => "aggressive",
            Self::Balanced => "balanced",
            Self::Conservative => "conservative",
        }
    }

    /// The policy of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }

    /// How far, in µs, the oldest readable point may fall behind a period.
    pub(crate) const fn slack(self, period: u64) -> u64 {
        match self {
            Self::Aggressive => 0,
            Self::Balanced => period / 32,
            Self::Conservative => period / 4,
        }
    }

    /// How long, in µs, to wait at most until the next look.
    pub(crate) const fn pause(self, period: u64) -> u64 {
        match self {
            Self::Aggressive => period / 1024,
            _ => self.slack(period),
        }
    }
}

impl Branch {
    fn option(&self, name: &str) -> Option<&str> {
        let option = self.options.iter().find(|(known, _)| known == name);
        option.map(|(_, value)| value.as_str())
    }

    /// How long its tables keep what is replaced, unless they say otherwise; `None` if that is for the
    /// database to say.
    #[must_use]
    pub fn retention(&self) -> Option<Duration> {
        parse_period(self.option(RETENTION_PERIOD)?)
    }

    /// How eagerly it lets go.
    #[must_use]
    pub fn gc_policy(&self) -> GcPolicy {
        let name = self.option(GC_POLICY);
        name.and_then(GcPolicy::named).unwrap_or_default()
    }
}

/// A period as an option has it: an interval that is not negative, with 30 days a month.
#[must_use]
pub fn parse_period(text: &str) -> Option<Duration> {
    let micros = u64::try_from(parse_interval(text).ok()?.span()).ok()?;
    Some(Duration::from_micros(micros))
}

/// A period in µs.
pub(crate) fn micros(period: Duration) -> u64 {
    u64::try_from(period.as_micros()).unwrap_or(u64::MAX)
}

/// Appends the stored form of a table's period.
pub(crate) fn put_period(out: &mut Vec<u8>, period: Option<u64>, is_new: bool) {
    put_varint(out, period.map_or(0, |micros| micros.saturating_add(1)));
    out.push(u8::from(is_new));
}

/// Reads what [`put_period`] wrote.
pub(crate) fn read_period(reader: &mut Reader<'_>) -> Result<(Option<u64>, bool)> {
    Ok((reader.varint()?.checked_sub(1), reader.u8()? != 0))
}

/// What tables said of their periods.
#[derive(Clone, Debug, Default)]
pub(crate) struct Periods(BTreeMap<(BranchId, TableId), Said>);

/// What one table said on one branch.
#[derive(Clone, Debug, Default)]
struct Said {
    /// The commit that made the table, if that is known.
    born: Option<Scn>,
    /// By the commit from which on each holds, ascending.
    periods: Vec<(Scn, Option<u64>)>,
}

/// The period that a table has of its own on a branch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnPeriod {
    /// In µs.
    pub(crate) period: u64,
    /// The branch does not have the table before this.
    pub(crate) born: Scn,
}

impl Said {
    /// The newest that holds at `scn`.
    fn at(&self, scn: Scn) -> Option<Option<u64>> {
        let after = self.periods.partition_point(|(from, _)| *from <= scn);
        let newest = self.periods.get(after.checked_sub(1)?);
        newest.map(|(_, period)| *period)
    }
}

impl Periods {
    fn of_branch(&self, branch: BranchId) -> impl Iterator<Item = (TableId, &Said)> {
        let range = (branch, TableId(0))..=(branch, TableId(u32::MAX));
        let said = self.0.range(range);
        said.map(|((_, table), said)| (*table, said))
    }
}

impl BranchTree {
    /// Whether a table has this period before the commit `scn` on `branch` says so, and nothing was said
    /// since.
    pub(crate) fn has_period(
        &self,
        branch: BranchId,
        table: TableId,
        scn: Scn,
        period: Option<u64>,
    ) -> bool {
        let before = Scn(scn.0.saturating_sub(1));
        let known = self.any(branch).and_then(|node| {
            let (first, rest) = node.links(before);
            let links = std::iter::once(&first).chain(rest.iter());
            self.said_of(table, links)
        });
        let said = self.periods.0.get(&(branch, table));
        let newest = said.and_then(|said| said.periods.last());
        // A commit that recovery applies again says what it said, whatever came after it.
        let again = newest.is_some_and(|(from, _)| *from >= scn);
        known.flatten() == period && !again
    }

    /// Notes the period of a table from the commit `scn` on `branch` on, and whether that made the table.
    pub(crate) fn note_period(
        &mut self,
        branch: BranchId,
        table: TableId,
        scn: Scn,
        (period, is_new): (Option<u64>, bool),
    ) {
        let said = Arc::make_mut(&mut self.periods);
        let said = said.0.entry((branch, table)).or_default();
        if is_new && said.periods.is_empty() {
            said.born = Some(scn);
        }
        let at = said.periods.partition_point(|(from, _)| *from < scn);
        match said.periods.get_mut(at) {
            Some(same) if same.0 == scn => same.1 = period,
            _ => said.periods.insert(at, (scn, period)),
        }
    }

    /// What the nearest of these branches that says anything says of the period of a table.
    fn said_of<'l>(
        &self,
        table: TableId,
        mut links: impl Iterator<Item = &'l Link>,
    ) -> Option<Option<u64>> {
        links.find_map(|link| {
            let said = self.periods.0.get(&(link.branch, table))?;
            said.at(link.scn)
        })
    }

    /// The period that a table has of its own on a branch, in µs.
    pub(crate) fn period(&self, branch: BranchId, table: TableId) -> Option<u64> {
        let node = self.any(branch)?;
        let (first, rest) = node.links(Scn::MAX);
        self.said_of(table, std::iter::once(&first).chain(rest.iter()))?
    }

    /// The tables that have a period of their own on a branch. What the branch never saw, because it was
    /// dropped before the fork, is not among them.
    pub(crate) fn own_periods(
        &self,
        node: &Node,
        dropped: &Dropped,
    ) -> BTreeMap<TableId, OwnPeriod> {
        let mut found: BTreeMap<TableId, OwnPeriod> = BTreeMap::new();
        if !self.has_periods() {
            return found;
        }
        let (first, rest) = node.links(Scn::MAX);
        // From the root down, so that what is nearer has the last word.
        for link in rest.iter().rev().chain([&first]) {
            for (table, said) in self.periods.of_branch(link.branch) {
                match said.at(link.scn) {
                    Some(Some(period)) => {
                        let own = OwnPeriod {
                            period,
                            born: match link.branch == first.branch {
                                true => said.born.unwrap_or_default(),
                                false => Scn::ZERO,
                            },
                        };
                        found.insert(table, own);
                    }
                    Some(None) => {
                        found.remove(&table);
                    }
                    None => {}
                }
            }
            if link.branch != first.branch {
                let gone = |table| dropped.get(&(link.branch, table));
                found.retain(|table, _| gone(*table).is_none_or(|scn| *scn > link.scn));
            }
        }
        found
    }

    /// Whether anything was said of a table on this very branch.
    pub(crate) fn says_period(&self, branch: BranchId, table: TableId) -> bool {
        self.periods.0.contains_key(&(branch, table))
    }

    /// Whether any table ever said anything.
    pub(crate) fn has_periods(&self) -> bool {
        !self.periods.0.is_empty()
    }

    /// Forgets the periods of a table that is gone from a branch.
    pub(crate) fn forget_period(&mut self, branch: BranchId, table: TableId) {
        if self.says_period(branch, table) {
            Arc::make_mut(&mut self.periods).0.remove(&(branch, table));
        }
    }

    /// Forgets all that was said on a branch that is gone.
    pub(crate) fn forget_periods(&mut self, branch: BranchId) {
        if self.periods.of_branch(branch).next().is_some() {
            let periods = Arc::make_mut(&mut self.periods);
            periods.0.retain(|(of, _), _| *of != branch);
        }
    }
}

/// By which commit tables were dropped on branches.
pub(crate) type Dropped = BTreeMap<(BranchId, TableId), Scn>;
