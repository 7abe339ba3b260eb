//! Guards against rows that go into segments while their statement runs (tables without key and index) and are then seen
//! too soon, too late, twice or changed.

use helios_testkit::Scratch;
use heliosdb::{Connection, Database};

/// One column of each form, with NULLs, and bounds that rows can break.
const TABLE: &str = "(id int NOT NULL, big bigint, price numeric(12,2), free numeric, name varchar(20), code char(6),
    at timestamptz, day date, tags text[], mood mood, ok int, doc jsonb, raw bytea, share double precision,
    CHECK (big IS DISTINCT FROM -1))";

/// Its rows.
const ROWS: &str = "SELECT i, CASE WHEN i % 7 > 0 THEN i * 10000000000 END, (i % 1000) / 8.0, i / 3.0, 'name ' || i % 50,
    CASE WHEN i % 3 > 0 THEN 'c' || i % 10 END, '2024-01-01 00:00+00'::timestamptz + i * interval '1 minute',
    date '2024-02-28' + i % 5, ARRAY['a' || i % 4, NULL], (CASE i % 2 WHEN 0 THEN 'good' ELSE 'bad' END)::mood, i % 5 + 1,
    jsonb_build_object('i', i), decode(lpad(to_hex(i), 8, '0'), 'hex'), CASE WHEN i % 11 = 0 THEN 'NaN' ELSE i / 7.0 END
    FROM generate_series(1, 4000) i";

fn text(connection: &mut Connection, sql: &str) -> String {
    let row = connection.query_row(sql, ());
    row.unwrap_or_else(|error| panic!("{sql}: {error}"))
        .get(0)
        .unwrap()
}

fn run(connection: &mut Connection, script: &str) {
    for sql in script.split(';').filter(|sql| !sql.trim().is_empty()) {
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

fn refused(connection: &mut Connection, sql: &str) -> (String, String) {
    let error = connection.execute_batch(sql).unwrap_err();
    let detail = error.detail().unwrap_or_default().to_owned();
    (error.sqlstate().as_str().to_owned(), detail)
}

fn sound(database: &Database) {
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

fn files(scratch: &Scratch) -> usize {
    let files = std::fs::read_dir(scratch.join("db").join("segments"));
    files.map_or(0, |files| files.count())
}

/// Two tables of the same rows: `wide`, which loads go into segments of, and `plain`, whose rows stay rows.
fn world(scratch: &Scratch) -> (Database, Connection) {
    let database = Database::open(scratch.join("db")).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(
        c,
        "SET bulk_load_threshold = 1000; CREATE TYPE mood AS ENUM ('good', 'bad');
         CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
    );
    run(c, &format!("CREATE TABLE wide {TABLE}"));
    run(
        c,
        &format!("CREATE TABLE plain {TABLE} WITH (hybrid_storage = off)"),
    );
    run(c, &format!("INSERT INTO plain {ROWS}"));
    (database, connection)
}

/// The rows of `wide` are those of `plain`, as often.
fn same(c: &mut Connection) {
    for (a, b) in [("wide", "plain"), ("plain", "wide")] {
        let sql = format!("SELECT count(*)::text FROM (TABLE {a} EXCEPT ALL TABLE {b}) x");
        assert_eq!(text(c, &sql), "0", "{a} without {b}");
    }
}

#[test]
fn rows_come_back_as_they_were() {
    let scratch = Scratch::new();
    let (database, mut connection) = world(&scratch);
    let c = &mut connection;
    let csv = scratch.join("rows.csv");
    let binary = scratch.join("rows.bin");
    run(
        c,
        &format!("COPY plain TO '{}' (FORMAT csv)", csv.display()),
    );
    run(
        c,
        &format!("COPY plain TO '{}' (FORMAT binary)", binary.display()),
    );
    for executor in ["auto", "row", "vector"] {
        run(c, &format!("SET executor = '{executor}'"));
        for load in [
            format!("INSERT INTO wide {ROWS}"),
            "INSERT INTO wide TABLE plain".to_owned(),
            "INSERT INTO wide SELECT * FROM plain ORDER BY id DESC".to_owned(),
            format!("COPY wide FROM '{}' (FORMAT csv)", csv.display()),
            format!("COPY wide FROM '{}' (FORMAT binary)", binary.display()),
        ] {
            run(c, &load);
            let adopted =
                "SELECT sum(adopted)::text FROM helios_segments() WHERE table_name = 'wide'";
            assert_eq!(text(c, adopted), "4000", "{load}");
            same(c);
            run(
                c,
                "UPDATE wide SET big = 5 WHERE id = 77; DELETE FROM wide WHERE id = 78",
            );
            let changed = "SELECT count(*) || ' ' || count(*) FILTER (WHERE big = 5) FROM wide";
            assert_eq!(text(c, changed), "3999 1");
            sound(&database);
            run(c, "TRUNCATE wide");
        }
    }
    run(c, &format!("RESET executor; INSERT INTO wide {ROWS}"));
    drop((connection, database));
    let database = Database::open(scratch.join("db")).unwrap();
    let mut connection = database.connect().unwrap();
    same(&mut connection);
    sound(&database);
}

#[test]
fn in_an_open_transaction_they_are_rows_like_others() {
    let scratch = Scratch::new();
    let (database, mut connection) = world(&scratch);
    let mut other = database.connect().unwrap();
    let c = &mut connection;
    let count = "SELECT count(*)::text FROM wide";
    run(c, "BEGIN; INSERT INTO wide TABLE plain");
    assert_eq!(files(&scratch), 1, "they wait in a segment");
    assert_eq!(text(&mut other, count), "0");
    same(c);
    assert_eq!(files(&scratch), 0, "they were taken back");
    run(
        c,
        "UPDATE wide SET big = 1 WHERE id < 11; SAVEPOINT a; INSERT INTO wide TABLE plain; ROLLBACK TO a",
    );
    assert_eq!(files(&scratch), 0);
    run(
        c,
        "INSERT INTO wide TABLE plain; SAVEPOINT b; DELETE FROM wide",
    );
    assert_eq!(text(c, count), "0");
    run(c, "ROLLBACK TO b");
    assert_eq!(text(c, count), "8000");
    assert_eq!(text(&mut other, count), "0");
    run(c, "COMMIT");
    assert_eq!(text(&mut other, count), "8000");
    assert_eq!(
        text(c, "SELECT count(*)::text FROM wide WHERE big = 1"),
        "10"
    );
    sound(&database);
    // Two tables, one commit.
    run(c, "CREATE TABLE two (id int); TRUNCATE wide");
    run(
        c,
        "BEGIN; INSERT INTO wide TABLE plain; INSERT INTO two SELECT id FROM plain; COMMIT",
    );
    assert_eq!(
        text(
            c,
            "SELECT (SELECT count(*) FROM wide) || ' ' || count(*) FROM two"
        ),
        "4000 4000"
    );
    same(c);
    let before = files(&scratch);
    run(c, "BEGIN; CREATE TABLE made AS TABLE plain");
    assert_eq!(files(&scratch), before + 1);
    run(c, "COMMIT");
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || sum(free) FROM made"),
        text(c, "SELECT count(*) || ' ' || sum(free) FROM plain")
    );
    run(c, "DROP TABLE made");
    let before = files(&scratch);
    // Nothing of them stays when the transaction does not.
    run(c, "BEGIN; INSERT INTO wide TABLE plain; ROLLBACK");
    assert_eq!(files(&scratch), before);
    run(c, "BEGIN; INSERT INTO wide TABLE plain");
    assert_eq!(refused(c, "SELECT 1 / 0").0, "22012");
    run(c, "COMMIT");
    assert_eq!(text(c, count), "4000");
    assert_eq!(files(&scratch), before);
    sound(&database);
}

#[test]
fn explain_says_who_computes_the_rows() {
    let scratch = Scratch::new();
    let (_database, mut connection) = world(&scratch);
    let c = &mut connection;
    let mut plan = |executor: &str| {
        run(c, &format!("SET executor = '{executor}'"));
        let rows = c.query("EXPLAIN INSERT INTO wide TABLE plain", ()).unwrap();
        let lines = rows.map(|row| row.unwrap().get::<String>(0).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    };
    assert!(!plan("row").contains("vector"));
    let vectors = plan("vector");
    assert!(vectors.starts_with("Insert on wide"), "{vectors}");
    assert!(vectors.contains("Executor: vector"), "{vectors}");
}

#[test]
fn bad_rows_leave_nothing_behind() {
    let scratch = Scratch::new();
    let (database, mut connection) = world(&scratch);
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE three (id int NOT NULL, a int, b text); CREATE TABLE domains (t text, p positive)",
    );
    let rows = |change: &str| {
        format!("INSERT INTO three SELECT {change}, i, 'b' || i FROM generate_series(1, 30000) i")
    };
    for executor in ["row", "vector"] {
        run(c, &format!("SET executor = '{executor}'"));
        let late = refused(c, &rows("CASE WHEN i < 20000 THEN i END"));
        assert_eq!(late.0, "23502");
        assert_eq!(late.1, "Failing row contains (null, 20000, b20000).");
        assert_eq!(refused(c, &rows("1000 / (i - 25000)")).0, "22012");
        let check = refused(
            c,
            "INSERT INTO wide SELECT i, CASE WHEN i = 3000 THEN -1 END FROM generate_series(1, 4000) i",
        );
        assert_eq!(check.0, "23514");
        let domain = refused(
            c,
            "INSERT INTO domains SELECT 'x', 3000 - i FROM generate_series(1, 4000) i",
        );
        assert_eq!(domain.0, "23514");
        assert_eq!(files(&scratch), 0, "{executor}");
    }
    assert_eq!(text(c, "SELECT count(*)::text FROM three"), "0");
    sound(&database);
}

#[test]
fn others_meet_them_as_they_meet_rows() {
    let scratch = Scratch::new();
    let (database, mut connection) = world(&scratch);
    let mut other = database.connect().unwrap();
    let c = &mut connection;
    // Who asked whether there are any, and made up his mind, cannot commit.
    run(
        &mut other,
        "CREATE TABLE notes (n bigint); BEGIN ISOLATION LEVEL SERIALIZABLE",
    );
    assert_eq!(text(&mut other, "SELECT count(*)::text FROM wide"), "0");
    run(&mut other, "INSERT INTO notes VALUES (0)");
    let before = text(c, "SELECT helios_current_scn()::text");
    run(c, "INSERT INTO wide TABLE plain");
    assert_eq!(refused(&mut other, "COMMIT").0, "40001");
    // The past, branches, differences.
    let sql = format!("SELECT count(*)::text FROM wide AS OF SCN {before}");
    assert_eq!(text(c, &sql), "0");
    run(
        c,
        "CREATE BRANCH dev; USE BRANCH dev; INSERT INTO wide TABLE plain; DELETE FROM wide WHERE id = 9",
    );
    assert_eq!(text(c, "SELECT count(*)::text FROM wide"), "7998");
    let diff = "SELECT count(*)::text FROM helios_diff('wide', 'main', 'dev')";
    assert_eq!(text(c, diff), "4000");
    run(c, "USE BRANCH main");
    assert_eq!(text(c, "SELECT count(*)::text FROM wide"), "4000");
    run(c, "MERGE BRANCH dev INTO main");
    assert_eq!(text(c, "SELECT count(*)::text FROM wide"), "7998");
    sound(&database);
}

#[test]
fn few_rows_and_read_only_transactions() {
    let scratch = Scratch::new();
    let (database, mut connection) = world(&scratch);
    let c = &mut connection;
    run(
        c,
        "INSERT INTO wide SELECT * FROM plain WHERE id <= 999; INSERT INTO wide SELECT * FROM plain WHERE id < 0",
    );
    assert_eq!(files(&scratch), 0);
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || sum(id) FROM wide"),
        "999 499500"
    );
    run(c, "BEGIN READ ONLY");
    assert_eq!(refused(c, "INSERT INTO wide TABLE plain").0, "25006");
    run(c, "ROLLBACK");
    // A statement that reads the table does not see what it adds, however much.
    run(
        c,
        "INSERT INTO wide SELECT w.* FROM wide w, generate_series(1, 4)",
    );
    assert_eq!(text(c, "SELECT count(*)::text FROM wide"), "4995");
    // Routines and WITH go on reading.
    run(c, "TRUNCATE wide");
    assert_eq!(
        text(
            c,
            "WITH w AS (INSERT INTO wide TABLE plain RETURNING id) SELECT count(*)::text FROM w"
        ),
        "4000"
    );
    same(c);
    sound(&database);
}

#[test]
fn loads_keep_the_order_of_what_they_read() {
    let scratch = Scratch::new();
    let database = Database::open(scratch.join("db")).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    let file = scratch.join("rows.parquet").display().to_string();
    run(
        c,
        &format!(
            "SET bulk_load_threshold = 1000; CREATE TABLE a (i int, t text);
             INSERT INTO a SELECT i, 'row ' || i FROM generate_series(1, 150000) i;
             COPY a TO '{file}' (FORMAT parquet); CREATE TABLE b (i int, t text); SET executor = 'vector';
             INSERT INTO b TABLE a; CREATE TABLE c AS SELECT i, t FROM '{file}' WHERE i % 5 <> 0; SET executor = 'row'"
        ),
    );
    for table in ["a", "b", "c"] {
        let sql = format!(
            "SELECT count(*)::text FROM (SELECT i, lag(i) OVER () AS before FROM {table}) x WHERE before > i"
        );
        assert_eq!(text(c, &sql), "0", "{table}");
    }
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || sum(i) FROM c"),
        "120000 9000000000"
    );
}

#[test]
fn what_nobody_says_of_compression() {
    let scratch = Scratch::new();
    let (_database, mut connection) = world(&scratch);
    let c = &mut connection;
    let codecs = "SELECT string_agg(DISTINCT codec, ' ' ORDER BY codec) FROM helios_compression()
        WHERE table_name = 'wide' AND column_name = 'name'";
    for (setting, option, wanted) in [
        ("off", "", "none"),
        ("off", "WITH (compression = 'fsst')", "fsst"),
        ("on", "WITH (auto_compression = off)", "none"),
        ("true", "", "cascade"),
    ] {
        run(
            c,
            &format!("SET auto_compression = {setting}; DROP TABLE wide"),
        );
        run(c, &format!("CREATE TABLE wide {TABLE} {option}"));
        run(c, "INSERT INTO wide TABLE plain");
        assert_eq!(text(c, codecs), wanted, "{setting} {option}");
        same(c);
    }
    for sql in [
        "SET auto_compression = maybe",
        "SET max_cpu_percent = 0",
        "SET max_cpu_percent = 'all'",
    ] {
        assert_eq!(refused(c, sql).0, "22023", "{sql}");
    }
    run(c, "SET max_cpu_percent = 50");
    assert_eq!(text(c, "SHOW max_cpu_percent"), "50");
    run(c, "RESET max_cpu_percent");
    assert_eq!(text(c, "SHOW max_cpu_percent"), "20");
}
