//! The size functions tell what is stored, and where sequences stand.

use helios_testkit::Scratch;
use heliosdb::{Connection, Database, Error};

fn number(connection: &mut Connection, sql: &str) -> Option<i64> {
    connection.query_row(sql, ()).unwrap().get(0).unwrap()
}

fn sizes(connection: &mut Connection) -> Result<(), Error> {
    connection.execute_batch(
        "CREATE TABLE t (id int PRIMARY KEY, a text, b int); CREATE INDEX t_a ON t (a); \
         CREATE INDEX t_b ON t (b); CREATE SEQUENCE s START 7; CREATE VIEW v AS SELECT 1",
    )?;
    assert_eq!(number(connection, "SELECT pg_table_size('t')"), Some(0));
    assert_eq!(number(connection, "SELECT pg_indexes_size('t')"), Some(0));
    connection
        .execute_batch("INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 500) i")?;
    let mut size = |sql: &str| number(connection, &format!("SELECT {sql}")).unwrap();
    let table = size("pg_table_size('t')");
    let indexes = size("pg_indexes_size('t')");
    assert!(table > 500 * 8, "{table}");
    assert_eq!(size("pg_relation_size('t')"), table);
    assert_eq!(size("pg_relation_size('t', 'main')"), table);
    assert_eq!(
        size("pg_relation_size('t_a') + pg_relation_size('t_b')"),
        indexes
    );
    assert!(size("pg_relation_size('t_a')") > size("pg_relation_size('t_b')"));
    assert_eq!(size("pg_total_relation_size('t')"), table + indexes);
    assert_eq!(size("pg_relation_size('v') + pg_relation_size('s')"), 0);
    assert!(size("pg_database_size(current_database())") > 0);
    let whole = "pg_database_size(oid) FROM pg_database WHERE datname = current_database()";
    assert!(size(whole) > 0);
    for sql in [
        "SELECT pg_database_size('other')",
        "SELECT pg_database_size(4711::oid)",
    ] {
        let error = connection.query_row(sql, ()).map(drop).unwrap_err();
        assert_eq!(error.sqlstate().as_str(), "3D000");
    }
    let last = "SELECT pg_sequence_last_value('s')";
    assert_eq!(number(connection, last), None);
    assert_eq!(number(connection, "SELECT nextval('s')"), Some(7));
    assert_eq!(number(connection, last), Some(7));
    assert_eq!(
        number(connection, "SELECT pg_table_size(4711::oid::regclass)"),
        None
    );
    Ok(())
}

#[test]
fn in_memory() -> Result<(), Error> {
    sizes(&mut Database::open_in_memory()?.connect()?)
}

#[test]
fn on_disk() -> Result<(), Error> {
    let scratch = Scratch::new();
    sizes(&mut Database::open(scratch.path())?.connect()?)
}
