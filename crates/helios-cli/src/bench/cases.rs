//! The cases, one after another.

use std::thread;
use std::time::{Duration, Instant};

use heliosdb::{Error, Result};

use super::{Engine, Line, median, microseconds};
use crate::args::BenchArgs;

/// Rounds of each case; the median counts.
const ROUNDS: usize = 7;

/// Writers at once.
const WRITERS: usize = 8;

type Work<'a> = &'a mut dyn FnMut(&mut dyn Engine, &mut Numbers) -> Result<i64>;

/// Runs every case on both engines.
pub fn all(
    ours: &mut dyn Engine,
    theirs: &mut dyn Engine,
    args: &BenchArgs,
    add: &mut dyn FnMut(Line),
) -> Result<()> {
    let rows = i64::try_from(args.rows).unwrap_or(i64::MAX);
    let per_row = |time: Duration| microseconds(time) / args.rows.max(1) as f64;
    let (a, b) = (timed(|| ours.load(rows))?, timed(|| theirs.load(rows))?);
    same("load", a.1, b.1)?;
    add(Line {
        name: "bulk insert, one transaction",
        unit: "µs/row",
        ours: per_row(a.0),
        theirs: per_row(b.0),
        goal: Some(1.0),
    });
    let (a, b) = (timed(|| ours.index())?, timed(|| theirs.index())?);
    add(Line {
        name: "create index",
        unit: "µs/row",
        ours: per_row(a.0),
        theirs: per_row(b.0),
        goal: None,
    });
    let wanted = |name: &str| args.case.as_ref().is_none_or(|text| name.contains(text));
    let mut case = |name, goal, per_round: usize, work: Work<'_>| -> Result<()> {
        if !wanted(name) {
            return Ok(());
        }
        let (ours, theirs) = rounds(ours, theirs, name, per_round, work)?;
        add(Line {
            name,
            unit: "µs",
            ours,
            theirs,
            goal,
        });
        Ok(())
    };
    case(
        "point select by key",
        Some(0.7),
        20_000,
        &mut |engine, numbers| engine.point(numbers.below(rows)),
    )?;
    case(
        "point select, statement as text",
        None,
        20_000,
        &mut |engine, numbers| engine.point_text(numbers.below(rows)),
    )?;
    case("plan a new statement", None, 500, &mut |engine, numbers| {
        engine.plan(numbers.below(i64::MAX))
    })?;
    case(
        "indexed select, 10 rows",
        None,
        4_000,
        &mut |engine, numbers| engine.group(numbers.below((rows / 10).max(1))),
    )?;
    case(
        "range of 100 by key",
        None,
        1_000,
        &mut |engine, numbers| engine.range(numbers.below((rows - 100).max(1))),
    )?;
    case(
        "scan with filter and aggregate",
        Some(0.5),
        1,
        &mut |engine, _| engine.aggregate(500),
    )?;
    case("update by key", Some(1.2), 2_000, &mut |engine, numbers| {
        engine.update(numbers.below(rows))
    })?;
    // Every row can be deleted once: each call takes the next one from the end.
    let mut next = (rows, rows);
    let mut turn = false;
    let mut per_turn = 0;
    case("delete by key", Some(1.2), 2_000, &mut |engine, _| {
        let place = if turn { &mut next.1 } else { &mut next.0 };
        *place -= 1;
        let id = *place;
        per_turn += 1;
        if per_turn == 2_000 {
            per_turn = 0;
            turn = !turn;
        }
        engine.delete(id.max(0))
    })?;
    let durable = args.commits.max(1);
    let half = rows / 2;
    if wanted("durable commit, 1 thread") {
        let (a, b) = one_writer(ours, theirs, durable, half)?;
        add(Line {
            name: "durable commit, 1 thread",
            unit: "µs",
            ours: a,
            theirs: b,
            goal: Some(1.1),
        });
    }
    if wanted("durable commit, 8 threads") {
        let a = many_writers(ours, durable, half)?;
        let b = many_writers(theirs, durable, half)?;
        add(Line {
            name: "durable commit, 8 threads",
            unit: "µs",
            ours: a,
            theirs: b,
            goal: Some(0.2),
        });
    }
    Ok(())
}

/// Both engines by turns; microseconds per operation, the median round.
fn rounds(
    ours: &mut dyn Engine,
    theirs: &mut dyn Engine,
    name: &str,
    per_round: usize,
    work: Work<'_>,
) -> Result<(f64, f64)> {
    let mut times = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let mut sums = [0_i64; 2];
        for (place, sum) in sums.iter_mut().enumerate() {
            let engine: &mut dyn Engine = if place == 0 { &mut *ours } else { &mut *theirs };
            let mut numbers = Numbers(round as u64 + 1);
            engine.begin()?;
            let started = Instant::now();
            for _ in 0..per_round {
                *sum = sum.wrapping_add(work(engine, &mut numbers)?);
            }
            let took = started.elapsed();
            engine.commit()?;
            // The first round warms up.
            if round > 0 {
                if place == 0 {
                    times.0.push(took)
                } else {
                    times.1.push(took)
                }
            }
        }
        same(name, sums[0], sums[1])?;
    }
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = |time: Duration| microseconds(time) / per_round as f64;
    Ok((each(median(&mut times.0)), each(median(&mut times.1))))
}

fn one_writer(
    ours: &mut dyn Engine,
    theirs: &mut dyn Engine,
    commits: u64,
    rows: i64,
) -> Result<(f64, f64)> {
    let mut times = (Vec::new(), Vec::new());
    let per_round = (commits / ROUNDS as u64).max(1);
    for round in 0..ROUNDS {
        for place in 0..2 {
            let engine: &mut dyn Engine = if place == 0 { &mut *ours } else { &mut *theirs };
            let mut numbers = Numbers(round as u64 + 100);
            let started = Instant::now();
            for _ in 0..per_round {
                engine.durable(numbers.below(rows))?;
            }
            let took = started.elapsed();
            if place == 0 {
                times.0.push(took)
            } else {
                times.1.push(took)
            }
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = |time: Duration| microseconds(time) / per_round as f64;
    Ok((each(median(&mut times.0)), each(median(&mut times.1))))
}

/// Wall microseconds per commit with all writers at once.
fn many_writers(engine: &mut dyn Engine, commits: u64, rows: i64) -> Result<f64> {
    let per_writer = (commits / WRITERS as u64).max(1);
    let mut connections = Vec::new();
    for _ in 0..WRITERS {
        connections.push(engine.connect()?);
    }
    let started = Instant::now();
    let ended: Vec<Result<()>> = thread::scope(|scope| {
        let handles: Vec<_> = connections
            .into_iter()
            .enumerate()
            .map(|(writer, mut connection)| {
                scope.spawn(move || {
                    let mut numbers = Numbers(writer as u64 + 1000);
                    for _ in 0..per_writer {
                        connection.durable(numbers.below(rows))?;
                    }
                    Ok(())
                })
            })
            .collect();
        let join = |handle: thread::ScopedJoinHandle<'_, Result<()>>| {
            handle
                .join()
                .unwrap_or_else(|_| Err(Error::internal("a writer panicked")))
        };
        handles.into_iter().map(join).collect()
    });
    let took = started.elapsed();
    ended.into_iter().collect::<Result<()>>()?;
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(microseconds(took) / (per_writer * WRITERS as u64) as f64)
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(Duration, T)> {
    let started = Instant::now();
    let done = work()?;
    Ok((started.elapsed(), done))
}

fn same(name: &str, ours: i64, theirs: i64) -> Result<()> {
    if ours == theirs {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{name}: HeliosDB answers {ours}, SQLite {theirs}"
    )))
}

/// A small generator (SplitMix64), so that both engines meet the same keys.
pub struct Numbers(u64);

impl Numbers {
    /// Begins with a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 up to, not including, `limit`.
    pub fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        i64::try_from(bits % u64::try_from(limit.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}
