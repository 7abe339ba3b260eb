//! Guards against sums and counts of whole numbers that the vector executor, which has its own of them, makes otherwise than the row
//! executor: at the ends of their ranges, with NULL, without rows, with few groups and many, in segments and beside them.

use heliosdb::{Connection, Database};

/// Runs statements, each on its own.
pub(crate) fn run(connection: &mut Connection, script: &str) {
    for sql in script.split(';').filter(|sql| !sql.trim().is_empty()) {
        let done = connection.execute_batch(sql);
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// All rows as text, or the SQLSTATE and message of the error.
fn answer(connection: &mut Connection, sql: &str) -> Result<Vec<String>, String> {
    let failed = |error: heliosdb::Error| format!("{}: {}", error.sqlstate(), error);
    let rows = connection.query(sql, ()).map_err(failed)?;
    let mut texts = Vec::new();
    for row in rows {
        let row = row.map_err(failed)?;
        let text = row.get::<Option<String>>(0).map_err(failed)?;
        texts.push(text.unwrap_or_else(|| "∅".to_owned()));
    }
    Ok(texts)
}

/// Asks both executors, and says that the vector executor did answer by itself.
#[track_caller]
pub(crate) fn agree(connection: &mut Connection, sql: &str) -> Result<Vec<String>, String> {
    run(connection, "SET executor = row");
    let wanted = answer(connection, sql);
    run(connection, "SET executor = vector");
    let found = answer(connection, sql);
    assert_eq!(found, wanted, "{sql}");
    found
}

fn numbers() -> (Database, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    run(
        &mut connection,
        "SET query_cache_size = 0;
         CREATE TABLE t (k integer PRIMARY KEY, g integer, h integer NOT NULL, a smallint, b integer, c bigint, d date, s text);
         INSERT INTO t SELECT n, CASE WHEN n % 11 > 0 THEN n % 11 END, n % 2503,
             CASE WHEN n % 5 > 0 THEN 32767 - n % 3 END,
             CASE WHEN n % 7 > 0 THEN -2147483648 + n % 1000 END,
             CASE WHEN n % 3 > 0 THEN 9223372036854775807 - n % 4000 ELSE -9223372036854775808 + n END,
             '2000-01-01'::date + n % 400, 'text ' || n % 300
             FROM generate_series(1, 20000) n;
         SELECT * FROM helios_freeze('t');
         UPDATE t SET c = NULL, b = 5 WHERE k % 100 = 3; DELETE FROM t WHERE k % 50 = 7;
         INSERT INTO t SELECT n, 3, n, 1, 2, 3, '2024-02-29', 'new' FROM generate_series(20001, 20500) n",
    );
    (database, connection)
}

#[test]
fn executors_add_up_alike() {
    let (_database, mut connection) = numbers();
    let c = &mut connection;
    for condition in [
        "true",
        "k < 0",
        "k = 4",
        "b IS NULL",
        "k > 19000",
        "s = 'text 7'",
    ] {
        for sums in [
            "sum(a), sum(b), sum(c), avg(a), avg(b), avg(c), count(*), count(c)",
            "sum(a) FILTER (WHERE k % 2 = 0), avg(c) FILTER (WHERE g = 3), sum(b) FILTER (WHERE false)",
            "sum(a + 1::integer), sum(a - 5), sum(b + 1), sum(7 + b), avg(b + 2), sum(h - 3), avg(h + 1)",
            "count(DISTINCT a), count(DISTINCT b), count(DISTINCT c), count(DISTINCT d), count(DISTINCT h)",
            "count(DISTINCT b), count(DISTINCT s), sum(a), max(c)",
            "count(DISTINCT h) FILTER (WHERE a IS NULL), count(DISTINCT c), sum(DISTINCT a)",
        ] {
            let all = format!("SELECT row({sums})::text FROM t WHERE {condition}");
            agree(c, &all).unwrap();
            for group in [
                "g",
                "h",
                "d",
                "g, a",
                "s",
                "k",
                "1 + 1",
                "s, g, d - d",
                "CASE k % 3 WHEN 0 THEN s WHEN 1 THEN 'a longer text than that ' || k % 5 END",
                "'key ' || h % 1030, a",
            ] {
                let sql = format!(
                    "SELECT row({group}, {sums})::text FROM t WHERE {condition} GROUP BY {group} ORDER BY {group}"
                );
                agree(c, &sql).unwrap();
            }
        }
    }
    // Averages and sums of what a sort with a limit leaves.
    for sql in [
        "SELECT row(h, avg(b), sum(b + 1), count(*))::text FROM t GROUP BY h ORDER BY count(*) DESC, h LIMIT 7",
        "SELECT avg(c)::text FROM t GROUP BY h ORDER BY count(*) DESC, h LIMIT 7",
        "SELECT avg(c)::text FROM t GROUP BY h ORDER BY avg(c) DESC NULLS LAST, h LIMIT 7",
        "SELECT avg(x)::text FROM (SELECT avg(b) AS x, g FROM t GROUP BY g ORDER BY g LIMIT 5) q",
    ] {
        agree(c, sql).unwrap();
    }
}

#[test]
fn terms_out_of_range_fail_whoever_adds_them_up() {
    let (_database, mut connection) = numbers();
    let c = &mut connection;
    for (sql, fails) in [
        ("SELECT sum(a + 1::smallint)::text FROM t", true),
        ("SELECT sum(a + 1)::text FROM t", false),
        ("SELECT sum(b - 1)::text FROM t", true),
        ("SELECT sum(b - 1)::text FROM t WHERE b > 0", false),
        ("SELECT avg(b - 1)::text FROM t", true),
        ("SELECT sum(b + 2147483647)::text FROM t WHERE b < 0", false),
        (
            "SELECT row(sum(b + 1), sum(b - 2147483647))::text FROM t",
            true,
        ),
        ("SELECT sum(c + 1)::text FROM t", true),
        ("SELECT sum(c - 4000)::text FROM t", true),
        ("SELECT sum(c - 4000)::text FROM t WHERE c > 0", false),
        (
            "SELECT sum(b - (-2147483648))::text FROM t WHERE k < 0",
            false,
        ),
        // Groups that a condition leaves out have been added up before.
        (
            "SELECT sum(b - 1)::text FROM t GROUP BY g HAVING count(*) > 100000",
            true,
        ),
        ("SELECT sum(b - 1)::text FROM t HAVING count(*) < 0", true),
        (
            "SELECT sum(b - 1)::text FROM t GROUP BY h ORDER BY count(*), h LIMIT 1",
            true,
        ),
        ("SELECT sum(h + 2147483647 - 30000)::text FROM t", true),
    ] {
        let answer = agree(c, sql);
        assert_eq!(answer.is_err(), fails, "{sql}: {answer:?}");
        if let Err(error) = answer {
            assert!(error.starts_with("22003"), "{sql}: {error}");
        }
    }
}

#[test]
fn columns_that_are_read_late_are_those_of_their_rows() {
    let (_database, mut connection) = numbers();
    let c = &mut connection;
    for (condition, order) in [
        ("true", "b DESC NULLS LAST, k"),
        ("s LIKE '%9%'", "c, k"),
        ("s <> 'text 7' AND g > 3", "h DESC, k"),
        ("s = 'new'", "k DESC"),
        ("k % 100 IN (2, 3, 4)", "b NULLS FIRST, k"),
        ("s LIKE '%nothing%'", "c, k"),
        ("d > '2000-06-01' OR a IS NULL", "d, s, k"),
    ] {
        for limit in ["LIMIT 1", "LIMIT 10", "LIMIT 300 OFFSET 30", "LIMIT 0"] {
            for columns in ["q", "row(s, c)", "row(a, d, s)"] {
                let sql = format!(
                    "SELECT {columns}::text FROM (SELECT * FROM t WHERE {condition} ORDER BY {order} {limit}) q"
                );
                agree(c, &sql).unwrap();
            }
        }
    }
    let plan = "EXPLAIN SELECT * FROM t WHERE k % 7 > 2 ORDER BY c, k LIMIT 5";
    let plan = answer(c, plan).unwrap().join("\n");
    assert!(
        plan.contains("LateRead: columns=[g, h, a, b, d, s]"),
        "{plan}"
    );
}
