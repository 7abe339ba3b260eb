//! Rows that an index leads to.
//!
//! The entries of the index give the stored keys of all rows that may be wanted, perhaps of more:
//! the scan asks its conditions of each row again, so an entry that is out of date does no harm.

use std::ops::{Bound, Range};
use std::sync::Arc;

use helios_base::{Error, Result, Value};
use helios_expr::Comparison;
use helios_table::row::{IndexRules, KeyPart, Rules};
use helios_table::{KeyRange, KeyRangeSpec};
use helios_version::Read;
use parking_lot::Mutex;

use super::filter::{RowFilter, Test};
use crate::row::compile::follows_from;
use crate::row::scan::{Fit, fit};
use crate::session::Interrupt;

/// Reading a row by its key costs as much as reading so many in order.
const ROWS_PER_LOOKUP: f64 = 20.0;

/// At most so many ranges of one index are read.
const RANGES_MAX: usize = 4096;

/// How many entries go between two looks at the interrupt.
const ENTRIES_PER_CHECK: usize = 1024;

/// Keys per piece of work.
const KEYS_PER_PIECE: usize = 1024;

/// An index with the ranges to read.
pub(super) struct Probe {
    rules: Arc<Rules>,
    index: usize,
    ranges: Vec<KeyRange>,
    /// How many rows it is thought to lead to.
    pub(super) estimate: f64,
    /// Collected by the first part that asks.
    keys: Mutex<Option<Arc<Keys>>>,
}

/// Stored keys of rows, ascending, each once.
pub(super) struct Keys {
    bytes: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
}

impl Probe {
    /// The index that leads to the fewest of the table's `rows`. `share` says what part of them a
    /// condition leaves.
    pub(super) fn choose(
        rules: &Arc<Rules>,
        filters: &[RowFilter],
        rows: f64,
        share: &dyn Fn(&RowFilter) -> f64,
    ) -> Result<Option<Self>> {
        let mut best: Option<Self> = None;
        for (at, index) in rules.indexes.iter().enumerate() {
            let Some((ranges, part)) = reach(index, filters, share)? else {
                continue;
            };
            let found = Self {
                rules: Arc::clone(rules),
                index: at,
                ranges,
                estimate: rows * part,
                keys: Mutex::default(),
            };
            if best
                .as_ref()
                .is_none_or(|best| found.estimate < best.estimate)
            {
                best = Some(found);
            }
        }
        Ok(best)
    }

    /// What it costs, counted in rows read in order.
    pub(super) fn cost(&self) -> f64 {
        (self.estimate + self.ranges.len() as f64) * ROWS_PER_LOOKUP
    }

    /// The index.
    pub(super) fn index(&self) -> Option<&IndexRules> {
        self.rules.indexes.get(self.index)
    }

    /// The keys of piece `number`, with their numbers; `None` beyond the last.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; `57014` when interrupted.
    pub(super) fn piece(
        &self,
        number: usize,
        read: &dyn Read,
        interrupt: &Interrupt,
    ) -> Result<Option<(Arc<Keys>, Range<usize>)>> {
        let keys = {
            let mut known = self.keys.lock();
            match &*known {
                Some(keys) => Arc::clone(keys),
                None => Arc::clone(known.insert(Arc::new(self.collect(read, interrupt)?))),
            }
        };
        let count = keys.ends.len();
        let start = number.saturating_mul(KEYS_PER_PIECE);
        Ok((start < count).then(|| (keys, start..count.min(start + KEYS_PER_PIECE))))
    }

    fn collect(&self, read: &dyn Read, interrupt: &Interrupt) -> Result<Keys> {
        let index = self
            .index()
            .ok_or_else(|| Error::internal("the plan's index is not there"))?;
        let mut found: Vec<Box<[u8]>> = Vec::new();
        for range in &self.ranges {
            let mut entries = read.index_scan(index.storage(), range.bounds(), false)?;
            while let Some(entry) = entries.next()? {
                if found.len().is_multiple_of(ENTRIES_PER_CHECK) {
                    interrupt.check()?;
                }
                found.push(index.split(entry)?.1.into());
            }
        }
        found.sort_unstable();
        found.dedup();
        let mut keys = Keys {
            bytes: Vec::with_capacity(found.iter().map(|key| key.len()).sum()),
            ends: Vec::with_capacity(found.len()),
        };
        for key in found {
            keys.bytes.extend_from_slice(&key);
            keys.ends.push(keys.bytes.len());
        }
        Ok(keys)
    }
}

impl Keys {
    /// The key with this number.
    pub(super) fn get(&self, number: usize) -> Option<&[u8]> {
        let start = match number.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.bytes.get(start..*self.ends.get(number)?)
    }
}

/// The ranges of the index that hold all wanted rows, and the share of the table in them; `None` if
/// it may lack some, or no condition narrows it.
fn reach(
    index: &IndexRules,
    filters: &[RowFilter],
    share: &dyn Fn(&RowFilter) -> f64,
) -> Result<Option<(Vec<KeyRange>, f64)>> {
    if index.def.clustered {
        return Ok(None);
    }
    if let Some(predicate) = index.predicate() {
        let known: Vec<_> = filters.iter().filter_map(RowFilter::known).collect();
        if !follows_from(predicate, &known) {
            return Ok(None);
        }
    }
    let mut part = 1.0;
    let mut prefixes: Vec<Vec<Value>> = vec![Vec::new()];
    let (mut lower, mut upper) = (Bound::Unbounded, Bound::Unbounded);
    for (key, (ty, _)) in index.parts().zip(index.key_types()) {
        let KeyPart::Column(position) = key else {
            break;
        };
        let here = || filters.iter().filter(|filter| filter.position == *position);
        let equal = here().find_map(|filter| match &filter.test {
            Test::Compare(Comparison::Eq, _, value) => Some((filter, std::slice::from_ref(value))),
            Test::Any(_, values) => Some((filter, values.as_slice())),
            _ => None,
        });
        if let Some((filter, values)) = equal {
            if prefixes.len().saturating_mul(values.len()) > RANGES_MAX {
                break;
            }
            let values: Vec<Value> = values
                .iter()
                .filter_map(|value| match fit(value.clone(), ty) {
                    Fit::Value(value) => Some(value),
                    _ => None,
                })
                .collect();
            let longer = |prefix: &Vec<Value>, value: &Value| {
                let mut longer = prefix.clone();
                longer.push(value.clone());
                longer
            };
            prefixes = prefixes
                .iter()
                .flat_map(|prefix| values.iter().map(move |value| longer(prefix, value)))
                .collect();
            part *= share(filter);
            continue;
        }
        let mut within: Option<f64> = None;
        for filter in here() {
            let Test::Compare(comparison, _, value) = &filter.test else {
                continue;
            };
            let slot = match comparison {
                Comparison::Gt | Comparison::Ge => &mut lower,
                Comparison::Lt | Comparison::Le => &mut upper,
                Comparison::Eq | Comparison::Ne => continue,
            };
            let (Bound::Unbounded, Fit::Value(value)) = (&*slot, fit(value.clone(), ty)) else {
                continue;
            };
            *slot = match comparison {
                Comparison::Ge | Comparison::Le => Bound::Included(value),
                _ => Bound::Excluded(value),
            };
            let this = share(filter);
            // Two bounds leave what both do.
            within = Some(within.map_or(this, |other| (this + other - 1.0).max(this * other)));
        }
        part *= within.unwrap_or(1.0);
        break;
    }
    let open = lower == Bound::Unbounded && upper == Bound::Unbounded;
    let whole = open && matches!(prefixes.as_slice(), [only] if only.is_empty());
    if whole && index.predicate().is_none() {
        return Ok(None);
    }
    if let Some(predicate) = index.predicate() {
        // The index leaves out what the filters on its condition's columns do, at the most.
        let keys = index.parts().filter_map(|key| match key {
            KeyPart::Column(position) => Some(*position),
            KeyPart::Expr(_) => None,
        });
        let keys: Vec<usize> = keys.collect();
        let asked = predicate.used_columns();
        part *= filters
            .iter()
            .filter(|filter| asked.contains(&filter.position) && !keys.contains(&filter.position))
            .map(share)
            .product::<f64>();
    }
    let ranges = prefixes.iter().map(|prefix| {
        let spec = KeyRangeSpec {
            equal: prefix,
            lower: lower.as_ref(),
            upper: upper.as_ref(),
            nulls: open,
        };
        KeyRange::new(&spec, index.key_types())
    });
    Ok(Some((ranges.collect::<Result<_>>()?, part)))
}
