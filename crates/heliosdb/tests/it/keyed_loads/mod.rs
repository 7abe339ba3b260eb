//! Guards against rows of tables with a key that go into segments while their statement runs and are then seen too soon, too
//! late, twice, or under a key that another row has: the same loads into a database that does so and one that does not.

mod random;

use helios_testkit::Scratch;
use heliosdb::{Connection, Database, Error};

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

/// What came of a statement: nothing, or an error with all that it says.
fn outcome(connection: &mut Connection, sql: &str) -> Option<String> {
    connection
        .execute_batch(sql)
        .err()
        .map(|error| told(&error))
}

fn told(error: &Error) -> String {
    let detail = error.detail().unwrap_or_default();
    format!("{} {error} {detail}", error.sqlstate().as_str())
}

fn code(connection: &mut Connection, sql: &str) -> String {
    let outcome = outcome(connection, sql).unwrap_or_else(|| panic!("{sql} was done"));
    outcome.split(' ').next().unwrap_or_default().to_owned()
}

fn sound(database: &Database) {
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

fn files(scratch: &Scratch) -> usize {
    let files = std::fs::read_dir(scratch.join("db").join("segments"));
    files.map_or(0, |files| files.count())
}

fn open(scratch: &Scratch) -> (Database, Connection) {
    let database = Database::open(scratch.join("db")).unwrap();
    let mut connection = database.connect().unwrap();
    run(&mut connection, "SET bulk_load_threshold = 1000");
    (database, connection)
}

const SERIES: &str = "INSERT INTO t SELECT i, 'v' || i FROM generate_series";

#[test]
fn they_wait_in_segments_until_the_commit() {
    let scratch = Scratch::new();
    let (database, mut connection) = open(&scratch);
    let mut other = database.connect().unwrap();
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE t (i int PRIMARY KEY, v text); CREATE INDEX ON t (v)",
    );
    let count = "SELECT count(*) || ' ' || coalesce(sum(i), 0) FROM t";
    let adopted = "SELECT coalesce(sum(adopted), 0)::text FROM helios_segments()";
    run(c, &format!("BEGIN; {SERIES}(1, 5000) i"));
    assert_eq!(files(&scratch), 1, "they wait in a segment");
    assert_eq!(text(&mut other, count), "0 0");
    run(c, "COMMIT");
    assert_eq!(files(&scratch), 2, "the first thousand are in another");
    assert_eq!(text(c, adopted), "5000");
    assert_eq!(text(&mut other, count), "5000 12502500");
    assert_eq!(text(c, "SELECT v FROM t WHERE i = 4711"), "v4711");
    assert_eq!(text(c, "SELECT i::text FROM t WHERE v = 'v3333'"), "3333");
    // The next statement of the transaction takes them back.
    run(c, &format!("BEGIN; {SERIES}(10001, 15000) i"));
    assert_eq!(files(&scratch), 3);
    assert_eq!(text(c, count), "10000 75005000");
    assert_eq!(files(&scratch), 2);
    run(
        c,
        "SAVEPOINT a; DELETE FROM t WHERE i > 12000; ROLLBACK TO a",
    );
    run(
        c,
        &format!("SAVEPOINT b; {SERIES}(20001, 25000) i; ROLLBACK TO b"),
    );
    assert_eq!(files(&scratch), 2);
    run(
        c,
        &format!("{SERIES}(20001, 25000) i; SAVEPOINT d; UPDATE t SET v = 'x' WHERE i = 24999"),
    );
    run(c, "ROLLBACK TO d; COMMIT");
    assert_eq!(text(c, count), "15000 187507500");
    assert_eq!(text(c, "SELECT v FROM t WHERE i = 24999"), "v24999");
    sound(&database);
    // Nothing stays of what did not commit.
    let before = files(&scratch);
    run(c, &format!("BEGIN; {SERIES}(30001, 35000) i; ROLLBACK"));
    assert_eq!(
        code(
            c,
            &format!("{SERIES}(30001, 35000) i, LATERAL (SELECT 1 / (34990 - i)) x")
        ),
        "22012"
    );
    assert_eq!(files(&scratch), before);
    drop((connection, other, database));
    let (database, mut connection) = open(&scratch);
    assert_eq!(text(&mut connection, count), "15000 187507500");
    sound(&database);
}

#[test]
fn keys_stay_unique() {
    let scratch = Scratch::new();
    let (database, mut connection) = open(&scratch);
    let c = &mut connection;
    run(c, "CREATE TABLE t (i int PRIMARY KEY, v text)");
    let refused = |c: &mut Connection, sql: &str, key: i32| {
        let outcome = outcome(c, sql).unwrap_or_else(|| panic!("{sql} was done"));
        assert!(outcome.starts_with("23505"), "{sql}: {outcome}");
        let detail = format!("Key (i)=({key}) already exists.");
        assert!(outcome.contains(&detail), "{sql}: {outcome}");
    };
    // The second of two that are equal: next to each other, far apart, of the first thousand, out of order.
    for (expr, key) in [
        ("CASE i WHEN 3000 THEN 2999 ELSE i END", 2999),
        ("CASE i WHEN 3000 THEN 1500 ELSE i END", 1500),
        ("CASE i WHEN 3000 THEN 500 ELSE i END", 500),
        (
            "CASE i WHEN 3000 THEN 4000 WHEN 3001 THEN 3999 ELSE i END",
            3999,
        ),
        ("CASE i WHEN 2000 THEN -5 WHEN 3000 THEN -5 ELSE i END", -5),
    ] {
        refused(
            c,
            &format!("INSERT INTO t SELECT {expr} FROM generate_series(1, 5000) i"),
            key,
        );
    }
    assert_eq!(text(c, "SELECT count(*)::text FROM t"), "0");
    assert_eq!(files(&scratch), 0);
    // Rows that were there: outside of segments, in one, inherited.
    run(c, "INSERT INTO t VALUES (3500, 'there')");
    refused(c, &format!("{SERIES}(1, 5000) i"), 3500);
    run(
        c,
        &format!(
            "DELETE FROM t; {SERIES}(1, 5000) i WHERE i <> 3500; INSERT INTO t VALUES (3500, 'again')"
        ),
    );
    refused(c, &format!("{SERIES}(-3000, 1500) i"), 1);
    run(c, "CREATE BRANCH dev; USE BRANCH dev");
    refused(c, &format!("{SERIES}(-3000, 1500) i"), 1);
    run(
        c,
        &format!(
            "DELETE FROM t WHERE i BETWEEN 2000 AND 2100; {SERIES}(-3000, 6000) i WHERE i < 1 OR i > 5000 OR i BETWEEN 2000 AND 2100"
        ),
    );
    assert_eq!(text(c, "SELECT count(*)::text FROM t"), "9001");
    run(c, "USE BRANCH main");
    assert_eq!(text(c, "SELECT count(*)::text FROM t"), "5000");
    run(c, "MERGE BRANCH dev INTO main");
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || count(DISTINCT i) FROM t"),
        "9001 9001"
    );
    // Inserted and deleted by the transaction itself.
    run(
        c,
        "BEGIN; INSERT INTO t VALUES (7777); DELETE FROM t WHERE i = 7777",
    );
    run(c, &format!("{SERIES}(6001, 9000) i; COMMIT"));
    assert_eq!(text(c, "SELECT v FROM t WHERE i = 7777"), "v7777");
    // Long keys are refused as ever.
    run(c, "CREATE TABLE l (k text PRIMARY KEY)");
    let long = "INSERT INTO l SELECT CASE WHEN i < 4000 THEN lpad(i::text, 8, '0') ELSE repeat('9', 70000) END FROM generate_series(1, 4000) i";
    assert_eq!(code(c, long), "54000");
    sound(&database);
}

#[test]
fn others_wait_or_are_in_the_way() {
    let scratch = Scratch::new();
    let (database, mut connection) = open(&scratch);
    let mut other = database.connect().unwrap();
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE t (i int PRIMARY KEY, v text); CREATE TABLE child (i int REFERENCES t); SET lock_timeout = '50ms'",
    );
    run(
        &mut other,
        "SET lock_timeout = '50ms'; CREATE TABLE notes (n int)",
    );
    // Somebody has a row in the range: the load goes on row by row, and waits for that one.
    run(&mut other, "BEGIN; INSERT INTO t VALUES (4000, 'other')");
    run(c, &format!("BEGIN; {SERIES}(1, 3000) i"));
    assert_eq!(files(&scratch), 0);
    assert_eq!(code(c, &format!("{SERIES}(3001, 5000) i")), "55P03");
    run(c, "ROLLBACK");
    run(&mut other, "ROLLBACK");
    // Who comes later waits, and then finds the rows.
    run(c, &format!("BEGIN; {SERIES}(1, 5000) i"));
    assert_eq!(files(&scratch), 1);
    for sql in [
        "INSERT INTO t VALUES (4000, 'other')",
        "INSERT INTO t VALUES (9999, 'other')",
        "INSERT INTO child VALUES (4000)",
    ] {
        assert!(
            ["55P03", "23503"].contains(&&*code(&mut other, sql)),
            "{sql}"
        );
    }
    assert_eq!(text(&mut other, "SELECT count(*)::text FROM t"), "0");
    run(c, "COMMIT");
    assert_eq!(code(&mut other, "INSERT INTO t VALUES (4000)"), "23505");
    run(
        &mut other,
        "INSERT INTO t VALUES (9999); INSERT INTO child VALUES (4000)",
    );
    assert_eq!(code(&mut other, "DELETE FROM t WHERE i = 4000"), "23503");
    // A snapshot from before.
    run(c, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
    run(&mut other, "INSERT INTO t VALUES (13000, 'since')");
    assert_eq!(code(c, &format!("{SERIES}(10001, 15000) i")), "40001");
    run(c, "ROLLBACK");
    run(&mut other, "DELETE FROM t WHERE i = 13000");
    // Who asked for a key, or a range, and made up his mind. Keys that are not among the rows do not matter.
    for (question, is_refused) in [
        ("SELECT count(*)::text FROM t WHERE i = 24000", true),
        ("SELECT count(*)::text FROM t WHERE i = 24001", false),
        (
            "SELECT count(*)::text FROM t WHERE i BETWEEN 24001 AND 24002",
            true,
        ),
        (
            "SELECT count(*)::text FROM t WHERE i BETWEEN 30001 AND 30002",
            false,
        ),
        ("SELECT count(*)::text FROM t WHERE i < 0", false),
    ] {
        run(&mut other, "BEGIN ISOLATION LEVEL SERIALIZABLE");
        assert_eq!(text(&mut other, question), "0");
        run(&mut other, "INSERT INTO notes VALUES (0)");
        run(c, &format!("{SERIES}(20001, 25000) i WHERE i % 2 = 0"));
        match is_refused {
            true => assert_eq!(code(&mut other, "COMMIT"), "40001", "{question}"),
            false => run(&mut other, "COMMIT"),
        }
        run(c, "DELETE FROM t WHERE i > 20000; VACUUM");
        sound(&database);
    }
}

#[test]
fn what_refers_to_them_and_what_they_refer_to() {
    let scratch = Scratch::new();
    let (database, mut connection) = open(&scratch);
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE parent (p int PRIMARY KEY); INSERT INTO parent SELECT generate_series(1, 100);
         CREATE TABLE t (i int PRIMARY KEY, p int REFERENCES parent, u int UNIQUE, v text DEFAULT 'd', CHECK (i <> -1),
             g int GENERATED ALWAYS AS (i * 2) STORED);
         CREATE TABLE child (i int REFERENCES t DEFERRABLE INITIALLY DEFERRED);
         CREATE TABLE tree (i int PRIMARY KEY, above int REFERENCES tree);
         CREATE TABLE late (i int PRIMARY KEY, u int UNIQUE DEFERRABLE INITIALLY DEFERRED)",
    );
    let load = |p: &str, u: &str| {
        format!("INSERT INTO t (i, p, u) SELECT i, {p}, {u} FROM generate_series(1, 5000) i")
    };
    for (p, u, wanted) in [
        (
            "CASE WHEN i = 4000 THEN 101 ELSE i % 100 + 1 END",
            "i",
            "23503",
        ),
        (
            "i % 100 + 1",
            "CASE WHEN i = 4000 THEN 3000 ELSE i END",
            "23505",
        ),
        (
            "i % 100 + 1",
            "CASE WHEN i = 4000 THEN 10 ELSE i END",
            "23505",
        ),
    ] {
        let outcome = outcome(c, &load(p, u)).unwrap();
        assert!(outcome.starts_with(wanted), "{outcome}");
        let key = if wanted == "23503" {
            "Key (p)=(101)"
        } else {
            "Key (u)=("
        };
        assert!(outcome.contains(key), "{outcome}");
    }
    assert_eq!(files(&scratch), 0);
    // What waits for the end of the transaction finds them.
    run(c, "BEGIN; INSERT INTO child VALUES (10), (4500)");
    run(
        c,
        &load(
            "CASE WHEN i % 3 > 0 THEN i % 100 + 1 END",
            "CASE WHEN i % 5 > 0 THEN i END",
        ),
    );
    assert_eq!(files(&scratch), 1);
    run(c, "COMMIT; BEGIN; INSERT INTO child VALUES (4501), (6000)");
    run(c, "INSERT INTO t (i) SELECT generate_series(10001, 15000)");
    assert_eq!(code(c, "COMMIT"), "23503");
    run(
        c,
        "BEGIN; INSERT INTO child VALUES (14000); INSERT INTO t (i) SELECT generate_series(10001, 15000); SET CONSTRAINTS ALL IMMEDIATE; COMMIT",
    );
    let sums = "SELECT count(*) || ' ' || sum(g) || ' ' || count(p) || ' ' || count(u) || ' ' || min(v) FROM t";
    assert_eq!(text(c, sums), "10000 150010000 3334 4000 d");
    assert_eq!(code(c, "DELETE FROM parent WHERE p = 5"), "23503");
    assert_eq!(code(c, "DELETE FROM t WHERE i = 4500; COMMIT"), "23503");
    assert_eq!(code(c, "INSERT INTO t (i, u) VALUES (0, 4999)"), "23505");
    run(c, "DELETE FROM child; DELETE FROM t WHERE i = 4500");
    // Rows that refer to others of their statement, and uniqueness that is judged later.
    run(
        c,
        "INSERT INTO tree SELECT i, nullif(i - 1, 0) FROM generate_series(1, 5000) i",
    );
    assert_eq!(
        code(
            c,
            "INSERT INTO tree SELECT i, i + 1 FROM generate_series(6001, 9000) i"
        ),
        "23503"
    );
    assert_eq!(
        code(
            c,
            "INSERT INTO late SELECT i, i / 2 FROM generate_series(1, 5000) i"
        ),
        "23505"
    );
    run(
        c,
        "INSERT INTO late SELECT i, i FROM generate_series(1, 5000) i",
    );
    // The parent goes in the same statement.
    let both = "WITH gone AS (DELETE FROM parent WHERE p = 7 RETURNING p) INSERT INTO t (i, p)
        SELECT i, 7 FROM generate_series(20001, 25000) i, gone";
    assert_eq!(code(c, both), "23503");
    sound(&database);
}

#[test]
fn rows_out_of_order_by_a_few_go_along() {
    let scratch = Scratch::new();
    let (database, mut connection) = open(&scratch);
    let c = &mut connection;
    // Four suppliers of a part begin anywhere; every hundredth row comes nine hundred too late.
    run(
        c,
        "CREATE TABLE p (part int, supplier int, v text, PRIMARY KEY (part, supplier));
         INSERT INTO p SELECT i / 4, (i + i / 40) % 4, 'v' || i FROM generate_series(4000, 63999) i;
         CREATE TABLE q (i int PRIMARY KEY);
         INSERT INTO q SELECT CASE i % 100 WHEN 0 THEN i - 900 ELSE i END FROM generate_series(1001, 40000) i",
    );
    let adopted = "SELECT (sum(rows) || ' ' || sum(adopted))::text FROM helios_segments()";
    assert_eq!(text(c, adopted), "99000 99000");
    assert_eq!(
        text(
            c,
            "SELECT count(*) || ' ' || count(DISTINCT part * 4 + supplier) || ' ' || min(part) || ' ' || max(part) FROM p"
        ),
        "60000 60000 1000 15999"
    );
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || count(DISTINCT i) FROM q"),
        "39000 39000"
    );
    // The second of two that wait.
    for twice in [50_001, 50_200] {
        let sql = format!(
            "INSERT INTO q SELECT CASE i WHEN 50500 THEN {twice} ELSE i END FROM generate_series(45001, 60000) i"
        );
        assert_eq!(code(c, &sql), "23505");
    }
    assert_eq!(text(c, "SELECT count(*)::text FROM q WHERE i > 40000"), "0");
    sound(&database);
}

#[test]
fn nearest_neighbours_and_other_orders_of_keys() {
    let scratch = Scratch::new();
    let (database, mut connection) = open(&scratch);
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE v (i bigint PRIMARY KEY, e vector(3)); CREATE INDEX ON v USING hnsw (e vector_l2_ops);
         INSERT INTO v SELECT i, ARRAY[i, i % 7, 1]::real[]::vector FROM generate_series(1, 4000) i",
    );
    assert_eq!(
        text(
            c,
            "SELECT i::text FROM v ORDER BY e <-> '[3210.2,4,1]' LIMIT 1"
        ),
        "3210"
    );
    // Keys whose bytes are not those of a column; more than one column; with a number of the past.
    run(
        c,
        "CREATE TABLE k (c char(8), d numeric, PRIMARY KEY (c, d));
         INSERT INTO k SELECT 'k' || lpad((i / 3)::text, 5, '0'), i * 0.5 FROM generate_series(1, 6000) i;
         CREATE TABLE f (at double precision PRIMARY KEY, b boolean);
         INSERT INTO f SELECT i / 3.0, i % 2 = 0 FROM generate_series(-3000, 3000) i",
    );
    assert_eq!(
        text(c, "SELECT d::text FROM k WHERE c = 'k01999' AND d = 2999.0"),
        "2999.0"
    );
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || sum(d) FROM k"),
        "6000 9001500.0"
    );
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || sum(at) FROM f WHERE b"),
        "3001 0"
    );
    run(
        c,
        "ALTER TABLE k ADD extra int DEFAULT 5; INSERT INTO k SELECT 'l', i, i FROM generate_series(1, 3000) i",
    );
    assert_eq!(
        text(c, "SELECT sum(extra)::text FROM k"),
        (30_000 + 4_501_500).to_string()
    );
    let adopted = "SELECT string_agg(table_name || ' ' || n, ', ' ORDER BY table_name) FROM (SELECT table_name, sum(adopted) n FROM helios_segments() GROUP BY 1) x";
    assert_eq!(text(c, adopted), "f 6001, k 9000, v 4000");
    sound(&database);
}

// Guards against parents that are found where there are none, and overlooked where they are, when those of many rows are
// looked for together.
#[test]
fn parents_of_many_rows_are_looked_for_together() {
    let scratch = Scratch::new();
    let (database, mut connection) = open(&scratch);
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE part (a int, b bigint, v text, UNIQUE (v), PRIMARY KEY (a, b));
         CREATE TABLE small (s smallint PRIMARY KEY);
         INSERT INTO part SELECT i / 4, i % 4, 'v' || i FROM generate_series(0, 79999) i;
         INSERT INTO small SELECT generate_series(1, 20);
         SELECT * FROM helios_freeze('part');
         DELETE FROM part WHERE a = 777;
         UPDATE part SET b = 9 WHERE a = 888 AND b = 1;
         UPDATE part SET v = v || ' changed' WHERE a = 999;
         INSERT INTO part SELECT i, 0, 'w' || i FROM generate_series(30000, 30009) i;
         CREATE TABLE line (i int PRIMARY KEY, b bigint, a int, v text REFERENCES part (v), s int REFERENCES small,
             FOREIGN KEY (b, a) REFERENCES part (b, a) DEFERRABLE)",
    );
    let load = |a: &str, b: &str, v: &str| {
        format!(
            "INSERT INTO line SELECT i, {b}, {a}, {v}, i % 21 + (i % 21 = 0)::int FROM generate_series(1, 140000) i"
        )
    };
    let (a, b) = ("i * 7919 % 20000", "i / 20000 % 4");
    let outcome = |c: &mut Connection, a: &str, b: &str, v: &str| outcome(c, &load(a, b, v));
    let (plain, v) = (a, "NULL");
    let some = |a: &str| {
        format!(
            "CASE WHEN i % 1000 = 0 THEN NULL WHEN {a} IN (777, 888) THEN 30000 + i % 10 ELSE {a} END"
        )
    };
    let zero = |a: &str| format!("CASE WHEN {a} IN (777, 888) THEN 0 ELSE {b} END");
    let before = files(&scratch);
    // Those that were deleted, or have another key since.
    let missing = outcome(c, a, b, v).unwrap();
    assert!(missing.starts_with("23503"), "{missing}");
    assert!(missing.contains("Key (b, a)=("), "{missing}");
    let gone = |at: i64, a: i64, b: i64| {
        (
            format!("CASE WHEN i = {at} THEN {a} ELSE {} END", some(plain)),
            format!("CASE WHEN i = {at} THEN {b} ELSE {} END", zero(plain)),
        )
    };
    for (at, a, b) in [
        (1, 20_000, 0),
        (70_000, 888, 1),
        (140_000, 777, 2),
        (139_999, -1, 0),
    ] {
        let (some, zero) = gone(at, a, b);
        let missing = outcome(c, &some, &zero, v).unwrap();
        assert!(
            missing.contains(&format!("Key (b, a)=({b}, {a})")),
            "{at}: {missing}"
        );
        // The parent comes before the end.
        run(c, "BEGIN; SET CONSTRAINTS ALL DEFERRED");
        run(c, &load(&some, &zero, v));
        run(c, &format!("INSERT INTO part VALUES ({a}, {b}, 'late')"));
        run(c, "SET CONSTRAINTS ALL IMMEDIATE");
        assert_eq!(text(c, "SELECT count(*)::text FROM line"), "140000");
        run(c, "ROLLBACK");
    }
    assert!(
        outcome(
            c,
            &some(a),
            &zero(a),
            "CASE WHEN i = 66000 THEN 'v3996' END"
        )
        .is_some()
    );
    assert_eq!(files(&scratch), before);
    let v = "CASE WHEN i % 100 = 3 THEN 'v' || i % 3000 END";
    run(c, &load(&some(a), &zero(a), v));
    assert!(files(&scratch) > before);
    let lost = "SELECT concat_ws(' ', count(*), count(a), count(v), count(DISTINCT s)) FROM line l WHERE a IS NULL OR EXISTS
        (SELECT FROM part p WHERE p.a = l.a AND p.b = l.b)";
    assert_eq!(text(c, lost), "140000 139860 1400 20");
    assert_eq!(code(c, "DELETE FROM part WHERE a = 30003"), "23503");
    assert_eq!(code(c, "DELETE FROM small WHERE s = 20"), "23503");
    sound(&database);
}
