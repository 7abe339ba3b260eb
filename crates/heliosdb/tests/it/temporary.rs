//! Temporary tables belong to one session, and to nobody after it, however it ends.

use std::path::Path;

use helios_testkit::Scratch;
use heliosdb::{Connection, Database, Error};

fn count(connection: &mut Connection, sql: &str) -> i64 {
    connection.query_row(sql, ()).unwrap().get(0).unwrap()
}

fn failure(connection: &mut Connection, sql: &str) -> String {
    match connection.execute(sql, ()) {
        Err(error) => error.sqlstate().to_string(),
        Ok(_) => panic!("no error: {sql}"),
    }
}

const LEFT: &str = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                    WHERE n.nspname LIKE 'pg_temp%'";

#[test]
fn sessions_do_not_see_each_others() -> Result<(), Error> {
    let database = Database::open_in_memory()?;
    let (mut one, mut two) = (database.connect()?, database.connect()?);
    one.execute_batch("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2), (3)")?;
    one.execute_batch("CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1)")?;
    two.execute_batch("CREATE TEMP TABLE only_two (a int)")?;
    // The same text is planned apart for each.
    for _ in 0..3 {
        assert_eq!(count(&mut one, "SELECT count(*) FROM t"), 1);
        assert_eq!(count(&mut two, "SELECT count(*) FROM t"), 3);
    }
    assert_eq!(failure(&mut one, "SELECT * FROM only_two"), "42P01");
    let schema: String = one
        .query_row(
            "SELECT nspname::text FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid \
             WHERE relname = 'only_two'",
            (),
        )?
        .get(0)?;
    let foreign = format!("SELECT * FROM {schema}.only_two");
    assert_eq!(failure(&mut one, &foreign), "0A000");
    let foreign = format!("INSERT INTO {schema}.only_two VALUES (1)");
    assert_eq!(failure(&mut one, &foreign), "0A000");
    let foreign = format!("CREATE TABLE {schema}.mine (a int)");
    assert_eq!(failure(&mut one, &foreign), "42P16");
    drop(two);
    assert_eq!(count(&mut one, LEFT), 1);
    drop(one);
    let mut three = database.connect()?;
    assert_eq!(count(&mut three, LEFT), 0);
    assert_eq!(count(&mut three, "SELECT count(*) FROM t"), 3);
    Ok(())
}

#[test]
fn prepared_statements_notice_new_ones() -> Result<(), Error> {
    let database = Database::open_in_memory()?;
    let mut connection = database.connect()?;
    connection.execute_batch("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2)")?;
    let statement = connection.prepare("SELECT count(*) FROM t")?;
    let read = |connection: &mut Connection| -> Result<i64, Error> {
        connection.query_row(&statement, ())?.get(0)
    };
    assert_eq!(read(&mut connection)?, 2);
    connection.execute_batch("CREATE TEMP TABLE t (a int)")?;
    assert_eq!(read(&mut connection)?, 0);
    connection.execute_batch("DROP TABLE t")?;
    assert_eq!(read(&mut connection)?, 2);
    Ok(())
}

#[test]
fn branches_made_meanwhile_lose_them_too() -> Result<(), Error> {
    let database = Database::open_in_memory()?;
    let mut one = database.connect()?;
    one.execute_batch("CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1)")?;
    one.execute_batch("CREATE DATABASE BRANCH child; USE BRANCH child")?;
    one.execute_batch("INSERT INTO t VALUES (2)")?;
    assert_eq!(count(&mut one, "SELECT count(*) FROM t"), 2);
    one.execute_batch("USE BRANCH main")?;
    assert_eq!(count(&mut one, "SELECT count(*) FROM t"), 1);
    drop(one);
    let mut two = database.connect()?;
    assert_eq!(count(&mut two, LEFT), 0);
    two.execute_batch("USE BRANCH child")?;
    assert_eq!(count(&mut two, LEFT), 0);
    Ok(())
}

/// A crash is a copy of the files while sessions live.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[test]
fn a_crash_leaves_none() -> Result<(), Error> {
    let scratch = Scratch::new();
    let database = Database::open(scratch.join("db"))?;
    let mut one = database.connect()?;
    one.execute_batch("CREATE TABLE kept (a int)")?;
    one.execute_batch("CREATE DATABASE BRANCH other")?;
    one.execute_batch("CREATE TEMP TABLE t (a serial PRIMARY KEY); CREATE TEMP VIEW v AS TABLE t")?;
    one.execute_batch("USE BRANCH other")?;
    one.execute_batch("CREATE TEMP TABLE t2 (a int)")?;
    assert!(count(&mut one, LEFT) > 0);
    copy(&scratch.join("db"), &scratch.join("copy")).unwrap();
    let again = Database::open(scratch.join("copy"))?;
    let mut two = again.connect()?;
    assert_eq!(count(&mut two, LEFT), 0);
    assert_eq!(count(&mut two, "SELECT count(*) FROM kept"), 0);
    two.execute_batch("USE BRANCH other")?;
    assert_eq!(count(&mut two, LEFT), 0);
    let report = again.check()?;
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    Ok(())
}
