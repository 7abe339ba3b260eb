//! Guards against settings of the tiers that are not kept, not shared, or not obeyed.

use helios_testkit::Scratch;
use heliosdb::{Connection, Database};

fn text(connection: &mut Connection, sql: &str) -> String {
    let row = connection.query_row(sql, ());
    row.unwrap_or_else(|error| panic!("{sql}: {error}"))
        .get(0)
        .unwrap()
}

fn code(connection: &mut Connection, sql: &str) -> String {
    let error = connection.execute_batch(sql).unwrap_err();
    error.sqlstate().as_str().to_owned()
}

#[test]
fn settings_are_those_of_the_database() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    {
        let database = Database::open(&path).unwrap();
        let mut c = database.connect().unwrap();
        let mut other = database.connect().unwrap();
        assert_eq!(text(&mut c, "SHOW hybrid_storage"), "auto");
        assert_eq!(text(&mut c, "SHOW hybrid_storage_hot_threshold"), "7 days");
        c.execute_batch("SET hybrid_storage_hot_threshold = '3 days'")
            .unwrap();
        c.execute_batch("SET hybrid_storage = off").unwrap();
        assert_eq!(
            text(&mut other, "SHOW hybrid_storage_hot_threshold"),
            "3 days"
        );
        assert_eq!(text(&mut other, "SHOW Hybrid_Storage"), "off");
        let setting = "SELECT setting FROM pg_settings WHERE name = 'hybrid_storage'";
        assert_eq!(text(&mut other, setting), "off");
        other.execute_batch("RESET hybrid_storage").unwrap();
        assert_eq!(text(&mut c, "SHOW hybrid_storage"), "auto");
        for (sql, wanted) in [
            ("SET hybrid_storage = 'on'", "22023"),
            ("SET hybrid_storage_hot_threshold = '-1 day'", "22023"),
            ("SET LOCAL hybrid_storage = off", "0A000"),
            ("BEGIN; SET hybrid_storage = off", "25001"),
            ("SET hybrid_storage_shard_aware = true", "0A000"),
            ("SET access_count_threshold = 'often'", "22023"),
            ("SET replication_factor = 3", "0A000"),
            ("SET shard_aware_tiering = on", "0A000"),
            (
                "CREATE TABLE x (a int) WITH (shard_aware_tiering = true)",
                "0A000",
            ),
            (
                "CREATE TABLE x (a int) WITH (hot_threshold = 'soon')",
                "22023",
            ),
            (
                "CREATE TABLE x (a int) WITH (hot_threshold = '1 day', hybrid_storage_hot_threshold = '2 days')",
                "42601",
            ),
            (
                "CREATE TABLE x (a int) WITH (hybrid_storage = 'never')",
                "22023",
            ),
            (
                "CREATE TABLE x (a int) WITH (hybrid_storag = 'off')",
                "22023",
            ),
            ("CREATE BRANCH x WITH (hybrid_storage = 'never')", "22023"),
        ] {
            assert_eq!(code(&mut c, sql), wanted, "{sql}");
            c.execute_batch("ROLLBACK").unwrap();
        }
        c.execute_batch("CREATE ROLE joe LOGIN; SET ROLE joe")
            .unwrap();
        assert_eq!(code(&mut c, "SET hybrid_storage = off"), "42501");
    }
    let database = Database::open(&path).unwrap();
    let mut c = database.connect().unwrap();
    assert_eq!(text(&mut c, "SHOW hybrid_storage_hot_threshold"), "3 days");
}

#[test]
fn vacuum_does_what_is_due() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    c.execute_batch(
        "CREATE TABLE t (id int PRIMARY KEY, v text) WITH (hybrid_storage_hot_threshold = '0', hybrid_storage_min_rows = 100);
         CREATE TABLE late (id int PRIMARY KEY, v text) WITH (hybrid_storage_min_rows = 1);
         CREATE TABLE never (id int PRIMARY KEY) WITH (hybrid_storage = off, hybrid_storage_hot_threshold = '0', hybrid_storage_min_rows = 1);
         INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 3000) n;
         INSERT INTO late SELECT * FROM t;
         INSERT INTO never SELECT id FROM t",
    )
    .unwrap();
    c.execute("VACUUM", ()).unwrap();
    let view = "SELECT string_agg(format('%s %s %s %s %s', table_name, hybrid_storage, hot_threshold, cold_rows, rows_frozen), ', '
        ORDER BY table_name) FROM helios_hybrid_storage()";
    assert_eq!(
        text(c, view),
        "late auto 7 days 0 0, never off 00:00:00 0 0, t auto 00:00:00 3000 3000"
    );
    // Too few to be worth while.
    c.execute_batch("INSERT INTO t SELECT n, 'v' || n FROM generate_series(3001, 3050) n")
        .unwrap();
    c.execute("VACUUM", ()).unwrap();
    assert_eq!(
        text(
            c,
            "SELECT cold_rows::text FROM helios_hybrid_storage() WHERE table_name = 't'"
        ),
        "3000"
    );
    c.execute_batch("ALTER TABLE t SET (hybrid_storage_min_rows = 50)")
        .unwrap();
    c.execute("VACUUM", ()).unwrap();
    assert_eq!(
        text(
            c,
            "SELECT cold_rows || ' ' || segments FROM helios_hybrid_storage() WHERE table_name = 't'"
        ),
        "3050 2"
    );
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || max(v) FROM t"),
        "3050 v999"
    );
    assert!(database.check().unwrap().faults.is_empty());
}

#[test]
fn rows_of_segments_come_back_where_it_is_off() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    for sql in [
        "CREATE TABLE t (id int PRIMARY KEY, v int, s text)",
        "CREATE INDEX ON t (v)",
        "INSERT INTO t SELECT n, n % 50, 'text ' || n FROM generate_series(1, 5000) n",
        "CREATE TABLE u AS SELECT * FROM t",
        "SELECT * FROM helios_freeze()",
        "CREATE BRANCH before",
        "UPDATE t SET v = -1 WHERE id % 10 = 3",
        "DELETE FROM t WHERE id % 100 = 7",
        "CREATE SNAPSHOT changed",
        "UPDATE t SET v = v - 1 WHERE id < 100",
        "CREATE BRANCH after",
    ] {
        c.execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let all = |from: &str| {
        format!("SELECT md5(string_agg(q::text, ',' ORDER BY id)) FROM (SELECT * FROM t {from}) q")
    };
    let by_index = |from: &str| format!("SELECT count(*)::text FROM t {from} WHERE v = 13");
    let asked: Vec<String> = [
        "",
        "AS OF SNAPSHOT changed",
        "AS OF BRANCH before",
        "AS OF BRANCH after",
    ]
    .iter()
    .flat_map(|from| [all(from), by_index(from)])
    .chain([
        "SELECT string_agg(v::text, ' ') FROM t VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE WHERE id = 13"
            .to_owned(),
    ])
    .collect();
    let answers =
        |c: &mut Connection| -> Vec<String> { asked.iter().map(|sql| text(c, sql)).collect() };
    let wanted = answers(c);
    let held = "SELECT string_agg(format('%s %s %s %s', table_name, hybrid_storage, segments, rows_thawed), ', ' ORDER BY table_name)
        FROM helios_hybrid_storage()";
    assert_eq!(text(c, held), "t auto 1 0, u auto 1 0");
    // Somebody reads meanwhile.
    let mut reader = database.connect().unwrap();
    let sum = "SELECT count(*) || ' ' || sum(v) FROM t";
    reader
        .execute_batch("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .unwrap();
    let seen = text(&mut reader, sum);
    c.execute_batch("ALTER TABLE t SET (hybrid_storage = manual)")
        .unwrap();
    c.execute_batch("VACUUM").unwrap();
    assert_eq!(text(c, held), "t manual 1 0, u auto 1 0");
    c.execute_batch("ALTER TABLE t SET (hybrid_storage = off)")
        .unwrap();
    c.execute_batch("VACUUM").unwrap();
    assert_eq!(text(c, held), "t off 0 5000, u auto 1 0");
    assert_eq!(answers(c), wanted);
    assert_eq!(text(&mut reader, sum), seen);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(code(c, "SELECT * FROM helios_freeze('t')"), "55000");
    c.execute_batch("SELECT * FROM helios_freeze()").unwrap();
    assert_eq!(text(c, held), "t off 0 5000, u auto 1 0");
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    drop((connection, reader, database));
    // The files go with the segments.
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    assert_eq!(answers(c), wanted);
    let files = std::fs::read_dir(path.join("segments")).unwrap().count();
    assert_eq!(files, 1);
    c.execute_batch("SET hybrid_storage = off").unwrap();
    c.execute_batch("VACUUM").unwrap();
    c.execute_batch("RESET hybrid_storage").unwrap();
    assert_eq!(text(c, held), "t off 0 0, u auto 0 5000");
    assert_eq!(answers(c), wanted);
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

#[test]
fn thresholds_have_short_names() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    let shown = |c: &mut Connection| {
        ["hot_threshold", "cold_threshold", "access_count_threshold"].map(|name| {
            let full = text(c, &format!("SHOW hybrid_storage_{name}"));
            assert_eq!(text(c, &format!("SHOW {name}")), full);
            full
        })
    };
    assert_eq!(shown(c), ["7 days", "30 days", "10000"]);
    c.execute_batch("SET hot_threshold = '2 days'; SET Cold_Threshold TO '9 days'; SET access_count_threshold = off")
        .unwrap();
    assert_eq!(shown(c), ["2 days", "9 days", "off"]);
    c.execute_batch("RESET hot_threshold").unwrap();
    assert_eq!(shown(c), ["7 days", "9 days", "off"]);
    let view = "SELECT concat_ws(' ', hot_threshold, cold_threshold, access_count_threshold)
        FROM helios_hybrid_storage() WHERE table_name = 't'";
    c.execute_batch("CREATE TABLE t (id int PRIMARY KEY) WITH (hot_threshold = '1 day', access_count_threshold = 70)")
        .unwrap();
    assert_eq!(text(c, view), "1 day 9 days 70");
    c.execute_batch(
        "ALTER TABLE t SET (cold_threshold = '8 days'); ALTER TABLE t RESET (hot_threshold)",
    )
    .unwrap();
    assert_eq!(text(c, view), "7 days 8 days 70");
    c.execute_batch("CREATE BRANCH dev WITH (hot_threshold = '5 days'); USE BRANCH dev")
        .unwrap();
    assert_eq!(text(c, view), "5 days 8 days 70");
}

#[test]
fn rows_that_are_read_come_back_for_a_while() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    for sql in [
        "CREATE TABLE t (id int PRIMARY KEY, v int, s text) WITH (access_count_threshold = 40)",
        "CREATE INDEX ON t (v)",
        "INSERT INTO t SELECT n, n % 50, 'text ' || n FROM generate_series(0, 4999) n",
        "SELECT * FROM helios_freeze('t')",
        "CREATE BRANCH before",
    ] {
        c.execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let asked = [
        "SELECT md5(string_agg(q::text, ',' ORDER BY id)) FROM t q",
        "SELECT md5(string_agg(q::text, ',' ORDER BY id)) FROM (SELECT * FROM t AS OF BRANCH before) q",
        "SELECT count(*)::text FROM t WHERE v = 13",
        "SELECT count(*) || ' ' || sum(v) FROM t",
    ];
    let answers = |c: &mut Connection| asked.map(|sql| text(c, sql));
    let wanted = answers(c);
    for id in 640..704 {
        let s = text(c, &format!("SELECT s FROM t WHERE id = {id}"));
        assert_eq!(s, format!("text {id}"));
    }
    let held = "SELECT concat_ws(' ', segments, cold_rows, promoted_rows, rows_promoted, rows_demoted) FROM helios_hybrid_storage()";
    assert_eq!(text(c, held), "1 5000 0 0 0");
    c.execute_batch("VACUUM").unwrap();
    assert_eq!(text(c, held), "1 5000 64 64 0");
    assert_eq!(answers(c), wanted);
    for sql in [
        "UPDATE t SET s = s || '!' WHERE id BETWEEN 650 AND 659",
        "DELETE FROM t WHERE id = 660",
        "CHECKPOINT",
    ] {
        c.execute_batch(sql).unwrap();
    }
    let changed = answers(c);
    assert_ne!(changed[0], wanted[0]);
    assert_eq!(changed[1], wanted[1]);
    drop((connection, database));
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    assert_eq!(text(c, held), "1 5000 64 0 0");
    assert_eq!(answers(c), changed);
    // What is over goes; what was changed stays.
    c.execute_batch("SET hot_threshold = '0'").unwrap();
    c.execute_batch("VACUUM").unwrap();
    assert_eq!(text(c, held), "1 5000 0 0 53");
    assert_eq!(answers(c), changed);
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}
