//! Guards against groups that the vector executor, which tells them apart by views and leaves out what follows from other
//! groups, makes otherwise than the row executor.

use heliosdb::{Connection, Database};

use crate::numbers::{agree, run};

/// Texts short and long, of few and of many different ones, in segments and beside them.
fn texts() -> (Database, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    run(
        &mut connection,
        "SET query_cache_size = 0;
         CREATE TABLE t (k integer PRIMARY KEY, few text, many text, own text, n bigint, i integer, at timestamp);
         INSERT INTO t SELECT k, CASE WHEN k % 13 > 0 THEN 'a section of the archive ' || k % 13 END,
             CASE k % 4 WHEN 0 THEN 'm' || k * 7919 % 6007 WHEN 1 THEN '' ELSE 'https://example.org/a/longer/path/' || k * 7919 % 6007 END,
             'text number ' || k, CASE WHEN k % 7 > 0 THEN k % 900 END, k % 100 - 2147483600,
             CASE k % 1000 WHEN 1 THEN timestamp 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN NULL
                 ELSE timestamp '1969-12-31 21:58:59.999999' + k * interval '17 seconds' END
             FROM generate_series(1, 30000) k;
         SELECT * FROM helios_freeze('t');
         UPDATE t SET few = 'a new section, which is long, too', n = NULL WHERE k % 100 = 3;
         DELETE FROM t WHERE k % 50 = 7;
         INSERT INTO t SELECT k, 'a section of the archive 5', 'm' || k % 10, 'own', 3, 1, '2024-02-29 23:59:59.999999'
             FROM generate_series(30001, 30500) k",
    );
    (database, connection)
}

#[test]
fn executors_group_texts_alike() {
    let (_database, mut connection) = texts();
    let c = &mut connection;
    for condition in ["true", "k < 0", "k % 3 = 0 AND few IS NOT NULL"] {
        for group in [
            "few",
            "many",
            "own",
            "few, many",
            "many, n",
            "few, many, i",
            "lower(many), few",
        ] {
            let sql = format!(
                "SELECT row({group}, count(*), sum(n), min(k), max(few), count(n) FILTER (WHERE i % 2 = 0))::text \
                 FROM t WHERE {condition} GROUP BY {group} ORDER BY {group}"
            );
            agree(c, &sql).unwrap();
        }
        for distinct in ["many", "few", "own", "many || few"] {
            let sql = format!("SELECT count(DISTINCT {distinct})::text FROM t WHERE {condition}");
            agree(c, &sql).unwrap();
            let sql = format!("SELECT DISTINCT {distinct} FROM t WHERE {condition} ORDER BY 1");
            agree(c, &sql).unwrap();
        }
    }
    // Memory that groups do not fit into.
    run(c, "SET work_mem = '64kB'");
    agree(
        c,
        "SELECT row(own, count(*))::text FROM t GROUP BY own ORDER BY own",
    )
    .unwrap();
    agree(
        c,
        "SELECT row(many, count(*))::text FROM t GROUP BY many ORDER BY many",
    )
    .unwrap();
}

#[test]
fn groups_that_follow_from_others_are_those() {
    let (_database, mut connection) = texts();
    let c = &mut connection;
    for group in [
        "n, n - 1, n * 2",
        "n, n + i, i",
        "n - 1, n",
        "i, i / 7, n",
        "n, abs(n), n IS NULL",
        "n - 1, n + 1",
    ] {
        let sql =
            format!("SELECT row({group}, count(*))::text FROM t GROUP BY {group} ORDER BY {group}");
        agree(c, &sql).unwrap();
        let sets = format!(
            "SELECT row({group}, count(*))::text FROM t GROUP BY ROLLUP ({group}) ORDER BY 1"
        );
        agree(c, &sets).unwrap();
        let none = format!("SELECT row({group})::text FROM t WHERE k < 0 GROUP BY {group}");
        assert_eq!(agree(c, &none).unwrap(), [] as [&str; 0]);
    }
    for constant in ["1", "'x'::text", "NULL::integer"] {
        for (others, more) in [(", n", ", n"), (", n, n + 1 AS m", ", n, m"), ("", "")] {
            for condition in ["true", "k < 0"] {
                let sql = format!(
                    "SELECT q::text FROM (SELECT {constant} AS one{others}, count(*) FROM t WHERE {condition} GROUP BY one{more}) q ORDER BY 1"
                );
                agree(c, &sql).unwrap();
            }
        }
    }
    // What fails in a group fails, whatever is left of the groups.
    for sql in [
        "SELECT row(i, i - 1000)::text FROM t GROUP BY i, i - 1000 HAVING count(*) < 0",
        "SELECT row(n, 1 / (n - 5))::text FROM t GROUP BY n, 1 / (n - 5) ORDER BY count(*), n LIMIT 1",
    ] {
        assert!(agree(c, sql).is_err(), "{sql}");
    }
}

#[test]
fn executors_read_the_clock_alike() {
    let (_database, mut connection) = texts();
    let c = &mut connection;
    for field in [
        "extract(minute FROM at)",
        "extract(hour FROM at)",
        "date_part('minute', at)",
        "date_part('hour', at)",
    ] {
        for ty in ["smallint", "integer", "bigint"] {
            let sql = format!("SELECT ({field}::{ty})::text FROM t ORDER BY k");
            agree(c, &sql).unwrap();
        }
    }
    for sql in [
        "SELECT row(extract(minute FROM at)::integer, count(*))::text FROM t GROUP BY extract(minute FROM at)::integer ORDER BY 1",
        "SELECT extract(second FROM at)::integer::text FROM t ORDER BY k",
        "SELECT extract(minute FROM timestamp '2024-01-01 12:34:56')::integer::text FROM t WHERE k < 10",
    ] {
        agree(c, sql).unwrap();
    }
}

#[test]
fn executors_add_up_cases_alike() {
    let (_database, mut connection) = texts();
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE d (k integer PRIMARY KEY, g integer, p numeric(12,2), q numeric(15,4), s text);
         INSERT INTO d SELECT k, k % 5, CASE WHEN k % 9 > 0 THEN k * 1.25 END,
             CASE k % 1000 WHEN 5 THEN 'NaN' ELSE k * 0.0625 END,
             CASE WHEN k % 4 > 0 THEN 'x' || k % 3 END FROM generate_series(1, 5000) k;
         SELECT * FROM helios_freeze('d')",
    );
    for rest in [
        "0",
        "1",
        "-2.5",
        "0.00",
        "1e3",
        "NULL",
        "0.12345678901234567890",
        "'NaN'",
    ] {
        for case in [
            format!("CASE WHEN s = 'x1' THEN p ELSE {rest} END"),
            format!("CASE WHEN s LIKE 'x%' THEN p * (1 - q) ELSE {rest} END"),
            format!("CASE WHEN s IS NULL THEN p * q * p ELSE {rest} END"),
            format!("CASE WHEN false THEN p ELSE {rest} END"),
            format!("CASE WHEN p / (k - 5) > 1 THEN p ELSE {rest} END"),
            format!("CASE WHEN k <> 5 THEN p / (k - 5) ELSE {rest} END"),
        ] {
            for condition in ["true", "k < 9"] {
                let sums = format!(
                    "sum({case}), avg({case}), sum({case}) FILTER (WHERE g > 2), sum(DISTINCT {case})"
                );
                for sql in [
                    format!("SELECT row({sums})::text FROM d WHERE {condition}"),
                    format!(
                        "SELECT row(g, {sums})::text FROM d WHERE {condition} GROUP BY g ORDER BY g"
                    ),
                ] {
                    let _ = agree(c, &sql);
                }
            }
        }
    }
    // Aggregates over the same rows are told apart, and decimals over whole arrays, with NULL and NaN.
    for sql in [
        "SELECT row(sum(p / 3), sum(DISTINCT p / 3), avg(DISTINCT p / 3))::text FROM d WHERE k % 50 < 9",
        "SELECT row(string_agg(s, ',' ORDER BY k), string_agg(s, ',' ORDER BY k DESC), string_agg(DISTINCT s, ','))::text FROM d WHERE k < 50",
        "SELECT row(percentile_disc(0.3) WITHIN GROUP (ORDER BY k), percentile_disc(0.3) WITHIN GROUP (ORDER BY k DESC))::text FROM d",
        "SELECT row(sum(CASE WHEN s = 'x1' THEN p ELSE 0 END), sum(CASE WHEN s = 'x1' THEN p ELSE 1 END), sum(CASE WHEN s = 'x1' THEN p ELSE 3 END))::text FROM d",
        "SELECT row(p + q, p - q, p * q, 1 - q, q * 2.5, -q, p + NULL)::text FROM d ORDER BY k",
        "SELECT row(sum(p * q), sum(q), sum(p * (1 - q) * (1 + q)), avg(q * q))::text FROM d WHERE q <> 'NaN'",
        "SELECT row(g, sum(p * (1 - q) * (1 + q)), sum(p * q))::text FROM d GROUP BY g ORDER BY g",
    ] {
        agree(c, sql).unwrap();
    }
}

/// Years and months of dates, which are computed once for all dates that have them, and groups of numbers of any length.
#[test]
fn executors_read_the_calendar_alike() {
    let (_database, mut connection) = texts();
    let c = &mut connection;
    run(
        c,
        "CREATE TABLE days (k integer PRIMARY KEY, d date, x numeric);
         INSERT INTO days SELECT k, CASE k % 500 WHEN 1 THEN date 'infinity' WHEN 2 THEN '-infinity' WHEN 3 THEN NULL
                 WHEN 4 THEN '4713-01-01 BC' WHEN 5 THEN '5874897-12-31' WHEN 6 THEN '0001-12-31 BC' WHEN 7 THEN '0001-01-01'
                 ELSE date '1992-01-01' + k * 7919 % 2500 END,
             CASE k % 6 WHEN 0 THEN 1.0 WHEN 1 THEN 1.00 WHEN 2 THEN 'NaN' WHEN 3 THEN 123456789012345678901234567890.5 ELSE k % 40 END
             FROM generate_series(1, 6000) k;
         SELECT * FROM helios_freeze('days')",
    );
    for field in ["year", "month", "day", "decade", "epoch", "isoyear"] {
        let part = format!("extract({field} FROM d)");
        for sql in [
            format!("SELECT row(k, {part})::text FROM days ORDER BY k"),
            format!(
                "SELECT row({part}, count(*), sum(k))::text FROM days GROUP BY {part} ORDER BY {part}"
            ),
            format!(
                "SELECT row(q.*)::text FROM (SELECT x, y, count(*), sum(k) FROM (SELECT x, k, {part} AS y FROM days) p GROUP BY x, y) q ORDER BY x, y"
            ),
        ] {
            // Years from which no timestamp is.
            let sql = match field {
                "epoch" => sql.replace(
                    "FROM days",
                    "FROM (SELECT * FROM days WHERE isfinite(d)) days",
                ),
                _ => sql,
            };
            let _ = agree(c, &sql);
        }
    }
    for sql in [
        "SELECT row(x, count(*), min(k))::text FROM days GROUP BY x ORDER BY x",
        "SELECT row(x, d, count(*))::text FROM days GROUP BY x, d ORDER BY x, d",
        "SELECT DISTINCT x::text FROM days ORDER BY 1",
    ] {
        agree(c, sql).unwrap();
    }
}
