//! The kills in one chunk.

/// Rows that ended, as ascending, disjoint runs with one end SCN each.
///
/// A deleted range is one run, a scattered kill a run of one row. While all ends are the same (one
/// statement killed them all) the SCN is stored once: 4 bytes a run, otherwise 12.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Container {
    /// First and last row, inclusive.
    pub runs: Vec<(u16, u16)>,
    pub ends: Ends,
}

/// The end SCN of each run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    One(u64),
    Each(Vec<u64>),
}

impl Default for Ends {
    fn default() -> Self {
        Self::One(0)
    }
}

impl Container {
    /// Of ascending, disjoint runs.
    pub fn of(pieces: impl Iterator<Item = (u16, u16, u64)>) -> Self {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        let mut ends: Vec<u64> = Vec::new();
        for (first, last, end) in pieces {
            match (runs.last_mut(), ends.last()) {
                (Some(run), Some(before))
                    if u32::from(run.1) + 1 == u32::from(first) && *before == end =>
                {
                    run.1 = last;
                }
                _ => {
                    runs.push((first, last));
                    ends.push(end);
                }
            }
        }
        let ends = match ends.first() {
            Some(first) if ends.iter().all(|end| end == first) => Ends::One(*first),
            None => Ends::default(),
            Some(_) => Ends::Each(ends),
        };
        Self { runs, ends }
    }

    /// First row, last row, end SCN.
    pub fn pieces(&self) -> impl Iterator<Item = (u16, u16, u64)> + '_ {
        let end_of = |place: usize| match &self.ends {
            Ends::One(end) => *end,
            Ends::Each(ends) => ends.get(place).copied().unwrap_or(u64::MAX),
        };
        self.runs
            .iter()
            .enumerate()
            .map(move |(place, (first, last))| (*first, *last, end_of(place)))
    }

    /// The end SCN of `row`.
    pub fn end(&self, row: u16) -> Option<u64> {
        let place = self.runs.partition_point(|(_, last)| *last < row);
        let (first, _) = self.runs.get(place)?;
        if *first > row {
            return None;
        }
        match &self.ends {
            Ends::One(end) => Some(*end),
            Ends::Each(ends) => ends.get(place).copied(),
        }
    }

    pub fn rows(&self) -> u64 {
        let length = |(first, last): &(u16, u16)| u64::from(*last) - u64::from(*first) + 1;
        self.runs.iter().map(length).sum()
    }

    /// Both; rows in both end at the earlier SCN.
    pub fn union(&self, other: &Self) -> Self {
        if self.runs.is_empty() {
            return other.clone();
        }
        let mut a = self.pieces().peekable();
        let mut b = other.pieces().peekable();
        let mut out = Vec::with_capacity(self.runs.len() + other.runs.len());
        let mut next = 0u32;
        // Cut at every border, so that each stretch has at most one run of either side.
        loop {
            while a.peek().is_some_and(|run| u32::from(run.1) < next) {
                a.next();
            }
            while b.peek().is_some_and(|run| u32::from(run.1) < next) {
                b.next();
            }
            let (first, second) = (a.peek().copied(), b.peek().copied());
            let start = |run: Option<(u16, u16, u64)>| run.map(|r| u32::from(r.0).max(next));
            let Some(begin) = [start(first), start(second)].into_iter().flatten().min() else {
                break;
            };
            let mut until = u32::from(u16::MAX);
            let mut end = u64::MAX;
            for (low, high, scn) in [first, second].into_iter().flatten() {
                if u32::from(low) <= begin {
                    until = until.min(u32::from(high));
                    end = end.min(scn);
                } else {
                    until = until.min(u32::from(low) - 1);
                }
            }
            // Both borders come from 16-bit rows.
            out.push((begin as u16, until as u16, end));
            next = until + 1;
        }
        Self::of(out.into_iter())
    }

    /// Only ends at or before `scn`.
    pub fn until(&self, scn: u64) -> Self {
        match &self.ends {
            Ends::One(end) if *end <= scn => self.clone(),
            Ends::One(_) => Self::default(),
            Ends::Each(_) => Self::of(self.pieces().filter(|(_, _, end)| *end <= scn)),
        }
    }
}
