//! When the rows of a table are cold: the options `hybrid_storage` and its thresholds.
//!
//! A table's own options count first, then those of its branch, then those of `main`, which are the settings
//! of the database.

use std::collections::BTreeMap;

use helios_base::datetime::{MICROS_PER_DAY, parse_interval};
use helios_base::{BranchId, Error, Result, SqlState};
use helios_version::Branch;

use crate::catalog::TableDef;
use crate::tables::Tables;

/// The names of the options, each with its value where nobody says otherwise.
pub const HYBRID_OPTIONS: [(&str, &str); 7] = [
    ("auto_compression", "on"),
    ("bulk_load_threshold", "2000000"),
    ("hybrid_storage", "auto"),
    ("hybrid_storage_access_count_threshold", "10000"),
    ("hybrid_storage_cold_threshold", "30 days"),
    ("hybrid_storage_hot_threshold", "7 days"),
    ("hybrid_storage_min_rows", "10000"),
];

/// When the rows of a table are cold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HybridStorage {
    /// Whether rows move into segments by themselves.
    pub is_on: bool,
    /// Whether rows of segments come back by themselves.
    pub is_off: bool,
    /// Rows that nobody changed for so many µs move into segments.
    pub hot: i64,
    /// Segments that nobody changed for so many µs are compressed harder.
    pub cold: i64,
    /// So many rows have to be due before a segment is made of them.
    pub min_rows: u64,
    /// Groups of neighbouring rows of segments that were read so often come back; `None`: never.
    pub access_count: Option<u32>,
    /// A transaction that adds so many rows writes them straight into segments, if anybody said.
    bulk_rows: Option<u64>,
    /// Whether columns of which nobody says how are compressed.
    pub auto_compression: bool,
}

/// A transaction that adds so many rows writes them straight into segments,
const BULK_ROWS: u64 = 2_000_000;

/// or so many of a table without a key and indexes, of which nobody looks single rows up.
const BULK_ROWS_KEYLESS: u64 = 100_000;

/// Reads of 64 neighbouring rows, within some two hours, that are worth more than what scans lose by them: see
/// `docs/columnar.md`.
const ACCESS_COUNT: u32 = 10_000;

/// The greatest value of `hybrid_storage_access_count_threshold`.
const ACCESS_COUNT_MOST: u32 = 1_000_000_000;

/// The least value of `bulk_load_threshold`: no smaller transaction asks for it.
pub(super) const BULK_LEAST: u64 = 1000;

impl Default for HybridStorage {
    fn default() -> Self {
        Self {
            is_on: true,
            is_off: false,
            hot: 7 * MICROS_PER_DAY,
            cold: 30 * MICROS_PER_DAY,
            min_rows: 10_000,
            access_count: Some(ACCESS_COUNT),
            bulk_rows: None,
            auto_compression: true,
        }
    }
}

impl HybridStorage {
    /// Takes in an option. False if it is none of these.
    ///
    /// # Errors
    /// 22023 for a bad value.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool> {
        let bad = || {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid value for parameter \"{name}\": \"{value}\""),
            )
        };
        let age = || {
            let span = parse_interval(value).map_err(|_| bad())?.span();
            let span = i64::try_from(span).ok().filter(|span| *span >= 0);
            span.ok_or_else(|| bad().with_hint("It is an interval that is not negative."))
        };
        match name {
            "hybrid_storage" => {
                (self.is_on, self.is_off) = match value.to_ascii_lowercase().as_str() {
                    "auto" => (true, false),
                    "manual" => (false, false),
                    "off" => (false, true),
                    _ => return Err(bad().with_hint("Available values: auto, manual, off.")),
                }
            }
            "hybrid_storage_hot_threshold" => self.hot = age()?,
            "hybrid_storage_cold_threshold" => self.cold = age()?,
            "hybrid_storage_min_rows" => {
                let rows = value.trim().parse().ok().filter(|rows| *rows > 0);
                self.min_rows = rows.ok_or_else(|| bad().with_hint("It is a positive number."))?;
            }
            "hybrid_storage_access_count_threshold" => {
                self.access_count = match value.trim().to_ascii_lowercase().as_str() {
                    "0" | "off" => None,
                    count => {
                        let count = count.parse().ok();
                        let count = count.filter(|count| *count <= ACCESS_COUNT_MOST);
                        let hint = || {
                            format!("It is a number of reads up to {ACCESS_COUNT_MOST}, or off.")
                        };
                        Some(count.ok_or_else(|| bad().with_hint(hint()))?)
                    }
                }
            }
            "auto_compression" => {
                self.auto_compression = match value.to_ascii_lowercase().as_str() {
                    "on" | "true" | "yes" | "1" => true,
                    "off" | "false" | "no" | "0" => false,
                    _ => return Err(bad().with_hint("Available values: on, off.")),
                }
            }
            "bulk_load_threshold" => {
                let rows = value.trim().parse().ok().filter(|rows| *rows >= BULK_LEAST);
                let hint = || format!("It is a number of rows from {BULK_LEAST} on.");
                self.bulk_rows = Some(rows.ok_or_else(|| bad().with_hint(hint()))?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A transaction that adds so many rows to `table` writes them straight into segments.
    #[must_use]
    pub fn bulk_rows(&self, table: &TableDef) -> u64 {
        let is_keyless = table.key.is_empty() && table.indexes.is_empty();
        self.bulk_rows.unwrap_or(match is_keyless {
            true => BULK_ROWS_KEYLESS,
            false => BULK_ROWS,
        })
    }

    /// The value of `hybrid_storage`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match (self.is_on, self.is_off) {
            (true, _) => "auto",
            (_, true) => "off",
            _ => "manual",
        }
    }

    /// Of a table with these options on `branch`.
    #[must_use]
    pub fn of(table: &BTreeMap<String, String>, branch: &Branch, main: &Branch) -> Self {
        let table = table.iter();
        let branches = [main, branch].into_iter();
        let branches = branches.flat_map(|b| b.options.iter().map(|(name, value)| (name, value)));
        let mut found = Self::default();
        for (name, value) in branches.chain(table) {
            // They were looked at before they were stored.
            let _ = found.set(name, value);
        }
        found
    }
}

impl Tables {
    /// What holds for a table on a branch.
    pub(crate) fn hybrid(&self, table: &TableDef, branch: BranchId) -> HybridStorage {
        let branches = self.store().branches();
        let main = branches.iter().find(|branch| branch.parent.is_none());
        let own = branches.iter().find(|known| known.id == branch);
        match (own, main) {
            (Some(own), Some(main)) => HybridStorage::of(&table.options, own, main),
            _ => HybridStorage::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_what_they_are_said_to_be() {
        let mut said = HybridStorage {
            is_on: false,
            is_off: true,
            hot: 0,
            cold: 0,
            min_rows: 0,
            access_count: None,
            bulk_rows: Some(0),
            auto_compression: false,
        };
        for (name, value) in HYBRID_OPTIONS {
            assert_eq!(said.set(name, value).ok(), Some(true), "{name}");
        }
        // That of tables with a key.
        assert_eq!(said.bulk_rows.take(), Some(BULK_ROWS));
        assert_eq!(said, HybridStorage::default());
    }

    #[test]
    fn bad_values_are_refused() {
        let mut hybrid = HybridStorage::default();
        for (name, value) in [
            ("hybrid_storage", "on"),
            ("hybrid_storage_hot_threshold", "-1 day"),
            ("hybrid_storage_hot_threshold", "soon"),
            ("hybrid_storage_min_rows", "0"),
            ("bulk_load_threshold", "999"),
            ("hybrid_storage_access_count_threshold", "-1"),
            ("hybrid_storage_access_count_threshold", "1000000001"),
        ] {
            assert!(hybrid.set(name, value).is_err(), "{name}");
        }
        assert_eq!(hybrid.set("fillfactor", "7").ok(), Some(false));
        for never in ["0", "OFF"] {
            let name = "hybrid_storage_access_count_threshold";
            let mut hybrid = HybridStorage::default();
            assert_eq!(hybrid.set(name, never).ok(), Some(true));
            assert_eq!(hybrid.access_count, None);
        }
        assert_eq!(hybrid, HybridStorage::default());
    }
}
