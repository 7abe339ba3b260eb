//! Guards against parts of a scan that overlap or leave gaps, spills that lose rows, and statements
//! that cannot be stopped.

use std::time::{Duration, Instant};

use crate::session::{Engine, EngineOptions, Session, SessionOptions};

/// Enough rows for several parts.
const ROWS: i64 = 70_000;

fn session() -> Session {
    let engine = Engine::open_in_memory(EngineOptions::default()).expect("engine opens");
    let mut session = engine.session(SessionOptions::default()).expect("session");
    for statement in [
        "create table big (id int primary key, k int not null, v text)".to_owned(),
        format!(
            "insert into big select g * 3 - 100000, g % 1000, 'value ' || (g * 7919 % 100003) \
             from generate_series(1, {ROWS}) g"
        ),
        "set executor = vector".to_owned(),
    ] {
        session
            .run_script(&statement)
            .and_then(crate::session::Outcome::finish)
            .expect("set-up works");
    }
    session
}

fn rows(session: &mut Session, sql: &str) -> Vec<String> {
    let mut rows = session
        .run_script(sql)
        .expect("statement runs")
        .into_rows()
        .expect("it returns rows");
    let columns = rows.columns().clone();
    let text = helios_base::TextContext::default();
    let mut out = Vec::new();
    while let Some(row) = rows.next_row().expect("row reads") {
        let cells = row.iter().zip(columns.iter());
        let cells: Vec<String> = cells.map(|(v, c)| v.to_text(&c.ty, &text)).collect();
        out.push(cells.join("|"));
    }
    out
}

#[test]
fn parts_cover_the_table_once() {
    let mut session = session();
    let expected = format!(
        "{ROWS}|{ROWS}|{}",
        (1..=ROWS).map(|g| g * 3 - 100_000).sum::<i64>()
    );
    let found = rows(
        &mut session,
        "select count(*), count(distinct id), sum(id) from big",
    );
    assert_eq!(found, [expected]);
    let plan = rows(&mut session, "explain select count(*) from big").join("\n");
    if std::thread::available_parallelism().is_ok_and(|n| n.get() > 1) {
        assert!(plan.contains("parts="), "{plan}");
    }
    // The order of the key holds across parts.
    let ids = rows(&mut session, "select id from big order by id");
    assert_eq!(ids.len() as i64, ROWS);
    assert!(
        ids.windows(2).all(|pair| {
            pair[0].parse::<i64>().expect("id") < pair[1].parse::<i64>().expect("id")
        })
    );
    // Ranges of the key read no more than they must, and miss nothing.
    for (condition, count) in [
        ("id between -50000 and 49999", 33_333),
        ("id > 109998", 1),
        ("id = -99997", 1),
        ("id < -99997", 0),
        ("id >= 0 and id < 0", 0),
    ] {
        let sql = format!("select count(*) from big where {condition}");
        assert_eq!(rows(&mut session, &sql), [count.to_string()], "{condition}");
    }
}

#[test]
fn little_memory_spills_and_loses_nothing() {
    let mut session = session();
    let sql = "select k, md5(v) || repeat(v, 20) as text, id from big order by text, id";
    let roomy = rows(&mut session, sql);
    session
        .run_script("set work_mem = '128kB'")
        .expect("setting exists");
    let tight = rows(&mut session, sql);
    assert_eq!(roomy.len() as i64, ROWS);
    assert!(roomy == tight, "the order differs");
}

#[test]
fn a_statement_can_be_stopped() {
    let mut session = session();
    let handle = session.cancel_handle();
    let started = Instant::now();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        handle.cancel();
    });
    let outcome =
        session.run_script("select count(*) from big a, big b where a.v < b.v and a.k + b.k <> 17");
    let error = match outcome.map(|outcome| outcome.into_rows()) {
        Ok(Some(mut rows)) => rows.collect_rows().expect_err("stopped"),
        Ok(None) => panic!("no rows"),
        Err(error) => error,
    };
    stopper.join().expect("stopper ends");
    assert_eq!(error.sqlstate(), helios_base::SqlState::QUERY_CANCELED);
    assert!(started.elapsed() < Duration::from_secs(10), "too late");
}

/// Prints what a statement costs: `cargo test -p helios-sql --lib -- --ignored --nocapture costs`.
#[test]
#[ignore = "a measurement"]
fn costs() {
    let mut session = session();
    for sql in [
        "select 1",
        "select count(*) from big where id < 0",
        "select k, count(*), sum(id) from big group by k",
        "select v from big where k = 7",
        "select a.k, count(*) from big a join big b on a.id = b.id group by a.k",
    ] {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let started = Instant::now();
            rows(&mut session, sql);
            best = best.min(started.elapsed());
        }
        println!("{best:>12.1?}  {sql}");
    }
}

/// Of joins by comparison whose left side is larger than `work_mem`, the answer is right or there is
/// none: DataFusion would read the left again, from inputs that can be read once.
#[test]
fn joins_by_comparison_outgrow_their_memory() {
    let mut session = session();
    let wide = "select id, max(k) as k, max(repeat(v, 200)) as w from big";
    for join in ["join", "left join", "right join", "full join"] {
        let sql = format!(
            "select count(*), sum(l.k), sum(length(l.w)), sum(r.k), sum(length(r.w)) \
             from ({wide} where id < -70000 group by id) l {join} \
             ({wide} where id > 95000 group by id) r on l.k + r.k > 1990"
        );
        let mut answers = Vec::new();
        for memory in ["1GB", "64kB"] {
            session
                .run_script(&format!("set work_mem = '{memory}'"))
                .and_then(crate::session::Outcome::finish)
                .expect("a setting");
            let answer = session.run_script(&sql).and_then(|outcome| {
                let mut rows = outcome.into_rows().expect("rows");
                let row = rows.next_row()?;
                Ok(format!("{row:?}"))
            });
            match answer {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    assert_eq!(
                        error.sqlstate(),
                        helios_base::SqlState::OUT_OF_MEMORY,
                        "{error}"
                    );
                    assert_eq!(memory, "64kB", "{error}");
                }
            }
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{join}: {answers:?}");
    }
}
