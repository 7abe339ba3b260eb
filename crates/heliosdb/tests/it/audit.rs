//! The audit log: what is asked for is in it, whatever became of the transaction, and who changes it is found out.

use std::fs;
use std::path::{Path, PathBuf};

use helios_testkit::Scratch;
use heliosdb::{Connection, Database};

fn run(c: &mut Connection, sql: &str) {
    c.execute_batch(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// What the log has, as `class outcome statement`.
fn lines(c: &mut Connection) -> Vec<String> {
    let sql =
        "SELECT class || ' ' || outcome || ' ' || statement FROM helios_audit_log() ORDER BY line";
    let rows = c.query(sql, ()).unwrap();
    rows.map(|row| row.unwrap().get(0).unwrap()).collect()
}

fn number(c: &mut Connection, sql: &str) -> i64 {
    c.query_row(sql, ()).unwrap().get(0).unwrap()
}

fn files(database: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(database.join("audit")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn what_is_asked_for_is_written_and_nothing_else() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(&mut c, "CREATE TABLE t (id int PRIMARY KEY)");
    assert_eq!(lines(&mut c), Vec::<String>::new());
    run(&mut c, "SET audit = 'ddl, write'");
    run(&mut c, "SELECT * FROM t");
    run(&mut c, "BEGIN");
    run(&mut c, "INSERT INTO t VALUES (1), (2)");
    run(&mut c, "ROLLBACK");
    assert!(c.execute("INSERT INTO t VALUES (3), (3)", ()).is_err());
    assert!(c.execute("INSERT INTO nowhere VALUES (3)", ()).is_err());
    c.execute("INSERT INTO t VALUES ($1)", (4,)).unwrap();
    let by_key = c.prepare("DELETE FROM t WHERE id = $1").unwrap();
    for id in [4, 5] {
        c.execute(&by_key, (id,)).unwrap();
    }
    run(
        &mut c,
        "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
    );
    run(&mut c, "PREPARE p AS INSERT INTO t VALUES (7)");
    run(&mut c, "EXECUTE p");
    run(&mut c, "CREATE ROLE alice PASSWORD 'secret'");
    // Also outside of the classes: who changes what is written.
    run(&mut c, "ALTER ROLE alice SET audit = 'read'");
    run(&mut c, "SET audit = 'none'");
    run(&mut c, "DROP TABLE t");
    let expected = [
        "role ok SET audit = 'ddl, write'",
        "write ok INSERT INTO t VALUES (1), (2)",
        "write 23505 INSERT INTO t VALUES (3), (3)",
        "write 42P01 INSERT INTO nowhere VALUES (3)",
        "write ok INSERT INTO t VALUES ($1)",
        "write ok DELETE FROM t WHERE id = $1",
        "write ok DELETE FROM t WHERE id = $1",
        "write ok WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
        "write ok EXECUTE p",
        "role ok ALTER ROLE alice SET audit = 'read'",
        "role ok SET audit = 'none'",
    ];
    assert_eq!(lines(&mut c), expected);
    assert_eq!(
        number(
            &mut c,
            "SELECT count(*) FROM helios_audit_log() WHERE NOT intact"
        ),
        0
    );
    let about = "SELECT count(*) FROM helios_audit_log() WHERE line = 2 AND user_name = 'helios' \
                 AND branch_name = 'main' AND rows = 2 AND transaction IS NOT NULL \
                 AND logged_at > now() - interval '1 hour'";
    assert_eq!(number(&mut c, about), 1);
    assert_eq!(
        number(&mut c, "SELECT min(line) FROM helios_audit_log('5')"),
        5
    );
}

#[test]
fn passwords_are_not_written() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(&mut c, "SET audit = 'role'");
    run(&mut c, "CREATE ROLE alice LOGIN PASSWORD 'secret'");
    assert_eq!(
        lines(&mut c).last().unwrap(),
        "role ok CREATE ROLE alice LOGIN PASSWORD '********'"
    );
}

#[test]
fn commits_that_fail_are_written() {
    let database = Database::open_in_memory().unwrap();
    let (mut one, mut two) = (database.connect().unwrap(), database.connect().unwrap());
    run(
        &mut one,
        "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)",
    );
    run(&mut one, "SET audit = 'write'");
    for c in [&mut one, &mut two] {
        run(c, "BEGIN ISOLATION LEVEL SERIALIZABLE");
        run(c, "SELECT sum(n) FROM t");
    }
    run(&mut one, "UPDATE t SET n = 1 WHERE id = 1");
    run(&mut two, "UPDATE t SET n = 1 WHERE id = 2");
    run(&mut one, "COMMIT");
    assert!(two.execute("COMMIT", ()).is_err());
    assert_eq!(lines(&mut one).last().unwrap(), "transaction 40001 COMMIT");
}

#[test]
fn the_log_goes_on_and_shows_what_was_done_to_it() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    for round in 0..3 {
        let database = Database::open(&path).unwrap();
        let mut c = database.connect().unwrap();
        if round == 0 {
            run(&mut c, "SET audit = 'ddl'");
        }
        run(&mut c, &format!("CREATE TABLE t{round} (id int)"));
        run(&mut c, &format!("DROP TABLE t{round}"));
    }
    let file = files(&path).remove(0);
    let good = fs::read_to_string(&file).unwrap();
    assert_eq!(good.lines().count(), 7);
    let broken = || -> Vec<i64> {
        let database = Database::open(&path).unwrap();
        let mut c = database.connect().unwrap();
        let sql = "SELECT coalesce(line, 0) FROM helios_audit_log() WHERE NOT intact";
        let rows = c.query(sql, ()).unwrap();
        rows.map(|row| row.unwrap().get(0).unwrap()).collect()
    };
    assert_eq!(broken(), Vec::<i64>::new());
    // A word is changed, a line is taken out, two change places.
    fs::write(&file, good.replace("DROP TABLE t1", "DROP TABLE t7")).unwrap();
    assert_eq!(broken(), [5]);
    let all: Vec<&str> = good.lines().collect();
    let without = [&all[..2], &all[3..]].concat();
    fs::write(&file, without.join("\n") + "\n").unwrap();
    assert_eq!(broken(), [4]);
    let mut swapped = all.clone();
    swapped.swap(3, 4);
    fs::write(&file, swapped.join("\n") + "\n").unwrap();
    assert_eq!(broken(), [5, 4, 6]);
    // A line that a crash cut off stays, and the chain goes on after the last whole one.
    fs::write(&file, &good[..good.len() - 9]).unwrap();
    let database = Database::open(&path).unwrap();
    run(
        &mut database.connect().unwrap(),
        "CREATE TABLE after (id int)",
    );
    drop(database);
    assert_eq!(files(&path).len(), 2);
    assert_eq!(broken(), [0]);
}

#[test]
fn a_query_that_fails_while_it_is_read_has_a_second_line() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(&mut c, "SET audit = 'read'");
    let sql = "SELECT 1 / (3 - n) FROM generate_series(1, 5) n";
    for _ in 0..2 {
        let mut rows = c.query(sql, ()).unwrap();
        assert!(rows.any(|row| row.is_err()));
    }
    let prepared = c
        .prepare("SELECT 6 / n FROM generate_series($1, 1) n")
        .unwrap();
    for from in [0, 1] {
        c.query(&prepared, (from,)).unwrap().for_each(drop);
    }
    // Who stops reading has had what was asked for.
    drop(c.query(sql, ()).unwrap());
    run(&mut c, "SET result_rows_limit = 2");
    let mut rows = c
        .query("SELECT n FROM generate_series(1, 5) n", ())
        .unwrap();
    assert!(rows.any(|row| row.is_err()));
    drop(rows);
    run(
        &mut c,
        "SET result_rows_limit = DEFAULT; SET audit = 'none'",
    );
    let expected = [
        "role ok SET audit = 'read'",
        "read ok SELECT 1 / (3 - n) FROM generate_series(1, 5) n",
        "read 22012 SELECT 1 / (3 - n) FROM generate_series(1, 5) n",
        "read ok SELECT 1 / (3 - n) FROM generate_series(1, 5) n",
        "read 22012 SELECT 1 / (3 - n) FROM generate_series(1, 5) n",
        "read ok SELECT 6 / n FROM generate_series($1, 1) n",
        "read 22012 SELECT 6 / n FROM generate_series($1, 1) n",
        "read ok SELECT 6 / n FROM generate_series($1, 1) n",
        "read ok SELECT 1 / (3 - n) FROM generate_series(1, 5) n",
        "read ok SELECT n FROM generate_series(1, 5) n",
        "read 54000 SELECT n FROM generate_series(1, 5) n",
        "role ok SET audit = 'none'",
    ];
    assert_eq!(lines(&mut c), expected);
}
