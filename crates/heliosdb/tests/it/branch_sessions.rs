//! Guards what happens to sessions whose branch is dropped, renamed or made read-only by another one.

use heliosdb::{Connection, Database, Error};

fn two_on_dev() -> (Connection, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut owner = database.connect().unwrap();
    for sql in [
        "CREATE TABLE t (id int PRIMARY KEY)",
        "CREATE BRANCH dev",
        "CREATE BRANCH child FROM dev",
    ] {
        owner.execute(sql, ()).unwrap();
    }
    let mut user = database.connect().unwrap();
    user.execute("USE BRANCH dev", ()).unwrap();
    (owner, user)
}

fn run(connection: &mut Connection, sql: &str) {
    connection
        .execute(sql, ())
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn refused(connection: &mut Connection, sql: &str) -> Error {
    connection.execute(sql, ()).expect_err(sql)
}

fn text(connection: &mut Connection, sql: &str) -> String {
    connection.query_row(sql, ()).unwrap().get(0).unwrap()
}

#[test]
fn a_session_leaves_a_branch_that_was_dropped() {
    let (mut owner, mut user) = two_on_dev();
    run(&mut owner, "DROP BRANCH dev CASCADE");
    for sql in [
        "SELECT 1",
        "INSERT INTO t VALUES (1)",
        "CREATE TABLE u (id int)",
        "BEGIN",
        "CREATE BRANCH other",
        "CREATE SNAPSHOT s",
        "MERGE BRANCH main",
    ] {
        let error = refused(&mut user, sql);
        assert_eq!(error.sqlstate().as_str(), "42704", "{sql}");
        assert_eq!(error.message(), "branch \"dev\" does not exist", "{sql}");
    }
    let error = refused(&mut user, "SELECT 1");
    assert_eq!(error.hint(), Some("USE BRANCH main goes on there."));
    run(&mut user, "SHOW search_path");
    run(&mut user, "SET search_path = public");
    // Another branch of that name is another branch.
    run(&mut owner, "CREATE BRANCH dev");
    refused(&mut user, "SELECT 1");
    run(&mut user, "USE BRANCH dev");
    run(&mut user, "INSERT INTO t VALUES (1)");
    run(&mut owner, "DROP BRANCH dev");
    run(&mut user, "DISCARD ALL");
    assert_eq!(text(&mut user, "SELECT helios_branch()"), "main");
}

#[test]
fn a_cascade_drops_all_or_nothing() {
    let (mut owner, mut user) = two_on_dev();
    run(&mut user, "BEGIN");
    run(&mut user, "SELECT * FROM t");
    let error = refused(&mut owner, "DROP BRANCH dev CASCADE");
    assert_eq!(error.sqlstate().as_str(), "55006");
    assert_eq!(
        error.message(),
        "branch \"dev\" is used by running transactions"
    );
    let branches = "SELECT count(*)::text FROM helios_branches()";
    assert_eq!(text(&mut owner, branches), "3");
    run(&mut user, "COMMIT");
    run(&mut owner, "DROP BRANCH dev CASCADE");
    assert_eq!(text(&mut owner, branches), "1");
}

#[test]
fn a_session_knows_what_its_branch_is_called_now() {
    let (mut owner, mut user) = two_on_dev();
    run(&mut user, "BEGIN");
    run(&mut user, "INSERT INTO t VALUES (1)");
    run(&mut owner, "ALTER BRANCH dev RENAME TO next");
    assert_eq!(text(&mut user, "SELECT helios_branch()"), "next");
    run(&mut user, "COMMIT");
    let count = "SELECT count(*)::text FROM t AS OF BRANCH next";
    assert_eq!(text(&mut owner, count), "1");
}

#[test]
fn nothing_is_committed_to_a_branch_that_was_made_read_only() {
    let (mut owner, mut user) = two_on_dev();
    run(&mut user, "BEGIN");
    run(&mut user, "INSERT INTO t VALUES (1)");
    run(&mut owner, "ALTER BRANCH dev SET READ_ONLY");
    let error = refused(&mut user, "COMMIT");
    assert_eq!(error.sqlstate().as_str(), "25006");
    assert_eq!(error.message(), "branch \"dev\" is read-only");
    assert_eq!(text(&mut user, "SELECT count(*)::text FROM t"), "0");
    run(&mut owner, "ALTER BRANCH dev SET WRITABLE");
    run(&mut user, "INSERT INTO t VALUES (1)");
}

#[test]
fn discard_all_returns_to_the_branch_of_the_connection() {
    let (_owner, mut user) = two_on_dev();
    run(&mut user, "DISCARD ALL");
    assert_eq!(text(&mut user, "SELECT helios_branch()"), "main");
}
