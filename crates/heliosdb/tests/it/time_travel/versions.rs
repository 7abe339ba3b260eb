//! `VERSIONS BETWEEN` and its kin, by small cases.

use heliosdb::Connection;

use super::ask::*;

#[test]
fn versions_tell_what_happened() {
    let mut c = connect();
    run(&mut c, "CREATE TABLE t (a int PRIMARY KEY, b text)");
    let one = run(&mut c, "INSERT INTO t VALUES (1, 'x'), (2, 'y')");
    let two = run(&mut c, "UPDATE t SET b = 'z' WHERE a = 1");
    let three = run(&mut c, "DELETE FROM t WHERE a = 2");
    let four = run(&mut c, "INSERT INTO t VALUES (2, 'again')");
    let columns = "a, b, versions_operation, versions_startscn, versions_endscn";
    let order = "ORDER BY a, versions_startscn NULLS FIRST";
    let mut is = |clause: String, want: String| {
        let sql = format!("SELECT {columns} FROM t {clause} {order}");
        assert_eq!(both(&mut c, &sql), want, "{sql}");
    };
    let all = format!(
        "1|x|I|{one}|{two}; 1|z|U|{two}|-; 2|y|I|{one}|{three}; 2|y|D|{three}|-; 2|again|I|{four}|-"
    );
    is(
        format!("VERSIONS BETWEEN SCN {one} AND {four}"),
        all.clone(),
    );
    is(
        "VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE".into(),
        all.clone(),
    );
    is(
        "VERSIONS BETWEEN TIMESTAMP MINVALUE AND MAXVALUE".into(),
        all.clone(),
    );
    is(
        "VERSIONS BETWEEN TIMESTAMP '-infinity' AND 'infinity'".into(),
        all.clone(),
    );
    is(
        format!("AS OF BRANCH main VERSIONS BETWEEN SCN 0 AND {four}"),
        all,
    );
    is(
        format!("VERSIONS BETWEEN SCN {two} AND {two}"),
        format!("1|z|U|{two}|-; 2|y|-|-|-"),
    );
    is(
        format!("VERSIONS BETWEEN SCN {three} AND {three}"),
        format!("1|z|-|-|-; 2|y|D|{three}|-"),
    );
    is(
        format!("AS OF SCN {two} VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE"),
        format!("1|x|I|{one}|{two}; 1|z|U|{two}|-; 2|y|I|{one}|-"),
    );
    let lives =
        format!("1|x|I|{one}|{two}; 1|z|U|{two}|-; 2|y|I|{one}|{three}; 2|again|I|{four}|-");
    is("FOR SYSTEM_TIME ALL".into(), lives);
    is(
        "FOR SYSTEM_TIME FROM '-infinity' TO '-infinity'".into(),
        String::new(),
    );
    let time =
        |c: &mut Connection, scn: u64| ask(c, &format!("SELECT helios_timestamp_at({scn})"), ());
    let (at1, at2, at3) = (time(&mut c, one), time(&mut c, two), time(&mut c, three));
    let mut is = |clause: String, want: String| {
        let sql = format!("SELECT {columns} FROM t {clause} {order}");
        assert_eq!(both(&mut c, &sql), want, "{sql}");
    };
    // Half open and closed.
    is(
        format!("FOR SYSTEM_TIME FROM '{at1}' TO '{at2}'"),
        format!("1|x|I|{one}|{two}; 2|y|I|{one}|{three}"),
    );
    is(
        format!("FOR SYSTEM_TIME BETWEEN '{at1}' AND '{at2}'"),
        format!("1|x|I|{one}|{two}; 1|z|U|{two}|-; 2|y|I|{one}|{three}"),
    );
    is(
        format!("FOR SYSTEM_TIME FROM '{at2}' TO '{at3}'"),
        format!("1|z|U|{two}|-; 2|y|I|{one}|{three}"),
    );
    is(
        format!("FOR SYSTEM_TIME CONTAINED IN ('{at1}', '{at2}')"),
        format!("1|x|I|{one}|{two}"),
    );
    is(
        format!("FOR SYSTEM_TIME CONTAINED IN ('{at1}', '{at3}')"),
        format!("1|x|I|{one}|{two}; 2|y|I|{one}|{three}"),
    );
    is(
        format!("FOR SYSTEM_TIME FROM '{at2}' TO '{at2}'"),
        String::new(),
    );
    is(
        format!("FOR SYSTEM_TIME BETWEEN '{at3}' AND '{at1}'"),
        String::new(),
    );
    let times = format!(
        "SELECT versions_starttime = '{at2}', versions_endtime IS NULL, versions_xid > 0 FROM t q VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE WHERE versions_operation = 'U' AND q.versions_startscn = {two}"
    );
    assert_eq!(both(&mut c, &times), "t|t|t");
    // Only when they are named.
    assert_eq!(
        both(
            &mut c,
            &format!("SELECT * FROM t VERSIONS BETWEEN SCN {four} AND {four} ORDER BY a")
        ),
        "1|z; 2|again"
    );
    assert_eq!(
        both(
            &mut c,
            "SELECT count(*) FROM t FOR SYSTEM_TIME ALL v JOIN t USING (a)"
        ),
        "4"
    );
    assert_eq!(
        both(
            &mut c,
            "SELECT a, count(*) FROM t FOR SYSTEM_TIME ALL GROUP BY a ORDER BY a"
        ),
        "1|2; 2|2"
    );
    let plan = ask(
        &mut c,
        "EXPLAIN SELECT * FROM t FOR SYSTEM_TIME ALL WHERE a = 1",
        (),
    );
    assert!(plan.contains("Key") || plan.contains("key"), "{plan}");
    let scn = i64::try_from(two).unwrap();
    assert_eq!(
        ask(
            &mut c,
            "SELECT count(*) FROM t VERSIONS BETWEEN SCN $1 AND $1 + 1",
            (scn,)
        ),
        "3"
    );
    for (sql, code) in [
        ("SELECT versions_xid FROM t", "42703"),
        (
            "SELECT * FROM (SELECT 1) VERSIONS BETWEEN SCN 1 AND 2",
            "0A000",
        ),
        (
            "WITH w AS (SELECT 1) SELECT * FROM w VERSIONS BETWEEN SCN 1 AND 2",
            "0A000",
        ),
        (
            "SELECT * FROM t VERSIONS BETWEEN SCN 1 AND 2 FOR UPDATE",
            "0A000",
        ),
        ("SELECT * FROM t VERSIONS BETWEEN SCN 1 AND 200000", "22023"),
        ("SELECT * FROM t VERSIONS BETWEEN SCN NULL AND 2", "22004"),
        (
            "SELECT * FROM pg_class VERSIONS BETWEEN SCN 1 AND 2",
            "0A000",
        ),
    ] {
        let answer = ask(&mut c, sql, ());
        assert!(answer.starts_with(code), "{sql}\n{answer}");
    }
}

#[test]
fn versions_cross_changes_of_the_table() {
    let mut c = connect();
    run(
        &mut c,
        "CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (1, 10), (2, 20)",
    );
    run(&mut c, "ALTER TABLE t ADD COLUMN c int DEFAULT 5");
    let typed = run(&mut c, "ALTER TABLE t ALTER b TYPE text USING b::text");
    let updated = run(&mut c, "UPDATE t SET b = 'x' WHERE a = 1");
    let emptied = run(&mut c, "TRUNCATE t");
    let again = run(&mut c, "INSERT INTO t VALUES (1, 'y', 6)");
    let sql = "SELECT a, b, c, versions_operation, versions_startscn FROM t VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE ORDER BY a, versions_startscn";
    let first = 3;
    assert_eq!(
        both(&mut c, sql),
        format!(
            "1|10|5|I|{first}; 1|x|5|U|{updated}; 1|x|5|D|{emptied}; 1|y|6|I|{again}; 2|20|5|I|{first}; 2|20|5|D|{emptied}"
        )
    );
    let _ = typed;
}
