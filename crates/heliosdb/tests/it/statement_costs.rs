// Guards against statements that are not counted, counted twice, counted though they failed, or shown to
// those who should not see them.

use heliosdb::{Connection, Database};

type Seen = (String, i64, i64);

fn seen(c: &mut Connection, like: &str) -> Vec<Seen> {
    let sql =
        "SELECT query, calls, rows FROM pg_stat_statements WHERE query LIKE $1 ORDER BY query";
    let rows = c.query(sql, (like,)).unwrap();
    rows.map(|row| {
        let row = row.unwrap();
        (
            row.get(0).unwrap(),
            row.get(1).unwrap(),
            row.get(2).unwrap(),
        )
    })
    .collect()
}

fn connected() -> (Database, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    c.execute_batch(
        "CREATE TABLE t (id int PRIMARY KEY, note text);
         INSERT INTO t SELECT i, 'note ' || i FROM generate_series(1, 1000) i",
    )
    .unwrap();
    (database, c)
}

#[test]
fn statements_are_counted_by_what_they_do() {
    let (_database, mut c) = connected();
    assert_eq!(seen(&mut c, "%"), []);
    c.execute_batch("SET pg_stat_statements.track = top")
        .unwrap();
    // Short ways, prepared and as text, and both executors.
    let lookup = c.prepare("SELECT note FROM t WHERE id = $1").unwrap();
    for id in 1..=5 {
        let _: String = c.query_row(&lookup, (id,)).unwrap().get(0).unwrap();
    }
    let update = c.prepare("UPDATE t SET note = 'x' WHERE id = $1").unwrap();
    for id in [1, 2, 2000] {
        c.execute(&update, (id,)).unwrap();
    }
    for n in [10, 20] {
        let rows = c.query(&*format!("SELECT id FROM t WHERE id <= {n}"), ());
        assert_eq!(rows.unwrap().count(), n);
    }
    c.execute_batch(
        "SELECT count(*) FROM t GROUP BY id % 7; SELECT count(*) FROM t GROUP BY id % 3",
    )
    .unwrap();
    assert!(c.execute("SELECT 1 / (id - 1) FROM t", ()).is_err());
    // What is not read to its end does not count.
    drop(c.query("SELECT id, note FROM t", ()).unwrap());
    let wanted: Vec<Seen> = [
        ("SELECT count(*) FROM t GROUP BY id % $1", 2, 10),
        ("SELECT id FROM t WHERE id <= $1", 2, 30),
        ("SELECT note FROM t WHERE id = $1", 5, 5),
        ("UPDATE t SET note = $2 WHERE id = $1", 3, 2),
    ]
    .map(|(query, calls, rows)| (query.to_owned(), calls, rows))
    .into();
    let mut found = seen(&mut c, "%t %");
    found.retain(|(query, ..)| !query.contains("pg_stat") && !query.contains("INSERT"));
    assert_eq!(found, wanted);

    let sane = "SELECT count(*) FROM pg_stat_statements WHERE NOT (0 <= min_exec_time AND
        min_exec_time <= mean_exec_time AND mean_exec_time <= max_exec_time AND
        max_exec_time <= total_exec_time AND stddev_exec_time >= 0)";
    let wrong: i64 = c.query_row(sane, ()).unwrap().get(0).unwrap();
    assert_eq!(wrong, 0);
    c.execute_batch("SELECT pg_stat_statements_reset()")
        .unwrap();
    assert_eq!(seen(&mut c, "%FROM t%"), []);
    c.execute_batch("SET pg_stat_statements.track = none; SELECT 4711")
        .unwrap();
    assert_eq!(seen(&mut c, "SELECT $1"), []);
}

#[test]
fn others_see_that_a_statement_ran_and_not_what_it_says() {
    let (_database, mut c) = connected();
    c.execute_batch(
        "CREATE ROLE alice; SET pg_stat_statements.track = top; SELECT note AS secret FROM t;
         SET ROLE alice; SELECT 1 AS open",
    )
    .unwrap();
    let hidden = "SELECT count(*) FROM pg_stat_statements
        WHERE query = '<insufficient privilege>' AND queryid IS NULL AND calls > 0";
    let count: i64 = c.query_row(hidden, ()).unwrap().get(0).unwrap();
    assert!(count > 0);
    assert_eq!(seen(&mut c, "%AS secret%"), []);
    assert_eq!(seen(&mut c, "SELECT $1 AS open").len(), 1);
    let refused = c
        .execute("SELECT pg_stat_statements_reset()", ())
        .unwrap_err();
    assert_eq!(refused.sqlstate().to_string(), "42501");
    c.execute_batch("RESET ROLE").unwrap();
    assert_eq!(seen(&mut c, "%AS secret%").len(), 1);
}
