//! What searches by nearness there were since the database was opened: how often, and how many rows were compared.
//!
//! Plans hold the tallies that their runs add to, so that counting costs a search two additions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use helios_base::{ColumnId, IndexId, TableId};
use parking_lot::Mutex;

use crate::tables::Tables;

/// How often something was searched.
#[derive(Debug, Default)]
pub struct Tally {
    searches: AtomicU64,
    read: AtomicU64,
}

impl Tally {
    /// Counts a search; `read` rows were compared one by one, none if an index named candidates.
    pub fn count(&self, read: u64) {
        self.searches.fetch_add(1, Relaxed);
        if read > 0 {
            self.read.fetch_add(read, Relaxed);
        }
    }

    /// How many searches there were.
    #[must_use]
    pub fn searches(&self) -> u64 {
        self.searches.load(Relaxed)
    }

    /// How many rows these compared one by one, about.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }
}

/// A column and the operator by which it was searched.
type Asked = (TableId, ColumnId, &'static str);

/// The searches of a database since it was opened.
#[derive(Debug)]
pub(crate) struct Searches {
    since: Instant,
    exact: Mutex<HashMap<Asked, Arc<Tally>>>,
    indexes: Mutex<HashMap<IndexId, Arc<Tally>>>,
}

impl Default for Searches {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            exact: Mutex::default(),
            indexes: Mutex::default(),
        }
    }
}

/// The searches of a column by one operator, which no index serves.
#[derive(Clone, Debug)]
pub struct ExactSearches {
    /// The operator, as `<=>`.
    pub symbol: &'static str,
    /// How many statements searched.
    pub searches: u64,
    /// How many rows these compared, about.
    pub read: u64,
}

impl Tables {
    /// Counts searches of a column by an operator that no index serves.
    #[must_use]
    pub fn exact_searches_tally(
        &self,
        table: TableId,
        column: ColumnId,
        symbol: &'static str,
    ) -> Arc<Tally> {
        let mut exact = self.nearest.searches.exact.lock();
        Arc::clone(exact.entry((table, column, symbol)).or_default())
    }

    /// Counts searches by an index of nearness, by the number that it keeps when it is made anew.
    #[must_use]
    pub fn index_searches_tally(&self, index: IndexId) -> Arc<Tally> {
        let mut indexes = self.nearest.searches.indexes.lock();
        Arc::clone(indexes.entry(index).or_default())
    }

    /// How a column was searched without an index, by the operators.
    #[must_use]
    pub fn exact_searches(&self, table: TableId, column: ColumnId) -> Vec<ExactSearches> {
        let exact = self.nearest.searches.exact.lock();
        let mut found: Vec<ExactSearches> = exact
            .iter()
            .filter(|((of, at, _), tally)| *of == table && *at == column && tally.searches() > 0)
            .map(|((_, _, symbol), tally)| ExactSearches {
                symbol,
                searches: tally.searches(),
                read: tally.read(),
            })
            .collect();
        found.sort_unstable_by_key(|exact| exact.symbol);
        found
    }

    /// Since when searches are counted.
    #[must_use]
    pub fn searches_counted(&self) -> Duration {
        self.nearest.searches.since.elapsed()
    }
}
