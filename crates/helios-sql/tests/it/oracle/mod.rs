//! Random queries with more than one way to their answer, which must be the same.
//!
//! * The row executor and the vector executor answer alike.
//! * *Ternary logic partitioning*: the rows of a query are those where a predicate holds, those where
//!   its negation holds, and those where it is unknown.
//! * *No optimization*: as many rows satisfy a predicate in `WHERE` as have it true in the `SELECT` list.
//!
//! `HELIOS_ORACLE_QUERIES` sets how many queries each test makes, `HELIOS_SEED` the seed. The same
//! queries are made by default.
//!
//! # Source
//! Rigger, Su: "Finding Bugs in Database Systems via Query Partitioning" (OOPSLA 2020); "Detecting
//! Optimization Bugs in Database Engines via Non-Optimizing Reference Engine Construction" (FSE 2020).

mod expr;
mod query;
mod schema;

use fastrand::Rng;
use helios_base::{Error, Result, SqlState, TextContext, Value};
use helios_sql::{Engine, EngineOptions, Session, SessionOptions};

use query::Queries;
use schema::Schema;

/// Queries to one schema.
const PER_SCHEMA: usize = 100;

fn queries() -> usize {
    std::env::var("HELIOS_ORACLE_QUERIES").map_or(3_000, |text| text.parse().expect("a number"))
}

/// The seed where none is given.
const SEED: u64 = 1;

fn seed() -> u64 {
    let seed = std::env::var("HELIOS_SEED").ok();
    let seed = seed.map_or(SEED, |text| text.parse().expect("a number"));
    println!("HELIOS_SEED={seed}");
    seed
}

fn session() -> Result<Session> {
    Engine::open_in_memory(EngineOptions::default())?.session(SessionOptions::default())
}

fn run(session: &mut Session, sql: &str) -> Result<()> {
    session.run_script(sql)?.finish().map(drop)
}

/// The rows as text, sorted.
fn answer(session: &mut Session, sql: &str) -> Result<Vec<String>> {
    let mut rows = session.run_script(sql)?.into_rows().expect("a query");
    let columns = rows.columns().clone();
    let text = TextContext::default();
    let mut lines = Vec::new();
    for row in rows.collect_rows()? {
        let cells = row
            .iter()
            .zip(columns.iter())
            .map(|(value, column)| match value {
                Value::Null => "NULL".to_owned(),
                value => value.to_text(&column.ty, &text),
            });
        lines.push(cells.collect::<Vec<_>>().join("|"));
    }
    lines.sort_unstable();
    Ok(lines)
}

/// What an answer is compared by: rows, or which error. Want of memory is neither.
fn outcome(answer: Result<Vec<String>>) -> Result<std::result::Result<Vec<String>, String>> {
    match answer {
        Err(error) if error.sqlstate() == SqlState::OUT_OF_MEMORY => Err(error),
        answer => Ok(answer.map_err(|error: Error| error.sqlstate().to_string())),
    }
}

/// Runs `check` for so many queries over ever new schemas; shows the first few that differ. A few may
/// need more than `work_mem`.
fn over_schemas(mut check: impl FnMut(&mut Session, &mut Queries<'_>) -> Result<Option<String>>) {
    let mut random = Rng::with_seed(seed());
    let mut differ = Vec::new();
    let (mut made, mut too_large) = (0, 0);
    while made < queries() {
        let schema = Schema::random(&mut random);
        let mut session = session().expect("a session");
        for statement in schema.statements() {
            if let Err(error) = run(&mut session, statement) {
                panic!("{statement}\n{error:?}");
            }
        }
        for _ in 0..PER_SCHEMA.min(queries() - made) {
            made += 1;
            let mut queries = Queries::new(&schema, &mut random);
            match check(&mut session, &mut queries) {
                Ok(None) => {}
                Ok(Some(difference)) => {
                    let script = schema.statements().collect::<Vec<_>>().join(";\n");
                    differ.push(format!("{script};\n{difference}"));
                }
                Err(error) if error.sqlstate() == SqlState::OUT_OF_MEMORY => too_large += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        if differ.len() > 3 {
            break;
        }
    }
    println!("{made} queries, {too_large} of them too large for work_mem");
    assert!(too_large * 100 <= made);
    let count = differ.len();
    differ.truncate(4);
    assert!(
        count == 0,
        "{count} of {made} differ\n{}",
        differ.join("\n\n")
    );
}

#[test]
fn both_executors_give_the_same_answer() {
    over_schemas(|session, queries| {
        let sql = queries.query();
        run(session, "set executor = row")?;
        let by_rows = outcome(answer(session, &sql))?;
        run(session, "set executor = vector")?;
        let in_vectors = outcome(answer(session, &sql))?;
        run(session, "reset executor")?;
        let chosen = outcome(answer(session, &sql))?;
        Ok((by_rows != in_vectors || by_rows != chosen).then(|| {
            format!("{sql};\nrows:    {by_rows:?}\nvectors: {in_vectors:?}\nchosen:  {chosen:?}")
        }))
    });
}

#[test]
fn a_predicate_partitions_the_rows() {
    over_schemas(|session, queries| {
        let (from, predicate) = queries.partitioned();
        let whole = answer(session, &from)?;
        let mut parts = Vec::new();
        for part in [
            format!("{from} where {predicate}"),
            format!("{from} where not ({predicate})"),
            format!("{from} where ({predicate}) is null"),
        ] {
            parts.extend(answer(session, &part)?);
        }
        parts.sort_unstable();
        Ok((whole != parts)
            .then(|| format!("{from} where {predicate};\nwhole: {whole:?}\nparts: {parts:?}")))
    });
}

#[test]
fn optimized_predicates_hold_for_as_many_rows_as_plain_ones() {
    over_schemas(|session, queries| {
        let (from, predicate) = queries.counted();
        let optimized = answer(
            session,
            &format!("select count(*) {from} where {predicate}"),
        )?;
        let plain =
            format!("select count(*) filter (where x) from (select {predicate} as x {from}) q");
        let plain = answer(session, &plain)?;
        Ok((optimized != plain).then(|| {
            format!("select count(*) {from} where {predicate};\n{optimized:?} but {plain:?}")
        }))
    });
}
