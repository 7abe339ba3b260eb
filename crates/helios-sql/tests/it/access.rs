//! Which executor a query gets, and how it reads its tables.

use std::fmt::Write;

use helios_base::{Result, Value};
use helios_sql::{Engine, EngineOptions, Session, SessionOptions};

fn session(setup: &str) -> Result<Session> {
    let engine = Engine::open_in_memory(EngineOptions::default())?;
    let mut session = engine.session(SessionOptions::default())?;
    session.run_script(setup)?.finish()?;
    Ok(session)
}

fn rows(session: &mut Session, sql: &str) -> Result<Vec<Vec<Value>>> {
    let outcome = session.run_script(sql)?;
    let mut rows = outcome.into_rows().expect("a query");
    let rows = rows.collect_rows()?;
    Ok(rows.into_iter().map(|row| row.to_vec()).collect())
}

fn plan(session: &mut Session, sql: &str) -> Result<String> {
    let mut text = String::new();
    for row in rows(session, &format!("explain {sql}"))? {
        match row.first() {
            Some(Value::Text(line)) => writeln!(text, "{line}").expect("memory"),
            other => panic!("a plan's line is {other:?}"),
        }
    }
    Ok(text)
}

/// 20,000 rows; `package` has 4,000 values, `kind` has the common 0 and 100 others.
const DEPENDENCIES: &str = "
    create table dependencies (id int primary key, package text, kind int, size int);
    insert into dependencies
        select i, 'p' || i % 4000, case when i % 10 = 0 then i / 10 % 100 + 1 else 0 end, i
        from generate_series(1, 20000) i;
    create index on dependencies (package);
    create index on dependencies (kind);
    create index on dependencies (size);";

#[test]
fn a_selective_index_is_for_the_row_executor() -> Result<()> {
    let mut session = session(DEPENDENCIES)?;
    let sql = "select count(*) from dependencies where package = 'p7'";
    for _ in 0..2 {
        let plan = plan(&mut session, sql)?;
        assert!(plan.contains("Executor: row"), "{plan}");
        assert!(plan.contains("Index Scan"), "{plan}");
        assert_eq!(rows(&mut session, sql)?, [[Value::Int8(5)]]);
        session.run_script("analyze dependencies")?.finish()?;
    }
    Ok(())
}

#[test]
fn statistics_tell_a_common_value_and_a_wide_range() -> Result<()> {
    let mut session = session(DEPENDENCIES)?;
    session.run_script("analyze dependencies")?.finish()?;
    let by_index = [
        ("kind = 0", false),
        ("kind = 7", true),
        ("kind in (7, 8)", true),
        ("kind in (0, 8)", false),
        ("size > 100", false),
        ("size > 19900", true),
        ("size between 500 and 600", true),
        ("size between 500 and 19600", false),
    ];
    for (condition, expected) in by_index {
        let sql = format!("select count(*) from dependencies where {condition}");
        let plan = plan(&mut session, &sql)?;
        assert_eq!(plan.contains("Executor: row"), expected, "{sql}\n{plan}");
    }
    Ok(())
}

#[test]
fn a_cross_join_of_few_rows_each_runs_by_rows() -> Result<()> {
    let mut session = session("create table t0 ()")?;
    for t in 1..=8 {
        let sql = format!(
            "create table t{t} (a{t} int, b{t} int, x{t} varchar(30));
             insert into t{t} select i, i % 64, 'table t{t} row ' || i from generate_series(1, 128) i"
        );
        session.run_script(&sql)?.finish()?;
    }
    let sql = "select a5, x3, b6 + 765, x1, a8 + b3, a7 * 520
         from t6, t4, t8, t5, t3, t7, t1, t2
        where b4 in (7, 5, 8) and 12 = a2 and b6 in (4, 3, 5, 1) and a7 in (2, 5, 4)
          and 54 = a8 and b5 in (13, 57, 6) and a3 in (7, 3, 4, 33, 61, 64) and 58 = b1";
    let plan = plan(&mut session, sql)?;
    assert!(plan.contains("Executor: row"), "{plan}");
    assert_eq!(rows(&mut session, sql)?.len(), 6 * 8 * 3 * 6 * 6 * 2);
    Ok(())
}
