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
