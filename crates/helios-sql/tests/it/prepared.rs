//! Prepared lookups by key, and settings that act at once.

use std::time::{Duration, Instant};

use helios_base::{Result, Value};
use helios_sql::{Engine, EngineOptions, Outcome, Prepared, Session, SessionOptions};

fn engine(setup: &str) -> Result<Engine> {
    let engine = Engine::open_in_memory(EngineOptions::default())?;
    session(&engine)?.run_script(setup)?.finish()?;
    Ok(engine)
}

fn session(engine: &Engine) -> Result<Session> {
    engine.session(SessionOptions::default())
}

fn found(
    session: &mut Session,
    statement: &std::sync::Arc<Prepared>,
    key: Value,
) -> Result<Vec<Vec<Value>>> {
    match session.run(statement, &[key])? {
        Outcome::Rows(mut rows) => rows.collect_rows(),
        other => panic!("no rows: {other:?}"),
    }
}

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, name text);
                     INSERT INTO t VALUES (1, 'one'), (2, 'two')";

// Guards against a short way that sees another state than the long one would.
#[test]
fn lookups_see_what_their_statement_sees() -> Result<()> {
    let engine = engine(TABLE)?;
    let (mut one, mut other) = (session(&engine)?, session(&engine)?);
    let lookup = one.prepare("SELECT name FROM t WHERE id = $1")?;
    let name = |text: &str| vec![vec![Value::text(text)]];
    assert_eq!(found(&mut one, &lookup, Value::Int8(1))?, name("one"));
    assert_eq!(found(&mut one, &lookup, Value::Int4(2))?, name("two"));
    assert_eq!(
        found(&mut one, &lookup, Value::Int8(3))?,
        Vec::<Vec<Value>>::new()
    );
    assert_eq!(
        found(&mut one, &lookup, Value::Null)?,
        Vec::<Vec<Value>>::new()
    );

    // Own writes, others' commits, and nobody's open work.
    one.run_script("BEGIN; UPDATE t SET name = 'eins' WHERE id = 1")?;
    assert_eq!(found(&mut one, &lookup, Value::Int8(1))?, name("eins"));
    assert_eq!(found(&mut other, &lookup, Value::Int8(1))?, name("one"));
    other.run_script("UPDATE t SET name = 'zwei' WHERE id = 2")?;
    assert_eq!(found(&mut one, &lookup, Value::Int8(2))?, name("zwei"));
    one.run_script("ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ")?;
    assert_eq!(found(&mut one, &lookup, Value::Int8(1))?, name("one"));
    other.run_script("DELETE FROM t WHERE id = 1")?;
    assert_eq!(found(&mut one, &lookup, Value::Int8(1))?, name("one"));
    one.run_script("COMMIT")?;
    assert_eq!(
        found(&mut one, &lookup, Value::Int8(1))?,
        Vec::<Vec<Value>>::new()
    );

    // A failed transaction answers nothing.
    one.run_script("BEGIN")?;
    assert!(one.run_script("SELECT 1 / 0").is_err());
    let error = found(&mut one, &lookup, Value::Int8(2)).expect_err("failed");
    assert_eq!(error.sqlstate().as_str(), "25P02");
    one.run_script("ROLLBACK")?;

    // Changes of the schema, own and committed.
    one.run_script(
        "BEGIN; ALTER TABLE t ALTER COLUMN name SET DEFAULT 'x'; UPDATE t SET name = 'n'",
    )?;
    assert_eq!(found(&mut one, &lookup, Value::Int8(2))?, name("n"));
    one.run_script("COMMIT")?;
    assert_eq!(found(&mut other, &lookup, Value::Int8(2))?, name("n"));
    one.run_script("DROP TABLE t")?;
    let error = found(&mut other, &lookup, Value::Int8(2)).expect_err("dropped");
    assert_eq!(error.sqlstate().as_str(), "42P01");
    Ok(())
}

// Guards against settings that the running transaction does not hear of.
#[test]
fn lock_timeout_acts_at_once() -> Result<()> {
    let engine = engine(TABLE)?;
    let (mut one, mut other) = (session(&engine)?, session(&engine)?);
    one.run_script("BEGIN; UPDATE t SET name = 'eins' WHERE id = 1")?;
    other.run_script("BEGIN; SELECT 1; SET lock_timeout = '10ms'; SAVEPOINT s")?;
    other.run_script("SET lock_timeout = '20ms'")?;
    for _ in 0..2 {
        let started = Instant::now();
        let error = other
            .run_script("UPDATE t SET name = 'uno' WHERE id = 1")
            .map(drop)
            .expect_err("locked");
        assert_eq!(error.sqlstate().as_str(), "55P03");
        assert!(started.elapsed() < Duration::from_secs(5));
        // The savepoint has the shorter limit, not none.
        other.run_script("ROLLBACK TO SAVEPOINT s")?;
    }
    other.run_script("ROLLBACK; SET lock_timeout = 0")?;
    Ok(())
}

// Guards against a text that is remembered with the columns or types of another time.
#[test]
fn texts_that_come_again_mean_what_they_say_now() -> Result<()> {
    let engine = engine(TABLE)?;
    let (mut one, mut other) = (session(&engine)?, session(&engine)?);
    let sql = "SELECT * FROM t WHERE id = $1";
    let width = |session: &mut Session| -> Result<usize> {
        let prepared = session.prepare_once(sql, &[Value::Int8(1)])?;
        let rows = found(session, &prepared, Value::Int8(1))?;
        Ok(rows.first().map_or(0, Vec::len))
    };
    assert_eq!((width(&mut one)?, width(&mut one)?), (2, 2));
    other.run_script("ALTER TABLE t ADD COLUMN more int")?;
    assert_eq!((width(&mut one)?, width(&mut one)?), (3, 3));
    // A text that was remembered just before the change, and runs after it.
    let before = one.prepare_once(sql, &[Value::Int8(1)])?;
    other.run_script("ALTER TABLE t DROP COLUMN more")?;
    let rows = found(&mut one, &before, Value::Int8(1))?;
    assert_eq!(rows.first().map(Vec::len), Some(2));
    one.run_script("BEGIN; ALTER TABLE t ADD COLUMN own int")?;
    assert_eq!(width(&mut one)?, 3);
    one.run_script("ROLLBACK")?;
    assert_eq!(width(&mut one)?, 2);
    assert!(one.prepare_once("SELECT nothing FROM t", &[]).is_err());
    one.run_script("CREATE SCHEMA s; CREATE TABLE s.t (id bigint PRIMARY KEY)")?;
    one.run_script("INSERT INTO s.t VALUES (1); SET search_path = s")?;
    assert_eq!(width(&mut one)?, 1);
    Ok(())
}

// Guards against stable parts that are computed with the wrong row, time or branch of a CASE.
#[test]
fn stable_parts_of_conditions_are_the_statements() -> Result<()> {
    let engine = engine(
        "CREATE TABLE e (id int PRIMARY KEY, at timestamptz, n int);
         INSERT INTO e VALUES (1, now() - interval '1 day', 1), (2, now() + interval '1 day', 2)",
    )?;
    let mut session = session(&engine)?;
    for (sql, expected) in [
        ("SELECT id FROM e WHERE at < now()", 1),
        ("SELECT id FROM e WHERE at > now() - interval '1 hour'", 2),
        (
            "SELECT id FROM (SELECT id, at FROM e OFFSET 0) x WHERE at < statement_timestamp()",
            1,
        ),
        (
            "SELECT id FROM e WHERE CASE WHEN n = 3 THEN current_setting('no.such') = '' ELSE n = 2 END",
            2,
        ),
    ] {
        let prepared = session.prepare(sql)?;
        for _ in 0..2 {
            let rows = match session.run(&prepared, &[])? {
                Outcome::Rows(mut rows) => rows.collect_rows()?,
                other => panic!("no rows: {other:?}"),
            };
            assert_eq!(rows, [[Value::Int4(expected)]], "{sql}");
        }
    }
    Ok(())
}
