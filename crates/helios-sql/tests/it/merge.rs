//! `MERGE` while others write the same rows.

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

fn rows(session: &mut Session, sql: &str) -> Result<Vec<Vec<Value>>> {
    match session.run_script(sql)? {
        Outcome::Rows(mut rows) => rows.collect_rows(),
        other => panic!("no rows: {other:?}"),
    }
}

#[test]
fn merges_into_one_row_are_not_lost() -> Result<()> {
    let engine = engine("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)")?;
    let (threads, rounds) = (4, 50);
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut session = session(&engine).expect("a session");
                let add = session
                    .prepare(
                        "MERGE INTO t USING (VALUES (1, $1::int)) AS s(id, n) ON t.id = s.id \
                         WHEN MATCHED THEN UPDATE SET n = t.n + s.n \
                         WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.n)",
                    )
                    .expect("a merge");
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
    let total = rows(&mut session(&engine)?, "SELECT n FROM t")?;
    assert_eq!(total, [[Value::Int4(200)]]);
    Ok(())
}

/// What a merge that waits for `change` leaves behind.
fn after(change: &str, merge: &str) -> Result<Vec<Vec<Value>>> {
    let engine = engine(
        "CREATE TABLE t (id int PRIMARY KEY, k int, n int); \
         INSERT INTO t VALUES (1, 1, 10), (2, 2, 20)",
    )?;
    let mut first = session(&engine)?;
    first.run_script("BEGIN")?.finish()?;
    first.run_script(change)?.finish()?;
    thread::scope(|scope| {
        let second = scope.spawn(|| session(&engine)?.run_script(merge)?.finish());
        // The merge has to reach the lock; if it does not in time, the outcome is the same.
        thread::sleep(std::time::Duration::from_millis(200));
        first.run_script("COMMIT")?.finish()?;
        second.join().expect("no panic").map(|_| ())
    })?;
    rows(&mut session(&engine)?, "SELECT id, k, n FROM t ORDER BY id")
}

fn row(id: i32, k: i32, n: i32) -> Vec<Value> {
    [id, k, n].map(Value::Int4).to_vec()
}

#[test]
fn conditions_are_looked_at_again() -> Result<()> {
    let merge = "MERGE INTO t USING (VALUES (1)) AS s(k) ON t.k = s.k \
                 WHEN MATCHED AND t.n > 50 THEN DELETE \
                 WHEN MATCHED THEN UPDATE SET n = t.n + 1 \
                 WHEN NOT MATCHED THEN INSERT VALUES (9, s.k, 0)";
    let small = after("UPDATE t SET n = 11 WHERE id = 1", merge)?;
    assert_eq!(small, [row(1, 1, 12), row(2, 2, 20)]);
    let large = after("UPDATE t SET n = 99 WHERE id = 1", merge)?;
    assert_eq!(large, [row(2, 2, 20)]);
    let parted = after("UPDATE t SET k = 5 WHERE id = 1", merge)?;
    assert_eq!(parted, [row(1, 5, 10), row(2, 2, 20), row(9, 1, 0)]);
    let gone = after("DELETE FROM t WHERE id = 1", merge)?;
    assert_eq!(gone, [row(2, 2, 20), row(9, 1, 0)]);
    Ok(())
}

#[test]
fn a_row_that_parted_is_one_without_source() -> Result<()> {
    let merge = "MERGE INTO t USING (VALUES (1), (2)) AS s(k) ON t.k = s.k \
                 WHEN MATCHED THEN UPDATE SET n = t.n + 1 \
                 WHEN NOT MATCHED BY SOURCE THEN UPDATE SET n = -1";
    let parted = after("UPDATE t SET k = 5 WHERE id = 1", merge)?;
    assert_eq!(parted, [row(1, 5, -1), row(2, 2, 21)]);
    Ok(())
}
