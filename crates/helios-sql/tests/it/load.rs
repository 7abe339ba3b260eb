//! Rows in bulk: COPY through the client's reader and writer, and the appender.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use helios_base::{Result, Value};
use helios_sql::{Engine, EngineOptions, Session, SessionOptions};

fn session(setup: &str) -> Result<Session> {
    let engine = Engine::open_in_memory(EngineOptions::default())?;
    let mut session = engine.session(SessionOptions::default())?;
    session.run_script(setup)?.finish()?;
    Ok(session)
}

fn copy_in(session: &mut Session, sql: &str, data: &str) -> Result<Option<u64>> {
    session.set_copy_input(Some(Box::new(Cursor::new(data.to_owned()))));
    Ok(session.run_script(sql)?.finish()?.rows)
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("not poisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn copy_out(session: &mut Session, sql: &str) -> Result<String> {
    let sink = Sink::default();
    session.set_copy_output(Some(Box::new(sink.clone())));
    session.run_script(sql)?.finish()?;
    let bytes = sink.0.lock().expect("not poisoned").clone();
    Ok(String::from_utf8(bytes).expect("text"))
}

#[test]
fn copy_goes_round() -> Result<()> {
    let mut session =
        session("CREATE TABLE t (id int PRIMARY KEY, name text, n numeric(6,2) DEFAULT 1)")?;
    assert_eq!(
        copy_in(
            &mut session,
            "COPY t FROM STDIN",
            "1\ta\\tb\t2.5\n2\t\\N\t3\n"
        )?,
        Some(2)
    );
    assert_eq!(
        copy_in(
            &mut session,
            "COPY t (id, name) FROM STDIN (FORMAT csv, HEADER)",
            "id,name\n3,\"x,\"\"y\"\n"
        )?,
        Some(1)
    );
    assert_eq!(
        copy_out(&mut session, "COPY t TO STDOUT")?,
        "1\ta\\tb\t2.50\n2\t\\N\t3.00\n3\tx,\"y\t1.00\n"
    );
    assert_eq!(
        copy_out(
            &mut session,
            "COPY (SELECT id, name FROM t WHERE id > 1 ORDER BY id) TO STDOUT (FORMAT csv, HEADER)"
        )?,
        "id,name\n2,\n3,\"x,\"\"y\"\n"
    );
    Ok(())
}

#[test]
fn a_bad_line_is_named_and_nothing_stays() -> Result<()> {
    let mut session = session("CREATE TABLE t (id int PRIMARY KEY, n int)")?;
    let error =
        copy_in(&mut session, "COPY t FROM STDIN", "1\t1\n2\tx\n").expect_err("x is no number");
    assert_eq!(error.sqlstate().as_str(), "22P02");
    assert_eq!(error.context(), Some("COPY t, line 2, column n: \"x\""));
    let error =
        copy_in(&mut session, "COPY t FROM STDIN", "1\t1\n1\t2\n").expect_err("a duplicate");
    assert_eq!(error.detail(), Some("Key (id)=(1) already exists."));
    assert_eq!(error.context(), Some("COPY t, line 2: \"1\t2\""));
    assert_eq!(copy_out(&mut session, "COPY t TO STDOUT")?, "");
    Ok(())
}

#[test]
fn appended_rows_get_defaults_and_checks() -> Result<()> {
    let mut session =
        session("CREATE TABLE t (id int PRIMARY KEY, name text, n int DEFAULT 7 CHECK (n > 0))")?;
    let mut appender = session.appender("t", &["id", "name"])?;
    for id in 0..10_000 {
        appender.append(vec![Value::Int4(id), Value::text("row")])?;
    }
    assert_eq!(appender.finish()?, 10_000);
    assert_eq!(
        copy_out(
            &mut session,
            "COPY (SELECT count(*), sum(n) FROM t) TO STDOUT"
        )?,
        "10000\t70000\n"
    );
    let mut appender = session.appender("t", &["id", "n"])?;
    appender.append(vec![Value::Int4(20_000), Value::Int4(1)])?;
    appender.append(vec![Value::Int4(20_001), Value::Int4(-1)])?;
    let error = appender.finish().expect_err("the check refuses");
    assert_eq!(error.sqlstate().as_str(), "23514");
    assert_eq!(
        copy_out(&mut session, "COPY (SELECT count(*) FROM t) TO STDOUT")?,
        "10000\n"
    );
    Ok(())
}
