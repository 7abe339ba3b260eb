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

#[test]
fn joins_in_vectors_build_on_the_smaller_side() -> Result<()> {
    let mut session = session(DEPENDENCIES)?;
    let setup = "
        create table packages (package text primary key, summary text);
        insert into packages select 'p' || i, 'about ' || i from generate_series(0, 5000) i;";
    session.run_script(setup)?.finish()?;
    let sql = "select d.package, count(distinct d.size), p.summary
        from dependencies d join packages p on p.package = d.package
        where d.kind = 0 group by d.package, p.summary";
    session.run_script("analyze")?.finish()?;
    let plan = plan(&mut session, sql)?;
    let build = plan.find("StoredScan: packages");
    let probe = plan.find("StoredScan: dependencies");
    assert!(build.is_some() && build < probe, "{plan}");
    // The filter is asked of the stored rows, and the distinct values are grouped.
    assert!(plan.contains("filter=[kind = 0]"), "{plan}");
    assert!(!plan.contains("DISTINCT"), "{plan}");
    Ok(())
}

#[test]
fn parts_of_a_scan_read_each_row_once_wherever_keys_lie() -> Result<()> {
    let setup = "
        create table t (id bigint primary key, v int);
        insert into t select i, i % 10 from generate_series(1, 200000) i;
        insert into t values (9000000000000000000, 3), (-9000000000000000000, 4);
        set executor = vector;";
    let mut session = session(setup)?;
    let sql = "select count(*), sum(id), count(distinct v) from t where v in (3, 4)";
    let found = rows(&mut session, sql)?;
    session.run_script("set executor = row")?.finish()?;
    assert_eq!(found, rows(&mut session, sql)?);
    assert_eq!(found[0][0], Value::Int8(40_002));
    Ok(())
}

/// Each query is read through the index and answers as without.
fn by_index(session: &mut Session, index: &str, queries: &[&str]) -> Result<()> {
    for sql in queries {
        let plan = plan(session, sql)?;
        assert!(plan.contains(&format!("using {index}")), "{sql}\n{plan}");
        let found = rows(session, sql)?;
        session.run_script("set executor = vector")?.finish()?;
        let wanted = rows(session, sql)?;
        session.run_script("reset executor")?.finish()?;
        assert_eq!(found, wanted, "{sql}");
        assert!(!found.is_empty(), "{sql}");
    }
    Ok(())
}

const PEOPLE: &str = "
    create table people (id int primary key, name text, city varchar(20), born int, active bool);
    insert into people
        select i, 'Name ' || i, case when i % 9 = 0 then null else 'City ' || i % 500 end, i % 1000,
               i % 50 = 0
        from generate_series(1, 20000) i;";

#[test]
fn expression_indexes_are_read() -> Result<()> {
    let mut session = session(PEOPLE)?;
    let setup = "create index lowered on people (lower(name));
        create index summed on people ((born + id) desc, lower(city));";
    session.run_script(setup)?.finish()?;
    let queries = [
        "select id from people where lower(name) = 'name 77'",
        "select id from people where lower(name) in ('name 77', 'name 78') order by id",
        "select id from people where lower(name) = 'name 77' and born > 5",
    ];
    by_index(&mut session, "lowered", &queries)?;
    let queries = [
        "select id from people where born + id = 4000 and lower(city) = 'city 0'",
        "select id from people order by born + id desc, lower(city) limit 1",
        "select id from people order by born + id desc, id limit 1",
    ];
    by_index(&mut session, "summed", &queries[..2])?;
    assert!(!plan(&mut session, queries[2])?.contains("using summed"));
    // Another expression is not this one.
    let plan = plan(
        &mut session,
        "select id from people where upper(name) = 'NAME 77'",
    )?;
    assert!(!plan.contains("using"), "{plan}");
    Ok(())
}

#[test]
fn partial_indexes_are_read_where_the_query_implies_them() -> Result<()> {
    let mut session = session(PEOPLE)?;
    let setup = "create index living on people (born) where active;
        create unique index early on people (name) where born >= 10 and born < 20;
        create index somewhere on people (city) where city is not null;
        analyze people;";
    session.run_script(setup)?.finish()?;
    let living = [
        "select id from people where active and born = 50 order by id",
        "select count(*) from people where active",
        "select id from people where born between 100 and 150 and active order by id",
    ];
    by_index(&mut session, "living", &living)?;
    let early = [
        "select id from people where name = 'Name 1012' and born = 12",
        "select id from people where name = 'Name 1012' and born in (12, 15)",
        "select id from people where name = 'Name 1012' and born > 10 and born <= 19",
    ];
    by_index(&mut session, "early", &early)?;
    by_index(
        &mut session,
        "somewhere",
        &["select id from people where city = 'City 77' order by id"],
    )?;
    for sql in [
        "select id from people where born = 50",
        "select id from people where not active and born = 50",
        "select id from people where name = 'Name 1012' and born > 9 and born < 20",
        "select id from people where name = 'Name 1012' and born in (12, 20)",
        "select id from people where city is null and born = 7",
    ] {
        let plan = plan(&mut session, sql)?;
        assert!(!plan.contains("using"), "{sql}\n{plan}");
    }
    Ok(())
}

#[test]
fn the_first_rows_of_an_order_come_from_an_index() -> Result<()> {
    let mut session = session(PEOPLE)?;
    let setup = "create index youngest on people (born desc, id);
        create index cities on people (city, born desc);";
    session.run_script(setup)?.finish()?;
    let queries = [
        "select id, born from people order by born desc, id limit 5",
        "select id, born from people order by born desc nulls first, id limit 5 offset 3",
        "select id from people order by born nulls last, id desc limit 5",
        "select born * 2, id from people where id % 2 = 0 order by born desc, id limit 7",
    ];
    by_index(&mut session, "youngest", &queries[..2])?;
    by_index(&mut session, "youngest", &queries[3..])?;
    by_index(&mut session, "youngest", &queries[2..3])?;
    let cities = ["select city, born from people where city = 'City 3' order by born desc limit 5"];
    by_index(&mut session, "cities", &cities)?;
    let plan = plan(&mut session, "select id from people order by born desc, id")?;
    assert!(!plan.contains("using"), "{plan}");
    Ok(())
}

#[test]
fn vectors_read_selective_indexes() -> Result<()> {
    let mut session = session(PEOPLE)?;
    let setup = "create index cities on people (city, born desc);
        create index births on people (born);
        create index living on people (born, name) where active;
        analyze people;
        set executor = vector;
        update people set city = 'City 3' where id % 1000 = 1;
        delete from people where id % 700 = 3;";
    session.run_script(setup)?.finish()?;
    for (sql, index) in [
        (
            "select id, name from people where city = 'City 3' order by id",
            "cities",
        ),
        (
            "select count(*), min(id) from people where city in ('City 3', 'City 4') and born < 300",
            "cities",
        ),
        (
            "select sum(id) from people where born between 7 and 9 and id > 100",
            "births",
        ),
        (
            "select id from people where born = any (array[5, 6]) and name > 'Name 5' order by id desc",
            "",
        ),
        (
            "select id from people where active and born in (50, 100) order by id",
            "living",
        ),
        (
            "select a.id, b.id from people a join people b on a.id = b.id + 1 where a.city = 'City 9' order by 1",
            "cities",
        ),
        (
            "select count(*) from people where born = 70000000000",
            "births",
        ),
        (
            "select count(*) from people where city = 'nowhere'",
            "cities",
        ),
        ("select count(*) from people where born > 5", ""),
    ] {
        let plan = plan(&mut session, sql)?;
        let wanted = format!("index={index}");
        assert!(index.is_empty() || plan.contains(&wanted), "{sql}\n{plan}");
        let found = rows(&mut session, sql)?;
        session.run_script("set executor = row")?.finish()?;
        assert_eq!(found, rows(&mut session, sql)?, "{sql}");
        session.run_script("set executor = vector")?.finish()?;
    }
    // Own writes and older snapshots are seen through the index as well.
    let setup = "begin; insert into people values (100000, 'new', 'City 3', 1, true);
        update people set city = 'City 3' where id = 2;
        delete from people where id = 1001;";
    session.run_script(setup)?.finish()?;
    let sql = "select id from people where city = 'City 3' order by id";
    let found = rows(&mut session, sql)?;
    session.run_script("set executor = row")?.finish()?;
    assert_eq!(found, rows(&mut session, sql)?);
    Ok(())
}
