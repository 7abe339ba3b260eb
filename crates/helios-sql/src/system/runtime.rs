//! What changes while the system runs: settings, sessions, locks, branches.
//!
//! The session answers for these through [`SessionHooks::call`], an array of records each.
//!
//! [`SessionHooks::call`]: helios_expr::SessionHooks::call

use helios_base::{DataType, Row, Value};

use super::Source;
use super::Ty::{Bool, Float8, Int2, Int4, Int8, Name, Oid, Regtypes, Text, Time};
use super::relation::{Relation, pg};

pub(super) static RELATIONS: &[Relation] = &[
    pg(
        "pg_settings",
        &[
            ("name", Text),
            ("setting", Text),
            ("unit", Text),
            ("category", Text),
            ("short_desc", Text),
            ("context", Text),
            ("vartype", Text),
            ("source", Text),
            ("boot_val", Text),
            ("reset_val", Text),
        ],
        |source| ask(source, "pg_settings"),
    )
    .unsteady(),
    pg(
        "pg_stat_activity",
        &[
            ("datname", Name),
            ("pid", Int4),
            ("usename", Name),
            ("application_name", Text),
            ("backend_start", Time),
            ("xact_start", Time),
            ("query_start", Time),
            ("state", Text),
            ("query", Text),
            ("branch", Text),
            ("datid", Oid),
            ("usesysid", Oid),
            ("client_addr", Text),
            ("client_port", Int4),
            ("backend_type", Text),
        ],
        |source| ask(source, "pg_stat_activity"),
    )
    .unsteady(),
    pg(
        "pg_locks",
        &[
            ("locktype", Text),
            ("relation", Oid),
            ("branch", Text),
            ("transaction", Int8),
            ("pid", Int4),
            ("mode", Text),
            ("granted", Bool),
            ("classid", Oid),
            ("objid", Oid),
            ("objsubid", Int2),
        ],
        |source| ask(source, "pg_locks"),
    )
    .unsteady(),
    pg(
        "pg_prepared_statements",
        &[
            ("name", Text),
            ("statement", Text),
            ("prepare_time", Time),
            ("parameter_types", Regtypes),
            ("from_sql", Bool),
            ("generic_plans", Int8),
            ("custom_plans", Int8),
        ],
        |source| ask(source, "pg_prepared_statements"),
    )
    .unsteady(),
    pg(
        "pg_cursors",
        &[
            ("name", Text),
            ("statement", Text),
            ("is_holdable", Bool),
            ("is_binary", Bool),
            ("is_scrollable", Bool),
            ("creation_time", Time),
        ],
        |source| ask(source, "pg_cursors"),
    )
    .unsteady(),
    pg(
        "pg_branches",
        &[
            ("branch_name", Text),
            ("parent", Text),
            ("fork_scn", Int8),
            ("created_at", Time),
        ],
        |source| ask(source, "pg_branches"),
    )
    .unsteady(),
    pg(
        "pg_stat_statements",
        &[
            ("userid", Oid),
            ("dbid", Oid),
            ("toplevel", Bool),
            ("queryid", Int8),
            ("query", Text),
            ("calls", Int8),
            ("total_exec_time", Float8),
            ("min_exec_time", Float8),
            ("max_exec_time", Float8),
            ("mean_exec_time", Float8),
            ("stddev_exec_time", Float8),
            ("rows", Int8),
        ],
        |source| ask(source, "pg_stat_statements"),
    )
    .unsteady(),
    pg(
        "pg_stat_progress_basebackup",
        &[
            ("pid", Int4),
            ("phase", Text),
            ("backup_total", Int8),
            ("backup_streamed", Int8),
            ("tablespaces_total", Int4),
            ("tablespaces_streamed", Int4),
        ],
        |source| ask(source, "pg_stat_progress_basebackup"),
    )
    .unsteady(),
    pg(
        "pg_stat_progress_create_index",
        &[
            ("pid", Int4),
            ("datid", Oid),
            ("datname", Name),
            ("relid", Oid),
            ("index_relid", Oid),
            ("command", Text),
            ("phase", Text),
            ("lockers_total", Int8),
            ("lockers_done", Int8),
            ("current_locker_pid", Int8),
            ("blocks_total", Int8),
            ("blocks_done", Int8),
            ("tuples_total", Int8),
            ("tuples_done", Int8),
            ("partitions_total", Int8),
            ("partitions_done", Int8),
        ],
        |source| ask(source, "pg_stat_progress_create_index"),
    )
    .unsteady(),
    pg(
        "pg_stat_statements_info",
        &[("dealloc", Int8), ("stats_reset", Time)],
        |source| ask(source, "pg_stat_statements_info"),
    )
    .unsteady(),
];

/// The rows that the session gives; none outside of a session.
fn ask(source: &Source<'_>, what: &str) -> Vec<Row> {
    match source.session.call(what, &[], &DataType::Record) {
        Ok(Value::Array(rows)) => rows
            .elements
            .iter()
            .filter_map(|row| match row {
                Value::Record(fields) => Some(fields.to_vec()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
