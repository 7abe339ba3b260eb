//! Guards against large transactions that show, lose or keep other rows than small ones do because theirs go straight into
//! segments; and against halves of them after a death.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database, Options, Value};

const DIRECTORY: &str = "HELIOS_BULK_DIRECTORY";
/// Rows of a transaction of the child.
const ROWS: i64 = 2500;

fn text(connection: &mut Connection, sql: &str) -> String {
    let row = connection.query_row(sql, ());
    row.unwrap_or_else(|error| panic!("{sql}: {error}"))
        .get(0)
        .unwrap()
}

/// Runs statements, each on its own.
fn run(connection: &mut Connection, script: &str) {
    for sql in script.split(';').filter(|sql| !sql.trim().is_empty()) {
        connection
            .execute_batch(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

fn code(connection: &mut Connection, sql: &str) -> String {
    let error = connection.execute_batch(sql).unwrap_err();
    error.sqlstate().as_str().to_owned()
}

fn sound(database: &Database) {
    let report = database.check().unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

/// Rows of a table, and those of them in segments.
fn counts(connection: &mut Connection, table: &str) -> String {
    let sql = format!(
        "SELECT (SELECT count(*) FROM {table}) || ' ' || (SELECT coalesce(sum(adopted), 0) FROM helios_segments() WHERE table_name = '{table}')"
    );
    text(connection, &sql)
}

#[test]
fn all_ways_to_add_many_rows_lead_into_segments() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    run(c, "SET bulk_load_threshold = 2000");
    run(
        c,
        "CREATE TABLE src AS SELECT i AS id, 'text ' || i % 100 AS t, i * 1.5 AS n FROM generate_series(1, 3000) i;
         CREATE TABLE ins (id int PRIMARY KEY, t text, n numeric); CREATE INDEX ON ins (t);
         INSERT INTO ins SELECT * FROM src ORDER BY id DESC;
         CREATE TABLE few (id int PRIMARY KEY, t text, n numeric);
         INSERT INTO few SELECT * FROM src LIMIT 1999;
         CREATE TABLE never (id int PRIMARY KEY, t text, n numeric) WITH (hybrid_storage = off);
         INSERT INTO never SELECT * FROM src;
         CREATE TABLE later (id int PRIMARY KEY, t text, n numeric) WITH (bulk_load_threshold = 5000);
         INSERT INTO later SELECT * FROM src;
         CREATE TEMPORARY TABLE tmp AS SELECT * FROM src;
         CREATE TABLE app (id int PRIMARY KEY, t text)",
    );
    let mut appender = c.appender("app", &["id", "t"]).unwrap();
    for id in 0..2500 {
        appender
            .append(vec![Value::Int4(id), Value::text("x")])
            .unwrap();
    }
    appender.finish().unwrap();
    let file = scratch.join("out.csv");
    run(
        c,
        &format!(
            "COPY src TO '{0}' (FORMAT csv); CREATE TABLE cop (id int UNIQUE, t text, n numeric); COPY cop FROM '{0}' (FORMAT csv)",
            file.display()
        ),
    );
    assert_eq!(counts(c, "src"), "3000 3000");
    assert_eq!(counts(c, "ins"), "3000 3000");
    assert_eq!(counts(c, "cop"), "3000 3000");
    assert_eq!(counts(c, "app"), "2500 2500");
    assert_eq!(counts(c, "few"), "1999 0");
    assert_eq!(counts(c, "never"), "3000 0");
    assert_eq!(counts(c, "later"), "3000 0");
    for table in ["src", "ins", "cop"] {
        let same = format!(
            "SELECT count(*)::text FROM (SELECT * FROM {table} EXCEPT SELECT * FROM never) x"
        );
        assert_eq!(text(c, &same), "0", "{table}");
    }
    // Found by key, by index, and by what the row says.
    assert_eq!(text(c, "SELECT t FROM ins WHERE id = 77"), "text 77");
    assert_eq!(
        text(c, "SELECT count(*)::text FROM ins WHERE t = 'text 5'"),
        "30"
    );
    assert_eq!(text(c, "SELECT t FROM cop WHERE id = 2999"), "text 99");
    // Exactly as unique as before.
    for sql in [
        "INSERT INTO ins VALUES (77)",
        "INSERT INTO cop VALUES (3000)",
        "INSERT INTO ins SELECT i FROM generate_series(2990, 9000) i",
        "INSERT INTO cop SELECT i FROM generate_series(2990, 9000) i",
        "INSERT INTO app SELECT i / 2 FROM generate_series(10000, 19000) i",
    ] {
        assert_eq!(code(c, sql), "23505", "{sql}");
    }
    run(
        c,
        "INSERT INTO ins SELECT i FROM generate_series(1000, 9000) i ON CONFLICT DO NOTHING;
         UPDATE ins SET n = 0 WHERE id BETWEEN 50 AND 60; DELETE FROM ins WHERE id > 8990",
    );
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || count(n) FROM ins"),
        "8990 3000"
    );
    sound(&database);
    drop((connection, database));
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || count(n) FROM ins"),
        "8990 3000"
    );
    assert_eq!(text(c, "SELECT sum(n)::text FROM src"), "6752250.0");
    sound(&database);
}

#[test]
fn until_the_commit_they_are_rows_like_others() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    let mut other = database.connect().unwrap();
    let c = &mut connection;
    run(c, "SET bulk_load_threshold = 1000");
    run(
        c,
        "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE INDEX ON t (a);
            CREATE TABLE child (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
    );
    let before = text(c, "SELECT helios_current_scn()::text");
    run(
        c,
        "BEGIN; INSERT INTO t SELECT i, i % 10 FROM generate_series(1, 2000) i; SAVEPOINT s;
            INSERT INTO t SELECT i, 99 FROM generate_series(3001, 5000) i",
    );
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || max(id) FROM t WHERE a = 99"),
        "2000 5000"
    );
    run(c, "ROLLBACK TO s; UPDATE t SET a = 50 WHERE id = 7");
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || max(a) FROM t"),
        "2000 50"
    );
    assert_eq!(text(&mut other, "SELECT count(*)::text FROM t"), "0");
    run(c, "COMMIT");
    assert_eq!(counts(c, "t"), "2000 2000");
    assert_eq!(text(&mut other, "SELECT a::text FROM t WHERE id = 7"), "50");
    assert_eq!(
        text(
            c,
            &format!("SELECT count(*)::text FROM t AS OF SCN {before}")
        ),
        "0"
    );
    let segments = |c: &mut Connection| text(c, "SELECT count(*)::text FROM helios_segments()");
    // Nothing is left of what did not commit.
    run(
        c,
        "BEGIN; INSERT INTO t SELECT i FROM generate_series(3001, 5000) i; ROLLBACK",
    );
    run(
        c,
        "BEGIN; INSERT INTO t SELECT i FROM generate_series(3001, 5000) i; INSERT INTO child VALUES (9999)",
    );
    assert_eq!(code(c, "COMMIT"), "23503");
    assert_eq!(counts(c, "t"), "2000 2000");
    assert_eq!(segments(c), "1");
    // Deleted within: too intricate, so they stay rows.
    run(
        c,
        "BEGIN; INSERT INTO t SELECT i FROM generate_series(3001, 5000) i; DELETE FROM t WHERE id IN (5, 4000); COMMIT",
    );
    assert_eq!(counts(c, "t"), "3998 2000");
    // Branches, differences, the past.
    run(
        c,
        "CREATE BRANCH dev; USE BRANCH dev; INSERT INTO t SELECT i, 1 FROM generate_series(10001, 12000) i",
    );
    assert_eq!(text(c, "SELECT count(*)::text FROM t"), "5998");
    assert_eq!(
        text(
            c,
            "SELECT count(*)::text FROM helios_diff('t', 'main', 'dev')"
        ),
        "2000"
    );
    run(c, "UPDATE t SET a = 2 WHERE id = 10001; USE BRANCH main");
    assert_eq!(text(c, "SELECT count(*)::text FROM t"), "3998");
    run(c, "MERGE BRANCH dev INTO main");
    assert_eq!(
        text(
            c,
            "SELECT count(*) || ' ' || max(a) FROM t WHERE id > 10000"
        ),
        "2000 2"
    );
    assert_eq!(
        text(
            c,
            "SELECT count(*)::text FROM t VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE WHERE id = 8"
        ),
        "1"
    );
    // The table goes in the same transaction.
    run(
        c,
        "BEGIN; CREATE TABLE x AS SELECT i FROM generate_series(1, 3000) i; DROP TABLE x; COMMIT; VACUUM",
    );
    run(
        c,
        "BEGIN; CREATE TABLE y AS SELECT i FROM generate_series(1, 3000) i; ALTER TABLE y ADD b int DEFAULT 4; INSERT INTO y VALUES (1, 2); COMMIT",
    );
    assert_eq!(
        text(c, "SELECT count(*) || ' ' || sum(b) FROM y"),
        "3001 12002"
    );
    sound(&database);
}

/// Writes batches until it dies: each has all its rows or none.
#[test]
fn child() {
    let Ok(path) = std::env::var(DIRECTORY) else {
        return;
    };
    let database = open(Path::new(&path));
    let mut connection = database.connect().unwrap();
    let c = &mut connection;
    println!("open");
    let mut batch: i64 = text(c, "SELECT coalesce(max(batch), 0)::text FROM t")
        .parse()
        .unwrap();
    loop {
        batch += 1;
        // The second table has no key: its rows go into segments while the statement runs, and of the first those behind
        // the first thousand, if they come in the order of the key.
        let mut sql = match batch % 3 {
            0 => format!("BEGIN; INSERT INTO t SELECT {batch}, i FROM generate_series(1, {ROWS}) i; ROLLBACK;
                          INSERT INTO t SELECT {batch}, i FROM generate_series(1, {ROWS}) i"),
            1 => format!("INSERT INTO t SELECT {batch}, i FROM generate_series(1, {ROWS}) i; UPDATE t SET n = n WHERE batch = {batch} AND n < 4; VACUUM"),
            _ => format!("INSERT INTO t SELECT {batch}, i FROM generate_series({ROWS}, 1, -1) i; CHECKPOINT"),
        };
        let direct = format!("INSERT INTO u SELECT {batch}, i FROM generate_series(1, {ROWS}) i");
        sql = match batch % 2 {
            0 => format!("{direct}; {sql}"),
            _ => format!("BEGIN; {direct}; ROLLBACK; BEGIN; SELECT 1; {direct}; COMMIT; {sql}"),
        };
        if sql.split(';').any(|sql| c.execute_batch(sql).is_err()) {
            return;
        }
        println!("{batch}");
    }
}

fn open(path: &Path) -> Database {
    let options = Options::new().retention(Duration::from_secs(1));
    options.open(path).unwrap()
}

/// Rows of each batch.
fn batches(c: &mut Connection, table: &str) -> BTreeMap<i64, i64> {
    let sql = format!("SELECT batch, count(*) FROM {table} GROUP BY batch");
    let rows = c.query(&sql, ()).unwrap();
    let rows = rows.map(|row| {
        let row = row.unwrap();
        (row.get::<i64>(0).unwrap(), row.get::<i64>(1).unwrap())
    });
    rows.collect()
}

#[test]
fn no_death_leaves_half_a_load() {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let deaths: u64 = read("HELIOS_CRASHES").unwrap_or(6);
    let mut random = match read("HELIOS_SEED") {
        Some(seed) => Rng::with_seed(seed),
        None => Rng::new(),
    };
    println!(
        "loads: HELIOS_SEED={} HELIOS_CRASHES={deaths}",
        random.seed()
    );
    let points = [
        "cold.loaded",
        "version.logged",
        "version.durable",
        "version.applied",
        "log.write.half",
        "kv.checkpoint.step",
        "cold.written",
        "cold.adopted",
        "cold.swapped",
    ];
    let scratch = Scratch::new();
    let path = scratch.join("db");
    {
        let database = open(&path);
        let mut c = database.connect().unwrap();
        run(&mut c, "SET bulk_load_threshold = 1000");
        run(&mut c, "CREATE TABLE t (batch bigint, n int, PRIMARY KEY (batch, n)) WITH (hybrid_storage_hot_threshold = '0', hybrid_storage_min_rows = 1);
                     CREATE INDEX ON t (n); CREATE TABLE u (batch bigint, n int)");
    }
    let mut told = 0;
    for death in 0..deaths {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "bulk::child", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if death % 2 == 1 {
            let name = points[(death / 2) as usize % points.len()];
            command.env(
                "HELIOS_FAILPOINT",
                format!("{name}:{}:abort", random.u64(1..9)),
            );
        }
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let alive = Duration::from_millis(random.u64(300..1500));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(alive);
            child.kill().unwrap();
            child.wait().unwrap();
        });
        let mut opened = false;
        for line in lines.map_while(Result::ok) {
            opened |= line == "open";
            told = line.parse().unwrap_or(told);
        }
        killer.join().unwrap();
        let database = open(&path);
        sound(&database);
        let mut c = database.connect().unwrap();
        let batches = batches(&mut c, "t");
        assert!(batches.values().all(|rows| *rows == ROWS), "{batches:?}");
        let last = batches.keys().next_back().copied().unwrap_or(0);
        assert!(last == told || last == told + 1, "{last} {told}");
        assert_eq!(batches.len() as i64, last, "a batch is missing");
        assert_eq!(
            text(&mut c, "SELECT count(*)::text FROM t WHERE n = 9"),
            last.to_string()
        );
        let others = self::batches(&mut c, "u");
        assert!(others.values().all(|rows| *rows % ROWS == 0), "{others:?}");
        let all = (1..=last).all(|batch| others.contains_key(&batch));
        assert!(all && others.len() as i64 <= last + 1, "{others:?}");
        told = last;
        // No file that nothing names.
        let segments: i64 = text(&mut c, "SELECT count(*)::text FROM helios_segments()")
            .parse()
            .unwrap();
        let files = std::fs::read_dir(path.join("segments"));
        let files = files.map_or(0, |files| files.count() as i64);
        assert_eq!(files, segments, "after death {death}, opened: {opened}");
    }
    println!("loads: {deaths} deaths, {told} batches");
}
