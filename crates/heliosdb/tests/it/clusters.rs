//! Guards against `CLUSTER BY` that is not kept, not obeyed, or changes what a query answers.

use std::fs;

use helios_testkit::Scratch;
use heliosdb::{Connection, Database, Options};

fn texts(connection: &mut Connection, sql: &str) -> Vec<String> {
    let rows = connection.query(sql, ());
    let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.map(|row| {
        let value = row.unwrap().get::<Option<String>>(0).unwrap();
        value.unwrap_or_else(|| "∅".to_owned())
    })
    .collect()
}

fn run(connection: &mut Connection, script: &str) {
    for sql in script.split(';').filter(|sql| !sql.trim().is_empty()) {
        let done = connection.execute_batch(sql);
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

fn code(connection: &mut Connection, sql: &str) -> String {
    let error = connection.execute_batch(sql).unwrap_err();
    error.sqlstate().as_str().to_owned()
}

const OPTION: &str = "SELECT array_to_string(reloptions, ';') FROM pg_class WHERE relname = 't'";
const SEGMENTS: &str =
    "SELECT string_agg(coalesce(clustered_by, '-'), ' ' ORDER BY segment) FROM helios_segments()
    WHERE table_name = 't'";

#[test]
fn what_a_table_is_clustered_by_is_kept_and_shown() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    {
        let database = Database::open(&path).unwrap();
        let mut connection = database.connect().unwrap();
        let c = &mut connection;
        run(
            c,
            "CREATE TABLE t (id int PRIMARY KEY, a int, \"B b\" text, c date, j json, n numeric, e int) CLUSTER BY (a, \"B b\")",
        );
        assert_eq!(texts(c, OPTION), ["cluster_by=a, \"B b\""]);
        run(c, "ALTER TABLE t CLUSTER BY (c)");
        assert_eq!(texts(c, OPTION), ["cluster_by=c"]);
        run(
            c,
            "ALTER TABLE t SET (cluster_by = 'e, A'); ALTER TABLE t RENAME a TO z; ALTER TABLE t RENAME e TO \"E\"",
        );
        assert_eq!(texts(c, OPTION), ["cluster_by=\"E\", z"]);
        run(c, "ALTER TABLE t DROP COLUMN \"E\"");
        assert_eq!(texts(c, OPTION), ["cluster_by=z"]);
        run(
            c,
            "CREATE TABLE u (x int) WITH (compression = zstd) CLUSTER BY (x); CREATE TABLE v CLUSTER BY (x) AS SELECT 1 AS x",
        );
        let both = "SELECT string_agg(reloptions::text, ' ' ORDER BY relname) FROM pg_class WHERE relname IN ('u', 'v')";
        assert_eq!(
            texts(c, both),
            ["{cluster_by=x,compression=zstd} {cluster_by=x}"]
        );
        for (sql, wanted) in [
            ("CREATE TABLE w (x int) CLUSTER BY (y)", "42703"),
            (
                "CREATE TABLE w (x int) CLUSTER BY (x) WITH (cluster_by = 'x')",
                "42601",
            ),
            ("CREATE TABLE w (x int) CLUSTER BY x", "42601"),
            ("CREATE TABLE w (x int) CLUSTER BY (x, x)", "42602"),
            ("CREATE TABLE w (x int) WITH (cluster_by = 'x y')", "42602"),
            ("ALTER TABLE t CLUSTER BY (j)", "0A000"),
            ("ALTER TABLE t CLUSTER BY (n)", "0A000"),
            ("ALTER TABLE t CLUSTER BY (nobody)", "42703"),
        ] {
            assert_eq!(code(c, sql), wanted, "{sql}");
        }
    }
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    assert_eq!(texts(c, OPTION), ["cluster_by=z"]);
    let view = "SELECT string_agg(table_name || ':' || coalesce(cluster_by, '-'), ' ' ORDER BY table_name) FROM helios_hybrid_storage()";
    assert_eq!(texts(c, view), ["t:z u:x v:x"]);
    run(c, "ALTER TABLE t CLUSTER BY NONE");
    assert_eq!(texts(c, OPTION), ["∅"]);
    run(
        c,
        "ALTER TABLE t CLUSTER BY (z); ALTER TABLE t DROP COLUMN z",
    );
    assert_eq!(texts(c, OPTION), ["∅"]);
}

#[test]
fn segments_are_made_anew_when_they_lie_in_another_order() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let database = Options::new().open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(
        c,
        "SET query_cache_size = 0; SET executor = vector;
         CREATE TABLE t (id int PRIMARY KEY, a int, b text) WITH (bulk_load_threshold = 200000);
         INSERT INTO t SELECT i, i * 7919 % 200003, 'text ' || i % 77 FROM generate_series(1, 200000) i",
    );
    // Written by the transaction at its end, in the order of the key.
    assert_eq!(texts(c, SEGMENTS), ["-"]);
    let ask = "SELECT row(count(*), min(id), max(id), sum(id), max(b))::text FROM t WHERE a BETWEEN 1000 AND 1100";
    let wanted = texts(c, ask);
    let pruned = |c: &mut Connection| {
        let plan = texts(c, &format!("EXPLAIN ANALYZE {ask}")).join(" ");
        let count = plan.split("pruned=").nth(1).map(|rest| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u32>().unwrap()
        });
        count.unwrap_or_else(|| panic!("{plan}"))
    };
    assert_eq!(pruned(c), 0);
    run(c, "ALTER TABLE t CLUSTER BY (a, b); VACUUM");
    assert_eq!(texts(c, SEGMENTS), ["a, b"]);
    assert_eq!(texts(c, ask), wanted);
    assert_eq!(pruned(c), 3);
    // Nothing is left to do.
    let ids = "SELECT max(segment)::text FROM helios_segments()";
    let made = texts(c, ids);
    run(c, "VACUUM");
    assert_eq!(texts(c, ids), made);
    // Changes, and what was.
    run(
        c,
        "CREATE BRANCH dev; UPDATE t SET a = 1050 WHERE id = 5; DELETE FROM t WHERE id % 1000 = 3; SET executor = row",
    );
    let changed = texts(c, ask);
    run(c, "SET executor = vector");
    assert_eq!(texts(c, ask), changed);
    assert_ne!(changed, wanted);
    run(c, "USE BRANCH dev");
    assert_eq!(texts(c, ask), wanted);
    run(c, "USE BRANCH main");
    // In the order of the key, and single rows.
    assert_eq!(
        texts(c, "SELECT id::text FROM t LIMIT 4"),
        ["1", "2", "4", "5"]
    );
    assert_eq!(
        texts(
            c,
            "SELECT id::text FROM t WHERE id > 65535 AND id < 65540 ORDER BY id DESC"
        ),
        ["65539", "65538", "65537", "65536"]
    );
    for id in [1, 2, 70_000, 199_999] {
        let a = id * 7919 % 200_003;
        let one = format!("SELECT a::text FROM t WHERE id = {id}");
        assert_eq!(texts(c, &one), [a.to_string()]);
    }
    assert_eq!(
        texts(c, "SELECT count(*)::text FROM t WHERE id IN (3, 0, 200001)"),
        ["0"]
    );
    assert_eq!(code(c, "INSERT INTO t VALUES (70000, 1, '')"), "23505");
    let last = "SELECT a || ' ' || id FROM t ORDER BY a DESC, id LIMIT 3";
    let vector = texts(c, last);
    run(c, "SET executor = row");
    assert_eq!(texts(c, last), vector);
    run(
        c,
        "SET executor = vector; ALTER TABLE t CLUSTER BY NONE; VACUUM",
    );
    assert_eq!(texts(c, SEGMENTS), ["-"]);
    assert_eq!(texts(c, ask), changed);
    assert_eq!(pruned(c), 0);
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

/// A segment whose key order is damaged: its rows are still scanned, but not found by key.
#[test]
fn a_damaged_key_order_is_found_by_check() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    {
        let database = Database::open(&path).unwrap();
        let mut connection = database.connect().unwrap();
        run(
            &mut connection,
            "CREATE TABLE t (id int PRIMARY KEY, a int) CLUSTER BY (a);
             INSERT INTO t SELECT i, i * 7919 % 5003 FROM generate_series(1, 5000) i; SELECT * FROM helios_freeze('t')",
        );
    }
    let mut files = fs::read_dir(path.join("segments")).unwrap();
    let file = files.next().unwrap().unwrap().path();
    let mut bytes = fs::read(&file).unwrap();
    // The key order comes before the chunk: it is the first block.
    bytes[64] ^= 1;
    fs::write(&file, bytes).unwrap();
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(c, "SET executor = vector");
    assert_eq!(texts(c, "SELECT sum(a)::text FROM t WHERE a < 10"), ["45"]);
    let error = connection
        .execute_batch("SELECT * FROM t WHERE id = 77")
        .unwrap_err();
    assert_eq!(error.sqlstate().as_str(), "XX001");
    assert!(error.to_string().contains("key order"), "{error}");
    let report = database.check().unwrap();
    let mut faults = report.faults.iter();
    let found = faults.any(|fault| fault.contains("key order, page 0"));
    assert!(found, "{:?}", report.faults);
}
