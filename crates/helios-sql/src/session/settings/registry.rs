//! Every setting there is, with its documentation.

use super::value::{SettingKind, Unit};

/// A setting's definition.
#[derive(Clone, Copy, Debug)]
pub struct SettingDef {
    /// Its name as `SHOW ALL` prints it; names are looked up without regard to case.
    pub name: &'static str,
    /// What it takes.
    pub(super) kind: SettingKind,
    /// Its value in a new session, as text.
    pub(super) default: &'static str,
    /// Who may change it.
    pub(super) change: Change,
    /// What it does, in one line.
    pub doc: &'static str,
}

impl SettingDef {
    /// Whether a session may give it another value.
    #[must_use]
    pub fn is_changeable(&self) -> bool {
        matches!(
            self.change,
            Change::Session | Change::Superuser | Change::Database | Change::Idle
        )
    }

    /// What it takes: `bool`, `integer`, `real`, `enum` or `string`.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        self.kind.name()
    }
}

/// Who may change a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Any session, at any time.
    Session,
    /// A superuser, at any time, for its session or for a role.
    Superuser,
    /// A superuser, at any time, for all sessions.
    Database,
    /// Any session, but other values than the default are not supported.
    Fixed,
    /// Any session; it steers a part of PostgreSQL that is not here, and a notice says so.
    Idle,
    /// Nobody: it reports a fact.
    Never,
}

const fn setting(
    name: &'static str,
    kind: SettingKind,
    default: &'static str,
    doc: &'static str,
) -> SettingDef {
    SettingDef {
        name,
        kind,
        default,
        change: Change::Session,
        doc,
    }
}

const fn of_database(name: &'static str, default: &'static str, doc: &'static str) -> SettingDef {
    SettingDef {
        change: Change::Database,
        ..setting(name, SettingKind::Text, default, doc)
    }
}

/// A limit that the session which it is for cannot lift.
const fn limit(name: &'static str, kind: SettingKind, doc: &'static str) -> SettingDef {
    SettingDef {
        change: Change::Superuser,
        ..setting(name, kind, "0", doc)
    }
}

const fn fixed(
    name: &'static str,
    kind: SettingKind,
    value: &'static str,
    doc: &'static str,
) -> SettingDef {
    SettingDef {
        change: Change::Fixed,
        ..setting(name, kind, value, doc)
    }
}

/// One of PostgreSQL's own planner and executor, which scripts set.
const fn idle(name: &'static str, kind: SettingKind, default: &'static str) -> SettingDef {
    SettingDef {
        change: Change::Idle,
        ..setting(
            name,
            kind,
            default,
            "Steers PostgreSQL's planner or executor; taken for scripts, without effect.",
        )
    }
}

const fn fact(name: &'static str, value: &'static str, doc: &'static str) -> SettingDef {
    SettingDef {
        change: Change::Never,
        ..setting(name, SettingKind::Text, value, doc)
    }
}

/// A number that is a fact.
const fn count(name: &'static str, value: &'static str, doc: &'static str) -> SettingDef {
    SettingDef {
        change: Change::Never,
        ..setting(name, COUNT, value, doc)
    }
}

const TIMEOUT: SettingKind = SettingKind::Int(0, i32::MAX as i64, Unit::Millis);
const COST: SettingKind = SettingKind::Real(0.0, f64::MAX);
const COUNT: SettingKind = SettingKind::Int(0, i32::MAX as i64, Unit::None);
const PAGES: SettingKind = SettingKind::Int(0, i32::MAX as i64, Unit::Kilobytes);
const ISOLATION: SettingKind = SettingKind::Choice(&[
    "serializable",
    "repeatable read",
    "read committed",
    "read uncommitted",
]);

macro_rules! settings {
    ($($(#[$doc:meta])* $index:ident: $def:expr;)*) => {
        /// Positions in [`SETTINGS`].
        #[allow(dead_code, reason = "some settings are only shown")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Id { $($index),* }

        /// All settings, ordered by name without regard to case.
        pub static SETTINGS: &[SettingDef] = &[$($def),*];
    };
}

settings! {
    ApplicationName: setting("application_name", SettingKind::Text, "",
        "Names the program that uses the session.");
    Audit: of_database("audit", "none",
        "Sets which statements are written to the audit log.");
    AutoCompression: of_database("auto_compression", "on",
        "Compresses the columns of segments of which no option of the table says how.");
    BackendFlushAfter: idle("backend_flush_after", PAGES, "0");
    BulkLoad: of_database("bulk_load_threshold", "2000000",
        "Sets how many rows a transaction has to add to a table to write them straight into segments.");
    ByteaOutput: setting("bytea_output", SettingKind::Choice(&["hex", "escape"]), "hex",
        "Sets the output format for values of type bytea.");
    CheckFunctionBodies: setting("check_function_bodies", SettingKind::Bool, "on",
        "Checks the bodies of functions when they are created.");
    ClientEncoding: setting("client_encoding", SettingKind::Text, "UTF8",
        "Sets the client's character encoding.");
    ClientMinMessages: setting("client_min_messages", SettingKind::Choice(&[
            "debug5", "debug4", "debug3", "debug2", "debug1", "log", "notice", "warning", "error"]),
        "notice", "Sets which notices a session passes on.");
    CommitDelay: idle("commit_delay", COUNT, "0");
    ConstraintExclusion: idle("constraint_exclusion", SettingKind::Choice(&["partition", "on", "off"]), "partition");
    CpuIndexTupleCost: idle("cpu_index_tuple_cost", COST, "0.005");
    CpuOperatorCost: idle("cpu_operator_cost", COST, "0.0025");
    CpuTupleCost: idle("cpu_tuple_cost", COST, "0.01");
    CursorTupleFraction: idle("cursor_tuple_fraction", SettingKind::Real(0.0, 1.0), "0.1");
    DateStyle: setting("DateStyle", SettingKind::Text, "ISO, MDY",
        "Sets the display format for date and time values, and how ambiguous ones are read.");
    DefaultRetention: of_database("default_retention_period", "7 days",
        "Sets how long replaced rows stay readable where neither their table nor their branch says so.");
    DefaultStatisticsTarget: idle("default_statistics_target", COUNT, "100");
    DefaultAccessMethod: setting("default_table_access_method", SettingKind::Choice(&["heap"]), "heap",
        "Names how tables are stored, which tools ask for: there is one way.");
    DefaultTablespace: setting("default_tablespace", SettingKind::Choice(&["", "pg_default"]), "",
        "Names where tables are stored, which tools ask for: there is one place.");
    DefaultToastCompression: idle("default_toast_compression", SettingKind::Choice(&["pglz", "lz4"]), "pglz");
    DefaultDeferrable: setting("default_transaction_deferrable", SettingKind::Bool, "off",
        "Makes new transactions deferrable: nothing waits for it, those that only read never fail to be serializable.");
    DefaultIsolation: setting("default_transaction_isolation", ISOLATION, "read committed",
        "Sets the isolation level of new transactions.");
    DefaultReadOnly: setting("default_transaction_read_only", SettingKind::Bool, "off",
        "Makes new transactions read-only.");
    EffectiveCacheSize: idle("effective_cache_size", PAGES, "4194304");
    EffectiveIoConcurrency: idle("effective_io_concurrency", COUNT, "1");
    EnableBitmapscan: idle("enable_bitmapscan", SettingKind::Bool, "on");
    EnableGathermerge: idle("enable_gathermerge", SettingKind::Bool, "on");
    EnableHashagg: idle("enable_hashagg", SettingKind::Bool, "on");
    EnableHashjoin: idle("enable_hashjoin", SettingKind::Bool, "on");
    EnableIncrementalSort: idle("enable_incremental_sort", SettingKind::Bool, "on");
    EnableIndexonlyscan: idle("enable_indexonlyscan", SettingKind::Bool, "on");
    EnableIndexscan: idle("enable_indexscan", SettingKind::Bool, "on");
    EnableMaterial: idle("enable_material", SettingKind::Bool, "on");
    EnableMemoize: idle("enable_memoize", SettingKind::Bool, "on");
    EnableMergejoin: idle("enable_mergejoin", SettingKind::Bool, "on");
    EnableNestloop: idle("enable_nestloop", SettingKind::Bool, "on");
    EnableParallelAppend: idle("enable_parallel_append", SettingKind::Bool, "on");
    EnableParallelHash: idle("enable_parallel_hash", SettingKind::Bool, "on");
    EnablePartitionPruning: idle("enable_partition_pruning", SettingKind::Bool, "on");
    EnablePartitionwiseAggregate: idle("enable_partitionwise_aggregate", SettingKind::Bool, "off");
    EnablePartitionwiseJoin: idle("enable_partitionwise_join", SettingKind::Bool, "off");
    EnableSeqscan: idle("enable_seqscan", SettingKind::Bool, "on");
    EnableSort: idle("enable_sort", SettingKind::Bool, "on");
    EnableTidscan: idle("enable_tidscan", SettingKind::Bool, "on");
    EscapeStringWarning: setting("escape_string_warning", SettingKind::Bool, "on",
        "Warns of backslashes in '...' strings that escape something: none does.");
    Executor: setting("executor", SettingKind::Choice(&["auto", "row", "vector"]), "auto",
        "Chooses the executor of queries: by shape, always rows, or always vectors where possible.");
    ExtraFloatDigits: setting("extra_float_digits", SettingKind::Int(-15, 3, Unit::None), "1",
        "Sets the digits shown of floating-point values; above 0 the shortest exact form.");
    ForceParallelMode: idle("force_parallel_mode", SettingKind::Choice(&["off", "on", "regress"]), "off");
    FromCollapseLimit: idle("from_collapse_limit", COUNT, "8");
    Geqo: idle("geqo", SettingKind::Bool, "on");
    GeqoThreshold: idle("geqo_threshold", COUNT, "12");
    HashMemMultiplier: idle("hash_mem_multiplier", COST, "2");
    AsOf: setting("helios.as_of", SettingKind::Text, "",
        "Makes all statements read the database as of this point, such as SCN 5; empty for now.");
    CommitAuthor: setting("helios.commit_author", SettingKind::Text, "",
        "Names the author recorded with commits; the session's user if empty.");
    CommitMessage: setting("helios.commit_message", SettingKind::Text, "",
        "Sets the message recorded with commits.");
    VectorRecall: setting("helios.vector_recall", SettingKind::Real(0.0, 1.0), "0.95",
        "Sets the share of the nearest rows that a search by an index is to find; 0 leaves it to hnsw.ef_search and its kin, as setting one of these does.");
    HnswSearch: setting("hnsw.ef_search", SettingKind::Int(1, 1000, Unit::None), "40",
        "Sets how many candidates a search of an hnsw index follows.");
    HnswIterative: setting("hnsw.iterative_scan", SettingKind::Choice(&[
            "off", "relaxed_order", "strict_order"]), "strict_order",
        "Lets a search of an hnsw index go on until it has as many rows as are wanted; off, it looks at hnsw.ef_search candidates.");
    HnswTuples: setting("hnsw.max_scan_tuples", SettingKind::Int(1, i32::MAX as i64, Unit::None), "20000",
        "Sets how many candidates a search of an hnsw index looks at before it reads the table instead.");
    HnswMemory: idle("hnsw.scan_mem_multiplier", SettingKind::Real(1.0, 1000.0), "1");
    HybridStorage: of_database("hybrid_storage", "auto",
        "Moves rows that are not changed any more into columnar segments: auto, manual, or off, which brings them back.");
    HybridAccess: of_database("hybrid_storage_access_count_threshold", "10000",
        "Sets how many reads of 64 neighbouring rows in a segment bring them back into the row store; 0 or off never does.");
    HybridCold: of_database("hybrid_storage_cold_threshold", "30 days",
        "Sets the age from which segments are compressed harder.");
    HybridHot: of_database("hybrid_storage_hot_threshold", "7 days",
        "Sets the age from which rows move into columnar segments.");
    HybridMinRows: of_database("hybrid_storage_min_rows", "10000",
        "Sets how many rows have to be old enough before a segment is made of them.");
    IdleTimeout: setting("idle_in_transaction_session_timeout", TIMEOUT, "0",
        "Ends a transaction that waits longer than this for its next statement; 0 never does.");
    IdleSessionTimeout: setting("idle_session_timeout", TIMEOUT, "0",
        "Ends a session of a server that waits longer than this for its next statement outside of a transaction; 0 never does.");
    IntegerDatetimes: fact("integer_datetimes", "on",
        "Shows that dates and times are whole numbers.");
    IntervalStyle: setting("IntervalStyle", SettingKind::Choice(&[
            "postgres", "postgres_verbose", "sql_standard", "iso_8601"]), "postgres",
        "Sets the display format for interval values.");
    IsSuperuser: fact("is_superuser", "on",
        "Shows whether the current user is a superuser.");
    IvfIterative: setting("ivfflat.iterative_scan", SettingKind::Choice(&["off", "relaxed_order"]), "relaxed_order",
        "Lets a search of an ivf index go on until it has as many rows as are wanted; off, it looks at ivfflat.probes lists.");
    IvfProbes: setting("ivfflat.probes", SettingKind::Int(1, 32_768, Unit::None), "8",
        "Sets how many lists a search of an ivf index looks at.");
    Jit: idle("jit", SettingKind::Bool, "on");
    JitAboveCost: idle("jit_above_cost", SettingKind::Real(-1.0, f64::MAX), "100000");
    JitInlineAboveCost: idle("jit_inline_above_cost", SettingKind::Real(-1.0, f64::MAX), "500000");
    JitOptimizeAboveCost: idle("jit_optimize_above_cost", SettingKind::Real(-1.0, f64::MAX), "500000");
    JoinCollapseLimit: idle("join_collapse_limit", COUNT, "8");
    LcCollate: fact("lc_collate", "C", "Shows the order of text: by code point.");
    LcCtype: fact("lc_ctype", "C.UTF-8", "Shows the classification of characters.");
    LockTimeout: setting("lock_timeout", TIMEOUT, "0",
        "Ends a statement that waits longer than this for a lock; 0 never does.");
    LogMinDuration: setting("log_min_duration_statement", SettingKind::Int(-1, i32::MAX as i64, Unit::Millis), "-1",
        "Logs statements that take at least this long; -1 logs none.");
    LshProbes: setting("lsh.probes", SettingKind::Int(1, 1 << 20, Unit::None), "8",
        "Sets how many buckets of each table a search of an lsh index looks at.");
    MaintenanceIoConcurrency: idle("maintenance_io_concurrency", COUNT, "10");
    MaintenanceWorkMem: idle("maintenance_work_mem", PAGES, "65536");
    MaxCpuPercent: of_database("max_cpu_percent", "20",
        "Sets how much of its time the thread for work in the background works at most, in percent.");
    MaxIdentifierLength: fact("max_identifier_length", "63",
        "Shows the greatest length of a name in bytes.");
    MaxIndexKeys: count("max_index_keys", "32",
        "Shows the greatest number of columns of an index that tools reckon with.");
    MaxParallelMaintenanceWorkers: idle("max_parallel_maintenance_workers", COUNT, "2");
    MaxParallelWorkers: idle("max_parallel_workers", COUNT, "8");
    MaxParallelWorkersPerGather: idle("max_parallel_workers_per_gather", COUNT, "2");
    MaxPrepared: count("max_prepared_transactions", "0",
        "Shows how many transactions may be prepared for two-phase commit: none.");
    MemoryLimit: setting("memory_limit", SettingKind::Int(0, i32::MAX as i64, Unit::Kilobytes), "2097152",
        "Sets the memory that a statement may hold where it cannot spill; 0 for any.");
    MinParallelIndexScanSize: idle("min_parallel_index_scan_size", PAGES, "512");
    MinParallelTableScanSize: idle("min_parallel_table_scan_size", PAGES, "8192");
    ParallelSetupCost: idle("parallel_setup_cost", COST, "1000");
    ParallelTupleCost: idle("parallel_tuple_cost", COST, "0.1");
    PasswordEncryption: fixed("password_encryption", SettingKind::Choice(&["scram-sha-256"]), "scram-sha-256",
        "Shows how passwords are kept.");
    PasswordLifetime: of_database("password_lifetime", "0",
        "Sets how long a new password holds if VALID UNTIL does not say; 0 for ever.");
    PasswordMinLength: of_database("password_min_length", "0",
        "Sets how many characters a new password must have.");
    TrackStatements: setting("pg_stat_statements.track", SettingKind::Choice(&["none", "top"]), "none",
        "Counts what statements cost in pg_stat_statements; sessions of a server do by default.");
    PlanCacheMode: idle("plan_cache_mode", SettingKind::Choice(&[
            "auto", "force_generic_plan", "force_custom_plan"]), "auto");
    QueryCache: of_database("query_cache_size", "32MB",
        "Sets the memory for results of queries, which are handed out again while their tables stay as they are; 0 keeps none.");
    RandomPageCost: idle("random_page_cost", COST, "4");
    ResultRowsLimit: limit("result_rows_limit", SettingKind::Int(0, i32::MAX as i64, Unit::None),
        "Ends a statement that gives more rows than this; 0 for any number.");
    Role: setting("role", SettingKind::Text, "none",
        "Sets the role that statements run as; set it with SET ROLE.");
    RowSecurity: setting("row_security", SettingKind::Bool, "on",
        "Lets policies filter rows; off, statements that they would filter are refused.");
    SearchPath: setting("search_path", SettingKind::Names, "\"$user\", public",
        "Sets the schemas that unqualified names are looked up in.");
    SeqPageCost: idle("seq_page_cost", COST, "1");
    ServerEncoding: fact("server_encoding", "UTF8", "Shows the database's character encoding.");
    ServerVersion: fact("server_version", "15.0", "Shows the version of PostgreSQL that is spoken.");
    ServerVersionNum: fact("server_version_num", "150000",
        "Shows the version of PostgreSQL that is spoken, as a number.");
    SessionAuthorization: setting("session_authorization", SettingKind::Text, "default",
        "Sets the session's user; set it with SET SESSION AUTHORIZATION.");
    StandardStrings: fixed("standard_conforming_strings", SettingKind::Bool, "on",
        "Causes '...' strings to treat backslashes literally.");
    StatementTimeout: setting("statement_timeout", TIMEOUT, "0",
        "Ends a statement that takes longer than this; 0 never does.");
    StatementTimeoutLimit: limit("statement_timeout_limit", TIMEOUT,
        "Sets the longest statement_timeout; 0 for any.");
    SynchronizeSeqscans: setting("synchronize_seqscans", SettingKind::Bool, "on",
        "Lets scans of one table that run at the same time begin where another is: each begins at the start here.");
    SynchronousCommit: setting("synchronous_commit", SettingKind::Choice(&["on", "off", "local"]), "on",
        "Makes a commit wait until it is safe on disk.");
    TempBuffers: idle("temp_buffers", PAGES, "8192");
    TimeZone: setting("TimeZone", SettingKind::Text, "UTC",
        "Sets the time zone for displaying and interpreting time stamps.");
    Deferrable: setting("transaction_deferrable", SettingKind::Bool, "off",
        "Makes the current transaction deferrable.");
    Isolation: setting("transaction_isolation", ISOLATION, "read committed",
        "Sets the current transaction's isolation level.");
    ReadOnly: setting("transaction_read_only", SettingKind::Bool, "off",
        "Makes the current transaction read-only.");
    VacuumCostDelay: idle("vacuum_cost_delay", COST, "0");
    VacuumCostLimit: idle("vacuum_cost_limit", COUNT, "200");
    WorkMem: setting("work_mem", SettingKind::Int(64, i32::MAX as i64, Unit::Kilobytes), "65536",
        "Sets the memory that a query may use before it spills to disk.");
    WorkMemLimit: limit("work_mem_limit", PAGES,
        "Sets the greatest work_mem; 0 for any.");
    XmlOption: setting("xmloption", SettingKind::Choice(&["content", "document"]), "content",
        "Sets what tools ask for: there is no type xml.");
}

/// Names that other parts of the product will take; they do nothing yet, so they are refused
/// rather than silently stored.
pub(super) static RESERVED: &[&str] = &[
    "auto_enable",
    "auto_refresh",
    "auto_threshold_bytes",
    "cardinality_threshold",
    "check_interval_secs",
    "cost_benefit_threshold",
    "default_priority",
    "distributed_dedup",
    "enable_ml_optimization",
    "enable_query_rewriting",
    "hybrid_storage_replication_factor",
    "hybrid_storage_shard_aware",
    "lazy_catchup_window",
    "lazy_update",
    "method",
    "min_savings",
    "ml_compression_confidence",
    "ml_compression_feedback",
    "num_centroids",
    "num_subquantizers",
    "refresh_mode",
    "replication_factor",
    "shard_aware_hashing",
    "shard_aware_tiering",
    "threshold_dml_rate",
    "threshold_table_size",
];

/// Short names of the thresholds by which rows move between tiers, and what they are called.
const SHORT: [(&str, &str); 3] = [
    (
        "access_count_threshold",
        "hybrid_storage_access_count_threshold",
    ),
    ("cold_threshold", "hybrid_storage_cold_threshold"),
    ("hot_threshold", "hybrid_storage_hot_threshold"),
];

/// The name of a setting, or option, that may be written in short.
pub(in crate::session) fn in_full(name: &str) -> &str {
    let mut short = SHORT.iter();
    let found = short.find(|(short, _)| name.eq_ignore_ascii_case(short));
    found.map_or(name, |(_, full)| full)
}

/// Prefixes of such names.
pub(super) static RESERVED_PREFIXES: &[&str] = &["lite.", "full."];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_sorted_and_defaults_are_valid() {
        let lower = |def: &SettingDef| def.name.to_ascii_lowercase();
        for pair in SETTINGS.windows(2) {
            let plain: [&str; 2] = [pair[0].name, pair[1].name];
            // The last group reports the running transaction and sorts with "transaction_".
            assert!(lower(&pair[0]) < lower(&pair[1]), "{plain:?}");
        }
        for def in SETTINGS {
            assert!(
                def.kind.parse(def.name, def.default).is_ok(),
                "{}",
                def.name
            );
        }
        assert!(RESERVED.is_sorted());
    }
}
