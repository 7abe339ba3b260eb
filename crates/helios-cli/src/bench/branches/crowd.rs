//! Many branches at once, written by many.

use std::path::Path;
use std::thread;
use std::time::Instant;

use heliosdb::{Connection, Error, Result};

use super::clock::median;
use super::figure::{Figure, Figures, Than};
use super::world::{World, expect, one, signed};
use crate::args::BranchBenchArgs;
use crate::bench::cases::Numbers;
use crate::bench::microseconds;

const WRITERS: usize = 8;
const UPDATE: &str = "UPDATE bench SET amount = amount + 1 WHERE id = $1";
const TOTAL: &str = "SELECT sum(amount)::bigint FROM bench";

pub fn measure(folder: &Path, args: &BranchBenchArgs, figures: &mut Figures) -> Result<()> {
    let rows = (args.rows / 100).max(1000);
    let mut world = World::create(folder)?;
    world.load("bench", rows)?;
    let start: i64 = one(&mut world.main, TOTAL)?;
    let branches = usize::try_from(args.branches)
        .unwrap_or(usize::MAX)
        .max(WRITERS);
    for n in 0..branches {
        world.run(&format!("CREATE BRANCH c{n} FROM main"))?;
    }
    let commits = usize::try_from(args.commits)
        .unwrap_or(usize::MAX)
        .max(WRITERS);
    let rows = signed(rows);
    let alone: Vec<_> = (0..WRITERS)
        .map(|_| Ok(vec![world.on("main")?]))
        .collect::<Result<_>>()?;
    let on_main = write(alone, commits, rows)?;
    let mut crowd: Vec<Vec<Connection>> = (0..WRITERS).map(|_| Vec::new()).collect();
    let mut first = Vec::new();
    for n in 0..branches {
        let started = Instant::now();
        let mut connection = world.on(&format!("c{n}"))?;
        // Changes nothing, and makes the plan.
        connection.execute(UPDATE, (-1_i64,))?;
        first.push(microseconds(started.elapsed()));
        if let Some(writer) = crowd.get_mut(n % WRITERS) {
            writer.push(connection);
        }
    }
    figures.add(&Figure {
        name: "connection to a branch and its first statement".to_owned(),
        unit: "µs",
        ours: median(&mut first),
        than: Than::Nothing,
        goal: None,
    });
    let on_branches = write(crowd, commits, rows)?;
    figures.add(&Figure {
        name: format!("durable commit, {WRITERS} writers, {branches} branches open"),
        unit: "µs",
        ours: on_branches,
        than: Than::Own(on_main),
        goal: None,
    });
    // Each commit added one to one row of one branch.
    let all = commits / WRITERS * WRITERS;
    let mut sum = 0;
    for n in 0..branches {
        sum += one::<i64>(&mut world.on(&format!("c{n}"))?, TOTAL)? - start;
    }
    expect("commits on branches", sum, signed(all as u64))
}

/// Wall microseconds per commit with all writers at once; each takes its connections in turn.
fn write(writers: Vec<Vec<Connection>>, commits: usize, rows: i64) -> Result<f64> {
    let each = (commits / writers.len().max(1)).max(1);
    let all = each * writers.len();
    let started = Instant::now();
    let ended: Vec<Result<()>> = thread::scope(|scope| {
        let handles: Vec<_> = writers
            .into_iter()
            .enumerate()
            .map(|(writer, connections)| {
                scope.spawn(move || work(connections, writer as u64, each, rows))
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
    Ok(microseconds(took) / all as f64)
}

fn work(mut connections: Vec<Connection>, seed: u64, commits: usize, rows: i64) -> Result<()> {
    let mut numbers = Numbers::new(seed + 1);
    let count = connections.len().max(1);
    for n in 0..commits {
        let id = numbers.below(rows);
        if let Some(connection) = connections.get_mut(n % count) {
            connection.execute(UPDATE, (id,))?;
        }
    }
    Ok(())
}
