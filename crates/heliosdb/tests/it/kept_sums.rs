//! Guards against sums of decimals by few strings that the vector executor, which adds up what segments keep in 64 bits, makes otherwise
//! than the row executor: of random terms, at the ends of 18 digits, with NULL and NaN, of changed rows, in few groups and many.

use helios_testkit::Rng;
use heliosdb::{Connection, Database};

use crate::numbers::{agree, run};

/// Two segments of which some rows were changed, and rows beside them.
fn decimals() -> (Database, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    run(
        &mut connection,
        "SET query_cache_size = 0;
         CREATE TABLE t (k integer PRIMARY KEY, a numeric(15,2) NOT NULL, b numeric(18,4) NOT NULL, c numeric(5,2) NOT NULL,
             great numeric(18,0), wide numeric(30,6), odd numeric(10,2), i integer, n bigint,
             f char(1) NOT NULL, g text NOT NULL, h text, many text)",
    );
    let mut rows = |from: i32, to: i32| {
        run(
            &mut connection,
            &format!(
                "INSERT INTO t SELECT k, k * 7919 % 1000003 / 100.0 - 700, k * 104729 % 1000003 / 7.0, k % 1000 / 10.0 - 50,
                     CASE WHEN k % 4 = 0 THEN 999999999999999999 WHEN k % 4 = 1 THEN -999999999999999999 ELSE k END,
                     k * 123456789012.345678, CASE WHEN k % 1500 = 7 THEN 'NaN' ELSE k / 8.0 END,
                     CASE WHEN k % 9 > 0 THEN k - 2147483647 + {to} END, 9223372036854775807 - k,
                     CASE k % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'N' ELSE 'R' END,
                     'a text of more than twelve bytes ' || (k / 64) % 4 + {from} % 2,
                     CASE WHEN k % 7 > 0 THEN 'h' || k % 7 END, 'm' || k % 90
                     FROM generate_series({from}, {to}) k;
                 SELECT * FROM helios_freeze('t')"
            ),
        );
    };
    rows(1, 3500);
    rows(3501, 6000);
    run(
        &mut connection,
        "UPDATE t SET a = a + 1, g = 'new' WHERE k % 200 = 3; DELETE FROM t WHERE k BETWEEN 2000 AND 2100 OR k % 50 = 7;
         INSERT INTO t SELECT k, 5, 6, 7, 8, 9, 10, 11, 12, 'A', 'new', NULL, 'm5' FROM generate_series(6001, 6050) k",
    );
    (database, connection)
}

/// A term of some depth over columns of decimals.
fn term(rng: &mut Rng, depth: usize) -> String {
    if depth == 0 || rng.u8(0..5) == 0 {
        let leaf = [
            "a",
            "b",
            "c",
            "a",
            "c",
            "great",
            "odd",
            "1",
            "1.00",
            "0.5",
            "12345.678",
            "-3",
            "wide",
        ];
        let rare = rng.u8(0..4) == 0;
        return leaf[rng.usize(0..if rare { leaf.len() } else { 5 })].to_owned();
    }
    let (left, right) = (term(rng, depth - 1), term(rng, depth - 1));
    match rng.u8(0..7) {
        0 | 1 => format!("({left} + {right})"),
        2 | 3 => format!("({left} - {right})"),
        4 => format!("(- {left})"),
        _ => format!("({left} * {right})"),
    }
}

#[test]
fn executors_add_up_terms_alike() {
    let (_database, mut connection) = decimals();
    let c = &mut connection;
    let mut rng = Rng::with_seed(17);
    let conditions = [
        "true",
        "true",
        "a > 0",
        "c >= 40",
        "b <= 100000 AND a < 9000",
        "k % 2 = 0",
        "k < 0",
        "k = 77",
        "k BETWEEN 1990 AND 2110",
        "f = 'A'",
    ];
    let groups = [
        "f", "f, g", "g", "f, g, h", "h", "many", "g, many", "f, many",
    ];
    for _ in 0..150 {
        let calls: Vec<String> = (0..rng.usize(1..10))
            .map(|_| match rng.u8(0..9) {
                0 => "count(*)".to_owned(),
                1 => format!("count({})", ["a", "h", "odd", "many", "i"][rng.usize(0..5)]),
                2 => format!("sum({})", ["i", "n", "k"][rng.usize(0..3)]),
                3 => format!("avg({})", ["i", "n", "k", "great"][rng.usize(0..4)]),
                4 => format!("avg({})", term(&mut rng, 1)),
                5 if rng.bool() => "min(c)".to_owned(),
                _ => {
                    let depth = rng.usize(0..4);
                    format!("sum({})", term(&mut rng, depth))
                }
            })
            .collect();
        let (calls, condition) = (calls.join(", "), *rng.pick(&conditions));
        let group = *rng.pick(&groups);
        let sql = format!(
            "SELECT row({group}, {calls})::text FROM t WHERE {condition} GROUP BY {group} ORDER BY {group}"
        );
        agree(c, &sql).unwrap();
    }
}

/// That the plan adds up what is kept, and what it does not so.
#[test]
fn plans_say_whether_rows_are_added_up_as_they_are_kept() {
    let (_database, mut connection) = decimals();
    let c = &mut connection;
    run(c, "SET executor = vector");
    for (sql, kept) in [
        (
            "SELECT f, g, sum(a * (1 - c)), avg(b), count(*) FROM t WHERE a > 5 GROUP BY f, g",
            true,
        ),
        (
            "SELECT f, sum(a * (1 - c) * (1 + c)), sum(a * (1 - c)) FROM t GROUP BY f",
            true,
        ),
        (
            "SELECT f, sum(a) FILTER (WHERE c > 5) FROM t GROUP BY f",
            false,
        ),
        ("SELECT f, sum(i + 1) FROM t GROUP BY f", false),
        ("SELECT f, min(a) FROM t GROUP BY f", false),
        ("SELECT k % 3, sum(a) FROM t GROUP BY k % 3", false),
    ] {
        let rows = c.query(&format!("EXPLAIN {sql}"), ()).unwrap();
        let lines = rows.map(|row| row.unwrap().get::<String>(0).unwrap());
        let plan = lines.collect::<Vec<_>>().join("\n");
        // With one thread there is no partial aggregation.
        if plan.contains("mode=Partial") {
            assert_eq!(plan.contains("rows as they are kept"), kept, "{plan}");
        }
    }
}

/// Rows of several lines each, in two parts of a scan: in segments, changed here and there, and beside them.
fn lines() -> (Database, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    run(
        &mut connection,
        "SET query_cache_size = 0;
         CREATE TABLE o (k integer, l integer, q numeric(15,2) NOT NULL, p numeric(18,3) NOT NULL, n integer, t text, PRIMARY KEY (k, l));
         INSERT INTO o SELECT l * 3 / 13 - l % 9 / 8 * 2, l, l * 7919 % 10007 / 100.0 - 20, l::bigint * 104729 % 1000003 / 7.0,
             CASE WHEN l % 40000 > 9 THEN l END, 'text ' || l % 7 FROM generate_series(1, 70000) l;
         SELECT * FROM helios_freeze('o');
         UPDATE o SET q = q + 1 WHERE l % 997 = 3; DELETE FROM o WHERE k BETWEEN 7000 AND 7100;
         INSERT INTO o SELECT k * 50, 100000 + k, 1, 2, 3, 'new' FROM generate_series(1, 400) k;
         ANALYZE o",
    );
    (database, connection)
}

#[test]
fn executors_finish_whole_groups_alike() {
    let (_database, mut connection) = lines();
    let c = &mut connection;
    let plan_of = |c: &mut Connection, sql: &str| {
        let rows = c.query(&format!("EXPLAIN {sql}"), ()).unwrap();
        let lines = rows.map(|row| row.unwrap().get::<String>(0).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    };
    let calls = [
        "sum(q) AS a, count(*) AS b, avg(q) AS c",
        "sum(q * (1 - p)) AS a, count(t) AS b, sum(q + p) AS c",
        "sum(n) AS a, count(n) AS b, sum(q) AS c",
        "sum(q * p * q) AS a, count(*) AS b, sum(l) AS c",
        "max(q) AS a, count(*) AS b, min(t) AS c",
    ];
    let conditions = ["true", "q > 5", "k > 8000 AND n IS NOT NULL", "k < -5"];
    let asked = |call: &str, condition: &str| {
        let groups = format!("SELECT k, {call} FROM o WHERE {condition} GROUP BY k");
        [
            format!("SELECT row(k, a, b, c)::text FROM ({groups}) x ORDER BY b, k"),
            format!(
                "SELECT row(k, a, b, c)::text FROM ({groups} HAVING count(*) > 3) x ORDER BY a DESC, k LIMIT 30"
            ),
            format!(
                "SELECT row(x.k, a, b, c)::text FROM ({groups}) x JOIN (SELECT k, count(*) FROM o GROUP BY k) y ON x.k = y.k ORDER BY x.k LIMIT 5 OFFSET 3000"
            ),
        ]
    };
    for (number, call) in calls.iter().enumerate() {
        for condition in conditions {
            for (shape, sql) in asked(call, condition).iter().enumerate() {
                if number > 1 && shape == 2 {
                    continue;
                }
                agree(c, sql).unwrap();
                let plan = plan_of(c, sql);
                if shape == 0 && number < 4 && condition == "true" && plan.contains("parts=2") {
                    assert!(plan.contains("whole groups"), "{plan}");
                }
            }
        }
    }
    // Many rows beside their segments.
    run(c, "UPDATE o SET q = q * 2 WHERE l % 10 = 1");
    for sql in &asked(calls[0], "true") {
        agree(c, sql).unwrap();
    }
}
