//! What each clause means, by small cases.

use super::ask::*;

#[test]
fn every_spelling_reads_the_same_moment() {
    let mut c = connect();
    let one = run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y')",
    );
    let at = ask(&mut c, "SELECT clock_timestamp()::text", ());
    let xid = ask(&mut c, "SELECT max(a) FROM t", ());
    assert_eq!(xid, "2");
    std::thread::sleep(std::time::Duration::from_millis(2));
    run(
        &mut c,
        "UPDATE t SET b = 'z' WHERE a = 1; DELETE FROM t WHERE a = 2",
    );
    for clause in [
        format!("AS OF SCN {one}"),
        format!("AS OF LSN {one}"),
        format!("AS OF LSN '0/{one:X}'"),
        format!("AS OF {one}"),
        format!("AS OF TIMESTAMP '{at}'"),
        format!("AS OF SYSTEM_TIME '{at}'"),
        format!("AS OF SYSTEM TIME '{at}'"),
        format!("AS OF '{at}'"),
        format!("FOR SYSTEM_TIME AS OF '{at}'"),
        format!("FOR SYSTEM_TIME AS OF TIMESTAMP '{at}'"),
        format!("VERSION AS OF {one}"),
        format!("TIMESTAMP AS OF '{at}'"),
        format!("AT (TIMESTAMP => '{at}')"),
        format!("AT (SCN => {one})"),
        format!("AS OF BRANCH main AT SCN {one}"),
        format!("AS OF BRANCH 'main' AT TIMESTAMP '{at}'"),
        format!("AS OF BRANCH main AS OF SCN {one}"),
    ] {
        for sql in [
            format!("SELECT * FROM t {clause} ORDER BY a"),
            format!("SELECT q.* FROM t {clause} q ORDER BY q.a"),
            format!("SELECT q.* FROM t AS q {clause} ORDER BY q.a"),
            format!("SELECT * FROM (SELECT a, b FROM t) {clause} AS q ORDER BY a"),
            format!("SELECT * FROM (SELECT a, b FROM t) q {clause} ORDER BY a"),
            format!("WITH w AS (SELECT * FROM t) SELECT * FROM w {clause} ORDER BY a"),
        ] {
            assert_eq!(both(&mut c, &sql), "1|x; 2|y", "{sql}");
        }
        let point = format!("SELECT b FROM t {clause} WHERE a = 2");
        assert_eq!(both(&mut c, &point), "y", "{point}");
    }
    for clause in [
        "",
        "AS OF NOW",
        "AS OF NOW()",
        "AS OF BRANCH main",
        "AS OF TIMESTAMP now()",
    ] {
        let sql = format!("SELECT * FROM t {clause}");
        assert_eq!(both(&mut c, &sql), "1|z", "{sql}");
    }
    assert_eq!(both(&mut c, "SELECT count(*) FROM t AT (OFFSET => 0)"), "1");
    assert_eq!(
        both(
            &mut c,
            "SELECT count(*) FROM t AT (OFFSET => interval '0 seconds')"
        ),
        "1"
    );
}

#[test]
fn the_schema_travels() {
    let mut c = connect();
    let one = run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t VALUES (1, 'x')",
    );
    let two = run(
        &mut c,
        "ALTER TABLE t ADD COLUMN c int DEFAULT 7; INSERT INTO t VALUES (2, 'y', 8)",
    );
    let three = run(
        &mut c,
        "ALTER TABLE t DROP COLUMN b; ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME a TO k",
    );
    let four = run(
        &mut c,
        "ALTER TABLE u ALTER COLUMN c TYPE text USING 'c' || c",
    );
    let five = run(&mut c, "TRUNCATE u; INSERT INTO u VALUES (9, 'nine')");
    run(&mut c, "DROP TABLE u");
    let mut at = |name: &str, scn: u64| {
        both(
            &mut c,
            &format!("SELECT * FROM {name} AS OF SCN {scn} ORDER BY 1"),
        )
    };
    assert_eq!(at("t", one), "1|x");
    assert_eq!(at("t", two), "1|x|7; 2|y|8");
    assert_eq!(at("u", three), "1|7; 2|8");
    assert_eq!(at("u", four), "1|c7; 2|c8");
    assert_eq!(at("u", five), "9|nine");
    let gone = at("u", one);
    assert!(
        gone.starts_with("42P01: relation \"u\" does not exist / It was looked up AS OF SCN"),
        "{gone}"
    );
    let missing = ask(&mut c, &format!("SELECT c FROM t AS OF SCN {one}"), ());
    assert!(
        missing.starts_with("42703: column \"c\" does not exist"),
        "{missing}"
    );
    assert!(
        missing.contains(&format!("\"t\" is read AS OF SCN {one}")),
        "{missing}"
    );
    // Before anything was there.
    assert!(ask(&mut c, "SELECT * FROM t AS OF SCN 0", ()).starts_with("42P01"));
}

#[test]
fn joins_cross_times_and_branches() {
    let mut c = connect();
    let one = run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 3000) g",
    );
    run(&mut c, "UPDATE t SET b = b + 1; CREATE BRANCH dev");
    run(
        &mut c,
        "USE BRANCH dev; DELETE FROM t WHERE a > 10; CREATE TABLE only_dev (x int); USE BRANCH main",
    );
    run(&mut c, "UPDATE t SET b = 0 WHERE a = 5");
    let mut is = |sql: &str, want: &str| assert_eq!(both(&mut c, sql), want, "{sql}");
    is(
        &format!("SELECT sum(n.b - o.b), count(*) FROM t n JOIN t AS OF SCN {one} o USING (a)"),
        "2994|3000",
    );
    is(
        "SELECT count(*) FROM t JOIN t AS OF BRANCH dev d USING (a)",
        "10",
    );
    is(
        "SELECT t.b, d.b FROM t JOIN t AS OF BRANCH dev d USING (a) WHERE a = 5",
        "0|6",
    );
    is(
        &format!("SELECT count(*), sum(b) FROM t AS OF BRANCH dev AT SCN {one}"),
        "3000|4501500",
    );
    is("SELECT count(*) FROM only_dev AS OF BRANCH dev", "0");
    is(
        &format!(
            "SELECT a FROM t AS OF SCN {one} EXCEPT SELECT a FROM t AS OF BRANCH dev ORDER BY 1 LIMIT 1"
        ),
        "11",
    );
    is(
        &format!(
            "SELECT (SELECT o.b FROM t AS OF SCN {one} o WHERE o.a = n.a) FROM t n WHERE n.a = 5"
        ),
        "5",
    );
    let wrong = ask(&mut c, "SELECT * FROM t AS OF BRANCH dex", ());
    assert_eq!(
        wrong,
        "42704: branch \"dex\" does not exist / Perhaps you meant the branch \"dev\"."
    );
}

#[test]
fn views_and_subqueries_are_read_then() {
    let mut c = connect();
    let one = run(
        &mut c,
        "CREATE TABLE t (a int); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT a * 10 AS x FROM t; CREATE VIEW w AS SELECT x + 1 AS y FROM v",
    );
    let two = run(
        &mut c,
        "INSERT INTO t VALUES (2); CREATE OR REPLACE VIEW v AS SELECT a * 100 AS x FROM t",
    );
    run(&mut c, "DROP VIEW w; DROP VIEW v; DELETE FROM t");
    let mut is = |sql: String, want: &str| assert_eq!(both(&mut c, &sql), want, "{sql}");
    is(format!("SELECT * FROM v AS OF SCN {one}"), "10");
    is(format!("SELECT * FROM w AS OF SCN {one}"), "11");
    is(
        format!("SELECT * FROM v AS OF SCN {two} ORDER BY 1"),
        "100; 200",
    );
    is(
        format!(
            "SELECT * FROM (SELECT count(*) FROM t WHERE a IN (SELECT a FROM t)) AS OF SCN {two}"
        ),
        "2",
    );
    is(
        format!(
            "SELECT * FROM (SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM t AS OF NOW)) AS OF SCN {two} q"
        ),
        "2|0",
    );
    is(
        format!(
            "WITH c AS (SELECT a FROM t), d (z) AS (SELECT a + 5 FROM c) SELECT (SELECT count(*) FROM d), z FROM d AS OF SCN {one}"
        ),
        "0|6",
    );
    is(
        format!(
            "WITH RECURSIVE r (n) AS (SELECT a FROM t UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r AS OF SCN {one} ORDER BY 1"
        ),
        "1; 2; 3",
    );
    // A view that looks back by itself.
    c.execute_batch(&format!(
        "CREATE VIEW old AS SELECT * FROM t AS OF SCN {two}"
    ))
    .unwrap();
    assert_eq!(both(&mut c, "SELECT count(*) FROM old"), "2");
    assert_eq!(
        both(
            &mut c,
            &format!("SELECT count(*) FROM t AS OF SCN {two} JOIN old USING (a)")
        ),
        "2"
    );
}

#[test]
fn changes_read_the_past() {
    let mut c = connect();
    let one = run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g",
    );
    run(&mut c, "UPDATE t SET b = 0; DELETE FROM t WHERE a > 5");
    c.execute_batch(&format!("INSERT INTO t SELECT * FROM t AS OF SCN {one} o WHERE NOT EXISTS (SELECT FROM t WHERE t.a = o.a)")).unwrap();
    assert_eq!(both(&mut c, "SELECT count(*), sum(b) FROM t"), "10|40");
    c.execute_batch(&format!(
        "UPDATE t SET b = o.b FROM t AS OF SCN {one} o WHERE o.a = t.a AND t.a < 3"
    ))
    .unwrap();
    assert_eq!(both(&mut c, "SELECT count(*), sum(b) FROM t"), "10|43");
    c.execute_batch(&format!(
        "DELETE FROM t USING t AS OF SCN {one} o WHERE o.a = t.a AND o.b <> t.b"
    ))
    .unwrap();
    assert_eq!(both(&mut c, "SELECT count(*), sum(b) FROM t"), "7|43");
    c.execute_batch(&format!(
        "CREATE TABLE copy AS SELECT * FROM t AS OF SCN {one}"
    ))
    .unwrap();
    assert_eq!(both(&mut c, "SELECT count(*), sum(b) FROM copy"), "10|55");
    // Own uncommitted rows are of now.
    c.execute_batch("BEGIN; INSERT INTO t VALUES (100, 100)")
        .unwrap();
    assert_eq!(both(&mut c, "SELECT count(*) FROM t"), "8");
    assert_eq!(both(&mut c, "SELECT count(*) FROM t AS OF NOW"), "8");
    assert_eq!(
        both(&mut c, &format!("SELECT count(*) FROM t AS OF SCN {one}")),
        "10"
    );
    c.execute_batch("ROLLBACK").unwrap();
}

#[test]
fn parameters_and_moving_moments_are_bound_at_execution() {
    let mut c = connect();
    let one = run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (1, 1)",
    );
    let two = run(
        &mut c,
        "UPDATE t SET b = 2; ALTER TABLE t ADD COLUMN c text DEFAULT 'c'",
    );
    let three = run(&mut c, "UPDATE t SET b = 3; ALTER TABLE t DROP COLUMN b");
    let sql = "SELECT * FROM t AS OF SCN $1 WHERE a = $2";
    let statement = c.prepare(sql).unwrap();
    for _ in 0..3 {
        for (scn, want) in [(one, "1|1"), (two, "1|2|c"), (three, "1|c")] {
            let scn = i64::try_from(scn).unwrap();
            assert_eq!(ask(&mut c, sql, (scn, 1)), want);
            let rows = c.query(&statement, (scn, 1)).unwrap();
            let row = rows.map(Result::unwrap).next().unwrap();
            assert_eq!(row.values().len(), want.split('|').count());
        }
    }
    // A column that only the past has.
    let scn = i64::try_from(one).unwrap();
    assert_eq!(ask(&mut c, "SELECT b FROM t AS OF SCN $1", (scn,)), "1");
    assert_eq!(
        ask(
            &mut c,
            "SELECT count(*) FROM t AS OF TIMESTAMP now() - interval '0 s'",
            ()
        ),
        "1"
    );
    assert_eq!(
        ask(
            &mut c,
            "SELECT count(*) FROM t AS OF SCN $1 - 1 + 1",
            (scn,)
        ),
        "1"
    );
    c.execute_batch("PREPARE p (bigint) AS SELECT a FROM t AS OF SCN $1")
        .unwrap();
    assert_eq!(ask(&mut c, &format!("EXECUTE p ({one})"), ()), "1");
}

#[test]
fn what_cannot_be_read_says_why() {
    let mut c = connect();
    let now = run(&mut c, "CREATE TABLE t (a int, b text)");
    let mut fails = |sql: &str, want: &str| {
        let answer = ask(&mut c, sql, ());
        assert!(answer.starts_with(want), "{sql}\n{answer}");
    };
    fails(
        &format!("SELECT * FROM t AS OF SCN {}", now + 1000),
        "22023: change number",
    );
    fails("SELECT * FROM t AS OF SCN NULL", "22004:");
    fails(
        "SELECT * FROM t AS OF TIMESTAMP NULL::timestamptz",
        "22004:",
    );
    fails(
        "SELECT * FROM t AS OF SCN true",
        "42804: argument of AS OF SCN must be type bigint, not type boolean",
    );
    fails("SELECT * FROM t AS OF TIMESTAMP 5", "42804:");
    fails("SELECT * FROM t AS OF SCN 'x'", "22P02:");
    fails("SELECT * FROM t AS OF SCN -1", "22023:");
    fails("SELECT * FROM t AS OF TRANSACTION 123456", "42704:");
    fails("SELECT * FROM t AS OF TIMESTAMP 'tomorrow'", "22023:");
    fails("SELECT * FROM t AS OF SCN b", "42703:");
    fails("SELECT * FROM t AS OF SCN (SELECT 1)", "0A000:");
    fails(
        &format!("SELECT * FROM t AS OF SCN {now} FOR UPDATE"),
        "0A000:",
    );
    fails("SELECT * FROM t AS OF SCN 1 AS OF SCN 2", "42601:");
    fails("SELECT * FROM t BEFORE (STATEMENT => 'x')", "0A000:");
    fails("SELECT * FROM t AT (STREAM => 'x')", "0A000:");
    fails("UPDATE t AS OF SCN 1 SET a = 1", "42601:");
    fails("SELECT count(*) FROM t AS OF SCN sum(1)", "42803:");
}

#[test]
fn kept_vector_plans_know_the_time() {
    let mut c = connect();
    run(
        &mut c,
        "CREATE TABLE t (a int); INSERT INTO t VALUES (1); SET executor = 'vector'",
    );
    let sql = "SELECT helios_current_scn(), now(), now() + a * interval '1 day' FROM t WHERE now() > '2000-01-01'";
    let before = ask(&mut c, sql, ());
    run(&mut c, "UPDATE t SET a = 1");
    let after = ask(&mut c, sql, ());
    for (before, after) in before.split('|').zip(after.split('|')) {
        assert_ne!(before, after, "{sql}");
    }
}

#[test]
fn sessions_and_transactions_look_back() {
    let mut c = connect();
    let one = run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)",
    );
    let at = ask(&mut c, "SELECT clock_timestamp()", ());
    run(
        &mut c,
        "INSERT INTO t VALUES (2); ALTER TABLE t ADD COLUMN b int",
    );
    let count = "SELECT count(*) FROM t";
    let lookup = c.prepare("SELECT a FROM t WHERE a = $1").unwrap();
    for point in [
        one.to_string(),
        format!("SCN {one}"),
        format!("LSN '0/{one:X}'"),
        format!("0/{one:X}"),
        format!("as of scn {one}"),
        at.clone(),
        format!("TIMESTAMP '{at}'"),
        format!("BRANCH main AT SCN {one}"),
    ] {
        c.execute(
            &format!("SET helios.as_of = '{}'", point.replace('\'', "''")),
            (),
        )
        .unwrap();
        assert_eq!(both(&mut c, "SELECT * FROM t"), "1", "{point}");
        assert_eq!(ask(&mut c, &lookup, (2,)), "", "{point}");
        assert_eq!(c.status().as_of, Some(one));
        let shown = ask(&mut c, "SHOW helios.as_of", ());
        assert!(shown.ends_with(&format!("SCN {one}")), "{shown}");
        assert_eq!(
            ask(&mut c, "SELECT helios_current_scn()", ()),
            one.to_string()
        );
        let refused = ask(&mut c, "INSERT INTO t VALUES (3)", ());
        assert!(
            refused.starts_with("25006: cannot execute INSERT in a read-only transaction"),
            "{refused}"
        );
        for sql in [
            "CREATE TABLE u (a int)",
            "SELECT * FROM t FOR UPDATE",
            "DELETE FROM t",
            "TRUNCATE t",
        ] {
            let refused = ask(&mut c, sql, ());
            assert!(refused.starts_with("25006"), "{sql}: {refused}");
        }
        c.execute("RESET helios.as_of", ()).unwrap();
        assert_eq!(both(&mut c, count), "2");
        assert_eq!(ask(&mut c, &lookup, (2,)), "2");
        assert_eq!(c.status().as_of, None);
    }
    // Nested in a session that looks back, a clause of its own wins.
    c.execute(&format!("SET helios.as_of = 'SCN {one}'"), ())
        .unwrap();
    let later = one + 1;
    assert_eq!(
        both(&mut c, &format!("SELECT count(*) FROM t AS OF SCN {later}")),
        "2"
    );
    c.execute("SET helios.as_of = ''", ()).unwrap();
    for begin in [
        format!("BEGIN AS OF SCN {one}"),
        format!("BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, AS OF TIMESTAMP '{at}'"),
        format!("START TRANSACTION READ ONLY AS OF SCN {one}"),
        format!("BEGIN; SET TRANSACTION AS OF SCN {one}"),
        format!("BEGIN; SET LOCAL helios.as_of = 'SCN {one}'"),
    ] {
        for part in begin.split("; ") {
            c.execute_batch(part).unwrap();
        }
        assert_eq!(both(&mut c, count), "1", "{begin}");
        assert_eq!(ask(&mut c, &lookup, (2,)), "", "{begin}");
        assert!(
            ask(&mut c, "UPDATE t SET a = 5", ()).starts_with("25006"),
            "{begin}"
        );
        c.execute_batch("ROLLBACK").unwrap();
        assert_eq!(both(&mut c, count), "2", "{begin}");
    }
    for (sql, want) in [
        ("SET helios.as_of = 'SCN 100000'", "22023"),
        ("SET helios.as_of = 'yesterday evening'", "22007"),
        ("SET helios.as_of = 'BRANCH nope'", "42704"),
        ("BEGIN READ WRITE, AS OF SCN 1", "25006"),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION AS OF SCN 1",
            "0A000",
        ),
    ] {
        let answer = ask(&mut c, sql, ());
        assert!(answer.starts_with(want), "{sql}: {answer}");
        let _ = c.execute_batch("ROLLBACK");
    }
    c.execute("SET helios.as_of = '-0 seconds'", ()).unwrap();
    assert_eq!(both(&mut c, count), "2");
}

#[test]
fn other_branches_have_qualified_names() {
    let mut c = connect();
    run(
        &mut c,
        "CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE TABLE t (a int); CREATE BRANCH \"fix/7\"; USE BRANCH \"fix/7\"; INSERT INTO t VALUES (7); INSERT INTO s.t VALUES (8)",
    );
    let seven = scn(&mut c);
    run(
        &mut c,
        "INSERT INTO t VALUES (9); USE BRANCH main; CREATE SCHEMA branch; CREATE TABLE branch.t (a text)",
    );
    let mut is = |sql: &str, want: &str| assert_eq!(both(&mut c, sql), want, "{sql}");
    is("SELECT * FROM branch.\"fix/7\".t ORDER BY a", "7; 9");
    is(
        "SELECT x.a, m.a FROM branch.\"fix/7\".s.t x LEFT JOIN s.t m USING (a)",
        "8|-",
    );
    is(
        &format!("SELECT t.a FROM branch.\"fix/7\".t AS OF SCN {seven}"),
        "7",
    );
    is("SELECT count(*) FROM branch.main.t", "0");
    is("SELECT count(*) FROM branch.t", "0");
    assert!(
        ask(&mut c, "SELECT * FROM branch.fix.t", ())
            .starts_with("42704: branch \"fix\" does not exist")
    );
    assert!(ask(&mut c, "INSERT INTO branch.main.t VALUES (1)", ()).starts_with("0A000"));
}

#[test]
fn rows_are_joined_as_of_their_own_moment() {
    let mut c = connect();
    run(
        &mut c,
        "CREATE TABLE prices (sku int PRIMARY KEY, price int); INSERT INTO prices SELECT g, 100 FROM generate_series(1, 500) g",
    );
    run(
        &mut c,
        "CREATE TABLE orders (id int PRIMARY KEY, sku int, at timestamptz, scn bigint)",
    );
    for id in 1..=5 {
        run(
            &mut c,
            &format!("UPDATE prices SET price = {id} WHERE sku = 3"),
        );
        run(
            &mut c,
            &format!(
                "INSERT INTO orders VALUES ({id}, 3, clock_timestamp(), helios_current_scn())"
            ),
        );
    }
    run(
        &mut c,
        "DELETE FROM prices WHERE sku = 3; INSERT INTO orders VALUES (6, 3, clock_timestamp(), helios_current_scn()); INSERT INTO orders VALUES (7, 3, NULL, NULL)",
    );
    let all = "1|1; 2|2; 3|3; 4|4; 5|5; 6|-; 7|-";
    let mut is = |sql: &str, want: &str| assert_eq!(both(&mut c, sql), want, "{sql}");
    is(
        "SELECT o.id, p.price FROM orders o LEFT JOIN prices AS OF o.at p ON p.sku = o.sku ORDER BY 1",
        all,
    );
    is(
        "SELECT o.id, p.price FROM orders o LEFT JOIN prices AS OF TIMESTAMP o.at p ON p.sku = o.sku ORDER BY 1",
        all,
    );
    is(
        "SELECT o.id, p.price FROM orders o LEFT JOIN prices p AS OF SCN o.scn ON p.sku = o.sku ORDER BY 1",
        all,
    );
    is(
        "SELECT o.id, p.price FROM orders o JOIN prices AS OF o.scn p USING (sku) ORDER BY 1",
        "1|1; 2|2; 3|3; 4|4; 5|5",
    );
    is(
        "SELECT o.id, p.price FROM orders o, prices AS OF o.at p WHERE p.sku = o.sku AND p.price > 3 ORDER BY 1",
        "4|4; 5|5",
    );
    is(
        "SELECT id, (SELECT price FROM prices AS OF SCN o.scn - 1 p WHERE p.sku = o.sku) FROM orders o WHERE id = 2",
        "2|1",
    );
    is(
        "SELECT o.id, count(p.sku) FROM orders o LEFT JOIN prices AS OF o.at p ON true GROUP BY 1 ORDER BY 1",
        "1|500; 2|500; 3|500; 4|500; 5|500; 6|499; 7|0",
    );
    let plan = ask(
        &mut c,
        "EXPLAIN SELECT * FROM orders o LEFT JOIN prices AS OF o.at p ON p.sku = o.sku",
        (),
    );
    assert!(plan.contains("Key") || plan.contains("key"), "{plan}");
    // The columns of today, whatever they were then.
    run(
        &mut c,
        "ALTER TABLE prices ALTER price TYPE text; ALTER TABLE prices RENAME price TO label; ALTER TABLE prices ADD COLUMN extra int DEFAULT 5",
    );
    let mut is = |sql: &str, want: &str| assert_eq!(both(&mut c, sql), want, "{sql}");
    is(
        "SELECT o.id, p.label || '!', p.extra FROM orders o JOIN prices AS OF o.at p ON p.sku = o.sku WHERE o.id < 3 ORDER BY 1",
        "1|1!|-; 2|2!|-",
    );
    assert!(
        ask(
            &mut c,
            "SELECT * FROM orders o RIGHT JOIN prices AS OF o.at p ON true",
            ()
        )
        .starts_with("42P10")
    );
    run(&mut c, "CREATE VIEW v AS SELECT * FROM prices");
    assert!(
        ask(
            &mut c,
            "SELECT * FROM orders o JOIN v AS OF o.at ON true",
            ()
        )
        .starts_with("0A000")
    );
}

#[test]
fn what_is_no_longer_kept_is_refused() {
    let scratch = helios_testkit::Scratch::new();
    let path = scratch.join("db");
    let open = |seconds| {
        let options = heliosdb::Options::new().retention(std::time::Duration::from_secs(seconds));
        options.open(&path).unwrap()
    };
    let mut c = open(3600).connect().unwrap();
    let one = run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (1, 1)",
    );
    for _ in 0..5 {
        run(&mut c, "UPDATE t SET b = b + 1");
    }
    run(&mut c, "CHECKPOINT; VACUUM");
    drop(c);
    // Within the retention all is there, after collection and another start.
    let mut c = open(3600).connect().unwrap();
    run(&mut c, "VACUUM");
    let sql = format!("SELECT b FROM t AS OF SCN {one}");
    assert_eq!(both(&mut c, &sql), "1");
    assert_eq!(
        both(&mut c, "SELECT count(*) FROM t FOR SYSTEM_TIME ALL"),
        "6"
    );
    c.execute(&format!("SET helios.as_of = 'SCN {one}'"), ())
        .unwrap();
    drop(c);
    let database = open(0);
    let mut c = database.connect().unwrap();
    c.execute(&format!("BEGIN AS OF SCN {}", one + 1), ())
        .unwrap();
    let mut other = database.connect().unwrap();
    run(&mut other, "UPDATE t SET b = 0; VACUUM");
    // Who reads keeps what it reads.
    assert_eq!(both(&mut c, "SELECT b FROM t"), "2");
    c.execute("COMMIT", ()).unwrap();
    let refused = ask(&mut other, &sql, ());
    assert!(
        refused.starts_with("72000: ")
            && refused.contains("The oldest that is kept on branch \"main\" is"),
        "{refused}"
    );
    let versions = format!("SELECT count(*) FROM t VERSIONS BETWEEN SCN {one} AND MAXVALUE");
    let refused = ask(&mut other, &versions, ());
    assert!(refused.starts_with("72000: "), "{refused}");
    assert_eq!(
        both(
            &mut other,
            "SELECT b FROM t VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE"
        ),
        "0"
    );
    let refused = ask(&mut other, &format!("SET helios.as_of = 'SCN {one}'"), ());
    assert!(refused.starts_with("72000: "), "{refused}");
}
