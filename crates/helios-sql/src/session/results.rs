//! Results that are kept: which queries, and in how much memory.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState, Value, row};

use super::Session;
use super::planned::{Planned, Query};
use super::run::Sight;
use super::state::State;
use crate::fusion::{Keeping, ResultKey};
use crate::row::exec::Exec;

/// The setting that bounds the memory for results.
pub(super) const NAME: &str = "query_cache_size";

/// Its value where nobody says otherwise.
pub(super) const DEFAULT: &str = "32MB";

/// Units with their sizes; a number alone is one of kilobytes, as PostgreSQL has it for memory.
const UNITS: [(&str, usize); 5] = [
    ("", 1 << 10),
    ("B", 1),
    ("kB", 1 << 10),
    ("MB", 1 << 20),
    ("GB", 1 << 30),
];

/// Its value in bytes.
///
/// # Errors
/// 22023.
pub(super) fn parse(text: &str) -> Result<usize> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = UNITS
        .iter()
        .find(|(name, _)| unit.trim().eq_ignore_ascii_case(name));
    let bytes = number
        .parse::<usize>()
        .ok()
        .zip(unit)
        .and_then(|(number, (_, size))| number.checked_mul(*size));
    bytes.ok_or_else(|| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid value for parameter \"{NAME}\": \"{text}\""),
        )
        .with_hint("It is a size such as '64MB', or 0 to keep no results.")
    })
}

/// The value as it is shown: in the largest unit without a rest.
pub(super) fn shown(bytes: usize) -> String {
    let mut units = UNITS.iter().rev().filter(|(name, _)| !name.is_empty());
    match units.find(|(_, size)| bytes > 0 && bytes.is_multiple_of(*size)) {
        Some((name, size)) => format!("{}{name}", bytes / size),
        None => bytes.to_string(),
    }
}

impl Session {
    /// Where the result of a query in vectors is looked for and kept; `None` if it is not: its answer
    /// depends on more than tables, or a transaction may have changed these.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub(super) fn keeping(
        &self,
        sight: &Sight,
        planned: &Planned,
        query: &Query,
        exec: &Exec,
    ) -> Result<Option<Keeping>> {
        let cache = &self.engine.shared.results;
        if !cache.is_on() || sight.txn.is_some() {
            return Ok(None);
        }
        let Some(reads) = query.reads(&planned.bound) else {
            return Ok(None);
        };
        let mut tables = Vec::with_capacity(reads.len());
        for id in reads {
            match sight.catalog.table_by_id(*id) {
                Some(table) if !table.is_temporary() => tables.push(table.storage),
                _ => return Ok(None),
            }
        }
        let Some(state) = exec.reader.last_change(&tables)? else {
            return Ok(None);
        };
        // All that texts depend on but the clock, which nothing immutable asks.
        let text = &exec.text;
        let forms = (
            &text.time_zone,
            text.extra_float_digits,
            text.bytea_hex,
            text.date_style,
            text.date_order,
            text.interval_style,
        );
        let mut values = format!("{forms:?}").into_bytes();
        for (value, ty) in exec.params.iter().zip(&planned.bound.params) {
            if value.is_null() {
                values.push(0);
                continue;
            }
            let start = values.len();
            // Row values have no form there.
            if row::put_value(value, ty, &mut values).is_err() {
                return Ok(None);
            }
            values.extend(((values.len() - start) as u64 + 1).to_be_bytes());
        }
        Ok(Some(Keeping {
            cache: Arc::clone(cache),
            key: ResultKey {
                plan: query.number,
                branch: exec.reader.branch(),
                values: values.into(),
            },
            state,
        }))
    }
}

impl State {
    /// `helios_query_cache`: what the cache of results holds, and how often it helped.
    pub(super) fn cached_results(&self) -> Vec<Vec<Value>> {
        let stats = self.shared.upgrade().map(|shared| shared.results.stats());
        let stats = stats.unwrap_or_default();
        let number = |number: u64| Value::Int8(i64::try_from(number).unwrap_or(i64::MAX));
        vec![vec![
            number(stats.entries as u64),
            number(stats.bytes as u64),
            number(stats.limit as u64),
            number(stats.hits),
            number(stats.misses),
            number(stats.evictions),
        ]]
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, shown};

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, back) in [
            ("64MB", 64 << 20, "64MB"),
            (" 1 gb ", 1 << 30, "1GB"),
            ("1536", 1536 << 10, "1536kB"),
            ("0", 0, "0"),
            ("100B", 100, "100B"),
        ] {
            assert_eq!(parse(text).ok(), Some(bytes), "{text}");
            assert_eq!(shown(bytes), back);
        }
        for text in ["", "MB", "-1", "1.5MB", "64 megs"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
