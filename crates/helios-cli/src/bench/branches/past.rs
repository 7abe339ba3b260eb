//! Reading the past beside reading the present.

use std::path::Path;
use std::time::Instant;

use heliosdb::{Connection, Result, Statement};

use super::clock::median;
use super::figure::{Figure, Figures, Goal, Than};
use super::world::{World, one, point, signed};
use crate::args::BranchBenchArgs;
use crate::bench::cases::Numbers;
use crate::bench::{microseconds, milliseconds};

const VERSIONS: [usize; 3] = [0, 1, 20];
const ROUNDS: usize = 7;
const READS: usize = 10_000;

pub fn measure(folder: &Path, args: &BranchBenchArgs, figures: &mut Figures) -> Result<()> {
    // Twenty versions of a tenth of the rows are twice as many as all.
    let rows = (args.rows / 10).max(100);
    let mut world = World::create(folder)?;
    for versions in VERSIONS {
        let table = format!("past{versions}");
        world.load(&table, rows)?;
        let then = world.scn()?;
        for _ in 0..versions {
            world.run(&format!("UPDATE {table} SET amount = amount + 1"))?;
        }
        // As the background leaves it: in the file, long histories bundled.
        world.run("VACUUM")?;
        world.run("CHECKPOINT")?;
        points(&mut world, &table, versions, then, signed(rows), figures)?;
        scans(&mut world, &table, versions, then, figures)?;
    }
    Ok(())
}

fn points(
    world: &mut World,
    table: &str,
    versions: usize,
    then: i64,
    rows: i64,
    figures: &mut Figures,
) -> Result<()> {
    let connection = &mut world.main;
    let now = format!("SELECT amount, name FROM {table} WHERE id = $1");
    let past = format!("SELECT amount, name FROM {table} AS OF SCN {then} WHERE id = $1");
    let statements = [connection.prepare(&now)?, connection.prepare(&past)?];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (statement, times) in statements.iter().zip(&mut times) {
            let took = many(connection, statement, round as u64 + 1, rows)?;
            if round > 0 {
                times.push(took);
            }
        }
    }
    let [mut now, mut past] = times;
    figures.add(&Figure {
        name: format!("AS OF point read, {versions} versions ago"),
        unit: "µs",
        ours: median(&mut past),
        than: Than::Own(median(&mut now)),
        goal: Some(Goal::Times(2.0)),
    });
    Ok(())
}

fn many(connection: &mut Connection, statement: &Statement, seed: u64, rows: i64) -> Result<f64> {
    let mut numbers = Numbers::new(seed);
    let started = Instant::now();
    for _ in 0..READS {
        point(connection, statement, numbers.below(rows))?;
    }
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    Ok(microseconds(started.elapsed()) / READS as f64)
}

fn scans(
    world: &mut World,
    table: &str,
    versions: usize,
    then: i64,
    figures: &mut Figures,
) -> Result<()> {
    let of = |past: &str| format!("SELECT sum(amount + grp)::bigint FROM {table} {past}");
    let queries = [of(""), of(&format!("AS OF SCN {then}"))];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=ROUNDS {
        for (query, times) in queries.iter().zip(&mut times) {
            let started = Instant::now();
            let _: i64 = one(&mut world.main, query)?;
            if round > 0 {
                times.push(milliseconds(started.elapsed()));
            }
        }
    }
    let [mut now, mut past] = times;
    figures.add(&Figure {
        name: format!("AS OF scan, {versions} versions ago"),
        unit: "ms",
        ours: median(&mut past),
        than: Than::Own(median(&mut now)),
        goal: Some(Goal::Times(2.0)),
    });
    Ok(())
}
