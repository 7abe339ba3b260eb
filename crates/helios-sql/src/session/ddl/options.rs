//! Options of tables: which there are, and what they may be.

use helios_base::{DataType, Error, Result, SqlState, nearest};
use helios_table::columnar::{
    CLUSTER_BY, HYBRID_OPTIONS, HybridStorage, check_cluster, check_compression,
};
use helios_table::merge::Action;
use helios_version::RETENTION_PERIOD;

use super::super::settings::in_full;
use super::super::{merge_rules, retention};

/// PostgreSQL's parameters of storage, which say how it lays out pages and when it cleans up. Dumps have
/// them; nothing here depends on them.
const PHYSICAL: &[&str] = &[
    "autovacuum_",
    "fillfactor",
    "log_autovacuum_min_duration",
    "parallel_workers",
    "toast.",
    "toast_tuple_target",
    "user_catalog_table",
    "vacuum_index_cleanup",
    "vacuum_truncate",
];

/// Options of one column, whose name follows.
const OF_COLUMNS: &[&str] = &["compression.", "merge."];

/// The options by the names that are stored.
///
/// # Errors
/// 42601 for one that is given in short and in full.
pub(super) fn named(options: &[(String, String)]) -> Result<Vec<(String, String)>> {
    let mut named: Vec<(String, String)> = Vec::new();
    for (written, value) in options {
        let name = in_full(written);
        if name != written && options.iter().any(|(other, _)| other == name) {
            return Err(redundant());
        }
        named.push((name.to_owned(), value.clone()));
    }
    Ok(named)
}

fn redundant() -> Error {
    Error::new(SqlState::SYNTAX_ERROR, "conflicting or redundant options")
}

/// Checks the options of the table `table`, which has these columns.
///
/// # Errors
/// 22023 for unknown options and bad values, 42601 for a clustering that is written twice, 42703 for unknown
/// columns, 0A000 for what a table cannot have yet.
pub(super) fn check(
    options: &[(String, String)],
    table: &str,
    columns: &[(&str, &DataType)],
) -> Result<()> {
    let clusters = options.iter().filter(|(name, _)| name == CLUSTER_BY);
    if clusters.count() > 1 {
        return Err(redundant());
    }
    for (name, value) in options {
        if name == CLUSTER_BY {
            check_cluster(value, table, columns)?;
            continue;
        }
        check_one(name, value)?;
        let mut of_columns = OF_COLUMNS.iter();
        if let Some(column) = of_columns.find_map(|kind| name.strip_prefix(kind))
            && !columns.iter().any(|(name, _)| *name == column)
        {
            return Err(Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{column}\" of relation \"{table}\" does not exist"),
            ));
        }
    }
    Ok(())
}

fn check_one(name: &str, value: &str) -> Result<()> {
    if PHYSICAL.iter().any(|known| name.starts_with(known)) {
        return Ok(());
    }
    if name.strip_prefix("merge.").is_some() {
        if let Some(function) = merge_rules::function_of(value) {
            return super::super::state::split_name(function).map(drop);
        }
        return match Action::parse(value) {
            Some(_) => Ok(()),
            None => Err(merge_rules::bad_action(value)),
        };
    }
    if name == RETENTION_PERIOD {
        return retention::check(name, value).map(drop);
    }
    if HybridStorage::default().set(name, value)? || check_compression(name, value)? {
        return Ok(());
    }
    if ["replication_factor", "shard_aware_tiering"].contains(&name) {
        return Err(Error::unsupported(format!(
            "parameter \"{name}\" is not supported yet"
        )));
    }
    let error = Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("unrecognized parameter \"{name}\""),
    );
    let known = PHYSICAL.iter().copied().chain([
        CLUSTER_BY,
        "compression",
        "compression_codec",
        "compression_threshold",
        RETENTION_PERIOD,
    ]);
    let known = known.chain(HYBRID_OPTIONS.iter().map(|(name, _)| *name));
    let short = (name == "retention").then_some(RETENTION_PERIOD);
    Err(match short.or_else(|| nearest(name, known)) {
        Some(near) => error.with_hint(format!("Perhaps you meant \"{near}\".")),
        None => error,
    })
}
