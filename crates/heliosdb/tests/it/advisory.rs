//! Advisory locks between sessions: waiting, giving back, deadlocks, timeouts.

use std::thread;
use std::time::Duration;

use heliosdb::{Connection, Database, Error};

fn truth(connection: &mut Connection, sql: &str) -> bool {
    connection.query_row(sql, ()).unwrap().get(0).unwrap()
}

fn run(connection: &mut Connection, sql: &str) -> Result<(), Error> {
    connection.query_row(sql, ()).map(drop)
}

#[test]
fn locks_are_of_sessions() -> Result<(), Error> {
    let database = Database::open_in_memory()?;
    let (mut one, mut two) = (database.connect()?, database.connect()?);
    run(&mut one, "SELECT pg_advisory_lock(1)")?;
    assert!(!truth(&mut two, "SELECT pg_try_advisory_lock(1)"));
    assert!(!truth(&mut two, "SELECT pg_try_advisory_lock_shared(1)"));
    assert!(!truth(&mut two, "SELECT pg_advisory_unlock(1)"));
    assert!(truth(&mut two, "SELECT pg_try_advisory_lock(0, 1)"));
    assert!(truth(&mut one, "SELECT pg_try_advisory_lock(1)"));
    assert!(truth(&mut one, "SELECT pg_advisory_unlock(1)"));
    assert!(!truth(&mut two, "SELECT pg_try_advisory_lock(1)"));
    assert!(truth(&mut one, "SELECT pg_advisory_unlock(1)"));
    assert!(truth(&mut two, "SELECT pg_try_advisory_lock_shared(1)"));
    assert!(truth(&mut one, "SELECT pg_try_advisory_lock_shared(1)"));
    assert!(!truth(&mut one, "SELECT pg_try_advisory_lock(1)"));
    run(&mut one, "SELECT pg_advisory_unlock_all()")?;
    drop(two);
    assert!(truth(&mut one, "SELECT pg_try_advisory_lock(1)"));
    assert!(truth(&mut one, "SELECT pg_try_advisory_lock(0, 1)"));
    Ok(())
}

#[test]
fn transactions_give_theirs_back() -> Result<(), Error> {
    let database = Database::open_in_memory()?;
    let (mut one, mut two) = (database.connect()?, database.connect()?);
    for end in ["COMMIT", "ROLLBACK"] {
        one.execute_batch("BEGIN")?;
        run(&mut one, "SELECT pg_advisory_xact_lock(1)")?;
        one.execute_batch("SAVEPOINT s")?;
        run(&mut one, "SELECT pg_advisory_xact_lock(2)")?;
        one.execute_batch("ROLLBACK TO s")?;
        assert!(truth(&mut two, "SELECT pg_try_advisory_lock(2)"));
        assert!(!truth(&mut two, "SELECT pg_try_advisory_lock(1)"));
        one.execute_batch(end)?;
        assert!(truth(&mut two, "SELECT pg_try_advisory_lock(1)"));
        run(&mut two, "SELECT pg_advisory_unlock_all()")?;
    }
    Ok(())
}

#[test]
fn who_waits_gets_it() -> Result<(), Error> {
    let database = Database::open_in_memory()?;
    let (mut one, mut two) = (database.connect()?, database.connect()?);
    run(&mut one, "SELECT pg_advisory_lock(1)")?;
    let waiter = thread::spawn(move || run(&mut two, "SELECT pg_advisory_lock(1)").map(|()| two));
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";
    while !truth(&mut one, waits) {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(truth(&mut one, "SELECT pg_advisory_unlock(1)"));
    let two = waiter.join().unwrap()?;
    assert!(!truth(&mut one, "SELECT pg_try_advisory_lock(1)"));
    drop(two);
    assert!(truth(&mut one, "SELECT pg_try_advisory_lock(1)"));
    Ok(())
}

#[test]
fn waiting_ends() -> Result<(), Error> {
    let database = Database::open_in_memory()?;
    let (mut one, mut two) = (database.connect()?, database.connect()?);
    run(&mut one, "SELECT pg_advisory_lock(1)")?;
    two.execute_batch("SET lock_timeout = '20ms'")?;
    let late = run(&mut two, "SELECT pg_advisory_lock(1)").unwrap_err();
    assert_eq!(late.sqlstate().as_str(), "55P03");
    two.execute_batch("RESET lock_timeout; SET statement_timeout = '20ms'")?;
    let late = run(&mut two, "SELECT pg_advisory_lock(1)").unwrap_err();
    assert_eq!(late.sqlstate().as_str(), "57014");
    Ok(())
}

#[test]
fn circles_are_broken() -> Result<(), Error> {
    let database = Database::open_in_memory()?;
    let (mut one, mut two) = (database.connect()?, database.connect()?);
    run(&mut one, "SELECT pg_advisory_lock(1)")?;
    run(&mut two, "SELECT pg_advisory_lock(2)")?;
    let waiter = thread::spawn(move || run(&mut two, "SELECT pg_advisory_lock(1)"));
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)";
    while !truth(&mut one, waits) {
        thread::sleep(Duration::from_millis(1));
    }
    let circle = run(&mut one, "SELECT pg_advisory_lock(2)").unwrap_err();
    assert_eq!(circle.sqlstate().as_str(), "40P01");
    drop(one);
    waiter.join().unwrap()
}
