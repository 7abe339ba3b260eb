//! How long what is replaced stays readable: of the database, of a branch, of a table.

use std::sync::atomic::{AtomicBool, Ordering};

use heliosdb::Connection;

use super::ask::*;

/// A table that keeps everything and one that keeps nothing, each with rows 1 to 3 updated five times;
/// returns the change number after the second update.
fn two_tables(c: &mut Connection) -> u64 {
    let mut then = run(
        c,
        "CREATE TABLE long (a int PRIMARY KEY, b int) WITH (retention_period = '1 year'); \
         CREATE TABLE short (a int PRIMARY KEY, b int) WITH (retention_period = '0 seconds'); \
         CREATE INDEX ON short (b); \
         INSERT INTO long VALUES (1, 0), (2, 0), (3, 0); INSERT INTO short SELECT * FROM long",
    );
    for n in 0..5 {
        let now = run(c, "UPDATE long SET b = b + 1; UPDATE short SET b = b + 1");
        if n == 1 {
            then = now;
        }
    }
    then
}

#[test]
fn tables_of_one_moment_are_kept_for_different_times() {
    let mut c = connect();
    let then = two_tables(&mut c);
    run(
        &mut c,
        "CREATE TABLE plain (a int); INSERT INTO plain VALUES (1)",
    );
    let all = format!(
        "SELECT l.b, s.b FROM long AS OF SCN {then} l JOIN short AS OF SCN {then} s USING (a)"
    );
    assert_eq!(both(&mut c, &all), "2|2; 2|2; 2|2");
    run(&mut c, "VACUUM");
    let long = format!("SELECT sum(b) FROM long AS OF SCN {then}");
    assert_eq!(both(&mut c, &long), "6");
    for sql in [
        format!("SELECT * FROM short AS OF SCN {then}"),
        format!("SELECT b FROM short AS OF SCN {then} WHERE a = 1"),
        format!("SELECT a FROM short AS OF SCN {then} WHERE b = 2"),
        format!("SELECT count(*) FROM short AS OF SCN {then}"),
        all,
        format!("SELECT 1 FROM long WHERE EXISTS (SELECT 1 FROM short AS OF SCN {then})"),
        format!("SELECT * FROM helios_diff('short', 'main@{then}', 'main')"),
        format!("SELECT * FROM pg_compare_branches('main@{then}', 'main')"),
    ] {
        let refused = both(&mut c, &sql);
        assert!(
            refused.starts_with(&format!(
                "72000: table \"short\" is no longer kept at change number {then} / On branch \"main\" table \"short\" \
                 is kept from change number "
            )),
            "{sql}: {refused}"
        );
    }
    let diff = format!("SELECT count(*) FROM helios_diff('long', 'main@{then}', 'main')");
    assert_eq!(ask(&mut c, &diff, ()), "3");
    let versions =
        "SELECT count(*) FROM long VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE WHERE a = 1";
    assert_eq!(both(&mut c, versions), "6");
    let versions =
        "SELECT count(*) FROM short VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE WHERE a = 1";
    assert_eq!(both(&mut c, versions), "1");
    let versions = format!("SELECT * FROM short VERSIONS BETWEEN SCN {then} AND MAXVALUE");
    let refused = ask(&mut c, &versions, ());
    assert!(
        refused.starts_with("72000: versions of table \"short\" from"),
        "{refused}"
    );
    // Whole sessions look back, table by table.
    run(&mut c, &format!("SET helios.as_of = 'SCN {then}'"));
    assert_eq!(both(&mut c, "SELECT sum(b) FROM long"), "6");
    assert!(both(&mut c, "SELECT * FROM short").starts_with("72000: table \"short\""));
    run(&mut c, "RESET helios.as_of");
    // Branches and snapshots are made of all tables.
    for sql in [
        format!("CREATE BRANCH b AS OF SCN {then}"),
        format!("CREATE SNAPSHOT s AS OF SCN {then}"),
    ] {
        let refused = ask(&mut c, &sql, ());
        assert!(
            refused.starts_with(&format!(
                "72000: some tables are no longer kept at change number {then} / On branch \"main\" every table is \
                 kept from change number "
            )),
            "{sql}: {refused}"
        );
    }
    // What was before the table misses nothing of it.
    run(&mut c, "CREATE BRANCH before AS OF SCN 1");
    assert_eq!(
        ask(
            &mut c,
            "SELECT scope, name, retention, gc_policy FROM helios_retention()",
            ()
        ),
        "database|-|7 days|balanced; table|public.long|1 year|-; table|public.short|0 seconds|-"
    );
    assert_eq!(
        ask(
            &mut c,
            "SELECT reloptions FROM pg_class WHERE relname IN ('long', 'plain') ORDER BY relname",
            ()
        ),
        "{\"retention_period=1 year\"}; -"
    );
}

#[test]
fn branches_say_it_for_their_tables_and_inherit_what_tables_say() {
    let mut c = connect();
    run(
        &mut c,
        "CREATE TABLE own (a int PRIMARY KEY, b int) WITH (retention_period = '1 day')",
    );
    run(&mut c, "CREATE TABLE t (a int PRIMARY KEY, b int)");
    run(
        &mut c,
        "INSERT INTO t VALUES (1, 0); INSERT INTO own VALUES (1, 0), (2, 0)",
    );
    let fork = run(
        &mut c,
        "CREATE BRANCH dev WITH (retention_period = '0', gc_policy = 'aggressive')",
    );
    run(&mut c, "USE BRANCH dev");
    let then = run(
        &mut c,
        "UPDATE t SET b = 1; UPDATE own SET b = 1 WHERE a = 1",
    );
    run(
        &mut c,
        "UPDATE t SET b = 2; UPDATE own SET b = 2 WHERE a = 1; VACUUM",
    );
    let at = |table: &str, branch: &str, scn: u64| {
        format!("SELECT b FROM {table} AS OF BRANCH {branch} AT SCN {scn}")
    };
    assert!(both(&mut c, &at("t", "dev", then)).starts_with("72000"));
    assert_eq!(
        both(&mut c, &format!("{} ORDER BY a", at("own", "dev", then))),
        "1; 0"
    );
    // The fork itself, and what was before, are the parent's.
    assert_eq!(both(&mut c, &at("t", "dev", fork)), "0");
    assert_eq!(both(&mut c, &at("t", "dev", fork - 1)), "0");
    assert_eq!(both(&mut c, &at("t", "main", then)), "0");
    // A branch goes its own way.
    run(&mut c, "ALTER TABLE own RESET (retention_period); VACUUM");
    assert!(both(&mut c, &at("own", "dev", then)).starts_with("72000"));
    run(&mut c, "USE BRANCH main");
    let then = run(
        &mut c,
        "UPDATE own SET b = 10 WHERE a = 2; UPDATE own SET b = 11 WHERE a = 2; VACUUM",
    ) - 1;
    let sql = format!("{} WHERE a = 2", at("own", "main", then));
    assert_eq!(both(&mut c, &sql), "10");
    assert_eq!(
        ask(
            &mut c,
            "SELECT scope, name, retention, gc_policy FROM helios_retention()",
            ()
        ),
        "database|-|7 days|balanced; branch|dev|0|aggressive; table|public.own|1 day|-"
    );
    // Merge bases stay, whatever is kept.
    run(
        &mut c,
        "ALTER BRANCH main SET (retention_period = '0 days')",
    );
    run(
        &mut c,
        "INSERT INTO t VALUES (2, 0); UPDATE t SET b = 5 WHERE a = 2; VACUUM",
    );
    run(
        &mut c,
        "MERGE BRANCH dev INTO main; VACUUM; USE BRANCH dev; UPDATE t SET b = 7; VACUUM",
    );
    run(
        &mut c,
        "USE BRANCH main; UPDATE t SET b = b + 1 WHERE a = 2; VACUUM; MERGE BRANCH dev INTO main",
    );
    assert_eq!(ask(&mut c, "SELECT a, b FROM t ORDER BY a", ()), "1|7; 2|6");
}

#[test]
fn snapshots_keep_what_retention_lets_go() {
    let mut c = connect();
    let then = two_tables(&mut c);
    run(
        &mut c,
        &format!("CREATE SNAPSHOT s AS OF SCN {then}; VACUUM"),
    );
    assert_eq!(
        both(&mut c, "SELECT sum(b) FROM short AS OF SNAPSHOT s"),
        "6"
    );
    assert_eq!(
        both(
            &mut c,
            &format!("SELECT sum(b) FROM short AS OF SCN {then}")
        ),
        "6"
    );
    run(
        &mut c,
        "CREATE BRANCH b AS OF SNAPSHOT s; DROP SNAPSHOT s; VACUUM",
    );
    assert_eq!(both(&mut c, "SELECT sum(b) FROM short AS OF BRANCH b"), "6");
    run(&mut c, "DROP BRANCH b; UPDATE short SET b = 0; VACUUM");
    assert!(both(&mut c, &format!("SELECT * FROM short AS OF SCN {then}")).starts_with("72000"));
}

#[test]
fn what_was_said_is_as_safe_as_rows() {
    let scratch = helios_testkit::Scratch::new();
    let path = scratch.join("db");
    let open = || {
        let options = heliosdb::Options::new().retention(std::time::Duration::ZERO);
        options.open(&path).unwrap().connect().unwrap()
    };
    let mut c = open();
    run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (1, 0)",
    );
    let options = "SELECT reloptions FROM pg_class WHERE relname = 't'";
    run(
        &mut c,
        "BEGIN; ALTER TABLE t SET (retention_period = '1 day')",
    );
    assert_eq!(ask(&mut c, options, ()), "{\"retention_period=1 day\"}");
    run(&mut c, "ROLLBACK");
    assert_eq!(ask(&mut c, options, ()), "-");
    let one = run(&mut c, "UPDATE t SET b = 1");
    run(&mut c, "UPDATE t SET b = 2; VACUUM");
    let at = |scn: u64| format!("SELECT b FROM t AS OF SCN {scn}");
    assert!(ask(&mut c, &at(one), ()).starts_with("72000"));
    let two = run(
        &mut c,
        "BEGIN; ALTER TABLE t SET (retention_period = '1 day'); COMMIT",
    );
    run(&mut c, "UPDATE t SET b = 3; VACUUM");
    drop(c);
    let mut c = open();
    run(&mut c, "UPDATE t SET b = 4; VACUUM; CHECKPOINT");
    assert_eq!(ask(&mut c, &at(two), ()), "2");
    drop(c);
    let mut c = open();
    run(&mut c, "VACUUM");
    assert_eq!(ask(&mut c, &at(two), ()), "2");
    // Rewritten, truncated and dropped tables are kept as long as they said.
    run(
        &mut c,
        "ALTER TABLE t ALTER b TYPE bigint; TRUNCATE t; VACUUM",
    );
    assert_eq!(ask(&mut c, &at(two), ()), "2");
    let before = run(&mut c, "INSERT INTO t VALUES (9, 9)");
    run(&mut c, "DROP TABLE t; VACUUM");
    drop(c);
    let mut c = open();
    run(&mut c, "VACUUM");
    assert_eq!(ask(&mut c, &at(two), ()), "2");
    assert_eq!(ask(&mut c, &at(before), ()), "9");
}

#[test]
fn a_drop_that_is_undone_stays_undone() {
    let mut c = connect();
    run(&mut c, "ALTER BRANCH main SET (retention_period = '0')");
    run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX ON t (b); \
         INSERT INTO t SELECT n, n FROM generate_series(1, 100) n; CREATE SNAPSHOT s",
    );
    run(&mut c, "DROP TABLE t");
    let dropped = ask(&mut c, "SELECT transaction FROM helios_log('main', 1)", ());
    run(
        &mut c,
        &format!("CREATE SNAPSHOT after; UNDO TRANSACTION {dropped}"),
    );
    run(
        &mut c,
        "DROP SNAPSHOT s; DROP SNAPSHOT after; VACUUM; INSERT INTO t VALUES (0, 0); VACUUM",
    );
    assert_eq!(both(&mut c, "SELECT count(*), sum(b) FROM t"), "101|5050");
    assert_eq!(both(&mut c, "SELECT a FROM t WHERE b = 50"), "50");
}

#[test]
fn bad_periods_are_refused() {
    let mut c = connect();
    run(&mut c, "CREATE TABLE t (a int)");
    for (sql, wanted) in [
        (
            "ALTER TABLE t SET (retention_period = 'long')",
            "22023: invalid value for option \"retention_period\": \"long\"",
        ),
        (
            "ALTER TABLE t SET (retention_period = '-1 day')",
            "22023: invalid value for option \"retention_period\": \"-1 day\"",
        ),
        (
            "CREATE TABLE u (a int) WITH (retention = '1 day')",
            "22023: unrecognized parameter \"retention\" / Perhaps you meant \"retention_period\".",
        ),
        (
            "CREATE BRANCH b WITH (retention_period = '-1 day')",
            "22023: invalid value for branch option \"retention_period\": \"-1 day\"",
        ),
        (
            "CREATE BRANCH b WITH (gc_policy = 'eager')",
            "22023: invalid value for branch option \"gc_policy\": \"eager\" / It is one of aggressive, balanced, conservative.",
        ),
    ] {
        let refused = ask(&mut c, sql, ());
        assert!(refused.starts_with(wanted), "{sql}: {refused}");
    }
    run(
        &mut c,
        "CREATE BRANCH b WITH (gc_policy = CONSERVATIVE); ALTER BRANCH b SET (gc_policy = none)",
    );
    assert_eq!(
        ask(
            &mut c,
            "SELECT gc_policy FROM helios_branches() WHERE branch_name = 'b'",
            ()
        ),
        "-"
    );
}

// Guards against a database that forgets what it was told, or whose programs overrule it.
#[test]
fn the_database_says_how_long() {
    let dir = helios_testkit::Scratch::new();
    let path = dir.join("db");
    let short = || {
        let options = heliosdb::Options::new().retention(std::time::Duration::ZERO);
        options.open(&path).unwrap().connect().unwrap()
    };
    let ask = |c: &mut Connection| both(c, "SHOW default_retention_period");
    let mut c = short();
    assert_eq!(ask(&mut c), "00:00:00");
    let then = run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)",
    );
    run(&mut c, "SET default_retention_period = '2 days'");
    run(&mut c, "DELETE FROM t");
    run(&mut c, "VACUUM");
    let past = format!("SELECT count(*) FROM t AS OF SCN {then}");
    assert_eq!(both(&mut c, &past), "1");
    let refused = both(&mut c, "SET default_retention_period = 'soon'");
    assert!(refused.starts_with("22023"), "{refused}");
    drop(c);
    let mut c = short();
    assert_eq!(ask(&mut c), "2 days");
    run(&mut c, "VACUUM");
    assert_eq!(both(&mut c, &past), "1");
    run(&mut c, "RESET default_retention_period");
    assert_eq!(ask(&mut c), "00:00:00");
    run(&mut c, "VACUUM");
    assert!(both(&mut c, &past).starts_with("72000"));
}

/// Tells another thread to end, also when a test fails.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

// Guards against a dropped table that comes back without its rows, because they were collected while the drop was
// being undone.
#[test]
fn an_undone_drop_has_all_rows_or_fails() {
    let database = heliosdb::Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let stop = AtomicBool::new(false);
    let (mut undone, mut refused) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut c = database.connect().unwrap();
            while !stop.load(Ordering::Relaxed) {
                c.execute("VACUUM", ()).unwrap();
            }
        });
        let _stop = StopAtEnd(&stop);
        for round in 0..60 {
            run(
                &mut c,
                "CREATE TABLE gone (a int PRIMARY KEY, b int); CREATE INDEX ON gone (b); \
                 INSERT INTO gone SELECT g, g FROM generate_series(1, 300) g",
            );
            // In some rounds nothing is to be collected, but a collection may have begun before.
            let period = if round % 2 == 0 {
                "1 hour"
            } else {
                "0 seconds"
            };
            run(
                &mut c,
                &format!("SET default_retention_period = '{period}'"),
            );
            let txid = {
                let mut transaction = c.transaction().unwrap();
                let txid = transaction
                    .query("SELECT helios_txid_current()", ())
                    .unwrap();
                let txid: i64 = txid.into_iter().next().unwrap().unwrap().get(0).unwrap();
                transaction.execute("DROP TABLE gone", ()).unwrap();
                transaction.commit().unwrap();
                txid
            };
            match c.execute(format!("UNDO TRANSACTION {txid}").as_str(), ()) {
                Ok(_) => {
                    undone += 1;
                    assert_eq!(
                        both(&mut c, "SELECT count(*), sum(b) FROM gone"),
                        "300|45150"
                    );
                    assert_eq!(both(&mut c, "SELECT a FROM gone WHERE b = 77"), "77");
                    run(&mut c, "DROP TABLE gone");
                }
                Err(error) => {
                    refused += 1;
                    let state = error.sqlstate().to_string();
                    assert!(
                        ["72000", "42704"].contains(&state.as_str()),
                        "{}",
                        shown(&error)
                    );
                    assert!(both(&mut c, "SELECT 1 FROM gone").starts_with("42P01"));
                }
            }
        }
    });
    println!("{undone} undone, {refused} refused");
    assert!(undone > 0);
}
