//! Several sessions on the same rows.

use std::sync::Barrier;
use std::thread;

use helios_base::{Result, Value};
use helios_sql::{Engine, EngineOptions, Outcome, Session, SessionOptions};

fn engine(setup: &str) -> Result<Engine> {
    let engine = Engine::open_in_memory(EngineOptions::default())?;
    session(&engine)?.run_script(setup)?.finish()?;
    Ok(engine)
}

fn session(engine: &Engine) -> Result<Session> {
    engine.session(SessionOptions::default())
}

fn number(session: &mut Session, sql: &str) -> Result<i64> {
    let mut rows = match session.run_script(sql)? {
        Outcome::Rows(rows) => rows,
        other => panic!("no rows: {other:?}"),
    };
    match rows.next_row()?.and_then(|row| row.into_iter().next()) {
        Some(Value::Int8(n)) => Ok(n),
        Some(Value::Int4(n)) => Ok(i64::from(n)),
        other => panic!("no number: {other:?}"),
    }
}

#[test]
fn updates_of_one_row_are_not_lost() -> Result<()> {
    let engine = engine("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)")?;
    let (threads, rounds) = (4, 50);
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut session = session(&engine).expect("a session");
                let add = session
                    .prepare("UPDATE t SET n = n + $1 WHERE id = 1")
                    .expect("an update");
                start.wait();
                for _ in 0..rounds {
                    session
                        .run(&add, &[Value::Int4(1)])
                        .and_then(Outcome::finish)
                        .expect("no conflict at READ COMMITTED");
                }
            });
        }
    });
    let total = number(&mut session(&engine)?, "SELECT n FROM t")?;
    assert_eq!(total, (threads * rounds) as i64);
    Ok(())
}

#[test]
fn a_changed_row_is_looked_at_again() -> Result<()> {
    let engine = engine(
        "CREATE TABLE t (id int PRIMARY KEY, state text);
         INSERT INTO t VALUES (1, 'open'), (2, 'open')",
    )?;
    let mut first = session(&engine)?;
    first
        .run_script("BEGIN; UPDATE t SET state = 'done' WHERE id = 1")?
        .finish()?;
    let waiting = thread::spawn({
        let mut second = session(&engine)?;
        move || {
            second
                .run_script("UPDATE t SET state = 'late' WHERE state = 'open'")?
                .finish()
        }
    });
    thread::sleep(std::time::Duration::from_millis(50));
    first.run_script("COMMIT")?.finish()?;
    let done = waiting.join().expect("no panic")?;
    assert_eq!(done.rows, Some(1), "row 1 is no longer open");
    Ok(())
}

#[test]
fn a_waiting_statement_can_be_cancelled() -> Result<()> {
    let engine = engine("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)")?;
    let mut first = session(&engine)?;
    first.run_script("BEGIN; UPDATE t SET n = 1")?.finish()?;
    let mut second = session(&engine)?;
    let handle = second.cancel_handle();
    let waiting = thread::spawn(move || {
        let result = second.run_script("UPDATE t SET n = 2").map(drop);
        (second, result)
    });
    thread::sleep(std::time::Duration::from_millis(50));
    handle.cancel();
    let (mut second, result) = waiting.join().expect("no panic");
    let error = result.expect_err("cancelled");
    assert_eq!(error.sqlstate().as_str(), "57014");
    assert_eq!(error.message(), "canceling statement due to user request");
    second.run_script("SET statement_timeout = 20")?;
    let error = second
        .run_script("UPDATE t SET n = 3")
        .map(drop)
        .expect_err("too long");
    assert_eq!(
        error.message(),
        "canceling statement due to statement timeout"
    );
    first.run_script("ROLLBACK")?.finish()?;
    second
        .run_script("SET statement_timeout = 0; UPDATE t SET n = 4")?
        .finish()?;
    assert_eq!(number(&mut second, "SELECT n FROM t")?, 4);
    Ok(())
}

#[test]
fn idle_transactions_end() -> Result<()> {
    let engine = engine("CREATE TABLE t (id int PRIMARY KEY)")?;
    let mut idle = session(&engine)?;
    idle.run_script(
        "SET idle_in_transaction_session_timeout = 20; BEGIN; INSERT INTO t VALUES (1)",
    )?;
    thread::sleep(std::time::Duration::from_millis(200));
    let error = idle.run_script("SELECT 1").map(drop).expect_err("it ended");
    assert_eq!(error.sqlstate().as_str(), "25P03");
    assert_eq!(number(&mut idle, "SELECT count(*) FROM t")?, 0);
    Ok(())
}

#[test]
fn rows_being_read_can_be_cancelled() -> Result<()> {
    let engine = Engine::open_in_memory(EngineOptions::default())?;
    let mut session = session(&engine)?;
    session.run_script("SET executor = row")?;
    let handle = session.cancel_handle();
    let outcome = session.run_script("SELECT * FROM generate_series(1, 1000000)")?;
    let mut rows = outcome.into_rows().expect("rows");
    rows.next_row()?;
    handle.cancel();
    let error = rows.collect_rows().expect_err("cancelled");
    assert_eq!(error.sqlstate().as_str(), "57014");
    assert_eq!(number(&mut session, "SELECT 1")?, 1);
    Ok(())
}
