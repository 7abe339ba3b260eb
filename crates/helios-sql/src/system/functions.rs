//! The system's functions that return rows, for `FROM`: about branches, their differences and their
//! history. Arguments are text; the session answers, as it does for relations.

use helios_base::DataType;

use super::Ty::{self, Bool, Char, Float8, Int4, Int8, Jsonb, Text, Texts, Time};

/// A function of the system that returns rows.
#[derive(Debug)]
pub(crate) struct SystemFunction {
    pub(crate) name: &'static str,
    /// The version of its columns: it grows when columns are added, always at the end.
    pub(crate) version: i32,
    /// The least and the greatest number of arguments.
    pub(crate) args: (usize, usize),
    columns: &'static [(&'static str, Ty)],
}

impl SystemFunction {
    /// The names and types of the columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&'static str, DataType)> {
        self.columns
            .iter()
            .map(|(name, ty)| (*name, ty.data_type()))
    }
}

/// The function of this name.
pub(crate) fn find(name: &str) -> Option<&'static SystemFunction> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static SystemFunction> {
    FUNCTIONS.iter()
}

/// Many keys.
const ANY: usize = 32;

static FUNCTIONS: &[SystemFunction] = &[
    SystemFunction {
        name: "pg_database_branches",
        version: 1,
        args: (0, 0),
        columns: &[
            ("branch_name", Text),
            ("created_at", Time),
            ("fork_point_txn", Int8),
            ("fork_point_time", Time),
            ("size_mb", Float8),
            ("status", Text),
        ],
    },
    SystemFunction {
        name: "pg_compare_branches",
        version: 1,
        args: (2, 2),
        columns: &[
            ("table_name", Text),
            ("rows_added", Int8),
            ("rows_changed", Int8),
            ("rows_deleted", Int8),
            ("schema_change", Text),
        ],
    },
    SystemFunction {
        name: "helios_diff",
        version: 1,
        args: (3, 3),
        columns: &[
            ("row_key", Text),
            ("operation", Text),
            ("changed_columns", Texts),
            ("from_row", Jsonb),
            ("to_row", Jsonb),
            ("base_row", Jsonb),
        ],
    },
    SystemFunction {
        name: "helios_schema_diff",
        version: 1,
        args: (2, 2),
        columns: &[
            ("object_type", Text),
            ("object_name", Text),
            ("operation", Text),
            ("from_definition", Text),
            ("to_definition", Text),
        ],
    },
    SystemFunction {
        name: "helios_history",
        version: 1,
        args: (2, ANY),
        columns: &[
            ("operation", Text),
            ("branch_name", Text),
            ("scn", Int8),
            ("end_scn", Int8),
            ("transaction", Int8),
            ("committed_at", Time),
            ("author", Text),
            ("message", Text),
            ("row", Jsonb),
        ],
    },
    SystemFunction {
        name: "helios_blame",
        version: 1,
        args: (1, ANY),
        columns: &[
            ("row_key", Text),
            ("scn", Int8),
            ("transaction", Int8),
            ("branch_name", Text),
            ("committed_at", Time),
            ("author", Text),
            ("message", Text),
        ],
    },
    SystemFunction {
        name: "helios_log",
        version: 1,
        args: (0, 2),
        columns: &[
            ("scn", Int8),
            ("lsn", Text),
            ("transaction", Int8),
            ("branch_name", Text),
            ("committed_at", Time),
            ("author", Text),
            ("message", Text),
            ("merged", Text),
            ("rows_put", Int8),
            ("rows_deleted", Int8),
        ],
    },
    SystemFunction {
        name: "helios_snapshots",
        version: 1,
        args: (0, 0),
        columns: &[
            ("snapshot_name", Text),
            ("branch_name", Text),
            ("scn", Int8),
            ("committed_at", Time),
        ],
    },
    SystemFunction {
        name: "helios_merges",
        version: 1,
        args: (0, 0),
        columns: &[
            ("merge_id", Text),
            ("source", Text),
            ("source_scn", Int8),
            ("target", Text),
        ],
    },
    SystemFunction {
        name: "helios_branches",
        version: 2,
        args: (0, 0),
        columns: &[
            ("branch_name", Text),
            ("parent_name", Text),
            ("state", Text),
            ("is_current", Bool),
            ("fork_scn", Int8),
            ("last_scn", Int8),
            ("last_lsn", Text),
            ("created_at", Time),
            ("expires_at", Time),
            ("retention_period", Text),
            ("gc_policy", Text),
            ("size_bytes", Int8),
            ("comment", Text),
            ("owner", Text),
            ("acl", Texts),
        ],
    },
    SystemFunction {
        name: "helios_retention",
        version: 2,
        args: (0, 0),
        columns: &[
            ("scope", Text),
            ("name", Text),
            ("retention", Text),
            ("oldest_scn", Int8),
            ("oldest_time", Time),
            ("gc_policy", Text),
        ],
    },
    SystemFunction {
        name: "helios_system_functions",
        version: 1,
        args: (0, 0),
        columns: &[
            ("function_name", Text),
            ("version", Int4),
            ("position", Int4),
            ("column_name", Text),
            ("data_type", Text),
        ],
    },
    SystemFunction {
        name: "helios_merge_base",
        version: 1,
        args: (2, 2),
        columns: &[("branch_name", Text), ("scn", Int8)],
    },
    SystemFunction {
        name: "helios_audit_log",
        version: 1,
        args: (0, 1),
        columns: &[
            ("line", Int8),
            ("logged_at", Time),
            ("session", Int8),
            ("user_name", Text),
            ("role_name", Text),
            ("client", Text),
            ("application", Text),
            ("class", Text),
            ("branch_name", Text),
            ("scn", Int8),
            ("transaction", Int8),
            ("outcome", Text),
            ("rows", Int8),
            ("statement", Text),
            ("chain", Text),
            ("intact", Bool),
        ],
    },
    SystemFunction {
        name: "helios_backup",
        version: 1,
        args: (1, 1),
        columns: &[
            ("directory", Text),
            ("scn", Int8),
            ("committed_at", Time),
            ("files", Int8),
            ("bytes", Int8),
        ],
    },
    SystemFunction {
        name: "helios_freeze",
        version: 1,
        args: (0, 1),
        columns: &[
            ("table_name", Text),
            ("segments", Int8),
            ("rows", Int8),
            ("bytes", Int8),
        ],
    },
    SystemFunction {
        name: "helios_hybrid_storage",
        version: 5,
        args: (0, 0),
        columns: &[
            ("schema_name", Text),
            ("table_name", Text),
            ("hybrid_storage", Text),
            ("hot_threshold", Text),
            ("min_rows", Int8),
            ("segments", Int8),
            ("cold_rows", Int8),
            ("cold_bytes", Int8),
            ("state", Text),
            ("looked_at", Time),
            ("segments_made", Int8),
            ("rows_frozen", Int8),
            ("last_failure", Text),
            ("cold_threshold", Text),
            ("segments_replaced", Int8),
            ("rows_dropped", Int8),
            ("cluster_by", Text),
            ("segments_thawed", Int8),
            ("rows_thawed", Int8),
            ("access_count_threshold", Int8),
            ("promoted_rows", Int8),
            ("rows_promoted", Int8),
            ("rows_demoted", Int8),
        ],
    },
    SystemFunction {
        name: "helios_query_cache",
        version: 1,
        args: (0, 0),
        columns: &[
            ("results", Int8),
            ("bytes", Int8),
            ("bytes_limit", Int8),
            ("hits", Int8),
            ("misses", Int8),
            ("evictions", Int8),
        ],
    },
    SystemFunction {
        name: "pg_get_keywords",
        version: 1,
        args: (0, 0),
        columns: &[
            ("word", Text),
            ("catcode", Char),
            ("barelabel", Bool),
            ("catdesc", Text),
            ("baredesc", Text),
        ],
    },
    SystemFunction {
        name: "pg_vector_index_advice",
        version: 1,
        args: (0, 0),
        columns: &[
            ("kind", Text),
            ("schema_name", Text),
            ("table_name", Text),
            ("column_name", Text),
            ("index_name", Text),
            ("operator_class", Text),
            ("searches", Int8),
            ("rows_read", Int8),
            ("reason", Text),
            ("statement", Text),
            ("bytes", Int8),
            ("build_seconds", Float8),
        ],
    },
    SystemFunction {
        name: "pg_vector_index_stats",
        version: 4,
        args: (0, 0),
        columns: &[
            ("schema_name", Text),
            ("table_name", Text),
            ("index_name", Text),
            ("method", Text),
            ("operator_class", Text),
            ("dimensions", Int8),
            ("ready", Bool),
            ("vectors", Int8),
            ("bytes", Int8),
            ("quantized", Bool),
            ("branch_name", Text),
            ("scn", Int8),
            ("recall", Float8),
            ("breadth_95", Int8),
            ("breadth_99", Int8),
            ("codes", Text),
            ("searches", Int8),
            ("rows_read", Int8),
        ],
    },
    SystemFunction {
        name: "helios_segments",
        version: 2,
        args: (0, 0),
        columns: &[
            ("schema_name", Text),
            ("table_name", Text),
            ("branch_name", Text),
            ("segment", Int8),
            ("rows", Int8),
            ("adopted", Int8),
            ("bytes", Int8),
            ("clustered_by", Text),
        ],
    },
    SystemFunction {
        name: "helios_compression",
        version: 1,
        args: (0, 0),
        columns: &[
            ("schema_name", Text),
            ("table_name", Text),
            ("branch_name", Text),
            ("segment", Int8),
            ("column_name", Text),
            ("codec", Text),
            ("raw_bytes", Int8),
            ("stored_bytes", Int8),
            ("ratio", Float8),
            ("nulls", Int8),
            ("encodings", Text),
            ("reason", Text),
            ("evidence", Text),
        ],
    },
];
